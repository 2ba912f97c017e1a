"""What deviates in the world of an order report: Coupa's side only, so that Amazon's money stays the report's.

Each kind takes its share of the orders with a PO, at least one while there are any that suit; no order has two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.purchases import Purchase
from sandbox.scenarios.report_orders import add_po_line
from sandbox.scenarios.situations import charges, deliveries, invoice_numbers, references


def no_receipt(draft: Draft, purchase: Purchase) -> None:
    """Nobody ever posted a receipt."""
    for shipment in purchase.shipments:
        shipment.receipts.clear()
    draft.state("no_receipt", purchase)


def line_not_received(draft: Draft, purchase: Purchase) -> None:
    """One of several lines was never received."""
    receipts = next(shipment.receipts for shipment in reversed(purchase.shipments) if shipment.receipts)
    gone = receipts.pop()
    draft.state("line_not_received", purchase, line=gone.po_line.number)


def article_not_on_po(draft: Draft, purchase: Purchase) -> None:
    """The PO line was free text: it carries no ASIN."""
    line = purchase.lines[0].po_line
    assert line
    line.without_part_number = True
    draft.state("article_not_on_po", purchase, line=line.number)


def two_way_line(draft: Draft, purchase: Purchase) -> None:
    """The PO asks for no receipt, and there is none."""
    for line in purchase.lines:
        assert line.po_line
        line.po_line.match_type = "2-way"
    for shipment in purchase.shipments:
        shipment.receipts.clear()
    draft.state("two_way_line", purchase)


def _has_price(purchase: Purchase) -> bool:
    return bool(purchase.shipments) and purchase.lines[0].unit_price >= 1 and purchase.lines[0].quantity > 0


def _is_shipped(purchase: Purchase) -> bool:
    return bool(purchase.shipments)


def _has_receipts(purchase: Purchase) -> bool:
    return any(shipment.receipts for shipment in purchase.shipments)


def _received_in_parts(purchase: Purchase) -> bool:
    return any(receipt.quantity > 1 for shipment in purchase.shipments for receipt in shipment.receipts)


def _several_received(purchase: Purchase) -> bool:
    return sum(len(shipment.receipts) for shipment in purchase.shipments) > 1


def _is_plain(purchase: Purchase) -> bool:
    """What a clerk can key line by line: quantity x price and tax, nothing else."""
    charged = [parcel for charge in purchase.charges[:1] for parcel in charge.parcels]
    return bool(charged) and all(
        one.amounts.principal == one.line.unit_price * one.quantity and not one.amounts.shipping for one in charged
    )


@dataclass(frozen=True, slots=True)
class Deviation:
    apply: Callable[[Draft, Purchase], None]
    share: Decimal
    suits: Callable[[Purchase], bool]


DEVIATIONS = (
    Deviation(
        deliveries.quantity_over_order,
        Decimal("0.01"),
        lambda one: _is_shipped(one) and deliveries.has_line_of_several(one),
    ),
    Deviation(deliveries.quantity_over_receipt, Decimal("0.01"), _received_in_parts),
    Deviation(deliveries.partial_receipt, Decimal("0.01"), _received_in_parts),
    Deviation(line_not_received, Decimal("0.03"), _several_received),
    Deviation(charges.price_over_po, Decimal("0.10"), _has_price),
    Deviation(charges.price_under_po, Decimal("0.04"), _has_price),
    Deviation(no_receipt, Decimal("0.04"), _has_receipts),
    Deviation(deliveries.late_receipt, Decimal("0.04"), _has_receipts),
    Deviation(references.no_po_line, Decimal("0.04"), _is_shipped),
    Deviation(article_not_on_po, Decimal("0.03"), _is_shipped),
    Deviation(two_way_line, Decimal("0.02"), _has_receipts),
    Deviation(invoice_numbers.keyed_by_clerk, Decimal("0.03"), _is_plain),
)


def plant_deviations(draft: Draft, purchases: list[Purchase]) -> None:
    """The scarce kinds choose first."""
    pool = draft.random.sample(purchases, len(purchases))
    total = len(pool)
    for deviation in DEVIATIONS:
        count = max(1, int((total * deviation.share).quantize(Decimal(1), ROUND_HALF_UP)))
        for purchase in [one for one in pool if deviation.suits(one)][:count]:
            pool.remove(purchase)
            deviation.apply(draft, purchase)
    pairs = [one for one in pool if _is_shipped(one)]
    if len(pairs) > 1:
        two_orders_on_one_po(draft, *sorted(pairs[:2], key=lambda one: one.ordered_at))


def two_orders_on_one_po(draft: Draft, first: Purchase, second: Purchase) -> None:
    """The later order's lines stand on the earlier order's PO."""
    assert first.po
    if first.marketplace is not second.marketplace:
        return
    second.po, second.po_number, second.cost_center = first.po, first.po_number, first.cost_center
    for line in second.lines:
        line.po_line_number = None
        add_po_line(first.po, line)
    for shipment in second.shipments:
        at = max(receipt.at for receipt in shipment.receipts)
        shipment.receipts = draft.receipts(shipment, at)
    draft.state("two_orders_on_one_po", first, second_order=second.order_id)
