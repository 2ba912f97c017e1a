"""Off, shadow, dry run, release by number, late components, and feeds that are not what they should be."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.errors import UnexpectedResponse
from procurement.errors import IncompleteRun
from procurement.ledger import Ledger
from procurement.pipelines.amazon_invoices_to_coupa import close
from procurement.policies import read_rules
from tests.integration.pipelines.conftest import NOW, InvoiceRun, SandboxPair, StartSandbox, connect_amazon

pytestmark = pytest.mark.integration
PIPELINE = "amazon_invoices_to_coupa"


def switch(run: InvoiceRun, directory: Path, rollout: str) -> None:
    """Rewrites rollout.yml and reads the rules again."""
    (directory / "rollout.yml").write_text(
        f"pipelines:\n  {PIPELINE}: {rollout}\nexamples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    run.rules = read_rules(directory)


def states(ledger: Ledger) -> dict[str, int]:
    return {reason: count for (_, reason), count in ledger.completeness.population(PIPELINE).reasons.items()}


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("tiny")


@pytest.fixture
def run(run_invoices: Any, pair: SandboxPair) -> InvoiceRun:
    return run_invoices(pair)


def test_switched_off_it_reads_and_writes_nothing(run: InvoiceRun, mappings_directory: Path) -> None:
    switch(run, mappings_directory, "{mode: off}")
    assert run("off")["documents"]["seen"] == 0
    assert run.pair.calls("coupa")["writes_accepted"] == 0


def test_in_shadow_everything_is_planned_shown_and_never_sent(
    run: InvoiceRun, mappings_directory: Path, ledger: Ledger
) -> None:
    switch(run, mappings_directory, "{mode: shadow, go_live: 2026-03-01}")
    run("shadow")
    previews = ledger.plans.of(ledger.runs.get(PIPELINE, "shadow"))
    assert previews and all(row["payload"]["invoice-number"] for row in previews)
    switch(run, mappings_directory, "{mode: live, go_live: 2026-03-01}")
    run("live")
    assert run.pair.calls("coupa")["writes_accepted"] == 0
    assert "shadow: planned, not sent" in states(ledger)


@pytest.mark.parametrize(
    "scope",
    [
        "suppliers: {AMZN-US: {mode: shadow, go_live: 2026-03-01}}",
        "accounts: {sandbox: {mode: shadow, go_live: 2026-03-01}}",
    ],
)
def test_a_supplier_or_account_in_shadow_is_shown_and_not_sent_although_the_pipeline_is_live(
    run: InvoiceRun, mappings_directory: Path, ledger: Ledger, scope: str
) -> None:
    switch(run, mappings_directory, f"{{mode: live, go_live: 2026-03-01, {scope}}}")
    run("narrow")
    assert run.pair.calls("coupa")["writes_accepted"] == 0
    assert ledger.plans.of(ledger.runs.get(PIPELINE, "narrow"))


def test_a_supplier_goes_live_before_the_pipeline(run: InvoiceRun, mappings_directory: Path) -> None:
    switch(run, mappings_directory, "{mode: off, suppliers: {AMZN-US: {mode: live, go_live: 2026-03-01}}}")
    assert run("narrow")["documents"]["delivered"] > 0


def test_a_cost_center_that_is_switched_off_waits_and_goes_on_when_it_is_switched_on(
    run: InvoiceRun, mappings_directory: Path, ledger: Ledger
) -> None:
    centers = "cost_centers: {" + ", ".join(f"{center}: {{mode: off}}" for center in cost_centers(run)) + "}"
    switch(run, mappings_directory, f"{{mode: live, go_live: 2026-03-01, {centers}}}")
    run("off")
    assert run.pair.calls("coupa")["writes_accepted"] == 0
    assert "switched off in rollout.yml" in states(ledger)
    switch(run, mappings_directory, "{mode: live, go_live: 2026-03-01}")
    run("on")
    assert run.pair.calls("coupa")["writes_accepted"] > 0


def cost_centers(run: InvoiceRun) -> list[str]:
    """Those that the world's transactions name."""
    amazon = connect_amazon(run.pair, run.ledger)
    windows = [(NOW - timedelta(days=30 * (n + 1)), NOW - timedelta(days=30 * n)) for n in range(4)]
    rows = [row for window in windows for page in amazon.transaction_pages(*window) for row in page]
    lines = [line for row in rows for line in row["transactionLineItems"]]
    return sorted(
        {
            str(line["businessOrderInfo"]["Cost center"])
            for line in lines
            if "Cost center" in line.get("businessOrderInfo", {})
        }
    )


