"""spend.yml and budgets.yml: ranges, periods, thresholds, and who is told; each rule both ways, at its boundary."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from procurement.money import Money
from procurement.policies import Rules, read_rules
from procurement.spend.budget_rules import BudgetExample, BudgetFile, Periods, Threshold
from procurement.spend.categorising import Segment, in_ranges
from procurement.spend.examples import try_budget, try_spend, unshown_budgets, unshown_spend
from procurement.spend.spend_rules import SpendExample, SpendFile, unspsc_range
from procurement.spend.thresholds import Crossing, Standing, Watch, level, watch

MAPPINGS = Path(__file__).parents[3] / "mappings"


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(MAPPINGS)


def spend(rules: Rules, **changes: Any) -> SpendFile:
    return SpendFile.model_validate({**rules.spend.file.model_dump(by_alias=True), **changes})


def budgets(rules: Rules, **changes: Any) -> BudgetFile:
    return BudgetFile.model_validate({**rules.budgets.model_dump(by_alias=True), **changes})


@pytest.mark.parametrize(
    ("code", "ranges", "inside"),
    [
        ("41000000", ("41000000-41999999",), True), ("41999999", ("41000000-41999999",), True),
        ("40999999", ("41000000-41999999",), False), ("42000000", ("41000000-41999999",), False),
        ("43211503", ("43",), True), ("44000000", ("43",), False), ("4321", ("4321",), True), ("43220000", ("4321",), False),
        ("43211503", ("41", "43"), True), ("", ("43",), False), (None, ("43",), False), ("432115030", ("43",), False), ("n/a", ("43",), False),
    ],
)  # fmt: skip
def test_a_unspsc_code_stands_in_a_range_or_not(code: str | None, ranges: tuple[str, ...], inside: bool) -> None:
    assert in_ranges(code, ranges) is inside


@pytest.mark.parametrize("text", ["", "4", "431", "43-41", "43-", "abc", "432115030", "43 - x"])
def test_a_range_that_means_nothing_is_refused(text: str) -> None:
    if text == "43-":
        assert unspsc_range(text) == (43000000, 43999999)
        return
    with pytest.raises(ValueError, match="UNSPSC|ends before"):
        unspsc_range(text)


@pytest.mark.parametrize(
    "rule", [{}, {"is": "1", "from": "line.x"}, {"from": "nowhere.x"}, {"is": "1", "table": {"a": "b"}}, {"from": "line.x", "table": {"a": "b"}, "lookup": "commodities"}]
)  # fmt: skip
def test_a_rule_that_contradicts_itself_is_refused(rules: Rules, rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spend(rules, dimensions={"cost_center": {"required": True, "rules": [rule]}})


def test_the_first_rule_that_gives_a_value_decides_and_later_ones_are_named_only_in_reasons(rules: Rules) -> None:
    line = {"businessOrderInfo": {"Cost center": " 4400 ", "GL code": "6100"}}
    found = rules.spend.categorise(line=line, transaction={}, order={"businessOrderInfo": {"costCenter": "4100"}})
    assert (found.segment.cost_center, found.missing) == ("4400", ())
    found = rules.spend.categorise(line={}, transaction={}, order={})
    assert [sentence.split(":")[0] for sentence in found.missing] == ["No cost center", "No gl account"]


def test_a_cost_center_that_nobody_listed_is_named_with_its_order_and_never_replaced(rules: Rules) -> None:
    """Neither by what the order says nor, where none is required, by nothing at all."""
    line = {"orderId": "113-7", "businessOrderInfo": {"Cost center": "4999", "GL code": "6100"}}
    order = {"businessOrderInfo": {"costCenter": "4400"}}
    found = rules.spend.categorise(line=line, transaction={}, order=order)
    assert found.segment.cost_center is None
    assert found.missing == ("No cost center: rule 1: '4999' is none of the values of spend.yml (order 113-7).",)
    dimensions = rules.spend.file.model_dump(by_alias=True)["dimensions"]
    dimensions["cost_center"]["required"] = False
    optional = replace(rules.spend, file=spend(rules, dimensions=dimensions))
    assert optional.categorise(line=line, transaction={}, order=order).missing == found.missing
    assert not optional.lacks_order(line=line, transaction={})
    assert optional.categorise(line={"businessOrderInfo": {"GL code": "6100"}}, transaction={}, order={}).missing == ()


def test_orders_are_asked_for_only_where_a_line_lacks_what_they_say(rules: Rules) -> None:
    coded = {"businessOrderInfo": {"Cost center": "4400", "GL code": "6100"}}
    assert not rules.spend.lacks_order(line=coded, transaction={})
    assert rules.spend.lacks_order(line={}, transaction={})
    never = replace(rules.spend, file=spend(rules, order_info="never"))
    assert not never.lacks_order(line={}, transaction={})


def test_conditions_compare_whole_texts_without_regard_to_case(rules: Rules) -> None:
    rule = {"when": {"group": "Travel Desk", "seller": "Acme", "buyer": "ann@example.com"}, "is": "4100"}
    file = spend(rules, dimensions={"cost_center": {"required": True, "rules": [rule]}})
    one = replace(rules.spend, file=file)
    transaction = {"purchasingCustomerGroupName": "TRAVEL DESK", "buyer": {"email": "Ann@example.com"}}
    assert (
        one.categorise(line={"merchantLegalName": "acme"}, transaction=transaction, order={}).segment.cost_center
        == "4100"
    )
    [why] = one.categorise(line={"merchantLegalName": "Acme Inc"}, transaction=transaction, order={}).missing
    assert "seller is 'Acme Inc'" in why


@pytest.mark.parametrize(
    ("given", "day", "name", "first", "last"),
    [
        ({}, date(2026, 3, 31), "FY26 Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ({}, date(2026, 4, 1), "FY26 Q2", date(2026, 4, 1), date(2026, 6, 30)),
        ({"fiscal_year_begins": 7}, date(2026, 7, 1), "FY27 Q1", date(2026, 7, 1), date(2026, 9, 30)),
        ({"fiscal_year_begins": 7}, date(2026, 6, 30), "FY26 Q4", date(2026, 4, 1), date(2026, 6, 30)),
        ({"fiscal_year_begins": 7, "named_after": "begins"}, date(2027, 1, 1), "FY26 Q3", date(2027, 1, 1), date(2027, 3, 31)),
        ({"unit": "month", "name": "{year}-{month}"}, date(2028, 2, 29), "2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ({"unit": "year", "name": "FY{year}", "fiscal_year_begins": 10}, date(2026, 10, 1), "FY2027", date(2026, 10, 1), date(2027, 9, 30)),
    ],
)  # fmt: skip
def test_a_day_is_in_one_period(given: dict[str, Any], day: date, name: str, first: date, last: date) -> None:
    period = Periods.model_validate(given).of(day)
    assert (period.name, period.first, period.last) == (name, first, last)


@given(
    st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from(["month", "quarter", "year"]), st.integers(1, 12)
)
def test_periods_touch_and_never_overlap(day: date, unit: str, begins: int) -> None:
    periods = Periods.model_validate({"unit": unit, "fiscal_year_begins": begins})
    period = periods.of(day)
    assert period.first <= day <= period.last
    assert periods.of(period.first) == periods.of(period.last) == period
    assert period.elapsed(period.last) == 1


def test_a_name_of_periods_uses_known_words_only() -> None:
    with pytest.raises(ValidationError, match="uses something else"):
        Periods.model_validate({"name": "FY{fy}"})


def test_a_dimension_without_value_leaves_its_segment_out(rules: Rules) -> None:
    assert rules.budgets.line_key(Segment(cost_center="4400")) == {"segment-1": "10", "segment-2": "4400"}
    assert rules.budgets.line_key(Segment()) == {"segment-1": "10"}


@pytest.mark.parametrize("wrong", [{"approached": 100}, {"approached": 4}, {"hysteresis": -1}])
def test_thresholds_that_cross_each_other_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="hysteresis < approached"):
        Threshold.model_validate(wrong)


SWING = ["79.99", "80", "79", "75.01", "75", "74.99", "80", "100", "100.01", "95.01", "95", "101", "60"]


def test_a_budget_that_swings_around_a_limit_crosses_it_once() -> None:
    threshold, state, seen = Threshold.model_validate({}), "below", []
    for used in SWING:
        state = level(Decimal(used), state, threshold)  # type: ignore[arg-type]
        seen.append(state)
    assert seen == [
        "below", "approached", "approached", "approached", "approached", "below", "approached", "approached", "exceeded",
        "exceeded", "approached", "exceeded", "below",
    ]  # fmt: skip


def standing(actual: str, committed: str | None = None, *, budget: str = "1000", elapsed: str = "0.5") -> Standing:
    def usd(amount: str) -> Money:
        return Money.of(amount, "USD")

    return Standing(usd(budget), usd(actual), usd(committed or actual), Decimal(elapsed))


def test_three_measures_cross_on_their_own_and_each_is_counted(rules: Rules) -> None:
    after, crossings = watch(standing("620", "950"), {}, rules.budgets)
    assert [(one.measure, one.level, one.number) for one in crossings] == [
        ("committed", "approached", 1),
        ("forecast", "exceeded", 1),
    ]
    assert after == {"actual": Watch(), "committed": Watch("approached", 1), "forecast": Watch("exceeded", 1)}
    assert watch(standing("620", "950"), after, rules.budgets) == (after, [])
    back, none = watch(standing("400", "500"), after, rules.budgets)
    assert (none, back["committed"]) == ([], Watch("below", 1))
    _, again = watch(standing("400", "950"), back, rules.budgets)
    assert again == [Crossing("committed", "approached", 2, Money.of("950", "USD"), Decimal(95))]


@pytest.mark.parametrize(("elapsed", "told"), [("0.2499", False), ("0.25", True)])
def test_a_forecast_needs_some_of_its_period(rules: Rules, elapsed: str, told: bool) -> None:
    _, crossings = watch(standing("700", elapsed=elapsed), {}, rules.budgets)
    assert any(one.measure == "forecast" for one in crossings) is told


def test_a_budget_of_nothing_is_exceeded_by_anything(rules: Rules) -> None:
    assert watch(standing("0", budget="0"), {}, rules.budgets)[1] == []
    assert {one.level for one in watch(standing("0.01", budget="0"), {}, rules.budgets)[1]} == {"exceeded"}


@given(st.sampled_from(["below", "approached", "exceeded"]), st.integers(0, 999))
def test_what_the_ledger_remembers_reads_back(word: Any, number: int) -> None:
    assert Watch.read(Watch(word, number).text) == Watch(word, number)


def test_the_shipped_examples_show_every_rule_and_a_missing_one_is_named(rules: Rules) -> None:
    assert (unshown_spend(rules.spend), unshown_budgets(rules.budgets)) == ([], [])
    fewer = rules.spend.file.model_copy(update={"examples": rules.spend.file.examples[:1]})
    assert "outside, rule 1" in unshown_spend(replace(rules.spend, file=fewer))
    none = rules.budgets.model_copy(update={"examples": []})
    assert {"recipients, rule 1", "level exceeded"} <= set(unshown_budgets(none))


def test_an_example_that_comes_out_otherwise_says_how(rules: Rules) -> None:
    wrong = SpendExample.model_validate({"name": "x", "po": "known", "expect": {"cost_center": "4100"}})
    assert [sentence.split(",")[0] for sentence in try_spend(wrong, rules.spend)][:2] == [
        "it counts as coupa",
        "cost_center is None",
    ]
    late = BudgetExample.model_validate(
        {"name": "x", "on": "2026-07-01", "expect_period": "FY26 Q2", "used": 80, "expect_level": "below"}
    )
    assert len(try_budget(late, rules.budgets)) == 2


def test_recipients_are_the_first_that_fit(rules: Rules) -> None:
    chosen = rules.budgets.recipient(Segment(cost_center="4200"))
    assert chosen is not None
    assert chosen.group == "Engineering budget"
    assert budgets(rules, recipients=[{"when": {"department": "X"}, "to": "a@b.example"}]).recipient(Segment()) is None
    with pytest.raises(ValidationError, match="no mail address"):
        budgets(rules, recipients=[{"to": "nobody"}])
