"""Amazon Business: which calls are made, how they are cut, and what is made of the answers."""

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.operations import ALL_OPERATIONS
from connectors.amazon_business.payloads import OrderLineKey
from connectors.amazon_business.transactions import amount_of, key_of
from connectors.errors import UnexpectedResponse
from connectors.limits import Bucket, LocalLimiter
from connectors.tally import Tally, content_key
from tests.unit.connectors.scripted_vendor import (
    Call,
    RecordingLimiter,
    Vendor,
    answer,
    connect_amazon,
)

FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC)


def money(amount: Any, currency: str = "USD") -> dict[str, Any]:
    return {"currencyCode": currency, "amount": amount}


def key(n: int) -> OrderLineKey:
    return OrderLineKey(f"order-{n}", f"line-{n}", f"shipment-{n}")


def details_in_reverse(call: Call) -> Any:
    lines = call.body["orderLineItems"]
    detail = {"invoiceDate": "2026-02-04T05:00:00Z", "invoiceType": "STANDARD"}
    return {
        "invoiceDetailsByOrderLineItems": [
            {"orderLineItem": line, "invoiceDetails": [detail | {"invoiceNumber": f"INV-{line['orderId']}"}]}
            for line in reversed(lines)
        ]
    }


def test_the_feed_is_asked_for_its_window_in_utc_and_paged_with_the_same_dates(
    amazon: AmazonBusiness, vendor: Vendor
) -> None:
    vendor.then(answer({"transactions": [{"transactionId": "1"}], "nextPageToken": "p+2/="}))
    vendor.usual = lambda call: {"transactions": [{"transactionId": "2"}]}
    pages = list(amazon.transaction_pages(FROM, TO))
    assert pages == [[{"transactionId": "1"}], [{"transactionId": "2"}]]
    dates = {"feedStartDate": "2026-01-01T00:00:00Z", "feedEndDate": "2026-01-31T00:00:00Z"}
    assert [call.query for call in vendor.calls] == [dates, dates | {"nextPageToken": "p+2/="}]
    assert vendor.calls[0].path == "/reconciliation/2021-01-08/transactions"


def test_amazon_gets_the_bare_token_and_the_time_of_the_call(amazon: AmazonBusiness, vendor: Vendor) -> None:
    list(amazon.transaction_pages(FROM, TO))
    headers = vendor.calls[0].headers
    assert headers["x-amz-access-token"] == "secret-token-1"
    assert "authorization" not in headers
    assert datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    assert vendor.token_calls[0].body["grant_type"] == "refresh_token"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (FROM, FROM + timedelta(days=30, seconds=1)),
        (TO, FROM),
        (FROM, FROM),
        (FROM.replace(tzinfo=None), TO),
        (FROM, TO.replace(tzinfo=None)),
    ],
)
def test_a_window_amazon_would_not_take_is_refused_before_any_call(
    amazon: AmazonBusiness, vendor: Vendor, start: datetime, end: datetime
) -> None:
    with pytest.raises(ValueError, match="window"):
        amazon.transaction_pages(start, end)
    assert vendor.calls == []


def test_reports_span_at_most_366_days(amazon: AmazonBusiness) -> None:
    list(amazon.order_pages(FROM, FROM + timedelta(days=366)))
    with pytest.raises(ValueError, match="366 days"):
        amazon.order_pages(FROM, FROM + timedelta(days=367))


# The tally


def test_transactions_are_counted_from_the_raw_page(amazon: AmazonBusiness, vendor: Vendor) -> None:
    nameless = {"amount": money("2.00")}
    rows = [
        {"transactionId": "tx-1", "amount": money("99"), "transactionLineItems": [{"totalAmount": money("43.28")}]},
        {"transactionId": "tx-2", "amount": money("-5.10")},
        nameless,
        {"transactionId": "tx-4", "amount": money("rubbish")},
    ]
    vendor.then(answer({"transactions": rows, "nextPageToken": "2"}), answer({"transactions": rows[1:2]}))
    tally = Tally()
    pages = list(amazon.transaction_pages(FROM, TO, tally=tally))
    assert [len(page) for page in pages] == [4, 1]
    assert (tally.documents, tally.repeats, tally.pages) == (4, 1, 2)
    assert tally.money == {"USD": Decimal("40.18")}
    assert ("transaction", content_key(nameless)) in tally.seen
    assert tally.seen["transaction", "tx-4"] == (None, None)


