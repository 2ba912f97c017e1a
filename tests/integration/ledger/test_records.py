"""Source records: kept as read, in every version, and never lost between two reads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest

from procurement.ledger import Ledger
from procurement.ledger.types import Plan, PlannedRecord, RecordLine, Sent, StageCounts
from tests.integration.ledger.documents import (
    CREATE,
    KIND,
    NOW,
    SOURCE,
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


def stage(ledger: Ledger, *rows: object, run: str = "first") -> StageCounts:
    return ledger.records.stage(open_run(ledger, run), SOURCE, KIND, rows)  # type: ignore[arg-type]


def test_an_unchanged_reread_moves_last_seen_and_nothing_else(ledger: Ledger) -> None:
    assert stage(ledger, charge("T1"), charge("T2")) == StageCounts(new=2)
    assert stage(ledger, charge("T1"), charge("T2"), run="second") == StageCounts(unchanged=2)
    assert count(ledger, "SELECT count(*) FROM source_versions") == 2
    assert count(ledger, "SELECT count(*) FROM source_records WHERE last_seen > first_seen") == 2
    assert count(ledger, "SELECT count(*) FROM run_records") == 4


def test_a_changed_record_is_a_new_version_and_is_planned_again(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    assert pending(ledger) == []
    assert stage(ledger, charge("T1", amount="12.00")) == StageCounts(changed=1)
    (record,) = pending(ledger)
    assert (record.amount, record.raw["total"]) == (Decimal("12.00"), Decimal("12.00"))
    assert count(ledger, "SELECT count(*) FROM source_versions") == 2


def test_a_record_that_changes_back_is_read_as_it_first_was(ledger: Ledger) -> None:
    for amount in ("10.00", "12.00", "10.00"):
        stage(ledger, charge("T1", amount=amount))
    assert pending(ledger)[0].raw["total"] == Decimal("10.00")
    assert count(ledger, "SELECT count(*) FROM source_versions") == 2


def test_a_change_after_the_claim_is_a_finding_and_the_difference_is_held(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    assert stage(ledger, charge("T1", amount="12.50")) == StageCounts(changed_after_claim=1)
    assert pending(ledger) == []
    (finding,) = ledger.findings.of_run(run)
    assert (finding.kind, finding.expected, finding.actual, finding.difference) == (
        "changed_after_claim",
        "10.00",
        "12.50",
        "2.50",
    )
    (letter,) = ledger.dead_letters.list(states=("held",))
    assert (letter.amount, letter.reason) == (Decimal("2.50"), "changed after it was sent")


def test_a_discarded_change_is_not_held_again_unless_it_comes_to_another_amount(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    stage(ledger, charge("T1", amount="12.50"))
    (letter,) = ledger.dead_letters.list(states=("held",))
    ledger.dead_letters.discard(letter.key, "booked by hand")
    told = len(ledger.findings.of_run(run))
    stage(ledger, charge("T1", amount="12.50", raw={"transactionId": "T1", "note": "reworded"}))
    assert ledger.dead_letters.list(states=("held",)) == []
    assert len(ledger.findings.of_run(run)) == told
    stage(ledger, charge("T1", amount="13.00"))
    (letter,) = ledger.dead_letters.list(states=("held",))
    assert letter.amount == Decimal("3.00")


def test_what_still_waits_of_a_record_is_planned_again_though_the_rest_was_discarded(ledger: Ledger) -> None:
    stage(ledger, charge("T9"))
    (record,) = pending(ledger)
    ledger.planning.keep(open_run(ledger), Plan(records=[
        PlannedRecord(record_id=record.id, part=part, state=state, reason=state, amount=Decimal(5), currency="USD", to_plan=True)
        for part, state in (("1", "held"), ("2", "waiting"))
    ]))  # fmt: skip
    ledger.dead_letters.discard(f"R-{record.id}", "never")
    assert [row.id for row in pending(ledger)] == [record.id]


def test_a_change_after_the_claim_that_is_taken_back_holds_nothing_any_more(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    for amount in ("12.50", "10.00"):
        stage(ledger, charge("T1", amount=amount))
    assert ledger.dead_letters.list(states=("held",)) == []


def test_a_change_of_words_after_the_claim_is_a_finding_without_money(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    stage(ledger, charge("T1", raw={"transactionId": "T1", "note": "reworded"}))
    assert [finding.difference for finding in ledger.findings.of_run(run)] == ["0.00"]
    assert ledger.dead_letters.list(states=("held",)) == []


def test_a_change_before_the_claim_is_planned_anew_although_a_plan_exists(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    stage(ledger, charge("T1", amount="12.00"))
    assert ledger.planning.keep(run, invoice_plan(pending(ledger))).replaced == 1
    assert claim_next(ledger).payload["number"] == "N1"
    assert count(ledger, "SELECT sum(amount) FROM allocations") == 12


def test_of_one_key_twice_in_a_batch_the_last_counts(ledger: Ledger) -> None:
    assert stage(ledger, charge("T1", amount="1.00"), charge("T1", amount="2.00")) == StageCounts(new=1)
    assert pending(ledger)[0].amount == Decimal("2.00")


def test_nothing_to_stage_is_no_work(ledger: Ledger) -> None:
    assert stage(ledger) == StageCounts()


def test_a_dry_run_stages_nothing(ledger: Ledger) -> None:
    run = open_run(ledger, "dry", dry_run=True)
    with pytest.raises(ValueError, match="dry run"):
        ledger.records.stage(run, SOURCE, KIND, [charge("T1")])
    with pytest.raises(ValueError, match="dry run"):
        ledger.planning.keep(run, Plan())


def test_every_digit_of_a_raw_record_comes_back(ledger: Ledger) -> None:
    raw = {
        "a": Decimal("0.10"),
        "b": Decimal("12345678901234567890.000001"),
        "c": Decimal("1E+3"),
        "d": 7,
        "e": None,
        "f": "0.10",
    }
    stage(ledger, charge("T1", raw=raw))
    read_back = pending(ledger)[0].raw
    assert read_back == raw
    assert str(read_back["a"]) == "0.10"


@pytest.mark.parametrize(
    "text", ["nul \0 byte", "lone \ud800 surrogate", "tab\tnew\nline\\N \\. \r", "ünï¢ode 漢字 🎁", "x" * 10_000_000],
    ids=["nul", "surrogate", "escapes", "unicode", "ten megabytes"],
)  # fmt: skip
def test_awkward_text_is_kept_whole(ledger: Ledger, text: str) -> None:
    stage(ledger, charge("T1", raw={"note": text}))
    assert pending(ledger)[0].raw == {"note": text}


def test_a_key_that_postgresql_cannot_hold_is_kept_and_tallied_under_the_same_stand_in(ledger: Ledger) -> None:
    run = open_run(ledger)
    read(ledger, run, [charge("T\0\ud800", invoice="N\0")])
    assert [record.group_key for record in pending(ledger)] == ["N\ufffd"]
    ledger.completeness.settle(run).require()


def test_two_runs_that_stage_the_same_documents_at_once_do_not_deadlock(ledger: Ledger) -> None:
    rows = [charge(f"T{n:03}") for n in range(300)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda n: stage(ledger, *(rows if n % 2 else rows[::-1]), run=f"run {n}"), range(8)))
    assert sum(result.new for result in results) == 300
    assert sum(result.unchanged for result in results) == 7 * 300


def test_pending_records_come_oldest_first_and_whole_groups_can_be_asked_for(ledger: Ledger) -> None:
    run = open_run(ledger)
    later = charge("T1", dated_at=NOW.replace(day=30, hour=13))
    records = read(ledger, run, [later, charge("T2"), charge("T3", invoice="N2")])
    assert [record.key for record in records] == ["T2", "T3", "T1"]
    ledger.planning.keep(run, invoice_plan([records[0]]))
    assert [row.key for row in ledger.records.of_groups(SOURCE, KIND, ["N1"])] == ["T2", "T1"]


def test_a_group_learned_later_survives_a_reread_without_it(ledger: Ledger) -> None:
    stage(ledger, charge("T1", invoice=None))
    ledger.records.assign_groups({pending(ledger)[0].id: "N7"})
    stage(ledger, charge("T1", invoice=None, raw={"changed": True}))
    assert pending(ledger)[0].group_key == "N7"


def test_an_unknown_record_is_named(ledger: Ledger) -> None:
    with pytest.raises(LookupError, match="no source record 4711"):
        ledger.records.load([4711])


def test_the_charges_of_an_order_line_are_found_and_refunds_are_not(ledger: Ledger) -> None:
    line = RecordLine("O-9", "L-9", "S-9", 2, Decimal("10.00"))
    stage(
        ledger,
        charge("T1", lines=(line, RecordLine("O-9", "L-8", None))),
        charge("T2", lines=(line,), subkind="REFUND"),
        charge("T3", lines=(RecordLine(None, None),)),
    )
    (found,) = ledger.records.charges_of(SOURCE, [("O-9", "L-9"), ("O-9", "L-7")])
    assert (found.key, found.group_key, found.shipment_id, found.amount) == ("T1", "N1", "S-9", Decimal("10.00"))


def test_a_changed_record_takes_its_new_order_lines(ledger: Ledger) -> None:
    stage(ledger, charge("T1", lines=(RecordLine("O-1", "L-1"),)))
    stage(ledger, replace(charge("T1", amount="11.00"), lines=(RecordLine("O-1", "L-2"),)))
    assert ledger.records.charges_of(SOURCE, [("O-1", "L-1")]) == []
    assert len(ledger.records.charges_of(SOURCE, [("O-1", "L-2")])) == 1


def test_a_person_can_release_skipped_records_by_number_but_never_what_was_sent(ledger: Ledger) -> None:
    run = open_run(ledger)
    records = read(ledger, run, [charge("T1"), charge("T2", invoice="N2")])
    plan = invoice_plan(records[1:])
    plan.records.append(decide(records[0], "skipped", "before go-live"))
    ledger.planning.keep(run, plan)
    assert ledger.records.reopen(SOURCE, KIND, ["N1", "N2"]) == 1
    assert [record.key for record in pending(ledger)] == ["T1"]
    assert state_of(ledger, CREATE, "N2") == "planned"
