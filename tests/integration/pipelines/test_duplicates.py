"""The same charge under another number: held with both documents named, until a person releases it by its number."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import NOW, InvoiceRun, SandboxPair, StartSandbox
from tests.integration.pipelines.credit_runs import CreditRun
from tests.integration.pipelines.test_reconciliation import keyed

pytestmark = pytest.mark.integration
PIPELINE = "amazon_invoices_to_coupa"
_FIRST = sa.text("""
    SELECT v.raw FROM deliveries d JOIN allocations a ON a.delivery_id = d.id JOIN source_records r ON r.id = a.record_id
    JOIN source_versions v ON v.record_id = r.id
    WHERE d.action = 'create_invoice' AND d.state = 'delivered' AND r.subkind = 'CHARGE'
    AND (SELECT count(*) FROM allocations o WHERE o.delivery_id = d.id) = 1 ORDER BY d.id LIMIT 1
""")


def post_again(run: InvoiceRun, ledger: Ledger) -> tuple[str, str]:
    """(number that was sent, number of the same charge once more)."""
    with ledger.engine.begin() as connection:
        raw: dict[str, Any] = connection.execute(_FIRST).scalar_one()
    number = f"{raw['invoiceNumber'][:-4]}9999"
    again = {
        **json.loads(json.dumps(raw, default=str)), "transactionId": "again-1", "invoiceNumber": None,
        "feedDate": NOW.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    run.pair.post("amazon", "events/charge", transaction=again)
    run.pair.post("amazon", "events/issue_invoice", transactionId="again-1", invoiceNumber=number)
    run.pair.post("amazon", "clock", advance=3 * 86400)
    run.now = NOW + timedelta(days=2)
    return raw["invoiceNumber"], number


def numbers(run: InvoiceRun) -> list[str]:
    return [invoice["invoice-number"] for invoice in run.pair.invoices()]


def test_the_same_shipment_under_another_number_is_held_and_released_by_its_number(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger
) -> None:
    run = run_invoices(start_sandbox("tiny"))
    run("first")
    sent, again = post_again(run, ledger)
    summary = run("second")
    assert again not in numbers(run)
    (reason,) = [reason for reason in summary["reasons"] if f"Invoice {again} " in reason]
    assert reason.startswith("held: ") and f"may be invoice {sent} (" in reason and "for the same shipment" in reason
    assert Decimal(summary["money"]["USD"]["held"]) > 0
    held = [
        letter
        for letter in ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
        if again in (letter.reason or "")
    ]
    assert len(held) == 1
    run("third", invoice_numbers=[again])
    assert numbers(run).count(again) == 1
    with ledger.engine.begin() as connection:
        found = connection.execute(
            sa.text("SELECT breached, sentence FROM findings WHERE kind = 'duplicate' ORDER BY id")
        ).all()
    assert [row.breached for row in found][-1] is False
    assert all(again in row.sentence and sent in row.sentence for row in found)


def test_nothing_in_a_quarter_of_ordinary_purchases_is_taken_for_a_duplicate(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger
) -> None:
    summary = run_invoices(start_sandbox("quarter", orders="200"))("first")
    assert [reason for reason in summary["reasons"] if "once more" in reason] == []
    with ledger.engine.begin() as connection:
        assert connection.execute(sa.text("SELECT sentence FROM findings WHERE kind = 'duplicate'")).all() == []


@pytest.fixture
def clean(start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun]) -> CreditRun:
    return CreditRun(run_invoices(start_sandbox("clean", orders="12")))


@pytest.mark.parametrize("draft", [False, True])
def test_a_number_that_a_clerk_wrote_otherwise_is_held_with_both_named(clean: CreditRun, draft: bool) -> None:
    charge = clean.charge()
    number = charge["invoiceNumber"]
    keyed = number.replace("-", "")
    clean.make_room(charge)
    clean.key(charge, keyed, draft=draft)
    clean("first")
    state, reason, _ = clean.fate(charge["transactionId"])
    assert state == "held" and f"Invoice {number} " in reason and f"may be invoice {keyed} " in reason
    assert number not in clean.in_coupa(number)


def test_an_invoice_that_a_clerk_entered_under_another_number_is_found_by_its_po_line(clean: CreditRun) -> None:
    charge = clean.charge()
    clean.make_room(charge)
    clean.key(charge, "KEYED-1")
    clean("first")
    state, reason, _ = clean.fate(charge["transactionId"])
    assert state == "held" and "may be invoice KEYED-1 " in reason and "for the same shipment" in reason


@pytest.mark.parametrize("action", ["abandon", "void"])
def test_the_number_of_a_dead_document_is_no_reason_to_leave_the_invoice_out(clean: CreditRun, action: str) -> None:
    charge = clean.charge()
    number = charge["invoiceNumber"]
    keyed(clean.run.pair, number, day="2026-06-01")
    clean.act(number, action, "void", "abandon")
    clean("first")
    state, reason, _ = clean.fate(charge["transactionId"])
    assert (
        state == "held" and reason.startswith(f"Coupa has {number} as ") and f"Release {number} by its number" in reason
    )


def test_what_was_voided_in_coupa_is_nobodys_rival(clean: CreditRun) -> None:
    charge = clean.charge()
    clean("first")
    clean.act(charge["invoiceNumber"], "void")
    clean.bill_again(charge, "REBILL-1")
    clean("second", days=3)
    assert clean.fate("again-REBILL-1")[0] == "delivered"
    assert "REBILL-1" in clean.in_coupa("REBILL-1")
