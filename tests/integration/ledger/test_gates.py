"""The gate before a claim, answers that refuse for good, and records that change by nature."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import AuthError, NotFound, RejectedError, TransientError
from procurement.ledger import Ledger
from procurement.ledger.types import Claimed, Found, Peeked, Plan, PlannedDelivery, PlannedRecord, Sent, Stop
from procurement.sending import Action, SendCounts, send_due
from tests.integration.ledger.documents import (
    CREATE,
    KIND,
    NOW,
    PIPELINE,
    SOURCE,
    SUBMIT,
    FreePermit,
    Target,
    charge,
    open_run,
    pending,
    plan_invoices,
    read,
    state_of,
)
from tests.integration.ledger.test_sending import PATIENT, QUICK
from tests.integration.ledger.test_sending import load as load_plainly

pytestmark = pytest.mark.integration


@dataclass
class Gate(Target):
    """A target with a gate that says what `verdict` says."""

    verdict: Callable[[Peeked], Stop | None] = lambda delivery: None
    looked: int = 0

    def gate(self, delivery: Peeked) -> Stop | None:
        self.looked += 1
        return self.verdict(delivery)


def load(ledger: Ledger, create: Action, **options: object) -> SendCounts:
    actions = {CREATE: create, SUBMIT: Target(SUBMIT)}
    stop_at = datetime.now(UTC) + timedelta(seconds=20)
    return send_due(ledger, PIPELINE, actions, policy=QUICK, stop_at=stop_at, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["held", "skipped"])
def test_what_the_gate_refuses_is_set_aside_with_its_reason_and_never_sent(ledger: Ledger, state: str) -> None:
    run = plan_invoices(ledger, "T1")
    gate = Gate(verdict=lambda delivery: Stop(state, "the requisition was withdrawn"))  # type: ignore[arg-type]
    counts = load(ledger, gate)
    known = ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"]
    assert (counts.stopped_at_gate, counts.delivered, gate.sends) == (1, 0, [])
    assert (known.state, known.reason) == (state, "the requisition was withdrawn")
    assert getattr(ledger.completeness.settle(run).documents, state) == 1
    assert load(ledger, gate).stopped_at_gate == 0, "what was set aside does not come to the gate again by itself"


def test_what_must_wait_at_the_gate_is_planned_again_from_its_records(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    load(ledger, Gate(verdict=lambda delivery: Stop("waiting", "one approval is still open")))
    assert [record.key for record in pending(ledger)] == ["T1"]
    plan_invoices(ledger, "T1")
    assert load(ledger, Gate()).delivered == 2


def test_a_gate_that_cannot_look_leaves_the_row_planned_and_ends_the_load(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")

    def away(delivery: Peeked) -> Stop | None:
        raise TransientError("Coupa is away", operation="get_purchase_order")

    counts = load(ledger, Gate(verdict=away))
    assert state_of(ledger) == "planned"
    assert counts.stopped is not None and "Coupa is away" in counts.stopped


def test_a_row_about_which_the_gate_s_question_is_refused_is_held_and_does_not_block_the_queue(ledger: Ledger) -> None:
    """Asked again by every run it would end every load, and nobody would hear of it."""
    plan_invoices(ledger, "T1")

    def refused(delivery: Peeked) -> Stop | None:
        raise RejectedError(("part number has an invalid character",), operation="list_supplier_items", status=400)

    counts = load(ledger, Gate(verdict=refused))
    assert (state_of(ledger), counts.stopped, counts.stopped_at_gate) == ("held", None, 1)
    (letter,) = ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
    assert letter.errors == ("part number has an invalid character",)


def test_a_bare_404_at_the_gate_may_come_from_anywhere_and_holds_nothing(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")

    def bare(delivery: Peeked) -> Stop | None:
        raise NotFound(("404",), operation="list_comments", status=404, explained=False)

    assert load(ledger, Gate(verdict=bare)).stopped is not None
    assert state_of(ledger) == "planned"


def test_a_gate_without_permission_is_a_persons_matter(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")

    def denied(delivery: Peeked) -> Stop | None:
        raise AuthError("no scope", operation="get_requisition")

    with pytest.raises(AuthError, match="no scope"):
        load(ledger, Gate(verdict=denied))
    assert state_of(ledger) == "planned"


def test_only_the_payload_that_passed_is_claimed(ledger: Ledger) -> None:
    """A plan that changes between the look and the claim goes to the gate again."""
    run = plan_invoices(ledger, "T1")
    seen: list[object] = []

    def changed_meanwhile(delivery: Peeked) -> Stop | None:
        seen.append(delivery.payload.get("version"))
        if len(seen) == 1:
            record = ledger.records.load([row.id for row in ledger.records.of_groups(SOURCE, KIND, ["N1"])])[0]
            create = PlannedDelivery(
                action=CREATE, business_key="N1", payload={"version": 2}, amount=record.amount, currency="USD"
            )
            billed = PlannedRecord(
                record_id=record.id, state="planned", bills=(CREATE, "N1"), amount=record.amount, currency="USD"
            )
            submit = PlannedDelivery(action=SUBMIT, business_key="N1", payload={}, after=(CREATE, "N1"))
            ledger.planning.keep(run, Plan([create, submit], [billed]))
        return None

    gate = Gate(verdict=changed_meanwhile)
    load(ledger, gate)
    assert seen == [None, 2]
    assert gate.sends == ["N1"]


def test_the_gate_comes_after_the_permit_and_before_the_claim(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    log: list[str] = []

    class Logged(Gate):
        def permit(self) -> FreePermit:
            log.append("permit")
            return FreePermit()

    def look(delivery: Peeked) -> Stop | None:
        log.append(f"gate {state_of(ledger)}")
        return None

    def note(delivery: Claimed) -> None:
        log.append(f"send {state_of(ledger)}")

    load(ledger, Logged(verdict=look, script=[note]))
    assert log[:3] == ["permit", "gate planned", "send sending"]


@dataclass
class Refusing(Target):
    """Answers every send with a refusal for good; `lost` loses the first answer."""

    lost: bool = False

    def send(self, delivery: Claimed, permit: object) -> Sent:
        sent = super().send(delivery, permit)
        return replace(sent, refused="nothing of it is available", facts={"rejected": 3})

    def ask(self, delivery: Claimed) -> Found | None:
        found = super().ask(delivery)
        return replace(found, refused="nothing of it is available") if found else None


def test_a_refusal_for_good_is_held_with_its_facts_and_cannot_be_replayed(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    counts = load(ledger, Refusing())
    known = ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"]
    assert (counts.refused, known.state, known.outcome, known.facts) == (1, "held", "refused", {"rejected": 3})
    assert ledger.completeness.settle(run).documents.held == 1
    (letter,) = ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
    assert "no for good" in letter.to_do
    with pytest.raises(LookupError, match="refused for good"):
        ledger.dead_letters.replay(letter.key)


def test_a_refusal_that_was_asked_for_counts_as_one(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    target = Refusing(script=[TransientError("cut", operation="x")])
    load_plainly(ledger, create=target)
    assert ledger.deliveries.known(PIPELINE, CREATE, ["N1"])["N1"].outcome == "refused"
    assert target.sends == ["N1"]


def test_a_refusal_is_settled_once_something_newer_answers_for_it(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    load(ledger, Refusing())
    assert ledger.deliveries.settle_refused(PIPELINE, CREATE, "N1", "ordered again as N1-2")
    assert state_of(ledger) == "skipped"
    assert not ledger.deliveries.settle_refused(PIPELINE, CREATE, "N1", "twice")


def test_answered_rows_without_a_follower_are_found_refused_ones_too(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1", invoice="N1")
    plan_invoices(ledger, "T2", invoice="N2")
    plan_invoices(ledger, "T3", invoice="N%")
    load(ledger, Refusing())
    without = ledger.deliveries.without_follower(PIPELINE, CREATE, "write_back")
    assert [known.business_key for known in without] == ["N1", "N2", "N%"]
    assert ledger.deliveries.without_follower(PIPELINE, CREATE, SUBMIT) == []
    assert [known.business_key for known in ledger.deliveries.of_keys_like(PIPELINE, CREATE, ["N%"])] == ["N%"]


def test_a_rejected_row_is_dead_as_before(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    load(ledger, Gate(script=[RejectedError(("no such supplier",), operation="x")], stores=False))
    assert state_of(ledger) == "dead"


def test_an_evolving_record_is_planned_again_whatever_was_sent_for_it(ledger: Ledger) -> None:
    run = open_run(ledger)
    open_order = charge("O-1", None, None, raw={"shipped": 1})
    (record,) = read(ledger, run, [open_order])
    plan = Plan(
        [PlannedDelivery(action=CREATE, business_key="O-1/shipped/1", payload={})],
        [PlannedRecord(record_id=record.id, state="planned", part="shipped/1", bills=(CREATE, "O-1/shipped/1"))],
    )
    ledger.planning.keep(run, plan)
    load(ledger, Target(CREATE))
    again = replace(open_order, raw={"shipped": 2})
    counts = ledger.records.stage(run, SOURCE, KIND, [again], evolving=True)
    assert (counts.changed, counts.changed_after_claim) == (1, 0)
    assert [one.raw for one in pending(ledger)] == [{"shipped": 2}]
    more = Plan(
        [PlannedDelivery(action=CREATE, business_key="O-1/shipped/2", payload={})],
        [PlannedRecord(record_id=record.id, state="planned", part="shipped/2", bills=(CREATE, "O-1/shipped/2"))],
    )
    assert ledger.planning.keep(run, more).late == ()
    assert ledger.completeness.settle(run).documents.waiting == 1
    load(ledger, Target(CREATE))
    assert ledger.completeness.settle(run).documents.delivered == 1
    assert ledger.findings.of_records([record.id]) == []


def test_known_records_are_found_by_key_with_their_content(ledger: Ledger) -> None:
    read(ledger, open_run(ledger), [charge("T1"), charge("T2")])
    found = ledger.records.find(SOURCE, KIND, ["T2", "T3"])
    assert list(found) == ["T2"] and found["T2"].raw["transactionId"] == "T2"


def test_refunds_of_orders_come_with_their_reason_and_sign(ledger: Ledger) -> None:
    refund = charge(
        "R1", None, "-4.00", subkind="REFUND",
        raw={"transactionLineItems": [{"refundReason": "Item returned"}]},
    )  # fmt: skip
    read(ledger, open_run(ledger), [charge("T1"), refund])
    (found,) = ledger.records.refunds_of(SOURCE, ["O-1"])
    assert (found.key, found.subkind, found.amount, found.reason) == ("R1", "REFUND", -4, "Item returned")
    assert ledger.records.refunds_of(SOURCE, ["O-2"]) == []


def test_deliveries_of_a_run_are_counted_by_action(ledger: Ledger) -> None:
    first = plan_invoices(ledger, "T1")
    load(ledger, Target(CREATE))
    assert ledger.deliveries.delivered_in(first, [CREATE]) == 1
    second = ledger.runs.open(PIPELINE, "second", now=NOW)
    assert ledger.deliveries.delivered_in(second, [CREATE, SUBMIT]) == 0


def test_patience_is_for_the_gate_too(ledger: Ledger) -> None:
    """A load that may not send looks at no gate."""
    plan_invoices(ledger, "T1")
    gate = Gate()
    load(ledger, gate, ask_only=True)
    assert gate.looked == 0
    assert PATIENT.wait > QUICK.wait


def test_what_waits_at_the_gate_and_belongs_to_no_record_can_be_found(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    [row] = [id for id, action in ledger.deliveries.due(PIPELINE, 10) if action == CREATE]
    assert ledger.deliveries.waiting(PIPELINE, [CREATE]) == []
    load(ledger, Gate(verdict=lambda delivery: Stop("waiting", "not yet")))
    assert ledger.deliveries.waiting(PIPELINE, [CREATE]) == [row]
    assert ledger.deliveries.waiting(PIPELINE, [SUBMIT]) == ledger.deliveries.waiting("another", [CREATE]) == []


def test_a_row_of_one_account_is_never_sent_nor_asked_for_by_anothers_connection(ledger: Ledger) -> None:
    run = open_run(ledger)
    (record,) = read(ledger, run, [charge("T1")])
    row = PlannedDelivery(
        action=CREATE, business_key="N1", payload={}, amount=record.amount, currency="USD", scope="account-a"
    )
    billed = PlannedRecord(
        record_id=record.id, state="planned", bills=(CREATE, "N1"), amount=record.amount, currency="USD"
    )
    ledger.planning.keep(run, Plan([row], [billed]))
    other, own = Target(CREATE), Target(CREATE, script=[TransientError("cut", operation="x")])
    assert load(ledger, other, scope="account-b").delivered == 0
    load(ledger, own, scope="account-a")
    load(ledger, other, scope="account-b")
    assert (other.sends, other.asks) == ([], [])
    load(ledger, own, scope="account-a")
    assert (own.sends, state_of(ledger)) == (["N1"], "delivered")
