"""Which quantity a PO line should ask for, after changes of ours that took effect, wait or were rejected."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.ledger.types import Claimed, Peeked
from procurement.pipelines.amazon_order_status_to_coupa.deciding import Situation
from procurement.pipelines.amazon_order_status_to_coupa.quantities import ChangeQuantity, OwnChange, taken_out, waits
from tests.unit.pipelines.test_order_status_deciding import amazon, decide, payload, po, po_line

Json = dict[str, Any]
PAYLOAD: Json = {
    "order_id": 4711, "before": "10", "gone": "3",
    "body": {"order-header-id": 4711, "order-line-changes": [{"order-line-id": 201, "quantity": "7"}]},
    "wanted": {"order-lines": [{"id": 201, "quantity": "7"}]},
}  # fmt: skip


def own(gone: int, *, status: str = "approved", state: str = "delivered", change_id: str = "1") -> OwnChange:
    return OwnChange(201, Decimal(gone), state, status, change_id)


def at(line: Any, *orders: Any, **more: Any) -> Situation:
    return Situation(order=po(line), line_status={}, orders=orders, versions={}, **more)


def test_what_a_change_took_out_counts_once_it_took_effect() -> None:
    assert taken_out([own(3), own(5, status="pending_approval", change_id="2")], []) == {201: 3}
    approved = [{"id": 2, "status": "approved"}]
    assert taken_out([own(3), own(5, status="pending_approval", change_id="2")], approved) == {201: 5}
    assert taken_out([own(3, status="pending_approval")], [{"id": 1, "status": "rejected"}]) == {}
    assert taken_out([own(3, state="dead")], []) == {}


def test_nothing_else_is_asked_while_a_change_is_undecided() -> None:
    assert not waits([own(3)], [{"id": 1, "status": "approved"}])
    assert waits([], [{"id": 9, "status": "pending_approval"}]), "anybody's"
    assert waits([own(3, state="sending")], [])


def test_the_second_change_of_a_line_goes_on_from_the_first() -> None:
    line = po_line(quantity=Decimal(7))
    assert at(line, amazon(left=5), taken={201: Decimal(3)}).wanted(line) == 5


def test_a_change_that_was_rejected_is_made_up_for() -> None:
    line = po_line()
    assert at(line, amazon(left=5)).wanted(line) == 5


def test_units_that_nobody_ordered_stay() -> None:
    line = po_line(quantity=Decimal(15))
    assert at(line, amazon(left=7)).wanted(line) == 12
    assert at(line, amazon(left=7)).outstanding(line) == 12


def test_what_people_took_off_themselves_is_not_taken_off_again() -> None:
    line = po_line(quantity=Decimal(7))
    assert at(line, amazon(left=7)).wanted(line) == 7
    assert at(line, amazon(left=7)).outstanding(line) == 7


def test_a_change_names_the_quantity_it_found_and_all_that_is_gone_by_it() -> None:
    found = payload(decide(po(po_line(quantity=Decimal(15))), amazon(left=7), do=["change_quantity"]))
    assert (found["before"], found["gone"]) == ("15", "3")
    assert found["wanted"] == {"order-lines": [{"id": 201, "quantity": "12"}]}


units = st.integers(0, 12)


@given(quantity=units, ordered=units, gone=units, taken=units, received=units, invoiced=units)
def test_the_wanted_quantity_covers_what_comes_and_what_is_done_and_drops_only_what_is_gone(
    quantity: int, ordered: int, gone: int, taken: int, received: int, invoiced: int
) -> None:
    line = po_line(quantity=Decimal(quantity), received=Decimal(received), invoiced=Decimal(invoiced))
    left = max(ordered - gone, 0)
    situation = at(line, amazon(ordered=ordered, left=left), taken={201: Decimal(taken)})
    wanted = situation.wanted(line)
    assert wanted >= max(received, invoiced, min(left, quantity))
    assert wanted >= quantity - (ordered - left), "units beyond what Amazon cancelled stay"
    assert wanted <= max(quantity, received, invoiced)
    assert situation.outstanding(line) <= max(wanted - received, 0)


class Coupa:
    def __init__(self, quantity: str, *changes: Json) -> None:
        self.quantity, self.changes = quantity, changes

    def get_purchase_order(self, id: int) -> Json:
        return {"id": id, "order-lines": [{"id": 201, "quantity": self.quantity}, {"id": 202, "quantity": "4.0"}]}

    def purchase_order_changes(self, ids: Iterable[int]) -> Iterator[list[Json]]:
        yield list(self.changes)


def pending(quantity: str, status: str = "pending_approval") -> Json:
    return {"id": 8, "status": status, "order-line-changes": [{"id": 1, "order-line-id": 201, "quantity": quantity}]}


def action(quantity: str, *changes: Json) -> ChangeQuantity:
    return ChangeQuantity(Coupa(quantity, *changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quantity", "changes", "reason"),
    [
        ("10.0", (), None),
        ("10.0", (pending("8.0", "rejected"),), None),
        ("12.0", (), "was changed meanwhile"),
        ("10.0", (pending("8.0"),), "waits for approval"),
    ],
)
def test_a_change_is_sent_only_while_the_line_is_as_it_was_planned_for(
    quantity: str, changes: tuple[Json, ...], reason: str | None
) -> None:
    peeked = Peeked(id=1, action="change_quantity", business_key="k", payload=PAYLOAD, hash="", attempt=0)
    stop = action(quantity, *changes).gate(peeked)
    assert (
        (stop is None) if reason is None else (stop is not None and stop.state == "waiting" and reason in stop.reason)
    )


@pytest.mark.parametrize(
    ("quantity", "changes", "found"),
    [
        ("7.0", (), "4711"),
        ("10.0", (pending("7.0"),), "8"),
        ("10.0", (pending("8.0"),), None),
        ("10.0", (pending("7.0", "rejected"),), None),
        ("10.0", (), None),
    ],
)
def test_a_change_without_an_answer_is_found_by_what_it_asks_for(
    quantity: str, changes: tuple[Json, ...], found: str | None
) -> None:
    answer = action(quantity, *changes).ask(Claimed(1, "change_quantity", "k", PAYLOAD, 1))
    assert (answer.target_id if answer is not None else None) == found
