"""What we read is taken tolerantly, what must be exact is exact, and what we send is complete."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.amazon_business.payloads import (
    InvoiceDetail,
    Money,
    OrderLineKey,
    OrderReport,
    PaymentDetails,
    Transaction,
    TransactionLineItem,
)
from connectors.coupa.bodies import (
    AccountReference,
    InvoiceLinePayload,
    InvoicePayload,
    ReceiptPayload,
    Reference,
)
from connectors.coupa.payloads import Invoice, PurchaseOrder
from connectors.payload_types import read_day, read_exact, read_moment

INVOICE: dict[str, Any] = {
    "invoice-number": "1AB2-CD34-EF56",
    "invoice-date": "2026-05-21",
    "supplier": {"number": "AMZN-US"},
    "currency": {"code": "USD"},
    "line-level-taxation": True,
    "supplier-total": "195.30",
    "custom-fields": {"ab-delivery-id": "x"},
    "invoice-lines": [
        {
            "line-num": 1,
            "type": "InvoiceQuantityLine",
            "description": "Label printer",
            "order-line-id": 2949,
            "quantity": "2",
            "price": Decimal("89.500000"),
            "uom": {"code": "EA"},
            "tax-lines": [{"amount": "16.30", "rate": "9.1", "tax-code": {"code": "CA"}}],
        }
    ],
    "invoice-charges": [{"type": "InvoiceShippingCharge", "line-num": 1, "total": "0.00"}],
}


@pytest.mark.parametrize(
    ("value", "number"),
    [("1.10", "1.10"), (" 1 ", "1"), (3, "3"), (Decimal("0.10"), "0.10"), ("-0.00", "-0.00"), ("1e3", "1000")],
)
def test_exact_numbers_are_read_exactly(value: Any, number: str) -> None:
    assert read_exact(value) == Decimal(number)


@pytest.mark.parametrize(
    "value", [1.1, 1.0, float("nan"), True, None, "", "abc", "NaN", "Infinity", "1e400", "1e-400", [], {}]
)
def test_what_is_no_exact_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        read_exact(value)


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-03T21:00:00Z",
        "2026-02-03T21:00:00",
        "2026-02-03T13:00:00-08:00",
        {"date": "2026-02-03T21:00:00Z"},
        datetime(2026, 2, 3, 21),
        datetime(2026, 2, 3, 22, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_every_spelling_of_a_moment_is_aware_utc(value: Any) -> None:
    moment = read_moment(value)
    assert moment == datetime(2026, 2, 3, 21, tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01T00:00:00Z", 7, {"date": 7}, {"day": "2026-01-01"}, None])
def test_what_is_no_moment_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        read_moment(value)


def test_a_day_has_no_time() -> None:
    assert read_day("2026-05-21") == read_day(date(2026, 5, 21)) == date(2026, 5, 21)
    for timed in ("2026-05-21T00:00:00Z", datetime(2026, 5, 21), 20260521):
        with pytest.raises(ValueError):
            read_day(timed)


def test_money_is_a_string_in_one_api_and_a_number_in_another() -> None:
    for amount in ("39.98", Decimal("39.98")):
        assert Money.model_validate({"currencyCode": "USD", "amount": amount}).amount == Decimal("39.98")
    with pytest.raises(ValidationError):
        Money.model_validate({"currencyCode": "USD", "amount": 39.98})


def test_a_transaction_is_read_with_everything_missing() -> None:
    transaction = Transaction.model_validate({})
    assert transaction.lines == ()
    assert transaction.amount is None
    assert transaction.associated_transaction_details == ()


def test_blank_text_and_empty_lists_are_nothing() -> None:
    raw = {"invoiceNumber": "  ", "feedDate": "", "amount": "", "transactionLineItems": None, "buyer": None}
    transaction = Transaction.model_validate(raw)
    assert (transaction.invoice_number, transaction.feed_date, transaction.amount) == (None, None, None)
    assert transaction.lines == ()


def test_what_the_model_does_not_know_is_kept() -> None:
    transaction = Transaction.model_validate({"transactionId": "tx-1", "newThing": {"a": 1}})
    assert transaction.model_extra == {"newThing": {"a": 1}}


def test_an_id_that_comes_as_a_number_is_its_digits() -> None:
    line = TransactionLineItem.model_validate({"orderLineItemId": 61230000000001, "purchaseOrderLineItemId": 1})
    assert (line.order_line_item_id, line.purchase_order_line_item_id) == ("61230000000001", "1")


def test_a_line_knows_its_key_quantity_and_amounts() -> None:
    usd = {"currencyCode": "USD", "amount": "1.00"}
    raw = {"orderId": "o", "orderLineItemId": "l", "shipmentId": "s", "itemQuantity": 2, "tax": usd, "totalAmount": usd}
    line = TransactionLineItem.model_validate(raw)
    assert line.key == OrderLineKey("o", "l", "s")
    assert line.quantity == 2
    assert len(list(line.amounts)) == 2
    assert TransactionLineItem.model_validate(raw | {"shipmentId": ""}).key is None


@pytest.mark.parametrize(
    ("consolidated", "final"),
    [(None, "1ABC"), ({"invoiceNumber": "Pending"}, "Pending"), ({"invoiceNumber": "C-9"}, "C-9"), ({}, "1ABC")],
)
def test_the_final_number_is_the_consolidated_one_where_there_is_one(consolidated: Any, final: str) -> None:
    raw = {"invoiceNumber": "1ABC", "invoiceDate": "2026-01-01T00:00:00Z", "consolidatedInvoiceDetails": consolidated}
    assert InvoiceDetail.model_validate(raw).final_number == final


def test_payment_details_may_lack_either_detail() -> None:
    for raw in ({"invoiceId": "1", "resultType": "SUCCESS"}, {"invoiceId": "1", "resultType": "ERROR"}):
        details = PaymentDetails.model_validate(raw)
        assert details.payment_details is None
        assert details.error is None


def test_an_order_status_outside_the_list_is_read() -> None:
    raw = {"orderMetadata": {"orderId": "1", "orderDate": {"date": "2026-01-01"}}, "orderStatus": "SOMETHING_NEW"}
    report = OrderReport.model_validate(raw)
    assert report.order_status == "SOMETHING_NEW"
    assert report.order_metadata.order_date == datetime(2026, 1, 1, tzinfo=UTC)


def test_coupas_decimals_come_as_text_and_are_exact() -> None:
    raw = {"id": 1, "order-lines": [{"id": 2, "line-num": 1, "price": "78.250000", "received": "0.0", "quantity": ""}]}
    line = PurchaseOrder.model_validate(raw).order_lines[0]
    assert (line.price, line.received, line.quantity, line.line_num) == (Decimal("78.25"), Decimal(0), None, "1")
    assert Invoice.model_validate({"id": 1, "failed-tolerances": None}).failed_tolerances == ()


# What we send


def test_an_invoice_goes_out_hyphenated_with_decimals_as_text_and_without_nulls() -> None:
    body = InvoicePayload.model_validate(INVOICE).body()
    line = body["invoice-lines"][0]
    assert line["price"] == "89.500000"
    assert line["quantity"] == "2"
    assert line["tax-lines"] == [{"amount": "16.30", "rate": "9.1", "tax-code": {"code": "CA"}}]
    assert body["invoice-date"] == "2026-05-21"
    assert body["invoice-charges"] == [{"type": "InvoiceShippingCharge", "total": "0.00", "line-num": 1}]
    assert "null" not in str(body)
    assert "None" not in str(body)
    assert body | {"invoice-lines": [line | {"price": Decimal(line["price"])}]} == INVOICE


@pytest.mark.parametrize("number", ["1E+2", "1E-7", "100"])
def test_decimals_never_go_out_with_an_exponent(number: str) -> None:
    line = InvoiceLinePayload.model_validate({"quantity": Decimal(number)})
    assert "E" not in line.body()["quantity"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"invoice_nr": "1"}, "Extra inputs"),
        ({"paid": True}, "Extra inputs"),
        ({"invoice-number": ""}, "at least 1 character"),
        ({"invoice-number": "x" * 41}, "at most 40 characters"),
        ({"invoice-date": "2026-05-21T10:00:00Z"}, "invoice-date"),
        ({"supplier-total": 195.3}, "not a float"),
        ({"custom-fields": {"amount": 1.5}}, "custom-fields"),
        ({"supplier": {"number": "A", "name": "Amazon"}}, "exactly one key"),
        ({"supplier": {}}, "exactly one key"),
        ({"is-credit-note": True}, "original-invoice-number"),
        ({"invoice-lines": [{"type": "InvoiceQuantityLine", "quantity": "1"}]}, "quantity and price"),
        ({"invoice-lines": [{"type": "SomethingElse"}]}, "InvoiceQuantityLine"),
    ],
)
def test_an_invoice_that_coupa_would_misread_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        InvoicePayload.model_validate(INVOICE | change)


def test_a_credit_note_that_names_its_original_is_fine() -> None:
    original = {"is-credit-note": True, "original-invoice-number": "1AB", "original-invoice-date": "2026-05-01"}
    assert InvoicePayload.model_validate(INVOICE | original).body()["original-invoice-date"] == "2026-05-01"


def test_an_account_is_named_by_id_or_by_code_in_its_chart() -> None:
    chart = Reference(name="US Chart")
    assert AccountReference(code="10-4100", account_type=chart).body() == {
        "code": "10-4100",
        "account-type": {"name": "US Chart"},
    }
    assert AccountReference(id=7).body() == {"id": 7}
    for wrong in ({}, {"id": 7, "code": "10"}):
        with pytest.raises(ValidationError, match="by its id or by its code"):
            AccountReference.model_validate(wrong)


def test_a_receipt_has_a_quantity_or_a_total() -> None:
    receipt = {
        "type": "ReceivingQuantityConsumption",
        "order-line": {"id": 1},
        "transaction-date": "2026-05-22T00:00:00",
    }
    assert ReceiptPayload.model_validate(receipt | {"quantity": "2"}).body() == {
        "type": "ReceivingQuantityConsumption",
        "order-line": {"id": 1},
        "quantity": "2",
        "transaction-date": "2026-05-22T00:00:00+00:00",
    }
    for wrong in ({}, {"quantity": "1", "total": "1"}):
        with pytest.raises(ValidationError, match="quantity, or a total"):
            ReceiptPayload.model_validate(receipt | wrong)
