"""What becomes of an order that was placed here: the steps of its fate, each at its own moment, by the sandbox's events.

An order without a fate ships whole after 20 hours, is charged an hour later under a fresh invoice number and arrives
after 68 hours. A `ship` step is charged like that too, unless its body says `"charge": false` or charges of the order
are steps of their own; `return_goods` is refunded a day later in the same way (`"refund": false`).

A step names a PO line, or nothing for all that is left; which order lines, shipments and charges that means is found
out when it happens. A step that has nothing left to act on changes nothing; `AmazonState.happened` says why.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from sandbox.amazon import parcels
from sandbox.amazon.billing import FRESH
from sandbox.amazon.events import EVENTS, next_shipment, unshipped_units
from sandbox.amazon.state import AmazonState
from sandbox.clock import write_moment
from sandbox.seed import Fate, FateStep, Json, Timed

PAYMENT_HOURS = 1  # from placing to the settled payment
ORDINARY = (FateStep(20, "ship"), FateStep(68, "deliver"))
CHARGE_HOURS, REFUND_HOURS = 1, 24
OF_SHIPMENTS = ("deliver", "out_for_delivery", "delay", "undeliverable", "return_goods", "receive")
FOLLOWED_BY = {"ship": ("charge", CHARGE_HOURS), "return_goods": ("refund", REFUND_HOURS)}
OURS = ("charge", "refund", "invoice", "shipment", "shipments")  # a body's words for this module, unknown to the events


def plan_fate(state: AmazonState, order: Json, fate: Fate | None) -> None:
    """Puts the steps of one Amazon order on the timeline; steps for lines that it does not hold are not its own."""
    plan = [FateStep(PAYMENT_HOURS, "start_fulfilment"), *((fate.steps if fate else None) or ORDINARY)]
    placed_at = state.now()
    for step in plan:
        if step.line is not None and step.line not in order["lines"]:
            continue
        state.plan({
            "at": write_moment(placed_at + timedelta(hours=step.hours)), "orderId": order["orderId"],
            "event": step.event, "line": step.line, "quantity": step.quantity, "body": dict(step.body),
        })  # fmt: skip


def unfold(state: AmazonState, step: Json) -> None:
    """Makes a step happen, at the moment that the state is at."""
    note: Json = {name: step[name] for name in ("at", "orderId", "event", "line")}
    try:
        bodies = list(_bodies(state, step))
        if not bodies:
            raise ValueError("nothing is left for it")
        for body in bodies:
            EVENTS[step["event"]].run(state, body)
        _follow_up(state, step, bodies)
    except (LookupError, ValueError) as problem:
        if step["line"] is None and _has_siblings(state, step["orderId"]):
            return
        note["nothing"] = str(problem)
    state.happened.append(note)


def _has_siblings(state: AmazonState, order: str) -> bool:
    """One request became several Amazon orders: a step for all that is left need not mean each of them."""
    placed = state.placed_order(order)
    return placed is not None and len(state.placed[placed["externalId"]]["orders"]) > 1


def _follow_up(state: AmazonState, step: Json, done: list[Json]) -> None:
    """The charge of what was shipped, the refund of what was returned, where no step of their own will come."""
    event, hours = FOLLOWED_BY.get(step["event"], ("", 0))
    others = [one for one in state.pending if one["orderId"] == step["orderId"] and not one.get("follows")]
    if not event or not step["body"].get(event, True) or any(one["event"] == event for one in others):
        return
    body: Json = {"invoice": step["body"].get("invoice", True)}
    line, quantity = step["line"], step["quantity"]
    if event == "charge":
        body["shipmentId"] = state.of_order("shipments", step["orderId"])[-1].document["shipmentMetadata"]["shipmentId"]
        line, quantity = None, None
    else:
        body["shipments"] = [one["shipmentId"] for one in done]
    state.plan({
        "at": write_moment(state.now() + timedelta(hours=hours)), "orderId": step["orderId"], "event": event,
        "line": line, "quantity": quantity, "body": body, "follows": step["event"],
    })  # fmt: skip


def _bodies(state: AmazonState, step: Json) -> Iterator[Json]:
    """The bodies of the events that the step amounts to now."""
    event = step["event"]
    if event not in EVENTS:
        raise ValueError(f"there is no event {event!r}")
    body = {name: value for name, value in step["body"].items() if name not in OURS} | {"orderId": step["orderId"]}
    find = _FINDERS.get(event, _of_shipments if event in OF_SHIPMENTS else _of_line)
    yield from find(state, step, body)


def _line_ids(state: AmazonState, step: Json) -> list[str]:
    """Reporting's ids of the lines that the step is about."""
    placed = state.placed_order(step["orderId"])
    lines: dict[str, str] = placed["lines"] if placed else {}
    return [line for number, line in lines.items() if step["line"] in (None, number)]


