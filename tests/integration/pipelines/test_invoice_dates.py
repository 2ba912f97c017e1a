"""How late an invoice may come after its goods: receipts are read for it where the file limits that, and only there."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE
from procurement.tolerances import Limits, Tolerances
from tests.integration.pipelines.conftest import InvoiceRun, SandboxPair, StartSandbox

pytestmark = pytest.mark.integration


LONG_AGO = "2026-01-02T12:00:00Z"


def receipt_reads(pair: SandboxPair) -> int:
    return sum(pair.calls("coupa")["by_operation"].get("list_receiving_transactions", {}).values())


def receive_everything_long_ago(pair: SandboxPair) -> None:
    for receipt in pair.state("coupa", "receiving_transactions"):
        pair.post("coupa", "events/void_receipt", id=receipt["id"])
    for order in pair.state("coupa", "purchase_orders"):
        for line in order["order-lines"]:
            pair.post("coupa", "events/receive", **{"order-line-id": line["id"], "transaction-date": LONG_AGO})


@pytest.mark.parametrize("limited", [False, True])
def test_a_late_invoice_is_found_on_lines_matched_by_count(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger, limited: bool
) -> None:
    pair = start_sandbox("tiny")
    receive_everything_long_ago(pair)
    run = run_invoices(pair)
    limits = Limits.model_validate({"date": {"over": {"absolute": 0}}} if limited else {})
    run.rules = replace(run.rules, tolerances=Tolerances(limits, {}, {}))
    run("first")
    found = ledger.findings.of_pipeline(PIPELINE, ["date"])
    assert bool(found) is bool(receipt_reads(pair)) is limited
    assert all(one.breached and "after the last receipt (2026-01-02)" in one.sentence for one in found)
