"""What becomes of an order after it is accepted: shipments, delays, cancellations, returns and refunds.

Each function gives the PO a fate whose steps unfold in the ten days after the order is placed.
"""

from decimal import Decimal

from sandbox.scenarios.amounts import to_cents
from sandbox.scenarios.buying import Buying, OpenPurchase
from sandbox.seed import Fate, FateStep

SHIPPED, ARRIVED = 22, 52  # hours after ordering, where nothing else is said
RETURN_REASON = "Customer return"
GOODWILL_REASON = "Goodwill"
FAILED_REASON = "Undelivered shipment"


def step(after: float, event: str, line: str | None = None, quantity: int | None = None, **body: object) -> FateStep:
    """`after` in hours; what else is given is the event's body."""
    return FateStep(after, event, line, quantity, dict(body))


def arrives() -> list[FateStep]:
    return [step(SHIPPED, "ship"), step(ARRIVED, "deliver")]


def two_shipments(buying: Buying, purchase: OpenPurchase) -> None:
    """The first line ships at once, the others six days later: two receipts, two invoices."""
    first, *rest = purchase.lines
    steps = [step(SHIPPED, "ship", first.number), step(ARRIVED, "deliver")]
    steps += [step(SHIPPED + 6 * 24, "ship", line.number) for line in rest] + [step(ARRIVED + 6 * 24, "deliver")]
    purchase.fate = Fate(steps=steps)
    buying.state(purchase, "two_shipments", "received_whole", shipments="2")


def late_delivery(buying: Buying, purchase: OpenPurchase) -> None:
    """The expected date moves twice, the carrier says delayed, then it arrives."""
    purchase.fate = Fate(
        steps=[
            step(SHIPPED, "ship"),
            step(70, "delay", hours=72),
            step(140, "delay", hours=48),
            step(190, "deliver"),
        ]
    )
    buying.state(purchase, "late_delivery", "received_whole")


def cancelled_before_shipping(buying: Buying, purchase: OpenPurchase) -> None:
    purchase.fate = Fate(steps=[step(10, "cancel")])
    buying.state(purchase, "cancelled_before_shipping", "cancelled")


def partly_cancelled(buying: Buying, purchase: OpenPurchase) -> None:
    """One unit of the first line is cancelled, the rest ships."""
    line = purchase.lines[0]
    purchase.fate = Fate(steps=[step(12, "cancel", line.number, 1), *arrives()])
    buying.state(purchase, "partly_cancelled", "received_in_part", line=line.number, cancelled="1")


def cancelled_after_charge(buying: Buying, purchase: OpenPurchase) -> None:
    """Charged, then cancelled before it leaves; the money comes back."""
    purchase.fate = Fate(
        steps=[step(8, "charge"), step(30, "cancel"), step(54, "refund", refundReason="Order cancelled")]
    )
    buying.state(purchase, "cancelled_after_charge", "cancelled_and_refunded")


def undeliverable(buying: Buying, purchase: OpenPurchase) -> None:
    """The carrier cannot deliver it; Amazon refunds it."""
    purchase.fate = Fate(
        steps=[step(SHIPPED, "ship"), step(96, "undeliverable"), step(140, "refund", refundReason=FAILED_REASON)]
    )
    buying.state(purchase, "undeliverable", "nothing_received")


def returned_goods(buying: Buying, purchase: OpenPurchase) -> None:
    """It arrives, is sent back, and is refunded as a return."""
    purchase.fate = Fate(steps=[*arrives(), step(150, "return_goods"), step(190, "refund", refundReason=RETURN_REASON)])
    buying.state(purchase, "returned_goods", "receipt_reversed")


def goodwill_refund(buying: Buying, purchase: OpenPurchase) -> None:
    """A tenth of the price comes back; the goods stay."""
    purchase.fate = Fate(steps=[*arrives(), step(120, "refund", share="0.1", refundReason=GOODWILL_REASON)])
    buying.state(purchase, "goodwill_refund", "received_whole")


def price_changed(buying: Buying, purchase: OpenPurchase) -> None:
    """Amazon changes the first line's price after it accepted the order."""
    line = purchase.lines[0]
    price = to_cents(line.price * Decimal("1.02"))
    purchase.fate = Fate(steps=[step(6, "reprice", line.number, unitPrice=str(price)), *arrives()])
    buying.state(purchase, "price_changed", "received_whole", line=line.number, price=str(price))


def two_packages_apart(buying: Buying, purchase: OpenPurchase) -> None:
    """One shipment in two packages, which arrive three days apart."""
    purchase.fate = Fate(
        steps=[
            step(SHIPPED, "ship", packages=2),
            step(ARRIVED, "deliver", packageId="1"),
            step(ARRIVED + 72, "deliver", packageId="2"),
        ]
    )
    buying.state(purchase, "two_packages_apart", "received_once", packages="2")


def partial_po_receipt(buying: Buying, purchase: OpenPurchase) -> None:
    """All lines but the last arrive; that one ships on the tenth day and is on its way."""
    *first, last = purchase.lines
    steps = [step(SHIPPED, "ship", line.number) for line in first]
    purchase.fate = Fate(steps=[*steps, step(ARRIVED, "deliver"), step(235, "ship", last.number)])
    buying.state(purchase, "partial_po_receipt", "received_in_part", open_line=last.number)


def over_shipment(buying: Buying, purchase: OpenPurchase) -> None:
    """One unit more than ordered is shipped of the first line."""
    line, *rest = purchase.lines
    steps = [step(SHIPPED, "ship", line.number, line.quantity + 1)]
    steps += [step(SHIPPED, "ship", other.number) for other in rest]
    purchase.fate = Fate(steps=[*steps, step(ARRIVED, "deliver")])
    buying.state(purchase, "over_shipment", "over_receipt", line=line.number, shipped=str(line.quantity + 1))


def story(buying: Buying, purchase: OpenPurchase) -> None:
    """An ordinary PO of two lines in two shipments, received and invoiced within five days."""
    first, second = purchase.lines
    purchase.fate = Fate(
        steps=[
            step(16, "ship", first.number),
            step(38, "deliver"),
            step(64, "ship", second.number),
            step(92, "deliver"),
        ]
    )
    buying.state(purchase, "plain_purchase", "received_and_matched", shipments="2")
