"""A plan is kept once, replaced while it may be, and never touches what may already have been sent."""

import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.ledger.types import Plan, PlanCounts, PlannedDelivery, PlannedFinding, PlannedRecord, Sent
from procurement.money import Money
from tests.integration.ledger.documents import (
    COMMENT,
    CREATE,
    KIND,
    PIPELINE,
    SOURCE,
    SUBMIT,
    bill,
    charge,
    claim_next,
    count,
    decide,
    invoice_plan,
    open_run,
    pending,
    plan_invoices,
    read,
    state_of,
)

pytestmark = pytest.mark.integration


def test_keeping_a_plan_twice_changes_nothing(ledger: Ledger) -> None:
    run = open_run(ledger)
    records = read(ledger, run, [charge("T1"), charge("T2"), charge("T3", invoice="N2")])
    assert ledger.planning.keep(run, invoice_plan(records)) == PlanCounts(planned=4, records=3)
    assert pending(ledger) == []
    assert ledger.planning.keep(run, invoice_plan(records)) == PlanCounts(unchanged=4, records=3)
    assert count(ledger, "SELECT count(*) FROM events") == 4


def test_a_plan_whose_run_died_is_sent_by_the_next_run(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    open_run(ledger, "second")
    assert claim_next(ledger).business_key == "N1"


def test_a_component_that_arrives_before_the_claim_joins_when_its_whole_invoice_is_planned(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    both = [*ledger.records.load([1]), *read(ledger, run, [charge("T2")])]
    assert ledger.planning.keep(run, invoice_plan(both)).replaced == 1
    assert claim_next(ledger).payload["keys"] == ["T1", "T2"]


def test_a_component_planned_without_its_invoices_other_records_makes_them_all_planned_together(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    late = read(ledger, run, [charge("T2")])
    counts = ledger.planning.keep(run, invoice_plan(late))
    assert counts.late == ()
    assert state_of(ledger) == "waiting"
    assert ledger.deliveries.due(PIPELINE, 9) == []
    assert [record.key for record in pending(ledger)] == ["T1", "T2"]
    ledger.planning.keep(run, invoice_plan(pending(ledger)))
    assert claim_next(ledger).payload["keys"] == ["T1", "T2"]


@pytest.mark.parametrize("delivered", [False, True], ids=["claimed", "delivered"])
def test_a_charge_is_never_linked_to_an_invoice_that_was_already_claimed(ledger: Ledger, delivered: bool) -> None:
    run = plan_invoices(ledger, "T1")
    claimed = claim_next(ledger)
    if delivered:
        ledger.deliveries.delivered(claimed, Sent("77"))
    late = read(ledger, run, [charge("T2")])
    counts = ledger.planning.keep(run, invoice_plan([*ledger.records.load([1]), *late]))
    assert counts.late == ((late[0].id, "N1"),)
    assert [record.key for record in pending(ledger)] == ["T2"]
    assert count(ledger, "SELECT count(*) FROM allocations WHERE delivery_id IS NOT NULL") == 1
    assert ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"].amount == Decimal("10.00")


def test_a_late_charge_can_be_billed_by_a_second_invoice(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    claim_next(ledger)
    late = [replace(record, group_key="N1-2") for record in read(ledger, run, [charge("T2")])]
    assert ledger.planning.keep(run, invoice_plan(late)).late == ()
    assert state_of(ledger, CREATE, "N1-2") == "planned"


def test_a_charge_cannot_stand_in_an_invoice_and_in_its_second_number(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    claim_next(ledger)
    again = [replace(record, group_key="N1-2") for record in ledger.records.load([1])]
    assert ledger.planning.keep(run, invoice_plan(again)).late == ((1, "N1-2"),)
    assert count(ledger, "SELECT count(*) FROM allocations") == 1


def test_a_record_already_sent_and_now_decided_otherwise_is_late(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    claim_next(ledger)
    plan = Plan(records=[decide(ledger.records.load([1])[0], "dead", "unreadable now")])
    assert ledger.planning.keep(run, plan).late == ((1, "N1"),)
    assert ledger.dead_letters.list() == []


def test_a_change_that_slipped_in_before_the_claim_is_still_found_when_planned_again(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    read(ledger, run, [charge("T1", amount="12.00")])  # to be planned again, but load is quicker
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    ledger.planning.keep(run, invoice_plan(pending(ledger)))
    assert [finding.difference for finding in ledger.findings.of_run(run)] == ["2.00"]
    assert [letter.amount for letter in ledger.dead_letters.list(states=("held",))] == [Decimal("2.00")]
    assert pending(ledger) == []
    ledger.completeness.settle(run).require()


def test_a_record_reread_differently_while_it_was_being_planned_stays_to_be_planned(ledger: Ledger) -> None:
    run = open_run(ledger)
    records = read(ledger, run, [charge("T1")])
    read(ledger, run, [charge("T1", amount="12.00")])  # by another run, meanwhile
    ledger.planning.keep(run, invoice_plan(records))
    assert [record.amount for record in pending(ledger)] == [Decimal("12.00")]


def test_a_comment_that_the_newer_plan_no_longer_needs_is_not_sent(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1", comment=True)
    ledger.planning.keep(run, invoice_plan(ledger.records.load([1])))
    assert state_of(ledger, COMMENT) == "skipped"
    ledger.planning.keep(run, invoice_plan(ledger.records.load([1]), comment=True))
    assert state_of(ledger, COMMENT) == "planned"


def test_planning_a_comment_alone_leaves_its_invoice_alone(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    for text in ("first", "second"):
        comment = PlannedDelivery(action=COMMENT, business_key="N1", payload={"text": text}, after=(SUBMIT, "N1"))
        ledger.planning.keep(run, Plan(deliveries=[comment]))
    assert (state_of(ledger), state_of(ledger, SUBMIT)) == ("planned", "planned")


def test_an_invoice_that_lost_its_only_record_to_another_is_not_sent(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    moved = [replace(record, group_key="N2") for record in ledger.records.load([1])]
    ledger.planning.keep(run, invoice_plan(moved))
    assert [state_of(ledger, action) for action in (CREATE, SUBMIT)] == ["skipped", "skipped"]
    assert claim_next(ledger).business_key == "N2"


def test_an_invoice_that_lost_one_of_its_records_waits_and_is_planned_again_from_the_rest(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1", "T2")
    moved = [replace(record, group_key="N2") for record in ledger.records.load([1])]
    ledger.planning.keep(run, invoice_plan(moved))
    assert state_of(ledger) == "waiting"
    assert [record.key for record in pending(ledger)] == ["T2"]
    ledger.planning.keep(run, invoice_plan(pending(ledger)))
    assert state_of(ledger) == "planned"


def test_a_waiting_record_stays_to_be_planned_and_a_dead_one_carries_all_its_errors(ledger: Ledger) -> None:
    run = open_run(ledger)
    first, second = read(ledger, run, [charge("T1"), charge("T2")])
    errors = ("Line 1 has no price.", "The PO is unknown.")
    plan = Plan(
        records=[decide(first, "waiting", "settling", to_plan=True), decide(second, "dead", "unusable", errors=errors)]
    )
    ledger.planning.keep(run, plan)
    assert [record.key for record in pending(ledger)] == ["T1"]
    (letter,) = ledger.dead_letters.list()
    assert (letter.errors, letter.error_class, letter.reason) == (errors, "data", "unusable")
    assert [event.kind for event in ledger.events.of(f"amazon_business/acme/transaction/{second.key}")] == ["dead"]


def test_parts_of_one_record_go_to_different_places(ledger: Ledger) -> None:
    run = open_run(ledger)
    (record,) = read(ledger, run, [charge("T1")])
    plan = invoice_plan([])
    plan.deliveries.append(
        PlannedDelivery(action=CREATE, business_key="N1", payload={}, amount=Decimal("7.00"), currency="USD")
    )
    plan.records += [
        replace(bill(record, "N1"), part="goods", amount=Decimal("7.00")),
        PlannedRecord(
            record_id=record.id,
            part="gift wrap",
            state="held",
            reason="who pays?",
            amount=Decimal("3.00"),
            currency="USD",
        ),
    ]
    ledger.planning.keep(run, plan)
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    settled = ledger.completeness.settle(run)
    settled.require()
    assert settled.documents.held == 1
    assert (settled.money["USD"].delivered, settled.money["USD"].held) == (Decimal("7.00"), Decimal("3.00"))


def test_an_invoice_whose_records_do_not_add_up_to_its_payload_is_a_finding(ledger: Ledger) -> None:
    run = open_run(ledger)
    plan = invoice_plan(read(ledger, run, [charge("T1")]))
    plan.deliveries[0] = replace(plan.deliveries[0], amount=Decimal("10.01"))
    ledger.planning.keep(run, plan)
    ledger.planning.keep(run, plan)
    (finding,) = ledger.findings.of_run(run)
    assert (finding.kind, finding.expected, finding.actual, finding.difference) == (
        "allocation_total",
        "10.00",
        "10.01",
        "0.01",
    )


def test_findings_are_replaced_with_their_plan_and_kept_once_sent(ledger: Ledger) -> None:
    run = open_run(ledger)
    records = read(ledger, run, [charge("T1")])

    def keep(*sentences: str) -> None:
        plan = invoice_plan(records)
        plan.findings = [
            PlannedFinding(kind="price", sentence=sentence, delivery=(CREATE, "N1")) for sentence in sentences
        ]
        ledger.planning.keep(run, plan)

    keep("too dear", "far too dear")
    keep("too dear")
    assert [finding.sentence for finding in ledger.findings.of_run(run)] == ["too dear"]
    identity = ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"].id
    claim_next(ledger)
    keep("too dear", "and late")
    assert [finding.sentence for finding in ledger.findings.of_deliveries([identity])] == ["too dear", "and late"]


def test_a_finding_keeps_its_rule_and_money_and_a_delivery_its_variance(ledger: Ledger) -> None:
    run = open_run(ledger)
    records = read(ledger, run, [charge("T1")])
    rule, variance = "tolerances.yml: default.price.over", {"currency": "USD", "parts": {"price": "10.00"}}

    def plan(money: Money | None, kept: dict[str, Any] | None) -> Plan:
        made = invoice_plan(records)
        made.deliveries[0] = replace(made.deliveries[0], variance=kept)
        made.findings = [
            PlannedFinding(
                kind="price", sentence="too dear", delivery=(CREATE, "N1"), line="1", rule=rule, money=money
            ),
        ]
        return made

    ledger.planning.keep(run, plan(None, None))
    identity = ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"].id
    assert ledger.deliveries.variances([identity]) == {}
    again = ledger.planning.keep(run, plan(Money.of("10.00", "USD"), variance))
    assert (again.replaced, ledger.planning.keep(run, plan(Money.of("10.00", "USD"), variance)).replaced) == (1, 0)
    (finding,) = ledger.findings.of_deliveries([identity])
    assert (finding.rule, finding.money, finding.line) == (rule, Money.of("10.00", "USD"), "1")
    assert ledger.deliveries.variances([identity]) == {identity: variance}
    later = PlannedFinding(kind="price", sentence="still", rule=rule, money=Money.zero("USD"))
    ledger.findings.replace(identity, run, [later])
    assert [found.money for found in ledger.findings.of_deliveries([identity])] == [Money.zero("USD")]
    ledger.findings.replace(identity, run, [PlannedFinding(kind="tax", sentence="off")], keeping=["price"])
    assert [found.sentence for found in ledger.findings.of_deliveries([identity])] == ["still", "off"]


def test_a_finding_about_a_record_is_read_by_record(ledger: Ledger) -> None:
    run = open_run(ledger)
    (record,) = read(ledger, run, [charge("T1")])
    plan = Plan(
        records=[decide(record, "held", "late component")],
        findings=[PlannedFinding(kind="late_component", sentence="came late", record_id=record.id, breached=False)],
    )
    ledger.planning.keep(run, plan)
    ledger.planning.keep(run, plan)
    (finding,) = ledger.findings.of_records([record.id])
    assert (finding.document, finding.breached) == ("T1", False)
    assert ledger.findings.of_run(run, breached=True) == []


def test_a_pipelines_findings_come_dearest_first_and_of_the_kinds_asked_for(ledger: Ledger) -> None:
    run = open_run(ledger)
    records = read(ledger, run, [charge("T1"), charge("T2"), charge("T3")])
    costs = {"T1": Money.of("9.00", "USD"), "T2": Money.of("10.00", "USD"), "T3": None}
    plan = Plan(
        records=[decide(record, "held", "to look at") for record in records],
        findings=[
            PlannedFinding(kind="no_po", sentence="around Coupa", record_id=record.id, money=costs[record.key])
            for record in records
        ]
        + [PlannedFinding(kind="late", sentence="late", record_id=records[0].id)],
    )
    ledger.planning.keep(run, plan)
    found = ledger.findings.of_pipeline(PIPELINE, ["no_po"])
    assert [finding.document for finding in found] == ["T2", "T1", "T3"]
    assert ledger.findings.of_pipeline("another", ["no_po"]) == []


def test_a_delivery_may_follow_one_of_an_earlier_run_and_must_not_follow_nothing(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    credit = PlannedDelivery(action=CREATE, business_key="C1", payload={}, after=(SUBMIT, "N1"))
    ledger.planning.keep(run, Plan(deliveries=[credit]))
    lost = replace(credit, business_key="C2", after=(SUBMIT, "N404"))
    with pytest.raises(ValueError, match=r"create_invoice C2 follows submit_invoice N404, which was never planned"):
        ledger.planning.keep(run, Plan(deliveries=[lost]))
    assert ledger.deliveries.known(PIPELINE, CREATE, ["C2"]) == {}


def test_an_extract_and_a_transform_over_the_same_documents_do_not_deadlock(ledger: Ledger) -> None:
    run = open_run(ledger)
    rows = [charge(f"T{n:03}", invoice=f"N{n % 50}") for n in range(400)]
    plan = invoice_plan(read(ledger, run, rows))
    plan.records = [replace(record, hash=None) for record in reversed(plan.records)]
    failures: list[BaseException] = []

    def repeat(work: Callable[[int], object]) -> None:
        try:
            for n in range(12):
                work(n)
        except Exception as error:
            failures.append(error)

    def reread(n: int) -> None:
        changed = [replace(row, raw={**row.raw, "read": n}) for row in rows]
        ledger.records.stage(run, SOURCE, KIND, changed)

    works = (reread, lambda _: ledger.planning.keep(run, plan), lambda _: ledger.planning.keep(run, plan))
    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_one_transform_of_a_pipeline_at_a_time(ledger: Ledger) -> None:
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with ledger.planning.planning_lock(PIPELINE):
            order.append("second")

    with ledger.planning.planning_lock(PIPELINE):
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        with ledger.planning.planning_lock("another pipeline"):
            order.append("first")
        thread.join(0.2)
        assert order == ["first"]
    thread.join(5)
    assert order == ["first", "second"]
