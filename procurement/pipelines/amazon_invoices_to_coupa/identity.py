"""Number and date of an invoice, from Amazon's getInvoiceDetails, and the original of a credit memo.

The date is Amazon's own `invoiceDate`; it never moves. A consolidated invoice waits while Amazon says `Pending`. Only
Japan names the original of a credit memo: elsewhere it is the standard invoice of the same order line and shipment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.amazon_business.payloads import InvoiceDetail, OrderLineKey
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Group, Verdict

PENDING = "pending"
STANDARD, CREDIT_MEMO = "STANDARD", "CREDIT_MEMO"

Details = Mapping[OrderLineKey, Sequence[InvoiceDetail]]


@dataclass(frozen=True, slots=True)
class Identity:
    """What Amazon prints on the document; `moment` is its date as an aware moment, the mapping makes a day of it."""

    number: str
    moment: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Other refunds of the same order lines and shipments: the credit memos that are theirs, and whether one of them has no
    number yet either."""

    memos: frozenset[str] = frozenset()
    unnumbered: bool = False


NO_CLAIMS = Claims()


def details_of(group: Group, details: Details) -> list[InvoiceDetail]:
    """Everything Amazon said about the order lines of the group that were asked for."""
    return [detail for key in dict.fromkeys(group.line_keys) for detail in details.get(key, ())]


def identify(group: Group, details: Details, claims: Claims = NO_CLAIMS) -> Identity | Verdict:
    """The group's number and date, or why it must wait for them. A refund without number takes a credit memo only where no
    other refund can be the memo's."""
    kind = CREDIT_MEMO if group.is_credit_note else STANDARD
    known = details_of(group, details)
    if group.number:
        fitting = [detail for detail in known if detail.invoice_number == group.number]
        waiting = f"Amazon gives no date for invoice {group.number} yet"
    else:
        fitting = [
            detail for detail in known
            if (detail.invoice_type or STANDARD) == kind and not {detail.invoice_number, detail.final_number} & claims.memos
        ]  # fmt: skip
        waiting = "Amazon has not issued the invoice number yet"
    distinct = {(detail.final_number, detail.invoice_date): detail for detail in fitting}
    if not distinct:
        return Verdict("waiting", waiting)
    if len({detail.final_number for detail in distinct.values()}) > 1:
        numbers = ", ".join(sorted(str(detail.final_number) for detail in distinct.values()))
        return Verdict(
            "waiting", f"Amazon names several invoices for this charge ({numbers}); the feed has to say which"
        )
    if claims.unnumbered:
        memo = next(iter(distinct.values())).final_number
        return Verdict(
            "waiting", f"Amazon names one credit memo ({memo}) for several refunds; the feed has to say whose it is"
        )
    detail = next(iter(distinct.values()))
    number = detail.final_number
    if not number or number.lower() == PENDING:
        return Verdict("waiting", "the consolidated invoice is still pending at Amazon")
    return Identity(number, detail.invoice_date, detail.invoice_type or kind)


@dataclass(frozen=True, slots=True)
class Original:
    """The invoice a credit memo belongs to."""

    number: str
    moment: datetime


def original_among(known: Sequence[InvoiceDetail]) -> Original | None:
    """The original of what was refunded on an order line: named by Amazon (Japan), else the line's standard invoice.

    With several standard invoices the earliest stands, as every one of them is an original of the refunded line.
    """
    for detail in known:
        if detail.associated_invoice_number and detail.associated_invoice_date:
            return Original(detail.associated_invoice_number, detail.associated_invoice_date)
    return next(iter(standard_invoices(known)), None)


def standard_invoices(details: Iterable[InvoiceDetail]) -> list[Original]:
    """The invoices that are issued, each once, the earliest first."""
    found = {
        (detail.invoice_date, detail.final_number)
        for detail in details
        if (detail.invoice_type or STANDARD) == STANDARD
        and detail.final_number
        and detail.final_number.lower() != PENDING
    }
    return [Original(number, moment) for moment, number in sorted(found)]
