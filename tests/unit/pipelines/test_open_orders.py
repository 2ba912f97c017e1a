"""Amazon's rows as facts, and when an order is read again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.amazon_business.tracking import PackageTracking
from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts, join_orders
from procurement.pipelines.lost_parcels import give_up
from procurement.pipelines.open_order_names import RECEIPTS
from procurement.pipelines.open_order_times import next_read, tracking_by
from procurement.pipelines.order_reports import Report, by_order, read_report, track
from procurement.policies import Rules, read_rules
from procurement.policy_files import Mode, PipelineRollout, Rollout

DAY = datetime(2026, 3, 16, 9, tzinfo=UTC)
RULES = read_rules(Path(__file__).parents[3] / "mappings")
META = {"orderId": "113-1", "orderDate": "2026-03-14T09:00:00Z"}
Json = dict[str, Any]


def report(shipment_status: str = "SHIPPED", delivery: str = "NOT_DELIVERED", **header: Any) -> Report:
    shipment = {"shipmentId": "S1", "shipmentDate": "2026-03-15T09:00:00Z"}
    return Report(
        header={"orderMetadata": META, "purchaseOrderNumber": "4500", "orderStatus": "PENDING_FULFILLMENT", **header},
        lines=[{
            "orderMetadata": META, "orderLineItemId": "L1", "purchaseOrderLineItemNumber": "1", "quantity": 3,
            "unitPrice": {"currencyCode": "USD", "amount": "20.00"},
        }],
        shipments=[{
            "orderMetadata": META, "shipmentMetadata": shipment, "shipmentStatus": shipment_status,
            "deliveryInfo": {"expectedDeliveryDate": "2026-03-17T03:00:00Z", "status": delivery},
        }],
        shipment_lines=[{
            "orderMetadata": META, "shipmentMetadata": shipment, "orderLineItemId": "L1", "quantity": 3,
            "packages": [{"packageId": "2", "trackingId": "T2"}, {"packageId": "1", "trackingId": "T1"}],
        }],
    )  # fmt: skip


def read(of: Report, now: datetime = DAY) -> OrderFacts:
    return read_report(of, now=now, late_after=timedelta(days=1))


def the_shipment(facts: OrderFacts) -> ShipmentFacts:
    (shipment,) = facts.shipments.values()
    return shipment


def test_what_a_report_says_becomes_facts() -> None:
    facts = read(report(buyingCustomer={"name": "Ana", "email": "ana@example.com"}))
    assert (facts.po_number, facts.buyer_email, facts.statuses) == ("4500", "ana@example.com", ("PENDING_FULFILLMENT",))
    assert facts.lines["L1"].unit_prices == ("20",), "20 and 20.00 are one price"
    assert the_shipment(facts).packages == (("1", "T1"), ("2", "T2"))
    assert facts.shipped("L1") == 3 and facts.delivered("L1") == 0


@pytest.mark.parametrize("status", ["SHIPPED_PLANNED", "SHIPPING_SOON", "PENDING_PAYMENT"])
def test_a_shipment_that_is_only_planned_did_not_leave(status: str) -> None:
    facts = read(report(status))
    assert facts.shipped("L1") == 0
    assert the_shipment(facts).expected_at is not None, "its promise is known all the same"


def test_a_delivery_is_dated_when_the_report_first_said_so() -> None:
    assert the_shipment(read(report(delivery="DELIVERED"))).delivered_seen == DAY


def test_a_promise_is_overdue_a_day_after_it_passed_unless_it_was_kept() -> None:
    promise = datetime(2026, 3, 17, 3, tzinfo=UTC)
    assert the_shipment(read(report(), promise + timedelta(days=1))).overdue is None
    assert the_shipment(read(report(), promise + timedelta(days=1, minutes=1))).overdue == promise
    assert the_shipment(read(report(delivery="DELIVERED"), promise + timedelta(days=9))).overdue is None


def test_amazons_other_form_of_dates_reads_the_same() -> None:
    plain = report()
    other = report(orderMetadata={"orderId": "113-1", "orderDate": {"date": "2026-03-14T09:00:00Z"}})
    assert read(plain).ordered_at == read(other).ordered_at


@pytest.mark.parametrize("header", [{"orderMetadata": {"orderId": "113-1"}}, {"charges": "none"}])
def test_what_cannot_be_read_is_refused(header: Json) -> None:
    with pytest.raises((ValidationError, ValueError)):
        read(report(**header))


def test_rows_of_orders_without_header_are_left_to_the_next_read() -> None:
    whole = report()
    assert by_order([], {"lines": whole.lines}) == {}
    assert by_order([whole.header], {"lines": whole.lines})["113-1"].lines == whole.lines


def test_the_answer_about_one_package_of_two_is_not_the_shipments_arrival() -> None:
    shipment = the_shipment(read(report()))
    arrived = PackageTracking(status="DELIVERED", delivered_at=DAY)
    first = track(shipment, "1", asked_at=DAY, answer=arrived)
    assert not first.delivered and first.tracking_asked == DAY
    assert track(first, "2", asked_at=DAY, answer=arrived).delivered


def test_a_later_promise_of_the_carrier_moves_the_expected_date() -> None:
    later = DAY + timedelta(days=4)
    delayed = track(
        the_shipment(read(report())), "1", asked_at=DAY, answer=PackageTracking("DELAYED", window_end=later)
    )
    assert (delayed.tracking_status, delayed.expected_at) == ("DELAYED", later)


def test_no_data_yet_is_remembered_as_asked() -> None:
    assert track(the_shipment(read(report())), "1", asked_at=DAY, answer=None).tracking_asked == DAY


def order(delivered: datetime | None = None, **more: Any) -> OrderFacts:
    shipment = ShipmentFacts(
        order_id="113-1", shipment_id="S1", order_line_id="L1", quantity=3, shipped_at=DAY, delivered_seen=delivered
    )
    line = LineFacts(order_line_id="L1", ordered=3, left=3)
    return OrderFacts(
        order_id="113-1", ordered_at=DAY, lines={"L1": line}, shipments={shipment.key: shipment}, **more
    )  # fmt: skip


def test_an_open_order_is_read_by_the_next_run_even_when_that_starts_early() -> None:
    state, moment = next_read(order(), now=DAY, rules=RULES)
    assert (state, moment) == ("open", DAY + timedelta(minutes=14))


def test_what_arrived_is_read_daily_and_finished_in_time() -> None:
    assert next_read(order(DAY), now=DAY, rules=RULES)[0] == "settled"
    assert next_read(order(DAY), now=DAY + timedelta(days=59), rules=RULES)[0] == "settled"
    assert next_read(order(DAY), now=DAY + timedelta(days=60), rules=RULES) == ("finished", None)


def test_a_cancelled_order_counts_from_when_it_was_seen_cancelled() -> None:
    cancelled = replace(order(), shipments={}, statuses=("CANCELLED",), ended_seen=DAY)
    assert next_read(cancelled, now=DAY, rules=RULES)[0] == "settled"
    assert next_read(cancelled, now=DAY + timedelta(days=60), rules=RULES)[1] is None


def test_a_closed_order_whose_delivery_never_shows_is_finished_all_the_same() -> None:
    closed = order(statuses=("CLOSED",), ended_seen=DAY)
    assert next_read(closed, now=DAY, rules=RULES)[0] == "open"
    assert next_read(closed, now=DAY + timedelta(days=60), rules=RULES)[1] is None


def receiving(mode: Mode, tracking: str = "always") -> Rules:
    receipts = RULES.policies.receipts.model_copy(update={"tracking": tracking})
    entry = PipelineRollout.model_validate({"mode": mode, "go_live": "2026-01-01"})
    return replace(
        RULES, rollout=Rollout({RECEIPTS: entry}), policies=RULES.policies.model_copy(update={"receipts": receipts})
    )


def test_tracking_is_asked_for_the_moment_of_a_delivery_only_where_receipts_want_it() -> None:
    arrived = the_shipment(read(report(delivery="DELIVERED")))
    assert tracking_by(receiving(Mode.LIVE), "sandbox")(arrived, DAY)
    assert not tracking_by(receiving(Mode.LIVE, "never"), "sandbox")(arrived, DAY)
    assert not tracking_by(receiving(Mode.OFF), "sandbox")(arrived, DAY)


def test_tracking_is_asked_of_a_late_package_once_a_day_until_it_tells_the_end() -> None:
    wanted = tracking_by(receiving(Mode.OFF), "sandbox")
    late = replace(the_shipment(read(report())), overdue=DAY)
    asked = track(late, "1", asked_at=DAY, answer=PackageTracking("DELAYED"))
    assert not wanted(the_shipment(read(report())), DAY)
    assert wanted(late, DAY)
    assert not wanted(asked, DAY + timedelta(hours=23))
    assert wanted(asked, DAY + timedelta(days=1))
    assert not wanted(track(late, "1", asked_at=DAY, answer=PackageTracking("UNDELIVERABLE")), DAY + timedelta(days=9))


def test_tracking_is_asked_once_long_after_a_delivery_whether_the_goods_went_back() -> None:
    wanted, month_and_a_half = tracking_by(receiving(Mode.OFF), "sandbox"), DAY + timedelta(days=45)
    arrived = the_shipment(read(report(delivery="DELIVERED")))
    assert not wanted(arrived, month_and_a_half - timedelta(seconds=1))
    assert wanted(arrived, month_and_a_half)
    told = track(arrived, "1", asked_at=DAY, answer=PackageTracking("DELIVERED", delivered_at=DAY))
    assert wanted(told, month_and_a_half)
    asked = track(told, "1", asked_at=month_and_a_half, answer=PackageTracking("DELIVERED", delivered_at=DAY))
    assert not wanted(asked, month_and_a_half + timedelta(days=9))
    back = track(arrived, "1", asked_at=DAY, answer=PackageTracking("RETURNED"))
    assert not wanted(back, month_and_a_half)


@pytest.mark.parametrize(("after_days", "asked"), [(10, True), (0, False)])
def test_when_tracking_is_asked_for_returns_is_policy(after_days: int, asked: bool) -> None:
    reading = RULES.order_status.reading.model_copy(update={"returns_asked_after_days": after_days})
    rules = replace(receiving(Mode.OFF), order_status=replace(RULES.order_status, reading=reading))
    arrived = the_shipment(read(report(delivery="DELIVERED")))
    assert tracking_by(rules, "sandbox")(arrived, DAY + timedelta(days=10)) is asked


def silent(rules: Rules, after: timedelta, **more: Any) -> OrderFacts:
    """The order, read so long after its parcel left and nothing was heard since."""
    return give_up(order(**more), now=DAY + after, rules=rules)


def test_a_parcel_of_which_nothing_is_heard_is_given_up_and_read_no_more() -> None:
    live, days = receiving(Mode.LIVE), timedelta(days=45)
    assert not the_shipment(silent(live, days - timedelta(seconds=1))).is_lost
    gone = silent(live, days)
    assert the_shipment(gone).lost == DAY and the_shipment(gone).is_lost
    state, moment = next_read(gone, now=DAY + days, rules=live)
    assert state == "lost" and moment is not None and moment > DAY + timedelta(days=3000)


def test_a_later_promise_or_a_delivery_ends_that() -> None:
    gone = silent(receiving(Mode.LIVE), timedelta(days=45))
    for news in ({"expected_at": DAY + timedelta(days=50)}, {"delivered_seen": DAY + timedelta(days=50)}):
        known = join_orders(
            gone, replace(order(), shipments={k: replace(one, **news) for k, one in order().shipments.items()})
        )
        assert not the_shipment(known).is_lost
        assert next_read(known, now=DAY + timedelta(days=51), rules=RULES)[0] in ("open", "settled")


def test_an_order_with_units_that_did_not_leave_is_still_read() -> None:
    gone = silent(receiving(Mode.LIVE), timedelta(days=45))
    more = replace(gone, lines={"L1": replace(gone.lines["L1"], ordered=4, left=4)})
    assert next_read(more, now=DAY + timedelta(days=45), rules=RULES)[0] == "open"


def test_nothing_is_given_up_where_nobody_would_hear_of_it() -> None:
    never = RULES.policies.receipts.model_copy(update={"lost_after_days": 0})
    off, live = receiving(Mode.OFF), receiving(Mode.LIVE)
    patient = replace(live, policies=live.policies.model_copy(update={"receipts": never}))
    for rules in (off, patient):
        assert not the_shipment(silent(rules, timedelta(days=400))).is_lost
