"""A load against a target that counts: every document once, whatever goes wrong on the way."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import AuthError, NotSent, RejectedError, TransientError, UncertainOutcome, UnexpectedResponse
from procurement.errors import ConfigurationError, DuplicateTarget
from procurement.ledger import Ledger
from procurement.ledger.types import Claimed, Found
from procurement.sending import SendCounts, SendPolicy, send_due
from tests.integration.ledger.documents import (
    COMMENT,
    CREATE,
    PIPELINE,
    SUBMIT,
    FreePermit,
    Target,
    count,
    invoice_plan,
    open_run,
    pending,
    plan_invoices,
    state_of,
    targets,
)

pytestmark = pytest.mark.integration
QUICK = SendPolicy(timeout=0.05, ask_again_after=0.1, patience=1.0, retry_not_sent_after=0.05)
PATIENT = SendPolicy()  # minutes: nothing is asked within a test


def load(
    ledger: Ledger,
    *,
    policy: SendPolicy = QUICK,
    workers: int = 1,
    seconds: float = 20,
    ask_only: bool = False,
    **of: Target,
) -> SendCounts:
    stop_at = datetime.now(UTC) + timedelta(seconds=seconds)
    return send_due(ledger, PIPELINE, targets(**of), policy=policy, stop_at=stop_at, workers=workers, ask_only=ask_only)


def test_a_chain_is_sent_in_its_order_and_a_second_load_sends_nothing(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1", comment=True)
    log: list[str] = []
    notes = {
        name: Target(name, script=[lambda delivery: log.append(delivery.action)])
        for name in ("create", "submit", "comment")
    }
    counts = load(ledger, workers=3, **notes)
    assert log == [CREATE, SUBMIT, COMMENT]
    assert (counts.delivered, counts.left, counts.unanswered, counts.stopped) == (3, 0, 0, None)
    assert load(ledger, **notes).delivered == 0


def test_many_threads_send_every_invoice_once(ledger: Ledger) -> None:
    for number in range(30):
        plan_invoices(ledger, f"T{number}", invoice=f"N{number}")
    create, submit = Target(CREATE), Target(SUBMIT)
    counts = load(ledger, workers=5, create=create, submit=submit)
    assert counts.delivered == 60
    assert sorted(create.sends) == sorted(submit.sends) == sorted(f"N{number}" for number in range(30))


def test_two_loads_at_once_send_every_invoice_once(ledger: Ledger) -> None:
    for number in range(20):
        plan_invoices(ledger, f"T{number}", invoice=f"N{number}")
    create, submit = Target(CREATE), Target(SUBMIT)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: load(ledger, workers=2, create=create, submit=submit), range(2)))
    assert sum(counts.delivered for counts in both) == 40
    assert len(create.sends) == 20


def test_an_answer_lost_after_the_write_is_asked_for_and_never_sent_again(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    create = Target(script=[UncertainOutcome("time-out", operation="create_invoice")])
    counts = load(ledger, create=create)
    assert (create.sends, create.asks) == (["N1"], ["N1"])
    assert (counts.uncertain, counts.found, state_of(ledger, SUBMIT)) == (1, 1, "delivered")


def test_an_answer_lost_before_the_write_is_asked_for_and_then_sent(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    create = Target(script=[UncertainOutcome("time-out", operation="create_invoice")], stores=False)
    counts = load(ledger, create=create)
    assert (create.sends, create.asks) == (["N1", "N1"], ["N1"])
    assert (counts.not_found, counts.delivered) == (1, 2)


def test_an_unanswered_write_waits_for_a_later_run_when_its_wait_is_long(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    create = Target(script=[UncertainOutcome("time-out", operation="create_invoice")])
    counts = load(ledger, policy=PATIENT, create=create)
    assert (counts.uncertain, counts.unanswered, create.asks) == (1, 1, [])
    assert load(ledger, create=create).found == 1


def test_what_was_turned_away_is_sent_again(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    refusals = [
        NotSent("429", operation="create_invoice", retry_after=0.05),
        NotSent("refused", operation="create_invoice"),
    ]
    create = Target(script=list(refusals), stores=False)
    counts = load(ledger, create=create)
    assert (counts.not_sent, counts.delivered, create.asks) == (2, 2, [])


def test_an_outage_ends_the_load_and_leaves_everything_planned(ledger: Ledger) -> None:
    for number in range(9):
        plan_invoices(ledger, f"T{number}", invoice=f"N{number}")
    create = Target(script=[NotSent("connection refused", operation="create_invoice")] * 50, stores=False)
    counts = load(ledger, create=create)
    assert (counts.not_sent, counts.left, counts.delivered) == (5, 18, 0)
    assert counts.stopped is not None
    assert "5 times in a row" in counts.stopped


def test_a_target_that_answers_nothing_does_not_turn_the_whole_queue_into_questions(ledger: Ledger) -> None:
    for number in range(9):
        plan_invoices(ledger, f"T{number}", invoice=f"N{number}")
    create = Target(script=[UncertainOutcome("503", operation="create_invoice")] * 50, stores=False)
    counts = load(ledger, policy=PATIENT, create=create)
    assert (counts.uncertain, counts.unanswered, counts.left) == (5, 5, 13)


def test_a_refusal_is_a_dead_letter_with_all_its_reasons_and_the_rest_goes_on(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    plan_invoices(ledger, "T2", invoice="N2")
    create = Target(
        script=[RejectedError(("No such account.", "No such supplier."), operation="create_invoice", status=400)],
        stores=False,
    )
    counts = load(ledger, create=create)
    assert (counts.dead, counts.delivered) == (1, 2)
    (letter,) = ledger.dead_letters.list()
    assert (letter.errors, letter.error_class) == (("No such account.", "No such supplier."), "data")
    assert state_of(ledger, SUBMIT, "N1") == "waiting"


def test_missing_rights_stop_the_load_and_leave_the_row_planned(ledger: Ledger) -> None:
    for number in range(3):
        plan_invoices(ledger, f"T{number}", invoice=f"N{number}")
    create = Target(script=[AuthError("scope missing", operation="create_invoice")], stores=False)
    with pytest.raises(AuthError, match="scope missing"):
        load(ledger, create=create)
    assert create.sends == ["N0"]
    assert {state_of(ledger, CREATE, f"N{number}") for number in range(3)} == {"planned"}
    assert load(ledger, create=create).delivered == 6


def test_a_defect_while_sending_leaves_a_question_and_fails_the_task(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    create = Target(script=[KeyError("id")])  # after the write
    with pytest.raises(KeyError):
        load(ledger, create=create)
    assert state_of(ledger) == "sending"
    assert load(ledger, create=create).found == 1
    assert create.sends == ["N1"]


def test_a_document_that_a_clerk_keyed_is_held(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    create = Target(script=[UncertainOutcome("time-out", operation="create_invoice")], ours=False)
    counts = load(ledger, create=create)
    assert (counts.held, state_of(ledger), state_of(ledger, SUBMIT)) == (1, "held", "waiting")


class BrokenQuestion(Target):
    error: Exception

    def ask(self, delivery: Claimed) -> Found | None:
        self.asks.append(delivery.business_key)
        raise self.error


def broken(error: Exception) -> BrokenQuestion:
    target = BrokenQuestion(script=[UncertainOutcome("time-out", operation="create_invoice")])
    target.error = error
    return target


@pytest.mark.parametrize(
    "error",
    [DuplicateTarget("N1 is there twice"), RejectedError(("bad filter",), operation="list_invoices")],
    ids=["two", "refused"],
)
def test_a_question_that_cannot_be_settled_holds_the_row(ledger: Ledger, error: Exception) -> None:
    plan_invoices(ledger, "T1")
    assert load(ledger, create=broken(error)).held == 1
    assert "cannot be settled by asking" in (ledger.dead_letters.list(states=("held",))[0].reason or "")


@pytest.mark.parametrize(
    "error",
    [TransientError("503", operation="list_invoices"), UnexpectedResponse("HTML", operation="list_invoices")],
    ids=["transient", "html"],
)
def test_a_question_without_an_answer_is_asked_once_a_load_and_again_by_the_next(
    ledger: Ledger, error: Exception
) -> None:
    plan_invoices(ledger, "T1")
    create = broken(error)
    counts = load(ledger, create=create)
    assert (create.asks, counts.unanswered, counts.found) == (["N1"], 1, 0)
    load(ledger, create=create)
    assert (create.sends, create.asks) == (["N1"], ["N1", "N1"])


def test_missing_rights_to_ask_stop_the_load(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    with pytest.raises(AuthError):
        load(ledger, create=broken(AuthError("scope", operation="list_invoices")))
    assert state_of(ledger) == "sending"


class NoPermit(Target):
    errors: list[Exception]

    def permit(self) -> FreePermit:
        if self.errors:
            raise self.errors.pop(0)
        return super().permit()


def without_permit(*errors: Exception) -> NoPermit:
    target = NoPermit()
    target.errors = list(errors)
    return target


def test_a_rate_that_is_soon_free_is_waited_for_before_the_claim(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    counts = load(ledger, create=without_permit(TransientError("rate", operation="create_invoice", retry_after=0.05)))
    assert counts.delivered == 2
    assert count(ledger, "SELECT max(attempt) FROM deliveries") == 1


@pytest.mark.parametrize("retry_after", [None, 3600.0])
def test_a_rate_that_is_far_off_ends_the_load_without_an_attempt(ledger: Ledger, retry_after: float | None) -> None:
    plan_invoices(ledger, "T1")
    counts = load(
        ledger,
        create=without_permit(TransientError("rate is used up", operation="create_invoice", retry_after=retry_after)),
    )
    assert (counts.stopped, counts.left) == ("create_invoice: rate is used up", 2)
    assert count(ledger, "SELECT count(*) FROM attempts") == 0


def test_rights_missing_before_the_claim_stop_the_load(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    with pytest.raises(AuthError):
        load(ledger, create=without_permit(AuthError("token refused", operation="token")))
    assert state_of(ledger) == "planned"


def test_at_its_time_budget_a_load_stops_claiming_and_succeeds(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    create = Target()
    counts = load(ledger, seconds=-1, create=create)
    assert (counts.stopped, counts.left, create.sends) == ("time budget", 2, [])


def test_a_permit_that_came_after_the_time_budget_is_not_used(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")

    class Slow(Target):
        def permit(self) -> FreePermit:
            time.sleep(0.6)
            return super().permit()

    create = Slow()
    counts = load(ledger, seconds=0.5, create=create)
    assert (counts.stopped, create.permits, create.sends) == ("time budget", 1, [])
    assert count(ledger, "SELECT count(*) FROM attempts") == 0


def test_a_load_that_only_asks_sends_nothing(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    plan_invoices(ledger, "T2", invoice="N2")
    create = Target(script=[UncertainOutcome("time-out", operation="create_invoice")])
    load(ledger, policy=SendPolicy(timeout=0, ask_again_after=0.01, patience=0, outage_after=1), create=create)
    counts = load(ledger, policy=SendPolicy(timeout=0, ask_again_after=0), ask_only=True, create=create)
    assert (counts.found, create.sends, state_of(ledger, CREATE, "N2")) == (1, ["N1"], "planned")


def test_a_row_taken_by_somebody_else_costs_no_second_permit(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    plan_invoices(ledger, "T2", invoice="N2")
    ids = [id for id, _ in ledger.deliveries.due(PIPELINE, 9)]
    steal: list[Callable[[], object]] = [lambda: ledger.deliveries.claim(ids[0])]

    class Stolen(Target):
        def permit(self) -> FreePermit:
            if steal:
                steal.pop()()
            return super().permit()

    create = Stolen()
    load(ledger, policy=PATIENT, create=create)
    assert (create.sends, create.permits) == (["N2"], 1)


def test_a_row_that_nobody_can_send_fails_the_task_with_the_names(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    stop_at = datetime.now(UTC) + timedelta(seconds=5)
    with pytest.raises(ConfigurationError, match="planned 'create_invoice', which it cannot send"):
        send_due(ledger, PIPELINE, {}, policy=QUICK, stop_at=stop_at)


def test_a_sent_row_that_nobody_can_ask_for_fails_the_task(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    load(ledger, policy=PATIENT, create=Target(script=[UncertainOutcome("time-out", operation="create_invoice")]))
    stop_at = datetime.now(UTC) + timedelta(seconds=5)
    with pytest.raises(ConfigurationError, match="no longer ask"):
        send_due(ledger, PIPELINE, {}, policy=SendPolicy(timeout=0, ask_again_after=0), stop_at=stop_at)


def test_a_time_budget_needs_an_offset(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="no offset"):
        send_due(ledger, PIPELINE, {}, policy=QUICK, stop_at=datetime(2026, 1, 1))


def test_a_dead_letter_is_replayed_once_with_the_corrected_payload(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    seen: list[object] = []
    create = Target(script=[RejectedError(("no account",), operation="create_invoice")], stores=False)
    load(ledger, create=create)
    assert "planned again" in ledger.dead_letters.replay("N1")
    run = open_run(ledger, "second")
    plan = invoice_plan(pending(ledger))
    plan.deliveries[0].payload["account"] = "corrected"
    ledger.planning.keep(run, plan)
    create.script.append(lambda delivery: seen.append(delivery.payload["account"]))
    assert load(ledger, create=create).delivered == 2
    assert seen == ["corrected"]


def test_a_replay_of_a_write_without_an_answer_asks_first(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    create = broken(DuplicateTarget("twice"))
    load(ledger, create=create)
    assert "asked for first" in ledger.dead_letters.replay("N1")
    again = Target(documents=create.documents)
    counts = load(ledger, create=again)
    assert (counts.found, again.sends, again.asks) == (1, [], ["N1"])


def test_counts_go_into_a_summary(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    assert load(ledger).as_summary()["delivered"] == 2
