"""Which calls sellers are read with: the real client over HTTP against a vendor that answers what a test wants."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.amazon_business.client import AmazonBusiness
from connectors.tally import Tally
from procurement.ledger.types import Window
from procurement.pipelines.amazon_suppliers_to_coupa.reading import observe
from tests.unit.connectors.scripted_vendor import Call, RecordingLimiter, Vendor, connect_amazon, serving

START, END = datetime(2026, 5, 1, 9, tzinfo=UTC), datetime(2026, 6, 20, 12, tzinfo=UTC)
ADDRESS = {"addressLine1": "梅田1-1", "city": "大阪市", "postalCode": "530-0001", "countryCode": "JP"}


class Amazon:
    """Forty orders of one seller, charged one a day; two lines each. `ordered`: when, where it is not the day of the charge."""

    def __init__(self) -> None:
        self.ordered: dict[str, datetime] = {}

    def __call__(self, call: Call) -> Any:
        if call.path.endswith("/transactions"):
            start, end = (datetime.fromisoformat(call.query[name]) for name in ("feedStartDate", "feedEndDate"))
            days = [START.replace(hour=12) + timedelta(days=n) for n in range(40)]
            return {"transactions": [self.charge(n, day) for n, day in enumerate(days) if start <= day < end]}
        if call.path.endswith("/orderLineItemReports"):
            start, end = (datetime.fromisoformat(call.query[name]) for name in ("orderStartDate", "orderEndDate"))
            asked = call.query["orderIds"].split(",")
            shown = [order for order in asked if start <= self.ordered.get(order, END - timedelta(days=41)) <= end]
            return {"orderLineItemsReport": [self.line(order, n) for order in shown for n in "12"]}
        assert call.path.endswith("/invoices")
        found = {
            "invoiceNumber": "1",
            "invoiceDate": "2026-05-02T00:00:00Z",
            "sellerInformation": {"name": "x", "registrationNumber": "T1234567890123"},
        }
        return {"invoiceDetailsByOrderLineItems": [{"orderLineItem": key, "invoiceDetails": [found]} for key in call.body["orderLineItems"]]}  # fmt: skip

    def charge(self, n: int, day: datetime) -> dict[str, Any]:
        lines = [
            {"orderId": f"A-{n}", "orderLineItemId": line, "shipmentId": f"S-{n}", "merchantLegalName": "株式会社ペン",
             "totalAmount": {"currencyCode": "JPY", "amount": "100"}} for line in "12"
        ]  # fmt: skip
        return {"transactionId": f"t-{n}", "transactionType": "CHARGE", "transactionDate": day.isoformat(), "feedDate": day.isoformat(), "transactionLineItems": lines}  # fmt: skip

    def line(self, order: str, n: str) -> dict[str, Any]:
        return {
            "orderMetadata": {"orderId": order},
            "orderLineItemId": n,
            "seller": {"name": "ペン（株）", "primaryAddress": ADDRESS},
        }


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as made:
        made.usual = Amazon()
        yield made


@pytest.fixture
def amazon(vendor: Vendor) -> AmazonBusiness:
    return connect_amazon(vendor.url, RecordingLimiter())


def calls(vendor: Vendor, word: str) -> list[Call]:
    return [call for call in vendor.calls if call.path.endswith(word)]


def test_the_feed_is_read_from_midnight_in_months_and_order_lines_by_thirty_orders(
    vendor: Vendor, amazon: AmazonBusiness
) -> None:
    tally = Tally()
    months = list(observe(amazon, Window(START, END), tally, country="US", now=END))
    assert [call.query["feedStartDate"] for call in calls(vendor, "/transactions")] == [
        "2026-05-01T00:00:00Z",
        "2026-05-31T00:00:00Z",
    ]
    asked = calls(vendor, "/orderLineItemReports")
    assert sorted(len(call.query["orderIds"].split(",")) for call in asked) == [10, 30]
    for call in asked:
        start, end = (datetime.fromisoformat(call.query[name]) for name in ("orderStartDate", "orderEndDate"))
        assert end - start <= timedelta(days=366) and end <= END
    assert sum(month.bought.lines for month in months) == 80
    assert {key for _, key in tally.seen} == {"株式会社ペン", "ペン（株） | 梅田1-1, 大阪市, 530-0001, JP"}
    assert calls(vendor, "/invoices") == []


def test_an_order_a_year_older_than_its_charge_is_asked_for_once_more_and_no_other(
    vendor: Vendor, amazon: AmazonBusiness
) -> None:
    vendor.usual.ordered = {"A-1": START - timedelta(days=500), "A-2": START - timedelta(days=900)}
    (month, *_) = observe(amazon, Window(START, END), Tally(), country="US", now=END)
    again = [
        call.query for call in calls(vendor, "/orderLineItemReports") if call.query["orderIds"].startswith("A-1,A-2")
    ]
    assert [query["orderIds"] for query in again] == ["A-1,A-2"]
    (start, end) = (datetime.fromisoformat(again[0][name]) for name in ("orderStartDate", "orderEndDate"))
    assert end - start == timedelta(days=366) and start < START - timedelta(days=500) < end
    seller, legal = month.facts["ペン（株） | 梅田1-1, 大阪市, 530-0001, JP"], month.facts["株式会社ペン"]
    assert "A-1" in seller.bought().orders and legal.bought().orders == ("A-2",)


def test_in_japan_one_invoice_of_each_spelling_gives_its_registration_number(
    vendor: Vendor, amazon: AmazonBusiness
) -> None:
    (month, *_) = observe(amazon, Window(START, END), Tally(), country="JP", now=END)
    (call, *_) = calls(vendor, "/invoices")
    assert call.body["orderLineItems"] == [{"orderId": "A-0", "orderLineItemId": "1", "shipmentId": "S-0"}]
    assert month.facts["ペン（株） | 梅田1-1, 大阪市, 530-0001, JP"].registration == "T1234567890123"
    assert month.facts["株式会社ペン"].registration == ""


def test_without_a_window_nothing_is_asked(vendor: Vendor, amazon: AmazonBusiness) -> None:
    assert list(observe(amazon, None, Tally(), country="US", now=END)) == []
    assert vendor.calls == []
