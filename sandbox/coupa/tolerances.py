"""Coupa's own tolerances: how far an invoice may stray from its purchase order before it is held.

Limits come with the instance, by default and per commodity; where a commodity names a code its value counts, `None`
included (no limit). Each rule is written on its own and each breach is a value: code, how far off, what was allowed.

    price_percent, price_amount    unit price over the PO price, in percent / in money per unit
    quantity_percent               units (or money, on amount lines) invoiced so far over what was ordered, in percent
    line_total_amount              money invoiced so far on the PO line over the line's total
    receipt_quantity               units invoiced over units received, in percent (used by `matching`)
    invoice_total_vs_po            net total invoiced so far over the total of the POs named, in percent
    tax_percent                    taxes in percent of the net total
    shipping_amount                shipping and handling charges, in money
    unbacked_line                  total of a line that names no PO line, in money
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.coupa.exchange import rate_of
from sandbox.coupa.instance import Instance
from sandbox.coupa.purchase_orders import is_quantity_line, ordered
from sandbox.coupa.schema import Record, decimal_text, round_half_up
from sandbox.coupa.totals import ZERO, charged, net_of_tax

CODES = (
    "price_percent", "price_amount", "quantity_percent", "line_total_amount", "receipt_quantity",
    "invoice_total_vs_po", "tax_percent",
    "shipping_amount", "unbacked_line",
)  # fmt: skip
COUNTED = {
    "ap_hold",
    "on_hold",
    "pending_receipt",
    "pending_approval",
    "booking_hold",
    "pending_action",
    "approved",
    "disputed",
    "processing",
}


@dataclass(frozen=True, slots=True)
class Breach:
    code: str
    amount: Decimal
    limit: Decimal
    line: Record | None = None  # None: the header

    @property
    def sentence(self) -> str:
        where = f"Line {self.line['line-num']}" if self.line else "Invoice"
        return f"{where}: {self.code} {self.amount_text} over limit {self.limit_text}"

    @property
    def amount_text(self) -> str:
        return decimal_text(round_half_up(self.amount, 2), 2)

    @property
    def limit_text(self) -> str:
        return decimal_text(self.limit, 2)


def limit_of(instance: Instance, code: str, commodity: str | None) -> Decimal | None:
    """The limit in force; None where there is none. The commodity's own setting wins over the default."""
    for scope in (commodity, "default"):
        limits = instance.tolerances.get(scope) if scope else None
        if limits is not None and code in limits:
            value = limits[code]
            return None if value is None else Decimal(value)
    return None


def commodity_of(instance: Instance, line: Mapping[str, Any], order_line: Mapping[str, Any] | None) -> str | None:
    commodity = instance.get("commodities", line.get("commodity") or (order_line or {}).get("commodity"))
    return commodity["name"] if commodity else None


def breaches(instance: Instance, invoice: Record) -> list[Breach]:
    """Every rule the invoice breaks. Credit notes are never measured."""
    if invoice["is-credit-note"]:
        return []
    found: list[Breach] = []
    for line in invoice["invoice-lines"]:
        order_line = instance.get("purchase_order_lines", line["order-line-id"])
        commodity = commodity_of(instance, line, order_line)
        measures = (
            _line_measures(instance, invoice, line, order_line)
            if order_line
            else [("unbacked_line", abs(line["total"]))]
        )
        found += _over(instance, measures, line, commodity)
    return found + _over(instance, _header_measures(instance, invoice), None, None)


def _over(
    instance: Instance, measures: Iterable[tuple[str, Decimal]], line: Record | None, commodity: str | None
) -> list[Breach]:
    checked = ((code, amount, limit_of(instance, code, commodity)) for code, amount in measures)
    return [
        Breach(code, amount, allowed, line)
        for code, amount, allowed in checked
        if allowed is not None and amount > allowed
    ]


