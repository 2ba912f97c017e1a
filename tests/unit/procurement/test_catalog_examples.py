"""The examples of catalog.yml show every outcome, limit and rule, or the coverage names the gap."""

from typing import Any

import pytest

from procurement.catalog.examples import unshown_catalog
from procurement.catalog.rules import CatalogFile
from procurement.policies import read_rules
from procurement.rule_examples import not_shown

RULES = read_rules()


def with_rules(**choices: Any) -> CatalogFile:
    return CatalogFile.model_validate({**RULES.catalog.model_dump(), **choices})


def without(outcome: str) -> list[dict[str, Any]]:
    return [one.model_dump() for one in RULES.catalog.examples if one.expect != outcome]


def test_the_shipped_examples_show_everything() -> None:
    assert unshown_catalog(RULES.catalog) == []
    assert not [one for one in not_shown(RULES) if one.startswith("catalog.yml")]


@pytest.mark.parametrize(
    ("outcome", "gaps"),
    [
        ("unchanged", ["a price that is unchanged"]),
        ("written", ["a price that is written"]),
        ("held", ["a price that is held", "a price that prices.hold_over_percent alone holds"]),
    ],
)
def test_an_outcome_without_an_example_is_a_gap(outcome: str, gaps: list[str]) -> None:
    assert unshown_catalog(with_rules(examples=without(outcome))) == gaps


def test_a_limit_that_another_one_always_hides_is_a_gap() -> None:
    prices = {"hold_over_percent": 10, "hold_over_amount": 1}
    assert unshown_catalog(with_rules(prices=prices)) == ["a price that prices.hold_over_percent alone holds"], (
        "44.95 to 46.80 is over the amount alone; every other one is over both"
    )
    assert unshown_catalog(with_rules(prices={**prices, "hold_over_amount": 100})) == [
        "a price that prices.hold_over_amount alone holds"
    ]


def test_a_rule_of_availability_that_decides_about_no_example_is_a_gap() -> None:
    assert unshown_catalog(with_rules(availability_examples=[])) == [
        "availability, rule 1 (out of stock)", "availability, rule 2 (currently unavailable)",
        "availability, rule 3 (usually ships within)", "availability without a rule that fits",
    ]  # fmt: skip
