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


class AccountAllocation(CoupaRecord):
    """A share of a line: `pct` in percent, or `amount`."""

    pct: Optional[Exact] = None
    amount: Optional[Exact] = None
    account: Optional[Account] = None


class Country(CoupaRecord):
    """`code` has two letters."""

    code: Text = None
    name: Text = None


class Address(CoupaRecord):
    id: int | None = None
    name: Text = None
    location_code: Text = None
    attention: Text = None
    street1: Text = None
    street2: Text = None
    city: Text = None
    state: Text = None
    postal_code: Text = None
    country: Optional[Country] = None


class Supplier(CoupaRecord):
    """`invoice-matching-level`: 2-way, 3-way, 3-way-direct, none.

    `po-method` and `po-change-method`: cxml, xml, email, prompt, mark_as_sent, buy_online.
    """

    id: int
    number: Text = None
    name: Text = None
    status: Text = None
    on_hold: bool | None = None
    invoice_matching_level: Text = None
    allow_cxml_invoicing: bool | None = None
    po_method: Text = None
    po_change_method: Text = None
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
    requisition_line_id: Text = None
    currency: Optional[Coded] = None
    uom: Optional[Coded] = None
    commodity: Optional[Named] = None
    account: Optional[Account] = None
    account_allocations: Several[AccountAllocation] = ()
    custom_fields: CustomFields = None


class RequisitionHeader(CoupaRecord):
    id: int
    requested_by: Optional[User] = None


class PurchaseOrder(CoupaRecord):
    """`status`: issued, closed, soft_closed, cancelled (also spelled canceled), one of the holds, ...

    `transmission-status` says whether Coupa itself has sent it: created, deferred, sent_via_cxml, sent_manually, ...
    """

    id: int
    po_number: Text = None
    status: Text = None
    version: int | None = None
    transmission_status: Text = None
    confirmation_status: Text = None
    ship_to_attention: Text = None
    ship_to_address: Optional[Address] = None
    currency: Optional[Coded] = None
    payment_term: Optional[Coded] = None
    supplier: Optional[Supplier] = None
    ship_to_user: Optional[User] = None
    requisition_header: Optional[RequisitionHeader] = None
    created_at: Optional[Moment] = None
    updated_at: Optional[Moment] = None
    order_lines: Several[PurchaseOrderLine] = ()
    custom_fields: CustomFields = None


class OrderLineChange(CoupaRecord):
    id: int
    order_line_id: int | None = None
    quantity: Optional[Exact] = None
    price: Optional[Exact] = None
    pending_delete: bool | None = None


class PurchaseOrderChange(CoupaRecord):
    """`status`: pending_approval, approved, rejected."""

    id: int
    order_header_id: int
    status: Text = None
    order_line_changes: Several[OrderLineChange] = ()


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


class Approver(CoupaRecord):
    """A user or an approval group; of a group, a login is not to be expected."""

    id: int
    login: Text = None
    email: Text = None
    name: Text = None


class Approval(CoupaRecord):
    """`status`: pending_approval, approved, rejected, escalated; others exist before its turn has come."""

    id: int
    status: Text = None
    position: int | None = None
    approvable_type: Text = None
    approvable_id: int | None = None
    approver: Optional[Approver] = None


class RequisitionLine(CoupaRecord):
    """`order-line-id` is the PO line that Coupa made of it; `quantity` is missing on an amount line."""

    id: int
    line_num: Text = None
    line_type: Text = None
    status: Text = None
    description: Text = None
    quantity: Optional[Exact] = None
    unit_price: Optional[Exact] = None
    order_line_id: int | None = None
    source_part_num: Text = None
    supp_aux_part_num: Text = None
    currency: Optional[Coded] = None
    uom: Optional[Coded] = None


class Requisition(CoupaRecord):
    """`status`: draft, pending_approval, approved, ordered, partially_received, received, withdrawn, abandoned, ..."""

    id: int
    status: Text = None
    requested_by: Optional[User] = None
    approvals: Several[Approval] = ()
    requisition_lines: Several[RequisitionLine] = ()
    custom_fields: CustomFields = None


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
