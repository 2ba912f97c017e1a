"""What was taken on, discarded or only shown stays so; everybody else is decided anew."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger.types import Known, Record
from procurement.pipelines.amazon_suppliers_to_coupa.names import ONBOARD, PIPELINE
from procurement.pipelines.amazon_suppliers_to_coupa.planning import Planner, TakenOn, members_of
from procurement.pipelines.proposals import SHADOW
from procurement.policies import Rollout, read_rules
from procurement.policy_files import PipelineRollout
from procurement.sellers.facts import SellerFacts
from procurement.sellers.rules import Onboarding

LLC, CAPITALS = "Pen Traders LLC", "PEN TRADERS, L.L.C."


def planner(mode: str = "live", **given: Any) -> Planner:
    rules = read_rules(Path(__file__).parents[3] / "mappings")
    eager = rules.suppliers.model_copy(
        update={"onboarding": Onboarding.model_validate({"create": True, "rules": [{"orders": 1}]})}
    )
    rollout = PipelineRollout.model_validate({"mode": mode, "go_live": "2026-01-01"})
    rules = replace(rules, suppliers=eager, rollout=Rollout({PIPELINE: rollout}))
    usual = {"taken_on": (), "suppliers": list}
    return Planner(account="us", rules=rules, today=date(2026, 6, 30), **{**usual, **given})


def records(*names: str) -> list[Record]:
    found = [SellerFacts(key=name, name=name, orders=("A-1",)) for name in names]
    return [
        Record(id=n, source="amazon_business/us", kind="seller", key=facts.key, hash=f"h{n}", raw=facts.written())
        for n, facts in enumerate(found, 1)
    ]


def taken(account: str = "us", *members: str) -> TakenOn:
    key = f"{account}/{members[0]}"
    known = Known(id=1, action=ONBOARD, business_key=key, state="delivered", claimed=True, target_id="7")
    return TakenOn(known, members_of({"members": list(members)}))


def fates(made: Planner, *names: str) -> dict[str, tuple[str, str | None]]:
    some = records(*names)
    keys = {record.id: record.key for record in some}
    return {
        keys[one.record_id]: (one.bills[1], None) if one.bills else (one.state, one.reason)
        for one in made.propose(some).plan.records
    }


def test_members_stay_with_the_delivery_that_took_them_on_and_later_spellings_follow_unsent() -> None:
    made = planner(taken_on=[taken("us", LLC)])
    found = fates(made, LLC, CAPITALS)
    assert found[LLC] == (f"us/{LLC}", None)
    assert found[CAPITALS] == ("skipped", f"belongs to a supplier that was taken on already (us/{LLC})")


def test_what_another_account_took_on_is_not_taken_on_again() -> None:
    made = planner(taken_on=[taken("de", LLC)])
    assert fates(made, LLC) == {LLC: ("skipped", f"belongs to a supplier that was taken on already (de/{LLC})")}
    assert made.propose(records(LLC)).plan.deliveries == []


def test_members_that_are_two_sellers_by_now_stay_with_the_one_delivery() -> None:
    made = planner(taken_on=[taken("us", LLC, "Desk World")])
    plan = made.propose(records(LLC, "Desk World")).plan
    assert [one.business_key for one in plan.deliveries] == [f"us/{LLC}"]
    assert {one.bills for one in plan.records} == {(ONBOARD, f"us/{LLC}")}


@pytest.mark.parametrize("settled", [{LLC: "discarded: not ours"}, {CAPITALS: "discarded: not ours", LLC: SHADOW}])
def test_a_discarded_spelling_leaves_its_seller_out(settled: dict[str, str]) -> None:
    assert set(fates(planner(settled=settled), LLC, CAPITALS).values()) == {("skipped", "discarded: not ours")}


def test_a_seller_shown_in_shadow_stays_until_one_of_its_spellings_is_bought_from_again() -> None:
    assert set(fates(planner(settled={LLC: SHADOW, CAPITALS: SHADOW}), LLC, CAPITALS).values()) == {("skipped", SHADOW)}
    again = fates(planner(settled={LLC: SHADOW}), LLC, CAPITALS)
    assert {state for state, _ in again.values()} == {f"us/{CAPITALS}"}


def test_in_shadow_nothing_is_kept_to_be_planned_again() -> None:
    proposal = planner("shadow").propose(records(LLC, "Amazon.com"))
    assert {(one.state, one.reason, one.to_plan) for one in proposal.plan.records} == {("skipped", SHADOW, False)}
    assert proposal.plan.deliveries == [] and len(proposal.in_shadow) == 1


def test_every_record_has_exactly_one_fate() -> None:
    names = (LLC, CAPITALS, "Desk World", "(no seller named)", "Amazon.com", "Pen Tradesr LLC")
    plan = planner().propose(records(*names)).plan
    assert sorted(one.record_id for one in plan.records) == list(range(1, len(names) + 1))


def test_a_seller_whose_name_coupa_has_already_is_a_question_even_where_a_person_released_it() -> None:
    """Coupa takes no second supplier of one name: sent back by the gate, it would wait unseen for ever."""
    elsewhere = {"country": {"code": "DE"}, "city": "Berlin", "postal-code": "10115", "street1": "Ufer 1"}
    raw = {"id": 9, "number": "S-9", "name": "pen traders llc", "primary-address": elsewhere}
    made = planner(suppliers=lambda: [raw])
    listed = made.rules.suppliers.model_copy(update={"take_on": (LLC,)})
    made = replace(made, rules=replace(made.rules, suppliers=listed))
    place = {"street": "1 Main St", "city": "Reno", "postal_code": "89501", "country": "US"}
    facts = SellerFacts(key=LLC, name=LLC, place=place, orders=("A-1",))
    (record,) = made.propose(
        [Record(id=1, source="amazon_business/us", kind="seller", key=LLC, hash="h", raw=facts.written())]
    ).plan.records
    assert record.state == "held" and record.reason is not None and "S-9" in record.reason
