"""Things that happen at Amazon, on demand: `POST /_sandbox/events/{name}`.

Bodies use the wire's names (`orderId`, `orderLineItemId`, ...). Each event changes documents from this moment on and
returns what it changed; a body that names something unknown is refused (LookupError, ValueError) and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.amazon import billing, ids, offers, parcels
from sandbox.amazon.amounts import charges_between, number_money, read_amount, read_quantity, scaled_charges
from sandbox.amazon.state import AmazonState
from sandbox.clock import read_moment, write_moment
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


def shipped_units(state: AmazonState, line: Json) -> int:
    """Units of an order line that have left by now."""
    rows = state.of_order("shipment_lines", line["orderMetadata"]["orderId"])
    sent = [document for row in rows if (document := row.at(state.now())) is not None]
    return sum(int(one["quantity"]) for one in sent if one["orderLineItemId"] == line["orderLineItemId"])


def unshipped_units(state: AmazonState, line: Json) -> int:
    return int(line["quantity"]) - shipped_units(state, line)


def ship(state: AmazonState, body: Json) -> Json:
    order = _now(state, _order(state, body))
    if order["orderStatus"] == "CANCELLED":
        raise ValueError("the order is cancelled")
    lines = [_now(state, row) for row in _lines(state, body)]
    sent = [(line, read_quantity(body, left)) for line in lines if (left := unshipped_units(state, line)) > 0]
    for line, quantity in sent:
        if quantity > unshipped_units(state, line) and not body.get("over"):
            left = unshipped_units(state, line)
            raise ValueError(f"line {line['orderLineItemId']} has only {left} units left to ship")
    if not sent:
        raise ValueError("nothing is left to ship")
    packages = read_quantity({"quantity": body.get("packages", 1)}, 1)
    shipment_id = str(body.get("shipmentId") or next_shipment(state, order["orderMetadata"]["orderId"]))
    parts = [_shipment_line(state, line, shipment_id, quantity, packages=packages) for line, quantity in sent]
    for part in parts:
        state.add_report("shipment_lines", part)
    return state.add_report("shipments", _shipment(state, order, shipment_id, [part["charges"] for part in parts]))


def next_shipment(state: AmazonState, order_id: str) -> str:
    """The id that the order's next shipment will have."""
    if state.placed_order(order_id) is None:
        return f"4{len(state.seed.shipments):014d}"
    return ids.shipment_id(state, order_id, len(state.of_order("shipments", order_id)) + 1)


def _share(line: Json, quantity: int) -> Decimal:
    return Decimal(quantity) / Decimal(line["quantity"])


def _shipment_line(state: AmazonState, line: Json, shipment_id: str, quantity: int, *, packages: int) -> Json:
    kept = ("orderMetadata", "purchaseOrderNumber", "orderLineItemId", "purchaseOrderLineItemNumber", "productDetails")
    before, left = shipped_units(state, line), unshipped_units(state, line)
    order = _now(state, state.of_order("orders", line["orderMetadata"]["orderId"])[0])
    customer = order.get("buyingCustomer")
    return {name: line[name] for name in kept if name in line} | {
        "shipmentMetadata": {"shipmentId": shipment_id, "shipmentDate": write_moment(state.now())},
        "quantity": quantity,
        "charges": charges_between(line["charges"], before, before + min(quantity, left), whole=line["quantity"]),
        "carrierName": "AMZN_US",
        "packages": [
            {"trackingId": ids.tracking_id(state, shipment_id, number), "packageId": str(number)}
            for number in range(1, packages + 1)
        ],
        **({"receivingInfo": {"customer": customer, "status": "PENDING", "quantity": 0}} if customer else {}),
    }


def _shipment(state: AmazonState, order: Json, shipment_id: str, charges: list[list[Json]]) -> Json:
    now = write_moment(state.now())
    sums: dict[str, Decimal] = {}
    for charge in (charge for line in charges for charge in line):
        sums[charge["type"]] = sums.get(charge["type"], Decimal(0)) + Decimal(str(charge["amount"]["amount"]))
    currency = charges[0][0]["amount"]["currencyCode"]
    placed = state.placed_order(order["orderMetadata"]["orderId"])
    address = next((row.document["shippingAddress"] for row in state.seed.shipments), None)
    expected = max(state.now(), read_moment(placed["promised"][1])) if placed else state.now()
    return {name: order[name] for name in ("orderMetadata", "purchaseOrderNumber") if name in order} | {
        "shipmentMetadata": {"shipmentId": shipment_id, "shipmentDate": now},
        "shipmentStatus": "SHIPPED",
        "deliveryInfo": {"expectedDeliveryDate": write_moment(expected), "status": "NOT_DELIVERED"},
        "charges": [{"type": kind, "amount": number_money(amount, currency)} for kind, amount in sums.items()],
        "shippingAddress": (placed["shipTo"] if placed else None) or address or {
            "fullName": "Receiving Dock", "addressLine1": "1 Example Way", "city": "Austin", "stateOrRegion": "TX",
            "postalCode": "78701", "countryCode": "US",
        },
    }  # fmt: skip


def deliver(state: AmazonState, body: Json) -> list[Json]:
    """Whole shipments, or one `packageId`: a shipment reads DELIVERED when its last package has arrived."""
    order = _order(state, body)
    changed = parcels.deliver(state, body)
    _close_when_done(state, order)
    return changed


def _close_when_done(state: AmazonState, order: Timed) -> None:
    """Nothing is left to ship, and what was shipped has arrived."""
    name = order.document["orderMetadata"]["orderId"]
    lines = [_now(state, row) for row in state.of_order("order_lines", name)]
    shipments = [one for row in state.of_order("shipments", name) if (one := row.at(state.now())) is not None]
    arrived = shipments and all(one["deliveryInfo"]["status"] == "DELIVERED" for one in shipments)
    if arrived and not any(unshipped_units(state, line) > 0 for line in lines):
        state.change(order, orderStatus="CLOSED")


