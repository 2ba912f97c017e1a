"""Where a budget line stands: what is on which day, and what is told apart."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from procurement.ledger.budget_books import BudgetBook
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.standing import Watched, read_standings
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine
from procurement.spend.budget_rules import Period

pytestmark = pytest.mark.unit
QUARTER = Period("FY26 Q2", date(2026, 4, 1), date(2026, 6, 30))
LINE = BudgetLine(
    id=7, period="FY26 Q2", is_open=True, currency="USD", budget=Money.of("100.00", "USD"), remaining=Money.of("40.00", "USD"),
    owner=None, raw={"segment-1": "10"},
)  # fmt: skip


@dataclass
class Books:
    """What the ledger keeps."""

    kept: dict[int, BudgetBook] = field(default_factory=dict)

    def read(self, instance: str, line_ids: Iterable[int], *, read_as: str) -> dict[int, BudgetBook]:
        return {id: self.kept[id] for id in line_ids if id in self.kept and self.kept[id].read_as == read_as}

    def keep(self, instance: str, books: Iterable[BudgetBook]) -> None:
        self.kept |= {one.line_id: one for one in books}


@dataclass
class Coupa:
    """The adjustments there are; `asked` says for which lines, and from which id on."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[list[int], int]] = field(default_factory=list)
    instance: str = "acme"

    def budget_line_adjustments(self, ids: list[int], *, after: int = 0) -> list[list[dict[str, Any]]]:
        self.asked.append((ids, after))
        return [[row for row in self.rows if row["budget-line"]["id"] in ids and row["id"] > after]]

    def add(self, amount: str, description: str, adjuster: str | None = None, *, line: int = 7) -> None:
        self.rows.append({
            "id": len(self.rows) + 1, "budget-line": {"id": line}, "amount": amount, "description": description,
            "adjuster": {"type": adjuster} if adjuster else None, "created-at": "2026-05-04T12:00:00Z",
        })  # fmt: skip

    def line(self, id: int = 7) -> BudgetLine:
        gone = sum((Decimal(row["amount"]) for row in self.rows if row["budget-line"]["id"] == id), Decimal(0))
        return replace(LINE, id=id, remaining=LINE.budget + Money.of(gone, "USD"))


def standings(coupa: Coupa, books: Books, *ids: int, zone: str = "UTC") -> list[Watched]:
    lines = [coupa.line(id) for id in ids or (7,)]
    return read_standings(
        coupa,
        books,
        lines,
        period=QUARTER,
        today=date(2026, 5, 15),
        zone=ZoneInfo(zone),
        accounts={"acme", "other"},  # type: ignore[arg-type]
    )


def test_the_days_leave_out_what_any_account_of_the_ledger_posted_and_what_people_moved() -> None:
    coupa = Coupa()
    coupa.add("-10.00", "AB/acme/1 outside")
    coupa.add("-20.00", "AB/other/1 outside")
    coupa.add("-5.00", "moved by hand")
    coupa.add("-25.00", "PO 1", "OrderLine")
    [found] = standings(coupa, Books())
    assert found.days == {date(2026, 5, 4): Money.of("25.00", "USD")}
    assert (found.standing.committed, found.standing.actual) == (Money.of("55.00", "USD"), Money.of("30.00", "USD"))


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize(("moved", "budget"), [("50.00", "150.00"), ("-50.00", "50.00")])
def test_what_a_person_adjusts_is_budget_that_was_moved_and_no_spend(
    moved: str, budget: str, *, incremental: bool
) -> None:
    """A budget that was raised is not overlooked when it is nearly spent, nor one that was cut mistaken for spent."""
    coupa, books = Coupa(), Books()
    coupa.add("-20.00", "AB/acme/1 outside")
    if incremental:
        standings(coupa, books)
    coupa.add(moved, "from the reserve")
    coupa.asked.clear()
    [found] = standings(coupa, books)
    assert len(coupa.asked) == 1
    assert (found.standing.budget, found.standing.actual) == (Money.of(budget, "USD"), Money.of("20.00", "USD"))
    assert found.standing.budget - found.standing.committed == found.line.remaining


def test_a_person_corrects_spend_by_naming_the_adjustment_that_was_wrong() -> None:
    coupa = Coupa()
    coupa.add("-20.00", "AB/acme/1 outside")
    coupa.add("5.00", "Correction of AB/acme/1")
    [found] = standings(coupa, Books())
    assert (found.standing.budget, found.standing.actual) == (LINE.budget, Money.of("15.00", "USD"))
    assert found.days == {date(2026, 5, 4): Money.of("-5.00", "USD")}


def test_what_coupa_says_is_consumed_beyond_its_adjustments_counts_as_committed_and_is_read_once() -> None:
    coupa, books = Coupa(), Books()
    coupa.add("-20.00", "AB/acme/1 outside")
    line = replace(coupa.line(), remaining=Money.of("70.00", "USD"))
    for asked in (1, 2):
        [found] = read_standings(
            coupa, books, [line], period=QUARTER, today=date(2026, 5, 15), zone=ZoneInfo("UTC"), accounts={"acme"}  # type: ignore[arg-type]
        )  # fmt: skip
        assert found.standing.committed == Money.of("30.00", "USD")
        assert len(coupa.asked) == asked


def test_a_run_reads_only_what_is_new_and_stands_where_reading_all_would() -> None:
    """An order becomes an invoice: what is consumed is the same, what it is made of is not."""
    coupa, books = Coupa(), Books()
    coupa.add("-25.00", "PO 1", "OrderLine")
    coupa.add("-1.00", "of another line", line=8)
    standings(coupa, books, 7, 8)
    coupa.add("25.00", "released", "OrderLine")
    coupa.add("-25.00", "Invoice 1", "InvoiceLine")
    coupa.asked.clear()
    found = standings(coupa, books, 7, 8)
    assert coupa.asked == [([7, 8], 2)]
    assert found == standings(coupa, Books(), 7, 8)
    assert found[0].standing.actual == Money.of("25.00", "USD")
    coupa.asked.clear()
    standings(coupa, books, 7, 8, 9)
    assert coupa.asked == [([7, 8], 4), ([9], 0)]


def test_a_line_whose_sums_do_not_come_to_what_coupa_says_is_read_from_the_first_on() -> None:
    """Coupa changed what it had written, or an adjustment appeared behind those that were read."""
    coupa, books = Coupa(), Books()
    coupa.add("-25.00", "PO 1", "OrderLine")
    coupa.add("-1.00", "of another line", line=8)
    standings(coupa, books, 7, 8)
    coupa.rows[0]["amount"] = "-20.00"
    coupa.asked.clear()
    found = standings(coupa, books, 7, 8)
    assert coupa.asked == [([7, 8], 2), ([7], 0)]
    assert found == standings(coupa, Books(), 7, 8)


def test_days_that_were_told_apart_otherwise_are_read_again() -> None:
    coupa, books = Coupa(), Books()
    coupa.add("-25.00", "moved by hand")
    standings(coupa, books)
    coupa.asked.clear()
    standings(coupa, books, zone="Asia/Tokyo")
    assert coupa.asked == [([7], 0)]
