"""The documents of buying as Coupa keeps them: requisitions with their lines, and changes of purchase orders.

Columns follow the Core API's tables (sections 3.1 and 3.2 of its documentation). A change names its order by id and
shows the whole order as it would be: one row per order line, with `_asked` (the columns somebody asked to change).
"""

from sandbox.coupa.documents import (
    ACCOUNT,
    ALLOCATION,
    COMPUTED,
    CURRENCY,
    NOTE,
    QUANTITY,
    USER,
)
from sandbox.coupa.reference_data import AUTHORS, SHORT, STAMPS
from sandbox.coupa.schema import (
    Amount,
    Column,
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

OVERRIDES = ("supplier_default", "email", "do_not_transmit")
LINE_TYPES = ("RequisitionQuantityLine", "RequisitionAmountLine")
UNIT_PRICE = Amount(scale=6, precision=30)
CHAIN: dict[str, Column] = {
    "approvals": Linked(resource="approvals", by="approvable-id", kind="approvable-type", output=True),
    "current-approval": Ref(resource="approvals", output=True),
}

REQUISITION_LINES = Resource(
    "requisition_lines", "requisition_line", "Requisition line",
    {**STAMPS, **AUTHORS, "line-num": Whole(), "line-type": Text(choices=LINE_TYPES), "description": Text(size=255),
     "quantity": QUANTITY, "unit-price": UNIT_PRICE, "total": COMPUTED, "status": Text(size=50, output=True),
     "order-line-id": Whole(output=True), "source-part-num": SHORT, "supp-aux-part-num": NOTE,
     "source-type": Text(output=True), "manufacturer-name": SHORT, "manufacturer-part-number": SHORT,
     "need-by-date": Moment(), "receipt-required": Flag(), "transmission-emails": NOTE,
     "transmission-method-override": Text(size=30, choices=OVERRIDES), "uom": Ref(resource="uoms"),
     "currency": CURRENCY, "supplier": Ref(resource="suppliers"), "commodity": Ref(resource="commodities"),
     "payment-term": Ref(resource="payment_terms"), "account": ACCOUNT,
     "account-allocations": Many(resource="requisition_line_allocations"), "item": Inline(), "contract": Inline(),
     "period": Inline()},
    kind="RequisitionLine", indexed=("order-line-id",), parent="requisitions",
    defaults={"status": "draft", "receipt-required": True, "source-type": "Non-Catalog Request"},
)  # fmt: skip
REQUISITION_LINE_ALLOCATIONS = Resource(
    "requisition_line_allocations",
    "requisition_line_allocation",
    "Allocation",
    {**ALLOCATION, "period": Inline()},
    parent="requisition_lines",
)
REQUISITIONS = Resource(
    "requisitions", "requisition_header", "Requisition",
    {**STAMPS, **AUTHORS, "status": Text(size=50, output=True), "req-title": Text(size=50),
     "justification": Text(size=2000), "buyer-note": NOTE, "requested-by": USER, "requester": USER, "approver": USER,
     "department": Ref(resource="departments"), "ship-to-address": Ref(resource="addresses"),
     "ship-to-attention": SHORT, "need-by-date": Moment(), "external-po-reference": SHORT,
     "submitted-at": Moment(output=True), "exported": Flag(output=True), "last-exported-at": Moment(output=True),
     "price-hidden": Flag(output=True), "reject-reason-comment": Text(output=True), "line-count": Whole(output=True),
     "total": COMPUTED, "currency": Ref(resource="currencies", output=True),
     "requisition-lines": Many(resource="requisition_lines"), **CHAIN},
    kind="RequisitionHeader", keys=("req-title",), indexed=("status", "req-title", "external-po-reference"),
    unique=(("external-po-reference",),), defaults={"status": "draft", "exported": False, "price-hidden": False},
)  # fmt: skip

ORDER_LINE_CHANGES = Resource(
    "order_line_changes", "order_line_change", "Order line change",
    {**STAMPS, "order-header-change-id": Whole(output=True), "order-line-id": Whole(), "line-num": Text(output=True),
     "description": Text(size=255), "quantity": QUANTITY, "price": UNIT_PRICE, "total": COMPUTED,
     "pending-delete": Flag(), "need-by-date": Moment(), "source-part-num": SHORT, "supp-aux-part-num": NOTE,
     "manufacturer-name": SHORT, "manufacturer-part-number": SHORT, "savings-pct": Amount(scale=2, precision=8),
     "uom": Ref(resource="uoms"), "commodity": Ref(resource="commodities"), "currency": CURRENCY, "account": ACCOUNT,
     "account-allocations": Many(resource="order_line_change_allocations"), "item": Inline(), "contract": Inline(),
     "period": Inline()},
    indexed=("order-line-id",), parent="purchase_order_changes", defaults={"pending-delete": False},
)  # fmt: skip
ORDER_LINE_CHANGE_ALLOCATIONS = Resource(
    "order_line_change_allocations",
    "order_line_change_allocation",
    "Allocation",
    {**ALLOCATION, "period": Inline()},
    parent="order_line_changes",
)
ORDER_CHANGES = Resource(
    "purchase_order_changes", "order_header_change", "Purchase order change",
    {**STAMPS, **AUTHORS, "order-header-id": Whole(required=True), "po-number": Text(output=True),
     "requisition-header-id": Whole(output=True), "status": Text(size=50, output=True),
     "version": Whole(output=True), "reject-reason": Text(output=True), "total": COMPUTED,
     "lines-count": Whole(output=True), "lines-pending-add-count": Whole(output=True),
     "lines-pending-delete-count": Whole(output=True), "pending-cancel": Flag(output=True),
     "supplier-initiated": Flag(output=True), "exported": Flag(output=True),
     "supplier": Ref(resource="suppliers", output=True), "currency": Ref(resource="currencies", output=True),
     "order-line-changes": Many(resource="order_line_changes"), **CHAIN},
    kind="OrderHeaderChange", indexed=("order-header-id", "status", "po-number"),
    defaults={"status": "draft", "pending-cancel": False, "supplier-initiated": False, "exported": False},
)  # fmt: skip

BUYING_DOCUMENTS = (
    REQUISITION_LINES, REQUISITION_LINE_ALLOCATIONS, REQUISITIONS, ORDER_LINE_CHANGES, ORDER_LINE_CHANGE_ALLOCATIONS,
    ORDER_CHANGES,
)  # fmt: skip
