"""Spend on a budget line that Coupa counts otherwise by now, and budgets that are switched off or have no cost center."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from connectors.coupa.client import Coupa
from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.pipelines import amazon_spend_to_coupa_budgets as pipeline
from procurement.pipelines.amazon_spend_to_coupa_budgets import PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.planning import COUNTED_TWICE
from procurement.pipelines.amazon_spend_to_coupa_budgets.standing import read_standings
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import read_lines
from procurement.pipelines.amazon_spend_to_coupa_budgets.watching import burn_downs
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.spend.budget_rules import Period
from procurement.spend.spend_rules import CountedLater
from tests.integration.pipelines.conftest import NOW, SCOPES, SandboxPair, StartSandbox, connect_amazon, connect_coupa
from tests.integration.pipelines.spend_runs import SpendRun, switched
from tests.integration.pipelines.test_spend import CARDS, IMPATIENT, QUARTER, adjustments, outside, posted

pytestmark = pytest.mark.integration
CENTERS = ("4100", "4200", "4300", "4400")


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="60")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path) -> SpendRun:
    run = SpendRun(pair, ledger, switched(mappings_directory), tmp_path / "budgets")
    run.rules = replace(run.rules, policies=run.rules.policies.model_copy(update={"sending": IMPATIENT}))
    return run


def card_purchases(run: SpendRun) -> Iterator[dict[str, Any]]:
    """Charges paid by card, without a PO and on one cost center that has a budget."""
    amazon = connect_amazon(run.pair, run.ledger)
    for n in range(4):
        for page in amazon.transaction_pages(NOW - timedelta(days=30 * (n + 1)), NOW - timedelta(days=30 * n)):
            for raw in page:
                lines = raw["transactionLineItems"]
                centers = {line["businessOrderInfo"].get("Cost center") for line in lines}
                if (
                    raw["paymentInstrumentType"] in CARDS
                    and raw["transactionType"] == "CHARGE"
                    and not any(line.get("purchaseOrderNumber") for line in lines)
                    and len(centers) == 1
                    and centers < set(CENTERS)
                ):
                    yield raw


def money_of(raw: dict[str, Any]) -> Decimal:
    return sum((Decimal(line["totalAmount"]["amount"]) for line in raw["transactionLineItems"]), Decimal(0))


def place_of(raw: dict[str, Any]) -> tuple[str, str]:
    month = int(raw["transactionDate"][5:7])
    return f"FY26 Q{(month + 2) // 3}", raw["transactionLineItems"][0]["businessOrderInfo"]["Cost center"]


def enter(
    coupa: Coupa, raw: dict[str, Any], *, number: str | None = None, amount: Decimal | None = None, submit: bool = True
) -> int:
    """A clerk types the invoice of a purchase that was paid by card, and submits it."""
    coding = raw["transactionLineItems"][0]["businessOrderInfo"]
    account = {"code": f"10-{coding['Cost center']}-{coding['GL code']}", "account-type": {"name": "US Chart"}}
    body = {
        "invoice-number": number or raw["invoiceNumber"], "invoice-date": raw["transactionDate"][:10], "supplier": {"number": "AMZN-US"},
        "account-type": {"name": "US Chart"}, "currency": {"code": "USD"}, "payment-term": {"code": "Net 30"},
        "bill-to-address": {"location-code": "AUS-AP"}, "remit-to-address": {"remit-to-code": "AMZN-RT1"}, "line-level-taxation": True,
        "invoice-lines": [{
            "line-num": 1, "type": "InvoiceQuantityLine", "description": "By hand", "quantity": "1", "price": str(amount or money_of(raw)),
            "currency": {"code": "USD"}, "account": account,
        }],
    }  # fmt: skip
    invoice = int(coupa.create_invoice(body, coupa.permit("create_invoice"))["id"])
    if submit:
        act(coupa, invoice, "submit")
    return invoice


def create_budget_line(pair: SandboxPair, body: dict[str, Any]) -> None:
    """An admin's work, for which the client has no call."""
    grant = {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "grant_type": "client_credentials",
        "scope": SCOPES,
    }
    token = requests.post(f"{pair.coupa_url}/oauth2/token", data=grant, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    requests.post(f"{pair.coupa_url}/api/budget_lines", json=body, headers=headers, timeout=30).raise_for_status()


def act(coupa: Coupa, invoice: int, action: str) -> None:
    coupa.act_on_invoice(invoice, action, coupa.permit("act_on_invoice"))


def asked(run: SpendRun, operation: str) -> int:
    return sum(run.pair.calls("coupa")["by_operation"].get(operation, {}).values())


def test_an_invoice_entered_later_takes_the_spend_off_the_budget_once_and_its_end_puts_it_back(
    run: SpendRun, ledger: Ledger
) -> None:
    run("posted", **QUARTER)
    coupa, whole = connect_coupa(run.pair, ledger), outside(run)
    assert posted(run) == whole
    first, second = list(card_purchases(run))[:2]
    for raw in (first, second):
        enter(coupa, raw)
    before = adjustments(run)

    run("shown", dry_run=True, **QUARTER)
    shown = ledger.plans.of(ledger.runs.get(PIPELINE, "shown"))
    backs = [
        Decimal(row["payload"]["body"]["adjustment-amount"]) for row in shown if row.get("action") == "adjust_budget"
    ]
    assert sum(backs) == money_of(first) + money_of(second)
    assert adjustments(run) == before

    run("taken back", kind="asset_triggered")
    wanted = dict(whole)
    for raw in (first, second):
        wanted[place_of(raw)] -= money_of(raw)
    assert posted(run) == wanted
    source = amazon_source("sandbox")
    assert ledger.spend.posted(source, [first["transactionId"], second["transactionId"]]) == frozenset()
    assert ledger.spend.unbalanced() == []
    assert ledger.completeness.population(PIPELINE).complete
    counted = sum(one.minor for one in ledger.spend.by_segment() if one.counted == "budget")
    assert Decimal(counted) / 100 == sum(wanted.values())
    after = adjustments(run)
    run("again", **QUARTER)
    run("backfilled", kind="backfill")
    assert adjustments(run) == after

    [entered] = [raw for page in coupa.invoices("AMZN-US", [first["invoiceNumber"]]) for raw in page]
    act(coupa, entered["id"], "abandon")
    run("put back", kind="asset_triggered")
    wanted[place_of(first)] += money_of(first)
    assert posted(run) == wanted
    run("and again", **QUARTER)
    assert posted(run) == wanted
    assert ledger.spend.posted(source, [first["transactionId"]]) == {first["transactionId"]}
    assert ledger.spend.unbalanced() == []
    assert ledger.completeness.population(PIPELINE).complete


def test_an_invoice_that_leaves_a_doubt_is_a_letter_with_its_money_and_stays_decided(
    run: SpendRun, ledger: Ledger
) -> None:
    """One of another amount, one under the order id: nothing is written, a person is told, and told once."""
    run("posted", **QUARTER)
    coupa, whole = connect_coupa(run.pair, ledger), posted(run)
    other, by_order = list(card_purchases(run))[:2]
    enter(coupa, other, amount=money_of(other) + 1)
    enter(coupa, by_order, number=by_order["transactionLineItems"][0]["orderId"])
    run("asked", kind="asset_triggered")
    letters = [
        one for one in ledger.dead_letters.list(states=("held",), pipeline=PIPELINE) if one.reason == COUNTED_TWICE
    ]
    sentences = [sentence for letter in letters for sentence in letter.errors]
    assert len(sentences) == len(other["transactionLineItems"]) + len(by_order["transactionLineItems"])
    assert [one for one in run.mails if one.kind == "dead_letters" and sentences[0] in one.body["text"]]
    assert all(f"USD {line['totalAmount']['amount']}" in " ".join(sentences) for line in other["transactionLineItems"])
    assert any(f"Amazon charged USD {money_of(other)} under this number" in one for one in sentences)
    assert any("carries Amazon's order id" in one for one in sentences)
    assert posted(run) == whole
    for key in {letter.key for letter in letters}:
        ledger.dead_letters.discard(key, "adjusted by hand")
    run("decided", **QUARTER)
    held = ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
    assert COUNTED_TWICE not in {letter.reason for letter in held}
    assert posted(run) == whole
    assert ledger.spend.unbalanced() == []
    assert ledger.completeness.population(PIPELINE).complete


def test_what_was_posted_is_looked_for_in_batches_and_only_within_the_look_back(run: SpendRun) -> None:
    run("posted", **QUARTER)
    before = asked(run, "list_invoices")
    run("again", kind="asset_triggered")
    names = {
        name
        for raw in card_purchases(run)
        for name in (raw["invoiceNumber"], raw["transactionLineItems"][0]["orderId"])
    }
    assert 0 < len(names) <= 50
    assert asked(run, "list_invoices") - before == 2  # for what was posted, and for what still waits for its invoice
    file = run.rules.spend.file.model_copy(
        update={"counted_later": CountedLater.model_validate({"look_back_days": 30})}
    )
    run.rules = replace(run.rules, spend=replace(run.rules.spend, file=file))
    run.now = NOW + timedelta(days=31)
    before = asked(run, "list_invoices")
    run("long after", kind="asset_triggered")
    assert asked(run, "list_invoices") - before == 1


def test_what_is_planned_and_then_switched_off_is_not_sent_until_it_is_live_again(
    run: SpendRun, ledger: Ledger, mappings_directory: Path
) -> None:
    """Of one budget line for two cost centers only what is still live goes, each line for itself."""
    amazon, coupa = connect_amazon(run.pair, ledger), connect_coupa(run.pair, ledger)
    request = RunRequest(dag_id=PIPELINE, run_id="planned", kind="manual", params=QUARTER)
    opened = pipeline.open_run(ledger, request, rules=run.rules, clock=FixedClock(run.now))
    pipeline.extract(amazon, ledger, run=opened)
    pipeline.transform(amazon, coupa, ledger, run=opened, request=request, rules=run.rules)
    live, sending = run.rules, run.rules.policies
    off = switched(mappings_directory, '{mode: live, go_live: 2026-03-01, cost_centers: {"4200": {mode: "off"}}}')
    run.rules = replace(off, policies=sending)
    run("switched", kind="asset_triggered")
    run("planned again", kind="asset_triggered")
    whole = outside(run)
    assert posted(run) == {place: money for place, money in whole.items() if place[1] != "4200"}
    assert not [mail for mail in run.mails if "Engineering" in mail.body["subject"]]
    run.rules = live
    run("live", kind="asset_triggered")
    assert posted(run) == whole
    assert ledger.completeness.population(PIPELINE).complete


def test_a_burn_down_ends_at_what_coupa_says_remains_whatever_the_segments_of_its_line(
    run: SpendRun, ledger: Ledger
) -> None:
    """A budget of the whole company beside those of cost centers: the chart has what was posted to the line."""
    coupa = connect_coupa(run.pair, ledger)
    body = {
        "period": {"name": "FY26 Q2"}, "segment-1": "10", "description": "All of it", "amount": "900000", "currency": {"code": "USD"},
    }  # fmt: skip
    create_budget_line(run.pair, body)
    company = {"segments": {"segment-1": run.rules.budgets.segments["segment-1"]}}
    run.rules = replace(run.rules, budgets=run.rules.budgets.model_copy(update=company))
    run("one", **QUARTER)
    lines = read_lines(coupa, ["FY26 Q2"])
    quarter = run.rules.budgets.periods.of(NOW.date())
    assert isinstance(quarter, Period)
    standings = read_standings(
        coupa, ledger.budget_books, lines, period=quarter, today=NOW.date(), zone=ZoneInfo("UTC"), accounts={"sandbox"}
    )  # fmt: skip
    shown = burn_downs(ledger, {quarter: standings}, run.rules, instance=coupa.instance)
    whole = {one.line.id: one for one in standings}
    outside_money = ledger.spend.outside_by_day(coupa.instance, whole)
    [line] = [one.line for one in standings if one.line.raw.get("description") == "All of it"]
    assert sum(outside_money[line.id].values()) == -sum(
        Decimal(row["amount"]) for page in coupa.budget_line_adjustments([line.id]) for row in page if row["adjuster"] is None
    )  # fmt: skip
    assert sum(outside_money[line.id].values()) > 0
    [chart] = [one for one in shown.values() if one.title.startswith("All of it")]
    assert sum((money.amount for money in chart.days.values()), Decimal(0)) == line.consumed.amount


def test_adjustments_that_were_read_are_not_read_again(run: SpendRun) -> None:
    run("one", **QUARTER)
    run("two", kind="asset_triggered")
    before = asked(run, "list_budget_line_adjustments")
    run("three", kind="asset_triggered")
    assert asked(run, "list_budget_line_adjustments") - before == 1
