"""Nobody gets past the gate: what people do in Coupa between plan and send stops the order, whatever was planned."""

from collections.abc import Callable
from pathlib import Path

import pytest

from procurement.ledger import Ledger
from tests.integration.pipelines.buying import PIPELINE, OrderRun, switched
from tests.integration.pipelines.conftest import StartSandbox

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    return OrderRun(start_sandbox("buying_plain", orders="2"), ledger, switched(mappings_directory))


def numbers(run: OrderRun) -> list[str]:
    return sorted(order["po-number"] for order in run.pair.state("coupa", "purchase_orders"))


def requisition_id(run: OrderRun, number: str) -> int:
    order = next(one for one in run.pair.state("coupa", "purchase_orders") if one["po-number"] == number)
    return int(
        order["requisition-header"]["id"]
        if isinstance(order["requisition-header"], dict)
        else order["requisition-header"]
    )


Change = Callable[[OrderRun, str], object]
CHANGES: dict[str, tuple[Change, str]] = {
    "an approver is missing": (
        lambda run, number: run.coupa("add_approver", requisition_id=requisition_id(run, number), approver="buyer"),
        "The approval of buyer is pending_approval.",
    ),
    "the requester withdrew it": (
        lambda run, number: run.coupa("withdraw_requisition", requisition_id=requisition_id(run, number)),
        "The requisition is withdrawn, not ordered.",
    ),
    "a quantity was changed": (
        lambda run, number: run.coupa("change_order", po_number=number, line_num="1", quantity="9"),
        "The purchase order was changed: it is version 2 now, and version 1 was planned.",
    ),
    "it was cancelled": (
        lambda run, number: run.coupa("cancel", po_number=number),
        "The purchase order is cancelled, not issued.",
    ),
    "it was sent by another channel": (
        lambda run, number: run.coupa("transmit_order", po_number=number, transmission_status="sent_via_email"),
        "ALARM: Coupa shows transmission status sent_via_email",
    ),
    "somebody marked it as sent": (
        lambda run, number: run.coupa("transmit_order", po_number=number),
        "ALARM: Coupa shows transmission status sent_manually",
    ),
    "the supplier's orders go by cXML now": (
        lambda run, number: run.coupa("set_supplier", number="AMZN-US", po_method="cxml"),
        "Coupa sends purchase orders to the supplier by cxml (po-method)",
    ),
    "the supplier's changes go by email now": (
        lambda run, number: run.coupa("set_supplier", number="AMZN-US", po_change_method="email"),
        "Coupa sends changes of them to the supplier by email (po-change-method)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_between_plan_and_send_stops_the_order(run: OrderRun, ledger: Ledger, what: str) -> None:
    number = numbers(run)[0]
    change, sentence = CHANGES[what]
    run("one", between=lambda: change(run, number))
    (row,) = run.placed(number)
    assert (row.state, row.claimed) == ("held", False)
    assert any(sentence in error for error in errors_of(ledger, number))
    assert number not in str(run.pair.state("amazon", "placed"))


def errors_of(ledger: Ledger, number: str) -> list[str]:
    """What people are told about a held purchase order."""
    letters = ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
    return [error for letter in letters if number in letter.document for error in letter.errors]


def test_what_was_stopped_for_one_purchase_order_leaves_the_others_alone(run: OrderRun) -> None:
    stopped, other = numbers(run)
    run("one", between=lambda: run.coupa("cancel", po_number=stopped))
    assert [row.state for row in run.placed(other)] == ["delivered"]
    assert run.writes()["placeOrder"] == 1


def test_a_replay_meets_the_same_gate(run: OrderRun, ledger: Ledger) -> None:
    number = numbers(run)[0]
    run("one", between=lambda: run.coupa("transmit_order", po_number=number, transmission_status="sent_via_cxml"))
    ledger.dead_letters.replay(run.placed(number)[0].business_key)
    run("two")
    assert any("ALARM" in error for error in errors_of(ledger, number))
    assert run.writes()["placeOrder"] == 1


def test_a_changed_purchase_order_that_was_stopped_is_planned_anew_and_held_until_approved(run: OrderRun) -> None:
    number = numbers(run)[0]
    run("one", between=lambda: run.coupa("change_order", po_number=number, line_num="1", quantity="9"))
    run("two", po_numbers=[number])
    (row,) = run.placed(number)
    assert row.state in ("held", "skipped", "waiting")
    assert number not in str(run.pair.state("amazon", "placed"))


def test_a_gate_that_cannot_look_keeps_the_order_planned(run: OrderRun) -> None:
    run.pair.post("coupa", "faults", kind="status", status=503, operation="get_requisition", times=100)
    summary = run("one")
    assert summary["load"]["delivered"] == 0 and "cannot be looked at" in summary["load"]["stopped"]
    assert {row.state for row in run.placed()} == {"planned"}
    assert run.writes() == {}


def test_an_order_that_is_transmitted_after_it_was_placed_raises_an_alarm(run: OrderRun, ledger: Ledger) -> None:
    run("one")
    number = numbers(run)[0]
    run.coupa("transmit_order", po_number=number, transmission_status="sent_via_cxml")
    run("two", po_numbers=[number])
    (alarm,) = [mail for mail in run.mails if mail.kind == "alarm"]
    assert f"purchase order {number} is ordered here as" in alarm.body["text"]
    assert run.writes()["placeOrder"] == 2


def test_a_purchase_order_changed_after_it_was_sent_is_a_finding_and_never_another_order(
    run: OrderRun, ledger: Ledger
) -> None:
    run("one")
    number = numbers(run)[0]
    run.coupa("change_order", po_number=number, line_num="1", quantity="9")
    run("two", po_numbers=[number])
    record = ledger.records.find("coupa/acme", "purchase_order", [number])[number]
    sentences = [one.sentence for one in ledger.findings.of_records([record.id])]
    assert (
        f"{number} was changed after it had been sent. What was sent stays as it is: compare both sides by hand."
        in sentences
    )
    assert len(run.placed(number)) == 1 and run.writes()["placeOrder"] == 2
