"""What can stand between a PO and its order: other prices, other offers, units, ages, an order that is there already.

Amazon's offers are those of the world; a situation moves the price or the offer that the PO was approved with.
"""

from datetime import timedelta
from decimal import Decimal

from sandbox.scenarios.amounts import to_cents
from sandbox.scenarios.buying import Buying, OpenPurchase
from sandbox.seed import Fate, Json

GREW_A_LITTLE = Decimal("1.01")
GREW_A_LOT = Decimal("1.30")
MINIMUM_AGE = 18


def _approved_at_share(buying: Buying, purchase: OpenPurchase, growth: Decimal) -> dict[str, str]:
    """The first line was approved when the offer was cheaper: it has grown by `growth` since."""
    line = purchase.lines[0]
    offer = buying.shop.offer(line.article)
    changed = purchase.change(line.number, price=to_cents(offer.price / growth))
    return {"line": line.number, "approved_price": str(changed.price), "offer_price": str(offer.price)}


def several_sellers(buying: Buying, purchase: OpenPurchase) -> None:
    """Lines of two sellers: Amazon makes two orders of it."""
    buying.state(purchase, "several_sellers", "ordered", orders="2")


def price_within_ceiling(buying: Buying, purchase: OpenPurchase) -> None:
    facts = _approved_at_share(buying, purchase, GREW_A_LITTLE)
    buying.state(purchase, "price_within_ceiling", "ordered", **facts)


def price_over_ceiling(buying: Buying, purchase: OpenPurchase) -> None:
    facts = _approved_at_share(buying, purchase, GREW_A_LOT)
    buying.state(purchase, "price_over_ceiling", "held", **facts)


def offer_gone_same_seller(buying: Buying, purchase: OpenPurchase) -> None:
    """The approved offer has ended; the same seller sells at the same price under another one."""
    line = purchase.lines[0]
    purchase.change(line.number, aux_part=buying.shop.retired(line.article))
    buying.state(
        purchase, "offer_gone_same_seller", "ordered", line=line.number, offer=buying.shop.offer(line.article).id
    )


def offer_gone(buying: Buying, purchase: OpenPurchase) -> None:
    """The approved offer has ended and everything that is left costs far more."""
    facts = _approved_at_share(buying, purchase, GREW_A_LOT)
    line = purchase.lines[0]
    purchase.change(line.number, aux_part=buying.shop.retired(line.article))
    buying.state(purchase, "offer_gone", "held", **facts)


def cart_id(buying: Buying, purchase: OpenPurchase) -> None:
    """The punchout left the id of its cart, which names no offer."""
    cart = f"cart-{buying.random.getrandbits(64):016x}"
    for line in list(purchase.lines):
        purchase.change(line.number, aux_part=cart)
    buying.state(purchase, "cart_id", "ordered", cart=cart)


def pack_mismatch(buying: Buying, purchase: OpenPurchase) -> None:
    """The PO asks for single pieces of what Amazon sells by the pack of twelve."""
    line = purchase.lines[0]
    purchase.change(line.number, unit="EA")
    buying.state(purchase, "pack_mismatch", "held", line=line.number)


def short_units(buying: Buying, purchase: OpenPurchase) -> None:
    """One unit of the first line is to be had, the others are not."""
    line = purchase.lines[0]
    purchase.fate = Fate(short={line.number: line.quantity - 1})
    buying.state(purchase, "short_units", "ordered_in_part", line=line.number, available="1")


def _too_young() -> list[Json]:
    return [
        {"rejectionArtifactType": "AgeRestriction", "minimumAge": MINIMUM_AGE},
        {"rejectionArtifactType": "RejectionMessage", "message": "The buyer must confirm the recipient's age."},
    ]


def refused_line(buying: Buying, purchase: OpenPurchase) -> None:
    """One line needs a proof of age, the others are accepted."""
    line = purchase.lines[0]
    purchase.fate = Fate(refused={line.number: _too_young()})
    buying.state(purchase, "refused_line", "ordered_in_part", line=line.number)


def all_refused(buying: Buying, purchase: OpenPurchase) -> None:
    """Not one line is accepted: there is no order."""
    gone: list[Json] = [
        {"rejectionArtifactType": "RejectionMessage", "message": "This item cannot be delivered to the address."}
    ]
    purchase.fate = Fate(refused={line.number: gone for line in purchase.lines})
    buying.state(purchase, "all_refused", "refused")


def fifty_one_lines(buying: Buying, purchase: OpenPurchase) -> None:
    """One line more than an order may have: two orders under one PO number."""
    buying.state(purchase, "fifty_one_lines", "ordered", orders_at_least="2")


def ordered_elsewhere(buying: Buying, purchase: OpenPurchase) -> None:
    """Somebody placed the order at Amazon by hand, under this PO number, two hours before `now`."""
    order = buying.place_order(purchase, buying.now - timedelta(hours=2))
    buying.ship_order(order, buying.now + timedelta(days=1))
    buying.state(purchase, "ordered_elsewhere", "skipped", order=order.order_id)
