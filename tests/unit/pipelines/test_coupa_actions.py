"""How Coupa is asked whether a change of a purchase order was already made: by what it asks for, never by its being there."""

from typing import Any

import pytest

from procurement.ledger.types import Claimed
from procurement.pipelines.coupa_actions import ChangeOrder

Json = dict[str, Any]
BODY = {"order-header-id": 7, "order-line-changes": [{"order-line-id": 201, "quantity": "3"}]}
PAYLOAD = {"order_id": 7, "body": BODY, "wanted": {"order-lines": [{"id": 201, "quantity": "3"}]}}


class Coupa:
    """A purchase order of five, and one change of it."""

    def __init__(self, status: str, *lines: Json) -> None:
        self.change = {"id": 40, "status": status, "order-line-changes": list(lines)}

    def get_purchase_order(self, id: int) -> Json:
        return {"id": id, "order-lines": [{"id": 201, "quantity": "5.000000"}]}

    def purchase_order_changes(self, ids: list[int]) -> list[list[Json]]:
        return [[self.change]]


def asked(status: str, *lines: Json) -> str | None:
    claimed = Claimed(id=1, action="change_quantity", business_key="k", payload=PAYLOAD, attempt=1)
    found = ChangeOrder(Coupa(status, *lines)).ask(claimed)  # type: ignore[arg-type]
    return found.target_id if found is not None else None


def test_a_waiting_change_that_asks_for_the_same_is_ours() -> None:
    assert asked("pending_approval", {"id": 9, "order-line-id": 201, "quantity": "3.000000"}) == "40"


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        ("pending_approval", [{"id": 9, "order-line-id": 201, "quantity": "4.000000"}]),
        ("pending_approval", [{"id": 9, "order-line-id": 202, "quantity": "3.000000"}]),
        ("draft", []),
        ("rejected", [{"id": 9, "order-line-id": 201, "quantity": "3.000000"}]),
    ],
)
def test_anybody_elses_change_is_not(status: str, lines: list[Json]) -> None:
    assert asked(status, *lines) is None
