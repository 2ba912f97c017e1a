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
