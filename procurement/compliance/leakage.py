"""The leakage report: what was bought beside the contracts, by cost center, seller, buyer and month. Pure, to the cent.

Every purchased line counts in exactly one row, so that the rows add up to what Amazon's orders say. Texts that a
spreadsheet would run as formulas are quoted.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO
from typing import Protocol

COLUMNS = ("month", "cost_center", "seller", "buyer", "currency", "orders", "total", "off_contract", "cancelled")
FORMULA = re.compile(r"[=+\-@\t\r]")
TEXTS = ("cost_center", "seller", "buyer")
SUMMED = ("total", "off_contract", "cancelled")


class Row(Protocol):
    """Goods of one month, cost center, seller and buyer."""

    @property
    def currency(self) -> str: ...
    @property
    def seller(self) -> str: ...
    @property
    def cost_center(self) -> str: ...
    @property
    def total(self) -> Decimal: ...
    @property
    def off_contract(self) -> Decimal: ...
    @property
    def cancelled(self) -> Decimal: ...


def as_csv(rows: Iterable[Row]) -> str:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(name, getattr(row, name)) for name in COLUMNS])
    return text.getvalue()


def _cell(name: str, value: object) -> str:
    text = str(value)
    return f"'{text}" if name in TEXTS and FORMULA.match(text) else text


def totals(rows: Sequence[Row]) -> dict[str, dict[str, str]]:
    """By currency: all goods, those beside the contracts, those of cancelled orders, and the rest, which is on contract."""
    sums: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        of = sums.setdefault(row.currency, dict.fromkeys((*SUMMED, "on_contract"), Decimal(0)))
        for name in SUMMED:
            of[name] += getattr(row, name)
        of["on_contract"] += row.total - row.off_contract - row.cancelled
    return {currency: {name: str(amount) for name, amount in of.items()} for currency, of in sorted(sums.items())}


def largest(rows: Sequence[Row], by: str, most: int = 5) -> list[tuple[str, str, Decimal]]:
    """Who leaks most: name, currency, money beside the contracts; `by` is a column."""
    sums: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (str(getattr(row, by)), row.currency)
        sums[key] = sums.get(key, Decimal(0)) + row.off_contract
    found = sorted(
        ((name, currency, amount) for (name, currency), amount in sums.items() if amount),
        key=lambda one: (-one[2], one[0]),
    )
    return found[:most]
