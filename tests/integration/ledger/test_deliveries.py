"""Claim and outcome: one attempt a claim, nothing late overwrites, nothing unanswered is sent again unasked."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from procurement.ledger import Ledger
from procurement.ledger.types import Claimed, Found, Sent
from procurement.money import Money
from tests.integration.ledger.documents import (
    COMMENT,
    CREATE,
    PIPELINE,
    SUBMIT,
    claim_next,
    count,
    open_run,
    plan_invoices,
    state_of,
)

pytestmark = pytest.mark.integration


def make_overdue(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE deliveries SET sent_at = sent_at - interval '1 hour' WHERE sent_at IS NOT NULL"
        )


def ask_due(ledger: Ledger) -> Claimed:
    make_overdue(ledger)
    (asked,) = ledger.deliveries.to_ask(PIPELINE, wait=660)
    return asked


def kinds(ledger: Ledger) -> list[str]:
    return [event.kind for event in ledger.events.of_key("N1") if event.kind != "planned"]


def test_two_loads_that_select_the_same_rows_claim_each_row_once(ledger: Ledger) -> None:
    for number in range(20):
        plan_invoices(ledger, f"T{number}", invoice=f"N{number}")
    ids = [id for id, _ in ledger.deliveries.due(PIPELINE, 99)]
    assert len(ids) == 20
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(ledger.deliveries.claim, ids * 4))
    assert sorted(claim.id for claim in claims if claim) == sorted(ids)
    assert count(ledger, "SELECT count(*) FROM attempts") == 20


def test_a_successor_is_claimed_only_after_its_predecessor_and_knows_its_target_id(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1", comment=True)
    submit = ledger.deliveries.known(PIPELINE, SUBMIT, ["N1"])["N1"].id
    assert ledger.deliveries.claim(submit) is None
    create = claim_next(ledger)
    assert ledger.deliveries.claim(submit) is None
    ledger.deliveries.delivered(create, Sent("77"))
    claimed = ledger.deliveries.claim(submit)
    assert claimed is not None
    assert claimed.after_target_id == "77"


def test_a_late_time_out_never_overwrites_delivered(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    slow = claim_next(ledger)
    assert ledger.deliveries.found(ask_due(ledger), Found("77", ours=True))
    ledger.deliveries.uncertain(slow, "time-out")
    assert ledger.deliveries.release(slow, "refused") is False
    assert ledger.deliveries.dead(slow, ["no"], error_class="data") is False
    known = ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"]
    assert (known.state, known.target_id) == ("delivered", "77")
    assert kinds(ledger) == ["delivered", "uncertain", "late", "late"]


def test_an_orphans_confirmation_of_the_same_document_is_only_an_event(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    orphan = claim_next(ledger)
    ledger.deliveries.found(ask_due(ledger), Found("77", ours=True))
    assert ledger.deliveries.delivered(orphan, Sent("77")) is False
    assert kinds(ledger) == ["delivered", "late"]
    assert ledger.findings.of_run(run) == []


def test_an_orphan_beside_its_retry_raises_an_alarm_when_both_made_a_document(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    orphan = claim_next(ledger)
    ledger.deliveries.not_found(ask_due(ledger), max_attempts=5)
    retry = claim_next(ledger)
    assert ledger.deliveries.delivered(retry, Sent("78"))
    assert ledger.deliveries.delivered(orphan, Sent("77")) is False
    (alarm,) = ledger.findings.of_run(run)
    assert (alarm.kind, alarm.expected, alarm.actual) == ("second_target", "78", "77")
    assert ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"].target_id == "78"
    assert "alarm" in kinds(ledger)


def test_the_alarm_rings_too_when_the_orphan_answers_first(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    orphan = claim_next(ledger)
    ledger.deliveries.not_found(ask_due(ledger), max_attempts=5)
    retry = claim_next(ledger)
    assert ledger.deliveries.delivered(orphan, Sent("77")) is False
    assert ledger.deliveries.delivered(retry, Sent("78"))
    assert [finding.kind for finding in ledger.findings.of_run(run)] == ["second_target"]


def test_a_confirmation_that_comes_after_not_found_is_asked_for_before_anything_is_sent_again(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    orphan = claim_next(ledger)
    ledger.deliveries.not_found(ask_due(ledger), max_attempts=5)
    ledger.deliveries.delivered(orphan, Sent("77"))
    assert ledger.deliveries.due(PIPELINE, 9) == []
    assert ledger.deliveries.found(ask_due(ledger), Found("77", ours=True))
    assert state_of(ledger) == "delivered"


def test_a_document_made_although_its_delivery_was_discarded_is_a_finding(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    orphan = claim_next(ledger)
    ledger.deliveries.hold(ask_due(ledger), "cannot be asked for")
    ledger.dead_letters.discard("N1", "billed on paper")
    assert ledger.deliveries.delivered(orphan, Sent("77")) is False
    assert [(finding.kind, finding.actual) for finding in ledger.findings.of_run(run)] == [
        ("confirmed_after_discard", "77")
    ]


def test_not_found_counts_only_after_the_wait(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    claim_next(ledger)
    assert ledger.deliveries.to_ask(PIPELINE, wait=660) == []
    assert ledger.deliveries.unanswered(PIPELINE) == 1
    assert 600 < (ledger.deliveries.due_in(PIPELINE, wait=660) or 0) <= 660
    assert ask_due(ledger).business_key == "N1"


def test_a_second_not_found_for_the_same_attempt_changes_nothing(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    claim_next(ledger)
    asked = ask_due(ledger)
    assert ledger.deliveries.not_found(asked, max_attempts=5) is True
    assert ledger.deliveries.not_found(asked, max_attempts=5) is False
    retry = claim_next(ledger)
    assert ledger.deliveries.not_found(asked, max_attempts=5) is False
    assert retry.attempt == 2
    assert state_of(ledger) == "sending"


def test_a_write_that_vanishes_again_and_again_becomes_a_dead_letter_with_every_error(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    for n in (1, 2, 3):
        ledger.deliveries.uncertain(claim_next(ledger), f"time-out {n}")
        ledger.deliveries.not_found(ask_due(ledger), max_attempts=3)
    (letter,) = ledger.dead_letters.list()
    assert (letter.error_class, letter.errors) == ("transient", ("time-out 1", "time-out 2", "time-out 3"))


def test_a_document_that_is_not_ours_holds_the_row_and_a_replay_asks_again(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    claim_next(ledger)
    assert ledger.deliveries.found(ask_due(ledger), Found("99", ours=False))
    assert state_of(ledger) == "held"
    ledger.dead_letters.replay("N1")
    assert ledger.deliveries.due(PIPELINE, 9) == []
    assert ask_due(ledger).attempt == 1


def test_a_released_write_is_claimed_again_when_the_server_said(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    assert ledger.deliveries.release(claim_next(ledger), "429", retry_after=30)
    assert ledger.deliveries.due(PIPELINE, 9) == []
    assert 25 < (ledger.deliveries.due_in(PIPELINE, wait=660) or 0) <= 30
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET due_at = due_at - interval '1 minute'")
    assert claim_next(ledger).attempt == 2


def test_rows_behind_a_dead_one_wait_with_the_reason_and_go_on_when_it_is_replayed(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1", comment=True)
    ledger.deliveries.dead(claim_next(ledger), ["refused"], error_class="data")
    ledger.deliveries.settle_chains(PIPELINE)
    known = [ledger.deliveries.known(PIPELINE, action, ["N1"])["N1"] for action in (SUBMIT, COMMENT)]
    assert [row.state for row in known] == ["waiting", "waiting"]
    assert known[0].reason == "waits behind create_invoice N1, which is dead"
    ledger.dead_letters.replay("N1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    assert [claim_next(ledger).action] == [SUBMIT]


def test_a_total_read_back_that_differs_is_a_finding(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(
        claim_next(ledger), Sent("77", total=Money.of("10.01", "USD"), facts={"status": "draft"})
    )
    (finding,) = ledger.findings.of_run(run)
    assert (finding.kind, finding.expected, finding.actual, finding.difference) == (
        "total_read_back",
        "10.00",
        "10.01",
        "0.01",
    )
    assert ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"].facts == {"status": "draft"}


def test_an_equal_total_is_none(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77", total=Money.of("10", "USD")))
    assert ledger.findings.of_run(run) == []


def test_only_what_was_not_sent_can_be_skipped(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    create = claim_next(ledger)
    submit = ledger.deliveries.known(PIPELINE, SUBMIT, ["N1"])["N1"].id
    assert ledger.deliveries.skip(create.id, "too late") is False
    assert ledger.deliveries.skip(submit, "not needed") is True
    assert state_of(ledger, SUBMIT) == "skipped"


def test_outcomes_of_the_match_can_be_listed_and_changed_later(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    identity = ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"].id
    ledger.deliveries.set_outcome(identity, "waiting_for_receipt", {"currency": "USD"})
    assert ledger.deliveries.variances([identity]) == {identity: {"currency": "USD"}}
    assert [row.business_key for row in ledger.deliveries.list_by_outcome(PIPELINE, "waiting_for_receipt")] == ["N1"]
    assert ledger.deliveries.list_by_outcome(PIPELINE, "matched") == []


def test_what_the_ledger_does_not_know_is_absent(ledger: Ledger) -> None:
    open_run(ledger)
    assert ledger.deliveries.known(PIPELINE, CREATE, ["N404"]) == {}
    assert ledger.deliveries.due_in(PIPELINE, wait=1) is None
    assert ledger.deliveries.left(PIPELINE) == 0


def test_a_payload_keeps_its_decimals(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            """UPDATE deliveries SET payload = '{"price": 0.10}' WHERE action = 'create_invoice'"""
        )
    assert str(claim_next(ledger).payload["price"]) == "0.10"
