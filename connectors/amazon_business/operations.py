"""The Amazon Business calls we make, with their published rates: a bucket per operation and account."""

from connectors.limits import Bucket
from connectors.operations import OWNER, Operation, by_name

RECONCILIATION = "/reconciliation/2021-01-08"
REPORTING = "/reports/2025-06-09"


def _reconciliation(name: str, method: str, path: str) -> Operation:
    return Operation(name, method, RECONCILIATION + path, Bucket(f"amazon_business/{OWNER}/{name}", 2, 10), read=True)


def _reporting(name: str, path: str) -> Operation:
    return Operation(name, "GET", REPORTING + path, Bucket(f"amazon_business/{OWNER}/{name}", 0.5, 10), read=True)


# The two POSTs only read: their body is a query too long for an address.
GET_TRANSACTIONS = _reconciliation("getTransactions", "GET", "/transactions")
GET_INVOICE_DETAILS = _reconciliation("getInvoiceDetailsByOrderLineItems", "POST", "/invoices")
GET_PAYMENT_DETAILS = _reconciliation("getBatchInvoicePaymentDetails", "POST", "/invoices/batch/paymentDetails")

GET_ORDERS = _reporting("getOrderReports", "/orderReports")
GET_ORDER_LINES = _reporting("getOrderLineItemReports", "/orderLineItemReports")
GET_ORDERS_BY_PO = _reporting(
    "getOrderReportsByPurchaseOrderNumber", "/purchaseOrders/{purchaseOrderNumber}/orderReports"
)
GET_SHIPMENTS = _reporting("getShipmentReports", "/shipmentReports")
GET_SHIPMENT_LINES = _reporting("getShipmentLineItemReports", "/shipmentLineItemReports")

ALL_OPERATIONS = (
    GET_TRANSACTIONS,
    GET_INVOICE_DETAILS,
    GET_PAYMENT_DETAILS,
    GET_ORDERS,
    GET_ORDER_LINES,
    GET_ORDERS_BY_PO,
    GET_SHIPMENTS,
    GET_SHIPMENT_LINES,
)
OPERATIONS = by_name(ALL_OPERATIONS)
