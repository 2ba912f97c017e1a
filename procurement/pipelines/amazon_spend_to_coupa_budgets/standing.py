"""Where each watched budget line stands, from Coupa's own ledger of adjustments and the ledger's days of spend.

Coupa only ever adds adjustments, so a run reads those that are new (`id[gt]`), fifty lines a call. What was read must
still come to what Coupa says is consumed; a line where it does not is read from its first adjustment on. What a person
adjusts is no spend: it is budget that was moved, unless it names an adjustment of ours, which it corrects.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.coupa.client import Coupa
from procurement.ledger.budget_books import BudgetBook, BudgetBooks
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import adjustment_prefix
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine
from procurement.spend.budget_rules import Period
from procurement.spend.thresholds import Standing

Json = dict[str, Any]
BOOKED_AS = "moves apart"  # a book that was kept otherwise is read anew
HOLDS = ("Order", "Requisition")  # how the types of adjusters begin that hold money which is not invoiced yet


@dataclass(frozen=True, slots=True)
class Watched:
    """`days`: what Coupa's own documents consumed, and people corrected, on which day, by Coupa's date."""

    line: BudgetLine
    standing: Standing
    days: Mapping[date, Money] = field(default_factory=dict)


def read_standings(
    coupa: Coupa,
    books: BudgetBooks,
    lines: Iterable[BudgetLine],
    *,
    period: Period,
    today: date,
    zone: ZoneInfo,
    accounts: Iterable[str],
) -> list[Watched]:
    """What Coupa's arithmetic says remains is taken as it is; only its parts are told apart here.

    `accounts`: whose adjustments are spend, and left out of the days, since the ledger gives their spend by its own.
    """
    ours = tuple(adjustment_prefix(account) for account in sorted(accounts))
    known = {line.id: line for line in lines}
    read_as = f"{BOOKED_AS} {period.name} {period.first} {period.last} {zone.key} {' '.join(ours)}"
    reader = _Reader(coupa, period, zone, ours)
    before = books.read(coupa.instance, known.keys(), read_as=read_as)
    after = reader.read([before[id] for id in known if id in before])
    broken = [one.line_id for one in after if known[one.line_id].consumed.amount != one.consumed + one.moved]
    anew = [id for id in known if id not in before or id in broken]
    found = {one.line_id: one for one in after}
    found |= {one.line_id: one for one in reader.read([BudgetBook(line_id=id, read_as=read_as) for id in anew])}
    found |= {id: replace(found[id], consumed=known[id].consumed.amount - found[id].moved) for id in anew}
    books.keep(coupa.instance, (one for id, one in found.items() if one != before.get(id)))
    return [_watched(line, found[line.id], period.elapsed(today)) for line in known.values()]


@dataclass(frozen=True, slots=True)
class _Reader:
    coupa: Coupa
    period: Period
    zone: ZoneInfo
    ours: tuple[str, ...]

    def read(self, books: Sequence[BudgetBook]) -> list[BudgetBook]:
        """The books with what came after them; all of them then go as far as the newest of them."""
        if not books:
            return []
        first = {one.line_id: one.last_id for one in books}
        rows: dict[int, list[Json]] = {id: [] for id in first}
        last = max(first.values())
        for page in self.coupa.budget_line_adjustments(sorted(first), after=min(first.values())):
            for row in page:
                id = int(row["budget-line"]["id"])
                last = max(last, int(row["id"]))
                if int(row["id"]) > first[id]:
                    rows[id].append(row)
        return [self._continued(one, rows[one.line_id], last) for one in books]

    def _continued(self, book: BudgetBook, rows: Sequence[Json], last: int) -> BudgetBook:
        consumed, held, moved, days = book.consumed, book.held, book.moved, dict(book.days)
        for row in rows:
            amount, adjuster, description = (
                -Decimal(str(row["amount"])),
                row.get("adjuster"),
                str(row.get("description")),
            )
            if not adjuster and not any(prefix in description for prefix in self.ours):
                moved += amount
                continue
            consumed += amount
            if not description.startswith(self.ours):
                held += amount if str((adjuster or {}).get("type")).startswith(HOLDS) else 0
                day = datetime.fromisoformat(str(row["created-at"])).astimezone(self.zone).date()
                day = min(max(day, self.period.first), self.period.last)
                days[day] = days.get(day, Decimal(0)) + amount
        return replace(book, last_id=last, consumed=consumed, held=held, moved=moved, days=days)


def _watched(line: BudgetLine, book: BudgetBook, elapsed: Decimal) -> Watched:
    committed, moved = Money.of(book.consumed, line.currency), Money.of(book.moved, line.currency)
    standing = Standing(
        budget=line.budget - moved,
        actual=committed - Money.of(book.held, line.currency),
        committed=committed,
        elapsed=elapsed,
    )
    return Watched(line, standing, {day: Money.of(amount, line.currency) for day, amount in book.days.items()})
