"""What becomes of a placed order as the clock moves: each step at its own moment, whoever looks how late."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.unit.sandbox.amazon_shop import Json, Shop, artifacts, line, open_shop, order_ids
from tests.unit.sandbox.conftest import number

INVOICES = "/reconciliation/2021-01-08/invoices"
WEEK = 168.0


@pytest.fixture(scope="module")
def _open() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(_open: Shop) -> Shop:
    assert _open.control("POST", "reset", {}).status_code == 200
    _open.sign_in()
    return _open


def unfolded(shop: Shop, po: str, *lines: Json, hours: float = WEEK) -> Shop:
    """One order for the PO, and that much time."""
    shop.place("PO-1", *lines, po=po)
    shop.wait(hours)
    return shop


def statuses(shop: Shop) -> list[str]:
    return [row["orderStatus"] for row in shop.orders()]


def delivered(shop: Shop) -> list[str]:
    return [row["deliveryInfo"]["status"] for row in shop.shipments()]


def net(row: Json) -> float:
    return float(row["charges"][-1]["amount"]["amount"])


def kinds(shop: Shop) -> list[tuple[str, str]]:
    return [(row["transactionType"], row["amount"]["amount"]) for row in shop.feed()]


def moment(text: str) -> str:
    """Day, hour: the sandbox's clock starts at noon of the tenth, and runs a little while a test does."""
    return text[8:13]


def test_without_a_fate_an_order_ships_is_charged_and_arrives(shop: Shop) -> None:
    shop.place("PO-1", line("1"), line("2", "B0INK", "ink"))
    shop.wait(19)
    assert (statuses(shop), shop.shipments()) == (["PENDING_FULFILLMENT"], [])
    shop.wait(1.5)
    assert delivered(shop) == ["NOT_DELIVERED"]
    assert shop.feed() == [], "it is charged an hour after it left"
    shop.wait(WEEK)
    assert (statuses(shop), delivered(shop)) == (["CLOSED"], ["DELIVERED"])
    (charge,) = shop.feed()
    assert charge["amount"]["amount"] == "55.21"
    assert charge["paymentInstrumentType"] == "Pay by Invoice"
    assert [one["purchaseOrderLineItemId"] for one in charge["transactionLineItems"]] == ["1", "2"]


def test_every_step_carries_its_own_moment_however_late_somebody_looks(shop: Shop) -> None:
    unfolded(shop, "4500900", hours=24 * 30)
    (shipment,) = shop.shipments()
    assert moment(shipment["shipmentMetadata"]["shipmentDate"]) == "11T08"
    (charge,) = shop.feed()
    assert (moment(charge["transactionDate"]), moment(charge["feedDate"])) == ("11T09", "11T09")
    happened = {one["event"]: moment(one["at"]) for one in shop.state("happened")}
    assert happened == {"start_fulfilment": "10T13", "ship": "11T08", "charge": "11T09", "deliver": "13T08"}


def test_a_charge_reaches_the_feed_as_late_as_the_switch_says(shop: Shop) -> None:
    shop.switch(feed_delay_seconds=86400.0)
    unfolded(shop, "4500900", hours=24)
    assert shop.feed() == []
    shop.wait(24)
    (charge,) = shop.feed()
    assert (moment(charge["transactionDate"]), moment(charge["feedDate"])) == ("11T09", "12T09")


def test_the_invoice_of_a_charge_is_known_by_its_lines_and_has_a_due_date(shop: Shop) -> None:
    unfolded(shop, "4500900")
    (charge,) = shop.feed()
    key = {name: charge["transactionLineItems"][0][name] for name in ("orderId", "orderLineItemId", "shipmentId")}
    (row,) = shop.post(INVOICES, {"orderLineItems": [key]}).json()["invoiceDetailsByOrderLineItems"]
    (detail,) = row["invoiceDetails"]
    assert (detail["invoiceNumber"], detail["invoiceType"]) == (charge["invoiceNumber"], "STANDARD")
    body = {"invoiceIds": [charge["invoiceNumber"]]}
    (payment,) = shop.post(f"{INVOICES}/batch/paymentDetails", body).json()["invoicePaymentDetailsResults"]
    assert payment["paymentDetails"]["status"] == "Issued"


def test_shipments_add_up_to_the_order_to_the_cent_and_each_has_its_invoice(shop: Shop) -> None:
    unfolded(shop, "SPLIT", line("1", quantity=3), line("2", "B0INK", "ink", 2))
    first, second = shop.shipments()
    assert Decimal(str(net(first))) + Decimal(str(net(second))) == Decimal(str(net(shop.orders()[0])))
    assert len({row["invoiceNumber"] for row in shop.feed()}) == 2
    assert [row["quantity"] for row in shop.shipment_lines()] == [1, 2, 2]


