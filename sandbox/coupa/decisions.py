"""What people decide: approve, reject or hold, and what that does to the document.

Only the approval whose turn it is can be acted on; the last one approves the document, any rejection rejects it. On a
held invoice the people added by hand decide whether the breach is accepted.
"""

from collections.abc import Callable, Mapping

from sandbox.coupa import approvals, order_changes, requisitions
from sandbox.coupa.errors import invalid
from sandbox.coupa.instance import API_USER_ID, Instance
from sandbox.coupa.matching import begin_approval, set_status
from sandbox.coupa.schema import Record


def act(instance: Instance, row: Record, event: str, reason: str | None, *, by: int = API_USER_ID) -> Record:
    """approve, reject or hold an approval whose turn it is; 400 otherwise, and where the document refuses the verdict.
    `by` is the user who acts: over the API its own user, in Coupa's pages the approver."""
    if row["status"] not in (approvals.CURRENT, approvals.HELD):
        raise invalid(approvals.MODEL, f"Cannot {event} an approval that is {row['status']}")
    approvable = approvals.BY_KIND[row["approvable-type"]]
    document = approvable.document(instance, row["approvable-id"])
    if event == "hold":
        instance.change("approvals", row, status=approvals.HELD, note=reason)
        return row
    before = dict(row)
    status = approvals.REJECTED if event == "reject" else approvals.APPROVED
    instance.change("approvals", row, status=status, note=reason, approval_date=instance.now(), approved_by=by)
    if event == "reject":
        approvals.cancel(instance, approvable, document)
    elif approvals.next_turn(instance, approvable, document):
        return row
    try:
        SETTLE[approvable.kind](instance, document, status, reason)
    except Exception:
        instance.table("approvals").update(row, before)
        approvals.next_turn(instance, approvable, document)
        raise
    return row


def settle_invoice(instance: Instance, invoice: Record, verdict: str, reason: str | None) -> None:
    """The chain has spoken. On a held invoice an approval accepts the breach and the ordinary chain follows."""
    if verdict == "rejected":
        set_status(instance, invoice, "rejected")
    elif invoice["status"] == "on_hold":
        accept_breaches(instance, invoice)
        begin_approval(instance, invoice)
    else:
        set_status(instance, invoice, "approved")


def accept_breaches(instance: Instance, invoice: Record) -> None:
    for failed in invoice["failed-tolerances"]:
        instance.change("failed_tolerances", failed, resolved=True)


SETTLE: Mapping[str, Callable[[Instance, Record, str, str | None], None]] = {
    "InvoiceHeader": settle_invoice,
    "RequisitionHeader": requisitions.settle,
    "OrderHeaderChange": order_changes.settle,
}
