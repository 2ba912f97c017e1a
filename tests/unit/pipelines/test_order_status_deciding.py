"""When Coupa is acted upon: a line closes when nothing more of it comes, a PO is cancelled when nothing of it ever comes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.money import Money
from procurement.order_changes import find_changes
from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts
from procurement.pipelines.amazon_order_status_to_coupa.deciding import Situation, Step, steps

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def po_line(number: str = "1", **more: Any) -> PurchaseOrderLine:
    price = Money(Decimal(10), "USD")
    values: dict[str, Any] = {
        "id": 200 + int(number), "number": number, "quantity": Decimal(10), "unit_price": price, "total": price * 10,
        "received": Decimal(0), "invoiced": Decimal(0), "match_type": "3-way", "receipt_required": True,
    }  # fmt: skip
    return PurchaseOrderLine(**{**values, **more})


def po(*lines: PurchaseOrderLine, status: str = "issued") -> PurchaseOrder:
    return PurchaseOrder(
        id=4711, number="4500", status=status, version=1, supplier="AMZN-US", supplier_id=9, currency="USD",
        lines=lines or (po_line(),), requester_id=31,
    )  # fmt: skip


def amazon(id: str = "113-1", ordered: int = 10, left: int = 10, *, shipped: int = 0, **more: Any) -> OrderFacts:
    sent = ShipmentFacts(order_id=id, shipment_id="S", order_line_id="L", quantity=shipped, shipped_at=DAY)
    return OrderFacts(
        order_id=id, ordered_at=DAY, po_number="4500", shipments={sent.key: sent} if shipped else {},
        lines={"L": LineFacts(order_line_id="L", ordered=ordered, left=left, po_line_number="1")}, **more,
    )  # fmt: skip


def decide(
    order: PurchaseOrder, *orders: OrderFacts, do: Sequence[str], kind: str = "cancelled", status: str = "created"
) -> Step:
    """The one step for the change of that kind (or its part-wise form) of the first order."""
    changes = [change for change in find_changes(orders[0], order=order) if change.kind.startswith(kind)]
    line_status = {line.id: status for line in order.lines}
    at = Situation(order=order, line_status=line_status, orders=orders, versions={})
    (step,) = [step for change in changes for step in steps(change, orders[0], do, at, {})]
    return step


def payload(step: Step) -> Any:
    assert step.delivery is not None, step
    return step.delivery.payload


def test_a_line_of_which_nothing_comes_is_closed_at_once() -> None:
    step = decide(po(), amazon(left=0), do=["soft_close_line"])
    assert payload(step) == {"id": 201, "action": "soft_close_for_receiving"}


def test_a_line_waits_for_the_units_that_still_come() -> None:
    step = decide(po(), amazon(left=7), do=["soft_close_line"])
    assert (step.state, step.reason) == ("waiting", "line 1 closes once its other 7 units were received")
    assert decide(po(po_line(received=Decimal(6))), amazon(left=7), do=["soft_close_line"]).state == "waiting"
    assert payload(decide(po(po_line(received=Decimal(7))), amazon(left=7), do=["soft_close_line"]))


def test_units_that_no_amazon_order_brings_any_more_are_a_persons_decision_and_never_wait_for_ever() -> None:
    """Of ten, Amazon took six and cancelled all six: the other four may be ordered again, or the line is closed by hand."""
    step = decide(po(), amazon(ordered=6, left=0), do=["soft_close_line"])
    assert (step.state, step.delivery) == ("held", None)
    assert step.reason == "4 units of line 1 stand on no Amazon order: order them again, or close it by hand"


def test_units_of_another_amazon_order_keep_the_line_open() -> None:
    here, there = amazon("113-1", 4, 0), amazon("113-2", 6, 6)
    assert (
        decide(po(), here, there, do=["soft_close_line"]).reason == "line 1 closes once its other 6 units were received"
    )
    assert payload(decide(po(), here, replace(there, statuses=("CANCELLED",)), do=["soft_close_line"]))


def test_a_line_that_needs_no_receipt_need_not_wait_for_one() -> None:
    assert payload(decide(po(po_line(receipt_required=False)), amazon(left=7), do=["soft_close_line"]))


@pytest.mark.parametrize("status", ["soft_closed_for_receiving", "closed"])
def test_a_line_that_is_closed_already_is_left_alone(status: str) -> None:
    step = decide(po(), amazon(left=0), do=["soft_close_line"], status=status)
    assert (step.delivery, step.state, step.reason) == (None, "skipped", "the line is closed for receiving already")


def test_two_orders_of_a_line_close_it_once() -> None:
    order, orders = po(), (amazon("113-1", 5, 0), amazon("113-2", 5, 0))
    at = Situation(order=order, line_status={}, orders=orders, versions={})
    found = [
        step
        for facts in orders
        for change in find_changes(facts, order=order)
        for step in steps(change, facts, ["soft_close_line"], at, {})
    ]
    assert [step.delivery is not None for step in found] == [True, False]


@pytest.mark.parametrize("status", ["cancelled", "soft_closed", "closed"])
@pytest.mark.parametrize("action", ["soft_close_line", "cancel_order", "change_quantity", "close_order"])
def test_nothing_is_done_to_an_order_that_is_over(status: str, action: str) -> None:
    step = decide(po(status=status), amazon(left=7), do=[action])
    assert step.delivery is None and step.state == "skipped"
    assert step.reason == f"the purchase order is {status} already"


def test_a_quantity_change_asks_for_the_units_that_amazon_still_stands_for() -> None:
    step = decide(po(), amazon("113-1", 6, 4), amazon("113-2", 4, 4), do=["change_quantity"])
    assert payload(step)["body"] == {
        "order-header-id": 4711, "order-line-changes": [{"order-line-id": 201, "quantity": "8"}]
    }  # fmt: skip
    assert payload(step)["wanted"] == {"order-lines": [{"id": 201, "quantity": "8"}]}


def test_a_quantity_that_was_changed_already_is_not_changed_again() -> None:
    step = decide(po(po_line(quantity=Decimal(7))), amazon(left=7), do=["change_quantity"])
    assert (step.delivery, step.reason) == (None, "the purchase order asks for no more already")


def test_no_units_left_close_the_line_instead_of_asking_for_none() -> None:
    assert payload(decide(po(), amazon(left=0), do=["change_quantity"]))["action"] == "soft_close_for_receiving"


def test_a_po_of_which_nothing_comes_is_cancelled() -> None:
    assert payload(decide(po(), amazon(left=0), do=["cancel_order"])) == {"id": 4711, "action": "cancel"}


@pytest.mark.parametrize("more", [{"received": Decimal(1)}, {"invoiced": Decimal(1)}])
def test_a_po_with_receipts_or_invoices_is_never_cancelled(more: dict[str, Decimal]) -> None:
    step = decide(po(po_line(**more)), amazon(left=0), do=["cancel_order"])
    assert step.delivery is None or step.delivery.payload["action"] != "cancel"


def test_a_po_whose_other_line_still_comes_closes_the_line_only() -> None:
    step = decide(po(po_line(), po_line("2")), amazon(left=0), do=["cancel_order"])
    assert payload(step)["action"] == "soft_close_for_receiving"


def test_a_po_closes_when_all_of_it_was_received() -> None:
    waiting = decide(po(), amazon(left=7), do=["close_order"])
    assert (waiting.state, waiting.reason) == ("waiting", "closes once line 1 was received")
    done = decide(po(po_line(received=Decimal(7))), amazon(left=7), do=["close_order"])
    assert payload(done) == {"id": 4711, "action": "close"}


def test_a_cancelled_line_that_fits_no_po_line_is_for_a_person() -> None:
    strange = replace(amazon(left=0), lines={"L": LineFacts(order_line_id="L", ordered=2, left=0, asin="B0OTHER")})
    step = decide(po(), strange, do=["soft_close_line"])
    assert step.state == "held" and "close it by hand" in str(step.reason)


def test_talking_actions_are_one_comment() -> None:
    step = decide(po(), amazon(left=7), do=["note", "notify_requester", "notify_buyer"])
    text = payload(step)["text"]
    assert text.startswith("@[User:31] Buyer: Amazon order 113-1: Amazon cancelled 3 of 10 units")
    assert text.endswith(payload(step)["marker"])


def test_the_marker_of_one_change_is_in_no_other_ones_comment() -> None:
    three = payload(decide(po(), amazon(left=7), do=["note"]))
    charged = replace(
        amazon(left=7), lines={"L": LineFacts(order_line_id="L", ordered=10, left=7, po_line_number="1", charged=10)}
    )
    assert three["marker"] not in payload(decide(po(), charged, do=["note"]))["text"]
