"""Things that happen at Amazon, on demand: `POST /_sandbox/events/{name}`.

Bodies use the wire's names (`orderId`, `orderLineItemId`, ...). Each event changes documents from this moment on and
returns what it changed; a body that names something unknown is refused (LookupError, ValueError) and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.amazon import billing
from sandbox.amazon.amounts import (
    number_money,
    read_amount,
    read_quantity,
    scaled_charges,
)
from sandbox.amazon.state import AmazonState
from sandbox.clock import write_moment
from sandbox.seed import Json, Timed


@dataclass(frozen=True, slots=True)
class Event:
    text: str
    run: Callable[[AmazonState, Json], Any]


def run_event(state: AmazonState, name: str, body: Json) -> Any:
    return EVENTS[name].run(state, body)


def _order(state: AmazonState, body: Json) -> Timed:
    rows = state.of_order("orders", str(body.get("orderId")))
    if not rows:
        raise LookupError(f"no order {body.get('orderId')!r}")
    return rows[0]


def _lines(state: AmazonState, body: Json) -> list[Timed]:
    """The line that the body names, or all lines of its order."""
    wanted = body.get("orderLineItemId")
    rows = state.of_order("order_lines", str(body.get("orderId")))
    rows = [row for row in rows if wanted is None or row.document["orderLineItemId"] == wanted]
    if not rows:
        raise LookupError(f"no order line {body.get('orderId')!r} {wanted!r}")
    return rows


def _now(state: AmazonState, row: Timed) -> Json:
    document = row.at(state.now())
    if document is None:
        raise LookupError("that document does not exist yet")
    return document


def _unshipped(state: AmazonState, line: Json) -> int:
    name, line_id = line["orderMetadata"]["orderId"], line["orderLineItemId"]
    rows = state.of_order("shipment_lines", name)
    parcels = [document for row in rows if (document := row.at(state.now())) is not None]
    shipped = sum(int(one["quantity"]) for one in parcels if one["orderLineItemId"] == line_id)
    return int(line["quantity"]) - shipped


def ship(state: AmazonState, body: Json) -> Json:
    lines = [_now(state, row) for row in _lines(state, body)]
    parcels = [(line, read_quantity(body, left)) for line in lines if (left := _unshipped(state, line)) > 0]
    for line, quantity in parcels:
        if quantity > _unshipped(state, line):
            raise ValueError(f"line {line['orderLineItemId']} has only {_unshipped(state, line)} units left to ship")
    if not parcels:
        raise ValueError("nothing is left to ship")
    shipment_id = str(body.get("shipmentId") or f"4{len(state.seed.shipments):014d}")
    for line, quantity in parcels:
        state.add_report("shipment_lines", _shipment_line(state, line, shipment_id, quantity))
    charges = [scaled_charges(line["charges"], _share(line, quantity)) for line, quantity in parcels]
    return state.add_report("shipments", _shipment(state, _now(state, _order(state, body)), shipment_id, charges))


def _share(line: Json, quantity: int) -> Decimal:
    return Decimal(quantity) / Decimal(line["quantity"])


def _shipment_line(state: AmazonState, line: Json, shipment_id: str, quantity: int) -> Json:
    kept = ("orderMetadata", "purchaseOrderNumber", "orderLineItemId", "purchaseOrderLineItemNumber", "productDetails")
    return {name: line[name] for name in kept if name in line} | {
        "shipmentMetadata": {"shipmentId": shipment_id, "shipmentDate": write_moment(state.now())},
        "quantity": quantity,
        "charges": scaled_charges(line["charges"], _share(line, quantity)),
        "carrierName": "AMZN_US",
        "packages": [{"trackingId": f"TBA{shipment_id[-12:]}", "packageId": "1"}],
    }


def _shipment(state: AmazonState, order: Json, shipment_id: str, charges: list[list[Json]]) -> Json:
    now = write_moment(state.now())
    sums: dict[str, Decimal] = {}
    for charge in (charge for line in charges for charge in line):
        sums[charge["type"]] = sums.get(charge["type"], Decimal(0)) + Decimal(str(charge["amount"]["amount"]))
    currency = charges[0][0]["amount"]["currencyCode"]
    address = next((row.document["shippingAddress"] for row in state.seed.shipments), None)
    return {name: order[name] for name in ("orderMetadata", "purchaseOrderNumber") if name in order} | {
        "shipmentMetadata": {"shipmentId": shipment_id, "shipmentDate": now},
        "shipmentStatus": "SHIPPED",
        "deliveryInfo": {"expectedDeliveryDate": now, "status": "NOT_DELIVERED"},
        "charges": [{"type": kind, "amount": number_money(amount, currency)} for kind, amount in sums.items()],
        "shippingAddress": address or {
            "fullName": "Receiving Dock", "addressLine1": "1 Example Way", "city": "Austin", "stateOrRegion": "TX",
            "postalCode": "78701", "countryCode": "US",
        },
    }  # fmt: skip


def deliver(state: AmazonState, body: Json) -> list[Json]:
    order, wanted = _order(state, body), body.get("shipmentId")
    rows = [
        row
        for row in state.of_order("shipments", str(body["orderId"]))
        if row.at(state.now()) is not None
        and (wanted is None or row.document["shipmentMetadata"]["shipmentId"] == wanted)
    ]
    if not rows:
        raise LookupError(f"no shipment {wanted!r} of order {body['orderId']!r}")
    changed = [
        state.change(row, deliveryInfo={**_now(state, row)["deliveryInfo"], "status": "DELIVERED"}) for row in rows
    ]
    if not any(_unshipped(state, _now(state, row)) for row in _lines(state, {"orderId": body["orderId"]})):
        state.change(order, orderStatus="CLOSED")
    return changed


def cancel(state: AmazonState, body: Json) -> Json:
    """A cancelled order reads CANCELLED with zero totals; a line in part keeps its order and loses units and charges."""
    order = _order(state, body)
    if body.get("orderLineItemId") is None:
        charges = scaled_charges(_now(state, order)["charges"], Decimal(0))
        return state.change(order, orderStatus="CANCELLED", charges=charges)
    row = _lines(state, body)[0]
    line = _now(state, row)
    quantity = read_quantity(body, line["quantity"])
    if quantity > line["quantity"]:
        raise ValueError(f"quantity is {quantity}; the line has {line['quantity']} units")
    left = line["quantity"] - quantity
    return state.change(row, quantity=left, charges=scaled_charges(line["charges"], _share(line, left)))


def reprice(state: AmazonState, body: Json) -> Json:
    row = _lines(state, body)[0]
    line = _now(state, row)
    price, old = read_amount(body.get("unitPrice"), "unitPrice"), line["unitPrice"]
    before = read_amount(old["amount"], "unitPrice")
    if not before:
        raise ValueError("the line has no price to change")
    charges = scaled_charges(line["charges"], price / before)
    return state.change(row, unitPrice=number_money(price, old["currencyCode"]), charges=charges)


def duplicate(state: AmazonState, body: Json) -> Json:
    transaction = state.find_transaction(str(body.get("transactionId")))
    state.duplicated.add(transaction.document["transactionId"])
    return transaction.document


def reorder(state: AmazonState, body: Json) -> Json:
    state.reversed = bool(body.get("reversed", True))
    return {"reversed": state.reversed}


EVENTS = {
    "ship": Event(
        "ship what is left, or `quantity` of one line: orderId, orderLineItemId?, quantity?, shipmentId?", ship
    ),
    "deliver": Event("a shipment (all, if none is named) arrives: orderId, shipmentId?", deliver),
    "cancel": Event("an order, or `quantity` of a line: orderId, orderLineItemId?, quantity?", cancel),
    "reprice": Event("a line's unit price and charges change: orderId, orderLineItemId, unitPrice", reprice),
    "charge": Event(
        "a transaction enters the feed: transaction (whole), or orderId, orderLineItemId, quantity?, shipmentId?, "
        "invoiceNumber? (none: it comes later), paymentInstrumentType?",
        billing.charge,
    ),
    "refund": Event(
        "a REFUND of a charge: transactionId, quantity?, share? (0 to 1), invoiceNumber? (credit memo), refundReason?, "
        "transactionType?",
        billing.refund,
    ),
    "issue_invoice": Event("a charge gets its number: transactionId, invoiceNumber", billing.issue_invoice),
    "duplicate": Event("a transaction appears twice in its page from now on: transactionId", duplicate),
    "reorder": Event("the feed comes newest first from now on: reversed? (true)", reorder),
}
