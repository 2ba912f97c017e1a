"""Receiving transactions: what arrived, what went back, what was voided, and what each does to line, requisition and
invoices.

A record adds to (consumptions, receipts) or takes from (returns, voids of a part) its PO line's `received`. A receipt
that arrives lets waiting invoices go on; a void sends back those that lived on it.
"""

from decimal import Decimal
from typing import Any

from sandbox.coupa import matching
from sandbox.coupa.errors import invalid
from sandbox.coupa.incoming import create, read_body, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.purchase_orders import is_quantity_line, order_of, refresh_line
from sandbox.coupa.receipt_types import TYPES, measured, remaining, sign
from sandbox.coupa.schema import Record, round_half_up

MODEL = "inventory_transaction"
RECEIVABLE = ("issued",)


def create_receipt(instance: Instance, body: Any) -> Record:
    given = read_body(body, MODEL)
    receipt = create(instance, "receiving_transactions", given)
    try:
        _check(instance, receipt)
    except Exception:
        instance.table("receiving_transactions").remove(receipt)
        raise
    line = instance.table("purchase_order_lines").rows[receipt["order-line"]]
    _complete(instance, receipt, line)
    _count(instance, line, sign(receipt["type"]) * measured(receipt))
    if receipt["soft-close-for-receiving"]:
        instance.table("purchase_order_lines").update(line, {"_receiving-closed": True})
        refresh_line(instance, line)
    if sign(receipt["type"]) > 0:
        matching.receipt_arrived(instance, line)
    elif sign(receipt["type"]) < 0:
        matching.receipt_gone(instance, line, "Receipt reduced")
    return receipt


def _check(instance: Instance, receipt: Record) -> None:
    line = instance.table("purchase_order_lines").rows[receipt["order-line"]]
    order = order_of(instance, line)
    kind, quantity_line = receipt["type"], is_quantity_line(line)
    if kind not in TYPES:
        raise invalid(MODEL, "Type is not included in the list")
    if ("Amount" in kind) == quantity_line and "Inventory" not in kind:
        raise invalid(MODEL, f"Type {kind} does not fit an order line of type {line['type']}")
    if measured(receipt) <= 0:
        raise invalid(MODEL, f"{'Total' if 'Amount' in kind else 'Quantity'} must be greater than 0")
    if order["status"] not in RECEIVABLE:
        raise invalid(MODEL, f"Order line cannot be received: purchase order {order['po-number']} is {order['status']}")
    if line.get("_receiving-closed") and sign(kind) > 0:
        raise invalid(MODEL, "Order line is soft closed for receiving")
    if sign(kind) < 0 and measured(receipt) > line["received"]:
        raise invalid(MODEL, "Quantity is more than what was received")
    if kind.startswith("Void"):
        _check_original(instance, receipt)


def _check_original(instance: Instance, receipt: Record) -> None:
    original = instance.get("receiving_transactions", receipt["original-transaction"])
    if original is None:
        raise invalid(MODEL, "Original transaction can't be blank")
    if original["order-line"] != receipt["order-line"] or receipt["type"] != f"Void{original['type']}":
        raise invalid(MODEL, "Original transaction is not of the same order line and type")
    if measured(receipt) > remaining(original):
        raise invalid(MODEL, "Quantity is more than what is left of the original transaction")
    instance.change(
        "receiving_transactions", original, voided_value=(original["voided-value"] or 0) + measured(receipt)
    )


def _complete(instance: Instance, receipt: Record, line: Record) -> None:
    price = receipt["price"] if receipt["price"] is not None else line["price"]
    values = {
        "price": price, "currency": line["currency"], "uom": receipt["uom"] or line["uom"],
        "account": receipt["account"] or line["account"],
        "transaction-date": receipt["transaction-date"] or instance.now(),
        "original-transaction-id": receipt["original-transaction"],
    }  # fmt: skip
    if "Amount" not in receipt["type"]:
        values["total"] = round_half_up(receipt["quantity"] * price, 6)
    instance.table("receiving_transactions").update(receipt, values)


def _count(instance: Instance, line: Record, change: Decimal) -> None:
    instance.table("purchase_order_lines").update(line, {"received": line["received"] + change})
    refresh_line(instance, line)


def update_receipt(instance: Instance, receipt: Record, body: Any) -> Record:
    """Only the export flag (a query parameter) and custom fields may change."""
    given = read_body(body, MODEL)
    refused = sorted(given.keys() - {"custom-fields", "exported"})
    if refused:
        raise invalid(MODEL, f"{refused[0].replace('-', ' ').capitalize()} cannot be changed: void the transaction")
    update(instance, "receiving_transactions", receipt, given)
    return receipt


def void_receipt(instance: Instance, receipt: Record, body: Any) -> Record:
    """Takes the whole record back. Not on a closed PO, not twice, not for a record that is itself a void."""
    given = read_body(body, MODEL)
    line = instance.table("purchase_order_lines").rows[receipt["order-line"]]
    order = order_of(instance, line)
    if receipt["status"] == "voided" or receipt["type"].startswith("Void"):
        raise invalid(MODEL, "Transaction has already been voided")
    if order["status"] in ("soft_closed", "closed"):
        raise invalid(MODEL, f"Transaction cannot be voided: purchase order {order['po-number']} is {order['status']}")
    left = remaining(receipt)
    instance.change(
        "receiving_transactions",
        receipt,
        status="voided",
        voided_value=measured(receipt),
        comments=given.get("comments"),
    )
    _count(instance, line, -sign(receipt["type"]) * left)
    if sign(receipt["type"]) > 0:
        matching.receipt_gone(instance, line, f"Receipt {receipt['id']} voided")
    else:
        matching.receipt_arrived(instance, line)
    return receipt
