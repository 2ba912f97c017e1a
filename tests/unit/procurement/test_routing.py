"""routing.yml: the first rule that fits a difference decides; an invoice with several of them has one route."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.policies import Rules, read_rules
from procurement.routing import KINDS, Case, RouteRule, RouteWhen, RoutingRules, steps_due

SINCE = datetime(2026, 6, 1, tzinfo=UTC)


def case(kind: str = "price", amount: str = "10", **values: Any) -> Case:
    return Case(kind=kind, amount=Decimal(amount), **values)


def routing(rules: Rules, *chosen: dict[str, Any]) -> RoutingRules:
    """The shipped waits, with rules of the test's own."""
    shipped = rules.routing
    read = tuple(RouteRule.model_validate(one) for one in chosen)
    return replace(shipped, rules=read, disputable=frozenset())


def test_one_task_goes_to_the_team_of_the_gravest_difference(rules: Rules) -> None:
    chosen = routing(
        rules,
        {"when": {"kind": "price"}, "owner": "a", "do": ["comment", "task"], "task": {"group": "Buyers"}},
        {"when": {"kind": "tax"}, "owner": "b", "do": ["comment", "task"], "task": {"group": "Accounts payable"}},
        {"owner": "c"},
    )
    assert chosen.route(case("unbacked")).task_group is None
    assert chosen.route_all([case("unbacked"), case("tax"), case("price")]).task_group == "Accounts payable"


@pytest.mark.parametrize("wrong", [{"do": ["comment", "task"]}, {"task": {"group": "Buyers"}}])
def test_a_task_without_a_team_or_a_team_without_a_task_is_a_mistake(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="task needs task"):
        RouteRule.model_validate({"owner": "a", **wrong})


@pytest.mark.parametrize("kind", [*KINDS, "never heard of"])
def test_every_difference_is_somebodys_as_shipped(rules: Rules, kind: str) -> None:
    route = rules.routing.route(case(kind))
    assert route.owners[0] in ("requester", "ap.lead", "ap.clerk")
    assert "comment" in route.do and route.escalate_to


def test_the_requester_is_asked_about_goods_and_accounts_payable_about_money(rules: Rules) -> None:
    assert {rules.routing.route(case(kind)).owners for kind in ("price", "received", "ordered")} == {("requester",)}
    assert {rules.routing.route(case(kind)).owners for kind in ("tax", "shipping", "total")} == {("ap.lead",)}


def test_from_the_minimum_on_a_dear_invoice_takes_another_way(rules: Rules) -> None:
    assert "add_approver" in rules.routing.route(case(amount="5000.00")).do
    assert "add_approver" not in rules.routing.route(case(amount="4999.99")).do


@pytest.mark.parametrize(
    ("when", "fits", "fits_not"),
    [
        ({"kind": "tax"}, case("tax"), case("price")),
        ({"min_amount": 50}, case(amount="50"), case(amount="49.99")),
        ({"cost_center": ["4100"]}, case(cost_centers=frozenset({"4100", "4200"})), case(cost_centers=frozenset({"4200"}))),
        ({"commodity": "Furniture"}, case(commodities=frozenset({"Furniture"})), case()),
        ({"supplier": "AMZN-US"}, case(supplier="AMZN-US"), case(supplier="AMZN-DE")),
        ({"requester": "Jane@example.com"}, case(requester="jane@EXAMPLE.com"), case(requester=None)),
    ],
)  # fmt: skip
def test_each_condition_narrows_a_rule(when: dict[str, Any], fits: Case, fits_not: Case) -> None:
    assert RouteWhen.model_validate(when).fits(fits)
    assert not RouteWhen.model_validate(when).fits(fits_not)


def test_all_that_is_said_must_be_so() -> None:
    both = RouteWhen.model_validate({"kind": ["price", "tax"], "supplier": "AMZN-US"})
    assert both.fits(case(supplier="AMZN-US"))
    assert not both.fits(case(supplier="AMZN-DE"))
    assert not both.fits(case("ordered", supplier="AMZN-US"))


def test_the_first_rule_that_fits_decides(rules: Rules) -> None:
    chosen = routing(rules, {"when": {"kind": "price"}, "owner": "first"}, {"when": {"kind": "price"}, "owner": "second"}, {"owner": "rest"})  # fmt: skip
    assert chosen.route(case()).owners == ("first",)
    assert chosen.route(case("tax")).owners == ("rest",)


def test_several_differences_have_one_route_with_all_owners_and_the_earliest_day(rules: Rules) -> None:
    chosen = routing(
        rules,
        {"when": {"kind": "price"}, "owner": "requester", "due_days": 5, "escalate_after_days": 7, "escalate_to": ["manager"]},
        {"when": {"kind": "ordered"}, "owner": "requester", "do": ["comment", "add_approver"], "approver": "boss"},
        {"owner": "ap.lead", "do": ["comment", "dispute"], "dispute_reason": "WRONG", "due_days": 1, "escalate_after_days": 2},
    )  # fmt: skip
    route = chosen.route_all([case("price"), case("ordered"), case("tax")])
    assert route.owners == ("requester", "ap.lead")
    assert route.do == ("comment", "add_approver", "dispute")
    assert (route.approver, route.dispute_reason) == ("boss", "WRONG")
    assert (route.due_days, route.escalate_after_days) == (1, 2)
    assert route.escalate_to == ("manager", "ap.lead")


def test_an_approver_is_the_owner_unless_named(rules: Rules) -> None:
    chosen = routing(rules, {"owner": "ap.lead", "do": ["comment", "add_approver"]})
    assert chosen.route(case()).approver == "ap.lead"


def test_amazon_takes_no_disputes_as_shipped(rules: Rules, edited: Callable[..., Path]) -> None:
    assert not rules.routing.may_dispute("AMZN-US")
    folder = edited("routing.yml", "disputable_suppliers: []", "disputable_suppliers: [AMZN-US]")
    assert read_rules(folder).routing.may_dispute("AMZN-US")


@pytest.mark.parametrize(("days", "told"), [(0, 0), (6.99, 0), (7, 1), (11.99, 1), (12, 2), (17, 3), (300, 3)])
def test_each_person_is_told_when_their_day_has_come(days: float, told: int) -> None:
    assert steps_due(SINCE, SINCE + timedelta(days=days), days=7, again_days=5, most=3) == told


@given(st.integers(0, 60), st.integers(1, 30), st.integers(1, 5), st.integers(0, 400), st.integers(0, 100))
def test_waiting_longer_never_takes_a_step_back(first: int, again: int, most: int, age: int, more: int) -> None:
    def told(days: int) -> int:
        return steps_due(SINCE, SINCE + timedelta(days=days), days=first, again_days=again, most=most)

    assert 0 <= told(age) <= told(age + more) <= most
