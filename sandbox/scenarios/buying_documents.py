"""Open purchases in Coupa's wire form: what a requester submits, and what people do to it at their moments.

Coupa makes the PO itself when the last approval is given, under the number that the requisition asks for.
"""

from collections.abc import Iterator
from datetime import datetime

from sandbox.scenarios.buying import Buying, OpenLine, OpenPurchase
from sandbox.scenarios.coding import CHART, commodity_for
from sandbox.scenarios.finishing import SET_UP_BEFORE
from sandbox.scenarios.reference_data import PAYMENT_TERM, SUPPLIER
from sandbox.seed import CoupaEvent, CoupaRecord, Json, World

SELLER_FIELD = "ab-seller"  # the custom field in which the punchout keeps who sells the line


def add_buying(world: World, buying: Buying, story: OpenPurchase | None = None) -> World:
    """The world with the open purchases in it; `facts["buying"]` says what was planted, `facts["story"]` which PO goes
    the whole way."""
    _set_up_before(world, min(purchase.submitted_at for purchase in buying.purchases))
    world.coupa.records += buying.records
    world.coupa.records += [placed_record(purchase) for purchase in buying.purchases if purchase.placed_as]
    world.coupa.events += sorted(
        (event for purchase in buying.purchases for event in purchase_events(purchase)), key=lambda event: event.at
    )
    world.amazon.fates |= {one.number: one.fate for one in buying.purchases if one.fate is not None}
    world.facts["buying"] = buying.facts()
    if story is not None:
        world.facts["story"] = story.number
    return world


def _set_up_before(world: World, first: datetime) -> None:
    """What a company keeps in Coupa is there before the first requisition."""
    set_up = min(record.at for record in world.coupa.records)
    if first <= set_up:
        for record in world.coupa.records:
            record.at = first - SET_UP_BEFORE if record.at == set_up else record.at


def purchase_events(purchase: OpenPurchase) -> Iterator[CoupaEvent]:
    if purchase.placed_as:
        return
    yield CoupaEvent("submit_requisition", requisition_body(purchase), purchase.submitted_at)
    if purchase.approved_at is not None:
        yield CoupaEvent("approve", {"req-title": purchase.title}, purchase.approved_at)
    yield from purchase.events


def placed_record(purchase: OpenPurchase) -> CoupaRecord:
    """The PO of an order that an earlier run placed, with its approved requisition and what was written back."""
    assert purchase.approved_at is not None
    approver = {"login": purchase.requester.manager}
    asked = requisition_body(purchase)
    body: Json = {
        "po-number": purchase.number, "status": "issued", "supplier": {"number": SUPPLIER},
        "currency": {"code": "USD"}, "payment-term": {"code": PAYMENT_TERM}, "payment-method": "invoice",
        "ship-to-user": asked["requested-by"], "ship-to-address": asked["ship-to-address"],
        "transmission-status": "pending_manual", "exported": True,
        "custom-fields": {"ab-order-ids": purchase.placed_as, "ab-order-status": "Order Placed"},
        "requisition-header": {
            **asked, "status": "ordered", "submitted-at": purchase.submitted_at.isoformat(),
            "approvals": [{"approver": approver, "approved-by": approver, "approval-date": purchase.approved_at.isoformat()}],
        },
        "order-lines": [_order_line(purchase, line) for line in purchase.lines],
    }  # fmt: skip
    return CoupaRecord("purchase_orders", body, purchase.approved_at)


def _order_line(purchase: OpenPurchase, line: OpenLine) -> Json:
    asked = _line(purchase, line)
    kept = (
        "description",
        "source-part-num",
        "supp-aux-part-num",
        "quantity",
        "currency",
        "uom",
        "commodity",
        "account",
    )
    written = {"ab-accepted-quantity": str(line.quantity), "ab-accepted-price": str(line.price)}
    return {name: asked[name] for name in kept} | {
        "line-num": line.number, "type": "OrderQuantityLine", "price": str(line.price),
        "account-type": {"name": CHART}, "supplier-order-number": purchase.placed_as,
        "custom-fields": {**asked["custom-fields"], **written},
    }  # fmt: skip


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