def _of_line(state: AmazonState, step: Json, body: Json) -> Iterator[Json]:
    if step["line"] is not None:
        body["orderLineItemId"] = _line_ids(state, step)[0]
    yield body | _quantity(step)


def _of_every_line(state: AmazonState, step: Json, body: Json) -> Iterator[Json]:
    for line in _line_ids(state, step):
        yield {**body, "orderLineItemId": line, **_quantity(step)}


def _quantity(step: Json) -> Json:
    return {"quantity": step["quantity"]} if step["quantity"] is not None else {}


def _of_shipments(state: AmazonState, step: Json, body: Json) -> Iterator[Json]:
    """The `shipment`th of the order (`"shipment": 2`), or those with units of the line: until `quantity` is reached, and
    only those that the event still means something to."""
    event, nth = step["event"], step["body"].get("shipment")
    if event == "delay" and not state.of_order("shipments", step["orderId"]):
        yield body
        return
    left = step["quantity"]
    for number, row in enumerate(state.of_order("shipments", step["orderId"]), start=1):
        units = _units_in(state, row, _line_ids(state, step))
        if nth not in (None, number) or not units or (left is not None and left <= 0):
            continue
        if event != "receive" and parcels.has_arrived(state, row) != (event == "return_goods"):
            continue
        named = {**body, "shipmentId": row.document["shipmentMetadata"]["shipmentId"]}
        if event == "receive":
            own = {"quantity": min(units, left)} if left is not None else {}
            named |= own | ({"orderLineItemId": _line_ids(state, step)[0]} if step["line"] is not None else {})
        left = None if left is None else left - units
        yield named


def _units_in(state: AmazonState, row: Timed, lines: list[str]) -> int:
    shipment, order = row.document["shipmentMetadata"]["shipmentId"], row.document["orderMetadata"]["orderId"]
    return sum(
        int(one.document["quantity"])
        for one in state.of_order("shipment_lines", order)
        if one.document["shipmentMetadata"]["shipmentId"] == shipment and one.document["orderLineItemId"] in lines
    )


def _cancelled(state: AmazonState, step: Json, body: Json) -> Iterator[Json]:
    """Units that have not shipped; of an order or line that has shipped whole, all of it (after its charge)."""
    wanted = _line_ids(state, step)
    rows = [row.at(state.now()) or {} for row in state.of_order("order_lines", step["orderId"])]
    lines = [line for line in rows if line["orderLineItemId"] in wanted and line["quantity"] > 0]
    left = {line["orderLineItemId"]: unshipped_units(state, line) for line in lines}
    whole = all(units in (0, line["quantity"]) for line, units in zip(lines, left.values(), strict=True))
    if step["line"] is None and len(set(map(bool, left.values()))) == 1 and whole:
        yield body
        return
    for line in lines:
        units = (
            step["quantity"] or left[line["orderLineItemId"]] or (line["quantity"] if step["line"] is not None else 0)
        )
        if units:
            yield {**body, "orderLineItemId": line["orderLineItemId"], "quantity": units}


