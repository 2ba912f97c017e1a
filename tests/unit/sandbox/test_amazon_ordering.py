"""placeOrder and orderDetails: what is refused, what is accepted, and that nothing is ordered twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.sandbox.amazon_shop import (
    BUYER,
    ORDERS,
    Json,
    Shop,
    artifacts,
    line,
    open_shop,
    order,
    order_ids,
    units,
)
from tests.unit.sandbox.conftest import number

TRIAL = [{"attributeType": "TrialMode"}]


@pytest.fixture(scope="module")
def _open() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(_open: Shop) -> Shop:
    assert _open.control("POST", "reset", {}).status_code == 200
    _open.sign_in()
    return _open


def distribution(count: int, **charge: Any) -> Json:
    kinds = ("cost-center", "gl-code", *(f"segment {n}" for n in range(count)))
    segments = [{"id": f"S{n}", "type": kind, "description": "x"} for n, kind in enumerate(kinds[:count])]
    return {"attributeType": "Distribution", "accounting": {"name": "Split", "segments": segments}, **charge}


@pytest.mark.parametrize(
    "missing",
    ["Region", "PurchaseOrderNumber", "BuyerReference", "BuyingGroupReference", "SelectedPaymentMethodReference", "ShippingAddress"],
)  # fmt: skip
def test_an_order_without_a_required_attribute_is_refused_by_name(shop: Shop, missing: str) -> None:
    answer = shop.post(ORDERS, order(without=missing))
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["code"] == "INVALID_REQUEST_PARAMETER"
    assert missing in error["message"]
    assert shop.orders() == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (order("PO-1", *(line(str(n)) for n in range(51))), "lineItems"),
        (order() | {"lineItems": []}, "lineItems"),
        (order("PO-1", line("1"), line("1")), "externalId 1"),
        (order("PO-1", line(quantity=0)), "quantity"),
        (order("PO-1", line() | {"quantity": 1.5}), "quantity"),
        (order("PO-1", line() | {"attributes": []}), "SelectedProductReference"),
        (order("PO-1", line() | {"expectations": None}), "expectations"),
        (order("x" * 256), "externalId"),
        (order("PO-1", line(attributes=[distribution(16)])), "segments"),
        (order("PO-1", line(attributes=[distribution(0)])), "segments"),
        (order("PO-1", line(attributes=[{"attributeType": "Region", "region": "US"}])), "belongs to the order"),
        (order(attributes=[{"attributeType": "Wish"}]), "Wish"),
        (order(attributes=TRIAL + TRIAL), "more than once"),
        (order() | {"expectations": [{"expectationType": "Wish"}]}, "Wish"),
        (order("PO-1", line() | {"expectations": [{"expectationType": "ExpectedUnitPrice", "amount": {"currencyCode": "USD", "amount": "9"}}]}), "number"),
        (order("PO-1", line() | {"expectations": [{"expectationType": "ExpectedUnitPrice", "amount": {"currencyCode": "EUR", "amount": 9}}]}), "EUR"),
    ],
)  # fmt: skip
def test_a_request_that_breaks_a_published_rule_is_refused(shop: Shop, body: Json, words: str) -> None:
    answer = shop.post(ORDERS, body)
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert words in error["message"] + error["details"]


def test_fifty_lines_are_one_order(shop: Shop) -> None:
    result = shop.place("PO-1", *(line(str(n), quantity=1) for n in range(1, 51)))
    assert units(result) == [(1, 0)] * 50
    assert len(shop.orders()) == 1


def test_a_stranger_may_not_order(shop: Shop) -> None:
    answer = shop.post(ORDERS, order(buyer="stranger@example.com"))
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (403, "Email is not authorized")


def test_a_body_that_is_not_json_has_the_wrong_media_type(shop: Shop) -> None:
    assert shop.http.post(shop.url + ORDERS, data="x", headers=shop.headers).status_code == 415


def test_ordering_needs_its_role(shop: Shop) -> None:
    shop.switch(roles=["Business Product Catalog"])
    shop.sign_in()
    assert shop.post(ORDERS, order()).status_code == 403
    assert shop.details("PO-1").status_code == 403


def test_an_accepted_line_says_what_it_costs_and_when_it_comes(shop: Shop) -> None:
    result = shop.place("PO-1", line(quantity=3, price=10.0))
    assert units(result) == [(3, 0)]
    (item,) = result["lineItems"][0]["acceptedItems"]
    charges = {(one["category"], one["type"]): one["amount"]["amount"] for one in artifacts(item, "Charge")}
    assert charges == {("SUBTOTAL", "PRINCIPAL"): 30.0, ("SUBTOTAL", "TAX"): 2.48, ("SHIPPING", "PRINCIPAL"): 0.0}
    assert artifacts(item, "UnitPrice")[0]["amount"] == number(10.0)
    assert artifacts(item, "DeliveryTimeRange")[0]["lowerBoundary"].startswith("2026-02-12")
    assert len(order_ids(result)) == len(artifacts(result, "Signed")) == 1


def test_shipping_is_charged_and_taxed_below_its_threshold_and_free_above(shop: Shop) -> None:
    def charges(external_id: str, quantity: int) -> dict[tuple[str, str], float]:
        result = shop.place(external_id, line("1", "B0DESK", "desk", quantity))
        (item,) = result["lineItems"][0]["acceptedItems"]
        return {(one["category"], one["type"]): one["amount"]["amount"] for one in artifacts(item, "Charge")}

    few, many = charges("PO-1", 1), charges("PO-2", 3)
    assert (few["SHIPPING", "PRINCIPAL"], few["SHIPPING", "TAX"]) == (5.99, 0.49)
    assert many["SHIPPING", "PRINCIPAL"] == 0
    net = [row["charges"][-1]["amount"]["amount"] for row in shop.order_lines()]
    assert net == [222.97, 649.47]


def test_reporting_shows_the_order_with_its_po_and_its_accounting(shop: Shop) -> None:
    result = shop.place("PO-1", line("7", attributes=[distribution(2)]), po="4500900")
    (shown,) = shop.get("/reports/2025-06-09/purchaseOrders/4500900/orderReports").json()["ordersReport"]
    assert [shown["orderMetadata"]["orderId"]] == order_ids(result)
    assert shown["orderStatus"] == "PAYMENT_CONFIRMED"
    assert shown["businessOrderInfo"] == {"costCenter": "S0", "glCode": "S1"}
    assert shown["buyingCustomer"]["email"] == BUYER
    (row,) = shop.order_lines()
    assert (row["purchaseOrderNumber"], row["purchaseOrderLineItemNumber"]) == ("4500900", "7")
    assert (row["quantity"], row["unitPrice"]["amount"], row["seller"]["name"]) == (3, 10.0, "Pen Traders LLC")
    shop.wait(hours=2)
    assert shop.orders()[0]["orderStatus"] == "PENDING_FULFILLMENT"


def test_every_seller_gets_an_order_of_its_own(shop: Shop) -> None:
    lines = [line("1"), line("2", "B0PEN", "pen-cheap"), line("3", "B0INK", "ink")]
    first, second, third = order_ids(shop.place("PO-1", *lines))
    assert first == third != second
    assert sorted(row["orderMetadata"]["orderId"] for row in shop.orders()) == sorted({first, second})


def test_the_same_request_again_gives_the_same_result_and_orders_nothing(shop: Shop) -> None:
    first, again = shop.place("PO-1"), shop.place("PO-1")
    assert first == again
    assert len(shop.orders()) == 1


def test_another_body_under_the_same_id_is_refused(shop: Shop) -> None:
    shop.place("PO-1")
    answer = shop.post(ORDERS, order("PO-1", line(quantity=4)))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_REQUEST_PARAMETER")
    assert [row["quantity"] for row in shop.order_lines()] == [3]


def test_a_price_above_the_expected_one_costs_the_line_and_names_both(shop: Shop) -> None:
    result = shop.place("PO-1", line("1", price=9.99), line("2", "B0PEN", "pen-cheap", price=9.99))
    assert units(result) == [(0, 3), (3, 0)]
    (broken,) = artifacts(result["lineItems"][0]["rejectedItems"][0], "BrokenUnitPriceExpectation")
    assert (broken["boundary"], broken["actualAmount"]) == (number(9.99), number(10.0))
    assert len(shop.order_lines()) == 1


def test_by_the_other_safeguard_one_broken_line_costs_the_whole_order(shop: Shop) -> None:
    shop.switch(safeguard="reject_order")
    result = shop.place("PO-1", line("1", price=9.99), line("2", "B0PEN", "pen-cheap"))
    assert units(result) == [(0, 3), (0, 3)]
    assert result["rejectionArtifacts"]
    assert artifacts(result, "Signed") == []
    assert shop.orders() == []


@pytest.mark.parametrize(
    ("source", "boundary", "actual"), [("SUBTOTAL", 199.98, 199.99), ("SHIPPING", 0.0, 5.99), ("TAX", 16.98, 16.99)]
)
def test_a_charge_above_the_expected_one_costs_the_line(
    shop: Shop, source: str, boundary: float, actual: float
) -> None:
    result = shop.place("PO-1", line("1", "B0DESK", "desk", 1, charges={source: boundary}))
    (broken,) = artifacts(result["lineItems"][0]["rejectedItems"][0], "BrokenChargeExpectation")
    assert (broken["boundary"], broken["actualAmount"]) == (number(boundary), number(actual))
    assert broken["sources"] == [source]
    assert units(shop.place("PO-2", line("1", "B0DESK", "desk", 1, charges={source: actual}))) == [(1, 0)]


def test_a_charge_expected_for_the_whole_order_costs_the_whole_order(shop: Shop) -> None:
    result = shop.place("PO-1", line("1"), line("2", "B0DESK", "desk", 1), charges={"SHIPPING": 5.98})
    assert units(result) == [(0, 3), (0, 1)]
    assert artifacts(result, "BrokenChargeExpectation")[0]["actualAmount"] == number(5.99)
    assert shop.orders() == []


def test_units_that_are_not_there_are_rejected_and_the_others_ordered(shop: Shop) -> None:
    result = shop.place("PO-1", line("1"), line("2"), po="SHORT")
    assert units(result) == [(2, 1), (3, 0)]
    (rejected,) = result["lineItems"][0]["rejectedItems"]
    assert artifacts(rejected, "UnavailableQuantity")[0]["quantity"] == 1
    assert "Only 2 of the 3" in artifacts(rejected, "RejectionMessage")[0]["message"]
    assert [row["quantity"] for row in shop.order_lines()] == [2, 3]


def test_nothing_is_signed_where_nothing_is_there(shop: Shop) -> None:
    result = shop.place("PO-1", po="NONE-LEFT")
    assert (units(result), artifacts(result, "Signed"), shop.orders()) == ([(0, 3)], [], [])
    assert shop.details("PO-1").json() == result, "the answer was definitive and is kept"


def test_a_refusal_by_fate_comes_with_its_own_artifacts(shop: Shop) -> None:
    result = shop.place("PO-1", po="ADULTS")
    assert artifacts(result["lineItems"][0]["rejectedItems"][0], "AgeRestriction")[0]["minimumAge"] == 21


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (line("1", "B0PEN", "gone"), "no longer available"),
        (line("1", "B0PEN", "desk"), "another product"),
        (line("1", "B0NOWHERE", None), "No offer"),
        (line("1", "B0SHIRT", "shirt"), "variations"),
        (line("1", "B0INK", "ink", 1), "from 2 units on"),
        (line("1", "B0INK", "ink", 6), "limited to 5"),
    ],
)
def test_an_offer_that_cannot_be_bought_is_rejected_in_words(shop: Shop, asked: Json, words: str) -> None:
    result = shop.place("PO-1", asked)
    assert units(result) == [(0, asked["quantity"])]
    assert words in artifacts(result["lineItems"][0]["rejectedItems"][0], "RejectionMessage")[0]["message"]


def test_without_an_offer_the_first_one_is_taken(shop: Shop) -> None:
    shop.place("PO-1", line("1", "B0PEN", None))
    assert shop.order_lines()[0]["unitPrice"]["amount"] == 10.0


@pytest.mark.parametrize("by_switch", [True, False])
def test_a_trial_prices_everything_and_keeps_nothing(shop: Shop, by_switch: bool) -> None:
    shop.switch(test_mode=by_switch)
    result = shop.place("PO-1", **({} if by_switch else {"attributes": TRIAL}))
    (item,) = result["lineItems"][0]["acceptedItems"]
    assert artifacts(item, "Charge")[0]["amount"] == number(30.0)
    assert (order_ids(result), artifacts(result, "Signed"), shop.orders()) == ([], [], [])
    assert shop.details("PO-1").status_code == 404
    shop.switch(test_mode=False)
    assert order_ids(shop.place("PO-1")), "the real order may carry the same id"


def test_details_are_for_people_of_the_group(shop: Shop) -> None:
    placed = shop.place("PO-1/a b")
    assert shop.details("PO-1%2Fa%20b").json() == placed
    assert shop.details("PO-404").status_code == 404
    assert shop.details("PO-1%2Fa%20b", "stranger@example.com").status_code == 403
    assert shop.get(f"{ORDERS}/PO-1%2Fa%20b").status_code == 400


def test_after_shipping_the_details_name_shipment_and_packages(shop: Shop) -> None:
    shop.place("PO-1", line("1"), line("2", "B0PEN", "pen-cheap"), po="PACKAGES")
    shop.wait(hours=12)
    result = shop.details("PO-1").json()
    shipments = {one["identifier"]: one for one in artifacts(result, "Shipment")}
    assert sorted(shipments) == sorted(one["shipmentMetadata"]["shipmentId"] for one in shop.shipments())
    (group,) = artifacts(result["lineItems"][0]["acceptedItems"][0], "ShipmentGroup")
    references = [one["packageReference"] for one in shipments[group["identifier"]]["packages"]]
    assert (group["quantity"], group["packageReferences"]) == (3, references)
    assert len(references) == 2


def test_ordering_has_its_published_rate() -> None:
    with open_shop(speed=1.0) as shop:
        statuses = [shop.details("PO-404").status_code for _ in range(11)]
        assert statuses == [404] * 10 + [429]
        assert shop.post(ORDERS, order()).headers["x-amzn-RateLimit-Limit"] == "0.5"


def test_what_the_order_says_holds_for_lines_that_do_not_say_it_themselves(shop: Shop) -> None:
    product = line()["attributes"]
    price = [{"expectationType": "ExpectedUnitPrice", "amount": number(9.9)}]
    bare = {"externalId": "1", "quantity": 1, "attributes": [], "expectations": []}
    own = line("2", price=10.0) | {"quantity": 1}
    body = order("PO-1", bare, own, attributes=product) | {"expectations": price}
    assert units(shop.post(ORDERS, body).json()) == [(0, 1), (1, 0)]
