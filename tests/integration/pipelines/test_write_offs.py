"""A small difference that is written off arrives in Coupa at its account; the price and the total of the invoice stay."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE
from procurement.tolerances import Limits, Tolerances
from tests.integration.pipelines.conftest import InvoiceRun, SandboxPair, StartSandbox

pytestmark = pytest.mark.integration
STRICT = Limits.model_validate({
    "price": {"over": {"absolute": 0}},
    "write_off": {"over": {"absolute": 50}, "account": "rounding"},
})  # fmt: skip


def test_a_price_written_off_is_a_split_of_the_line_in_coupa(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger
) -> None:
    pair = start_sandbox("deviations")
    run = run_invoices(pair)
    run.rules = replace(run.rules, tolerances=Tolerances(STRICT, {}, {}))
    run("first")
    invoices = {one["invoice-number"]: one for one in pair.state("coupa", "invoices")}
    written = 0
    for known in ledger.deliveries.list_by_outcome(PIPELINE, "within_tolerance"):
        kept = ledger.deliveries.variances([known.id])[known.id].get("written_off")
        if kept is None:
            continue  # billed below the PO price
        invoice = invoices[known.business_key.rsplit("/", 1)[-1]]
        shares = {
            share["account"]["code"]: Decimal(share["amount"])
            for line in invoice["invoice-lines"]
            for share in line["account-allocations"] or ()
        }
        assert shares["10-4900-6810"] == Decimal(kept["amount"]) > 0
        billed = [line for line in invoice["invoice-lines"] if line["account-allocations"]]
        assert sum(shares.values()) == sum(Decimal(line["total"]) for line in billed)
        assert invoice["internal-note"].startswith("Written off: USD ")
        assert not [one for one in ledger.findings.of_deliveries([known.id]) if "by hand" in one.sentence]
        written += 1
    assert written == 3
