"""The values of the ledger say what they promise without a database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from procurement.errors import IncompleteRun
from procurement.ledger.account import Account, Completeness
from procurement.ledger.types import PlannedDelivery, StageCounts, Window

pytestmark = pytest.mark.unit
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_window_knows_its_length() -> None:
    assert Window(JUNE, JUNE + timedelta(days=2)).length == timedelta(days=2)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (datetime(2026, 6, 1), JUNE, "offset"),
        (JUNE, datetime(2026, 6, 2), "offset"),
        (JUNE, JUNE - timedelta(seconds=1), "ends before it starts"),
    ],
)
def test_a_window_refuses_naive_and_reversed_moments(start: datetime, end: datetime, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Window(start, end)


def test_a_delivery_is_named_by_action_and_business_key() -> None:
    assert PlannedDelivery(action="create", business_key="N1", payload={}).name == ("create", "N1")


def test_staged_counts_add_up() -> None:
    assert StageCounts(1, 2, 3, 4).staged == 10


def account(**parts: int) -> Account:
    return Account(**{word: Decimal(amount) for word, amount in parts.items()})


def test_an_account_balances_when_every_document_has_a_place() -> None:
    whole = account(seen=5, delivered=1, waiting=1, held=1, skipped=1, dead=1, delivered_now=1)
    assert whole.balances
    assert whole.delivered_earlier == 0
    assert not account(seen=2, delivered=1).balances


def test_a_complete_run_passes() -> None:
    Completeness(account(seen=1, dead=1), {"USD": account(seen=7, dead=7)}).require()


@pytest.mark.parametrize(
    ("incomplete", "said"),
    [
        (Completeness(account(seen=1), missing=("T1",)), "read but not in the ledger: T1"),
        (Completeness(account(seen=1, held=1), unbalanced=("T2",)), "money not accounted for: T2"),
        (Completeness(account(seen=1, held=1), {"USD": account(seen=2, held=1)}), "the sums differ"),
        (Completeness(account(seen=1)), "the sums differ"),
    ],
    ids=["missing", "unbalanced", "money", "documents"],
)
def test_an_incomplete_run_fails_and_names_the_documents(incomplete: Completeness, said: str) -> None:
    with pytest.raises(IncompleteRun, match=said):
        incomplete.require()


def test_a_long_list_of_documents_is_cut_and_counted() -> None:
    missing = tuple(f"T{n:02}" for n in range(23))
    with pytest.raises(IncompleteRun, match="T19 and 3 more"):
        Completeness(account(seen=23), missing=missing).require()
