"""Things people and time do inside Coupa, outside its API: what `POST /_sandbox/events/{name}` and a scenario can
make happen.

Documents are named as a person would: `po-number` and `line-num`, `invoice-number`, or an id. Each event gives back a
small JSON object that says what happened; what Coupa's own rules forbid is refused as the API would refuse it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.coupa import (
    approvals,
    buying_events,
    catalog_items,
    comments,
    decisions,
    invoice_actions,
    invoices,
    naming,
    purchase_orders,
    receipts,
    settings,
    supplier_information,
)
from sandbox.coupa.errors import Refused, bad_query
from sandbox.coupa.incoming import read_body
from sandbox.coupa.instance import Instance

Json = dict[str, Any]


def run_event(instance: Instance, name: str, body: Any) -> Json:
    """Raises Refused: 404 for a name nobody knows, 400 for what cannot be done."""
    handler = EVENTS.get(name)
    if handler is None:
        raise Refused(404, [f"Unknown event {name}; known are {', '.join(sorted(EVENTS))}"])
    return handler(instance, read_body(body, "event"))


def _receive(instance: Instance, given: Json) -> Json:
    """`quantity` (default: all that is open), `match-reference`, `external-id`, `transaction-date`."""
    line = naming.order_line(instance, given)
    unit = "quantity" if purchase_orders.is_quantity_line(line) else "total"
    size = given.get("quantity") or given.get("total") or purchase_orders.ordered(line) - line["received"]
    body = {
        "type": "ReceivingQuantityConsumption" if unit == "quantity" else "ReceivingAmountConsumption", unit: str(size),
        "order-line": {"id": line["id"]},
        **{key: given[key] for key in ("match-reference", "transaction-date", "notes") if given.get(key)},
        "custom-fields": {"external-id": given["external-id"]} if given.get("external-id") else {},
    }  # fmt: skip
    receipt = receipts.create_receipt(instance, body)
    return {"receipt": receipt["id"], "received": str(line["received"])}


def _void_receipt(instance: Instance, given: Json) -> Json:
    receipt = naming.named(instance, "receiving_transactions", {"id": given.get("id")})
    receipts.void_receipt(instance, receipt, {"comments": given.get("comments")})
    return {"receipt": receipt["id"], "status": receipt["status"]}


def _decide(event: str) -> Callable[[Instance, Json], Json]:
    def handle(instance: Instance, given: Json) -> Json:
        if given.get("approval-id") is not None:
            row = naming.named(instance, "approvals", {"id": given["approval-id"]})
            approvable = approvals.BY_KIND[row["approvable-type"]]
            document = approvable.document(instance, row["approvable-id"])
        else:
            approvable, document = naming.approvable(instance, given)
            row = approvals.find_open(instance, approvable, document, None)
        decisions.act(instance, row, event, given.get("reason"), by=row["approver"])
        return naming.told(instance, approvable, document)

    return handle


def _order_event(event: str) -> Callable[[Instance, Json], Json]:
    def handle(instance: Instance, given: Json) -> Json:
        order = naming.order(instance, given)
        purchase_orders.act_on_purchase_order(instance, order, event, given)
        return {"purchase-order": order["id"], "status": order["status"]}

    return handle


def _gate(event: str) -> Callable[[Instance, Json], Json]:
    def handle(instance: Instance, given: Json) -> Json:
        line = purchase_orders.act_on_line(instance, naming.order_line(instance, given), event, given)
        return {"order-line": line["id"], "status": line["status"]}

    return handle


def _change(column: str) -> Callable[[Instance, Json], Json]:
    def handle(instance: Instance, given: Json) -> Json:
        line = naming.order_line(instance, given)
        order = purchase_orders.order_of(instance, line)
        purchase_orders.change_line(instance, order, line, **{column: given.get(column)})
        return {"order-line": line["id"], column: str(line[column]), "version": order["version"]}

    return handle


def _enter_invoice(instance: Instance, given: Json) -> Json:
    """A clerk keys an invoice (`channel` manual) and submits it, unless `draft` is true."""
    draft = given.pop("draft", False)
    with instance.as_of(instance.now()):
        invoice = invoices.create_invoice(instance, {"channel": "manual", **given})
    if not draft:
        invoice_actions.act_on_invoice(instance, invoice, "submit", {})
    return {"invoice": invoice["id"], "status": invoice["status"]}


def _act_on_invoice(instance: Instance, given: Json) -> Json:
    """`action` is a word of the API; the rest of the body is that action's body."""
    action = str(given.pop("action", ""))
    if action not in invoice_actions.ACTIONS:
        raise bad_query(f"Unknown action {action}")
    invoice = naming.invoice(instance, given)
    invoice_actions.act_on_invoice(instance, invoice, action, given)
    return {"invoice": invoice["id"], "status": invoice["status"]}


