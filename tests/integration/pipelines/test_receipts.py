"""Deliveries over real HTTP: what Amazon delivered is received in Coupa once, and only once."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.receiving_runs import ReceiptRun, switched

pytestmark = pytest.mark.integration
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    """Three orders that nobody told us of; by themselves they ship a day from now."""
    return start_sandbox("open_orders", orders="3", delivered="0")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> ReceiptRun:
    return ReceiptRun(pair, ledger, switched(mappings_directory, automatic_up_to=100_000))


@pytest.fixture
def line(pair: SandboxPair) -> Json:
    """The order line with most units."""
    return dict(max(pair.state("amazon", "order_lines"), key=lambda document: document["quantity"]))


@pytest.fixture
def order(line: Json) -> str:
    return str(line["orderMetadata"]["orderId"])


@pytest.fixture
def po(line: Json) -> str:
    return str(line["purchaseOrderNumber"])


def lines_of(pair: SandboxPair, order: str) -> list[Json]:
    return [one for one in pair.state("amazon", "order_lines") if one["orderMetadata"]["orderId"] == order]


def test_a_delivered_order_is_received_line_by_line_and_its_po_says_so(run: ReceiptRun, order: str, po: str) -> None:
    run()
    run.amazon("ship", order)
    run.later(hours=2)
    assert run()["documents"]["waiting"] == len(lines_of(run.pair, order))
    run.amazon("deliver", order)
    closed = run.settle()
    assert closed["documents"]["delivered"] == len(lines_of(run.pair, order))
    ordered = {str(one["line-num"]): Decimal(str(one["quantity"])) for one in run.order(po)["order-lines"]}
    assert run.received(po) == ordered
    receipt = run.ours(order)[0]
    assert receipt["type"] == "ReceivingQuantityConsumption"
    assert receipt["notes"].startswith("AMZN_US ")
    assert receipt["custom-fields"]["external-id"].startswith(f"{order}/")
    assert run.order(po)["custom-fields"]["ab-order-status"] == "Received"
    assert [text for text in run.comments(po) if "all lines" in text] == run.comments(po)
    assert len(run.comments(po)) == 1 and f"PO {po} are received" in run.comments(po)[0]


def test_a_partial_delivery_is_received_in_part_and_the_requester_hears_once_at_the_end(
    run: ReceiptRun, order: str, po: str, line: Json
) -> None:
    assert line["quantity"] > 1
    number, id = line["purchaseOrderLineItemNumber"], line["orderLineItemId"]
    run()
    run.amazon("ship", order, orderLineItemId=id, quantity=1)
    run.amazon("deliver", order)
    run.settle()
    assert run.received(po)[number] == 1
    assert run.comments(po) == []
    run.amazon("ship", order)
    run.amazon("deliver", order)
    run.settle()
    assert run.received(po)[number] == line["quantity"]
    assert len(run.comments(po)) == 1


def test_two_packages_are_one_receipt_when_the_last_has_arrived(run: ReceiptRun, order: str, po: str) -> None:
    run()
    run.amazon("ship", order, packages=2)
    run.amazon("deliver", order, packageId="1")
    run.settle()
    assert run.ours(order) == []
    run.amazon("deliver", order, packageId="2")
    run.settle()
    assert len(run.ours(order)) == len(lines_of(run.pair, order))
    assert run.ours(order)[0]["notes"].count("TBA") == 2


def test_the_day_of_delivery_is_trackings_near_a_months_end(run: ReceiptRun, order: str) -> None:
    run()
    run.amazon("ship", order)
    run.amazon("deliver", order)
    run.later(hours=5)
    closed = run()
    assert closed["extract"]["tracking_calls"] == 1
    moment = run.ours(order)[0]["transaction-date"]
    assert moment < run.ours(order)[0]["created-at"]


def test_what_a_person_received_first_is_not_received_again(run: ReceiptRun, order: str, po: str, line: Json) -> None:
    run()
    run.amazon("ship", order)
    run.amazon("deliver", order)
    run.coupa("receive", po_number=po, line_num=line["purchaseOrderLineItemNumber"], quantity=str(line["quantity"]))
    run.settle()
    assert run.received(po)[line["purchaseOrderLineItemNumber"]] == line["quantity"]
    reasons = [reason for state, reason in run.fates().values() if state == "skipped"]
    assert any(reason.startswith("received by ") for reason in reasons)


def test_an_order_that_people_alone_received_is_marked_and_told_once_too(run: ReceiptRun, order: str, po: str) -> None:
    run()
    for one in run.order(po)["order-lines"]:
        run.coupa("receive", po_number=po, line_num=str(one["line-num"]))
    run.amazon("ship", order)
    run.amazon("deliver", order)
    run.settle()
    assert run.ours(order) == []
    assert run.order(po)["custom-fields"]["ab-order-status"] == "Received"
    assert len(run.comments(po)) == 1


def test_a_line_closed_for_receiving_becomes_a_dead_letter_that_says_what_to_do(
    run: ReceiptRun, order: str, po: str, line: Json
) -> None:
    run()
    run.coupa("soft_close_for_receiving", po_number=po, line_num=line["purchaseOrderLineItemNumber"])
    run.amazon("ship", order)
    run.amazon("deliver", order)
    run.settle()
    letters = run.ledger.dead_letters.list(pipeline="amazon_deliveries_to_coupa_receipts")
    assert len(letters) == 1
    assert any("closed for receiving" in error for error in letters[0].errors)
    assert any("Reopen it in Coupa and replay" in error and po in error for error in letters[0].errors)
    run.coupa("reopen_for_receiving", po_number=po, line_num=line["purchaseOrderLineItemNumber"])
    run.ledger.dead_letters.replay(letters[0].key)
    run.settle()
    assert run.received(po)[line["purchaseOrderLineItemNumber"]] == line["quantity"]


def test_undeliverable_goods_are_not_received(run: ReceiptRun, order: str) -> None:
    run()
    shipment = run.amazon("ship", order)["shipmentMetadata"]["shipmentId"]
    run.amazon("undeliverable", order)
    run.later(hours=23)
    run()
    run.later(days=6)  # late: tracking is asked
    run()
    assert run.ours(f"{order}/{shipment}") == []
    assert {reason for key, (_, reason) in run.fates().items() if key.startswith(f"{order}/{shipment}")} == {
        "never arrived: UNDELIVERABLE"
    }
