"""What names no PO, where policies.yml makes coded invoices of it: in Coupa once, credited as coded, never on a budget too."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.clock import FixedClock
from procurement.errors import MappingError
from procurement.ledger import Ledger
from procurement.pipelines import amazon_invoices_to_coupa as invoices
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets import PIPELINE as SPEND
from procurement.pipelines.amazon_spend_to_coupa_budgets.counting import OWN_INVOICE
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from tests.integration.pipelines.conftest import (
    NOW,
    InvoiceRun,
    SandboxPair,
    StartSandbox,
    connect_amazon,
    connect_coupa,
)
from tests.integration.pipelines.spend_runs import SpendRun

pytestmark = pytest.mark.integration
ROLLOUT = f"""\
pipelines:
  {PIPELINE}: {{mode: live, go_live: 2026-03-01}}
  {SPEND}: {{mode: live, go_live: 2026-03-01}}
examples:
  - {{pipeline: {PIPELINE}, expect: live}}
"""
CODED = ("policies.yml", "no_po: dead_letter", "no_po: coded_invoice")
TO_BUDGET = ("spend.yml", "never both\n    count: wait", "never both\n    count: budget")
BACK = ("spend.yml", TO_BUDGET[2], TO_BUDGET[1])
MEMO = "1CRE-DIT1-MEMO"
WRITTEN = ("create_invoice", "submit_invoice", "adjust_budget_line")


def edited(directory: Path, *edits: tuple[str, str, str]) -> Rules:
    (directory / "rollout.yml").write_text(ROLLOUT)
    for name, old, new in edits:
        text = (directory / name).read_text()
        assert old in text
        (directory / name).write_text(text.replace(old, new, 1))
    return read_rules(directory)


def transactions(pair: SandboxPair, ledger: Ledger) -> Iterator[dict[str, Any]]:
    amazon = connect_amazon(pair, ledger)
    for n in range(4):
        for page in amazon.transaction_pages(NOW - timedelta(days=30 * (n + 1)), NOW - timedelta(days=30 * n)):
            yield from page


def without_po(pair: SandboxPair, ledger: Ledger) -> dict[str, Any]:
    """The charge that is paid by invoice and names no PO."""
    (found,) = (
        row
        for row in transactions(pair, ledger)
        if row["paymentInstrumentType"] == "Pay by Invoice"
        and not any(line.get("purchaseOrderNumber") for line in row["transactionLineItems"])
    )
    return found


def written(pair: SandboxPair) -> dict[str, int]:
    writes = pair.calls("coupa")["writes"]
    return {name: int(writes.get(name, 0)) for name in WRITTEN}


def invoice(pair: SandboxPair, number: str) -> dict[str, Any] | None:
    found = [one for one in pair.invoices() if one["invoice-number"] == number]
    assert len(found) < 2
    return found[0] if found else None


def fate(ledger: Ledger, pipeline: str, key: str) -> tuple[str, str]:
    return ledger.completeness.fates(pipeline)[key]


def test_it_becomes_a_coded_invoice_once_and_its_refund_a_credit_note_coded_the_same_way(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    """Spend first, then the invoice, then spend again: it waits, and is Coupa's; the refund likewise."""
    pair, rules = start_sandbox("tiny"), edited(mappings_directory, CODED)
    run, spend = InvoiceRun(pair, ledger, rules), SpendRun(pair, ledger, rules, tmp_path)
    charge = without_po(pair, ledger)
    number, key = charge["invoiceNumber"], charge["transactionId"]
    spend("before", **{"from": "2026-03-01"})
    assert fate(ledger, SPEND, key) == ("waiting", "no invoice of it in Coupa yet, which will count it")

    summary = run("first", **{"from": "2026-03-01"})
    made = invoice(pair, number)
    assert made is not None and made["supplier"]["number"] == "AMZN-US"
    assert made["account-type"]["name"] == "US Chart"
    assert [line["order-line-id"] for line in made["invoice-lines"]] == [None] * len(charge["transactionLineItems"])
    chosen = [line["businessOrderInfo"] for line in charge["transactionLineItems"]]
    accounts = [f"10-{one['Cost center']}-{one['GL code']}" for one in chosen]
    assert [line["account"]["code"] for line in made["invoice-lines"]] == accounts
    assert Decimal(made["total-with-taxes"]) == Decimal(charge["amount"]["amount"]) == Decimal(made["supplier-total"])
    assert made["status"] == "on_hold"  # Coupa's own tolerance says the same
    assert {row["code"] for line in made["invoice-lines"] for row in line["failed-tolerances"]} == {"unbacked_line"}
    (known,) = ledger.deliveries.known(PIPELINE, "create_invoice", [f"acme/AMZN-US/{number}"]).values()
    assert known.outcome == "exception"
    findings = [one for one in ledger.findings.of_deliveries([known.id]) if one.breached]
    assert {one.kind for one in findings} == {"unbacked"} and f"coded to {accounts[0]}." in findings[0].sentence
    comments = [one["comments"] for one in pair.state("coupa", "comments") if number in one["comments"]]
    assert len(comments) == 1 and "@[User:" in comments[0] and "without a purchase order" in comments[0]
    cards = {
        row["transactionId"] for row in transactions(pair, ledger)
        if row["paymentInstrumentType"] not in ("Pay by Invoice", None)
    }  # fmt: skip
    assert cards and {fate(ledger, PIPELINE, card)[1] for card in cards} == {"paid by card"}
    assert summary["documents"]["dead"] == 0 and ledger.completeness.population(PIPELINE).complete

    spend("after", **{"from": "2026-03-01"})
    assert fate(ledger, SPEND, key) == ("skipped", "counted by Coupa with its invoice")
    before = written(pair)

    rules_now = edited(mappings_directory, ("gl_accounts.yml", f"{accounts[0]}\n", "10-4900-6900\n"))
    run.rules = spend.rules = rules_now  # somebody codes the same choice elsewhere by now
    refund = pair.post("amazon", "events/refund", transactionId=key, invoiceNumber=MEMO)["transactionId"]
    pair.post("amazon", "clock", advance=3 * 86400)
    run.now = spend.now = NOW + timedelta(days=3)
    run("refund")
    note = invoice(pair, MEMO)
    assert note is not None and note["document-type"] == "Credit Note" and note["original-invoice-number"] == number
    assert [line["account"]["code"] for line in note["invoice-lines"]] == accounts
    assert [line["order-line-id"] for line in note["invoice-lines"]] == [None] * len(accounts)
    assert Decimal(note["total-with-taxes"]) == -Decimal(made["total-with-taxes"])
    assert fate(ledger, PIPELINE, refund)[0] == "delivered"
    spend("refunded")
    assert fate(ledger, SPEND, refund) == ("skipped", "counted by Coupa with its invoice")

    after = written(pair)
    assert after["create_invoice"] > before["create_invoice"]
    assert after["adjust_budget_line"] == before["adjust_budget_line"]
    run("again", **{"from": "2026-03-01"})
    spend("once more", **{"from": "2026-03-01"})
    assert written(pair) == after
    assert ledger.completeness.population(PIPELINE).complete and ledger.completeness.population(SPEND).complete


