"""From an approved requisition to its purchase orders: one per supplier, currency and payment term, lines copied as
they were approved.

The order takes the number the requisition asked for (`external-po-reference`; of several orders the first takes it, as
nothing is published about the others), else the next of the instance's series. A supplier or currency on hold puts
its order on hold; any other is issued and goes out as the supplier's `po-method` says.
"""

from collections.abc import Sequence
from typing import Any

from sandbox.coupa import transmission
from sandbox.coupa.incoming import create, remove
from sandbox.coupa.instance import Instance
from sandbox.coupa.purchase_orders import complete_order, link
from sandbox.coupa.schema import Record

SAME = (
    "description", "source-part-num", "supp-aux-part-num", "manufacturer-name", "manufacturer-part-number",
    "need-by-date", "receipt-required", "item", "contract", "period",
)  # fmt: skip
REFERENCES = ("uom", "currency", "supplier", "commodity", "account")
ORDER_LINE_TYPES = {"RequisitionQuantityLine": "OrderQuantityLine", "RequisitionAmountLine": "OrderAmountLine"}


def generate_orders(instance: Instance, requisition: Record) -> list[Record]:
    """The orders, issued or on hold. All of them or, when one cannot be made, none."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for line in requisition["requisition-lines"]:
        groups.setdefault((line["supplier"], line["currency"], line["payment-term"]), []).append(line)
    asked, orders = requisition["external-po-reference"], list[Record]()
    try:
        with instance.as_of(instance.now()):
            for lines in groups.values():
                number = asked if asked and not orders else instance.next_po_number()
                orders.append(_generate(instance, requisition, lines, number))
    except Exception:
        for order in orders:
            remove(instance, "purchase_orders", order)
        raise
    for order in orders:
        for line in order["order-lines"]:
            link(instance, line, instance.table("requisition_lines").rows[int(line["requisition-line-id"])])
        if order["status"] == "issued":
            transmission.send_order(instance, order)
    return orders


def _generate(instance: Instance, requisition: Record, lines: Sequence[Record], number: str) -> Record:
    first = lines[0]
    supplier = instance.table("suppliers").rows[first["supplier"]]
    given = {
        "order-lines": [_order_line(line, position) for position, line in enumerate(lines, start=1)],
        "ship-to-attention": requisition["ship-to-attention"], "payment-method": supplier["payment-method"],
        "transmission-emails": first["transmission-emails"],
        "transmission-method-override": first["transmission-method-override"],
        "custom-fields": dict(requisition.get("custom-fields") or {}),
    }  # fmt: skip
    people = dict.fromkeys(("requester", "ship-to-user"), requisition["requested-by"])
    extra = {
        "po-number": number, "status": _status(instance, supplier, first["currency"]), "supplier": supplier["id"],
        "currency": first["currency"], "payment-term": first["payment-term"],
        "ship-to-address": requisition["ship-to-address"], "requisition-header": requisition["id"], **people,
    }  # fmt: skip
    order = create(instance, "purchase_orders", given, extra=extra)
    complete_order(instance, order)
    for line in order["order-lines"]:
        chart = (instance.get("accounts", line["account"]) or {}).get("account-type")
        instance.table("purchase_order_lines").update(line, {"account-type": chart})
    return order


def _status(instance: Instance, supplier: Record, currency_id: int) -> str:
    if supplier["on-hold"]:
        return "supplier_hold"
    if instance.table("currencies").rows[currency_id]["code"] in instance.currencies_without_rate:
        return "currency_hold"
    return "buyer_hold" if supplier["buyer-hold"] else "issued"


def _order_line(line: Record, position: int) -> Record:
    quantity = {} if line["quantity"] is None else {"quantity": line["quantity"]}
    references = {name: {"id": line[name]} for name in REFERENCES if line[name] is not None}
    allocations = [
        {"account": {"id": row["account"]}, "pct": row["pct"], "amount": row["amount"]}
        for row in line["account-allocations"]
    ]
    return {
        **{name: line[name] for name in SAME}, **references, **quantity,
        "type": ORDER_LINE_TYPES[line["line-type"]], "line-num": str(position), "price": line["unit-price"],
        "account-allocations": allocations, "requisition-line-id": str(line["id"]),
        "custom-fields": dict(line.get("custom-fields") or {}),
    }  # fmt: skip
