"""Charges and refunds become Coupa invoices and credit notes: real PostgreSQL, real HTTP, both systems' own rules."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from procurement.ledger import Ledger
from procurement.matching import Variance
from procurement.policies import Rules
from tests.integration.conftest import create_database
from tests.integration.pipelines.conftest import (
    NOW,
    InvoiceRun,
    SandboxPair,
    StartSandbox,
    connect_amazon,
    sandbox_of,
)

pytestmark = pytest.mark.integration
PIPELINE = "amazon_invoices_to_coupa"
RunInvoices = Callable[[SandboxPair], InvoiceRun]


def accounted(summary: dict[str, Any]) -> int:
    documents = summary["documents"]
    return sum(documents[word] for word in ("delivered", "waiting", "held", "skipped", "dead"))


@pytest.mark.parametrize("ids", ["equal", "different"])
def test_every_document_of_a_quarter_is_accounted_for_whether_or_not_amazons_ids_agree(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ids: str
) -> None:
    run = run_invoices(start_sandbox("quarter", ids=ids, orders="120"))
    summary = run("first")
    assert summary["documents"]["seen"] == accounted(summary) > 100
    assert summary["documents"]["delivered"] > summary["documents"]["seen"] // 2
    for money in summary["money"].values():
        parts = [Decimal(money[word]) for word in ("delivered", "waiting", "held", "skipped", "dead")]
        assert Decimal(money["seen"]) == sum(parts)


def test_a_second_run_writes_nothing(start_sandbox: StartSandbox, run_invoices: RunInvoices) -> None:
    pair = start_sandbox("tiny")
    run = run_invoices(pair)
    first, writes = run("first"), pair.calls("coupa")
    run("second")
    assert first["documents"]["delivered"] > 0
    assert pair.calls("coupa")["writes"] == writes["writes"]


def test_coupa_holds_each_invoice_once_with_amazons_total(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ledger: Ledger
) -> None:
    pair = start_sandbox("tiny")
    run_invoices(pair)("first")
    invoices = pair.invoices()
    numbers = [(invoice["supplier"]["number"], invoice["invoice-number"]) for invoice in invoices]
    assert len(numbers) == len(set(numbers)) > 0
    ours = [invoice for invoice in invoices if (invoice.get("custom-fields") or {}).get("ab-delivery-id")]
    assert all(Decimal(invoice["total-with-taxes"]) == Decimal(invoice["supplier-total"]) for invoice in ours)


@pytest.fixture(scope="module")
def quarter(server_url: sa.URL, shared_rules: Rules) -> Iterator[InvoiceRun]:
    """A quarter carried over once. Only the last test that uses it goes on with it."""
    with sandbox_of("quarter") as pair, Ledger.opened(create_database(server_url)) as ledger:
        run = InvoiceRun(pair, ledger, shared_rules)
        run("first")
        yield run


def ours(run: InvoiceRun) -> dict[str, dict[str, Any]]:
    """The invoices in Coupa that carry our delivery id, by number."""
    return {
        invoice["invoice-number"]: invoice
        for invoice in run.pair.invoices()
        if (invoice.get("custom-fields") or {}).get("ab-delivery-id")
    }


def test_a_refund_becomes_a_credit_note_that_names_an_original_that_is_in_coupa(quarter: InvoiceRun) -> None:
    everything = {invoice["invoice-number"] for invoice in quarter.pair.invoices()}
    notes = [invoice for invoice in ours(quarter).values() if invoice["document-type"] == "Credit Note"]
    assert len(notes) > 3
    assert all(note["original-invoice-number"] in everything and note["original-invoice-date"] for note in notes)
    assert all(Decimal(note["total-with-taxes"]) < 0 for note in notes)


def test_an_invoice_with_an_exception_has_one_comment_that_names_the_reviewer_and_the_reason(
    quarter: InvoiceRun,
) -> None:
    ledger = quarter.ledger
    exceptions = {known.target_id: known for known in ledger.deliveries.list_by_outcome(PIPELINE, "exception")}
    comments = [
        comment for comment in quarter.pair.state("coupa", "comments") if "needs a decision" in comment["comments"]
    ]
    assert sorted(str(comment["commentable-id"]) for comment in comments) == sorted(map(str, exceptions))
    sentences = {known.id: [] for known in exceptions.values()}
    for finding in ledger.findings.of_deliveries(sentences):
        if finding.breached:
            sentences[finding.delivery_id].append(finding.sentence)
            assert (finding.rule or "").startswith("tolerances.yml: ") or finding.kind in (
                "unbacked",
                "currency",
                "unit",
            )
            assert finding.money is not None and finding.money.currency == "USD"
    variances = {id: Variance.read(kept) for id, kept in ledger.deliveries.variances(sentences).items()}
    assert variances.keys() == sentences.keys()
    assert all(variances[known.id].billed.amount == known.amount for known in exceptions.values())
    assert all(variance.difference for variance in variances.values())
    for comment in comments:
        text = comment["comments"]
        assert text.startswith("@[User:")
        assert sentences[exceptions[str(comment["commentable-id"])].id][0] in text
    assert quarter.pair.state("coupa", "notifications")


def test_the_seller_goes_to_a_custom_field_and_the_supplier_is_the_pos(quarter: InvoiceRun) -> None:
    invoices = ours(quarter).values()
    assert {invoice["supplier"]["number"] for invoice in invoices} == {"AMZN-US"}
    sellers = {line["custom-fields"].get("ab-seller") for invoice in invoices for line in invoice["invoice-lines"]}
    assert len(sellers - {None, "AMZN-US"}) > 3


def test_what_waited_for_its_number_or_to_settle_is_delivered_once_it_is_there(
    quarter: InvoiceRun,
) -> None:
    """The last of those that look at the quarter: it moves on."""
    ledger = quarter.ledger
    before = ledger.completeness.population(PIPELINE)
    waiting = {reason for state, reason in before.reasons if state == "waiting"}
    assert {
        "Amazon has not issued the invoice number yet",
        "the consolidated invoice is still pending at Amazon",
    } <= waiting
    assert any("settling" in reason for reason in waiting)
    quarter.pair.post("amazon", "clock", advance=40 * 86400)
    quarter.now = NOW + timedelta(days=40)
    quarter("forty days later")
    after = ledger.completeness.population(PIPELINE)
    assert after.complete
    assert not any("issued" in reason or "pending" in reason or "settling" in reason for _, reason in after.reasons)
    assert after.documents.delivered > before.documents.delivered


def test_a_credit_note_whose_original_cannot_be_built_waits_and_the_rest_goes_on(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ledger: Ledger
) -> None:
    """Both are planned in one batch; the original is a dead letter, so nothing may follow it."""
    run = run_invoices(start_sandbox("refund"))
    feed = requests_feed(run)
    refund = next(row for row in feed if row["transactionType"] == "REFUND")
    lines = {line["orderLineItemId"] for line in refund["transactionLineItems"]}
    charge = next(
        row for row in feed
        if row["transactionType"] == "CHARGE" and lines & {line["orderLineItemId"] for line in row["transactionLineItems"]}
    )  # fmt: skip
    charge["transactionLineItems"][0]["principalAmount"]["amount"] = "0.01"  # no longer adds up to totalAmount
    run.pair.post(
        "amazon",
        "faults",
        kind="patch",
        operation="getTransactions",
        times=50,
        patch={"transactions": feed, "nextPageToken": None},
    )
    run("first")
    states = {reason for _, reason in ledger.completeness.population(PIPELINE).reasons}
    assert "the invoice cannot be built" in states
    assert f"original invoice {charge['invoiceNumber']} is not in Coupa yet" in states


def test_a_charge_whose_amount_is_not_that_of_its_lines_is_a_dead_letter_until_amazon_settles_it(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ledger: Ledger
) -> None:
    run = run_invoices(start_sandbox("promotion"))
    feed = requests_feed(run)
    charge = next(row for row in feed if row["transactionType"] == "CHARGE")
    charge["amount"]["amount"] = str(Decimal(charge["amount"]["amount"]) + 100)  # or one of its lines got lost
    patch = {"transactions": feed, "nextPageToken": None}
    run.pair.post("amazon", "faults", kind="patch", operation="getTransactions", times=50, patch=patch)
    summary = run("authorised")
    (letter,) = ledger.dead_letters.list(states=("dead",), pipeline=PIPELINE)
    assert charge["transactionId"] in letter.document and "are USD 100.00 apart" in letter.errors[1]
    lines = sum(Decimal(line["totalAmount"]["amount"]) for line in charge["transactionLineItems"])
    assert (summary["documents"]["dead"], Decimal(summary["money"]["USD"]["dead"])) == (1, lines)
    assert charge["invoiceNumber"] not in {row["invoice-number"] for row in run.pair.invoices()}
    requests.delete(run.pair.control("amazon", "faults"), timeout=30)
    run("settled", **{"from": "2026-04-01"})
    assert reason_of(ledger, charge["transactionId"])[0] == "delivered"


def reason_of(ledger: Ledger, key: str) -> tuple[str, str]:
    return ledger.completeness.fates(PIPELINE)[key]


def test_a_refund_waits_until_the_charge_it_pays_back_has_its_number(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ledger: Ledger
) -> None:
    run = run_invoices(start_sandbox("number_appears_later"))
    charge = next(row for row in requests_feed(run) if not row.get("invoiceNumber"))
    refund = run.pair.post(
        "amazon", "events/refund", transactionId=charge["transactionId"], invoiceNumber="1CRE-DIT1-MEMO"
    )["transactionId"]
    run.pair.post("amazon", "clock", advance=4 * 3600)  # the feed shows it, and the charge has no number yet
    run.now = NOW + timedelta(hours=4)
    run("before the number")
    assert reason_of(ledger, refund)[0] == "waiting"
    run.pair.post("amazon", "clock", advance=3 * 86400)
    run.now = NOW + timedelta(days=3)
    run("after it")
    (note,) = (row for row in run.pair.invoices() if row["invoice-number"] == "1CRE-DIT1-MEMO")
    number = next(row["invoiceNumber"] for row in requests_feed(run) if row["transactionId"] == charge["transactionId"])
    assert note["original-invoice-number"] == number
    assert reason_of(ledger, refund)[0] == reason_of(ledger, charge["transactionId"])[0] == "delivered"


def test_a_refund_to_an_invoice_never_seen_waits_and_is_then_a_persons_decision(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ledger: Ledger
) -> None:
    run = run_invoices(start_sandbox("overrefund"))
    (fact,) = run.pair.world()["facts"]["situations"]["refund_never_invoiced"]["documents"]
    refund = next(row["transactionId"] for row in requests_feed(run) if row["invoiceNumber"] == fact["credit_memo"])
    run("first")
    assert reason_of(ledger, refund) == ("waiting", "no original invoice is known for this refund")
    run.pair.post("amazon", "clock", advance=31 * 86400)
    run.now = NOW + timedelta(days=31)
    run("a month later")
    assert reason_of(ledger, refund) == ("held", "no original invoice is known for this refund, after 30 days")
    assert fact["credit_memo"] not in {row["invoice-number"] for row in run.pair.invoices()}


def requests_feed(run: InvoiceRun) -> list[dict[str, Any]]:
    amazon = connect_amazon(run.pair, run.ledger)
    pages = [
        page
        for n in range(4)
        for page in amazon.transaction_pages(NOW - timedelta(days=30 * (n + 1)), NOW - timedelta(days=30 * n))
    ]
    return json.loads(json.dumps([row for page in pages for row in page], default=str))