def start_fulfilment(state: AmazonState, body: Json) -> Json:
    order = _order(state, body)
    if _now(state, order)["orderStatus"] != "PAYMENT_CONFIRMED":
        raise ValueError("the order is not waiting for its fulfilment")
    return state.change(order, orderStatus="PENDING_FULFILLMENT")


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
    changed = state.change(row, quantity=left, charges=scaled_charges(line["charges"], _share(line, left)))
    _add_up(state, order)
    _close_when_done(state, order)
    return changed


def _add_up(state: AmazonState, order: Timed) -> None:
    """The order's charges are those of its lines; without any unit left it is cancelled."""
    lines = [_now(state, row) for row in state.of_order("order_lines", order.document["orderMetadata"]["orderId"])]
    sums: dict[str, Decimal] = {}
    for charge in (charge for line in lines for charge in line["charges"]):
        sums[charge["type"]] = sums.get(charge["type"], Decimal(0)) + Decimal(str(charge["amount"]["amount"]))
    currency = lines[0]["unitPrice"]["currencyCode"]
    total = sums.pop("NET_TOTAL", Decimal(0))
    rows = [*sums.items(), ("NET_TOTAL", total)]
    charges = [{"type": kind, "amount": number_money(amount, currency)} for kind, amount in rows]
    status = {} if any(line["quantity"] for line in lines) else {"orderStatus": "CANCELLED"}
    state.change(order, charges=charges, **status)


def reprice(state: AmazonState, body: Json) -> Json:
    row = _lines(state, body)[0]
    line = _now(state, row)
    price, old = read_amount(body.get("unitPrice"), "unitPrice"), line["unitPrice"]
    before = read_amount(old["amount"], "unitPrice")
    if not before:
        raise ValueError("the line has no price to change")
    charges = scaled_charges(line["charges"], price / before)
    changed = state.change(row, unitPrice=number_money(price, old["currencyCode"]), charges=charges)
    _add_up(state, _order(state, body))
    return changed


def certify_seller(state: AmazonState, body: Json) -> Json:
    """Amazon shows a seller as it is now, on the lines of old orders too."""
    name, kind = body.get("seller"), str(body.get("certificateType") or "")
    shown = [row for row in state.seed.order_lines if row.at(state.now()) is not None]
    rows = [row for row in shown if (row.document.get("seller") or {}).get("name") == name]
    if not rows:
        raise LookupError(f"no order line of a seller {name!r}")
    if not kind:
        raise ValueError("certificateType is missing")
    given = (("agencyName", "agencyName"), ("expires", "certificateExpirationDate"))
    agency = {wire: str(body[ours]) for ours, wire in given if body.get(ours)}
    detail = {"certificateType": kind, "certifyingAgenciesDetails": [agency] if agency else []}
    for row in rows:
        seller = _now(state, row)["seller"]
        held = seller.get("credentials") or {}
        details = [one for one in held.get("details") or () if one["certificateType"] != kind]
        types = list(dict.fromkeys([*(held.get("types") or ()), kind]))
        state.change(row, seller={**seller, "credentials": {"types": types, "details": [*details, detail]}})
    return {"seller": name, "orderLines": len(rows)}


def duplicate(state: AmazonState, body: Json) -> Json:
    transaction = state.find_transaction(str(body.get("transactionId")))
    state.duplicated.add(transaction.document["transactionId"])
    return transaction.document


def reorder(state: AmazonState, body: Json) -> Json:
    state.reversed = bool(body.get("reversed", True))
    return {"reversed": state.reversed}


EVENTS = {
    "ship": Event(
        "ship what is left, or `quantity` of one line: orderId, orderLineItemId?, quantity?, shipmentId?, packages?",
        ship,
    ),
    "deliver": Event(
        "a shipment (all, if none is named) or a package arrives: orderId, shipmentId?, packageId?", deliver
    ),
    "start_fulfilment": Event("a placed order's payment is settled: orderId", start_fulfilment),
    **{name: Event(text, run) for name, (text, run) in parcels.EVENTS.items()},
    "cancel": Event("an order, or `quantity` of a line: orderId, orderLineItemId?, quantity?", cancel),
    "reprice": Event("a line's unit price and charges change: orderId, orderLineItemId, unitPrice", reprice),
    "charge": Event(
        "a transaction enters the feed: transaction (whole), or orderId, orderLineItemId? (none: the whole shipment), "
        "quantity?, shipmentId?, "
        "invoiceNumber? (none: it comes later), paymentInstrumentType?",
        billing.charge,
    ),
    "refund": Event(
        "a REFUND of a charge: transactionId, orderLineItemId? (as in the charge), quantity?, share? (0 to 1), "
        "invoiceNumber? (credit memo), refundReason?, transactionType?",
        billing.refund,
    ),
    "issue_invoice": Event("a charge gets its number: transactionId, invoiceNumber", billing.issue_invoice),
    "reprice_offer": Event("an offer's price changes: offerId, price", offers.reprice_offer),
    "withdraw_offer": Event("an offer is gone: offerId", offers.withdraw_offer),
    "add_offer": Event("a product has one more offer: asin, offer (in Product Search's form)", offers.add_offer),
    "certify_seller": Event(
        "a seller gains a certificate, or renews it: seller (name), certificateType, agencyName?, expires?",
        certify_seller,
    ),
    "duplicate": Event("a transaction appears twice in its page from now on: transactionId", duplicate),
    "reorder": Event("the feed comes newest first from now on: reversed? (true)", reorder),
}
