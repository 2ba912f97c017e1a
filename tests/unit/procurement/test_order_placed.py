"""What Amazon accepted when we ordered, held against what its reports show."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from procurement.money import Money
from procurement.order_changes import OrderChange, find_changes
from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts
from procurement.order_lines import order_lines, units_cancelled
from procurement.order_results import Accepted, Asked, LineResult, OrderOutcome, Rejected
from procurement.pipelines.open_order_times import is_settled
from procurement.pipelines.placed_orders import late_placements, read_placed
from procurement.placed_facts import PlacedFacts
from tests.unit.procurement.test_order_changes import DAY, PO, line, order, shipment

USD = Decimal("19.99")
ID = "4500123-1-1"


def placed(units: int = 10, **more: Any) -> PlacedFacts:
    return PlacedFacts(**{
        "external_id": ID, "number": "1", "asin": "B0SAMPLE01", "asked": 10, "units": units, "unit_prices": ("19.99",),
        "currency": "USD", "first_promise": DAY, "promise": DAY, **more,
    })  # fmt: skip


def known(facts: OrderFacts, *rows: PlacedFacts) -> OrderFacts:
    return replace(facts, placed={one.key: one for one in rows or (placed(),)})


def only(facts: OrderFacts) -> OrderChange:
    (change,) = find_changes(facts, order=PO)
    return change


def test_what_was_accepted_and_is_reported_is_nothing_to_tell() -> None:
    assert find_changes(known(order()), order=PO, unavailable=True) == []


def test_units_that_the_first_report_does_not_show_any_more_were_cancelled() -> None:
    change = only(known(order(of=line(ordered=7, left=7))))
    assert (change.id, change.units) == ("113-1/L1/cancelled_in_part/3", 3)
    assert "Amazon cancelled 3 of 10 units of line 1" in change.sentence
    assert units_cancelled(known(order(of=line(ordered=7, left=7))), PO) == {1: 3}


def test_one_change_whether_the_units_were_lost_before_or_after_the_first_report() -> None:
    before, after = order(of=line(ordered=7, left=7)), order(of=line(ordered=10, left=7))
    assert only(known(before)) == only(known(after)) == only(after)


def test_a_line_that_was_accepted_and_is_not_reported_is_lost_only_with_its_order() -> None:
    second = placed(number="2", units=4, asin="B0OTHER")
    silent = known(order(), placed(), second)
    assert find_changes(silent, order=PO) == []
    assert not is_settled(known(order(shipment(10, delivered_seen=DAY)), placed(), second))
    gone = known(replace(order(), statuses=("CANCELLED",)), placed(), second)
    assert [change.units for change in find_changes(gone)] == [10, 4]


def test_a_report_that_names_a_line_otherwise_does_not_make_its_units_two_lines() -> None:
    stranger = LineFacts(order_line_id="L9", ordered=10, left=10, asin="B0SUBSTITUTE")
    facts = known(OrderFacts(order_id="113-1", ordered_at=DAY, lines={"L9": stranger}))
    assert [one.id for one in order_lines(facts)] == ["L9"]


@pytest.mark.parametrize("reported", [{"po_line_number": "001"}, {"po_line_number": None}])
def test_a_line_is_found_by_its_number_or_else_by_its_asin(reported: dict[str, Any]) -> None:
    (found,) = order_lines(known(order(of=line(**reported))), PO)
    assert [one.key for one in found.placed] == [f"{ID}/1"]
    assert found.po_line is not None


def test_a_line_that_amazon_reports_in_two_parts_has_lost_nothing() -> None:
    parts = {id: line(order_line_id=id, ordered=units, left=units) for id, units in (("L1", 6), ("L2", 4))}
    facts = known(replace(order(), lines=parts))
    assert find_changes(facts, order=PO) == []
    short = known(replace(order(), lines={**parts, "L2": line(order_line_id="L2", ordered=3, left=3)}))
    assert [change.units for change in find_changes(short, order=PO)] == [1]


def test_a_price_that_changed_between_acceptance_and_report() -> None:
    change = only(known(order(), placed(unit_prices=("18.50",))))
    assert change.id == "113-1/L1/price_changed/19.99"
    assert (
        "now costs USD 19.99 a unit at Amazon, the order was accepted at USD 18.50: USD 14.90 more" in change.sentence
    )


def test_what_was_accepted_dearer_than_the_po_is_told_against_the_po() -> None:
    change = only(known(order(of=line(unit_prices=("20.49",))), placed(unit_prices=("20.49",))))
    assert "the purchase order says USD 19.99: USD 5.00 more" in change.sentence


def test_units_accepted_at_two_prices_may_be_reported_at_either() -> None:
    two = placed(unit_prices=("19.50", "19.99"))
    assert find_changes(known(order(), two), order=PO) == []
    assert "accepted at USD 19.99" in only(known(order(of=line(unit_prices=("25",))), two)).sentence


def test_a_shipment_promised_a_day_after_what_was_accepted_is_late() -> None:
    later = DAY + timedelta(days=3)
    change = only(known(order(shipment(10, first_expected_at=later, expected_at=later))))
    assert change.kind == "late"
    assert "promised for 2026-03-02, now for 2026-03-05" in change.sentence


def test_the_end_of_a_range_and_a_day_that_ends_after_midnight_are_one_promise() -> None:
    hours = DAY + timedelta(hours=20)
    assert find_changes(known(order(shipment(10, first_expected_at=hours, expected_at=hours))), order=PO) == []


def test_units_without_any_shipment_are_backordered_when_their_promise_moves_or_passes() -> None:
    moved = only(known(order(), placed(promise=DAY + timedelta(days=9))))
    assert (moved.kind, moved.id) == ("backordered", "113-1/L1/backordered/2026-03-11/moved")
    overdue = only(known(order(), placed(overdue=DAY)))
    assert overdue.id == "113-1/L1/backordered/2026-03-02/overdue"
    assert "10 units of line 1 (Gel pens), not shipped yet: promised for 2026-03-02 and not shipped" in overdue.sentence


def test_only_the_units_that_no_shipment_holds_wait_by_what_was_accepted() -> None:
    late = placed(promise=DAY + timedelta(days=9))
    found = {change.kind: change.units for change in find_changes(known(order(shipment(6)), late), order=PO)}
    assert found == {"shipped_in_part": 6, "backordered": 4}
    assert find_changes(known(order(shipment(10)), late), order=PO) == []


def test_units_that_were_not_to_be_had_are_backordered_only_where_it_is_wanted() -> None:
    facts = known(order(of=line(ordered=7, left=7)), placed(units=7, unavailable=3))
    assert find_changes(facts, order=PO) == []
    (change,) = find_changes(facts, order=PO, unavailable=True)
    assert (change.kind, change.id) == ("backordered", "113-1/L1/backordered/unavailable/3")
    assert change.at_stake == Money(Decimal("59.97"), "USD")


def test_details_are_asked_for_what_did_not_ship_by_its_promise_and_of_no_order_that_is_over() -> None:
    after, waiting = DAY + timedelta(minutes=1), known(order(shipment(4)))
    assert late_placements(waiting, DAY) == set()
    assert late_placements(waiting, after) == {ID}
    assert late_placements(known(order(shipment(10))), after) == set()
    assert late_placements(replace(waiting, statuses=("CANCELLED",)), after) == set()
    assert late_placements(order(), after) == set()


def test_an_answer_is_split_by_amazon_order_and_units_that_lack_count_once() -> None:
    asked = Asked(number="1", asin="B0SAMPLE01", units=10, price=Money(USD, "USD"))
    parts = tuple(
        Accepted(units=units, order_id=id, price=Money(USD, "USD"), promised_until=DAY + timedelta(days=units))
        for id, units in (("113-1", 4), ("113-1", 2), ("113-2", 1))
    )
    refused = (Rejected(units=2, kind="quantity", sentence=""), Rejected(units=1, kind="price", sentence=""))
    outcome = OrderOutcome(lines=(LineResult(asked=asked, accepted=parts, rejected=refused),), signed=True)
    one, two = (read_placed(outcome, external_id=ID, order_id=id)[f"{ID}/1"] for id in ("113-1", "113-2"))
    assert (one.units, one.unavailable, one.promise) == (6, 2, DAY + timedelta(days=4))
    assert (two.units, two.unavailable, two.promise) == (1, 0, DAY + timedelta(days=1))
    assert read_placed(outcome, external_id=ID, order_id="113-3") == {}


def test_a_shipment_that_was_planned_counts_by_its_own_promise() -> None:
    planned = ShipmentFacts(order_id="113-1", shipment_id="S1", order_line_id="L1", quantity=10, expected_at=DAY)
    assert find_changes(known(order(planned)), order=PO) == []
