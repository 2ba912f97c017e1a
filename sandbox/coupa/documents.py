"""The documents of procure-to-pay as Coupa keeps them: purchase orders, receipts, invoices, approvals, comments.
Requisitions and changes of purchase orders are in `buying_documents.py`.

Columns follow the Core API's tables (section 3 of its documentation); scales are those of its database columns.
"""

from sandbox.coupa.reference_data import AUTHORS, SHORT, STAMPS
from sandbox.coupa.schema import (
    Amount,
    Column,
    Day,
    Flag,
    Inline,
    Linked,
    Many,
    Moment,
    Ref,
    Resource,
    Text,
    Whole,
)

QUANTITY = Amount(scale=6, shown=1, precision=30)
PRICE = Amount(scale=6, precision=30)
INVOICE_PRICE = Amount(scale=20, precision=46)
TOTAL = Amount(scale=4)
COMPUTED = Amount(scale=4, output=True)
PERCENT = Amount(scale=10, shown=1, precision=16)
NOTE = Text()
USER = Ref(resource="users")
CURRENCY = Ref(resource="currencies")
ACCOUNT = Ref(resource="accounts")
ALLOCATION: dict[str, Column] = {
    **STAMPS,
    "account": Ref(resource="accounts", required=True),
    "pct": Amount(scale=10, shown=1, precision=16, required=True),
    "amount": TOTAL,
}
MATCH_TYPES = ("2-way", "3-way", "3-way-fifo", "direct_matching", "none")

ORDER_LINES = Resource(
    "purchase_order_lines", "order_line", "Order line",
    {**STAMPS, **AUTHORS, "line-num": SHORT, "type": Text(choices=("OrderQuantityLine", "OrderAmountLine")),
     "description": Text(size=255, required=True),
     "quantity": QUANTITY, "price": Amount(scale=6, precision=30, required=True), "total": COMPUTED,
     "received": Amount(scale=6, shown=1, output=True),
     "invoiced": Amount(scale=6, shown=1, output=True), "total-invoiced": COMPUTED,
     "status": Text(size=50, output=True),
     "match-type": Text(choices=MATCH_TYPES), "receipt-required": Flag(),
     "receipt-approval-required": Flag(output=True), "invoice-stop": Flag(output=True),
     "source-part-num": SHORT, "supp-aux-part-num": NOTE, "supplier-order-number": SHORT,
     "external-reference-number": SHORT,
     "external-reference-type": SHORT, "manufacturer-name": SHORT, "manufacturer-part-number": SHORT,
     "need-by-date": Moment(), "sub-line-num": Whole(),
     "savings-pct": Amount(scale=2, precision=8), "order-header-id": Whole(output=True),
     "order-header-number": Text(output=True),
     "requisition-line-id": Text(output=True), "version": Whole(output=True), "uom": Ref(resource="uoms"),
     "currency": CURRENCY,
     "commodity": Ref(resource="commodities"), "account": ACCOUNT, "account-type": Ref(resource="account_types"),
     "account-allocations": Many(resource="order_line_allocations"), "department": Ref(resource="departments"),
     "supplier": Ref(resource="suppliers"),
     "requester": Ref(resource="users", output=True), "line-owner": USER, "item": Inline(), "contract": Inline(),
     "period": Inline()},
    kind="OrderLine", indexed=("order-header-id", "order-header-number", "supplier-order-number"),
    parent="purchase_orders",
    defaults={"type": "OrderQuantityLine", "receipt-required": True, "receipt-approval-required": False,
    "invoice-stop": False, "status": "created", "version": 1},
)  # fmt: skip
ORDER_LINE_ALLOCATIONS = Resource(
    "order_line_allocations", "order_line_allocation", "Allocation", ALLOCATION, parent="purchase_order_lines"
)
PURCHASE_ORDERS = Resource(
    "purchase_orders", "order_header", "Purchase order",
    {**STAMPS, **AUTHORS, "po-number": Text(size=20), "status": Text(size=50, output=True),
     "type": Text(choices=("ExternalOrderHeader",)),
     "version": Whole(output=True), "internal-revision": Whole(output=True),
     "supplier": Ref(resource="suppliers", required=True), "currency": CURRENCY,
     "payment-term": Ref(resource="payment_terms"), "payment-method": SHORT, "requester": USER,
     "requisition-header": Ref(resource="requisitions", output=True),
     "ship-to-address": Ref(resource="addresses"), "ship-to-attention": SHORT, "ship-to-user": USER,
     "acknowledged-flag": Flag(),
     "acknowledged-at": Moment(output=True), "exported": Flag(output=True), "last-exported-at": Moment(output=True),
     "invoice-stop": Flag(output=True),
     "price-hidden": Flag(output=True), "change-type": Text(size=255, output=True),
     "transmission-status": Text(output=True),
     "transmission-emails": NOTE, "transmission-method-override": Text(size=30),
     "reason-insight-events": Inline(output=True), "order-lines": Many(resource="purchase_order_lines")},
    kind="OrderHeader", keys=("po-number",), indexed=("po-number", "supplier", "status", "requisition-header"),
    unique=(("po-number",),),
    defaults={"status": "issued", "version": 1, "internal-revision": 1, "exported": False, "invoice-stop": False,
    "price-hidden": False,
              "acknowledged-flag": False, "transmission-status": "created", "payment-method": "invoice"},
)  # fmt: skip

