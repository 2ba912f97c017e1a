"""What people decide: approve, reject or hold, and what that does to the invoice.

Only the approval whose turn it is can be acted on; the last one approves the invoice, any rejection rejects it. On a
held invoice the people added by hand decide whether the breach is accepted.
"""

from sandbox.coupa import approvals
from sandbox.coupa.errors import invalid
from sandbox.coupa.instance import API_USER_ID, Instance
from sandbox.coupa.matching import set_status
from sandbox.coupa.schema import Record


def act(instance: Instance, row: Record, event: str, reason: str | None) -> Record:
    """approve, reject or hold an approval whose turn it is; 400 otherwise."""
    if row["status"] not in (approvals.CURRENT, approvals.HELD):
        raise invalid(approvals.MODEL, f"Cannot {event} an approval that is {row['status']}")
    invoice = instance.table("invoices").rows[row["approvable-id"]]
    done = {"note": reason, "approval_date": instance.now(), "approved_by": API_USER_ID}
    if event == "hold":
        instance.change("approvals", row, status=approvals.HELD, note=reason)
    elif event == "reject":
        instance.change("approvals", row, status=approvals.REJECTED, **done)
        approvals.cancel(instance, invoice)
        settle(instance, invoice, "rejected")
    else:
        instance.change("approvals", row, status=approvals.APPROVED, **done)
        if not approvals.next_turn(instance, invoice):
            settle(instance, invoice, "approved")
    return row


def settle(instance: Instance, invoice: Record, verdict: str) -> None:
    """The chain has spoken. On a held invoice an approval accepts the breach and the ordinary chain follows."""
    if verdict == "rejected":
        set_status(instance, invoice, "rejected")
    elif invoice["status"] == "on_hold":
        accept_breaches(instance, invoice)
        set_status(instance, invoice, "pending_approval" if approvals.start(instance, invoice) else "approved")
    else:
        set_status(instance, invoice, "approved")


def accept_breaches(instance: Instance, invoice: Record) -> None:
    for failed in invoice["failed-tolerances"]:
        instance.change("failed_tolerances", failed, resolved=True)
