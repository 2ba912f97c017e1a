"""What people do in Coupa's pages on the buying side: ask for something, take it back, change an order, send it by
another way.

They keep to the rules of the API: what it would refuse, these refuse with the same sentence.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.coupa import approvals, naming, order_changes, requisitions, suppliers, transmission
from sandbox.coupa.approvals import ORDER_CHANGE, REQUISITION
from sandbox.coupa.incoming import update
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Record

Json = dict[str, Any]


def _submit_requisition(instance: Instance, given: Json) -> Json:
    """Pages number the lines by themselves."""
    rows = given.get("requisition-lines")
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        given["requisition-lines"] = [{"line-num": n, **row} for n, row in enumerate(rows, start=1)]
    with instance.as_of(instance.now(), trusted=False):
        draft = given.pop("draft", False)
        make = requisitions.create_requisition if draft else requisitions.submit_new
        return naming.told(instance, REQUISITION, make(instance, given))


def _resubmit_requisition(instance: Instance, given: Json) -> Json:
    requisition = naming.requisition(instance, given)
    changes = {name: value for name, value in given.items() if name not in ("req-title", "requisition-id")}
    requisitions.update_and_submit(instance, requisition, changes)
    return naming.told(instance, REQUISITION, requisition)


def _withdraw_requisition(instance: Instance, given: Json) -> Json:
    requisition = requisitions.withdraw(instance, naming.requisition(instance, given))
    return naming.told(instance, REQUISITION, requisition)


def _add_approver(instance: Instance, given: Json) -> Json:
    """Whatever the document's status: an approval nobody gave may stand beside an order that exists already."""
    approvable, document = naming.approvable(instance, given)
    person = naming.user(instance, given.get("approver"))
    row = approvals.add(instance, approvable, document, approvals.Step(person, approvals.BY_HAND))
    return {"approval": row["id"], **naming.told(instance, approvable, document)}


def _change_order(instance: Instance, given: Json) -> Json:
    """A buyer edits lines: `order-line-changes`, or one line's columns beside its number. Lines by id or number."""
    line_named = given.get("line-num") is not None or given.get("order-line-id") is not None
    if line_named and given.get("order-line-changes") is None:
        row = {name: value for name, value in given.items() if name not in ("po-number", "id")}
        given = {"id": given.get("id"), "po-number": given.get("po-number"), "order-line-changes": [row]}
        if row.get("order-line-id") is not None and given["id"] is None and given["po-number"] is None:
            given["id"] = naming.order_line(instance, row)["order-header-id"]
    order = naming.order(instance, given)
    rows = [_change_row(instance, order, row) for row in given.get("order-line-changes") or []]
    body = {"order-header-id": order["id"], "order-line-changes": rows}
    with instance.as_of(instance.now(), trusted=False):
        change = order_changes.create_order_change(instance, body)
    return naming.told(instance, ORDER_CHANGE, change)


def _change_row(instance: Instance, order: Record, row: Json) -> Json:
    if row.get("line-num") is None or row.get("order-line-id") is not None:
        return row
    line = naming.order_line(instance, {"po-number": order["po-number"], "line-num": row["line-num"]})
    return {**{name: value for name, value in row.items() if name != "line-num"}, "order-line-id": line["id"]}


def _transmit_order(instance: Instance, given: Json) -> Json:
    order = naming.order(instance, given)
    transmission.mark(instance, order, str(given.get("transmission-status") or "sent_manually"))
    return {"purchase-order": order["id"], "transmission-status": order["transmission-status"]}


def _set_supplier(instance: Instance, given: Json) -> Json:
    supplier = naming.named(instance, "suppliers", {"id": given.pop("id", None), "number": given.pop("number", None)})
    update(instance, "suppliers", supplier, suppliers.spell("suppliers", given))
    return {"supplier": supplier["id"], **{name: supplier.get(name) for name in given}}


EVENTS: Mapping[str, Callable[[Instance, Json], Json]] = {
    "submit_requisition": _submit_requisition,
    "resubmit_requisition": _resubmit_requisition,
    "withdraw_requisition": _withdraw_requisition,
    "add_approver": _add_approver,
    "change_order": _change_order,
    "transmit_order": _transmit_order,
    "set_supplier": _set_supplier,
}
_REQUISITION = "req-title or requisition-id"
DESCRIPTIONS: Mapping[str, str] = {
    "submit_requisition": "Somebody asks for something. The body of POST /api/requisitions; draft (true: not submitted)",
    "resubmit_requisition": f"Submit a draft again. {_REQUISITION}; what is to change",
    "withdraw_requisition": f"The requester takes a requisition back; orders it has already stay. {_REQUISITION}",
    "add_approver": f"Ask one more person. {_REQUISITION}, order-change-id, or invoice-number or id; approver (login)",
    "change_order": "A buyer changes a PO by a change request. po-number or id; line-num or order-line-id with "
    "quantity, price, pending-delete and so on, or order-line-changes",
    "transmit_order": "Somebody sends a PO by another way. po-number or id; transmission-status (default sent_manually)",
    "set_supplier": "Change a supplier. number or id; po-method, po-change-method, on-hold or any other attribute",
}