RECEIPTS = Resource(
    "receiving_transactions", "inventory_transaction", "Receiving transaction",
    {**STAMPS, **AUTHORS, "type": Text(size=255, required=True), "status": Text(size=255, output=True),
     "quantity": QUANTITY, "price": PRICE,
     "total": Amount(scale=6, precision=30), "transaction-date": Moment(), "match-reference": SHORT,
     "barcode": SHORT, "rfid-tag": SHORT, "notes": SHORT,
     "comments": Text(output=True), "voided-value": Amount(scale=6, shown=1, precision=30, output=True),
     "original-transaction-id": Whole(output=True),
     "original-transaction": Ref(resource="receiving_transactions"), "exported": Flag(output=True),
     "last-exported-at": Moment(output=True),
     "soft-close-for-receiving": Flag(), "order-line": Ref(resource="purchase_order_lines", required=True),
     "uom": Ref(resource="uoms"),
     "currency": CURRENCY, "account": ACCOUNT, "item": Inline()},
    kind="InventoryTransaction", indexed=("order-line", "match-reference", "status"), defaults={"status": "created",
    "exported": False},
)  # fmt: skip

TAX_LINES = Resource(
    "tax_lines", "tax_line", "Tax line",
    {**STAMPS, "type": Text(size=255), "amount": TOTAL, "base": TOTAL, "taxable-amount": TOTAL,
     "rate": Amount(scale=6, shown=1),
     "description": SHORT, "code": Text(size=255, output=True), "tax-code": Ref(resource="tax_codes"),
     "nature-of-tax": SHORT},
    kind="TaxLine", parent="*", defaults={"type": "TaxLine"},
)  # fmt: skip
FAILED_TOLERANCES = Resource(
    "failed_tolerances", "failed_tolerance", "Failed tolerance",
    {**STAMPS, "code": SHORT, "breach-amount": SHORT, "breach-limit": SHORT, "breach-detail-1": SHORT,
     "failable-id": Whole(), "failable-type": SHORT,
     "resolution-strategy": Text(size=25), "resolved": Flag(), "account-type-id": Whole()},
    parent="*",
)  # fmt: skip
LINE_ALLOCATIONS = Resource(
    "invoice_line_allocations",
    "invoice_line_allocation",
    "Allocation",
    {**ALLOCATION, "billing-note": NOTE},
    parent="invoice_lines",
)
CHARGE_ALLOCATIONS = Resource(
    "invoice_charge_allocations",
    "invoice_charge_allocation",
    "Allocation",
    {**ALLOCATION, "billing-note": NOTE},
    parent="invoice_charges",
)
INVOICE_LINES = Resource(
    "invoice_lines", "invoice_line", "Invoice line",
    {**STAMPS, **AUTHORS, "line-num": Whole(), "type": Text(choices=("InvoiceQuantityLine", "InvoiceAmountLine")),
     "description": Text(size=1550, required=True), "quantity": QUANTITY,
     "price": Amount(scale=20, precision=46, required=True),
     "total": Amount(scale=20, precision=46, output=True),
     "accounting-total": Amount(scale=20, precision=46, output=True), "status": Text(size=255, output=True),
     "order-line-id": Whole(), "order-header-num": Text(output=True), "order-line-num": Text(output=True),
     "po-number": Text(output=True),
     "order-line-source-part-num": Text(output=True), "match-reference": SHORT, "source-part-num": SHORT,
     "supp-aux-part-num": NOTE,
     "adjustment-type": Text(choices=("price", "quantity", "other")), "billing-note": NOTE, "category": NOTE,
     "subcategory": NOTE, "unspsc": SHORT,
     "delivery-note-number": SHORT, "tax-amount": TOTAL, "tax-rate": Amount(scale=6, shown=1),
     "tax-code": Ref(resource="tax_codes"),
     "tax-lines": Many(resource="tax_lines"), "failed-tolerances": Many(resource="failed_tolerances"),
     "uom": Ref(resource="uoms"), "currency": CURRENCY,
     "account": ACCOUNT, "account-allocations": Many(resource="invoice_line_allocations"),
     "commodity": Ref(resource="commodities"),
     "item": Inline(), "contract": Inline(), "period": Inline()},
    kind="InvoiceLine", indexed=("order-line-id",), parent="invoices", defaults={"status": "new"},
)  # fmt: skip
CHARGE_TYPES = ("InvoiceShippingCharge", "InvoiceHandlingCharge", "InvoiceMiscCharge")
INVOICE_CHARGES = Resource(
    "invoice_charges", "invoice_charge", "Invoice charge",
    {**STAMPS, **AUTHORS, "type": Text(size=255, choices=CHARGE_TYPES, required=True), "line-num": Whole(),
     "description": Text(size=1550), "total": TOTAL,
     "pct": PERCENT, "distributed": Flag(), "billing-note": NOTE, "currency": CURRENCY, "account": ACCOUNT,
     "account-allocations": Many(resource="invoice_charge_allocations"), "tax-lines": Many(resource="tax_lines"),
     "period": Inline()},
    kind="InvoiceCharge", parent="invoices", defaults={"distributed": False},
)  # fmt: skip
PAYMENTS = Resource(
    "payments",
    "payment",
    "Payment",
    {**STAMPS, "amount-paid": TOTAL, "payment-date": Moment(), "notes": SHORT, "check-number": NOTE},
    parent="invoices",
)
INVOICES = Resource(
    "invoices", "invoice_header", "Invoice",
    {**STAMPS, **AUTHORS, "invoice-number": Text(size=40, required=True), "invoice-date": Day(required=True),
     "status": Text(size=50, output=True),
     "document-type": Text(output=True), "is-credit-note": Flag(), "original-invoice-number": Text(size=40),
     "original-invoice-date": Day(),
     "credit-reason": SHORT, "supplier": Ref(resource="suppliers", required=True),
     "account-type": Ref(resource="account_types"), "currency": CURRENCY,
     "payment-term": Ref(resource="payment_terms"), "bill-to-address": Ref(resource="addresses"),
     "ship-to-address": Ref(resource="addresses"),
     "remit-to-address": Ref(resource="remit_to_addresses"), "requested-by": USER, "requester-email": NOTE,
     "channel": Text(size=80, output=True),
     "line-level-taxation": Flag(), "line-count": Text(output=True), "lock-version-key": Whole(output=True),
     "supplier-total": TOTAL,
     "tax-amount": TOTAL, "tax-rate": Amount(scale=6, shown=1), "tax-code": Ref(resource="tax_codes"),
     "tax-lines": Many(resource="tax_lines"),
     "shipping-amount": TOTAL, "handling-amount": TOTAL, "misc-amount": TOTAL, "discount-amount": TOTAL,
     "gross-total": COMPUTED,
     "total-with-taxes": COMPUTED, "amount-due": COMPUTED, "exchange-rate": Amount(scale=9, shown=1, precision=30),
     "date-received": Moment(output=True),
     "net-due-date": Moment(output=True), "delivery-date": Moment(), "delivery-number": SHORT,
     "transaction-uuid": Text(size=50), "comments": Text(size=255),
     "internal-note": NOTE, "supplier-note": NOTE, "customer-account-number": Text(size=225),
     "payment-order-reference": SHORT, "payment-order-number": SHORT,
     "invoice-reference-number": SHORT, "payment-notes": NOTE, "paid": Flag(), "payment-date": Moment(),
     "payments": Many(resource="payments"),
     "exported": Flag(output=True), "last-exported-at": Moment(output=True), "canceled": Flag(output=True),
     "compliant": Flag(output=True),
     "supplier-created": Flag(output=True), "abandon-reason": Inline(output=True), "dispute-method": Text(output=True),
     "dispute-reasons": Inline(output=True), "tolerance-failures": Text(size=512, output=True),
     "invoice-lines": Many(resource="invoice_lines"),
     "invoice-charges": Many(resource="invoice_charges"), "failed-tolerances": Many(resource="failed_tolerances"),
     "approvals": Linked(resource="approvals", by="approvable-id", kind="approvable-type", output=True)},
    kind="InvoiceHeader", keys=("invoice-number",), indexed=("invoice-number", "supplier", "status"),
    unique=(("invoice-number", "supplier"),),
    defaults={"status": "draft", "is-credit-note": False, "line-level-taxation": True, "paid": False,
    "exported": False, "canceled": False,
              "compliant": False, "supplier-created": False, "dispute-reasons": [], "lock-version-key": 0},
)  # fmt: skip
MATCHING_ALLOCATIONS = Resource(
    "matching_allocations", "matching_allocation", "Matching allocation",
    {**STAMPS, "invoice-line-id": Whole(), "order-line-id": Whole(), "inventory-transaction-id": Whole(),
     "quantity": QUANTITY, "amount": TOTAL,
     "invoice-line-total": Amount(scale=20, precision=46), "status": Text(size=50), "status-reason": Text(size=512),
     "manual-match": Whole(),
     "inventory-transaction-match-reference": SHORT, "uom": NOTE, "invoice-line": Ref(resource="invoice_lines"),
     "order-line": Ref(resource="purchase_order_lines")},
    indexed=("invoice-line-id", "invoice-line", "order-line-id", "order-line", "inventory-transaction-id"),
)  # fmt: skip

