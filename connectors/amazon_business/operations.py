"""The Amazon Business calls we make, with their published rates: a bucket per operation and account."""

from connectors.limits import Bucket
from connectors.operations import OWNER, Operation, by_name

RECONCILIATION = "/reconciliation/2021-01-08"
REPORTING = "/reports/2025-06-09"
ORDERING = "/ordering/2022-10-30"
PRODUCTS = "/products/2020-08-26"
TRACKING = "/ab-tracking/2025-07-02"


def _reconciliation(name: str, method: str, path: str) -> Operation:
    return Operation(name, method, RECONCILIATION + path, Bucket(f"amazon_business/{OWNER}/{name}", 2, 10), read=True)


def _reporting(name: str, path: str) -> Operation:
    return _buying(name, "GET", REPORTING + path)


def _buying(name: str, method: str, path: str, *, read: bool = True) -> Operation:
    return Operation(name, method, path, Bucket(f"amazon_business/{OWNER}/{name}", 0.5, 10), read=read)


# Of the POSTs only placeOrder writes: the body of the others is a query too long for an address.
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

PLACE_ORDER = _buying("placeOrder", "POST", ORDERING + "/orders", read=False)
ORDER_DETAILS = _buying("orderDetails", "GET", ORDERING + "/orders/{externalId}")
GET_PRODUCTS = _buying("getProductsByAsins", "POST", PRODUCTS + "/products/getProductsByAsins")
SEARCH_PRODUCTS = _buying("searchProductsRequest", "GET", PRODUCTS + "/products")
GET_OFFERS = _buying("getOffersByOfferIds", "POST", PRODUCTS + "/offers/getOffersByOfferIds")
GET_TRACKING = _buying(
    "getPackageTrackingDetails", "GET", TRACKING + "/orders/{orderId}/shipments/{shipmentId}/packages/{packageId}"
)

ALL_OPERATIONS = (
    GET_TRANSACTIONS,
    GET_INVOICE_DETAILS,
    GET_PAYMENT_DETAILS,
    GET_ORDERS,
    GET_ORDER_LINES,
    GET_ORDERS_BY_PO,
    GET_SHIPMENTS,
    GET_SHIPMENT_LINES,
    PLACE_ORDER,
    ORDER_DETAILS,
    GET_PRODUCTS,
    SEARCH_PRODUCTS,
    GET_OFFERS,
    GET_TRACKING,
)
OPERATIONS = by_name(ALL_OPERATIONS)
