"""A group on its way to becoming a Coupa document, and the keys it will be known by."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from procurement.documents import PurchaseOrder
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Group
from procurement.pipelines.amazon_invoices_to_coupa.identity import Identity
from procurement.pipelines.amazon_invoices_to_coupa.lines import Line, ResolvedLine
from procurement.policy_files import RolloutRule

PIPELINE = "amazon_invoices_to_coupa"
CREATE, SUBMIT, COMMENT = "create_invoice", "submit_invoice", "comment_on_invoice"
ADD_APPROVER, DISPUTE, OPEN_RUN, ALERT = "add_approver", "dispute_invoice", "open_exception_run", "alert_exception"
COMMENT_ON_DIFFERENCE = "comment_on_difference"  # where no match of ours is concerned
TASK, UPDATE_ALERT = "create_task", "update_exception"
CLOSE, RESOLVE, CLOSE_TASK = "close_exception", "resolve_exception", "close_task"  # once the exception is settled
REVALIDATE = "revalidate_invoice"
ON_HOLD = "on_hold"


@dataclass(frozen=True, slots=True)
class Draft:
    """A group with its number, date, lines, and how far it may go. `total` is Amazon's own: the sum of its
    transactions' `amount`, which the document must come to. Its lines all bill a PO (`ordered`), or none does."""

    group: Group
    identity: Identity
    lines: Sequence[Line]
    rollout: RolloutRule
    total: Money = field(init=False)
    ordered: Sequence[ResolvedLine] = field(init=False)

    def __post_init__(self) -> None:
        totals = [candidate.total for candidate in self.group.candidates]
        object.__setattr__(self, "total", Money.sum(totals, totals[0].currency))
        object.__setattr__(self, "ordered", [line for line in self.lines if isinstance(line, ResolvedLine)])

    @property
    def supplier(self) -> str:
        """The Coupa supplier that stands for Amazon Business: the PO's, without a PO the account's."""
        return self.lines[0].supplier

    @property
    def orders(self) -> dict[str, PurchaseOrder]:
        return {line.order.number: line.order for line in self.ordered}


def delivery_id(business_key: str) -> str:
    """Ours, stable over restarts: the same invoice always carries the same id."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PIPELINE}/{CREATE}/{business_key}"))


def business_key(instance: str, supplier: str, number: str) -> str:
    """One Coupa document: the instance, the supplier's number, the invoice number as printed."""
    return f"{instance}/{supplier}/{number}"


def number_of(business_key: str) -> str:
    """The invoice number in it."""
    return business_key.split("/", 2)[-1]
