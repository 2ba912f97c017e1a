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
BODY = {"type": "ReceivingQuantityConsumption", "match-reference": "401", "custom-fields": {"external-id": NAME}}
PAYLOAD = {
    "po": "4500",
    "line": "2",
    "line_id": 11,
    "shipment": "112-1/401/L1",
    "seen": 60,
    "receipt_id": 61,
    "body": BODY,
}
PERMIT = cast(Permit, None)


class FakeCoupa:
    """What Coupa shows of one PO line and of its order; a write is refused where `refusal` says so."""

    def __init__(self, *receipts: Json, order: Json | None = None, refusal: str | None = None) -> None:
        self.shown, self.order, self.refusal = receipts, order or {}, refusal

    def receipts(self, line_ids: list[int]) -> Iterator[list[Json]]:
        assert line_ids == [11]
        yield list(self.shown)

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


def peeked(attempt: int) -> Peeked:
    return Peeked(1, "create_receipt", "key", PAYLOAD, "hash", attempt)


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


def test_a_second_attempt_stops_when_a_person_received_meanwhile() -> None:
    stop = CreateReceipt(coupa(receipt(61, reference=None)), "external-id").gate(peeked(1))
    assert stop is not None and stop.state == "waiting" and "Ana Buyer received" in stop.reason


def test_a_second_attempt_goes_on_when_nothing_new_stands() -> None:
    shown = (receipt(60), receipt(61, name="112-1/402/L1/1"), receipt(62, status="voided"))
    assert CreateReceipt(coupa(*shown), "external-id").gate(peeked(1)) is None


def test_a_first_attempt_asks_nothing() -> None:
    assert CreateReceipt(coupa(receipt(61)), "external-id").gate(peeked(0)) is None


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


@pytest.mark.parametrize(("received", "goes"), [("2.0", True), ("1.0", False)])
def test_the_word_is_written_only_when_coupa_shows_all_lines_received(received: str, goes: bool) -> None:
    line = {"id": 11, "line-num": "1", "quantity": "2.0", "price": "1", "received": received, "match-type": "3-way"}
    order = {
        "id": 7,
        "po-number": "4500",
        "currency": {"code": "USD"},
        "supplier": {"id": 9, "number": "A"},
        "order-lines": [line],
    }
    stop = MarkReceived(coupa(order=order)).gate(Peeked(1, "mark_received", "key", {"id": 7}, "hash", 0))
    assert (stop is None) == goes


def test_every_write_that_is_planned_can_be_sent() -> None:
    assert set(actions(coupa(), read_rules(MAPPINGS).receipts)) == {
        "create_receipt", "return_goods", "void_receipt", "reopen_order", "ask_requester", "mark_received", "tell_requester",
    }  # fmt: skip