def _line_measures(
    instance: Instance, invoice: Record, line: Record, order_line: Record
) -> Iterator[tuple[str, Decimal]]:
    credits = _credits(instance, invoice, order_line)
    if is_quantity_line(order_line):
        units = line["quantity"] + sum((_credited_units(credit) for credit in credits), ZERO)
        own = line["quantity"] * line["price"] * rate_of(invoice)
        money = own + sum((_ordered_money(instance, credit) for credit in credits), ZERO)
        over = money / units - order_line["price"] if units else ZERO
        yield "price_percent", percent_over(over, order_line["price"])
        yield "price_amount", over
    earlier = _others(instance, invoice, order_line)
    before = sum((_ordered_money(instance, one) for one in earlier), ZERO)
    own_money = line["total"] * rate_of(invoice)
    so_far = own_money + before
    if is_quantity_line(order_line):
        so_far = measure(line) + sum((_credited_units(one) for one in earlier), ZERO)
    yield "quantity_percent", percent_over(so_far - ordered(order_line), ordered(order_line))
    yield "line_total_amount", own_money + before - order_line["total"]


def _header_measures(instance: Instance, invoice: Record) -> Iterator[tuple[str, Decimal]]:
    net = net_of_tax(invoice)
    if net > 0:
        yield "tax_percent", invoice["tax-amount"] * 100 / net
    yield "shipping_amount", charged(invoice, "InvoiceShippingCharge", "InvoiceHandlingCharge") * rate_of(invoice)
    orders = _orders(instance, invoice)
    if orders:
        lines = [line for order in orders for line in order["order-lines"]]
        total = sum((line["total"] or ZERO for line in lines), ZERO)
        others = (one for line in lines for one in _others(instance, invoice, line))
        earlier = sum((_ordered_money(instance, one) for one in others), ZERO)
        yield "invoice_total_vs_po", percent_over(earlier + net * rate_of(invoice) - total, total)


def percent_over(over: Decimal, base: Decimal) -> Decimal:
    """`over` in percent of `base`; anything over nothing is 100 percent per unit of money, so that it is never let
    through."""
    return over * 100 / base if base else over * 100


def measure(line: Mapping[str, Any]) -> Decimal:
    """Units of a quantity line, money of an amount line."""
    return Decimal(line["total"] if line["type"] == "InvoiceAmountLine" else line["quantity"] or 0)


def _credited_units(line: Mapping[str, Any]) -> Decimal:
    """A price adjustment changes money, not units."""
    return ZERO if line["adjustment-type"] in ("price", "other") else Decimal(line["quantity"] or 0)


def _ordered_money(instance: Instance, line: Record) -> Decimal:
    """The line's total in the order's currency."""
    return Decimal(line["total"] * rate_of(instance.table("invoices").rows[line["_parent"]]))


def _others(instance: Instance, invoice: Record, order_line: Record) -> list[Record]:
    """Lines of other counted invoices (credit notes included) on the same PO line."""
    rows = instance.table("invoice_lines").by("order-line-id", order_line["id"])
    invoices = instance.table("invoices").rows
    return [row for row in rows if row["_parent"] != invoice["id"] and invoices[row["_parent"]]["status"] in COUNTED]


def _credits(instance: Instance, invoice: Record, order_line: Record) -> list[Record]:
    """Counted credit lines on the PO line that name this invoice as their original."""
    invoices = instance.table("invoices").rows
    return [
        row for row in _others(instance, invoice, order_line)
        if invoices[row["_parent"]]["is-credit-note"] and invoices[row["_parent"]].get("_original") == invoice["id"]
    ]  # fmt: skip


def credited(instance: Instance, invoice: Record, order_line: Record) -> Decimal:
    """Units (money, on amount lines) of the PO line that credit notes took back from this invoice: nobody waits for them."""
    size = _credited_units if is_quantity_line(order_line) else measure
    return -sum((size(row) for row in _credits(instance, invoice, order_line)), ZERO)


def _orders(instance: Instance, invoice: Record) -> list[Record]:
    orders = instance.table("purchase_orders").rows
    lines = (instance.get("purchase_order_lines", line["order-line-id"]) for line in invoice["invoice-lines"])
    return [orders[order_id] for order_id in dict.fromkeys(line["_parent"] for line in lines if line)]


def invoiced_so_far(instance: Instance, order_line: Record) -> tuple[Decimal, Decimal]:
    """(units or money, money) that counted invoices bill on the PO line."""
    invoices = instance.table("invoices").rows
    rows = [
        row
        for row in instance.table("invoice_lines").by("order-line-id", order_line["id"])
        if invoices[row["_parent"]]["status"] in COUNTED
    ]
    money = sum((_ordered_money(instance, row) for row in rows), ZERO)
    return (sum((_credited_units(row) for row in rows), ZERO) if is_quantity_line(order_line) else money), money
