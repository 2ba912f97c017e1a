"""Transactions, records, details and orders in a line or two, for the unit tests of the invoice pipeline."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.amazon_business.payloads import InvoiceDetail, OrderLineKey
from procurement.ledger.types import Record
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Candidate, Group, Verdict, read_candidate
from procurement.pipelines.amazon_invoices_to_coupa.staging import staged

KEY = OrderLineKey("112-1", "61", "DhA1")


def usd(amount: str) -> dict[str, str]:
    return {"currencyCode": "USD", "amount": amount}


def transaction(**changes: Any) -> dict[str, Any]:
    """A plain charge of USD 43.28 for two boxes of pens on PO 4500123, line 1."""
    line = {
        "orderId": "112-1", "orderLineItemId": "61", "shipmentId": "DhA1", "purchaseOrderNumber": "4500123", "purchaseOrderLineItemId": "1",
        "asin": "B0SAMPLE01", "itemQuantity": 2, "unitPrice": usd("19.99"), "principalAmount": usd("39.98"), "tax": usd("3.30"), "totalAmount": usd("43.28"),
        **changes.pop("line", {}),
    }  # fmt: skip
    return {
        "transactionId": "tx-1", "transactionType": "CHARGE", "feedDate": "2026-06-01T06:00:00Z", "marketplaceId": "ATVPDKIKX0DER",
        "invoiceNumber": "1ABC", "amount": usd("43.28"), "paymentInstrumentType": "Pay by Invoice", "transactionLineItems": [line], **changes,
    }  # fmt: skip


def record(raw: dict[str, Any], id: int = 1) -> Record:
    row = staged(raw)
    return Record(
        id=id, source="amazon_business/sandbox", kind="transaction", key=row.key, hash="h", raw=row.raw, amount=row.amount, currency=row.currency,
        group_key=row.group_key, dated_at=row.dated_at, subkind=row.subkind,
    )  # fmt: skip


def candidate(**changes: Any) -> Candidate:
    read = read_candidate(record(transaction(**changes)))
    assert isinstance(read, Candidate), read
    return read


def refused(raw: dict[str, Any]) -> Verdict:
    read = read_candidate(record(raw))
    assert isinstance(read, Verdict)
    return read


def group(number: str = "1ABC", **changes: Any) -> Group:
    return Group(number, [candidate(**changes)])


def detail(number: str | None = "1ABC", kind: str = "STANDARD", day: int = 4, **changes: Any) -> InvoiceDetail:
    body = {"invoiceNumber": number, "invoiceDate": f"2026-06-{day:02}T05:00:00Z", "invoiceType": kind, **changes}
    return InvoiceDetail.model_validate(body)


def moment(day: int) -> datetime:
    return datetime(2026, 6, day, 5, tzinfo=UTC)


def amount(text: str) -> Decimal:
    return Decimal(text)
