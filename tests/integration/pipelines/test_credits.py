"""Credit notes and their originals, over both systems: what goes to Coupa, what waits, and what a person must decide."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.policies import read_rules
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


def test_a_refund_without_number_is_no_part_of_the_memo_that_another_has(run: CreditRun) -> None:
    charge = run.charge(2)
    run("first")
    one = run.refund(charge, quantity=1, invoiceNumber="CM-1")
    two = run.refund(charge, quantity=1)
    run("second", days=3)
    assert run.fate(one)[0] == "delivered"
    assert run.fate(two)[:2] == ("waiting", "Amazon has not issued the invoice number yet")
    total = run.in_coupa("CM-1")["CM-1"][1]
    run.run.pair.post("amazon", "events/issue_invoice", transactionId=two, invoiceNumber="CM-2")
    run("third", days=2)
    assert run.fate(two) == ("delivered", "", "CM-2")
    assert run.in_coupa("CM-1", "CM-2")["CM-1"][1] == run.in_coupa("CM-2")["CM-2"][1] == total
    assert run.findings("late_component") == []


def test_a_dry_run_shows_no_merged_memo_either(run: CreditRun) -> None:
    charge = run.charge(2)
    one = run.refund(charge, quantity=1, invoiceNumber="CM-1")
    run.refund(charge, quantity=1)
    run.run.pair.post("amazon", "clock", advance=3 * 86400)
    run.run.now += timedelta(days=3)
    shown = run.payload("CM-1")
    amount = next(row for row in run.run.pair.state("amazon", "transactions") if row["transactionId"] == one)["amount"]
    assert Decimal(shown["supplier-total"]) == Decimal(amount["amount"])


def test_a_refund_that_comes_without_number_after_a_memo_was_sent_waits_for_its_own(run: CreditRun) -> None:
    charge = run.charge(2)
    run("first")
    run.refund(charge, quantity=1, invoiceNumber="CM-1")
    run("second", days=3)
    later = run.refund(charge, quantity=1)
    run("third", days=3)
    assert run.fate(later)[0] == "waiting"
    run.run.pair.post("amazon", "events/issue_invoice", transactionId=later, invoiceNumber="CM-2")
    run("fourth", days=1)
    assert run.fate(later) == ("delivered", "", "CM-2")
    again = run.refund(charge, share="0.1")
    run("fifth", days=3)
    assert run.fate(again)[0] == "waiting", "CM-2 is known to be the other's, whose number the feed never gave"


@pytest.mark.parametrize("part", [{"quantity": 1}, {"share": "0.1"}])
def test_a_second_equal_refund_is_credited_as_long_as_its_invoice_has_room(
    run: CreditRun, part: dict[str, Any]
) -> None:
    charge = run.charge(2)
    run("first")
    one = run.refund(charge, invoiceNumber="CM-1", **part)
    run("second", days=3)
    two = run.refund(charge, invoiceNumber="CM-2", **part)
    run("third", days=5)
    assert [run.fate(refund)[0] for refund in (one, two)] == ["delivered", "delivered"]


def test_a_refund_that_names_no_shipment_is_dated_by_that_of_its_charge(run: CreditRun) -> None:
    charge = run.charge()
    run("first")
    refund = without_shipment(run, charge, "CM-1")
    run("second", days=3)
    assert run.fate(refund)[:2] == ("waiting", "Amazon gives no date for invoice CM-1 yet: it names no shipment")
    run.refund(charge, share="0.1", invoiceNumber="CM-1")
    run("third", days=3)
    assert run.fate(refund) == ("delivered", "", "CM-1")


def test_a_refund_that_amazon_cannot_be_asked_about_is_held_in_the_end(run: CreditRun) -> None:
    charge = run.charge()
    run("first")
    refund = without_shipment(run, charge, "CM-1")
    run("second", days=3)
    run("third", days=40)
    state, reason, _ = run.fate(refund)
    assert state == "held" and reason.endswith("it names no shipment, after 30 days")


def test_a_memo_over_two_invoices_is_held_with_both_named(run: CreditRun) -> None:
    one = run.charge()
    two = run.charge(other_than=one["invoiceNumber"])
    run("first")
    refunds = [run.refund(charge, invoiceNumber="CM-1") for charge in (one, two)]
    run("second", days=3)
    for refund in refunds:
        state, reason, _ = run.fate(refund)
        assert state == "held" and one["invoiceNumber"] in reason and two["invoiceNumber"] in reason
    assert run.in_coupa("CM-1") == {}


def test_a_refund_beyond_its_charge_is_a_finding(run: CreditRun) -> None:
    charge = run.charge()
    run("first")
    run.refund(charge, invoiceNumber="CM-1")
    run.refund(charge, share="0.5", invoiceNumber="CM-2", transactionType="OVERREFUND")
    run("second", days=3)
    ((sentence, breached),) = run.findings("refund_beyond_charge")
    assert sentence.startswith("Amazon refunds USD ") and not breached


def test_a_credit_and_its_rebill_pass_in_one_run(run: CreditRun) -> None:
    charge = run.charge()
    run("first")
    refund = run.refund(charge, invoiceNumber="CM-1")
    run.bill_again(charge, "REBILL-1")
    run("second", days=3)
    assert run.fate(refund)[0] == run.fate("again-REBILL-1")[0] == "delivered"
    ((sentence, breached),) = run.findings("duplicate")
    assert "after credit note CM-1" in sentence and not breached


def test_a_late_refund_on_the_invoices_own_number_is_a_credit_note_of_it(
    run: CreditRun, mappings_directory: Path
) -> None:
    policies = mappings_directory / "policies.yml"
    policies.write_text(policies.read_text().replace("late_component: finding", "late_component: second_invoice"))
    run.run.rules = read_rules(mappings_directory)
    charge = run.charge(2)
    number = charge["invoiceNumber"]
    run("first")
    refund = run.refund(charge, quantity=1, invoiceNumber=number)
    run("second", days=3)
    assert run.fate(refund) == ("delivered", "", f"{number}-2")
    (late,) = [one for one in run.run.pair.invoices() if one["invoice-number"] == f"{number}-2"]
    assert (late["document-type"], late["original-invoice-number"]) == ("Credit Note", number)
    assert Decimal(late["total-with-taxes"]) < 0


def without_shipment(run: CreditRun, charge: dict[str, Any], number: str) -> str:
    """A refund of the whole charge as Amazon may give it: no shipment, no transaction that it names."""
    line = {
        name: {**value, "amount": str(-Decimal(value["amount"]))} if isinstance(value, dict) and "amount" in value and name != "unitPrice" else value
        for name, value in charge["transactionLineItems"][0].items() if not name.startswith("shipment")
    }  # fmt: skip
    refund = {
        **charge, "transactionId": f"refund-{number}", "transactionType": "REFUND", "invoiceNumber": number,
        "associatedTransactionDetails": [], "feedDate": run.moment, "transactionLineItems": [line],
        "amount": {**charge["amount"], "amount": str(-Decimal(charge["amount"]["amount"]))},
    }  # fmt: skip
    run.run.pair.post("amazon", "events/charge", transaction=refund)
    return str(refund["transactionId"])
