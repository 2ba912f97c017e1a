"""What Amazon accepted when we ordered counts: what is lost, dearer or later than that is told, whichever report comes first."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from procurement.ledger import Ledger
from procurement.order_facts import OrderFacts, read_order
from procurement.pipelines import placed_orders
from tests.integration.pipelines import buying
from tests.integration.pipelines.conftest import NOW, SandboxPair, StartSandbox
from tests.integration.pipelines.status_runs import StatusRun, switched

pytestmark = pytest.mark.integration
LIVE = "{mode: live, go_live: 2026-03-01}"
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("buying_plain", orders="2", lines="2")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> StatusRun:
    """Two purchase orders were ordered two hours ago, and no report was read yet; they ship after twenty."""
    buying.OrderRun(pair, ledger, buying.switched(mappings_directory))("orders")
    run = StatusRun(pair, ledger, switched(mappings_directory, LIVE))
    run.later(hours=2)
    return run


@pytest.fixture
def line(run: StatusRun) -> Json:
    """The order line with most units."""
    return dict(max(run.pair.state("amazon", "order_lines"), key=lambda document: document["quantity"]))


@pytest.fixture
def order(line: Json) -> str:
    return str(line["orderMetadata"]["orderId"])


def facts_of(run: StatusRun, order: str) -> OrderFacts:
    return read_order(run.ledger.records.find("amazon_business/sandbox", "order", [order])[order].raw)


def promised_for(run: StatusRun, moment: datetime) -> None:
    """As if Amazon had promised this when it accepted the orders."""
    with run.ledger.engine.begin() as connection:
        for id, facts in connection.execute(
            sa.text("SELECT id, facts FROM deliveries WHERE action = 'place_order'")
        ).all():
            for accepted in (one for line in facts["lines"] for one in line["accepted"]):
                accepted |= {"from": moment.isoformat(), "until": moment.isoformat()}
            values = {"id": id, "facts": json.dumps(facts)}
            connection.execute(sa.text("UPDATE deliveries SET facts = CAST(:facts AS json) WHERE id = :id"), values)


def set_reading(run: StatusRun, **more: int) -> None:
    reading = run.rules.order_status.reading.model_copy(update=more)
    object.__setattr__(run.rules.order_status, "reading", reading)


def told(run: StatusRun) -> list[str]:
    """Comments of this pipeline, not of the one that ordered."""
    return [said for said in run.comments() if said.startswith("Amazon order ") and said.endswith("]")]


def test_what_was_ordered_and_goes_as_promised_has_nothing_to_report(run: StatusRun, order: str, line: Json) -> None:
    closed = run()
    assert closed["documents"]["seen"] == len(run.pair.state("amazon", "orders"))
    placed = {one.number: one for one in facts_of(run, order).placed.values()}[line["purchaseOrderLineItemNumber"]]
    assert (placed.units, placed.asin) == (line["quantity"], line["productDetails"]["asin"])
    assert placed.promise is not None
    assert told(run) == []
    assert closed["extract"]["details_calls"] == 0


def test_units_that_amazon_cancelled_before_any_report_are_missed(run: StatusRun, order: str, line: Json) -> None:
    run.amazon("cancel", order, orderLineItemId=line["orderLineItemId"], quantity=1)
    run()
    run.later(hours=1)
    run()
    (said,) = told(run)
    assert f"Amazon cancelled 1 of {line['quantity']} units" in said and "before they were charged" in said
    assert facts_of(run, order).lines[line["orderLineItemId"]].ordered == line["quantity"] - 1, "as the report says"


def test_a_price_that_changed_before_any_report_is_told(run: StatusRun, order: str, line: Json) -> None:
    price = float(line["unitPrice"]["amount"])
    run.amazon("reprice", order, orderLineItemId=line["orderLineItemId"], unitPrice=f"{price - 1:.2f}")
    run()
    (said,) = told(run)
    assert f"the order was accepted at USD {price:.2f}: USD {line['quantity']:.2f} less" in said


def test_a_promise_that_passed_unshipped_is_asked_about_and_told_when_it_has_moved(run: StatusRun) -> None:
    promised_for(run, NOW + timedelta(hours=3))
    assert run()["extract"]["details_calls"] == 0, "the promise has not passed"
    for _ in range(2):
        run.later(hours=2)
        run()
    assert run.calls("orderDetails") == 2, "one call for each order that we placed"
    lines = run.pair.state("amazon", "order_lines")
    said = told(run)
    assert len(said) == len(lines)
    assert all("not shipped yet: promised for 2026-06-30, now for 2026-07" in one and "at stake" in one for one in said)


def test_an_answer_that_tells_nothing_stops_no_run_and_is_asked_for_again_a_day_later(
    run: StatusRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placed_orders, "ASK_EVERY", timedelta(hours=5))
    set_reading(run, late_after_days=0)
    promised_for(run, NOW + timedelta(hours=1))
    run.pair.post("amazon", "faults", kind="patch", operation="orderDetails", times=9, patch={"lineItems": "none"})
    calls = []
    for _ in range(4):
        run()
        calls.append(run.calls("orderDetails"))
        run.later(hours=2)
    assert calls == [2, 2, 2, 4]
    said = told(run)
    assert len(said) == len(run.pair.state("amazon", "order_lines"))
    assert all("not shipped yet: promised for 2026-06-30 and not shipped" in one for one in said)


def test_the_calls_of_a_run_are_capped_and_the_next_one_goes_on(run: StatusRun) -> None:
    set_reading(run, most_details_calls=1)
    promised_for(run, NOW + timedelta(hours=1))
    calls = []
    for _ in range(3):
        calls.append(run()["extract"]["details_calls"])
        run.later(hours=1)
    assert calls == [1, 1, 0]


def test_units_that_amazon_did_not_have_are_backordered_where_the_rules_say_so(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path
) -> None:
    pair = start_sandbox("buying")
    buying.OrderRun(pair, ledger, buying.switched(mappings_directory))("orders")
    run = StatusRun(pair, ledger, switched(mappings_directory, LIVE))
    object.__setattr__(run.rules.order_status, "backordered_when_unavailable", True)
    run.later(hours=2)
    run()
    (said,) = [one for one in told(run) if "/backordered/unavailable/3]" in one]
    assert (
        "3 of 4 units of line 1" in said
        and "were not available when the order was placed, and were not ordered" in said
    )
