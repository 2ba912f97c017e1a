"""What was taken on, discarded or only shown stays so; everybody else is decided anew."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger.types import Known, PlannedDelivery, Record
from procurement.pipelines.amazon_suppliers_to_coupa.names import ONBOARD, PIPELINE
from procurement.pipelines.amazon_suppliers_to_coupa.planning import Planner
from procurement.pipelines.amazon_suppliers_to_coupa.reports import TakenOn
from procurement.pipelines.proposals import SHADOW
from procurement.policies import Rollout, read_rules
from procurement.policy_files import PipelineRollout
from procurement.sellers.facts import Bought, FeedDay, SellerFacts
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


def ordered(*orders: str, on: date = date(2026, 6, 1)) -> dict[date, FeedDay]:
    bought = Bought(lines=1, orders=orders or ("A-1",))
    return {on: FeedDay(until=datetime(2026, 6, 30, tzinfo=UTC), bought={on: bought})}


def records(*names: str) -> list[Record]:
    found = [SellerFacts(key=name, name=name, feed=ordered()) for name in names]
    return [
        Record(id=n, source="amazon_business/us", kind="seller", key=facts.key, hash=f"h{n}", raw=facts.written())
        for n, facts in enumerate(found, 1)
    ]


def taken(account: str = "us", *members: str, diversities: Sequence[dict[str, Any]] = ()) -> TakenOn:
    key = f"{account}/{members[0]}"
    known = Known(id=1, action=ONBOARD, business_key=key, state="delivered", claimed=True, target_id="7")
    return TakenOn(
        known, {"members": list(members), "number": "ABS-1", "name": members[0], "body": {"diversities": diversities}}
    )


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
    facts = SellerFacts(key=LLC, name=LLC, place=place, feed=ordered())
    (record,) = made.propose(
        [Record(id=1, source="amazon_business/us", kind="seller", key=LLC, hash="h", raw=facts.written())]
    ).plan.records
    assert record.state == "held" and record.reason is not None and "S-9" in record.reason


def listed(made: Planner, **lists: Any) -> Planner:
    """With other lists in suppliers.yml."""
    return replace(made, rules=replace(made.rules, suppliers=made.rules.suppliers.model_copy(update=lists)), _coupa=[])


NORTH = {"id": 9, "number": "NSOP", "name": "North Side Office Products", "status": "active"}


@pytest.mark.parametrize("released", [(), ("North Side Office",)])
def test_a_supplier_number_that_coupa_does_not_have_holds_the_sellers_declared_under_it(
    released: tuple[str, ...],
) -> None:
    made = listed(planner(suppliers=lambda: [NORTH]), known_as={"NS0P": ("North Side Office",)}, take_on=released)
    proposal = made.propose(records("North Side Office", LLC))
    (held,) = [one for one in proposal.plan.records if one.state == "held"]
    assert held.reason is not None
    assert "'NS0P'" in held.reason and "did you mean 'NSOP'" in held.reason and "known_as" in held.reason
    assert [one.business_key for one in proposal.plan.deliveries] == [f"us/{LLC}"]


def test_a_mistyped_number_asks_even_where_little_is_bought_and_nobody_where_a_person_left_the_seller_out() -> None:
    mistyped = {"known_as": {"NS0P": ("North Side Office",)}}
    below = {"onboarding": Onboarding.model_validate({"create": True, "rules": [{"orders": 9}]})}
    made = planner(suppliers=lambda: [NORTH])
    assert fates(listed(made, **mistyped, **below), "North Side Office")["North Side Office"][0] == "held"
    out = fates(listed(made, **mistyped, leave_out=("North Side Office",)), "North Side Office")
    assert out["North Side Office"][0] == "skipped"
    right = fates(listed(made, known_as={"NSOP": ("North Side Office",)}), "North Side Office")
    assert right["North Side Office"][0] == "skipped"


@pytest.mark.parametrize("status", ["active", "draft", "inactive"])
def test_buying_from_a_supplier_that_people_made_inactive_is_a_question(status: str) -> None:
    made = planner(suppliers=lambda: [{"id": 9, "name": LLC, "number": "V-9", "status": status}])
    (record,) = made.propose(records(LLC)).plan.records
    assert record.state == ("held" if status == "inactive" else "skipped")
    if status == "inactive":
        assert record.reason is not None and "V-9" in record.reason and "inactive" in record.reason
        assert "leave_out" in record.reason and any("1 order" in line for line in record.errors)
        assert fates(listed(made, leave_out=(LLC,)), LLC)[LLC][0] == "skipped"


def test_nobody_is_asked_about_an_inactive_supplier_of_whom_nothing_was_bought_since_go_live() -> None:
    made = planner(suppliers=lambda: [{"id": 9, "name": LLC, "number": "V-9", "status": "inactive"}])
    old = SellerFacts(key=LLC, name=LLC, feed=ordered(on=date(2025, 12, 31)))
    record = Record(id=1, source="amazon_business/us", kind="seller", key=LLC, hash="h", raw=old.written())
    assert [one.state for one in made.propose([record]).plan.records] == ["skipped"]


def certified(*certificates: tuple[str, str, str]) -> Record:
    """`LLC` with certificates: Amazon's word, agency, expiry."""
    credentials: dict[str, dict[str, str]] = {}
    for word, agency, expiry in certificates:
        credentials.setdefault(word, {})
        if agency:
            credentials[word][agency] = expiry
    facts = SellerFacts(key=LLC, name=LLC, feed=ordered(), credentials=credentials)
    return Record(id=1, source="amazon_business/us", kind="seller", key=LLC, hash="h1", raw=facts.written())


