"""Who orders, for which region, and how earlier orders of a purchase order are counted."""

from collections.abc import Sequence
from typing import Any

import pytest

from procurement.buying_policies import Ordering
from procurement.ledger.types import Known
from procurement.mapping.order_mapping import MappedLine, MappedOrder
from procurement.pipelines.coupa_requisitions_to_amazon_orders.earlier import history_of
from procurement.pipelines.coupa_requisitions_to_amazon_orders.lines import buyer_of, region_conflict


def mapped(*regions: str | None, requester: str | None = "jane.doe@example.com") -> MappedOrder:
    lines = tuple(MappedLine(asin="B0", region=region) for region in regions)
    return MappedOrder(
        region="US", buyer_email="buyer@example.com", buying_group="G", requester_email=requester, lines=lines
    )


@pytest.mark.parametrize(
    ("settings", "buyer"),
    [
        ({}, "buyer@example.com"),
        ({"requesters_from": "requester", "requesters": ["jane.doe@example.com"]}, "jane.doe@example.com"),
        ({"requesters_from": "requester", "requesters": ["other@example.com"]}, "buyer@example.com"),
        ({"requesters_from": "requester", "requesters": [], "others": "hold"}, None),
    ],
)
def test_a_requester_outside_the_group_is_stood_for_by_the_buyer_or_held(
    settings: dict[str, Any], buyer: str | None
) -> None:
    ordering = Ordering.model_validate({"buyer_email": "buyer@example.com", "buying_group": "G", **settings})
    assert buyer_of(mapped(), ordering) == buyer


def test_an_order_is_for_one_region_and_that_of_the_connection() -> None:
    assert region_conflict(mapped(None, "US"), "US") is None
    assert region_conflict(mapped("UK", None), "US") == "Its lines are for several regions: UK, US."
    assert region_conflict(mapped(None), "UK") == "It is for region US, and this connection orders in UK."


def known(key: str, state: str, *, claimed: bool = True, outcome: str | None = None, **facts: Any) -> Known:
    return Known(
        id=1, action="place_order", business_key=key, state=state, claimed=claimed, outcome=outcome, facts=facts
    )  # type: ignore[arg-type]


def line(units: int, order_id: str = "112-1") -> dict[str, Any]:
    part = {"units": units, "order_id": order_id, "price": None, "currency": None, "from": None, "until": None}
    return {
        "number": "1",
        "asin": "B0",
        "asked": 5,
        "price": "1.00",
        "currency": "USD",
        "accepted": [part],
        "rejected": [],
    }


class NoOrder:
    """An Amazon that knows none of our keys."""

    def order_details(self, external_id: str) -> None:
        return None


class AnOrder(NoOrder):
    def order_details(self, external_id: str) -> Any:
        return object()


def fates(rows: Sequence[Known], market: Any = None, trials: dict[str, Known] | None = None) -> list[str]:
    return [one.fate for one in history_of("7", rows, trials or {}, market).earlier]


def test_only_a_definite_answer_frees_units() -> None:
    assert fates([known("7-1-1", "delivered", lines=[line(5)])]) == ["answered"]
    assert fates([known("7-1-1", "held", outcome="refused")]) == ["answered"]
    assert fates([known("7-1-1", "skipped", outcome="refused")]) == ["answered"]
    assert fates([known("7-1-1", "planned", claimed=False)]) == ["open"]
    assert fates([known("7-1-1", "held", claimed=False)]) == ["open"]
    for state in ("sending", "planned", "held", "dead", "skipped"):
        assert fates([known("7-1-1", state)]) == ["unanswered"]


def test_a_dead_or_discarded_order_is_asked_for_before_it_counts_as_never_placed() -> None:
    for state in ("dead", "skipped"):
        assert fates([known("7-1-1", state)], NoOrder()) == ["answered"]
        assert fates([known("7-1-1", state)], AnOrder()) == ["unanswered"]
    assert fates([known("7-1-1", "sending")], NoOrder()) == ["unanswered"]


def test_an_order_that_amazons_trial_refused_makes_room_for_the_next_attempt() -> None:
    refused = {"units": 1, "kind": "price", "sentence": "Line 1: too dear."}
    trial = known("7-1-1", "delivered", lines=[{**line(4), "rejected": [refused]}])
    assert fates([known("7-1-1", "held", claimed=False)], trials={"7-1-1": trial}) == ["answered"]


def test_the_orders_of_a_purchase_order_whose_number_begins_alike_are_not_mixed_in() -> None:
    rows = [known("7-1-1", "delivered", lines=[line(2)]), known("7-2-1-1", "delivered", lines=[line(9, "112-9")])]
    history = history_of("7", rows, {}, None)
    assert [dict(one.accepted) for one in history.earlier] == [{"1": 5}]
    assert history.order_ids == {"112-1"} and history.sent