APPROVALS = Resource(
    "approvals", "approval", "Approval",
    {**STAMPS, **AUTHORS, "approvable-id": Whole(), "approvable-type": SHORT, "approval-chain-id": Whole(),
     "approval-date": Moment(), "approved-by": USER,
     "approver": USER, "approver-id": Whole(), "approver-type": SHORT, "holdable": Flag(), "note": NOTE,
     "position": Whole(), "status": Text(size=50),
     "type": SHORT},
    kind="Approval", indexed=("approvable-id", "status", "approver-id"),
)  # fmt: skip
COMMENTS = Resource(
    "comments", "comment", "Comment",
    {**STAMPS, **AUTHORS, "commentable-id": Whole(), "commentable-type": SHORT, "comments": Text(required=True),
     "comment-type": Text(size=255),
     "to-supplier": Text(output=True), "mentionees": Text(output=True), "reason-code": Text(output=True)},
    kind="Comment", indexed=("commentable-id",),
)  # fmt: skip

DOCUMENTS = (
    ORDER_LINES, ORDER_LINE_ALLOCATIONS, PURCHASE_ORDERS, RECEIPTS, TAX_LINES, FAILED_TOLERANCES,
    LINE_ALLOCATIONS, CHARGE_ALLOCATIONS,
    INVOICE_LINES, INVOICE_CHARGES, PAYMENTS, INVOICES, MATCHING_ALLOCATIONS, APPROVALS, COMMENTS,
)  # fmt: skip
