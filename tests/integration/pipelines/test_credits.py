"""Credit notes and their originals, over both systems: what goes to Coupa, what waits, and what a person must decide."""

from collections.abc import Callable

import pytest

from tests.integration.pipelines.conftest import InvoiceRun, SandboxPair, StartSandbox
from tests.integration.pipelines.credit_runs import CreditRun

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun]) -> CreditRun:
    return CreditRun(run_invoices(start_sandbox("clean", orders="12")))


def test_a_refund_of_an_invoice_that_was_voided_is_held(run: CreditRun) -> None:
    charge = run.charge()
    run("first")
    run.act(charge["invoiceNumber"], "void")
    refund = run.refund(charge, invoiceNumber="CM-1")
    run("second", days=3)
    state, reason, _ = run.fate(refund)
    assert state == "held" and "which is voided. Credits apply to open and paid invoices" in reason
    assert run.in_coupa("CM-1") == {}