def test_a_page_is_counted_before_anybody_sees_it(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"transactions": [{"transactionId": "tx-1"}]}
    tally = Tally()
    next(amazon.transaction_pages(FROM, TO, tally=tally))
    assert tally.documents == 1


@pytest.mark.parametrize("given", [None, "", "  ", 7, "\0"])
def test_a_transaction_without_a_usable_id_is_known_by_its_content(given: Any) -> None:
    row = {"transactionId": given, "amount": money("1")}
    assert key_of(row) == content_key(row)


def test_an_id_has_no_blanks_around_it_and_no_nul() -> None:
    assert key_of({"transactionId": " tx\0-1 "}) == "tx-1"


@pytest.mark.parametrize(
    ("row", "amount"),
    [
        ({"transactionLineItems": [{"totalAmount": money("1.10")}, {"totalAmount": money("-0.20")}]}, ("0.90", "USD")),
        ({"transactionLineItems": [], "amount": money("7")}, ("7", "USD")),
        ({"amount": money(Decimal("7.5"), "JPY")}, ("7.5", "JPY")),
        ({"transactionLineItems": [{"totalAmount": money("1")}, {}]}, None),
        ({"transactionLineItems": [{"totalAmount": money("1")}, {"totalAmount": money("1", "EUR")}]}, None),
        ({"transactionLineItems": ["row"]}, None),
        ({"transactionLineItems": [{"totalAmount": money(1.5)}]}, None),
        ({"amount": {"amount": "1"}}, None),
        ({"amount": "1"}, None),
        ({}, None),
    ],
)
def test_an_amount_that_cannot_be_read_whole_is_none(row: Any, amount: tuple[str, str] | None) -> None:
    expected = (Decimal(amount[0]), amount[1]) if amount else (None, None)
    assert amount_of(row) == expected


# Invoice and payment details


def test_invoice_details_are_asked_25_lines_a_call_and_matched_by_their_ids(
    amazon: AmazonBusiness, vendor: Vendor
) -> None:
    vendor.usual = details_in_reverse
    found = {details.order_line.key: details for details in amazon.invoice_details(key(n) for n in range(60))}
    assert sorted(len(call.body["orderLineItems"]) for call in vendor.calls) == [10, 25, 25]
    assert set(found) == {key(n) for n in range(60)}
    assert all(found[key(n)].invoice_details[0].invoice_number == f"INV-order-{n}" for n in range(60))
    assert vendor.calls[0].method == "POST"
    assert vendor.calls[0].path == "/reconciliation/2021-01-08/invoices"


def test_a_line_is_asked_once_however_often_it_is_given(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = details_in_reverse
    assert len(list(amazon.invoice_details([key(1)] * 40))) == 1
    assert len(vendor.calls[0].body["orderLineItems"]) == 1


def test_nothing_to_ask_is_no_call(amazon: AmazonBusiness, vendor: Vendor) -> None:
    assert list(amazon.invoice_details([])) == []
    assert list(amazon.payment_details([""])) == []
    assert vendor.calls == []


def test_details_of_lines_not_asked_for_are_left_out_and_counted(
    amazon: AmazonBusiness, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    vendor.usual = lambda call: details_in_reverse(
        Call("POST", "", {}, {}, {"orderLineItems": [{"orderId": "x", "orderLineItemId": "y", "shipmentId": "z"}]})
    )
    assert list(amazon.invoice_details([key(1)])) == []
    assert "order_lines_not_asked_for=1" in caplog.text


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([], "not an object"),
        ({"invoiceDetailsByOrderLineItems": [{"orderLineItem": {"orderId": "1"}}]}, "orderLineItemId"),
        ({"invoiceDetailsByOrderLineItems": "none"}, "no list"),
    ],
)
def test_details_that_cannot_be_used_are_unexpected(
    amazon: AmazonBusiness, vendor: Vendor, body: Any, problem: str
) -> None:
    vendor.usual = lambda call: body
    with pytest.raises(UnexpectedResponse, match=f"^getInvoiceDetailsByOrderLineItems: .*{problem}"):
        list(amazon.invoice_details([key(1)]))