def reported(made: Planner, *certificates: tuple[str, str, str]) -> list[str]:
    plan = made.propose([certified(*certificates)]).plan
    held = [one for one in plan.deliveries if one.action == "report_certificate"]
    assert all((one.state, one.required, bool(one.errors)) == ("held", False, True) for one in held)
    return [one.business_key for one in held]


WOMEN = ("Women-Owned Business", "Council", "2027-06-30T00:00:00+00:00")
SENT = {
    "diversity-category": {"code": "WBE"}, "country": {"code": "US"},
    "sim-diversity-certificate-artifacts": [{"description": "Council", "expiry-date": "2027-06-30T00:00:00+00:00"}],
}  # fmt: skip


def test_a_certificate_is_reported_when_its_state_is_not_what_the_supplier_was_created_with() -> None:
    made = planner(taken_on=[taken("us", LLC, diversities=[SENT])])
    assert reported(made, WOMEN) == []
    renewed = ("Women-Owned Business", "Council", "2029-06-30T00:00:00+00:00")
    bare = ("Small Business", "", "")
    assert reported(made, renewed, bare) == [f"us/{LLC}/SBE", f"us/{LLC}/WBE/Council/2029-06-30"]
    over = ("Minority-Owned Business", "Council", "2026-01-01T00:00:00+00:00")
    unknown = ("889 certification", "", "")
    assert reported(made, WOMEN, over, unknown) == []  # not valid; listed among the unknown words
    known = planner(
        taken_on=[taken("us", LLC, diversities=[SENT])], reported=frozenset({("report_certificate", f"us/{LLC}/SBE")})
    )
    assert reported(known, WOMEN, bare) == []


def test_nothing_is_reported_of_a_supplier_that_is_not_there() -> None:
    for state, outcome in (("sending", None), ("delivered", "rejected"), ("delivered", "deleted")):
        one = taken("us", LLC)
        one = replace(one, known=replace(one.known, state=state, outcome=outcome))
        assert reported(planner(taken_on=[one]), WOMEN) == []


def test_a_certificate_that_another_account_sees_is_reported_of_the_supplier_all_the_same() -> None:
    assert reported(planner(taken_on=[taken("de", LLC)]), WOMEN) == [f"de/{LLC}/WBE/Council/2027-06-30"]
    assert reported(planner("shadow", taken_on=[taken("us", LLC)]), WOMEN) == []


def turned_away(outcome: str = "rejected", account: str = "us", **facts: Any) -> TakenOn:
    one = taken(account, LLC)
    known = replace(one.known, outcome=outcome, facts={"decided_on": "2026-06-10", **facts})
    return replace(one, known=known)


def told_of(made: Planner, *, on: date = date(2026, 6, 11)) -> list[PlannedDelivery]:
    facts = SellerFacts(key=LLC, name=LLC, feed=ordered("A-1", "A-2", on=on))
    record = Record(id=1, source="amazon_business/us", kind="seller", key=LLC, hash="h1", raw=facts.written())
    plan = made.propose([record]).plan
    assert {one.bills for one in plan.records} <= {(ONBOARD, f"us/{LLC}"), None}
    return [one for one in plan.deliveries if one.action == "report_purchase"]


@pytest.mark.parametrize("outcome", ["rejected", "deleted"])
def test_buying_from_a_seller_that_people_turned_away_is_told_once_and_creates_nothing(outcome: str) -> None:
    made = planner(taken_on=[turned_away(outcome)])
    (held,) = told_of(made)
    assert (held.business_key, held.state, held.required) == (f"us/{LLC}", "held", False)
    assert held.reason is not None and outcome in held.reason and "2 orders" in held.reason
    assert told_of(replace(made, reported=frozenset({held.name}))) == []
    (also,) = told_of(planner(taken_on=[turned_away(account="de")]))
    assert also.business_key == f"de/{LLC}"


def test_nobody_is_told_of_what_was_bought_before_people_decided_or_after_they_changed_their_mind() -> None:
    made = planner(taken_on=[turned_away()])
    assert told_of(made, on=date(2026, 6, 10)) == []  # the very day: it may have been before
    assert told_of(planner(taken_on=[turned_away("approved")])) == []
    assert told_of(planner(taken_on=[taken("us", LLC)])) == []
    assert told_of(listed(made, leave_out=(LLC,))) == []
    supplier = {"id": 7, "name": LLC, "number": "ABS-1", "status": "active"}
    assert told_of(replace(made, suppliers=lambda: [supplier], _coupa=[])) == []
    assert len(told_of(replace(made, suppliers=lambda: [{**supplier, "status": "inactive"}], _coupa=[]))) == 1


@pytest.mark.parametrize(("outcome", "told"), [("approved", 1), (None, 0)])
def test_a_supplier_that_was_approved_and_is_inactive_by_now_is_told_of_when_it_is_bought_from(
    outcome: str | None, told: int
) -> None:
    """One that people still decide on is looked at by `follow_up`."""
    one = taken("us", LLC)
    one = replace(one, known=replace(one.known, outcome=outcome))
    made = planner(taken_on=[one], suppliers=lambda: [{"id": 7, "name": LLC, "number": "ABS-1", "status": "inactive"}])
    found = told_of(made)
    assert len(found) == told
    assert all(one.reason is not None and "is inactive in Coupa" in one.reason for one in found)
