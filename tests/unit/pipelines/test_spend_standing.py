"""Where a budget line stands: what is on which day, and what is told apart."""

from datetime import date
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.standing import read_standings
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine
from procurement.spend.budget_rules import Period

pytestmark = pytest.mark.unit
QUARTER = Period("FY26 Q2", date(2026, 4, 1), date(2026, 6, 30))
LINE = BudgetLine(
    id=7, period="FY26 Q2", is_open=True, currency="USD", budget=Money.of("100.00", "USD"), remaining=Money.of("40.00", "USD"),
    owner=None, raw={"segment-1": "10"},
)  # fmt: skip


def adjustment(amount: str, description: str, adjuster: str | None = None) -> dict[str, Any]:
    return {
        "budget-line": {"id": 7}, "amount": amount, "description": description, "adjuster": {"type": adjuster} if adjuster else None,
        "created-at": "2026-05-04T12:00:00Z",
    }  # fmt: skip


def test_the_days_leave_out_what_any_account_of_the_ledger_posted_and_keep_what_people_did() -> None:
    rows = [
        adjustment("-10.00", "AB/acme/1 outside"),
        adjustment("-20.00", "AB/other/1 outside"),
        adjustment("-5.00", "moved by hand"),
        adjustment("-25.00", "PO 1", "OrderLine"),
    ]
    coupa: Any = SimpleNamespace(budget_line_adjustments=lambda ids: [rows])
    [found] = read_standings(
        coupa, [LINE], period=QUARTER, today=date(2026, 5, 15), zone=ZoneInfo("UTC"), accounts={"acme", "other"}
    )
    assert found.days == {date(2026, 5, 4): Money.of("30.00", "USD")}
    assert (found.standing.committed, found.standing.actual) == (Money.of("60.00", "USD"), Money.of("35.00", "USD"))
