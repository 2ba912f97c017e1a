"""What the feed leaves out and other transactions of the ledger tell: the shipment of a line, and whose a credit memo is.

Every field of Amazon's feed is optional. A line without a shipment cannot be asked about; it is asked about by the shipments
of its own charges. A refund without a number may be any credit memo that its order line has; those of other refunds are not
its own.
"""

from collections.abc import Iterable, Iterator, Sequence

from connectors.amazon_business.payloads import OrderLineKey, TransactionLineItem
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Group
from procurement.pipelines.amazon_invoices_to_coupa.identity import Claims
from procurement.pipelines.amazon_invoices_to_coupa.movements import (
    Moved,
    OrderTransactions,
    by_order_line,
    movements,
)
from procurement.refunds import Movement


def fill_gaps(groups: Iterable[Group], sold: OrderTransactions) -> Moved:
    """Lends each line without a shipment those of its charges. Returns what moved on the orders of which the feed says too
    little: one read of the ledger, which most batches do not need."""
    short = [group for group in groups if not group.names_shipments or is_unnumbered_refund(group)]
    orders = sorted({str(line.order_id) for group in short for line in lines_of(group)})
    moved = by_order_line(movements(sold(orders))) if orders else {}
    for group in short:
        for line in lines_of(group):
            if line.key is None:
                group.lent.extend(dict.fromkeys(_charged(line, moved)))
    return moved


def claims_on(group: Group, moved: Moved) -> Claims:
    """What other refunds leave of the credit memos of the group's order lines."""
    own = {candidate.record.key for candidate in group.candidates}
    others = [
        one for line in lines_of(group) for one in _of(line, moved)
        if one.is_refund and one.key not in own and _may_share(one, line)
    ]  # fmt: skip
    return Claims(frozenset(one.number for one in others if one.number), any(one.number is None for one in others))


def is_unnumbered_refund(group: Group) -> bool:
    return not group.number and group.is_credit_note


def lines_of(group: Group) -> list[TransactionLineItem]:
    return [line for candidate in group.candidates for line in candidate.lines]


def _charged(line: TransactionLineItem, moved: Moved) -> Iterator[OrderLineKey]:
    for one in _of(line, moved):
        if not one.is_refund and one.shipment_id:
            yield OrderLineKey(one.order_id, one.order_line_id, one.shipment_id)


def _of(line: TransactionLineItem, moved: Moved) -> Sequence[Movement]:
    return moved.get((str(line.order_id), str(line.order_line_item_id)), ())


def _may_share(other: Movement, line: TransactionLineItem) -> bool:
    """A memo that Amazon gives for one shipment of the line is no other shipment's."""
    return not (other.shipment_id and line.shipment_id) or other.shipment_id == line.shipment_id
