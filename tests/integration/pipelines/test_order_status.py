"""Order status over real HTTP: things happen to orders at Amazon, and Coupa hears of each exactly once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.amazon_order_status_to_coupa import PIPELINE
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.status_runs import StatusRun, switched

pytestmark = pytest.mark.integration
LIVE = "{mode: live, go_live: 2026-03-01}"
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    """Three orders that nobody told us of; by themselves they ship a day from now."""
    return start_sandbox("open_orders", orders="3", delivered="0")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> StatusRun:
    return StatusRun(pair, ledger, switched(mappings_directory, LIVE))


@pytest.fixture
def line(pair: SandboxPair) -> Json:
    """The order line with most units."""
    return dict(max(pair.state("amazon", "order_lines"), key=lambda document: document["quantity"]))


@pytest.fixture
def order(line: Json) -> str:
    return str(line["orderMetadata"]["orderId"])


@pytest.fixture
def once(run: StatusRun) -> Callable[[], list[str]]:
    """What the next run says; after it two more runs say nothing new, and all orders are accounted for."""

    def happen() -> list[str]:
        before = run.comments()
        run.later(hours=2)
        closed = run()
        said = run.comments()[len(before) :]
        assert closed["documents"]["seen"] == 3
        for _ in range(2):
            run.later(hours=2)
            run()
        assert run.comments()[len(before) :] == said, "never the same message twice"
        assert not closed["dead_letters"]
        return said

    return happen


def po_line(pair: SandboxPair, line: Json) -> Json:
    """The PO line in Coupa that the Amazon line fills."""
    orders = {order["po-number"]: order for order in pair.state("coupa", "purchase_orders")}
    lines = orders[line["purchaseOrderNumber"]]["order-lines"]
    return dict(next(one for one in lines if str(one["line-num"]) == line["purchaseOrderLineItemNumber"]))


def test_orders_placed_outside_are_found_and_have_nothing_to_report(run: StatusRun, ledger: Ledger) -> None:
    closed = run()
    assert closed["extract"]["new"] == 3
    assert closed["reasons"] == {"skipped: nothing went otherwise than promised": 3}
    assert len(ledger.open_documents.due("amazon_order", run.ledger.runs.get(PIPELINE, "run-1").now)) == 0
    assert run.comments() == []


def test_an_order_is_read_again_only_when_it_is_due(run: StatusRun) -> None:
    run()
    assert run()["extract"]["due"] == 0
    run.later(hours=1)
    assert run()["extract"]["due"] == 3


def test_half_shipped(run: StatusRun, line: Json, order: str, once: Callable[[], list[str]]) -> None:
    run()
    run.amazon("ship", order, orderLineItemId=line["orderLineItemId"], quantity=1)
    (said,) = once()
    assert f"1 of {line['quantity']} units" in said
    assert said.endswith(f"[{order}/{line['orderLineItemId']}/shipped_in_part/1]")


def test_a_part_cancelled_before_charge_waits_for_the_rest_before_the_line_closes(
    run: StatusRun, pair: SandboxPair, line: Json, order: str, once: Callable[[], list[str]]
) -> None:
    run()
    run.amazon("cancel", order, orderLineItemId=line["orderLineItemId"], quantity=1)
    (said,) = once()
    assert f"cancelled 1 of {line['quantity']} units" in said and "before they were charged" in said
    assert po_line(pair, line)["status"] == "created"

    run.coupa("receive", **{
        "po-number": line["purchaseOrderNumber"], "line-num": line["purchaseOrderLineItemNumber"],
        "quantity": line["quantity"] - 1,
    })  # fmt: skip
    run.later(hours=2)
    run()
    assert po_line(pair, line)["status"] == "soft_closed_for_receiving"
    assert len(run.comments()) == 1


def test_a_whole_order_cancelled_closes_its_lines(
    run: StatusRun, pair: SandboxPair, line: Json, order: str, once: Callable[[], list[str]]
) -> None:
    run()
    run.amazon("cancel", order)
    said = once()
    assert all("cancelled all" in one for one in said)
    lines = [row for row in pair.state("amazon", "order_lines") if row["orderMetadata"]["orderId"] == order]
    assert len(said) == len(lines)
    assert all(po_line(pair, one)["status"] == "soft_closed_for_receiving" for one in lines)


def test_a_price_that_rose_says_how_much(run: StatusRun, line: Json, order: str, once: Callable[[], list[str]]) -> None:
    run()
    price = float(line["unitPrice"]["amount"]) + 200
    run.amazon("reprice", order, orderLineItemId=line["orderLineItemId"], unitPrice=f"{price:.2f}")
    (said,) = once()
    more = 200 * line["quantity"]
    assert f"USD {more:,.2f} more for {line['quantity']} units" in said
    assert [notice.kind for notice in run.mails] == ["compliance"]


def test_a_po_that_a_person_cancelled_is_told_to_the_buyer_at_once(
    run: StatusRun, line: Json, order: str, once: Callable[[], list[str]]
) -> None:
    run()
    run.coupa("cancel", **{"po-number": line["purchaseOrderNumber"]})
    (said,) = once()
    assert f"Amazon order {order} still has" in said and "choose Cancel items at once" in said