def test_without_a_po_the_policy_may_hold_instead(run: InvoiceRun, mappings_directory: Path, ledger: Ledger) -> None:
    path = mappings_directory / "policies.yml"
    path.write_text(path.read_text().replace("no_po: dead_letter", "no_po: hold"))
    run.rules = read_rules(mappings_directory)
    summary = run("held")
    assert summary["documents"]["dead"] == 0 and "no purchase order" in states(ledger)


def test_a_dry_run_shows_what_a_real_run_then_sends_and_keeps_nothing_else(run: InvoiceRun, ledger: Ledger) -> None:
    run("dry", dry_run=True, **{"from": "2026-03-01"})
    shown = [row for row in ledger.plans.of(ledger.runs.get(PIPELINE, "dry")) if "payload" in row]
    with ledger.engine.begin() as connection:
        for table in ("source_records", "deliveries", "allocations", "coverage", "attempts"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
    run("real")
    with ledger.engine.begin() as connection:
        sent = connection.execute(
            sa.text("SELECT business_key FROM deliveries WHERE action = 'create_invoice'")
        ).scalars()
        assert sorted(sent) == sorted(row["document"] for row in shown) != []


def test_invoices_before_go_live_are_skipped_and_released_by_number(
    run: InvoiceRun, mappings_directory: Path, ledger: Ledger
) -> None:
    switch(run, mappings_directory, "{mode: live, go_live: 2026-06-30}")
    run("first", **{"from": "2026-03-01"})
    assert states(ledger).get("before go-live", 0) > 2
    assert run.pair.calls("coupa")["writes_accepted"] == 0
    with ledger.engine.begin() as connection:
        number = connection.execute(
            sa.text(
                "SELECT group_key FROM source_records r JOIN allocations a ON a.record_id = r.id WHERE a.reason = 'before go-live' AND r.subkind = 'CHARGE' ORDER BY r.id LIMIT 1"
            )
        ).scalar_one()
    run("released", invoice_numbers=[f" {number} "])
    ours = [invoice for invoice in run.pair.invoices() if (invoice.get("custom-fields") or {}).get("ab-delivery-id")]
    assert [invoice["invoice-number"] for invoice in ours] == [number]


@pytest.mark.parametrize("policy", ["finding", "second_invoice"])
def test_a_component_that_comes_after_an_invoice_was_sent_never_edits_it(
    run: InvoiceRun, mappings_directory: Path, ledger: Ledger, policy: str
) -> None:
    path = mappings_directory / "policies.yml"
    path.write_text(path.read_text().replace("late_component: finding", f"late_component: {policy}"))
    run.rules = read_rules(mappings_directory)
    run("first")
    with ledger.engine.begin() as connection:
        raw = connection.execute(
            sa.text("""SELECT v.raw FROM deliveries d JOIN allocations a ON a.delivery_id = d.id JOIN source_records r ON r.id = a.record_id
                JOIN source_versions v ON v.record_id = r.id WHERE d.action = 'create_invoice' AND r.subkind = 'CHARGE' ORDER BY d.id LIMIT 1""")
        ).scalar_one()
    late = {
        **json.loads(json.dumps(raw, default=str)),
        "transactionId": "late-1",
        "feedDate": NOW.isoformat().replace("+00:00", "Z"),
    }
    run.pair.post("amazon", "events/charge", transaction=late)
    before = {invoice["invoice-number"]: invoice["total-with-taxes"] for invoice in run.pair.invoices()}
    run.pair.post("amazon", "clock", advance=3 * 86400)
    run.now = NOW + timedelta(days=2)
    run("second")
    after = {invoice["invoice-number"]: invoice["total-with-taxes"] for invoice in run.pair.invoices()}
    number = raw["invoiceNumber"]
    assert {key: after[key] for key in before} == before
    assert (f"{number}-2" in after) is (policy == "second_invoice")
    again = {**late, "transactionId": "late-2"}
    run.pair.post("amazon", "events/charge", transaction=again)
    run.pair.post("amazon", "clock", advance=3 * 86400)
    run.now = NOW + timedelta(days=5)
    run("third")
    invoices = {invoice["invoice-number"]: invoice for invoice in run.pair.invoices()}
    assert (f"{number}-3" in invoices) is (policy == "second_invoice")
    if policy == "second_invoice":
        assert invoices[f"{number}-3"]["payment-order-reference"] == number
    assert (f"late component of invoice {number}, which was already sent" in states(ledger)) is (policy == "finding")


def test_a_record_that_appears_twice_in_a_page_is_counted_once_and_the_repeat_apart(run: InvoiceRun) -> None:
    run.pair.post("amazon", "faults", kind="duplicate", operation="getTransactions", times=50)
    summary = run("repeated")
    assert summary["repeats"] > 0
    documents = summary["documents"]
    assert documents["seen"] == sum(documents[word] for word in ("delivered", "waiting", "held", "skipped", "dead"))


def test_broken_records_are_kept_counted_and_dead_with_their_reasons(run: InvoiceRun, ledger: Ledger) -> None:
    broken = [
        {"transactionId": "b-1", "transactionType": "CHARGE", "amount": {"currencyCode": "XXX", "amount": "1.00"}},
        {
            "transactionId": "b-2",
            "transactionLineItems": [{"totalAmount": {"currencyCode": "USD", "amount": "not money"}}],
        },
        {"transactionType": "CHARGE", "feedDate": "the day the music died"},
        {"transactionId": "b-4", "unknown": {"field": ["x" * 100_000]}, "transactionLineItems": None},
    ]
    run.pair.post(
        "amazon",
        "faults",
        kind="patch",
        operation="getTransactions",
        times=1,
        patch={"transactions": broken, "nextPageToken": None},
    )
    summary = run("broken", **{"from": "2026-06-20", "to": "2026-06-25"})
    assert summary["documents"]["seen"] == summary["documents"]["dead"] == 4
    letters = ledger.dead_letters.list(pipeline=PIPELINE)
    assert len(letters) == 4 and all(letter.errors for letter in letters)


@pytest.mark.parametrize("kind", ["repeat_token", "malformed"])
def test_a_feed_that_cannot_be_read_fails_the_run_and_covers_nothing(
    run: InvoiceRun, ledger: Ledger, kind: str
) -> None:
    run.pair.post("amazon", "switches", reconciliation_page_size=2)
    run.pair.post("amazon", "faults", kind=kind, operation="getTransactions", times=200)
    with pytest.raises(UnexpectedResponse, match="getTransactions"):
        run("unreadable")
    assert ledger.coverage.covered(PIPELINE) == []


def test_a_record_lost_between_page_and_ledger_fails_the_run_by_name(run: InvoiceRun, ledger: Ledger) -> None:
    run("first")
    with ledger.engine.begin() as connection:
        lost = connection.execute(
            sa.text(
                "SELECT r.id, r.key FROM source_records r JOIN run_records l ON l.record_id = r.id ORDER BY r.id LIMIT 1"
            )
        ).one()
        connection.execute(sa.text("DELETE FROM run_records WHERE record_id = :id"), {"id": lost.id})
    with pytest.raises(IncompleteRun, match=lost.key):
        ledger.completeness.settle(ledger.runs.get(PIPELINE, "first")).require()


def test_a_rule_file_with_a_typo_names_file_line_key_and_the_nearest_word(
    mappings_directory: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "typo"
    shutil.copytree(mappings_directory, copy)
    path = copy / "policies.yml"
    path.write_text(path.read_text().replace("settle_hours:", "setle_hours:"))
    with pytest.raises(Exception, match=r"policies\.yml:\d+.*setle_hours.*settle_hours"):
        read_rules(copy)


def test_unapproved_invoices_that_amazon_wants_paid_soon_are_mailed_once_a_day_with_what_blocks_them(
    run_invoices: Any, start_sandbox: StartSandbox, ledger: Ledger
) -> None:
    run: InvoiceRun = run_invoices(start_sandbox("quarter", orders="120"))
    run("first")
    run.now = NOW + timedelta(days=25)
    run.mails.clear()
    run("a month later")
    run("an hour after that")
    mails = [mail.body for mail in run.mails if mail.kind == "due_dates"]
    assert len(mails) == 1
    assert "due within 5 days and not approved" in mails[0]["subject"]
    assert "Coupa: on hold" in mails[0]["text"] or "Coupa: pending receipt" in mails[0]["text"]
    assert "billed" in mails[0]["text"] or "above the PO price" in mails[0]["text"]


def test_an_account_that_does_not_add_up_outranks_a_mail_server_that_is_away(run: InvoiceRun, ledger: Ledger) -> None:
    def away(_: object) -> None:
        raise ConnectionRefusedError("no mail server")

    run("first")
    opened = ledger.runs.get(PIPELINE, "first")
    with ledger.engine.begin() as connection:
        connection.execute(sa.text("UPDATE notices SET sent_at = NULL"))
        connection.execute(
            sa.text("DELETE FROM run_records WHERE record_id = (SELECT min(record_id) FROM run_records)")
        )
    with pytest.raises(IncompleteRun):
        close(ledger, run=opened, rules=run.rules, send_mail=away)
    assert ledger.notices.pending()  # kept, and sent by the next run
