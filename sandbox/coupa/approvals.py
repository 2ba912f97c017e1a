"""Approvals of invoices: a chain of people, in order, one at a time.

The chain is the instance's `invoice_approvers`; a supplier whose invoices must be approved gets the requester when the
chain is empty. What a decision does to the invoice is told in `decisions.py`.
"""

from typing import Any

from sandbox.coupa.errors import invalid
from sandbox.coupa.instance import API_USER_ID, Instance
from sandbox.coupa.schema import Record

MODEL = "approval"
CURRENT, LATER, HELD, APPROVED, REJECTED, CANCELLED = (
    "pending_approval",
    "pending",
    "on_hold",
    "approved",
    "rejected",
    "cancelled",
)
OPEN = (CURRENT, LATER, HELD)


def of_invoice(instance: Instance, invoice: Record, *statuses: str) -> list[Record]:
    rows = instance.table("approvals").by("approvable-id", invoice["id"])
    wanted = [
        row for row in rows if row["approvable-type"] == "InvoiceHeader" and (not statuses or row["status"] in statuses)
    ]
    return sorted(wanted, key=lambda row: (row["position"], row["id"]))


def start(instance: Instance, invoice: Record, *, forced: bool = False) -> bool:
    """Builds the chain; False when nobody need approve. `forced` finds somebody in any case."""
    cancel(instance, invoice)
    users = instance.table("users")
    people = [row for login in instance.invoice_approvers for row in users.by("login", login)]
    supplier = instance.get("suppliers", invoice["supplier"]) or {}
    if not people and (forced or supplier.get("send-invoices-to-approvals")):
        people = [users.rows[invoice["requested-by"] or API_USER_ID]]
    for person in people:
        add(instance, invoice, person)
    return bool(people)


def add(instance: Instance, invoice: Record, person: Record, *, manual: bool = False) -> Record:
    """One more approval at the end; it is that person's turn when nobody stands before them."""
    waiting = of_invoice(instance, invoice, *OPEN)
    now = instance.now()
    row = instance.table("approvals").add({
        "created-at": now, "updated-at": now, "created-by": API_USER_ID, "updated-by": API_USER_ID,
        "approvable-id": invoice["id"],
        "approvable-type": "InvoiceHeader", "approval-chain-id": None if manual else 1, "approval-date": None,
        "approved-by": None,
        "approver": person["id"], "approver-id": person["id"], "approver-type": "User", "holdable": True, "note": None,
        "position": (waiting[-1]["position"] if waiting else 0) + 1, "status": LATER if waiting else CURRENT,
        "type": "UserApproval" if manual else "ApprovalChainApproval",
    })  # fmt: skip
    if not waiting:
        _tell(instance, invoice, row)
    return row


def cancel(instance: Instance, invoice: Record) -> None:
    for row in of_invoice(instance, invoice, *OPEN):
        instance.change("approvals", row, status=CANCELLED)


def remove(instance: Instance, invoice: Record, row: Record) -> None:
    instance.change("approvals", row, status=CANCELLED)
    next_turn(instance, invoice)


def next_turn(instance: Instance, invoice: Record) -> bool:
    """Hands the turn on; False when the chain is at its end."""
    waiting = of_invoice(instance, invoice, *OPEN)
    if not waiting:
        return False
    if waiting[0]["status"] == LATER:
        instance.change("approvals", waiting[0], status=CURRENT)
        _tell(instance, invoice, waiting[0])
    return True


def _tell(instance: Instance, invoice: Record, row: Record) -> None:
    person = instance.table("users").rows[row["approver"]]
    instance.notify(
        person,
        f"Invoice {invoice['invoice-number']} awaits your approval",
        "Please approve or reject.",
        document=f"InvoiceHeader/{invoice['id']}",
    )


def find_open(instance: Instance, invoice: Record, given: Any) -> Record:
    """The open approval a body names by id, or the current one; 400 when there is none."""
    wanted = given.get("id") if isinstance(given, dict) else given
    for row in of_invoice(instance, invoice, *OPEN):
        if wanted is None or row["id"] == wanted:
            return row
    raise invalid(MODEL, "Approval can't be found among the open approvals of this invoice")
