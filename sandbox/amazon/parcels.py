"""What happens to shipments on their way: arrival, delay, a failed delivery, a return, and AB's own receiving.

Each is kept with its moment in `AmazonState.tracking`, which Package Tracking reads; Reporting shows of it only the
expected date and whether all packages have arrived.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sandbox.amazon.amounts import read_amount, read_quantity
from sandbox.amazon.state import AmazonState
from sandbox.clock import read_moment, write_moment
from sandbox.seed import Json, Timed

SHIPPED, OUT_FOR_DELIVERY, DELAYED = "SHIPPED", "OUT_FOR_DELIVERY", "DELAYED"
DELIVERED, UNDELIVERABLE, RETURNED = "DELIVERED", "UNDELIVERABLE", "RETURNED"
DELAY_HOURS = 48
RECEIVED = ("ALL_ITEMS_RECEIVED", "PARTIALLY_RECEIVED", "PENDING", "ITEMS_MISSING")


def shipment_key(row: Timed) -> str:
    document = row.document
    return f"{document['orderMetadata']['orderId']}/{document['shipmentMetadata']['shipmentId']}"


def package_ids(state: AmazonState, row: Timed) -> list[str]:
    """Of one shipment, in order."""
    order, shipment = shipment_key(row).split("/", 1)
    parts = [one.document for one in state.of_order("shipment_lines", order)]
    parts = [one for one in parts if one["shipmentMetadata"]["shipmentId"] == shipment]
    return list(dict.fromkeys(str(package["packageId"]) for one in parts for package in one.get("packages") or ()))


def package_events(state: AmazonState, row: Timed, package: str, now: datetime) -> list[tuple[datetime, str]]:
    """What happened to one package by `now`, oldest first. A shipment of the seed arrives when its document says so."""
    marks = [
        (read_moment(mark["at"]), str(mark["status"]))
        for mark in state.tracking.get(shipment_key(row), [])
        if mark["package"] in (None, package)
    ]
    arrivals = [
        moment for moment, patch in row.changes if patch.get("deliveryInfo", {}).get("status") == DELIVERED
    ]  # fmt: skip
    if arrivals and not any(status == DELIVERED for _, status in marks):
        marks.append((min(arrivals), DELIVERED))
    return sorted(mark for mark in marks if mark[0] <= now)


def has_arrived(state: AmazonState, row: Timed) -> bool:
    """All packages of a shipment."""
    packages = package_ids(state, row) or [""]
    return all(any(s == DELIVERED for _, s in package_events(state, row, one, state.now())) for one in packages)


def find_shipments(state: AmazonState, body: Json) -> list[Timed]:
    """The named shipment, or all of the order; LookupError when there is none yet."""
    order, wanted = str(body.get("orderId")), body.get("shipmentId")
    rows = [
        row
        for row in state.of_order("shipments", order)
        if row.at(state.now()) is not None and wanted in (None, row.document["shipmentMetadata"]["shipmentId"])
    ]
    if not rows:
        raise LookupError(f"no shipment {wanted!r} of order {order!r}")
    package = body.get("packageId")
    if package is not None and not any(str(package) in package_ids(state, row) for row in rows):
        raise LookupError(f"no package {package!r} in shipment {wanted!r} of order {order!r}")
    return rows


def _mark(state: AmazonState, row: Timed, status: str, body: Json) -> Json:
    package = str(body["packageId"]) if body.get("packageId") is not None else None
    mark: Json = {"at": write_moment(state.now()), "status": status, "package": package}
    state.tracking.setdefault(shipment_key(row), []).append(mark)
    state.touched = True
    return mark


def deliver(state: AmazonState, body: Json) -> list[Json]:
    """What has arrived already keeps the moment at which it did."""
    rows = find_shipments(state, body)
    for row in rows:
        if not has_arrived(state, row):
            _mark(state, row, DELIVERED, body)
            if has_arrived(state, row):
                state.change(row, deliveryInfo={**_info(state, row), "status": DELIVERED})
    return [row.at(state.now()) or {} for row in rows]


def send_out(state: AmazonState, body: Json) -> list[Json]:
    return [_mark(state, row, OUT_FOR_DELIVERY, body) for row in find_shipments(state, body)]


def delay(state: AmazonState, body: Json) -> list[Json]:
    """Before anything has shipped, the promise of a placed order moves instead."""
    order = str(body.get("orderId"))
    placed = state.placed_order(order)
    if placed is not None and not state.of_order("shipments", order):
        placed["promised"] = [placed["promised"][0], _later(body, placed["promised"][1])]
        placed["delayed"], state.touched = True, True
        return [placed]
    changed = []
    for row in find_shipments(state, body):
        if has_arrived(state, row):
            continue
        info = _info(state, row)
        _mark(state, row, DELAYED, body)
        later = _later(body, str(info["expectedDeliveryDate"]))
        changed.append(state.change(row, deliveryInfo={**info, "expectedDeliveryDate": later}))
    if not changed:
        raise ValueError("everything that has shipped has arrived")
    return changed


def _later(body: Json, expected: str) -> str:
    if body.get("expectedDeliveryDate") is not None:
        return write_moment(read_moment(str(body["expectedDeliveryDate"])))
    hours = read_amount(body.get("hours", DELAY_HOURS), "hours")
    return write_moment(read_moment(expected) + timedelta(hours=float(hours)))


def fail_delivery(state: AmazonState, body: Json) -> list[Json]:
    """It goes back to Amazon; Reporting keeps it as not delivered."""
    rows = [row for row in find_shipments(state, body) if not has_arrived(state, row)]
    if not rows:
        raise ValueError("everything that has shipped has arrived")
    return [_mark(state, row, UNDELIVERABLE, body) for row in rows]


def take_back(state: AmazonState, body: Json) -> list[Json]:
    """Goods that had arrived come back; the refund is an event of its own."""
    rows = [row for row in find_shipments(state, body) if has_arrived(state, row)]
    if not rows:
        raise ValueError("nothing has arrived that could be returned")
    return [_mark(state, row, RETURNED, body) for row in rows]


def receive(state: AmazonState, body: Json) -> list[Json]:
    """Amazon Business's own receiving: somebody there confirms what came."""
    shipments = {row.document["shipmentMetadata"]["shipmentId"] for row in find_shipments(state, body)}
    wanted = body.get("orderLineItemId")
    changed = []
    for row in state.of_order("shipment_lines", str(body["orderId"])):
        line = row.at(state.now())
        if line is None or line["shipmentMetadata"]["shipmentId"] not in shipments:
            continue
        if wanted in (None, line["orderLineItemId"]):
            changed.append(state.change(row, receivingInfo=_received(state, line, body)))
    if not changed:
        raise LookupError(f"no line {wanted!r} in that shipment")
    return changed


