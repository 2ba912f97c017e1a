"""How a receipt is sent, how Coupa is asked for it, and what stops a second attempt."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from connectors.coupa.client import Coupa
from connectors.errors import RejectedError
from connectors.http import Permit
from procurement.errors import DuplicateTarget
from procurement.ledger.types import Claimed, Peeked
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.actions import (
    CreateReceipt,
    MarkReceived,
    ReopenOrder,
    VoidReceipt,
    actions,
)
from procurement.policies import read_rules
from tests.unit.procurement.conftest import MAPPINGS

Json = dict[str, Any]
NAME = "112-1/401/L1/1"
RETURN = "ReceivingQuantityReturnToSupplier"
BODY = {"type": "ReceivingQuantityConsumption", "match-reference": "401", "custom-fields": {"external-id": NAME}}
PAYLOAD = {
    "po": "4500",
    "line": "2",
    "line_id": 11,
    "shipment": "112-1/401/L1",
    "gate": {"newest": 60, "received": "2", "counted": "2"},
    "receipt_id": 61,
    "units": "2",
    "body": BODY,
}
PERMIT = cast(Permit, None)


class FakeCoupa:
    """What Coupa shows of one PO line and of its order; a write is refused where `refusal` says so."""

    def __init__(
        self, *receipts: Json, received: str | None = "2.0", order: Json | None = None, refusal: str | None = None
    ) -> None:
        self.shown, self.received, self.order, self.refusal = receipts, received, order or {}, refusal
        self.receipts_read = 0

    def receipts(self, line_ids: list[int]) -> Iterator[list[Json]]:
        assert line_ids == [11]
        self.receipts_read += 1
        yield list(self.shown)

    def purchase_order_lines(self, ids: list[int]) -> Iterator[list[Json]]:
        assert ids == [11]
        yield [] if self.received is None else [{"id": 11, "received": self.received}]

    def get_purchase_order(self, id: int) -> Json:
        return self.order

    def create_receipt(self, payload: Json, permit: Permit) -> Json:
        return self._answer()

    def void_receipt(self, id: int, permit: Permit) -> Json:
        return self._answer()

    def _answer(self) -> Json:
        if self.refusal:
            raise RejectedError((self.refusal,), operation="create_receipt", status=400)
        return {"id": 99, "status": "created"}


def coupa(*receipts: Json, **more: Any) -> Coupa:
    return cast(Coupa, FakeCoupa(*receipts, **more))


def receipt(id: int, *, name: str = "", reference: str | None = "401", **more: Any) -> Json:
    return {
        "id": id, "type": "ReceivingQuantityConsumption", "status": "created", "quantity": "2.0", "match-reference": reference,
        "custom-fields": {"external-id": name}, "created-by": {"fullname": "Ana Buyer"}, **more,
    }  # fmt: skip


def claimed(payload: Json = PAYLOAD) -> Claimed:
    return Claimed(1, "create_receipt", "key", payload, 1)


def peeked(attempt: int = 0, **gate: Any) -> Peeked:
    payload = {**PAYLOAD, "gate": {**cast(Json, PAYLOAD["gate"]), **gate}}
    return Peeked(1, "create_receipt", "key", payload, "hash", attempt)


def test_our_receipt_is_found_by_its_name() -> None:
    found = CreateReceipt(coupa(receipt(61), receipt(62, name=NAME)), "external-id").ask(claimed())
    assert found is not None and (found.target_id, found.ours) == ("62", True)


def test_a_strangers_receipt_of_the_shipment_is_not_taken_for_ours() -> None:
    found = CreateReceipt(coupa(receipt(61)), "external-id").ask(claimed())
    assert found is not None and (found.target_id, found.ours) == ("61", False)


@pytest.mark.parametrize(
    "other",
    [
        receipt(60),
        receipt(61, reference="402"),
        receipt(61, name="112-1/401/L1/2"),
        receipt(61, type="ReceivingQuantityReturnToSupplier"),
    ],
)
def test_receipts_known_before_of_another_shipment_or_number_or_direction_are_not_it(other: Json) -> None:
    assert CreateReceipt(coupa(other), "external-id").ask(claimed()) is None


def test_two_receipts_of_our_name_are_an_alarm() -> None:
    with pytest.raises(DuplicateTarget, match="61, 62"):
        CreateReceipt(coupa(receipt(61, name=NAME), receipt(62, name=NAME)), "external-id").ask(claimed())


OLD, OURS = receipt(60), receipt(61, name="112-1/402/L1/1")


@pytest.mark.parametrize("attempt", [0, 1])
@pytest.mark.parametrize(
    ("received", "shown", "reason"),
    [
        ("4.0", (OLD, receipt(61, reference=None)), "Ana Buyer received on this PO line meanwhile"),
        ("6.0", (OLD, OURS, receipt(62, reference=None)), "Ana Buyer received on this PO line meanwhile"),
        ("0.0", (receipt(60, status="voided"),), "somebody took a receipt back on this PO line meanwhile"),
        ("1.0", (receipt(60, **{"voided-value": "1.0"}),), "somebody took a receipt back on this PO line meanwhile"),
        ("0.0", (OLD, receipt(61, type=RETURN)), "somebody took a receipt back on this PO line meanwhile"),
        ("4.0", (OLD, receipt(61, name=NAME)), "receipt 61 in Coupa has its name already"),
        ("5.0", (OLD, OURS), "its PO line changed meanwhile"),
        ("3.0", (OLD,), "its PO line changed meanwhile"),
        (None, (OLD,), "Coupa does not show the PO line any more"),
    ],
)
def test_what_people_did_on_the_po_line_since_the_plan_stops_every_attempt(
    attempt: int, received: str | None, shown: tuple[Json, ...], reason: str
) -> None:
    stop = CreateReceipt(coupa(*shown, received=received), "external-id").gate(peeked(attempt))
    assert stop is not None and (stop.state, stop.reason) == ("waiting", f"{reason}: planned again")


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        ("4.0", (OLD, OURS)),
        ("4.0", (OLD, OURS, receipt(62, name="112-1/403/L1/1"))),
        ("1.0", (OLD, receipt(61, type=RETURN, quantity="1.0", name="112-1/402/L1/2-of-60"))),
        ("4.0", (OLD, OURS, receipt(62, status="voided"))),
    ],
)
def test_receipts_of_ours_on_the_same_po_line_stop_nothing(received: str, shown: tuple[Json, ...]) -> None:
    assert CreateReceipt(coupa(*shown, received=received), "external-id").gate(peeked()) is None


def test_a_po_line_as_the_plan_saw_it_costs_one_read() -> None:
    fake = FakeCoupa(OLD)
    assert CreateReceipt(cast(Coupa, fake), "external-id").gate(peeked()) is None
    assert fake.receipts_read == 0


def test_where_the_plan_itself_voids_on_the_line_the_receipts_tell_who_received() -> None:
    """A void of ours and a receipt of a person may leave the line's received units as they were."""
    shown = (receipt(60, status="voided"), receipt(61))
    stop = CreateReceipt(coupa(*shown), "external-id").gate(peeked(received=None))
    assert stop is not None and "Ana Buyer received" in stop.reason
    assert CreateReceipt(coupa(OLD), "external-id").gate(peeked(received=None)) is None


