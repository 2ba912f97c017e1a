"""Documents as a person names them in an event: by number or title, by PO number and line number, or by id."""

from collections.abc import Mapping
from typing import Any

from sandbox.coupa.approvals import INVOICE, ORDER_CHANGE, REQUISITION, Approvable
from sandbox.coupa.errors import bad_query
from sandbox.coupa.instance import Instance
from sandbox.coupa.references import find_reference
from sandbox.coupa.schema import Record

Json = dict[str, Any]


def named(instance: Instance, resource: str, keys: Mapping[str, Any]) -> Record:
    given = {key: value for key, value in keys.items() if value is not None}
    try:
        return find_reference(instance, resource, given)
    except ValueError as problem:
        raise bad_query(f"{instance.table(resource).resource.title} {problem}") from None


def order(instance: Instance, given: Json) -> Record:
    return named(instance, "purchase_orders", {"id": given.get("id"), "po-number": given.get("po-number")})


def order_line(instance: Instance, given: Json) -> Record:
    number = given.get("line-num")
    keys = {
        "id": given.get("order-line-id"),
        "order-header-number": given.get("po-number"),
        "line-num": None if number is None else str(number),
    }
    return named(instance, "purchase_order_lines", keys)


def invoice(instance: Instance, given: Json) -> Record:
    return named(instance, "invoices", {"id": given.get("id"), "invoice-number": given.get("invoice-number")})


def requisition(instance: Instance, given: Json) -> Record:
    keys = {"id": given.get("requisition-id"), "req-title": given.get("req-title")}
    return named(instance, "requisitions", keys)


def user(instance: Instance, given: Any) -> Record:
    return named(instance, "users", given if isinstance(given, Mapping) else {"login": given})


def approvable(instance: Instance, given: Json) -> tuple[Approvable, Record]:
    """The requisition, change of an order, or invoice that is to be decided on."""
    if given.get("req-title") is not None or given.get("requisition-id") is not None:
        return REQUISITION, requisition(instance, given)
    if given.get("order-change-id") is not None:
        return ORDER_CHANGE, named(instance, ORDER_CHANGE.resource, {"id": given["order-change-id"]})
    return INVOICE, invoice(instance, given)


def told(instance: Instance, approvable: Approvable, document: Record) -> Json:
    """What an event says of a document afterwards; of a requisition also the numbers of its orders."""
    if approvable is INVOICE:
        return {"invoice": document["id"], "status": document["status"]}
    if approvable is ORDER_CHANGE:
        return {"order-change": document["id"], "status": document["status"], "version": document["version"]}
    orders = instance.table("purchase_orders").by("requisition-header", document["id"])
    numbers = [one["po-number"] for one in orders]
    return {"requisition": document["id"], "status": document["status"], "po-numbers": numbers}
