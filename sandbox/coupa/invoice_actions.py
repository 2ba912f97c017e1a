"""Every action on an invoice, and the state machine that says when it is allowed.

`ALLOWED` is the whole machine's left-hand side; the right-hand side is either fixed or what matching decides.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.coupa import approvals, chains, comments, decisions
from sandbox.coupa.approvals import INVOICE
from sandbox.coupa.errors import invalid
from sandbox.coupa.incoming import read_document, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.invoices import MODEL, check_complete
from sandbox.coupa.matching import proceed, set_status
from sandbox.coupa.references import find_reference
from sandbox.coupa.schema import Record
from sandbox.coupa.totals import compute_totals

ALLOWED: Mapping[str, tuple[str, ...]] = {
    "submit": ("draft", "ap_hold"),
    "void": ("draft", "pending_receipt", "approved"),
    "abandon": ("draft", "ap_hold", "on_hold", "disputed", "rejected"),
    "dispute": ("ap_hold", "on_hold", "pending_approval", "pending_receipt", "rejected"),
    "withdraw_dispute": ("disputed",),
    "revalidate_tolerances": ("on_hold", "pending_receipt"),
    "restart_approvals": ("pending_approval",),
    "add_approver": ("pending_approval", "on_hold", "ap_hold"),
    "remove_approval": ("pending_approval", "on_hold", "ap_hold"),
    "bypass_approvals": ("pending_approval", "on_hold"),
    "bypass_current_approval": ("pending_approval",),
    "update_line_accounts": ("draft", "ap_hold", "on_hold", "pending_receipt", "pending_approval", "pending_action"),
}


def act_on_invoice(instance: Instance, invoice: Record, action: str, body: Any) -> Record:
    """Refuses with 400 what the machine does not allow; otherwise the invoice as it is afterwards."""
    given = read_document(instance, "invoices", body)
    if invoice["status"] not in ALLOWED[action]:
        raise invalid(MODEL, f"Cannot {action.replace('_', ' ')} an invoice that is {invoice['status']}")
    ACTIONS[action](instance, invoice, given)
    return invoice


def _submit(instance: Instance, invoice: Record, given: Record) -> None:
    check_complete(instance, invoice)
    supplier = instance.table("suppliers").rows[invoice["supplier"]]
    if invoice["status"] == "draft" and supplier["hold-invoices-for-ap-review"]:
        set_status(instance, invoice, "ap_hold")
    else:
        proceed(instance, invoice)


def _void(instance: Instance, invoice: Record, given: Record) -> None:
    approvals.cancel(instance, INVOICE, invoice)
    set_status(instance, invoice, "voided")
    instance.change("invoices", invoice, canceled=True, exported=False)


def _abandon(instance: Instance, invoice: Record, given: Record) -> None:
    approvals.cancel(instance, INVOICE, invoice)
    set_status(instance, invoice, "abandoned")
    if given.get("abandon-reason"):
        instance.change("invoices", invoice, abandon_reason=given["abandon-reason"])


def _dispute(instance: Instance, invoice: Record, given: Record) -> None:
    try:
        reason = find_reference(instance, "dispute_reasons", given.get("dispute-reason"))
    except ValueError as problem:
        raise invalid(MODEL, f"Dispute reason {problem}") from None
    if not reason["active"]:
        raise invalid(MODEL, f"Dispute reason {reason['code']} is not active")
    approvals.cancel(instance, INVOICE, invoice)
    set_status(instance, invoice, "disputed")
    instance.change("invoices", invoice, dispute_reasons=[reason["code"]], dispute_method="manual")
    text = str(given.get("comment") or "")
    comments.add(
        instance, "InvoiceHeader", invoice["id"], text or reason["code"], to_supplier=True, reason_code=reason["code"]
    )
    supplier = instance.table("suppliers").rows[invoice["supplier"]]
    contact = supplier.get("primary-contact") or {}
    subject = f"Invoice {invoice['invoice-number']} is disputed: {reason['code']}"
    person = {"id": None, "email": contact.get("email") or supplier.get("po-email")}
    instance.notify(person, subject, text, document=f"InvoiceHeader/{invoice['id']}")


def _withdraw_dispute(instance: Instance, invoice: Record, given: Record) -> None:
    approvals.start(instance, INVOICE, invoice, chains.of_invoice(instance, invoice, forced=True))
    set_status(instance, invoice, "pending_approval")


def _restart_approvals(instance: Instance, invoice: Record, given: Record) -> None:
    approvals.start(instance, INVOICE, invoice, chains.of_invoice(instance, invoice, forced=True))


def _add_approver(instance: Instance, invoice: Record, given: Record) -> None:
    try:
        person = find_reference(instance, "users", given.get("approver"))
    except ValueError as problem:
        raise invalid(MODEL, f"Approver {problem}") from None
    approvals.add(instance, INVOICE, invoice, approvals.Step(person, approvals.BY_HAND))


def _remove_approval(instance: Instance, invoice: Record, given: Record) -> None:
    approvals.remove(instance, INVOICE, invoice, approvals.find_open(instance, INVOICE, invoice, given.get("approval")))
    if invoice["status"] == "pending_approval" and not approvals.of_document(
        instance, INVOICE, invoice, *approvals.OPEN
    ):
        set_status(instance, invoice, "approved")


def _bypass_approvals(instance: Instance, invoice: Record, given: Record) -> None:
    approvals.cancel(instance, INVOICE, invoice)
    decisions.accept_breaches(instance, invoice)
    set_status(instance, invoice, "approved")


def _bypass_current_approval(instance: Instance, invoice: Record, given: Record) -> None:
    decisions.act(instance, approvals.find_open(instance, INVOICE, invoice, None), "approve", "Bypassed")


def _update_line_accounts(instance: Instance, invoice: Record, given: Record) -> None:
    rows = [
        {key: row[key] for key in ("id", "account", "account-allocations") if key in row}
        for row in given.get("invoice-lines") or []
    ]
    if not rows or not all(row.get("id") for row in rows):
        raise invalid(MODEL, "Invoice lines must each name their id")
    update(instance, "invoices", invoice, {"invoice-lines": rows})
    compute_totals(instance, invoice)


def _revalidate(instance: Instance, invoice: Record, given: Record) -> None:
    proceed(instance, invoice)


ACTIONS: Mapping[str, Callable[[Instance, Record, Record], None]] = {
    "submit": _submit,
    "void": _void,
    "abandon": _abandon,
    "dispute": _dispute,
    "withdraw_dispute": _withdraw_dispute,
    "revalidate_tolerances": _revalidate,
    "restart_approvals": _restart_approvals,
    "add_approver": _add_approver,
    "remove_approval": _remove_approval,
    "bypass_approvals": _bypass_approvals,
    "bypass_current_approval": _bypass_current_approval,
    "update_line_accounts": _update_line_accounts,
}
