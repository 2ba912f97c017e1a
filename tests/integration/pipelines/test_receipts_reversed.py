"""What takes a receipt back, and what only a person receives, over real HTTP."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox, connect_coupa
from tests.integration.pipelines.receiving_runs import ReceiptRun, switched

pytestmark = pytest.mark.integration
Json = dict[str, Any]
BILL_TO, REMIT_TO = "AUS-AP", "AMZN-RT1"


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    """One order, delivered and charged today; nothing of it is received."""
    return start_sandbox("open_orders", orders="1", delivered="1")


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


def test_dear_goods_wait_for_the_person_who_is_asked_once_and_whose_receipt_settles_it(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path, order: str, po: str, line: Json
) -> None:
    run = ReceiptRun(pair, ledger, switched(mappings_directory, automatic_up_to="0"))
    run.settle()
    count = len(pair.state("amazon", "order_lines"))
    assert run.ours(order) == []
    assert len(run.comments(po)) == count and all(
        "@[User:" in text and "check the goods" in text for text in run.comments(po)
    )
    run.later(days=6)
    run()
    run.later(days=6)
    run()
    assert len(run.comments(po)) == 2 * count, "the manager hears of it, once"
    assert run.ours(order) == [], "silence never receives"
    for one in pair.state("amazon", "order_lines"):
        run.coupa("receive", po_number=po, line_num=one["purchaseOrderLineItemNumber"])
    run.settle()
    assert run.ours(order) == []
    assert {reason[:12] for _, reason in run.fates().values()} == {"received by "}
    assert run.order(po)["custom-fields"]["ab-order-status"] == "Received"
    assert sum("all lines of PO" in text for text in run.comments(po)) == 1


def test_a_listed_refund_voids_the_receipt_while_nothing_is_invoiced(
    run: ReceiptRun, order: str, po: str, line: Json
) -> None:
    received_and_refunded(run, line, reason="Customer return")
    number = line["purchaseOrderLineItemNumber"]
    assert run.received(po)[number] == 0
    voided = [one for one in run.ours(order) if one["status"] == "voided"]
    assert len(voided) == 1 and voided[0]["order-line"]["line-num"] == number


def test_a_goodwill_refund_reverses_nothing(run: ReceiptRun, order: str, po: str, line: Json) -> None:
    received_and_refunded(run, line, reason="Courtesy adjustment")
    assert run.received(po)[line["purchaseOrderLineItemNumber"]] == line["quantity"]


def test_part_of_the_units_is_returned(run: ReceiptRun, order: str, po: str, line: Json) -> None:
    received_and_refunded(run, line, reason="Item returned", quantity=1)
    assert run.received(po)[line["purchaseOrderLineItemNumber"]] == line["quantity"] - 1
    returned = returns(run, order)
    assert len(returned) == 1 and Decimal(str(returned[0]["quantity"])) == 1


def test_the_word_on_the_po_stops_claiming_what_went_back(run: ReceiptRun, po: str, line: Json) -> None:
    run.settle()
    assert run.order(po)["custom-fields"]["ab-order-status"] == "Received"
    refund(run, line, reason="Customer return")
    run.settle()
    assert run.order(po)["custom-fields"]["ab-order-status"] == "Not all received"
    assert len(run.comments(po)) == 1, "nobody is told twice"


def test_a_word_that_people_wrote_stays_when_goods_go_back(run: ReceiptRun, po: str, line: Json) -> None:
    run.settle()
    coupa = connect_coupa(run.pair, run.ledger)
    written = {"custom-fields": {"ab-order-status": "Checked by Ana"}}
    coupa.update_purchase_order(run.order(po)["id"], written, coupa.permit("update_purchase_order"))
    refund(run, line, reason="Customer return")
    run.settle()
    assert run.order(po)["custom-fields"]["ab-order-status"] == "Checked by Ana"


def test_a_return_names_the_receipt_that_goes_back_where_coupa_lets_it(
    run: ReceiptRun, order: str, po: str, line: Json
) -> None:
    """`original-transaction-id` is Coupa's own: notes and name carry it, and what goes back later counts from there."""
    received_and_refunded(run, line, reason="Item returned", quantity=1)
    number, [returned] = line["purchaseOrderLineItemNumber"], returns(run, order)
    [receipt] = [
        one for one in run.ours(order) if one["type"] == "ReceivingQuantityConsumption" and line_of(one) == number
    ]
    assert returned["original-transaction-id"] is None
    assert returned["notes"] == f"Return of receipt {receipt['id']}. Went back to Amazon: refunded, 'Item returned'"
    assert returned["custom-fields"]["external-id"].endswith(f"/2-of-{receipt['id']}")
    refund(run, line, reason="Item returned", quantity=line["quantity"] - 1)
    run.settle()
    assert run.received(po)[number] == 0
    assert sum(Decimal(str(one["quantity"])) for one in returns(run, order)) == line["quantity"]


def test_invoiced_goods_on_a_soft_closed_po_are_returned_after_it_was_reopened(
    run: ReceiptRun, order: str, po: str, line: Json
) -> None:
    number = line["purchaseOrderLineItemNumber"]
    run.settle()
    coupa_line = next(one for one in run.order(po)["order-lines"] if str(one["line-num"]) == number)
    invoice(run, po, coupa_line)
    run.coupa("close", po_number=po)
    assert run.order(po)["status"] == "soft_closed"
    refund(run, line, reason="Customer return")
    run.settle()
    assert run.received(po)[number] == 0
    assert run.order(po)["status"] == "issued"
    returned = returns(run, order)
    assert [Decimal(str(one["quantity"])) for one in returned] == [line["quantity"]]


def returns(run: ReceiptRun, order: str) -> list[Json]:
    return [one for one in run.ours(order) if one["type"] == "ReceivingQuantityReturnToSupplier"]


def line_of(receipt: Json) -> str:
    return str(receipt["order-line"]["line-num"])


def refund(run: ReceiptRun, line: Json, *, reason: str, quantity: int | None = None) -> None:
    """Amazon gives money back for units of the line, and the invoice pipeline reads of it."""
    charge = next(
        one
        for one in run.pair.state("amazon", "transactions")
        if any(part["orderLineItemId"] == line["orderLineItemId"] for part in one["transactionLineItems"])
    )
    body = {"transactionId": charge["transactionId"], "orderLineItemId": line["orderLineItemId"]}
    run.amazon(
        "refund", line["orderMetadata"]["orderId"], quantity=quantity or line["quantity"], refundReason=reason, **body
    )
    run.later(days=1)
    run.read_feed()


def invoice(run: ReceiptRun, po: str, line: Json) -> None:
    """A clerk bills the whole PO line in Coupa."""
    supplier = run.order(po)["supplier"]
    run.coupa(
        "enter_invoice", **{
            "invoice-number": f"INV-{po}", "invoice-date": "2026-07-01", "supplier": {"id": supplier["id"]},
            "currency": {"code": "USD"}, "line-level-taxation": True, "bill-to-address": {"location-code": BILL_TO},
            "remit-to-address": {"remit-to-code": REMIT_TO},
            "invoice-lines": [{
                "type": "InvoiceQuantityLine", "description": "Goods", "order-line-id": line["id"],
                "quantity": str(line["quantity"]), "price": str(line["price"]),
            }],
        },
    )  # fmt: skip


def received_and_refunded(run: ReceiptRun, line: Json, *, reason: str, quantity: int | None = None) -> None:
    run.settle()
    refund(run, line, reason=reason, quantity=quantity)
    run.settle()
