"""What Amazon still owes: charged, then returned, lost or cancelled, and not credited."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts
from procurement.owed_policies import OwedPolicies
from procurement.owing import Owed, owed
from procurement.refunds import Movement

NOW = datetime(2026, 6, 30, tzinfo=UTC)
START = datetime(2026, 4, 1, tzinfo=UTC)
POLICIES = OwedPolicies.model_validate({})


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def shipment(name: str = "S1", quantity: int = 2, **more: Any) -> ShipmentFacts:
    values = {"shipped_at": day(2), "expected_at": day(5), **more}
    return ShipmentFacts(order_id="O", shipment_id=name, order_line_id="L", quantity=quantity, **values)


def order(*shipments: ShipmentFacts, left: int = 4, **more: Any) -> OrderFacts:
    line = LineFacts(order_line_id="L", ordered=4, left=left, asin="B01", title="Pens")
    return OrderFacts(
        order_id="O",
        ordered_at=START,
        po_number="4500",
        lines={"L": line},
        shipments={one.key: one for one in shipments},
        **more,
    )


def moved(amount: str, quantity: int, **more: Any) -> Movement:
    values = {"key": amount, "order_id": "O", "order_line_id": "L", "currency": "USD", "at": day(3), **more}
    return Movement(is_refund=amount.startswith("-"), amount=Decimal(amount), quantity=Decimal(quantity), **values)


def found(
    facts: OrderFacts, *movements: Movement, policies: OwedPolicies = POLICIES, now: datetime = NOW
) -> list[Owed]:
    return owed(facts, movements, now=now, policies=policies)


def brief(entries: list[Owed]) -> list[tuple[str, int, str]]:
    return [(one.reason, int(one.units), str(one.amount)) for one in entries]


DELIVERED = shipment("S0", 2, delivered_seen=day(5))


def test_what_was_delivered_is_not_owed() -> None:
    assert found(order(shipment("S0", 4, delivered_seen=day(5))), moved("40.00", 4)) == []


@pytest.mark.parametrize(("status", "reason"), [("RETURNED", "returned"), ("UNDELIVERABLE", "undelivered")])
def test_what_came_back_is_owed_at_what_was_charged_for_it(status: str, reason: str) -> None:
    facts = order(DELIVERED, shipment(tracking_status=status))
    (one,) = found(facts, moved("43.29", 4))
    assert (one.reason, one.units, str(one.amount)) == (reason, 2, "USD 21.65")
    assert (one.order_id, one.po_number, one.asin, one.title) == ("O", "4500", "B01", "Pens")
    assert (one.since, one.days(NOW)) == (day(5), 85)


def test_a_refund_that_amazon_says_it_issued_and_that_never_came_is_owed() -> None:
    arrived = order(DELIVERED, shipment(tracking_status="REFUND_ISSUED", delivered_seen=day(5)))
    assert brief(found(arrived, moved("40.00", 4))) == [("returned", 2, "USD 20.00")]
    elsewhere = moved("-20.00", 2, shipment_id="S0")
    assert brief(found(arrived, moved("60.00", 4), elsewhere)) == [("returned", 2, "USD 10.00")]


@pytest.mark.parametrize("shipment_id", [None, "S1"])
def test_any_refund_of_goods_that_arrived_is_the_one_amazon_speaks_of(shipment_id: str | None) -> None:
    arrived = order(DELIVERED, shipment(tracking_status="REFUND_ISSUED", delivered_seen=day(5)))
    assert found(arrived, moved("40.00", 4), moved("-3.00", 0, shipment_id=shipment_id)) == []


def test_of_goods_that_never_arrived_all_is_owed_whatever_amazon_issued() -> None:
    facts = order(DELIVERED, shipment(tracking_status="REFUND_ISSUED"))
    assert brief(found(facts, moved("40.00", 4), now=day(20))) == [("undelivered", 2, "USD 20.00")]
    assert brief(found(facts, moved("40.00", 4), moved("-15.00", 0))) == [("undelivered", 2, "USD 5.00")]
    assert found(facts, moved("40.00", 4), moved("-20.00", 2)) == []


def test_a_credit_takes_it_off_the_list_and_half_a_credit_leaves_the_rest() -> None:
    facts = order(DELIVERED, shipment(tracking_status="RETURNED"))
    assert found(facts, moved("40.00", 4), moved("-20.00", 2)) == []
    assert brief(found(facts, moved("40.00", 4), moved("-15.00", 0))) == [("returned", 2, "USD 5.00")]


def test_a_shipment_far_past_its_promise_is_lost_unless_it_arrived() -> None:
    late = order(DELIVERED, shipment())
    assert brief(found(late, moved("40.00", 4))) == [("undelivered", 2, "USD 20.00")]
    assert found(late, moved("40.00", 4), now=day(5 + 30 + 6)) == []
    (one,) = found(late, moved("40.00", 4), now=day(5 + 30 + 7))
    assert (one.since, one.days(day(42))) == (day(35), 7)
    assert found(order(DELIVERED, shipment(delivered_at=day(6))), moved("40.00", 4)) == []


def test_a_shipment_without_promise_is_lost_so_long_after_it_left() -> None:
    assert found(order(DELIVERED, shipment(expected_at=None)), moved("40.00", 4), now=day(2 + 30 + 7))
    assert not found(order(DELIVERED, shipment(expected_at=None)), moved("40.00", 4), now=day(2 + 30 + 6))


def test_a_shipment_that_never_left_is_no_lost_one() -> None:
    assert found(order(DELIVERED, shipment(shipped_at=None)), moved("40.00", 4)) == []


def test_units_cancelled_after_they_were_charged_are_owed() -> None:
    assert brief(found(order(DELIVERED, left=2), moved("40.00", 4))) == [("cancelled", 2, "USD 20.00")]
    assert found(order(DELIVERED, left=2), moved("20.00", 2)) == []


def test_a_cancelled_order_owes_all_that_did_not_ship() -> None:
    facts = order(statuses=("CANCELLED",), ended_seen=day(9))
    (one,) = found(facts, moved("40.00", 4))
    assert (one.reason, one.units, str(one.amount), one.since) == ("cancelled", 4, "USD 40.00", day(9))
    assert brief(found(order(DELIVERED, statuses=("CLOSED",)), moved("40.00", 4))) == [("cancelled", 2, "USD 20.00")]


def test_only_what_was_charged_is_owed() -> None:
    facts = order(shipment("S1", 4, tracking_status="RETURNED"), statuses=("CANCELLED",))
    assert found(facts) == []
    assert brief(found(facts, moved("20.00", 2))) == [("returned", 2, "USD 20.00")]
    assert found(facts, moved("-20.00", 2)) == []


def test_several_reasons_share_the_credits_the_surest_first() -> None:
    facts = order(shipment("S1", 1, tracking_status="RETURNED"), shipment("S2", 1), left=2)
    entries = found(facts, moved("40.00", 4), moved("-15.00", 1))
    assert brief(entries) == [("cancelled", 2, "USD 20.00"), ("undelivered", 1, "USD 5.00")]


def test_ids_that_differ_between_the_feed_and_the_reports_are_told_by_the_article() -> None:
    facts = order(DELIVERED, shipment(tracking_status="RETURNED"))
    assert brief(found(facts, moved("40.00", 4, order_line_id="77", asin="B01"))) == [("returned", 2, "USD 20.00")]
    assert found(facts, moved("40.00", 4, order_line_id="77", asin="B02")) == []
    assert found(facts, moved("40.00", 4, order_line_id="77")) == []


def test_a_credit_may_take_a_while_before_it_is_missed() -> None:
    facts = order(DELIVERED, shipment(tracking_status="RETURNED", expected_at=day(80)))
    assert found(facts, moved("40.00", 4), now=day(86)) == []
    assert found(facts, moved("40.00", 4), now=day(87)) != []
    assert (
        found(facts, moved("40.00", 4), now=day(86), policies=OwedPolicies.model_validate({"patience_days": 6})) != []
    )
