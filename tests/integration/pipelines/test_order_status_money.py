"""What is charged and refunded changes what a cancellation means: money is out, or it is not."""

from pathlib import Path
from typing import Any

import pytest

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.status_runs import StatusRun, switched

pytestmark = pytest.mark.integration
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("open_orders", orders="2", delivered="0")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> StatusRun:
    return StatusRun(pair, ledger, switched(mappings_directory, "{mode: live, go_live: 2026-03-01}"))


@pytest.fixture
def line(pair: SandboxPair) -> Json:
    return dict(max(pair.state("amazon", "order_lines"), key=lambda document: document["quantity"]))


@pytest.fixture
def names(line: Json) -> Json:
    return {"order": line["orderMetadata"]["orderId"], "orderLineItemId": line["orderLineItemId"]}


def charge(run: StatusRun, names: Json, **body: Any) -> str:
    """All units ship and are charged; the transaction's id."""
    run.amazon("ship", **names)
    shipment = run.pair.state("amazon", "shipments")[-1]["shipmentMetadata"]["shipmentId"]
    answer = run.amazon("charge", **names, shipmentId=shipment, invoiceNumber="INV-1", **body)
    return str(answer.get("result", answer)["transactionId"])


def test_a_cancellation_before_the_charge_says_so(run: StatusRun, names: Json) -> None:
    run()
    run.amazon("cancel", **names, quantity=1)
    run.later(hours=2)
    run.read_feed()
    run()
    (said,) = run.comments()
    assert "before they were charged" in said


def test_a_cancellation_after_the_charge_says_that_a_refund_is_due(run: StatusRun, names: Json) -> None:
    run()
    charge(run, names)
    run.later(hours=2)
    run.amazon("cancel", **names, quantity=1)
    run.read_feed()
    run.later(hours=2)
    run()
    assert any("after Amazon charged for them: a refund is due" in said for said in run.comments())


def test_returned_goods_are_told_once_when_their_refund_comes(run: StatusRun, names: Json) -> None:
    run()
    transaction = charge(run, names)
    run.later(hours=2)
    run()
    before = run.comments()
    run.pair.post(
        "amazon",
        "events/refund",
        transactionId=transaction,
        quantity=1,
        refundReason="Customer return",
        invoiceNumber="CM-1",
    )
    for _ in range(3):
        run.later(hours=2)
        run.read_feed()
        run()
    (said,) = run.comments()[len(before) :]
    assert "Amazon refunded USD" in said and "for 1 unit" in said and "which came back (Customer return)" in said


def test_a_refund_of_money_alone_is_no_return(run: StatusRun, names: Json) -> None:
    run()
    transaction = charge(run, names)
    run.pair.post("amazon", "events/refund", transactionId=transaction, share="0.1", refundReason="Late delivery")
    run.later(hours=2)
    run.read_feed()
    run.later(hours=2)
    run()
    (said,) = [one for one in run.comments() if "refunded" in one]
    assert said.startswith(f"Amazon order {names['order']}: Amazon refunded USD")
    assert "came back" not in said
