"""The Reconciliation API: the feed by feedDate, invoice numbers of order lines, payment status of invoices."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Amazon

PAGES = "/reconciliation/2021-01-08/transactions"
INVOICES = "/reconciliation/2021-01-08/invoices"
PAYMENTS = f"{INVOICES}/batch/paymentDetails"
L1 = {"orderId": "112-1", "orderLineItemId": "L1", "shipmentId": "S-L1"}
L3 = {"orderId": "112-2", "orderLineItemId": "L3", "shipmentId": "S-L3"}


def _ids(answer: Any) -> list[str]:
    return [row["transactionId"] for row in answer.json()["transactions"]]


def _is_invalid(answer: Any) -> bool:
    return bool(answer.status_code == 400) and bool(answer.json()["errors"][0]["code"] == "INVALID_REQUEST_PARAMETER")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("01-01", "02-28", ["tx-1", "tx-2", "tx-3"]),
        ("01-21", "02-01", ["tx-2"]),
        ("02-06", "02-28", []),
    ],
)
def test_the_feed_is_filtered_by_feed_date_and_in_its_order(
    amazon: Amazon, start: str, end: str, expected: list[str]
) -> None:
    assert _ids(amazon.transactions(start, end)) == expected


def test_a_transaction_appears_when_the_clock_reaches_its_feed_date(amazon: Amazon) -> None:
    assert "tx-4" not in _ids(amazon.transactions())
    amazon.advance(days=3)
    amazon.sign_in()
    assert _ids(amazon.transactions())[-1] == "tx-4"


def test_both_ends_of_the_window_count(amazon: Amazon) -> None:
    moment = "2026-01-20T12:00:00Z"
    assert _ids(amazon.get(PAGES, feedStartDate=moment, feedEndDate=moment)) == ["tx-1"]


def test_amounts_are_strings(amazon: Amazon) -> None:
    first = amazon.transactions().json()["transactions"][0]
    assert first["amount"]["amount"] == "43.30"
    assert first["transactionLineItems"][0]["totalAmount"]["amount"] == "43.30"


@pytest.mark.parametrize("resend_dates", [False, True])
def test_both_known_ways_of_paging_give_each_transaction_once(amazon: Amazon, resend_dates: bool) -> None:
    amazon.switch(reconciliation_page_size=2)
    first = amazon.transactions()
    token = first.json()["nextPageToken"]
    second = amazon.transactions(nextPageToken=token) if resend_dates else amazon.get(PAGES, nextPageToken=token)
    assert _ids(first) + _ids(second) == ["tx-1", "tx-2", "tx-3"]
    assert "nextPageToken" not in second.json()


def test_the_last_full_page_has_no_token(amazon: Amazon) -> None:
    amazon.switch(reconciliation_page_size=3)
    assert "nextPageToken" not in amazon.transactions().json()


def test_pages_do_not_shift_when_the_feed_grows_between_them(amazon: Amazon) -> None:
    amazon.switch(reconciliation_page_size=2)
    first = amazon.transactions()
    amazon.event("refund", transactionId="tx-1", quantity=1)
    second = amazon.get(PAGES, nextPageToken=first.json()["nextPageToken"])
    assert _ids(first) + _ids(second) == ["tx-1", "tx-2", "tx-3"]


def test_a_page_token_is_good_for_nothing_else(amazon: Amazon) -> None:
    amazon.switch(reconciliation_page_size=1, reporting_page_size=1)
    token = amazon.transactions().json()["nextPageToken"]
    foreign = amazon.reports("orderReports").json()["nextPageToken"]
    assert _is_invalid(amazon.transactions("01-02", nextPageToken=token)), "other dates"
    stranger = amazon.get(PAGES, nextPageToken=foreign)
    assert _is_invalid(stranger)
    assert "not valid for this operation" in stranger.json()["errors"][0]["message"]
    assert _is_invalid(amazon.get(PAGES, nextPageToken=token[:-4])), "cut"
    assert _is_invalid(amazon.get(PAGES, nextPageToken="made-up")), "made up"


def test_a_page_token_that_was_tampered_with_is_400(amazon: Amazon) -> None:
    amazon.switch(reconciliation_page_size=1)
    packed = base64.urlsafe_b64decode(amazon.transactions().json()["nextPageToken"])
    assert b",1," in packed, "the offset"
    tampered = base64.urlsafe_b64encode(packed.replace(b",1,", b",2,")).decode()
    assert _is_invalid(amazon.get(PAGES, nextPageToken=tampered))


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"feedStartDate": "2026-01-01T00:00:00Z"},
        {"feedStartDate": "yesterday", "feedEndDate": "2026-02-01T00:00:00Z"},
        {"feedStartDate": "2026-01-01T00:00:00Z", "feedEndDate": "2026-13-01T00:00:00Z"},
        {"feedStartDate": "2026-02-01T00:00:00Z", "feedEndDate": "2026-01-01T00:00:00Z"},
    ],
)
def test_missing_malformed_and_reversed_dates_are_400(amazon: Amazon, query: dict[str, str]) -> None:
    assert _is_invalid(amazon.get(PAGES, **query))


def test_invoice_numbers_come_in_another_order_than_asked_and_match_by_the_three_ids(amazon: Amazon) -> None:
    answer = amazon.post(INVOICES, {"orderLineItems": [L1, L3]})
    rows = answer.json()["invoiceDetailsByOrderLineItems"]
    assert [row["orderLineItem"] for row in rows] == [L3, L1]
    assert rows[1]["invoiceDetails"][0]["invoiceNumber"] == "INV-1"


def test_a_consolidated_invoice_is_pending_until_it_has_its_number(amazon: Amazon) -> None:
    def number() -> str:
        rows = amazon.post(INVOICES, {"orderLineItems": [L3]}).json()["invoiceDetailsByOrderLineItems"]
        found: str = rows[0]["invoiceDetails"][0]["consolidatedInvoiceDetails"]["invoiceNumber"]
        return found

    assert number() == "Pending"
    amazon.advance(days=1.1)
    amazon.sign_in()
    assert number() == "CONS-7"


def test_a_line_without_an_invoice_has_an_empty_list(amazon: Amazon) -> None:
    unknown = {**L1, "orderLineItemId": "L9"}
    assert amazon.post(INVOICES, {"orderLineItems": [unknown]}).json() == {
        "invoiceDetailsByOrderLineItems": [{"orderLineItem": unknown, "invoiceDetails": []}]
    }


def test_twenty_five_lines_are_allowed_and_twenty_six_are_not(amazon: Amazon) -> None:
    lines = [{**L1, "orderLineItemId": f"L{n}"} for n in range(26)]
    assert amazon.post(INVOICES, {"orderLineItems": lines[:25]}).status_code == 200
    assert _is_invalid(amazon.post(INVOICES, {"orderLineItems": lines}))


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"orderLineItems": []}, {"orderLineItems": "L1"}, {"orderLineItems": [{"orderId": "112-1"}]},
     {"orderLineItems": [{**L1, "shipmentId": 5}]}],
)  # fmt: skip
def test_an_incomplete_request_for_invoices_is_400(amazon: Amazon, body: Any) -> None:
    assert _is_invalid(amazon.post(INVOICES, body))


def test_a_body_that_is_not_json_is_400(amazon: Amazon) -> None:
    headers = {**amazon.headers, "Content-Type": "application/json"}
    assert _is_invalid(amazon.http.post(amazon.url + INVOICES, data="{broken", headers=headers))


def test_payment_status_is_answered_id_by_id(amazon: Amazon) -> None:
    rows = amazon.post(PAYMENTS, {"invoiceIds": ["INV-1", "NOBODY"]}).json()["invoicePaymentDetailsResults"]
    assert rows[0] == {
        "invoiceId": "INV-1", "resultType": "SUCCESS",
        "paymentDetails": {"status": "Issued", "dueDate": "2026-02-20T23:59:59Z"},
    }  # fmt: skip
    assert (rows[1]["resultType"], rows[1]["error"]["message"]) == ("ERROR", "Invoice not found")


def test_payment_status_follows_the_clock(amazon: Amazon) -> None:
    amazon.advance(days=12)
    amazon.sign_in()
    rows = amazon.post(PAYMENTS, {"invoiceIds": ["INV-1"]}).json()["invoicePaymentDetailsResults"]
    assert rows[0]["paymentDetails"]["status"] == "Past Due"


@pytest.mark.parametrize("ids", [[], [str(n) for n in range(26)], [""], ["x" * 256], [7], "INV-1"])
def test_one_to_twenty_five_invoice_ids_of_255_characters(amazon: Amazon, ids: Any) -> None:
    assert _is_invalid(amazon.post(PAYMENTS, {"invoiceIds": ids}))


def test_payment_status_wants_json(amazon: Amazon) -> None:
    answer = amazon.http.post(amazon.url + PAYMENTS, data="invoiceIds=INV-1", headers=amazon.headers)
    assert answer.status_code == 415