def _charged(state: AmazonState, step: Json, body: Json) -> Iterator[Json]:
    """Shipments without a charge, each whole; or units of one line, before anything has shipped too."""
    body = {"invoiceNumber": FRESH if step["body"].get("invoice", True) else None} | body
    if step["line"] is not None:
        last = state.of_order("shipments", step["orderId"])
        upcoming = next_shipment(state, step["orderId"])
        shipment = last[-1].document["shipmentMetadata"]["shipmentId"] if last else upcoming
        yield {"shipmentId": shipment, **body, "orderLineItemId": _line_ids(state, step)[0], **_quantity(step)}
        return
    names = [row.document["shipmentMetadata"]["shipmentId"] for row in state.of_order("shipments", step["orderId"])]
    if not names:
        yield {"shipmentId": next_shipment(state, step["orderId"]), **body}
        return
    wanted = [str(body["shipmentId"])] if body.get("shipmentId") else names
    charged = {line["shipmentId"] for row in _charges(state, step) for line in row["transactionLineItems"]}
    for name in wanted:
        if state.other_id(step["orderId"], name) not in charged:
            yield {**body, "shipmentId": name}


def _charges(state: AmazonState, step: Json) -> list[Json]:
    every = [row.document for row in state.transactions_of(step["orderId"])]
    return [one for one in every if one["transactionType"] == "CHARGE"]


def _refunded(state: AmazonState, step: Json, body: Json) -> Iterator[Json]:
    """Charged units that were not refunded yet; money without units (`share`) and overrefunds as often as they are said."""
    body = {"invoiceNumber": FRESH, "refundReason": "Customer return"} | body
    again = "share" in body or body.get("transactionType") == "OVERREFUND"
    wanted = {state.other_id(step["orderId"], line) for line in _line_ids(state, step)}
    shipments = {state.other_id(step["orderId"], one) for one in step["body"].get("shipments", ())}
    left = step["quantity"]
    for charge in _charges(state, step):
        lines = [one for one in charge["transactionLineItems"] if not shipments or one["shipmentId"] in shipments]
        open_units = {
            line["orderLineItemId"]: int(line["itemQuantity"]) - (0 if again else _units_back(state, charge, line))
            for line in lines
            if line["orderLineItemId"] in wanted
        }
        untouched = all(
            open_units.get(one["orderLineItemId"]) == one["itemQuantity"] for one in charge["transactionLineItems"]
        )
        if left is None and untouched:
            yield {**body, "transactionId": charge["transactionId"]}
            continue
        for line, most in open_units.items():
            units = most if left is None else min(most, left)
            if units <= 0:
                continue
            left = None if left is None else left - units
            own = {} if "share" in body else {"quantity": units}
            yield {**body, "transactionId": charge["transactionId"], "orderLineItemId": line, **own}


def _units_back(state: AmazonState, charge: Json, line: Json) -> int:
    return sum(
        int(one["itemQuantity"])
        for refund in (row.document for row in state.transactions_of(line["orderId"]))
        if refund["transactionType"] == "REFUND"
        and {"associatedTransactionId": charge["transactionId"]} in refund.get("associatedTransactionDetails", ())
        for one in refund["transactionLineItems"]
        if one["orderLineItemId"] == line["orderLineItemId"]
    )


def _numbered(state: AmazonState, step: Json, body: Json) -> Iterator[Json]:
    for row in state.transactions_of(step["orderId"]):
        if "invoiceNumber" not in row.document and not any("invoiceNumber" in patch for _, patch in row.changes):
            yield {"invoiceNumber": FRESH, **body, "transactionId": row.document["transactionId"]}


def _shipped(state: AmazonState, step: Json, body: Json) -> Iterator[Json]:
    """A fate may send more than was ordered."""
    for one in _of_line(state, step, body):
        yield one | ({"over": True} if step["quantity"] is not None else {})


_FINDERS: dict[str, Callable[[AmazonState, Json, Json], Iterator[Json]]] = {
    "ship": _shipped,
    "reprice": _of_every_line,
    "cancel": _cancelled,
    "charge": _charged,
    "refund": _refunded,
    "issue_invoice": _numbered,
}
