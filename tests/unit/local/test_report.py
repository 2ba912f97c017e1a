"""Every row of an order report is named with what became of it, and the parts add up to the whole."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from local.report import account_for_report, account_for_sellers, account_for_spend
from procurement.sellers.facts import SellerFacts

pytestmark = pytest.mark.unit
FACTS = {
    "rows": 5,
    "orders": 3,
    "money": {"USD": "60.00"},
    "where": [
        {"row": 1, "amount": "10.00", "transaction": "t1"},
        {"row": 2, "amount": "20.05", "transaction": "t1"},
        {"row": 3, "amount": "29.95", "transaction": "t2"},
        {"row": 4, "amount": "0.00", "transaction": None, "reason": "cancelled before shipping"},
    ],
}
FATES = {"t1": ("delivered", None), "t2": ("dead", "no purchase order")}


def account(fates: dict[str, Any]) -> dict[str, Any]:
    ledger: Any = SimpleNamespace(completeness=SimpleNamespace(fates=lambda pipeline: fates))
    refused = [{"row": 5, "reason": "no order id"}]
    return account_for_report(FACTS, refused, ledger=ledger, pipeline="amazon_invoices_to_coupa")


def test_rows_and_money_of_the_parts_are_those_of_the_report() -> None:
    report = account(FATES)
    assert sum(part["rows"] for part in report["parts"]) == report["rows"] == 5
    assert sum(Decimal(part["money"]) for part in report["parts"]) == Decimal(report["money"]) == Decimal("60.00")
    assert report["unaccounted"] == []


def test_each_part_says_where_its_rows_went() -> None:
    parts = {part["where"]: (part["rows"], part["money"]) for part in account(FATES)["parts"]}
    assert parts == {
        "delivered: invoice in Coupa": (2, "30.05"),
        "dead: no purchase order": (1, "29.95"),
        "not charged: cancelled before shipping": (1, "0.00"),
        "not usable: no order id": (1, "0"),
    }


def test_a_row_whose_transaction_the_ledger_does_not_know_is_called_out() -> None:
    report = account({"t1": ("delivered", None)})
    assert report["unaccounted"] == [3]
    assert {"where": "unaccounted for", "rows": 1, "money": "29.95"} in report["parts"]


def seller(name: str, *credentials: str) -> SimpleNamespace:
    facts = SellerFacts(key=name, name=name, credentials={word: {} for word in credentials})
    return SimpleNamespace(raw=facts.written())


def test_sellers_and_credentials_that_the_ledger_does_not_know_are_named() -> None:
    rows = [
        {"transaction": "t1", "seller": "Pen  Traders ", "credentials": ["Small Business"]},
        {"transaction": "t2", "seller": "Desk World", "credentials": ["Small Business", "889 certification"]},
        {"transaction": None, "seller": "Never Charged", "credentials": ["Other"]},
    ]
    known = [[seller("Pen Traders", "Small Business")]]
    ledger: Any = SimpleNamespace(records=SimpleNamespace(pages=lambda kind, *, since, size: iter(known)))
    assert account_for_sellers({"where": rows}, ledger=ledger) == {
        "sellers": {"named": 2, "known": 1, "missing": ["Desk World"]},
        "credentials": {"named": 2, "known": 1, "missing": ["889 certification"]},
    }


@pytest.mark.parametrize(("seen", "equal"), [("60.00", True), ("60", True), ("59.99", False)])
def test_spend_is_held_against_what_the_report_charged(seen: str, equal: bool) -> None:
    population = SimpleNamespace(money={"USD": SimpleNamespace(seen=Decimal(seen))})
    ledger: Any = SimpleNamespace(completeness=SimpleNamespace(population=lambda pipeline: population))
    found = account_for_spend({"charged": {"USD": "60.00"}}, ledger=ledger, pipeline="spend")
    assert (found["equal"], found["seen"]) == (equal, {"USD": seen})
