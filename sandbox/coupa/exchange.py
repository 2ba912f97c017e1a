"""Invoices in another currency than their purchase order: money is compared in the order's currency.

The rate is the one from the invoice's currency into the order's that was in force on the invoice date: the latest dated no
later. Rates hold in the direction in which they were posted. How Coupa itself stores its rate on an invoice beyond the
field `exchange-rate` is not published; here it is the rate used, and empty where both currencies are one.
"""

from datetime import date
from decimal import Decimal

from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import COMPANY_ZONE, Record

ONE = Decimal(1)


def rate_on(instance: Instance, source: int, target: int, day: date) -> Decimal | None:
    """How many units of `target` (a currency's id) one of `source` was worth; None where no rate says."""
    rows = [
        row
        for row in instance.table("exchange_rates").by("from-currency", source)
        if row["to-currency"] == target and row["rate"] and row["rate-date"] and _day(row) <= day
    ]
    return Decimal(max(rows, key=lambda row: (_day(row), row["id"]))["rate"]) if rows else None


def rate_of(invoice: Record) -> Decimal:
    """From the invoice's currency into its orders'."""
    return Decimal(invoice.get("exchange-rate") or ONE)


def _day(row: Record) -> date:
    day: date = row["rate-date"].astimezone(COMPANY_ZONE).date()
    return day