def test_payment_details_are_asked_25_invoices_a_call(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = lambda call: {
        "invoicePaymentDetailsResults": [
            {"invoiceId": number, "resultType": "SUCCESS", "paymentDetails": {"status": "Issued"}}
            for number in call.body["invoiceIds"]
        ]
    }
    found = list(amazon.payment_details([f"INV-{n}" for n in range(30)]))
    assert [details.invoice_id for details in found] == [f"INV-{n}" for n in range(30)]
    assert sorted(len(call.body["invoiceIds"]) for call in vendor.calls) == [5, 25]


def test_a_read_that_is_a_post_is_repeated_like_any_other(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(answer({}, status=500))
    vendor.usual = details_in_reverse
    assert len(list(amazon.invoice_details([key(1)]))) == 1
    assert len(vendor.calls) == 2


# Reports


@pytest.mark.parametrize("method", ["order_line_pages", "shipment_pages", "shipment_line_pages"])
def test_reports_by_order_take_30_ids_a_call_separated_by_commas(
    amazon: AmazonBusiness, vendor: Vendor, method: str
) -> None:
    ids = [f"112-{n}" for n in range(70)]
    list(getattr(amazon, method)(FROM, TO, order_ids=ids))
    assert sorted(len(call.query["orderIds"].split(",")) for call in vendor.calls) == [10, 30, 30]
    assert {one for call in vendor.calls for one in call.query["orderIds"].split(",")} == set(ids)
    dates = {"orderStartDate": "2026-01-01T00:00:00Z", "orderEndDate": "2026-01-31T00:00:00Z", "region": "US"}
    assert all(dates.items() <= call.query.items() for call in vendor.calls)


@pytest.mark.parametrize("method", ["order_pages", "order_line_pages", "shipment_pages", "shipment_line_pages"])
def test_reports_of_a_range_are_one_paged_call(amazon: AmazonBusiness, vendor: Vendor, method: str) -> None:
    list(getattr(amazon, method)(FROM, TO))
    assert len(vendor.calls) == 1
    assert "orderIds" not in vendor.calls[0].query


def test_orders_can_be_narrowed_by_status_or_found_by_po(amazon: AmazonBusiness, vendor: Vendor) -> None:
    list(amazon.order_pages(FROM, TO, statuses=("CLOSED", "CANCELLED")))
    list(amazon.order_pages_by_po("PO 45/001"))
    assert vendor.calls[0].query["orderStatuses"] == "CLOSED,CANCELLED"
    assert vendor.calls[1].path == "/reports/2025-06-09/purchaseOrders/PO%2045%2F001/orderReports"


def test_without_a_region_none_is_asked_for(vendor: Vendor, limiter: RecordingLimiter) -> None:
    client = connect_amazon(vendor.url, limiter)
    client.region = ""
    list(client.order_pages(FROM, TO))
    assert "region" not in vendor.calls[0].query


# Rates


def test_each_operation_has_its_own_bucket_with_the_published_rate(vendor: Vendor) -> None:
    declared: dict[str, Bucket] = {}

    class Listening(LocalLimiter):
        def declare(self, buckets: Any) -> None:
            declared.update({bucket.name: bucket for bucket in buckets})

    connect_amazon(vendor.url, Listening(), speed=1.0)
    assert len(declared) == len(ALL_OPERATIONS)
    transactions = declared["amazon_business/acme-us/getTransactions"]
    orders = declared["amazon_business/acme-us/getOrderReports"]
    assert (transactions.rate, transactions.burst) == (2, 10)
    assert (orders.rate, orders.burst) == (0.5, 10)


def test_calls_draw_from_the_bucket_of_their_operation(
    amazon: AmazonBusiness, vendor: Vendor, limiter: RecordingLimiter
) -> None:
    list(amazon.transaction_pages(FROM, TO))
    list(amazon.order_pages(FROM, TO))
    assert limiter.taken == ["amazon_business/acme-us/getTransactions", "amazon_business/acme-us/getOrderReports"]