@pytest.mark.parametrize("shown", [(receipt(61, status="voided"),), (receipt(61, **{"voided-value": "1.0"}),), ()])
def test_a_receipt_that_somebody_took_back_is_not_voided_again(shown: tuple[Json, ...]) -> None:
    stop = VoidReceipt(coupa(*shown), "external-id").gate(peeked())
    assert stop is not None and stop.state == "waiting" and "receipt 61" in stop.reason
    assert VoidReceipt(coupa(receipt(61)), "external-id").gate(peeked()) is None


def test_a_refusal_says_what_a_person_can_do() -> None:
    action = CreateReceipt(coupa(refusal="Order line is soft closed for receiving"), "external-id")
    with pytest.raises(RejectedError) as refused:
        action.send(claimed(), PERMIT)
    assert refused.value.reasons[0] == "Order line is soft closed for receiving"
    assert "line 2 of PO 4500" in refused.value.reasons[1]


def test_a_refused_void_names_the_receipt() -> None:
    with pytest.raises(RejectedError, match="receipt 61"):
        VoidReceipt(coupa(refusal="Transaction cannot be voided"), "external-id").send(claimed(), PERMIT)


def test_a_void_is_done_when_nothing_is_left_of_the_receipt() -> None:
    assert VoidReceipt(coupa(receipt(61)), "external-id").ask(claimed()) is None
    found = VoidReceipt(coupa(receipt(61, status="voided")), "external-id").ask(claimed())
    assert found is not None and (found.target_id, found.ours) == ("61", True)


@pytest.mark.parametrize(("status", "goes"), [("soft_closed", True), ("issued", False), ("closed", False)])
def test_only_a_soft_closed_po_is_reopened(status: str, goes: bool) -> None:
    stop = ReopenOrder(coupa(order={"status": status})).gate(Peeked(1, "reopen_order", "key", {"id": 7}, "hash", 0))
    assert (stop is None) == goes
    assert goes or (stop is not None and stop.state == "waiting")


@pytest.mark.parametrize(
    ("received", "says", "goes"),
    [("2.0", True, True), ("1.0", True, False), ("2.0", False, False), ("1.0", False, True)],
)
def test_the_word_and_its_taking_back_are_written_only_when_coupa_shows_it_so(
    received: str, says: bool, goes: bool
) -> None:
    line = {"id": 11, "line-num": "1", "quantity": "2.0", "price": "1", "received": received, "match-type": "3-way"}
    order = {
        "id": 7,
        "po-number": "4500",
        "currency": {"code": "USD"},
        "supplier": {"id": 9, "number": "A"},
        "order-lines": [line],
    }
    stop = MarkReceived(coupa(order=order)).gate(
        Peeked(1, "mark_received", "key", {"id": 7, "received": says}, "hash", 0)
    )
    assert (stop is None) == goes


def test_every_write_that_is_planned_can_be_sent() -> None:
    assert set(actions(coupa(), read_rules(MAPPINGS).receipts)) == {
        "create_receipt", "return_goods", "void_receipt", "reopen_order", "ask_requester", "mark_received", "tell_requester",
    }  # fmt: skip