def _comment(instance: Instance, given: Json) -> Json:
    person = naming.user(instance, given.pop("by")) if given.get("by") else None
    comment = comments.create_comment(instance, given)
    if person is not None:
        instance.table("comments").update(comment, {"created-by": person["id"]})
    return {"comment": comment["id"]}


def _budget_period(instance: Instance, given: Json) -> Json:
    """Opens or closes a budget period: `name`, `is-open`."""
    period = naming.named(instance, "periods", {"name": given.get("name")})
    instance.table("periods").update(period, {"is-open": given.get("is-open") in (True, "true")})
    return {"period": period["id"], "is-open": period["is-open"]}


EVENTS: Mapping[str, Callable[[Instance, Json], Json]] = {
    "receive": _receive,
    "void_receipt": _void_receipt,
    "approve": _decide("approve"),
    "reject": _decide("reject"),
    "hold": _decide("hold"),
    **{event: _order_event(event) for event in ("issue", "cancel", "close", "reopen")},
    **{event: _gate(event) for event in purchase_orders.LINE_GATES},
    "change_price": _change("price"),
    "change_quantity": _change("quantity"),
    "enter_invoice": _enter_invoice,
    "act_on_invoice": _act_on_invoice,
    "comment": _comment,
    "budget_period": _budget_period,
    "settings": settings.change_settings,
    **buying_events.EVENTS,
    **catalog_items.EVENTS,
    **supplier_information.EVENTS,
}
_LINE = "po-number and line-num, or order-line-id"
_DECISION = "req-title or requisition-id, order-change-id, invoice-number or id, or approval-id; reason"
DESCRIPTIONS: Mapping[str, str] = {
    "receive": f"Post a receipt. {_LINE}; quantity (default: all open), match-reference, external-id, transaction-date",
    "void_receipt": "Void a receipt. id; comments",
    "approve": f"Approve the approval whose turn it is. {_DECISION}",
    "reject": f"Reject it. {_DECISION}",
    "hold": f"Hold it. {_DECISION}",
    **{event: f"{event.capitalize()} a purchase order. po-number or id" for event in ("issue", "cancel", "close")},
    "reopen": "Reopen a soft-closed purchase order. po-number or id; reason-insight-code",
    **{event: f"{event.replace('_', ' ').capitalize()}. {_LINE}" for event in purchase_orders.LINE_GATES},
    "change_price": f"Change a PO line's price. {_LINE}; price",
    "change_quantity": f"Change a PO line's quantity. {_LINE}; quantity",
    "enter_invoice": "A clerk keys and submits an invoice. The body of POST /api/invoices; draft (true: not submitted)",
    "act_on_invoice": "Any action of the API. invoice-number or id; action; that action's own fields",
    "comment": "A person comments. commentable-type, commentable-id, comments; by (login)",
    "budget_period": "An admin opens or closes a budget period. name, is-open",
    "settings": f"What admins set up. {', '.join(settings.NAMES)}",
    **buying_events.DESCRIPTIONS,
    **catalog_items.DESCRIPTIONS,
    **supplier_information.DESCRIPTIONS,
}
