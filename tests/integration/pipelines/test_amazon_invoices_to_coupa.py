"""Charges and refunds become Coupa invoices and credit notes: real PostgreSQL, real HTTP, both systems' own rules."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import InvoiceRun, SandboxPair, StartSandbox

pytestmark = pytest.mark.integration
RunInvoices = Callable[[SandboxPair], InvoiceRun]


def accounted(summary: dict[str, Any]) -> int:
    documents = summary["documents"]
    return sum(documents[word] for word in ("delivered", "waiting", "held", "skipped", "dead"))


@pytest.mark.parametrize("ids", ["equal", "different"])
def test_every_document_of_a_quarter_is_accounted_for_whether_or_not_amazons_ids_agree(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ids: str
) -> None:
    run = run_invoices(start_sandbox("quarter", ids=ids, orders="120"))
    summary = run("first")
    assert summary["documents"]["seen"] == accounted(summary) > 100
    assert summary["documents"]["delivered"] > summary["documents"]["seen"] // 2
    for money in summary["money"].values():
        parts = [Decimal(money[word]) for word in ("delivered", "waiting", "held", "skipped", "dead")]
        assert Decimal(money["seen"]) == sum(parts)


def test_a_second_run_writes_nothing(start_sandbox: StartSandbox, run_invoices: RunInvoices) -> None:
    pair = start_sandbox("tiny")
    run = run_invoices(pair)
    first, writes = run("first"), pair.calls("coupa")
    run("second")
    assert first["documents"]["delivered"] > 0
    assert pair.calls("coupa")["writes"] == writes["writes"]


def test_coupa_holds_each_invoice_once_with_amazons_total(
    start_sandbox: StartSandbox, run_invoices: RunInvoices, ledger: Ledger
) -> None:
    pair = start_sandbox("tiny")
    run_invoices(pair)("first")
    invoices = pair.invoices()
    numbers = [(invoice["supplier"]["number"], invoice["invoice-number"]) for invoice in invoices]
    assert len(numbers) == len(set(numbers)) > 0
    ours = [invoice for invoice in invoices if (invoice.get("custom-fields") or {}).get("ab-delivery-id")]
    assert all(Decimal(invoice["total-with-taxes"]) == Decimal(invoice["supplier-total"]) for invoice in ours)