def test_a_delivery_step_may_name_one_of_several_shipments(shop: Shop) -> None:
    unfolded(shop, "SPLIT", hours=45)
    assert delivered(shop) == ["DELIVERED", "NOT_DELIVERED"]
    assert statuses(shop) == ["PENDING_FULFILLMENT"]
    shop.wait(60)
    assert (delivered(shop), statuses(shop)) == (["DELIVERED", "DELIVERED"], ["CLOSED"])


def test_a_shipment_is_delivered_with_its_last_package(shop: Shop) -> None:
    unfolded(shop, "PACKAGES", hours=25)
    assert delivered(shop) == ["NOT_DELIVERED"]
    shop.wait(10)
    assert delivered(shop) == ["DELIVERED"]
    (row,) = shop.shipment_lines()
    assert [one["packageId"] for one in row["packages"]] == ["1", "2"]
    assert len({one["trackingId"] for one in row["packages"]}) == 2


def test_a_fate_may_leave_the_charge_or_its_number_out(shop: Shop) -> None:
    unfolded(shop, "UNBILLED")
    assert shop.feed() == []
    shop.place("PO-2", po="LATE-NUMBER")
    shop.wait(24)
    assert ["invoiceNumber" in row for row in shop.feed()] == [False]
    shop.wait(30)
    assert ["invoiceNumber" in row for row in shop.feed()] == [True]


def test_a_delay_moves_the_expected_date(shop: Shop) -> None:
    unfolded(shop, "LATE", hours=12)
    before = shop.shipments()[0]["deliveryInfo"]["expectedDeliveryDate"]
    shop.wait(60)
    after = shop.shipments()[0]["deliveryInfo"]["expectedDeliveryDate"]
    assert (before[:10], after[:10]) == ("2026-02-13", "2026-02-16")


def test_a_delay_before_shipping_moves_the_promise(shop: Shop) -> None:
    unfolded(shop, "PROMISED-LATER", hours=6)
    (item,) = shop.details("PO-1").json()["lineItems"][0]["acceptedItems"]
    assert artifacts(item, "DeliveryTimeRange")[0]["upperBoundary"].startswith("2026-02-14")


def test_what_is_cancelled_whole_never_ships(shop: Shop) -> None:
    unfolded(shop, "CANCELLED")
    assert (statuses(shop), net(shop.orders()[0]), shop.shipments(), shop.feed()) == (["CANCELLED"], 0.0, [], [])
    assert [one["nothing"] for one in shop.state("happened") if one["event"] == "ship"] == ["the order is cancelled"]


def test_what_is_cancelled_in_part_leaves_the_rest(shop: Shop) -> None:
    unfolded(shop, "PART-CANCELLED")
    assert [row["quantity"] for row in shop.order_lines()] == [row["quantity"] for row in shop.shipment_lines()] == [2]
    assert (statuses(shop), kinds(shop)) == (["CLOSED"], [("CHARGE", "21.65")])
    assert net(shop.orders()[0]) == 21.65


def test_a_cancellation_keeps_what_had_shipped(shop: Shop) -> None:
    unfolded(shop, "REST-CANCELLED", line("1"), line("2", "B0INK", "ink"))
    assert [row["quantity"] for row in shop.order_lines()] == [1, 0]
    assert (statuses(shop), delivered(shop), kinds(shop)) == (["CLOSED"], ["DELIVERED"], [("CHARGE", "10.83")])


def test_a_cancellation_after_the_charge_leaves_a_refund(shop: Shop) -> None:
    unfolded(shop, "CHARGED-FIRST", line("1"), line("2", "B0INK", "ink"))
    assert (statuses(shop), shop.shipments()) == (["CANCELLED"], [])
    assert kinds(shop) == [("CHARGE", "55.21"), ("REFUND", "-55.21")]


def test_goods_that_come_back_are_refunded_once(shop: Shop) -> None:
    unfolded(shop, "RETURNED")
    assert kinds(shop) == [("CHARGE", "32.48"), ("REFUND", "-32.48")]
    charge, refund = shop.feed()
    assert refund["invoiceNumber"] != charge["invoiceNumber"]
    assert moment(refund["transactionDate"]) == "13T14"


def test_one_unit_of_one_line_is_refunded_alone(shop: Shop) -> None:
    unfolded(shop, "ONE-BACK", line("1"), line("2", "B0INK", "ink"))
    (refunded,) = shop.feed()[1]["transactionLineItems"]
    assert (refunded["itemQuantity"], refunded["refundReason"]) == (1, "Defective")
    assert refunded["purchaseOrderLineItemId"] == "1"
    assert refunded["totalAmount"]["amount"] == "-10.83"


