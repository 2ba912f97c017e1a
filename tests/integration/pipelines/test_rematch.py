"""A goods receipt wakes the invoices that waited for it: matched again without reading Amazon."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE
from tests.integration.pipelines.conftest import NOW, InvoiceRun, SandboxPair, StartSandbox

pytestmark = pytest.mark.integration


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("tiny")


@pytest.fixture
def invoices(pair: SandboxPair, run_invoices: Callable[[SandboxPair], InvoiceRun]) -> InvoiceRun:
    run = run_invoices(pair)
    run("first")
    return run


def waiting(ledger: Ledger) -> list[str]:
    return [
        known.business_key.rsplit("/", 1)[-1]
        for known in ledger.deliveries.list_by_outcome(PIPELINE, "waiting_for_receipt")
    ]


def outcome_of(ledger: Ledger, number: str) -> str | None:
    key = f"acme/AMZN-US/{number}"
    return ledger.deliveries.known(PIPELINE, "create_invoice", [key])[key].outcome


def shortages(ledger: Ledger, number: str) -> list[str]:
    """What the invoice is said to wait for."""
    key = f"acme/AMZN-US/{number}"
    delivery = ledger.deliveries.known(PIPELINE, "create_invoice", [key])[key]
    return [one.sentence for one in ledger.findings.of_deliveries([delivery.id]) if one.kind == "received"]


def open_lines(pair: SandboxPair, number: str) -> list[dict[str, Any]]:
    """PO lines of the invoice, with what is still to be received for it."""
    invoice = next(one for one in pair.state("coupa", "invoices") if one["invoice-number"] == number)
    billed = {line["order-line-id"]: line for line in invoice["invoice-lines"]}
    return [
        {"order-line-id": line["id"], "quantity": billed[line["id"]]["quantity"], "received": line["received"]}
        for order in pair.state("coupa", "purchase_orders")
        for line in order["order-lines"]
        if line["id"] in billed
    ]


def feed_calls(pair: SandboxPair) -> int:
    return sum(pair.calls("amazon")["by_operation"]["getTransactions"].values())


def receive(pair: SandboxPair, line: dict[str, Any], quantity: str) -> None:
    pair.post("coupa", "events/receive", **{"order-line-id": line["order-line-id"], "quantity": quantity})


def test_a_receipt_turns_a_waiting_invoice_into_a_match_without_a_call_to_amazon(
    pair: SandboxPair, invoices: InvoiceRun, ledger: Ledger
) -> None:
    number = waiting(ledger)[0]
    for line in open_lines(pair, number):
        receive(pair, line, line["quantity"])
    before = feed_calls(pair)
    invoices("woken", kind="asset_triggered")
    assert outcome_of(ledger, number) == "matched"
    assert feed_calls(pair) == before > 0


def test_without_a_receipt_it_goes_on_waiting_and_nothing_is_written(
    pair: SandboxPair, invoices: InvoiceRun, ledger: Ledger
) -> None:
    before, writes = waiting(ledger), pair.calls("coupa")["writes_accepted"]
    invoices("woken", kind="asset_triggered")
    assert waiting(ledger) == before != []
    assert pair.calls("coupa")["writes_accepted"] == writes


def test_a_receipt_that_comes_short_keeps_the_invoice_waiting_for_the_rest(
    pair: SandboxPair, invoices: InvoiceRun, ledger: Ledger
) -> None:
    number, line = next(
        (number, line)
        for number in waiting(ledger)
        for line in open_lines(pair, number)
        if float(line["received"]) == 0 and float(line["quantity"]) > 1
    )
    before = shortages(ledger, number)
    receive(pair, line, "1")
    invoices("woken", kind="asset_triggered")
    assert outcome_of(ledger, number) == "waiting_for_receipt"
    assert "received 0" in "".join(before) and any("received 1" in one for one in shortages(ledger, number))
    invoices("again", kind="asset_triggered")
    assert len(shortages(ledger, number)) == len(before)


def test_a_price_that_changed_meanwhile_becomes_an_exception_with_one_comment(
    pair: SandboxPair, invoices: InvoiceRun, ledger: Ledger
) -> None:
    number = waiting(ledger)[0]
    line = open_lines(pair, number)[0]
    pair.post("coupa", "events/change_price", **{"order-line-id": line["order-line-id"], "price": "0.01"})
    invoices.now = NOW + timedelta(hours=1)
    invoices("woken", kind="asset_triggered")
    assert outcome_of(ledger, number) == "exception"
    comments = [one for one in pair.state("coupa", "comments") if number in one["comments"]]
    assert len(comments) == 1 and "@[User:" in comments[0]["comments"]
    invoices("again", kind="asset_triggered")
    assert len([one for one in pair.state("coupa", "comments") if number in one["comments"]]) == 1
