"""Open purchases in Coupa's wire form: what a requester submits, and what people do to it at their moments.

Coupa makes the PO itself when the last approval is given, under the number that the requisition asks for.
"""

from collections.abc import Iterator

from sandbox.scenarios.buying import Buying, OpenLine, OpenPurchase
from sandbox.scenarios.coding import CHART, commodity_for
from sandbox.scenarios.reference_data import PAYMENT_TERM, SUPPLIER
from sandbox.seed import CoupaEvent, Json, World

SELLER_FIELD = "ab-seller"  # the custom field in which the punchout keeps who sells the line


def add_buying(world: World, buying: Buying, story: OpenPurchase | None = None) -> World:
    """The world with the open purchases in it; `facts["buying"]` says what was planted, `facts["story"]` which PO goes
    the whole way."""
    world.coupa.records += buying.records
    world.coupa.events += sorted(
        (event for purchase in buying.purchases for event in purchase_events(purchase)), key=lambda event: event.at
    )
    world.amazon.fates |= {one.number: one.fate for one in buying.purchases if one.fate is not None}
    world.facts["buying"] = buying.facts()
    if story is not None:
        world.facts["story"] = story.number
    return world


def purchase_events(purchase: OpenPurchase) -> Iterator[CoupaEvent]:
    yield CoupaEvent("submit_requisition", requisition_body(purchase), purchase.submitted_at)
    if purchase.approved_at is not None:
        yield CoupaEvent("approve", {"req-title": purchase.title}, purchase.approved_at)
    yield from purchase.events


def requisition_body(purchase: OpenPurchase) -> Json:
    """What a POST of the requisition carries: prices as the punchout brought them back."""
    return {
        "req-title": purchase.title,
        "external-po-reference": purchase.number,
        "requested-by": {"login": purchase.requester.login},
        "department": {"name": purchase.requester.department},
        "ship-to-address": {"location-code": purchase.ship_to},
        "justification": "From the Amazon Business punchout",
        "requisition-lines": [_line(purchase, line) for line in purchase.lines],
    }


def _line(purchase: OpenPurchase, line: OpenLine) -> Json:
    return {
        "line-num": int(line.number),
        "line-type": "RequisitionQuantityLine",
        "description": line.article.title,
        "source-part-num": line.article.asin,
        "supp-aux-part-num": line.aux_part,
        "quantity": str(line.quantity),
        "unit-price": str(line.price),
        "currency": {"code": "USD"},
        "uom": {"code": line.unit},
        "supplier": {"number": SUPPLIER},
        "payment-term": {"code": PAYMENT_TERM},
        "commodity": {"name": commodity_for(line.article.unspsc)},
        "account": {"code": line.account, "account-type": {"name": CHART}},
        "custom-fields": {SELLER_FIELD: line.seller},
    }