def test_money_may_come_back_without_goods(shop: Shop) -> None:
    unfolded(shop, "GOODWILL")
    assert kinds(shop) == [("CHARGE", "32.48"), ("REFUND", "-3.25")]
    assert shop.feed()[1]["transactionLineItems"][0]["itemQuantity"] == 0


def test_a_new_price_is_what_is_charged(shop: Shop) -> None:
    unfolded(shop, "REPRICED")
    assert shop.order_lines()[0]["unitPrice"]["amount"] == 11.0
    assert net(shop.orders()[0]) == 35.73


def test_amazon_s_own_receiving_says_who_received_what(shop: Shop) -> None:
    unfolded(shop, "RECEIVED")
    info = shop.shipment_lines()[0]["receivingInfo"]
    assert (info["status"], info["quantity"], moment(info["date"])) == ("PARTIALLY_RECEIVED", 2, "11T18")
    assert info["customer"]["email"] == "buyer@example.com"


def test_more_may_arrive_than_was_ordered_but_no_more_is_charged(shop: Shop) -> None:
    unfolded(shop, "TOO-MANY")
    assert [row["quantity"] for row in shop.shipment_lines()] == [4]
    assert kinds(shop) == [("CHARGE", "32.48")]


def test_two_worlds_of_one_seed_give_the_same_ids_in_whatever_order_requests_come() -> None:
    seen: list[list[Json]] = []
    for ids in (("PO-1", "PO-2"), ("PO-2", "PO-1")):
        with open_shop() as shop:
            for external_id in ids:
                shop.place(external_id, po=external_id)
            shop.wait(WEEK)
            rows = [line for row in shop.feed() for line in row["transactionLineItems"]]
            names = [row["transactionId"] + row["invoiceNumber"] for row in shop.feed()]
            keys = ("orderId", "orderLineItemId", "shipmentId")
            seen.append([sorted(names), sorted([row[key] for key in keys] for row in rows)])  # type: ignore[arg-type]
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("ids", "same"), [("equal", True), ("different", False)])
def test_reconciliation_names_lines_and_shipments_as_the_world_says(ids: str, same: bool) -> None:
    with open_shop(ids=ids) as shop:
        unfolded(shop, "SPLIT")
        shipped = {(row["orderLineItemId"], row["shipmentMetadata"]["shipmentId"]) for row in shop.shipment_lines()}
        charges = [line for row in shop.feed() for line in row["transactionLineItems"]]
        charged = {(one["orderLineItemId"], one["shipmentId"]) for one in charges}
        assert (shipped == charged, len(shipped), len(charged)) == (same, 2, 2)
        assert shipped.isdisjoint(charged) is not same
        keys = [{name: one[name] for name in ("orderId", "orderLineItemId", "shipmentId")} for one in charges]
        rows = shop.post(INVOICES, {"orderLineItems": keys}).json()["invoiceDetailsByOrderLineItems"]
        assert all(len(row["invoiceDetails"]) == 1 for row in rows)


def test_a_restored_sandbox_goes_on_with_what_was_still_to_come() -> None:
    with open_shop() as shop:
        placed = shop.place("PO-1", po="LATE")
        shop.wait(65)
        snapshot = shop.sandbox.snapshot()
        shop.wait(WEEK)
        expected = (shop.feed(), shop.state("tracking"), shop.state("happened"), shop.details("PO-1").json())
    with open_shop(snapshot=snapshot) as again:
        assert delivered(again) == ["NOT_DELIVERED"]
        assert again.place("PO-1", po="LATE") == placed, "the same request is known"
        again.wait(WEEK)
        assert (
            again.feed(),
            again.state("tracking"),
            again.state("happened"),
            again.details("PO-1").json(),
        ) == expected


def test_a_reset_forgets_orders_and_what_was_to_become_of_them(shop: Shop) -> None:
    shop.place("PO-1")
    assert shop.control("POST", "reset", {}).status_code == 200
    shop.sign_in()
    assert shop.details("PO-1").status_code == 404
    shop.wait(WEEK)
    assert (shop.orders(), shop.shipments(), shop.feed(), shop.state("pending")) == ([], [], [], [])


def test_events_by_hand_act_on_placed_orders_too(shop: Shop) -> None:
    (order_id,) = order_ids(shop.place("PO-1", line("1", quantity=3)))
    (row,) = shop.order_lines()
    shop.event("ship", orderId=order_id, orderLineItemId=row["orderLineItemId"], quantity=1)
    shop.wait(WEEK)
    assert sorted(one["quantity"] for one in shop.shipment_lines()) == [1, 2]
    assert net(shop.orders()[0]) == number(32.48)["amount"]
