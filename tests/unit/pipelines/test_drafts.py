"""What a draft must come to: Amazon's own word, held against the lines."""

from typing import Any

import pytest

from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Group
from procurement.pipelines.amazon_invoices_to_coupa.drafts import Draft
from procurement.pipelines.amazon_invoices_to_coupa.identity import Identity
from procurement.policy_files import RolloutRule
from tests.unit.pipelines.builders import candidate, moment, refused, transaction, usd


def draft(*transactions: dict[str, Any]) -> Draft:
    group = Group("1ABC", [candidate(**changes) for changes in transactions])
    return Draft(group, Identity("1ABC", moment(4), "STANDARD"), [], RolloutRule.model_validate({"mode": "off"}))


@pytest.mark.parametrize(
    ("transactions", "total"),
    [
        ([{}], "43.28"),
        ([{"amount": usd("143.28")}], "143.28"),  # a line is missing, or no more than authorised
        ([{"amount": usd("43.28")}, {"amount": usd("0.02")}], "43.30"),
        ([{"amount": None}, {}], "86.56"),  # nothing stated: the lines stand for it
    ],
)
def test_the_control_total_is_what_amazon_states_not_what_the_lines_come_to(
    transactions: list[dict[str, Any]], total: str
) -> None:
    assert draft(*transactions).total == Money.of(total, "USD")


def test_an_amount_in_another_currency_than_the_lines_is_no_control_total() -> None:
    verdict = refused(transaction(amount={"currencyCode": "EUR", "amount": "43.28"}))
    assert verdict.state == "dead" and verdict.errors == ("Its amounts are in several currencies: EUR, USD.",)
