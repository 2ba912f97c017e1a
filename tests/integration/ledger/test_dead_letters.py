"""What a person must see, and the three things they can do: replay it, discard it, or leave it."""

import pytest

from procurement.dead_letters import main
from procurement.ledger import Ledger
from procurement.ledger.types import Plan, Sent
from tests.integration.ledger.documents import (
    CREATE,
    PIPELINE,
    SUBMIT,
    charge,
    claim_next,
    decide,
    invoice_plan,
    open_run,
    pending,
    plan_invoices,
    read,
    state_of,
)

pytestmark = pytest.mark.integration


def bury(ledger: Ledger, key: str = "T1", invoice: str = "N1") -> None:
    plan_invoices(ledger, key, invoice=invoice)
    ledger.deliveries.dead(claim_next(ledger), ["No account 6100.", "No supplier 42."], error_class="data")
    ledger.deliveries.settle_chains(PIPELINE)


def bury_record(ledger: Ledger, state: str = "dead") -> None:
    run = open_run(ledger)
    (record,) = read(ledger, run, [charge("T1")])
    ledger.planning.keep(run, Plan(records=[decide(record, state, "no PO", errors=("The PO is unknown.",))]))


def test_a_dead_delivery_shows_every_error_its_payload_and_what_to_do(ledger: Ledger) -> None:
    bury(ledger)
    (listed,) = ledger.dead_letters.list()
    shown = ledger.dead_letters.show(listed.key)
    assert listed.payload is None
    assert shown.payload == {"number": "N1", "keys": ["T1"]}
    assert shown.errors == ("No account 6100.", "No supplier 42.")
    assert (shown.document, shown.pipeline, shown.currency) == ("create_invoice N1", PIPELINE, "USD")
    assert "mapping" in shown.to_do


def test_a_dead_record_shows_what_was_read(ledger: Ledger) -> None:
    bury_record(ledger)
    shown = ledger.dead_letters.show("N1")
    assert shown.payload is not None
    assert shown.payload["transactionId"] == "T1"
    assert shown.errors == ("The PO is unknown.",)


def test_the_list_can_be_cut_to_a_pipeline_a_state_and_a_run(ledger: Ledger) -> None:
    bury(ledger)
    later = open_run(ledger, "later")
    assert len(ledger.dead_letters.list(pipeline=PIPELINE)) == 1
    assert ledger.dead_letters.list(pipeline="another") == []
    assert ledger.dead_letters.list(states=("held",)) == []
    assert ledger.dead_letters.list(since_run=later) == []


def test_a_replayed_record_is_planned_again_by_the_next_run(ledger: Ledger) -> None:
    bury_record(ledger)
    assert pending(ledger) == []
    assert "planned again" in ledger.dead_letters.replay("N1")
    run = open_run(ledger, "second")
    ledger.planning.keep(run, invoice_plan(pending(ledger)))
    assert ledger.dead_letters.list() == []
    assert state_of(ledger) == "planned"


def test_a_delivery_whose_mapping_is_still_wrong_dies_again_and_can_be_replayed_again(ledger: Ledger) -> None:
    bury(ledger)
    ledger.dead_letters.replay("N1")
    run = open_run(ledger, "second")
    ledger.planning.keep(run, Plan(records=[decide(pending(ledger)[0], "dead", "still wrong")]))
    assert state_of(ledger) == "skipped"
    (letter,) = ledger.dead_letters.list()
    ledger.dead_letters.replay(letter.key)
    assert ledger.planning.keep(run, invoice_plan(pending(ledger))).late == ()
    assert claim_next(ledger).attempt == 2


def test_a_submit_is_replayed_without_planning_its_invoice_again(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    ledger.deliveries.dead(claim_next(ledger), ["closed period"], error_class="data")
    assert "sent again" in ledger.dead_letters.replay("N1")
    assert pending(ledger) == []
    assert claim_next(ledger).action == SUBMIT


def test_a_discarded_delivery_takes_what_follows_it_along_and_stays_discarded(ledger: Ledger) -> None:
    bury(ledger)
    run = open_run(ledger)
    ledger.dead_letters.discard("N1", "billed on paper")
    assert [state_of(ledger, action) for action in (CREATE, SUBMIT)] == ["skipped", "skipped"]
    settled = ledger.completeness.settle(run)
    settled.require()
    assert settled.reasons == {("skipped", "discarded: billed on paper"): 1}
    assert ledger.planning.keep(run, invoice_plan(ledger.records.load([1]))).replaced == 0
    assert state_of(ledger) == "skipped"


@pytest.mark.parametrize("state", ["dead", "held"])
def test_a_discarded_record_is_skipped_with_the_reason(ledger: Ledger, state: str) -> None:
    bury_record(ledger, state)
    ledger.dead_letters.discard("N1", "private purchase")
    settled = ledger.completeness.settle(open_run(ledger))
    assert settled.reasons == {("skipped", "discarded: private purchase"): 1}
    assert [event.kind for event in ledger.events.of("amazon_business/acme/transaction/T1")] == [state, "discarded"]


def test_what_is_neither_dead_nor_held_any_more_is_left_alone(ledger: Ledger) -> None:
    bury(ledger)
    key = ledger.dead_letters.list()[0].key
    ledger.dead_letters.replay(key)
    for act in (ledger.dead_letters.replay, ledger.dead_letters.show, lambda k: ledger.dead_letters.discard(k, "why")):
        with pytest.raises(LookupError, match="neither dead nor held"):
            act(key)
    for act in (ledger.dead_letters.replay, lambda k: ledger.dead_letters.discard(k, "why")):
        with pytest.raises(LookupError, match="neither dead nor held"):
            act("R-1")


def test_a_key_that_means_several_names_them_and_one_that_means_none_says_so(ledger: Ledger) -> None:
    run = open_run(ledger)
    first, second = read(ledger, run, [charge("T1"), charge("T2")])
    ledger.planning.keep(run, Plan(records=[decide(first, "dead"), decide(second, "dead")]))
    with pytest.raises(LookupError, match=r"N1 means 2 of them: choose R-\d+, R-\d+"):
        ledger.dead_letters.show("N1")
    with pytest.raises(LookupError, match="no dead letter N404"):
        ledger.dead_letters.show("N404")


def test_a_reason_is_required(ledger: Ledger) -> None:
    bury(ledger)
    with pytest.raises(ValueError, match="with a reason"):
        ledger.dead_letters.discard("N1", "  ")


@pytest.fixture
def command(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("LEDGER_URL", database_url)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_the_command_lists_shows_replays_and_discards(ledger: Ledger, command) -> None:
    assert command("list") == (0, "No dead letters.\n")
    bury(ledger)
    bury(ledger, "T2", "N2")
    code, text = command("list", "--held", "--pipeline", PIPELINE)
    assert code == 0
    assert "create_invoice N1, USD 10.00: No account 6100." in text
    assert "2 in all" in text
    code, text = command("show", "N1")
    assert (code, "No supplier 42." in text, '"keys":["T1"]' in text) == (0, True, True)
    assert command("replay", "N1") == (
        0,
        "In the next run of its pipeline it is planned again from its records, then sent.\n",
    )
    assert command("discard", "N2", "--reason", "paid in cash") == (0, "N2 is discarded: paid in cash\n")
    assert command("list") == (0, "No dead letters.\n")


def test_the_command_says_what_is_wrong(ledger: Ledger, command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("show", "N404") == (1, "no dead letter N404: list them to see the keys\n")
    bury(ledger)
    assert command("discard", "N1", "--reason", " ")[0] == 1
    monkeypatch.delenv("LEDGER_URL")
    assert command("list")[0] == 2
