"""The Reporting API 2025-06-09: four lists by order date, one by PO number, and the limits that Amazon publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Amazon

LISTS = {
    "orderReports": "ordersReport",
    "orderLineItemReports": "orderLineItemsReport",
    "shipmentReports": "shipmentsReport",
    "shipmentLineItemReports": "shipmentLineItemsReport",
}


def _code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def _orders(answer: Any, key: str) -> list[str]:
    return [row["orderMetadata"]["orderId"] for row in answer.json()[key]]


@pytest.mark.parametrize(
    ("name", "orders"),
    [
        ("orderReports", ["112-1", "112-2"]),
        ("orderLineItemReports", ["112-1", "112-1", "112-2"]),
        ("shipmentReports", ["112-1"]),
        ("shipmentLineItemReports", ["112-1"]),
    ],
)
def test_each_list_is_filtered_by_order_date(amazon: Amazon, name: str, orders: list[str]) -> None:
    answer = amazon.reports(name)
    assert _orders(answer, LISTS[name]) == orders
    assert answer.json()["size"] == len(orders)
    later = amazon.reports(name, orderStartDate="2026-01-25T00:00:00Z")
    assert later.json() == {LISTS[name]: [], "size": 0}


def test_a_shipment_is_found_by_its_orders_date_not_its_own(amazon: Amazon) -> None:
    around_shipping = {"orderStartDate": "2026-01-14T00:00:00Z", "orderEndDate": "2026-01-16T00:00:00Z"}
    assert amazon.reports("shipmentReports", **around_shipping).json()["shipmentsReport"] == []


def test_amounts_are_numbers(amazon: Amazon) -> None:
    line = amazon.reports("orderLineItemReports").json()["orderLineItemsReport"][0]
    assert line["unitPrice"]["amount"] == 10.0
    assert not isinstance(line["charges"][0]["amount"]["amount"], str)


@pytest.mark.parametrize("name", ["orderLineItemReports", "shipmentReports", "shipmentLineItemReports"])
def test_order_ids_are_one_comma_separated_list(amazon: Amazon, name: str) -> None:
    assert set(_orders(amazon.reports(name, orderIds="112-1,112-404"), LISTS[name])) == {"112-1"}
    assert _code(amazon.reports(name, orderIds=["112-1", "112-2"])) == (400, "INVALID_REQUEST_PARAMETER")


def test_an_order_outside_the_range_gives_an_empty_list(amazon: Amazon) -> None:
    query = {"orderIds": "112-1", "orderStartDate": "2026-01-15T00:00:00Z"}
    assert amazon.reports("orderLineItemReports", **query).json()["orderLineItemsReport"] == []


def test_shipment_lines_can_be_asked_by_po_number(amazon: Amazon) -> None:
    assert amazon.reports("shipmentLineItemReports", purchaseOrderNumbers="4500123").json()["size"] == 1
    assert amazon.reports("shipmentLineItemReports", purchaseOrderNumbers="4500999").json()["size"] == 0


@pytest.mark.parametrize("parameter", ["orderIds", "purchaseOrderNumbers"])
def test_thirty_ids_are_allowed_and_thirty_one_are_not(amazon: Amazon, parameter: str) -> None:
    ids = [f"id-{n}" for n in range(31)]
    assert amazon.reports("shipmentLineItemReports", **{parameter: ",".join(ids[:30])}).status_code == 200
    assert _code(amazon.reports("shipmentLineItemReports", **{parameter: ",".join(ids)}))[0] == 400


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"orderStartDate": "2024-12-31T00:00:00Z", "orderEndDate": "2026-01-02T00:00:00Z"}, "INVALID_REQUEST_PARAMETER"),
        ({"orderEndDate": "2026-12-01T00:00:00Z"}, "INVALID_REQUEST_PARAMETER"),
        ({"orderStartDate": "soon"}, "INVALID_REQUEST_PARAMETER"),
        ({"orderStartDate": ""}, "INVALID_REQUEST_PARAMETER"),
        ({"region": "USA"}, "INVALID_REQUEST_PARAMETER"),
        ({"orderStatuses": "LOST"}, "INVALID_REQUEST_PARAMETER"),
        ({"orderStatuses": ""}, "INVALID_REQUEST_PARAMETER"),
    ],
)  # fmt: skip
def test_a_query_outside_the_published_rules_is_400(amazon: Amazon, query: dict[str, str], code: str) -> None:
    assert _code(amazon.reports("orderReports", **query)) == (400, code)


def test_366_days_are_still_allowed(amazon: Amazon) -> None:
    query = {"orderStartDate": "2025-01-31T00:00:00Z", "orderEndDate": "2026-02-01T00:00:00Z"}
    assert amazon.reports("orderReports", **query).status_code == 200


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("orderReports", "INVALID_REQUEST_PARAMETER"),
        ("orderLineItemReports", "INVALID_REQUEST_PARAMETER"),
        ("shipmentReports", "InvalidInput"),
    ],
)
def test_a_start_after_the_end_has_the_code_its_operation_publishes(amazon: Amazon, name: str, code: str) -> None:
    assert _code(amazon.reports(name, orderStartDate="2026-02-02T00:00:00Z")) == (400, code)


def test_statuses_and_regions_narrow_the_list(amazon: Amazon) -> None:
    assert _orders(amazon.reports("orderReports", orderStatuses="PENDING,CLOSED"), "ordersReport") == ["112-2"]
    assert amazon.reports("shipmentReports", shipmentStatuses="SHIPPING_SOON").json()["size"] == 0
    assert amazon.reports("orderReports", region="US").json()["size"] == 2
    assert amazon.reports("orderReports", region="DE").json()["size"] == 0, "a region the account does not use"


def test_pages_are_asked_for_with_the_same_parameters(amazon: Amazon) -> None:
    amazon.switch(reporting_page_size=1)
    first = amazon.reports("orderReports").json()
    second = amazon.reports("orderReports", nextPageToken=first["nextPageToken"])
    assert (first["size"], _orders(second, "ordersReport")) == (1, ["112-2"])
    assert "nextPageToken" not in second.json()
    token = first["nextPageToken"]
    changed = amazon.reports("orderReports", nextPageToken=token, region="US")
    other = amazon.reports("orderLineItemReports", nextPageToken=token)
    alone = amazon.get("/reports/2025-06-09/orderReports", nextPageToken=token)
    assert [answer.status_code for answer in (changed, other, alone)] == [400, 400, 400]


def test_an_empty_token_asks_for_the_first_page(amazon: Amazon) -> None:
    assert amazon.reports("orderReports", nextPageToken="").json()["size"] == 2


def test_orders_are_found_by_po_number_for_two_years(amazon: Amazon) -> None:
    path = "/reports/2025-06-09/purchaseOrders/4500123/orderReports"
    assert _orders(amazon.get(path), "ordersReport") == ["112-1"]
    assert amazon.get("/reports/2025-06-09/purchaseOrders/0000/orderReports").json() == {"ordersReport": [], "size": 0}
    amazon.advance(days=735)
    amazon.sign_in()
    assert amazon.get(path).json()["size"] == 0


@pytest.mark.parametrize("number", ["", "%20"])
def test_an_empty_po_number_is_400(amazon: Amazon, number: str) -> None:
    assert amazon.get(f"/reports/2025-06-09/purchaseOrders/{number}/orderReports").status_code == 400


def test_a_po_number_may_hold_a_slash(amazon: Amazon) -> None:
    assert amazon.get("/reports/2025-06-09/purchaseOrders/A%2F1/orderReports").json()["size"] == 0
