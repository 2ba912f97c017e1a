"""What Coupa answers, as far as we use it: tolerant of what is missing and of what is new.

Decimals arrive as text, ids as numbers, unset text as null or as nothing; `fields` leaves most of each record out.
"""

from connectors.payload_types import CoupaRecord, Exact, Moment, Optional, Several, Text

CustomFields = dict[str, object] | None


class Coded(CoupaRecord):
    """Currency, unit of measure, payment term, tax code."""

    id: int | None = None
    code: Text = None


class Named(CoupaRecord):
    """Commodity, chart of accounts, department, lookup."""

    id: int | None = None
    name: Text = None


class User(CoupaRecord):
    id: int
    login: Text = None
    email: Text = None
    fullname: Text = None
    active: bool | None = None


class Account(CoupaRecord):
    id: int | None = None
    code: Text = None
    name: Text = None
    account_type: Optional[Named] = None


class Supplier(CoupaRecord):
    """`invoice-matching-level`: 2-way, 3-way, 3-way-direct, none."""

    id: int
    number: Text = None
    name: Text = None
    status: Text = None
    on_hold: bool | None = None
    invoice_matching_level: Text = None
    allow_cxml_invoicing: bool | None = None
    custom_fields: CustomFields = None


class PurchaseOrderLine(CoupaRecord):
    """`received` and `invoiced` are quantities, or amounts on an amount line."""

    id: int
    line_num: Text = None
    type: Text = None
    status: Text = None
    description: Text = None
    quantity: Optional[Exact] = None
    price: Optional[Exact] = None
    total: Optional[Exact] = None
    received: Optional[Exact] = None
    invoiced: Optional[Exact] = None
    match_type: Text = None
    receipt_required: bool | None = None
    source_part_num: Text = None
    supp_aux_part_num: Text = None
    supplier_order_number: Text = None
    currency: Optional[Coded] = None
    uom: Optional[Coded] = None
    commodity: Optional[Named] = None
    account: Optional[Account] = None
    custom_fields: CustomFields = None


class RequisitionHeader(CoupaRecord):
    id: int
    requested_by: Optional[User] = None


class PurchaseOrder(CoupaRecord):
    """`status`: issued, closed, soft_closed, cancelled, one of the holds, ..."""

    id: int
    po_number: Text = None
    status: Text = None
    version: int | None = None
    currency: Optional[Coded] = None
    payment_term: Optional[Coded] = None
    supplier: Optional[Supplier] = None
    ship_to_user: Optional[User] = None
    requisition_header: Optional[RequisitionHeader] = None
    created_at: Optional[Moment] = None
    updated_at: Optional[Moment] = None
    order_lines: Several[PurchaseOrderLine] = ()
    custom_fields: CustomFields = None


class OrderLineReference(CoupaRecord):
    id: int


class Receipt(CoupaRecord):
    """A receiving transaction; `type` tells receipts, returns and voids apart."""

    id: int
    type: Text = None
    status: Text = None
    quantity: Optional[Exact] = None
    total: Optional[Exact] = None
    transaction_date: Optional[Moment] = None
    match_reference: Text = None
    original_transaction_id: int | None = None
    order_line: Optional[OrderLineReference] = None
    custom_fields: CustomFields = None


class FailedTolerance(CoupaRecord):
    """A check of Coupa's that failed; what the codes mean is the tenant's business."""

    code: Text = None
    breach_amount: Text = None
    breach_limit: Text = None
    failable_type: Text = None
    failable_id: int | None = None
    resolved: bool | None = None


class TaxLine(CoupaRecord):
    amount: Optional[Exact] = None
    rate: Optional[Exact] = None
    tax_code: Optional[Coded] = None


class InvoiceLine(CoupaRecord):
    id: int
    line_num: int | None = None
    type: Text = None
    status: Text = None
    quantity: Optional[Exact] = None
    price: Optional[Exact] = None
    total: Optional[Exact] = None
    order_line_id: int | None = None
    match_reference: Text = None
    tax_lines: Several[TaxLine] = ()
    failed_tolerances: Several[FailedTolerance] = ()


class InvoiceCharge(CoupaRecord):
    id: int | None = None
    type: Text = None
    total: Optional[Exact] = None


class Invoice(CoupaRecord):
    """`channel` is how it arrived, `document-type` Invoice or Credit Note; totals are Coupa's own computation."""

    id: int
    invoice_number: Text = None
    invoice_date: Optional[Moment] = None
    status: Text = None
    document_type: Text = None
    channel: Text = None
    currency: Optional[Coded] = None
    supplier: Optional[Supplier] = None
    supplier_total: Optional[Exact] = None
    gross_total: Optional[Exact] = None
    total_with_taxes: Optional[Exact] = None
    tolerance_failures: Text = None
    invoice_lines: Several[InvoiceLine] = ()
    invoice_charges: Several[InvoiceCharge] = ()
    failed_tolerances: Several[FailedTolerance] = ()
    custom_fields: CustomFields = None


class Approval(CoupaRecord):
    id: int
    status: Text = None
    position: int | None = None
    approvable_type: Text = None
    approvable_id: int | None = None
    approver: Optional[User] = None


class Comment(CoupaRecord):
    id: int
    comments: Text = None
    created_at: Optional[Moment] = None
    created_by: Optional[User] = None


class MatchingAllocation(CoupaRecord):
    """A receipt matched to an invoice line. Coupa's own page spells the keys with underscores: both are read."""

    id: int
    invoice_line_id: int | None = None
    order_line_id: int | None = None
    inventory_transaction_id: int | None = None
    quantity: Optional[Exact] = None
    amount: Optional[Exact] = None
    status: Text = None


class LookupValue(CoupaRecord):
    id: int
    name: Text = None
    active: bool | None = None
    external_ref_num: Text = None
    external_ref_code: Text = None


class IntegrationRun(CoupaRecord):
    id: int
    status: Text = None
    integration: Optional[Coded] = None
