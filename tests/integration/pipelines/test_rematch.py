"""A goods receipt wakes the invoices that waited for it: matched again without reading Amazon."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from procurement.ledger import Ledger
from procurement.mapping.reading import read_rules_file
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.backtest import Move, backtest
from procurement.policies import Rules
from procurement.tolerances import ToleranceFile, Tolerances
from tests.integration.pipelines.conftest import (
    NOW,
    InvoiceRun,
    SandboxPair,
    StartSandbox,
    connect_amazon,
    connect_coupa,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("tiny")


@pytest.fixture
def invoices(pair: SandboxPair, run_invoices: Callable[[SandboxPair], InvoiceRun]) -> InvoiceRun:
    run = run_invoices(pair)
    run("first")
    return run


PASSED = sa.text("""
    INSERT INTO findings (delivery_id, planned, kind, sentence, breached)
    VALUES (:id, true, 'duplicate', 'It may be another one.', false)
""")
OVERTAXED = Decimal("0.70")  # within the tolerance as shipped


@pytest.fixture
def overtaxed(pair: SandboxPair, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger) -> InvoiceRun:
    """Every line of the feed bears more tax than its rate gives."""
    amazon = connect_amazon(pair, ledger)
    days = [NOW - timedelta(days=30 * n) for n in range(5)]
    pages = (page for until, since in pairwise(days) for page in amazon.transaction_pages(since, until))
    feed = json.loads(json.dumps([row for page in pages for row in page], default=str))
    for row in feed:
        lines = [line for line in row["transactionLineItems"] if "tax" in line and row["transactionType"] == "CHARGE"]
        for money in (row["amount"], *(line[name] for line in lines for name in ("tax", "totalAmount"))):
            more = OVERTAXED * (len(lines) if money is row["amount"] else 1)
            money["amount"] = str(Decimal(money["amount"]) + more)
    patch = {"transactions": feed, "nextPageToken": None}
    pair.post("amazon", "faults", kind="patch", operation="getTransactions", times=50, patch=patch)
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


def test_a_taxed_invoice_keeps_its_tax_difference_when_its_receipt_comes(
    pair: SandboxPair, overtaxed: InvoiceRun, ledger: Ledger
) -> None:
    number = waiting(ledger)[0]
    key = f"acme/AMZN-US/{number}"
    identity = ledger.deliveries.known(PIPELINE, "create_invoice", [key])[key].id
    taxes = [one for one in ledger.findings.of_deliveries([identity]) if one.kind == "tax"]
    assert {one.difference for one in taxes} == {str(OVERTAXED)}
    with ledger.engine.begin() as connection:
        connection.execute(PASSED, {"id": identity})
    for line in open_lines(pair, number):
        receive(pair, line, line["quantity"])
    overtaxed("woken", kind="asset_triggered")
    assert outcome_of(ledger, number) == "within_tolerance"
    again = ledger.findings.of_deliveries([identity])
    assert [one.sentence for one in again if one.kind == "tax"] == [one.sentence for one in taxes] != []
    assert [one.sentence for one in again if one.kind == "duplicate"] == ["It may be another one."]
    assert Decimal(ledger.deliveries.variances([identity])[identity]["parts"]["tax"]) == OVERTAXED * len(taxes)


def test_a_backtest_sees_what_tax_tolerances_would_have_done_to_it(
    pair: SandboxPair, overtaxed: InvoiceRun, ledger: Ledger, rules: Rules, tmp_path: Path
) -> None:
    path = tmp_path / "other.yml"
    path.write_text(
        "default: {tax: {over: {absolute: 0.69}}}\nexamples:\n  - {check: tax, expected: 1, actual: 2, breached: true}\n"
    )
    tolerances = Tolerances.from_file(read_rules_file(path, ToleranceFile)[0])
    held = [
        one
        for one in backtest(connect_coupa(pair, ledger), ledger, rules=rules, tolerances=tolerances).replayed
        if one.move is Move.NEWLY_HELD
    ]
    assert held and all(": tax USD" in one.reason for one in held)
