"""Limits: percent, absolute, or the smaller of both; absent means not checked."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from procurement.policies import Rules
from procurement.tolerances import CHECKS, Limit, Limits


@pytest.mark.parametrize(
    ("percent", "absolute", "expected", "allowed"),
    [
        ("2", None, "100", "2"),
        (None, "10", "100", "10"),
        ("2", "10", "100", "2"),
        ("2", "10", "1000", "10"),
        ("2", "20", "1000", "20"),
        ("0", None, "100", "0"),
        ("50", "0", "100", "0"),
        ("5", None, "-100", "5"),
        ("5", None, "0", "0"),
    ],
)
def test_the_smaller_bound_counts(percent: str | None, absolute: str | None, expected: str, allowed: str) -> None:
    limit = Limit.model_validate({"percent": percent, "absolute": absolute})
    assert limit.of(Decimal(expected)) == Decimal(allowed)


@pytest.mark.parametrize(
    "values", [{}, {"percent": None}, {"percent": "-1"}, {"absolute": "-0.01"}, {"absolute": 0.5}, {"absolute": "NaN"}]
)
def test_a_limit_that_says_nothing_or_is_no_exact_number_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Limit.model_validate(values)


def test_every_check_has_its_limit_in_each_scope() -> None:
    assert tuple(Limits.model_fields) == CHECKS


SHIPPED = {"price", "received", "ordered", "tax", "shipping", "total"}


def test_the_shipped_file_checks_what_it_says_and_writes_nothing_off(rules: Rules) -> None:
    assert {check for check in CHECKS if rules.tolerances.find(check)} == SHIPPED
    assert {check for check in CHECKS if rules.tolerances.find(check, side="under")} == {"tax"}
    food = rules.tolerances.find("price", commodity="Food and Beverage")
    assert food is not None and food.bound.percent == 10
    assert rules.tolerances.find("tax", commodity="Food and Beverage") == rules.tolerances.find("tax")
