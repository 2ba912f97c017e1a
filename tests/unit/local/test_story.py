"""A purchase's timeline holds what both systems show, in the order of the business's clock."""

from typing import Any

import pytest

from local.story import timeline
from procurement.ledger.types import Known

pytestmark = pytest.mark.unit
COUPA: dict[str, Any] = {
    "requisitions": [
        {"id": 9, "submitted-at": "2026-06-01T08:00:00+00:00", "requested-by": {"id": 1, "fullname": "Jane Doe"}}
    ],
    "approvals": [
        {
            "approvable-type": "RequisitionHeader", "approvable-id": 9, "status": "approved",
            "approval-date": "2026-06-01T09:00:00+00:00", "approved-by": {"fullname": "Helen Osei"},
        },
        {
            "approvable-type": "InvoiceHeader", "approvable-id": 9, "status": "approved",
            "approval-date": "2026-06-01T09:30:00+00:00", "approved-by": {"fullname": "Somebody Else"},
        },
    ],
    "purchase_orders": [
        {
            "po-number": "46001", "created-at": "2026-06-01T09:00:01+00:00", "requisition-header": {"id": 9},
            "order-lines": [{"id": 21, "line-num": "1", "total": "24.00"}],
        }
    ],
    "receiving_transactions": [
        {"id": 5, "order-line": {"id": 21}, "quantity": "2.0", "created-at": "2026-06-04T10:00:00+00:00"},
        {"id": 6, "order-line": {"id": 99}, "quantity": "1.0", "created-at": "2026-06-04T10:00:00+00:00"},
    ],
    "invoices": [
        {
            "invoice-number": "1A-1", "status": "pending_receipt", "created-at": "2026-06-03T10:00:00+00:00",
            "invoice-lines": [{"order-line-id": 21}],
        }
    ],
}  # fmt: skip
AMAZON: dict[str, Any] = {
    "orders": [
        {
            "purchaseOrderNumber": "46001",
            "orderMetadata": {"orderId": "112-1", "orderDate": "2026-06-01T10:00:00Z"},
        },
        {
            "purchaseOrderNumber": "46002",
            "orderMetadata": {"orderId": "112-2", "orderDate": "2026-06-01T10:00:00Z"},
        },
    ],
    "shipments": [
        {
            "purchaseOrderNumber": "46001",
            "shipmentMetadata": {"shipmentId": "D1", "shipmentDate": "2026-06-02T10:00:00Z"},
        }
    ],
    "transactions": [
        {
            "transactionType": "CHARGE", "transactionDate": "2026-06-02T11:00:00Z", "invoiceNumber": "1A-1",
            "amount": {"currencyCode": "USD", "amount": "25.98"},
            "transactionLineItems": [{"purchaseOrderNumber": "46001"}],
        }
    ],
}  # fmt: skip


def test_it_runs_from_requisition_to_receipt_and_leaves_other_purchases_out() -> None:
    known = Known(1, "create_invoice", "acme/AMZN-US/1A-1", "delivered", True, outcome="matched")
    events = timeline("46001", COUPA, AMAZON, {"1A-1": known})
    assert [event["what"] for event in events] == [
        "Coupa: requisition 9 submitted by Jane Doe",
        "Coupa: approved by Helen Osei",
        "Coupa: purchase order 46001, 1 lines, 24.00",
        "Amazon: order 112-1 accepted",
        "Amazon: shipment D1 left",
        "Amazon: charge of USD 25.98, 1A-1",
        "Coupa: invoice 1A-1, pending receipt, matched",
        "Coupa: goods receipt 5, line 1, 2.0 received",
    ]
    assert events == sorted(events, key=lambda event: event["at"])


def test_a_purchase_order_that_is_not_there_has_no_story() -> None:
    assert timeline("1", COUPA, AMAZON, {}) == []
