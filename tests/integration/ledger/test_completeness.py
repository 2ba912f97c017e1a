"""seen = delivered + waiting + held + skipped + dead, in documents and in money, or the run fails and names them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.tally import Tally
from procurement.errors import IncompleteRun
from procurement.ledger import Ledger
from procurement.ledger.types import Plan, PlannedDelivery, Sent
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
    decide,
    invoice_plan,
    open_run,
    pending,
    plan_invoices,
    read,
)
from tests.integration.ledger.test_sending import load

pytestmark = pytest.mark.integration


def test_every_document_has_one_disposition_and_every_cent_one_place(ledger: Ledger) -> None:
    run = open_run(ledger)
    keys = ["T1", "T2", "T3", "T4", "T5"]
    sent, *others = read(
        ledger, run, [charge(key, invoice=f"N{key}", amount=f"{n}.10") for n, key in enumerate(keys, 1)]
    )
    plan = invoice_plan([sent])
    plan.records += [
        decide(record, state) for record, state in zip(others, ("waiting", "held", "skipped", "dead"), strict=True)
    ]
    ledger.planning.keep(run, plan)
    load(ledger)
    settled = ledger.completeness.settle(run)
    settled.require()
    for account, sizes in (
        (settled.documents, (5, 1, 1, 1, 1, 1)),
        (settled.money["USD"], (15.5, 1.1, 2.1, 3.1, 4.1, 5.1)),
    ):
        parts = (account.seen, account.delivered, account.waiting, account.held, account.skipped, account.dead)
        assert parts == tuple(Decimal(str(size)) for size in sizes)
    assert settled.reasons == {(state, "because"): 1 for state in ("waiting", "held", "skipped", "dead")}


def test_a_document_lost_between_the_page_and_the_ledger_fails_the_run_by_name(ledger: Ledger) -> None:
    run = open_run(ledger)
    tally = Tally()
    for key in ("T1", "T2"):
        tally.count(KIND, key, Decimal("10.00"), "USD")
    ledger.records.stage(run, SOURCE, KIND, [charge("T1")])
    ledger.runs.keep_tally(run, SOURCE, tally)
    settled = ledger.completeness.settle(run)
    assert settled.missing == ("amazon_business/acme/transaction/T2",)
    with pytest.raises(IncompleteRun, match=r"seen 2, accounted for 1.*transaction/T2"):
        settled.require()


def test_a_document_that_another_run_staged_but_this_one_lost_is_missing_too(ledger: Ledger) -> None:
    read(ledger, open_run(ledger), [charge("T1")])
    second, tally = open_run(ledger, "second"), Tally()
    tally.count(KIND, "T1", Decimal("10.00"), "USD")
    ledger.runs.keep_tally(second, SOURCE, tally)
    assert len(ledger.completeness.settle(second).missing) == 1


def test_money_lost_between_the_page_and_the_ledger_fails_the_run_by_name(ledger: Ledger) -> None:
    run = open_run(ledger)
    tally = Tally()
    tally.count(KIND, "T1", Decimal("10.01"), "USD")
    ledger.records.stage(run, SOURCE, KIND, [charge("T1")])
    ledger.runs.keep_tally(run, SOURCE, tally)
    ledger.planning.keep(run, invoice_plan(pending(ledger)))
    with pytest.raises(IncompleteRun, match=r"money not accounted for: .*transaction/T1"):
        ledger.completeness.settle(run).require()


@pytest.mark.parametrize(
    "change", [{"amount": Decimal("9.99")}, {"amount": None}, {"currency": "EUR"}], ids=["cent", "none", "currency"]
)
def test_a_plan_that_loses_money_fails_the_run_by_name(ledger: Ledger, change: dict[str, object]) -> None:
    run = open_run(ledger)
    (record,) = read(ledger, run, [charge("T1")])
    ledger.planning.keep(run, Plan(records=[replace(decide(record, "held"), **change)]))  # type: ignore[arg-type]
    settled = ledger.completeness.settle(run)
    assert settled.unbalanced == ("amazon_business/acme/transaction/T1",)
    with pytest.raises(IncompleteRun):
        settled.require()


def test_the_worst_of_a_documents_required_deliveries_decides(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    assert ledger.completeness.settle(run).documents.waiting == 1
    assert ledger.completeness.settle(run).reasons == {("waiting", "not sent yet"): 1}
    submit = claim_next(ledger)
    assert ledger.completeness.settle(run).reasons == {("waiting", "sent, the answer is still missing"): 1}
    ledger.deliveries.dead(submit, ["refused"], error_class="data")
    settled = ledger.completeness.settle(run)
    assert (settled.documents.dead, settled.money["USD"].dead) == (1, Decimal("10.00"))
    settled.require()


def test_a_delivery_that_is_not_required_does_not_hold_its_document_back(ledger: Ledger) -> None:
    run = plan_invoices(ledger, "T1", comment=True)
    for target_id in ("77", "77"):
        ledger.deliveries.delivered(claim_next(ledger), Sent(target_id))
    ledger.deliveries.dead(claim_next(ledger), ["refused"], error_class="data")
    assert ledger.completeness.settle(run).documents.delivered == 1


def test_a_credit_note_behind_an_invoice_is_a_document_of_its_own(ledger: Ledger) -> None:
    run = open_run(ledger)
    original, refund = read(ledger, run, [charge("T1"), charge("T2", invoice="C1", amount="-3.00", subkind="REFUND")])
    plan = invoice_plan([original])
    plan.deliveries.append(
        PlannedDelivery(
            action=CREATE, business_key="C1", payload={}, amount=Decimal("-3.00"), currency="USD", after=(SUBMIT, "N1")
        )
    )
    plan.records.append(bill(refund, "C1"))
    ledger.planning.keep(run, plan)
    for target_id in ("77", "77"):
        ledger.deliveries.delivered(claim_next(ledger), Sent(target_id))
    settled = ledger.completeness.settle(run)
    settled.require()
    assert (settled.documents.delivered, settled.documents.waiting) == (1, 1)
    assert (settled.money["USD"].delivered, settled.money["USD"].waiting) == (Decimal("10.00"), Decimal("-3.00"))


def test_delivered_is_split_into_now_and_earlier_and_older_documents_are_carried_in(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    load(ledger)
    plan_invoices(ledger, "T2", invoice="N2")  # planned by the first run, sent while the second runs
    second = open_run(ledger, "second")
    read(ledger, second, [charge("T1")])
    read_plan = read(ledger, second, [charge("T1"), charge("T3", invoice="N3")])
    ledger.planning.keep(second, invoice_plan(read_plan))
    load(ledger)
    settled = ledger.completeness.settle(second)
    settled.require()
    assert (settled.documents.delivered_now, settled.documents.delivered_earlier) == (1, 1)
    assert (settled.money["USD"].delivered_now, settled.money["USD"].delivered_earlier) == (
        Decimal("10.00"),
        Decimal("10.00"),
    )
    assert settled.carried_in == 1


def test_a_retried_extract_replaces_its_tally(ledger: Ledger) -> None:
    run = open_run(ledger)
    read(ledger, run, [charge("T1"), charge("T2")])
    read(ledger, run, [charge("T1")])
    assert ledger.completeness.settle(run).documents.seen == 1


def test_repeats_are_counted_apart(ledger: Ledger) -> None:
    run, tally = open_run(ledger), Tally()
    for _ in range(3):
        tally.count(KIND, "T1", Decimal("10.00"), "USD")
    ledger.records.stage(run, SOURCE, KIND, [charge("T1")])
    ledger.runs.keep_tally(run, SOURCE, tally)
    settled = ledger.completeness.settle(run)
    assert (settled.documents.seen, settled.repeats) == (1, 2)


def test_a_record_reread_differently_by_a_later_run_still_balances_in_the_earlier_one(ledger: Ledger) -> None:
    first = open_run(ledger)
    read(ledger, first, [charge("T1")])
    second = open_run(ledger, "second")
    ledger.planning.keep(second, invoice_plan(read(ledger, second, [charge("T1", amount="12.00")])))
    for run in (first, second):
        ledger.completeness.settle(run).require()


def test_documents_without_money_are_left_out_of_it(ledger: Ledger) -> None:
    run = open_run(ledger)
    (record,) = read(ledger, run, [charge("T1", amount=None)])
    ledger.planning.keep(run, Plan(records=[decide(record, "dead", "no amount")]))
    settled = ledger.completeness.settle(run)
    settled.require()
    assert (settled.documents.dead, settled.money) == (1, {})


def test_a_run_that_saw_nothing_is_complete(ledger: Ledger) -> None:
    settled = ledger.completeness.settle(open_run(ledger))
    settled.require()
    assert settled.documents.seen == 0


def test_runs_are_never_summed_the_population_counts_distinct_documents(ledger: Ledger) -> None:
    for name in ("first", "second"):
        run = open_run(ledger, name)
        read(ledger, run, [charge("T1"), charge("T2", invoice="N2")])
    ledger.planning.keep(run, invoice_plan(pending(ledger)))
    ledger.deliveries.delivered(claim_next(ledger), Sent("1"))
    population = ledger.completeness.population(PIPELINE)
    population.require()
    assert (population.documents.seen, population.money["USD"].seen) == (2, Decimal("20.00"))
    assert ledger.completeness.population("another pipeline").documents.seen == 0


def test_the_fate_of_each_document_can_be_read_by_its_key(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1", comment=True)
    load(ledger)
    read(ledger, open_run(ledger), [charge("T2")])
    assert ledger.completeness.fates(PIPELINE) == {"T1": ("delivered", ""), "T2": ("waiting", "not planned yet")}
    assert ledger.deliveries.known(PIPELINE, COMMENT, ["N1"])["N1"].state == "delivered"
