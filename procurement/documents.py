"""The documents of procure-to-pay as the rules see them: frozen values, free of either vendor's spelling.

A document is checked where it is built (mapping, `purchase_orders`), so the rules can trust it. Money carries its
currency; quantities and unit prices are Decimal and may have more decimals than the currency.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

from procurement.money import Money

Day: TypeAlias = date  # an invoice has a field of the name `date`


class ChargeKind(StrEnum):
    """Coupa's three invoice charges."""

    SHIPPING = "shipping"
    HANDLING = "handling"
    MISC = "misc"


class TaxLine(Struct, frozen=True, kw_only=True):
    amount: Money
    rate: Decimal | None = None  # percent: 8.25 means 8.25 %
    code: str | None = None
    description: str | None = None
    base: Money | None = None  # what the rate applies to, where the source lets us know


class AccountShare(Struct, frozen=True):
    """One GL account of a split line or charge; the shares' amounts add up to it."""

    account: str
    percent: Decimal
    amount: Money


class Note(Struct, frozen=True, kw_only=True):
    """Something a person should know of a document that does not stop it: it becomes a finding, never a breach."""

    kind: str
    line: int | None
    sentence: str


class InvoiceLine(Struct, frozen=True, kw_only=True):
    """One billed order line. `total` is what Coupa computes: quantity x unit price, rounded; tax and charges apart.

    A line that no PO backs has no PO line, and its own `account` or split."""

    number: int
    description: str
    quantity: Decimal
    unit_price: Decimal
    total: Money
    po_number: str = ""
    po_line_number: str = ""
    po_line_id: int | None = None  # Coupa's order-line id
    part_number: str | None = None
    unit_of_measure: str | None = None
    commodity: str | None = None
    account: str | None = None
    match_reference: str | None = None  # the shipment id that the goods receipt carries
    adjustment_type: str | None = None  # price, quantity, other: credit notes only
    tax_lines: tuple[TaxLine, ...] = ()
    allocations: tuple[AccountShare, ...] = ()  # a GL split, instead of `account`
    custom_fields: Mapping[str, str] = field(default_factory=dict)


class InvoiceCharge(Struct, frozen=True, kw_only=True):
    kind: ChargeKind
    total: Money
    description: str
    account: str | None = None
    tax_lines: tuple[TaxLine, ...] = ()
    allocations: tuple[AccountShare, ...] = ()  # a GL split, instead of `account`
    is_rounding: bool = False  # what a line's price x quantity cannot hold; its description is for people


class Invoice(Struct, frozen=True, kw_only=True):
    """An invoice or credit note ready for Coupa; a credit note's quantities and amounts are negative."""

    number: str
    date: Day
    is_credit_note: bool
    supplier: str  # Coupa supplier number
    currency: str
    supplier_total: Money  # Amazon's own total: the control total
    lines: tuple[InvoiceLine, ...]
    charges: tuple[InvoiceCharge, ...] = ()
    chart_of_accounts: str | None = None
    payment_term: str | None = None
    bill_to: str | None = None  # location code of the bill-to address
    remit_to: str | None = None  # remit-to code
    original_number: str | None = None
    original_date: Day | None = None
    requester_email: str | None = None
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def tax(self) -> Money:
        owners: tuple[InvoiceLine | InvoiceCharge, ...] = (*self.lines, *self.charges)
        return Money.sum((tax.amount for owner in owners for tax in owner.tax_lines), self.currency)

    @property
    def total(self) -> Money:
        """Lines, charges and taxes: what Coupa will show as total-with-taxes."""
        parts: tuple[InvoiceLine | InvoiceCharge, ...] = (*self.lines, *self.charges)
        return Money.sum((part.total for part in parts), self.currency) + self.tax

    @property
    def po_lines(self) -> set[int]:
        """Coupa's ids of the PO lines it bills."""
        return {line.po_line_id for line in self.lines if line.po_line_id is not None}

    def charged(self, kind: ChargeKind) -> Money:
        return Money.sum((charge.total for charge in self.charges if charge.kind is kind), self.currency)


class PurchaseOrderLine(Struct, frozen=True, kw_only=True):
    """A PO line as Coupa shows it now. `received` and `invoiced` are Coupa's running quantities (amounts on amount lines)."""

    id: int
    number: str
    quantity: Decimal | None  # None on an amount line
    unit_price: Money
    total: Money
    received: Decimal
    invoiced: Decimal
    match_type: str | None  # 2-way, 3-way, 3-way-fifo, direct_matching, none; None: the supplier's level holds
    receipt_required: bool
    part_number: str | None = None
    auxiliary_part_number: str | None = None
    unit_of_measure: str | None = None
    commodity: str | None = None
    account: str | None = None
    description: str = ""
    supplier_order_number: str | None = None
    cost_centers: frozenset[str] = frozenset()


class PurchaseOrder(Struct, frozen=True, kw_only=True):
    id: int
    number: str
    status: str
    version: int
    supplier: str  # Coupa supplier number
    supplier_id: int
    currency: str
    lines: tuple[PurchaseOrderLine, ...]
    chart_of_accounts: str | None = None
    payment_term: str | None = None
    requester_email: str | None = None
    requester_id: int | None = None
    match_level: str | None = None  # the supplier's invoice-matching-level
    issued_at: datetime | None = None
    custom_fields: Mapping[str, object] = field(default_factory=dict)


class GoodsReceipt(Struct, frozen=True, kw_only=True):
    """One receiving transaction; voids and returns have negative quantities."""

    id: int
    po_line_id: int
    quantity: Decimal
    received_on: date
    match_reference: str | None = None
