"""What an invoice comes to, in exact decimals: each line, charge and computed tax is rounded half up at the
currency's minor unit.

Total = lines + charges + taxes. With `line-level-taxation` the taxes are those of lines and charges, otherwise the
header's. The header's shipping, handling and misc amounts are the sums of the charges of that type.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import COMPANY_ZONE, Record, round_half_up

ZERO = Decimal(0)
CHARGE_AMOUNTS = {
    "InvoiceShippingCharge": "shipping-amount",
    "InvoiceHandlingCharge": "handling-amount",
    "InvoiceMiscCharge": "misc-amount",
}


def minor_places(instance: Instance, invoice: Mapping[str, Any]) -> int:
    currency = instance.get("currencies", invoice.get("currency")) or {}
    places = currency.get("decimals")
    return 2 if places is None else int(places)


def compute_totals(instance: Instance, invoice: Record) -> None:
    """Fills every computed amount of the invoice and its rows; nothing else changes."""
    places = minor_places(instance, invoice)
    for line in invoice["invoice-lines"]:
        line["total"] = line_total(line, places)
    lines = sum((line["total"] for line in invoice["invoice-lines"]), ZERO)
    for charge in invoice["invoice-charges"]:
        if charge["total"] is None:
            charge["total"] = round_half_up(lines * (charge["pct"] or ZERO) / 100, places)
    charges = sum((charge["total"] for charge in invoice["invoice-charges"]), ZERO)
    tax = _tax(invoice, lines + charges, places)
    gross = lines + charges + tax
    paid = sum((payment["amount-paid"] or ZERO for payment in invoice["payments"]), ZERO)
    for kind, column in CHARGE_AMOUNTS.items():
        invoice[column] = sum(
            (charge["total"] for charge in invoice["invoice-charges"] if charge["type"] == kind), ZERO
        )
    invoice.update({
        "tax-amount": tax, "gross-total": gross, "total-with-taxes": gross, "amount-due": gross - paid,
        "line-count": str(len(invoice["invoice-lines"])), "net-due-date": _due(instance, invoice),
    })  # fmt: skip


def line_total(line: Mapping[str, Any], places: int) -> Decimal:
    price = line["price"]
    return round_half_up(price if line["type"] == "InvoiceAmountLine" else price * (line["quantity"] or ZERO), places)


def charged(invoice: Mapping[str, Any], *kinds: str) -> Decimal:
    return sum((charge["total"] or ZERO for charge in invoice["invoice-charges"] if charge["type"] in kinds), ZERO)


def net_of_tax(invoice: Mapping[str, Any]) -> Decimal:
    return Decimal(invoice["gross-total"] - invoice["tax-amount"])


def _tax(invoice: Record, net: Decimal, places: int) -> Decimal:
    if not invoice["line-level-taxation"]:
        return _tax_of(invoice, net, places)
    taxes = (_tax_of(row, row["total"], places) for row in [*invoice["invoice-lines"], *invoice["invoice-charges"]])
    return sum(taxes, ZERO)


def _tax_of(row: Record, base: Decimal, places: int) -> Decimal:
    """The tax of one line, charge or header: its tax lines, else its stated amount, else its rate."""
    if row.get("tax-lines"):
        return sum(_amounts(row["tax-lines"], base, places), ZERO)
    if row.get("tax-amount") is not None:
        return Decimal(row["tax-amount"])
    if row.get("tax-rate") is not None:
        row["tax-amount"] = round_half_up(base * row["tax-rate"] / 100, places)
        return Decimal(row["tax-amount"])
    return ZERO


def _amounts(tax_lines: Iterable[Record], base: Decimal, places: int) -> Iterable[Decimal]:
    for tax in tax_lines:
        if tax["amount"] is None:
            own = tax["taxable-amount"] if tax["taxable-amount"] is not None else tax["base"]
            tax["amount"] = round_half_up((base if own is None else own) * (tax["rate"] or ZERO) / 100, places)
        yield tax["amount"]


def _due(instance: Instance, invoice: Mapping[str, Any]) -> datetime | None:
    term = instance.get("payment_terms", invoice.get("payment-term"))
    if not term or term.get("days-for-net-payment") is None:
        return None
    day = invoice["invoice-date"]
    return datetime(day.year, day.month, day.day, tzinfo=COMPANY_ZONE) + timedelta(days=term["days-for-net-payment"])
