"""Where each watched budget line stands, from Coupa's own ledger of adjustments and the ledger's days of spend."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.coupa.client import Coupa
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import adjustment_prefix
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine
from procurement.spend.budget_rules import Period
from procurement.spend.thresholds import Standing

Json = dict[str, Any]
HOLDS = ("Order", "Requisition")  # how the types of adjusters begin that hold money which is not invoiced yet


@dataclass(frozen=True, slots=True)
class Watched:
    """`days`: what was consumed on which day; orders and invoices by Coupa's date, outside spend by its own."""

    line: BudgetLine
    standing: Standing
    days: Mapping[date, Money] = field(default_factory=dict)


def read_standings(
    coupa: Coupa, lines: Iterable[BudgetLine], *, period: Period, today: date, zone: ZoneInfo, accounts: Iterable[str]
) -> list[Watched]:
    """Fifty lines a call. What Coupa's arithmetic says remains is taken as it is; only its parts are told apart here.

    `accounts`: whose adjustments are left out of the days, since the ledger gives their spend by its own.
    """
    ours = tuple(adjustment_prefix(account) for account in sorted(accounts))
    known = {line.id: line for line in lines}
    rows: dict[int, list[Json]] = {id: [] for id in known}
    for page in coupa.budget_line_adjustments(sorted(known)):
        for row in page:
            rows[int(row["budget-line"]["id"])].append(row)
    return [_watched(line, rows[line.id], period, today, zone, ours) for line in known.values()]


def _watched(
    line: BudgetLine, rows: list[Json], period: Period, today: date, zone: ZoneInfo, ours: tuple[str, ...]
) -> Watched:
    held, days = Decimal(0), dict[date, Money]()
    for row in rows:
        amount = -Decimal(str(row["amount"]))
        adjuster = row.get("adjuster") or {}
        if str(adjuster.get("type")).startswith(HOLDS):
            held += amount
        if not str(row.get("description")).startswith(ours):
            day = datetime.fromisoformat(str(row["created-at"])).astimezone(zone).date()
            day = min(max(day, period.first), period.last)
            days[day] = days.get(day, Money.zero(line.currency)) + Money.of(amount, line.currency)
    committed = line.consumed
    standing = Standing(
        budget=line.budget,
        actual=committed - Money.of(held, line.currency),
        committed=committed,
        elapsed=period.elapsed(today),
    )
    return Watched(line, standing, days)
