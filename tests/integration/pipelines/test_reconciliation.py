"""Amazon, the ledger and Coupa held against each other: a clean world is green, and one of each kind planted is found."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from procurement.clock import FixedClock
from procurement.errors import Unreconciled
from procurement.ledger import Ledger
from procurement.ledger.types import Notice, Staged, Window
from procurement.pipelines import reconciliation
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rollout, Rules, read_rules
from tests.integration.pipelines.conftest import (
    NOW,
    InvoiceRun,
    SandboxPair,
    StartSandbox,
    connect_amazon,
    connect_coupa,
)

pytestmark = pytest.mark.integration
INVOICES = "amazon_invoices_to_coupa"
ROUNDING = {"code": "10-4900-6810", "account-type": {"name": "US Chart"}}
RunInvoices = Callable[[SandboxPair], InvoiceRun]
LATER = NOW + timedelta(hours=3)  # the newest hours are left out


@dataclass(slots=True)
class Reconcile:
    """The four steps as the DAG calls them."""

    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    folder: Path
    now: datetime = LATER
    mails: list[Notice] = field(default_factory=list)

    def __call__(self, run_id: str = "r1", **params: object) -> dict[str, Any]:
        request = RunRequest(dag_id="reconciliation", run_id=run_id, params=params)
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        run = reconciliation.open_run(self.ledger, request, rules=self.rules, clock=FixedClock(self.now))
        reconciliation.extract(amazon, self.ledger, run=run, request=request, rules=self.rules)
        reconciliation.compare(coupa, self.ledger, run=run, request=request, rules=self.rules)
        summary = reconciliation.report(self.ledger, run=run, rules=self.rules, folder=str(self.folder))
        if summary["result"] == "green":
            reconciliation.close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)
        else:
            with pytest.raises(Unreconciled):
                reconciliation.close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)
        return summary


@pytest.fixture
def reconcile(ledger: Ledger, rules: Rules, tmp_path: Path) -> Callable[[SandboxPair], Reconcile]:
    return lambda pair: Reconcile(pair, ledger, rules, tmp_path / "reports")


@pytest.fixture
def quarter(start_sandbox: StartSandbox, run_invoices: RunInvoices) -> InvoiceRun:
    run = run_invoices(start_sandbox("quarter"))
    run("first")
    run.pair.post("amazon", "clock", advance=3 * 3600)
    run.now = LATER
    run("second")
    return run


def test_a_clean_quarter_is_green_to_the_cent(quarter: InvoiceRun, reconcile: Any) -> None:
    summary = reconcile(quarter.pair)()
    assert summary["rows"] == [] and summary["gaps"] == []
    assert summary["result"] == "green"
    assert summary["documents"]["seen"] > 300 and summary["invoices"] > 200


def ours(pair: SandboxPair) -> list[dict[str, Any]]:
    return [one for one in pair.invoices() if (one.get("custom-fields") or {}).get("ab-delivery-id")]


def keyed(pair: SandboxPair, number: str, *, day: str, **changes: Any) -> None:
    """A clerk keys an invoice by an account, without naming a PO."""
    line = {"type": "InvoiceAmountLine", "description": "keyed", "price": "12.34", "account": ROUNDING}
    body = {
        "invoice-number": number, "supplier": {"number": "AMZN-US"}, "invoice-date": day, "currency": {"code": "USD"},
        "account-type": {"name": "US Chart"}, "invoice-lines": [line],
        "bill-to-address": {"location-code": "AUS-AP"}, "remit-to-address": {"remit-to-code": "AMZN-RT1"},
    }  # fmt: skip
    answer = requests.post(pair.control("coupa", "events/enter_invoice"), json=body | changes, timeout=30)
    assert answer.ok, answer.text


def keyed_again(pair: SandboxPair, payload: dict[str, Any], number: str) -> None:
    """The lines and the money of an invoice of ours under another number."""
    body = {key: value for key, value in payload.items() if key not in ("custom-fields", "invoice-number")}
    pair.post("coupa", "events/enter_invoice", **body | {"invoice-number": number, "draft": True})


def feed_of(run: InvoiceRun) -> list[dict[str, Any]]:
    amazon = connect_amazon(run.pair, run.ledger)
    pages = (
        amazon.transaction_pages(NOW - timedelta(days=30 * n), NOW - timedelta(days=30 * n - 30)) for n in (3, 2, 1)
    )
    return json.loads(json.dumps([row for some in pages for page in some for row in page], default=str))


@pytest.fixture
def planted(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ledger: Ledger
) -> tuple[InvoiceRun, dict[str, str]]:
    """A clean world in which one thing of each kind was then done; the invoice numbers by the kind that must be found."""
    run = run_invoices(start_sandbox("clean", orders="24"))
    pair, feed = run.pair, feed_of(run)
    early, lost = feed[0]["invoiceNumber"], feed[1]
    keyed(pair, early, day="2026-06-01")  # before we come, with a wrong amount
    run("first")
    voided, changed, doubled = (one for one in ours(pair)[:3])
    coupa = connect_coupa(pair, ledger)
    pair.post("coupa", "events/act_on_invoice", id=voided["id"], action="void")
    edited = {"invoice-lines": [{"id": changed["invoice-lines"][0]["id"], "account": ROUNDING}]}
    coupa.update_invoice(changed["id"], edited, coupa.permit("update_invoice"))
    known = ledger.deliveries.known(INVOICES, "create_invoice", [f"acme/AMZN-US/{doubled['invoice-number']}"])
    [payload] = ledger.deliveries.payloads([one.id for one in known.values()]).values()
    keyed_again(pair, payload, "AGAIN-1")
    keyed(pair, "NOBODY-1", day="2026-06-10")
    pair.post("amazon", "clock", advance=3600)
    pair.post("amazon", "events/charge", transaction={
        **{key: value for key, value in lost.items() if key != "feedDate"}, "transactionId": "lost", "invoiceNumber": "LOST-1",
    })  # fmt: skip
    ledger.coverage.cover(INVOICES, Window(NOW, NOW + timedelta(hours=6)))  # read, and yet the charge never arrived
    pair.post("amazon", "clock", advance=5 * 3600)
    return run, {
        "missing_in_coupa": "LOST-1", "missing_at_amazon": "NOBODY-1", "amount_differs": early, "doubled": "AGAIN-1",
        "state_differs": voided["invoice-number"], "changed_by_hand": changed["invoice-number"],
    }  # fmt: skip


def test_one_planted_difference_of_each_kind_is_found_and_nothing_else(
    planted: Any, reconcile: Any, ledger: Ledger
) -> None:
    run, numbers = planted
    again = reconcile(run.pair)
    again.now = NOW + timedelta(hours=6)
    before = run.pair.calls("coupa")["writes"], run.pair.calls("amazon")["writes"]
    records = ledger.completeness.population(INVOICES)
    summary = again()
    assert {row["kind"]: row["invoice_number"] for row in summary["rows"]} == numbers
    assert summary["kinds"] == dict.fromkeys(numbers, 1)
    assert summary["result"] == "red" and summary["gaps"] == []
    assert summary["line"].startswith("Reconciled 25 transactions, 23 invoices, USD ")
    assert (run.pair.calls("coupa")["writes"], run.pair.calls("amazon")["writes"]) == before
    assert ledger.completeness.population(INVOICES) == records


def test_the_report_is_a_csv_and_a_mail_with_it_and_the_output_is_bounded(planted: Any, reconcile: Any) -> None:
    run, numbers = planted
    again = reconcile(run.pair)
    again.now = NOW + timedelta(hours=6)
    summary = again()
    with Path(summary["file"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["kind"]: row["invoice_number"] for row in rows} == numbers
    assert {row["invoice_number"] for row in rows if row["difference"] not in ("", "0", "0.00")} >= {
        numbers["amount_differs"]
    }
    [mail] = [mail for mail in again.mails if mail.kind == "reconciliation"]
    assert mail.body["text"].startswith(summary["line"])
    assert mail.body["attachments"][0]["text"].splitlines()[0].startswith("kind,invoice_number")
    assert "sandbox-secret" not in json.dumps([summary, mail.body])
    assert len(summary["rows"]) <= 50


def test_a_step_that_is_tried_again_tells_the_same(planted: Any, reconcile: Any, ledger: Ledger) -> None:
    run, _ = planted
    again = reconcile(run.pair)
    again.now = NOW + timedelta(hours=6)
    first = again()
    assert again() == first
    assert len(again.mails) == 1


def test_one_purchase_order_or_supplier_alone_is_compared(planted: Any, reconcile: Any, rules: Rules) -> None:
    run, numbers = planted
    again = reconcile(run.pair)
    again.now = NOW + timedelta(hours=6)
    changed = next(one for one in run.pair.invoices() if one["invoice-number"] == numbers["changed_by_hand"])
    order = changed["invoice-lines"][0]["po-number"]
    one = again("one po", po_numbers=[order])
    assert [row["invoice_number"] for row in one["rows"]] == [numbers["changed_by_hand"]]
    assert one["documents"]["seen"] < 5 and one["invoices"] < 5
    other = again("another supplier", supplier="ACME-1")
    assert (other["documents"]["seen"], other["invoices"], other["result"]) == (0, 0, "green")
    ours_only = again("our supplier", supplier="AMZN-US")
    assert ours_only["kinds"] == dict.fromkeys(numbers, 1)


def test_a_stretch_that_was_never_read_is_red_although_nothing_differs(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, reconcile: Any
) -> None:
    run = run_invoices(start_sandbox("clean", orders="8"))
    run("first")
    late = reconcile(run.pair)
    late.now = NOW + timedelta(days=2)
    run.pair.post("amazon", "clock", advance=2 * 86400)
    summary = late()
    assert (summary["result"], summary["differences"]) == ("red", 0)
    assert [gap["from"] for gap in summary["gaps"]] == [NOW.isoformat()]
    assert summary["line"].endswith("red: 1 stretch never read")
    before = late("before it", **{"from": "2026-04-01", "to": "2026-06-01"})
    assert before["result"] == "green"


def test_what_the_ledger_read_and_amazon_shows_no_more_is_missing_at_amazon(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, reconcile: Any, ledger: Ledger
) -> None:
    run = run_invoices(start_sandbox("clean", orders="8"))
    run("first")
    other = ledger.runs.open(INVOICES, "read once", now=NOW)
    gone = Staged(
        key="gone",
        raw={"transactionId": "gone"},
        amount=Decimal("5.00"),
        currency="USD",
        dated_at=NOW - timedelta(days=3),
    )
    ledger.records.stage(other, "amazon_business/sandbox", "transaction", [gone])
    summary = reconcile(run.pair)("r", to=NOW.isoformat(), **{"from": "2026-06-01"})
    assert [(row["kind"], row["transaction"]) for row in summary["rows"]] == [("missing_at_amazon", "gone")]


def test_calls_grow_by_one_a_page_and_only_reads_are_made(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, reconcile: Any
) -> None:
    run = run_invoices(start_sandbox("clean", orders="130"))
    run("first")
    for vendor in ("amazon", "coupa"):
        requests.delete(run.pair.control(vendor, "calls"), timeout=30)
    summary = reconcile(run.pair)("r", **{"from": "2026-03-01", "to": NOW.isoformat()})
    assert summary["result"] == "green" and summary["invoices"] == 130
    amazon, coupa = run.pair.calls("amazon"), run.pair.calls("coupa")
    assert amazon["writes"] == coupa["writes"] == {}
    assert amazon["calls"] <= 5 + 1 + 130 // 50  # five stretches of 30 days, a token, pages
    assert coupa["calls"] <= 2 * (130 // 50 + 2) + 1


def test_nothing_is_compared_by_itself_while_the_invoices_are_switched_off(
    start_sandbox: StartSandbox, reconcile: Any, rules: Rules
) -> None:
    idle = reconcile(start_sandbox("clean", orders="4"))
    idle.rules = replace(rules, rollout=Rollout({}))
    request = RunRequest(dag_id="reconciliation", run_id="r")
    run = reconciliation.open_run(idle.ledger, request, rules=idle.rules, clock=FixedClock(LATER))
    assert run.window is None


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-06-10", "2026-06-11"), ("2026-06-09", "2026-06-12"), ("2026-06-01", "2026-06-12"), ("2026-06-01", "2026-06-20"),
        ("2026-06-10T08:00:00Z", "2026-06-10T09:00:00Z"),
    ],
)  # fmt: skip
def test_an_invoice_that_nobody_knows_is_found_by_every_range_that_holds_its_day(
    since: str, until: str, start_sandbox: StartSandbox, run_invoices: RunInvoices, reconcile: Any
) -> None:
    run = run_invoices(start_sandbox("clean", orders="4"))
    run("first")
    keyed(run.pair, "NOBODY-1", day="2026-06-10")
    summary = reconcile(run.pair)("r", to=until, **{"from": since})
    assert [(row["kind"], row["invoice_number"]) for row in summary["rows"]] == [("missing_at_amazon", "NOBODY-1")]
    assert summary["result"] == "red"


def test_an_invoice_outside_the_range_or_too_young_for_amazons_feed_is_not_looked_for(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, reconcile: Any
) -> None:
    run = run_invoices(start_sandbox("clean", orders="4"))
    run("first")
    keyed(run.pair, "NOBODY-1", day="2026-06-10")
    keyed(run.pair, "YOUNG-1", day="2026-06-28")
    for since, until in (("2026-06-08", "2026-06-10"), ("2026-06-11", "2026-06-13"), ("2026-06-27", "2026-06-30")):
        summary = reconcile(run.pair)(since, to=until, **{"from": since})
        assert (summary["result"], summary["rows"]) == ("green", [])


def test_a_number_that_amazon_issued_after_the_document_went_under_another_is_found(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, reconcile: Any, ledger: Ledger
) -> None:
    run = run_invoices(start_sandbox("clean", orders="4"))
    run("first")
    one = feed_of(run)[0]
    moved = {"id": one["transactionId"], "name": f"acme/AMZN-US/{one['invoiceNumber']}"}
    with ledger.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE deliveries SET business_key = :name || 'X' WHERE business_key = :name"), moved
        )
    summary = reconcile(run.pair)("r", to=NOW.isoformat(), **{"from": "2026-03-01"})
    row = next(row for row in summary["rows"] if row["kind"] == "number_differs")
    assert (row["invoice_number"], row["transaction"]) == (one["invoiceNumber"], one["transactionId"])
    assert row["sentence"].endswith(f"is on {one['invoiceNumber']}, the ledger has it on {one['invoiceNumber']}X.")


def test_a_late_component_under_a_number_of_ours_is_on_amazons_number(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, reconcile: Any, rules: Rules
) -> None:
    run = run_invoices(start_sandbox("clean", orders="4"))
    policies = rules.policies.model_copy(update={"late_component": "second_invoice"})
    run.rules = replace(rules, policies=policies)
    run("first")
    one = feed_of(run)[0]
    late = {key: value for key, value in one.items() if key != "feedDate"}
    run.pair.post("amazon", "events/charge", transaction={**late, "transactionId": "late"})
    run.pair.post("amazon", "clock", advance=3 * 86400)
    run.now = NOW + timedelta(days=2)
    run("second")
    again = reconcile(run.pair)
    again.now = run.now
    numbers = {invoice["invoice-number"] for invoice in run.pair.invoices()}
    assert f"{one['invoiceNumber']}-2" in numbers
    assert [row for row in again()["rows"] if row["kind"] == "number_differs"] == []


def test_a_gl_split_that_somebody_changed_in_coupa_is_found(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, reconcile: Any, mappings_directory: Path, ledger: Ledger
) -> None:
    charges = mappings_directory / "charges.yml"
    split = "into: {to: line, accounts: {freight: 50, fees: 50}}"
    charges.write_text(charges.read_text().replace("into: {to: line}", split, 1))
    run = run_invoices(start_sandbox("clean", orders="4"))
    run.rules = read_rules(mappings_directory)
    run("first")
    again = reconcile(run.pair)
    assert again("untouched", to=NOW.isoformat(), **{"from": "2026-03-01"})["result"] == "green"
    changed, coupa = ours(run.pair)[0], connect_coupa(run.pair, ledger)
    more = [{"account": ROUNDING, "pct": "10"}]
    body = {"invoice-lines": [{"id": changed["invoice-lines"][0]["id"], "account-allocations": more}]}
    coupa.update_invoice(changed["id"], body, coupa.permit("update_invoice"))
    [row] = again("by hand", to=NOW.isoformat(), **{"from": "2026-03-01"})["rows"]
    assert (row["kind"], row["invoice_number"]) == ("changed_by_hand", changed["invoice-number"])
    codings = "was 10-4900-6800 50 % + 10-4900-6850 50 %, is 10-4900-6800 50 % + 10-4900-6810 10 % + 10-4900-6850 50 %"
    assert row["sentence"] == f"Changed in Coupa: line 1 account allocations {codings}."
