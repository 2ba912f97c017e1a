"""An `Invoice` document as the body of Coupa's POST /invoices.

Mechanical: every choice was made by the mapping. Coupa's rules that show here: references carry one key each, decimals
are text, dates are plain dates (a time part breaks credit-note linking), taxes sit on lines and charges.
"""

from collections.abc import Mapping
from decimal import Decimal

from procurement.documents import AccountShare, ChargeKind, Invoice, InvoiceCharge, InvoiceLine, TaxLine

Json = dict[str, object]

CHARGE_TYPES = {
    ChargeKind.SHIPPING: "InvoiceShippingCharge",
    ChargeKind.HANDLING: "InvoiceHandlingCharge",
    ChargeKind.MISC: "InvoiceMiscCharge",
}
DELIVERY_FIELD = "ab-delivery-id"  # custom field: tells our documents from a clerk's


def text(number: Decimal) -> str:
    """A decimal as plain text: never an exponent, no trailing zeros beyond what was given."""
    return format(number, "f")


def filled(**fields: object) -> Json:
    """Keys in Coupa's hyphenated spelling, without what is empty; zero and false say something."""
    return {key.replace("_", "-"): value for key, value in fields.items() if value or value == 0}


def by(key: str, value: str | None) -> Json | None:
    """A reference to an existing Coupa record by one natural key."""
    return {key: value} if value else None


def account_of(code: str | None, chart: str | None) -> Json | None:
    return {"code": code, "account-type": {"name": chart}} if code and chart else by("code", code)


def account_allocation(share: AccountShare, chart: str | None) -> Json:
    return filled(account=account_of(share.account, chart), pct=text(share.percent), amount=text(share.amount.amount))


def tax_line(tax: TaxLine) -> Json:
    return filled(
        amount=text(tax.amount.amount),
        rate=text(tax.rate) if tax.rate is not None else None,
        tax_code=by("code", tax.code),
        description=tax.description,
    )


def invoice_line(line: InvoiceLine, invoice: Invoice) -> Json:
    return filled(
        line_num=line.number,
        type="InvoiceQuantityLine",
        description=line.description,
        order_line_id=line.po_line_id,
        quantity=text(line.quantity),
        price=text(line.unit_price),
        currency=by("code", invoice.currency),
        uom=by("code", line.unit_of_measure),
        commodity=by("name", line.commodity),
        account=account_of(line.account, invoice.chart_of_accounts),
        account_allocations=[account_allocation(share, invoice.chart_of_accounts) for share in line.allocations],
        source_part_num=line.part_number,
        match_reference=line.match_reference,
        adjustment_type=line.adjustment_type,
        tax_lines=[tax_line(tax) for tax in line.tax_lines],
        custom_fields=dict(line.custom_fields),
    )


def invoice_charge(charge: InvoiceCharge, number: int, invoice: Invoice) -> Json:
    return filled(
        line_num=number,
        type=CHARGE_TYPES[charge.kind],
        total=text(charge.total.amount),
        description=charge.description,
        currency=by("code", invoice.currency),
        account=account_of(charge.account, invoice.chart_of_accounts),
        account_allocations=[account_allocation(share, invoice.chart_of_accounts) for share in charge.allocations],
        tax_lines=[tax_line(tax) for tax in charge.tax_lines],
    )


def invoice_payload(
    invoice: Invoice, *, delivery_id: str, payment_reference: str | None = None, internal_note: str | None = None
) -> Json:
    """The body to send. `delivery_id` is ours: a found invoice without it was made by somebody else.

    `payment_reference` is Amazon's number where the document has to go under another; the supplier never sees `internal_note`.
    """
    custom: Mapping[str, str] = {**invoice.custom_fields, DELIVERY_FIELD: delivery_id}
    return filled(
        invoice_number=invoice.number,
        invoice_date=invoice.date.isoformat(),
        is_credit_note=invoice.is_credit_note or None,
        original_invoice_number=invoice.original_number,
        original_invoice_date=invoice.original_date.isoformat() if invoice.original_date else None,
        supplier=by("number", invoice.supplier),
        account_type=by("name", invoice.chart_of_accounts),
        currency=by("code", invoice.currency),
        payment_term=by("code", invoice.payment_term),
        bill_to_address=by("location-code", invoice.bill_to),
        remit_to_address=by("remit-to-code", invoice.remit_to),
        requester_email=invoice.requester_email,
        line_level_taxation=True,
        payment_order_reference=payment_reference,
        internal_note=internal_note,
        supplier_total=text(invoice.supplier_total.amount),
        custom_fields=dict(custom),
        invoice_lines=[invoice_line(line, invoice) for line in invoice.lines],
        invoice_charges=[invoice_charge(charge, n, invoice) for n, charge in enumerate(invoice.charges, 1)],
    )
