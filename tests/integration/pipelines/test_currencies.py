"""What is billed in another currency than its PO: held as shipped; by choice converted at Coupa's rate of the invoice date."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from procurement.ledger import Ledger
from procurement.matching import Variance
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE
from procurement.policies import Rules
from tests.integration.pipelines.conftest import InvoiceRun, SandboxPair, StartSandbox

pytestmark = pytest.mark.integration
CONVERTED, DEARER, WITHOUT = (
    "ordered in another currency", "dearer than ordered in another currency", "ordered in a currency without a rate",
)  # fmt: skip


def planted(pair: SandboxPair) -> dict[str, str]:
    """Invoice numbers by situation."""
    situations = pair.world()["facts"]["situations"]
    return {name: str(found["documents"][0]["invoices"][0]) for name, found in situations.items()}


def test_it_is_held_with_a_finding_as_shipped_and_coupas_rates_are_not_read(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger
) -> None:
    pair = start_sandbox("currencies")
    summary = run_invoices(pair)("first")
    assert summary["documents"]["held"] == 3
    said = {letter.reason for letter in ledger.dead_letters.list(states=("held",))}
    assert said == {"billed in USD, ordered in CAD", "billed in USD, ordered in EUR"}
    assert "list_exchange_rates" not in pair.calls("coupa")["by_operation"]


def test_by_choice_it_is_matched_at_the_rate_of_the_invoice_date_and_coupa_judges_by_itself(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger, rules: Rules
) -> None:
    pair = start_sandbox("currencies")
    run = run_invoices(pair)
    convert = rules.policies.model_copy(update={"foreign_currency": "convert"})
    run.rules = replace(rules, policies=convert)
    summary = run("first")
    numbers = planted(pair)
    known = {
        number: ledger.deliveries.known(PIPELINE, "create_invoice", [f"acme/AMZN-US/{number}"])
        for number in numbers.values()
    }
    assert not known[numbers[WITHOUT]] and summary["documents"]["held"] == 1
    (letter,) = ledger.dead_letters.list(states=("held",))
    assert "Coupa has no exchange rate from USD to EUR" in letter.errors[0]
    ours = {name: next(iter(known[numbers[name]].values())) for name in (CONVERTED, DEARER)}
    assert ours[CONVERTED].outcome in ("matched", "within_tolerance")  # the PO's price is rounded to a cent
    assert ours[DEARER].outcome == "exception"
    variance = Variance.read(ledger.deliveries.variances([ours[DEARER].id])[ours[DEARER].id])
    goods = variance.billed - variance.tax
    assert variance.parts.keys() <= {"price", "rounding"} and variance.price.amount > goods.amount * Decimal("0.15")
    (first, *_) = [one for one in ledger.findings.of_deliveries([ours[DEARER].id]) if one.kind == "price"]
    assert "at a rate of 0.735294" in first.sentence
    status = {one["invoice-number"]: one["status"] for one in pair.invoices()}
    assert status[numbers[CONVERTED]] not in ("on_hold", "draft") and status[numbers[DEARER]] == "on_hold"
    asked = sum(pair.calls("coupa")["by_operation"]["list_exchange_rates"].values())
    assert 1 <= asked <= len(ours) + 1  # the days on which they are dated
