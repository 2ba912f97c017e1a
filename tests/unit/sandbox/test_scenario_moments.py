"""When things happen: in the order of the business, relative to `now`; and ids equal or different across the APIs."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.scenarios import build
from sandbox.seed import Json, Timed, World

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def charge_lines(world: World) -> list[tuple[Timed, Json]]:
    return [(row, line) for row in world.amazon.transactions for line in row.document["transactionLineItems"]]


def test_the_business_happens_in_order() -> None:
    """PO, order, shipment, charge, feed; receipts after the shipment whose id they carry."""
    world = build("quarter", 2, NOW)
    issued = {one.body["po-number"]: one.at for one in world.coupa.records if one.resource == "purchase_orders"}
    ordered = {row.document["orderMetadata"]["orderId"]: row.since for row in world.amazon.orders}
    for row in world.amazon.orders:
        assert issued.get(row.document.get("purchaseOrderNumber", ""), row.since) <= row.since
    for row, line in charge_lines(world):
        shipped = moment(line["shipmentDate"])
        assert ordered[line["orderId"]] < shipped < moment(row.document["transactionDate"]) < row.since
        assert row.since == moment(row.document["feedDate"])
    shipped_at = {row.document["shipmentMetadata"]["shipmentId"]: row.since for row in world.amazon.shipments}
    receipts = [one for one in world.coupa.records if one.resource == "receiving_transactions"]
    assert all(one.at > shipped_at[one.body["match-reference"]] for one in receipts)
    assert all(one.body["custom-fields"]["external-id"] for one in receipts)


def test_a_charge_is_in_the_feed_within_half_a_day_unless_it_is_the_stated_late_component() -> None:
    world = build("quarter", 2, NOW)
    stated = {fact["transaction"] for fact in world.facts["situations"]["late_component"]["documents"]}
    slow = {
        row.document["transactionId"]
        for row in world.amazon.transactions
        if row.since - moment(row.document["transactionDate"]) > DAY / 2
    }
    assert slow == stated


def test_moving_now_moves_every_date_and_no_amount() -> None:
    first, later = build("tiny", 2, NOW), build("tiny", 2, NOW + 7 * DAY)
    for one, other in zip(first.amazon.transactions, later.amazon.transactions, strict=True):
        assert other.since - one.since == 7 * DAY
        assert other.document["amount"] == one.document["amount"]
    for record, other_record in zip(first.coupa.records, later.coupa.records, strict=True):
        assert other_record.at - record.at == 7 * DAY


def test_a_number_that_appears_later_appears_in_the_feed_and_in_the_details_at_the_same_moment() -> None:
    world = build("number_appears_later", 2, NOW)
    (fact,) = world.facts["situations"]["number_appears_later"]["documents"]
    (number,), known_at = fact["invoices"], moment(fact["known_at"])
    (row,) = [row for row, line in charge_lines(world) if line["orderId"] == fact["order"]][:1]
    details = [one for one in world.amazon.invoice_details if one.document["orderLineItem"]["orderId"] == fact["order"]]
    assert known_at > NOW
    assert len(details) == len(row.document["transactionLineItems"])
    before, after = row.at(NOW), row.at(known_at)
    assert before is not None
    assert after is not None
    assert "invoiceNumber" not in before
    assert after["invoiceNumber"] == number
    for one in details:
        earlier, later = one.at(NOW), one.at(known_at)
        assert earlier is not None
        assert later is not None
        assert earlier["invoiceDetails"] == []
        assert [detail["invoiceNumber"] for detail in later["invoiceDetails"]] == [number]


def test_a_consolidated_invoice_reads_pending_and_then_its_number_for_both_orders() -> None:
    world = build("consolidated", 2, NOW)
    (fact,) = world.facts["situations"]["consolidated_pending"]["documents"]
    (number,), known_at = fact["invoices"], moment(fact["known_at"])
    orders = {fact["order"], fact["second_order"]}
    details = [one for one in world.amazon.invoice_details if one.document["orderLineItem"]["orderId"] in orders]
    assert {one.document["orderLineItem"]["orderId"] for one in details} == orders
    for when, expected in ((NOW, "Pending"), (known_at, number)):
        for one in details:
            document = one.at(when)
            assert document is not None
            (detail,) = document["invoiceDetails"]
            assert detail["consolidatedInvoiceDetails"] == {"invoiceNumber": expected}
    shown = [row.at(known_at) for row, line in charge_lines(world) if line["orderId"] in orders]
    assert {document["invoiceNumber"] for document in shown if document} == {number}


def test_every_numbered_transaction_line_has_invoice_details_with_its_number_and_type() -> None:
    world = build("quarter", 2, NOW)
    late = NOW + 60 * DAY
    keys = ("orderId", "orderLineItemId", "shipmentId")
    known = {
        tuple(one.document["orderLineItem"][key] for key in keys): one.at(late) for one in world.amazon.invoice_details
    }
    for row, line in charge_lines(world):
        document, details = row.at(late), known[tuple(line[key] for key in keys)]
        assert document is not None
        assert details is not None
        kind = "STANDARD" if document["transactionType"] == "CHARGE" else "CREDIT_MEMO"
        assert (document["invoiceNumber"], kind) in {
            (one["invoiceNumber"], one["invoiceType"]) for one in details["invoiceDetails"]
        }


def test_the_end_of_month_invoice_is_dated_the_last_day_there_and_the_next_month_in_utc() -> None:
    world = build("end_of_month", 2, NOW)
    (fact,) = world.facts["situations"]["end_of_month"]["documents"]
    details = [
        one.at(NOW) for one in world.amazon.invoice_details if one.document["orderLineItem"]["orderId"] == fact["order"]
    ]
    (dated,) = {moment(one["invoiceDetails"][0]["invoiceDate"]) for one in details if one}
    local = dated.astimezone(ZoneInfo("America/Los_Angeles"))
    assert (local.hour, (local + DAY).day) == (23, 1)
    assert local.date().isoformat() == fact["invoice_date"]
    assert dated.month != local.month


def test_orders_still_settling_came_into_the_feed_less_than_a_day_ago() -> None:
    world = build("quarter", 2, NOW)
    settling = {fact["order"] for fact in world.facts["situations"]["still_settling"]["documents"]}
    fresh = {line["orderId"] for row, line in charge_lines(world) if NOW - DAY < row.since <= NOW}
    assert len(settling) == 8
    assert settling <= fresh


@pytest.mark.parametrize("ids", ["equal", "different"])
def test_shipment_and_line_ids_are_equal_or_different_across_the_two_apis(ids: str) -> None:
    world = build("quarter", 2, NOW, ids=ids, orders=60)
    reporting_lines = {
        (row.document["orderMetadata"]["orderId"], row.document["orderLineItemId"]) for row in world.amazon.order_lines
    }
    reporting_shipments = {row.document["shipmentMetadata"]["shipmentId"] for row in world.amazon.shipments}
    billed_lines = {(line["orderId"], line["orderLineItemId"]) for _, line in charge_lines(world)}
    billed_shipments = {line["shipmentId"] for _, line in charge_lines(world)}
    receipts = {one.body["match-reference"] for one in world.coupa.records if one.resource == "receiving_transactions"}
    assert receipts <= reporting_shipments
    if ids == "equal":
        assert billed_lines <= reporting_lines
        assert billed_shipments <= reporting_shipments
    else:
        assert not billed_lines & reporting_lines
        assert not billed_shipments & reporting_shipments
        assert not billed_shipments & receipts


def test_keys_that_join_the_apis_when_ids_differ_are_there() -> None:
    """Order id, ASIN and quantity of a shipment line find the billed line."""
    world = build("split_shipments", 2, NOW, ids="different")
    shipped = sorted(
        (row.document["orderMetadata"]["orderId"], row.document["productDetails"]["asin"], row.document["quantity"])
        for row in world.amazon.shipment_lines
    )
    billed = sorted((line["orderId"], line["asin"], line["itemQuantity"]) for _, line in charge_lines(world))
    assert shipped == billed


def test_order_reports_spell_the_coding_in_camel_case_and_transactions_by_label() -> None:
    world = build("tiny", 2, NOW)
    coded = {row.document["orderMetadata"]["orderId"]: row.document["businessOrderInfo"] for row in world.amazon.orders}
    for _, line in charge_lines(world):
        assert line["businessOrderInfo"].keys() == {"GL code", "Cost center"}
        assert line["businessOrderInfo"]["Cost center"] == coded[line["orderId"]]["costCenter"]
    assert all(info.keys() >= {"glCode", "costCenter"} for info in coded.values())