def test_what_stands_on_a_budget_line_already_is_held_and_never_an_invoice_too(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    """Yesterday's policy put it on a budget; only a person lets its invoice pass."""
    pair, rules = start_sandbox("tiny"), edited(mappings_directory, TO_BUDGET)
    charge, number, key = without_po(pair, ledger), "1BUD-GETE-D001", "budgeted-1"
    lines = [
        {**line, "businessOrderInfo": {"Cost center": "4400", "GL code": "6100"}, "shipmentId": "Dother"}
        for line in charge["transactionLineItems"]
    ]
    fresh = {
        "transactionId": key,
        "invoiceNumber": None,
        "feedDate": "2026-06-30T12:00:00Z",
        "transactionLineItems": lines,
    }
    pair.post("amazon", "events/charge", transaction=json.loads(json.dumps({**charge, **fresh}, default=str)))
    pair.post("amazon", "events/issue_invoice", transactionId=key, invoiceNumber=number)
    pair.post("amazon", "clock", advance=3 * 86400)
    later = NOW + timedelta(days=3)
    SpendRun(pair, ledger, rules, tmp_path, later)("to the budget", **{"from": "2026-03-01"})
    assert fate(ledger, SPEND, key)[0] == "delivered"
    with pytest.raises(MappingError, match=r"spend\.yml.*this must be wait, not budget"):
        edited(mappings_directory, CODED)
    run = InvoiceRun(pair, ledger, edited(mappings_directory, BACK), later)
    run("first", **{"from": "2026-03-01"})
    assert fate(ledger, PIPELINE, key) == ("held", "its spend is on a budget line already")
    assert invoice(pair, number) is None
    run("released", invoice_numbers=[number])
    assert invoice(pair, number) is not None
    spend = SpendRun(pair, ledger, edited(mappings_directory), tmp_path, later)
    spend("taken back", kind="asset_triggered")
    assert ledger.spend.posted("amazon_business/sandbox", [key]) == frozenset()
    assert ledger.spend.unbalanced() == [] and ledger.completeness.population(SPEND).complete


@pytest.mark.parametrize("sent", [True, False], ids=["sent", "discarded"])
def test_a_policy_switched_back_while_a_coded_invoice_is_planned_never_writes_both(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, tmp_path: Path, *, sent: bool
) -> None:
    """The planned invoice is settled first; sent, its spend is Coupa's; put aside, it goes to the budget."""
    pair, rules = start_sandbox("tiny"), edited(mappings_directory, CODED)
    charge = without_po(pair, ledger)
    number, key = charge["invoiceNumber"], charge["transactionId"]
    amazon, coupa = connect_amazon(pair, ledger), connect_coupa(pair, ledger)
    request = RunRequest(dag_id=PIPELINE, run_id="planned", kind="manual", params={"from": "2026-03-01"})
    opened = invoices.open_run(ledger, request, rules=rules, clock=FixedClock(NOW))
    invoices.extract(amazon, ledger, run=opened)
    invoices.transform(amazon, coupa, ledger, run=opened, request=request, rules=rules)

    back = edited(mappings_directory, (CODED[0], CODED[2], CODED[1]), TO_BUDGET)
    spend = SpendRun(pair, ledger, back, tmp_path)
    spend("while it is planned", **{"from": "2026-03-01"})
    assert fate(ledger, SPEND, key) == ("waiting", OWN_INVOICE)
    if sent:
        invoices.load(coupa, ledger, run=opened, rules=back, workers=1, seconds=60)
        assert invoice(pair, number) is not None
    else:
        known = ledger.deliveries.known(PIPELINE, "create_invoice", [f"acme/AMZN-US/{number}"])
        assert ledger.deliveries.skip(known[f"acme/AMZN-US/{number}"].id, "a person put it aside")
    spend("settled", kind="asset_triggered")
    on_budget = ledger.spend.posted("amazon_business/sandbox", [key])
    if sent:
        assert (fate(ledger, SPEND, key), on_budget) == (("skipped", "counted by Coupa with its invoice"), frozenset())
    else:
        assert (fate(ledger, SPEND, key)[0], on_budget) in {("delivered", frozenset({key})), ("held", frozenset())}
        assert invoice(pair, number) is None
