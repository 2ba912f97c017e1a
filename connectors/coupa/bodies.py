"""What we send to Coupa: exact, complete, and nothing that was not meant.

References carry one key each, because Coupa takes every key of a nested object as a condition that must hold. Decimals
go out as text, dates as plain days, absent values not at all.
"""

from typing import Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from connectors.payload_types import CoupaBody, Day, Exact, Moment

CustomFields = dict[str, StrictStr | StrictInt | StrictBool]


class Reference(CoupaBody):
    """An existing record by exactly one natural key."""

    id: int | None = None
    code: str | None = None
    name: str | None = None
    number: str | None = None
    login: str | None = None
    email: str | None = None
    location_code: str | None = None
    remit_to_code: str | None = None

    @model_validator(mode="after")
    def _one_key(self) -> "Reference":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("a reference names its record by exactly one key")
        return self


class AccountReference(CoupaBody):
    """A GL account by id, or by code within its chart of accounts."""

    id: int | None = None
    code: str | None = None
    account_type: Reference | None = None

    @model_validator(mode="after")
    def _named(self) -> "AccountReference":
        if (self.id is None) == (self.code is None):
            raise ValueError("an account is named by its id or by its code")
        return self


class AccountAllocationPayload(CoupaBody):
    """One GL account of a split; `pct` in percent."""

    account: AccountReference
    pct: Exact
    amount: Exact | None = None


class TaxLinePayload(CoupaBody):
    """`rate` in percent."""

    amount: Exact
    rate: Exact | None = None
    tax_code: Reference | None = None
    description: str | None = Field(None, max_length=255)


class InvoiceLinePayload(CoupaBody):
    """One billed PO line, or with `id` a line of an invoice that is changed."""

    id: int | None = None
    line_num: int | None = None
    type: Literal["InvoiceQuantityLine", "InvoiceAmountLine"] | None = None
    description: str | None = Field(None, max_length=1550)
    order_line_id: int | None = None
    quantity: Exact | None = None
    price: Exact | None = None
    currency: Reference | None = None
    uom: Reference | None = None
    commodity: Reference | None = None
    account: AccountReference | None = None
    account_allocations: tuple[AccountAllocationPayload, ...] | None = None
    source_part_num: str | None = Field(None, max_length=255)
    match_reference: str | None = Field(None, max_length=255)
    adjustment_type: Literal["price", "quantity", "other"] | None = None
    billing_note: str | None = None
    unspsc: str | None = None
    tax_lines: tuple[TaxLinePayload, ...] | None = None
    custom_fields: CustomFields | None = None


class InvoiceChargePayload(CoupaBody):
    type: Literal["InvoiceShippingCharge", "InvoiceHandlingCharge", "InvoiceMiscCharge"]
    total: Exact
    line_num: int | None = None
    description: str | None = Field(None, max_length=1550)
    currency: Reference | None = None
    account: AccountReference | None = None
    account_allocations: tuple[AccountAllocationPayload, ...] | None = None
    billing_note: str | None = None
    tax_lines: tuple[TaxLinePayload, ...] | None = None


class InvoiceChanges(CoupaBody):
    """The fields of an invoice to change; what is left out stays."""

    invoice_number: str | None = Field(None, min_length=1, max_length=40)
    invoice_date: Day | None = None
    is_credit_note: bool | None = None
    original_invoice_number: str | None = Field(None, max_length=40)
    original_invoice_date: Day | None = None
    supplier: Reference | None = None
    account_type: Reference | None = None
    currency: Reference | None = None
    payment_term: Reference | None = None
    bill_to_address: Reference | None = None
    remit_to_address: Reference | None = None
    ship_to_address: Reference | None = None
    requester_email: str | None = None
    line_level_taxation: bool | None = None
    supplier_total: Exact | None = None
    delivery_number: str | None = Field(None, max_length=255)
    internal_note: str | None = None
    supplier_note: str | None = None
    payment_order_reference: str | None = Field(None, max_length=255)
    customer_account_number: str | None = None
    custom_fields: CustomFields | None = None
    invoice_lines: tuple[InvoiceLinePayload, ...] | None = None
    invoice_charges: tuple[InvoiceChargePayload, ...] | None = None


class InvoicePayload(InvoiceChanges):
    """A new invoice or credit note. A credit note names its original."""

    invoice_number: str = Field(min_length=1, max_length=40)
    invoice_date: Day
    supplier: Reference
    currency: Reference
    line_level_taxation: bool
    invoice_lines: tuple[InvoiceLinePayload, ...]

    @model_validator(mode="after")
    def _original(self) -> "InvoicePayload":
        if self.is_credit_note and not (self.original_invoice_number and self.original_invoice_date):
            raise ValueError("a credit note needs original-invoice-number and original-invoice-date")
        counted = [line for line in self.invoice_lines if line.type == "InvoiceQuantityLine"]
        if any(line.quantity is None or line.price is None for line in counted):
            raise ValueError("a quantity line needs quantity and price")
        return self


class InvoiceActionPayload(CoupaBody):
    """What an action may need: a dispute its reason, an approver their login, recoding its lines."""

    dispute_reason: Reference | None = None
    comment: str | None = None
    approver: Reference | None = None
    approval: Reference | None = None
    abandon_reason: Reference | None = None
    invoice_lines: tuple[InvoiceLinePayload, ...] | None = None


class CommentPayload(CoupaBody):
    """`@[User:5]` in the text notifies that user."""

    comments: str = Field(min_length=1)


class OrderLineId(CoupaBody):
    id: int


class ReceiptPayload(CoupaBody):
    """`type` is how the tenant books receipts: ReceivingQuantityConsumption, InventoryReceipt, ..."""

    type: str
    order_line: OrderLineId
    quantity: Exact | None = None
    total: Exact | None = None
    transaction_date: Moment
    match_reference: str | None = Field(None, max_length=255)
    notes: str | None = Field(None, max_length=255)
    soft_close_for_receiving: bool | None = None
    custom_fields: CustomFields | None = None

    @model_validator(mode="after")
    def _measured(self) -> "ReceiptPayload":
        if (self.quantity is None) == (self.total is None):
            raise ValueError("a receipt has a quantity, or a total on an amount line")
        return self


class RunPayload(CoupaBody):
    integration: Reference


class ErrorResponse(CoupaBody):
    response_code: str = Field(max_length=255)
    response_message: str


class IntegrationErrorPayload(CoupaBody):
    """An error of a run, shown on the document; `external-id` is our key of it."""

    integration_run_id: int
    document_type: str
    document_id: int | None = None
    document_status: str | None = None
    contact_alert_type: Literal["Technical", "Functional", "Both"]
    status: str = "Error"
    external_id: str | None = Field(None, max_length=255)
    responses: tuple[ErrorResponse, ...] = ()


class IntegrationErrorChanges(CoupaBody):
    """What an error that stands says now."""

    document_status: str | None = None
    responses: tuple[ErrorResponse, ...] = Field(min_length=1)