def _received(state: AmazonState, line: Json, body: Json) -> Json:
    quantity = read_quantity(body, line["quantity"])
    status = str(body.get("status") or (RECEIVED[0] if quantity >= line["quantity"] else RECEIVED[1]))
    if status not in RECEIVED:
        raise ValueError(f"status is {status!r}; it is one of {', '.join(RECEIVED)}")
    customer = line.get("receivingInfo", {}).get("customer") or {"name": "Receiving"}
    return {"customer": customer, "date": write_moment(state.now()), "status": status, "quantity": quantity}


def _info(state: AmazonState, row: Timed) -> Json:
    info: Json = (row.at(state.now()) or {})["deliveryInfo"]
    return info


EVENTS: dict[str, tuple[str, Callable[[AmazonState, Json], Any]]] = {
    "out_for_delivery": ("packages are with the driver: orderId, shipmentId?, packageId?", send_out),
    "delay": (
        "the expected date moves: orderId, shipmentId?, packageId?, hours? (48) or expectedDeliveryDate?", delay,
    ),
    "undeliverable": ("packages that had not arrived go back: orderId, shipmentId?, packageId?", fail_delivery),
    "return_goods": ("goods that had arrived come back: orderId, shipmentId?, packageId?", take_back),
    "receive": (
        "somebody confirms at Amazon what came: orderId, shipmentId?, orderLineItemId?, quantity?, status?", receive,
    ),
}  # fmt: skip
