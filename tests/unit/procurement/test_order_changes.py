"""What an order's facts amount to, in the words that people read."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.money import Money
from procurement.order_changes import OrderChange, find_changes
from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts
from procurement.order_lines import units_cancelled

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
PO = PurchaseOrder(
    id=4711, number="4500123", status="issued", version=1, supplier="AMZN-US", supplier_id=1, currency="USD",
    lines=(PurchaseOrderLine(
        id=1, number="1", quantity=Decimal(10), unit_price=Money(Decimal("19.99"), "USD"),
        total=Money(Decimal("199.90"), "USD"), received=Decimal(0), invoiced=Decimal(0), match_type="3-way",
        receipt_required=True, part_number="B0SAMPLE01", description="Gel pens", commodity="Office",
    ),),
)  # fmt: skip


@dataclass(frozen=True)
class Refund:
    key: str
    quantity: Decimal | None
    amount: Decimal | None
    reason: str | None = None
    order_line_id: str = "L1"
    currency: str | None = "USD"


def line(**more: Any) -> LineFacts:
    return LineFacts(**{
        "order_line_id": "L1", "ordered": 10, "left": 10, "po_line_number": "1", "asin": "B0SAMPLE01", "title": "Gel pens",
        "unit_prices": ("19.99",), "currency": "USD", **more,
    })  # fmt: skip


def shipment(quantity: int, **more: Any) -> ShipmentFacts:
    return ShipmentFacts(**{
        "order_id": "113-1", "shipment_id": "S1", "order_line_id": "L1", "quantity": quantity, "shipped_at": DAY, **more,
    })  # fmt: skip


def order(*shipments: ShipmentFacts, of: LineFacts | None = None, **more: Any) -> OrderFacts:
    return OrderFacts(
        order_id="113-1", ordered_at=DAY, po_number="4500123", lines={"L1": of or line()},
        shipments={one.key: one for one in shipments}, **more,
    )  # fmt: skip


def only(facts: OrderFacts, po: PurchaseOrder | None = PO, refunds: Any = ()) -> OrderChange:
    (change,) = find_changes(facts, order=po, refunds=refunds)
    return change


def kinds(facts: OrderFacts, po: PurchaseOrder | None = PO) -> list[str]:
    return [change.kind for change in find_changes(facts, order=po)]


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def test_nothing_happened_yet() -> None:
    assert find_changes(order(), order=PO) == []


def test_all_arrived_is_nothing_to_report() -> None:
    assert find_changes(order(shipment(10, delivered_seen=DAY)), order=PO) == []


def test_half_shipped_says_what_is_still_to_come() -> None:
    change = only(order(shipment(4)))
    assert change.id == "113-1/L1/shipped_in_part/4"
    assert change.at_stake == usd("119.94")
    assert (
        change.sentence == "4 of 10 units of line 1 (Gel pens) were shipped; 6 units still to come, worth USD 119.94."
    )


def test_units_cancelled_before_charge() -> None:
    change = only(order(of=line(left=7)))
    assert (change.id, change.kind, change.units) == ("113-1/L1/cancelled_in_part/3", "cancelled_in_part", 3)
    assert not change.charged
    assert change.sentence == (
        "Amazon cancelled 3 of 10 units of line 1 (Gel pens) before they were charged; USD 59.97 at stake."
    )


def test_units_cancelled_after_charge_need_a_refund() -> None:
    change = only(order(of=line(left=7, charged=10)))
    assert change.id == "113-1/L1/cancelled_in_part/3/charged"
    assert change.charged
    assert "after Amazon charged for them: a refund is due; USD 59.97 at stake" in change.sentence


def test_what_shipped_was_charged_and_does_not_make_a_cancellation_charged() -> None:
    facts = order(shipment(7, delivered_seen=DAY), of=line(left=7, charged=7))
    assert not only(facts).charged


def test_a_line_that_lost_all_its_units_is_cancelled_whole() -> None:
    assert only(order(of=line(left=0))).id == "113-1/L1/cancelled/10"


def test_a_cancelled_order_is_cancelled_however_many_units_its_lines_still_show() -> None:
    change = only(order(statuses=("CANCELLED", "PENDING")))
    assert (change.kind, change.units) == ("cancelled", 10)


def test_what_was_shipped_before_the_order_was_cancelled_still_comes() -> None:
    change = only(order(shipment(4), statuses=("CANCELLED",)))
    assert (change.kind, change.units) == ("cancelled_in_part", 6)


def test_an_order_only_ever_seen_empty_had_what_the_po_says() -> None:
    change = only(order(of=line(ordered=0, left=0), statuses=("CANCELLED",)))
    assert (change.kind, change.units, change.at_stake) == ("cancelled", 10, usd("199.90"))


def test_a_closed_order_that_never_shipped_all() -> None:
    found = {
        change.kind: change
        for change in find_changes(order(shipment(6, delivered_seen=DAY), statuses=("CLOSED",)), order=PO)
    }
    assert set(found) == {"closed", "closed_short"}
    assert found["closed_short"].units == 4
    assert "4 units of line 1 (Gel pens) were never shipped" in found["closed_short"].sentence


def test_a_promise_that_moved() -> None:
    moved = shipment(10, first_expected_at=DAY, expected_at=DAY + timedelta(days=3))
    change = only(order(moved))
    assert (change.kind, change.id) == ("late", "113-1/L1/late/2026-03-05/moved")
    assert "promised for 2026-03-02, now for 2026-03-05; USD 199.90 at stake" in change.sentence


def test_an_hour_later_on_the_same_day_is_no_news() -> None:
    assert kinds(order(shipment(10, first_expected_at=DAY, expected_at=DAY + timedelta(hours=1)))) == []


def test_a_promise_that_passed_and_a_carrier_that_reports_a_delay() -> None:
    overdue = shipment(10, first_expected_at=DAY, expected_at=DAY, overdue=DAY)
    delayed = shipment(10, first_expected_at=DAY, expected_at=DAY, tracking_status="DELAYED")
    assert only(order(overdue)).id == "113-1/L1/late/2026-03-02/overdue"
    assert only(order(delayed)).id == "113-1/L1/late/2026-03-02/delayed"


def test_a_new_promise_ends_an_old_delay() -> None:
    later = DAY + timedelta(days=5)
    change = only(order(shipment(10, first_expected_at=DAY, expected_at=later, overdue=DAY)))
    assert change.id == "113-1/L1/late/2026-03-07/moved"


def test_what_arrived_is_not_late_any_more() -> None:
    assert kinds(order(shipment(10, expected_at=DAY, overdue=DAY, delivered_seen=DAY + timedelta(days=4)))) == []


def test_units_whose_promise_moves_before_they_ship_are_backordered() -> None:
    planned = shipment(10, shipped_at=None, first_expected_at=DAY, expected_at=DAY + timedelta(days=9))
    assert only(order(planned)).kind == "backordered"


@pytest.mark.parametrize(
    ("prices", "id", "at_stake", "words"),
    [
        (
            ("19.99", "24.99"),
            "24.99",
            "50.00",
            "now costs USD 24.99 a unit at Amazon, the purchase order says USD 19.99",
        ),
        (("15", "19.99"), "15", "-49.90", "USD 49.90 less for 10 units"),
    ],
)
def test_a_changed_price_says_what_it_amounts_to(prices: tuple[str, ...], id: str, at_stake: str, words: str) -> None:
    change = only(order(of=line(unit_prices=prices)))
    assert (change.id, change.at_stake) == (f"113-1/L1/price_changed/{id}", usd(at_stake))
    assert words in change.sentence


def test_without_a_po_a_price_changes_against_what_it_was() -> None:
    assert kinds(order(of=line(unit_prices=("25",))), None) == []
    assert "it was USD 20.00" in only(order(of=line(unit_prices=("20", "25"))), None).sentence


def test_undeliverable_and_returned_packages() -> None:
    assert only(order(shipment(10, tracking_status="UNDELIVERABLE"))).id == "113-1/L1/undeliverable/S1"
    assert only(order(shipment(10, tracking_status="RETURNED"))).id == "113-1/L1/returned/S1"


def test_what_could_not_be_delivered_is_not_late_besides() -> None:
    assert kinds(order(shipment(10, tracking_status="UNDELIVERABLE", expected_at=DAY, overdue=DAY))) == [
        "undeliverable"
    ]


def test_refunds_say_whether_the_goods_came_back() -> None:
    delivered = order(shipment(10, delivered_seen=DAY), of=line(charged=10))
    back = only(delivered, refunds=[Refund("R1", Decimal(2), Decimal("-39.98"), "Customer Return")])
    money = only(delivered, refunds=[Refund("R2", Decimal(0), Decimal("-5.00"), "Late delivery")])
    assert (back.kind, back.units, back.at_stake) == ("returned", 2, usd("39.98"))
    assert (money.kind, money.units, money.at_stake) == ("refunded", 0, usd("5.00"))
    assert money.sentence == "Amazon refunded USD 5.00 on line 1 (Gel pens) (Late delivery)."


def test_a_refund_of_two_lines_of_the_feed_is_one_change() -> None:
    two = [Refund("R1", Decimal(1), Decimal("-19.99")), Refund("R1", Decimal(1), Decimal("-19.99"))]
    change = only(order(shipment(10, delivered_seen=DAY)), refunds=two)
    assert (change.units, change.at_stake) == (2, usd("39.98"))


def test_a_po_cancelled_by_a_person_tells_what_still_ships_and_what_to_do() -> None:
    change = only(order(), structs.replace(PO, status="cancelled"))
    assert (change.id, change.units, change.at_stake) == ("113-1/-/po_cancelled_by_person", 10, usd("199.90"))
    assert "Amazon order 113-1 still has 10 units of line 1 (Gel pens) to ship" in change.sentence
    assert "choose Cancel items at once" in change.sentence


def test_a_po_cancelled_when_all_had_shipped_tells_to_send_it_back() -> None:
    change = only(order(shipment(10)), structs.replace(PO, status="cancelled"))
    assert (change.id, change.units, change.at_stake) == ("113-1/-/po_cancelled_by_person", 10, usd("199.90"))
    assert "has shipped with 10 units of line 1 (Gel pens)" in change.sentence
    assert "refuse the delivery, or return the goods" in change.sentence


def test_a_cancelled_po_is_no_news_when_amazon_cancelled_too() -> None:
    assert kinds(order(statuses=("CANCELLED",)), structs.replace(PO, status="cancelled")) == ["cancelled"]


def test_every_change_has_an_id_of_its_own() -> None:
    lines = {id: line(order_line_id=id, left=7, unit_prices=("19.99", "25")) for id in ("L1", "L2")}
    changes = find_changes(replace(order(), lines=lines), order=PO)
    assert len({change.id for change in changes}) == len(changes) == 4


def test_units_that_will_not_come_count_per_po_line() -> None:
    assert units_cancelled(order(of=line(left=7)), PO) == {1: 3}
    assert units_cancelled(order(shipment(6), statuses=("CLOSED",)), PO) == {1: 4}
    assert units_cancelled(order(), PO) == {1: 0}
