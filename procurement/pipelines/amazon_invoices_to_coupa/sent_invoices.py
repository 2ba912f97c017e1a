"""A document as it was, or will be, sent: read back out of its payload.

Coupa's form has no place for all that a match looks at. What is missing there is kept beside the payload (`unsent`), so that a
document that is matched again is the one that was planned.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec.structs import asdict, replace

from procurement.documents import ChargeKind, Invoice, InvoiceCharge, InvoiceLine, Note, TaxLine
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.payloads import CHARGE_TYPES

Json = Mapping[str, Any]
KINDS: Mapping[str, ChargeKind] = {name: kind for kind, name in CHARGE_TYPES.items()}
NOWHERE: Mapping[int, tuple[str, str]] = {}
UNSENT = "unsent"


def unsent(invoice: Invoice) -> dict[str, Any]:
    """What a match looks at and the payload does not say, to be kept with the match's own figures."""
    bases = [[_amount(tax.base) for tax in line.tax_lines] for line in invoice.lines]
    kept = {
        "tax_bases": bases if any(map(any, bases)) else [],
        "rounding": [place for place, charge in enumerate(invoice.charges) if charge.is_rounding],
        "notes": [asdict(note) for note in invoice.notes],
    }
    return {UNSENT: {name: value for name, value in kept.items() if value}} if any(kept.values()) else {}


def read_planned(
    payloads: Mapping[int, Json], figures: Mapping[int, Json], numbers: Mapping[int, tuple[str, str]]
) -> dict[int, Invoice]:
    """The documents by delivery id as their plan saw them; where `figures` have nothing `unsent`, what the payload says."""
    return {
        id: _completed(read_invoice(payload, numbers), figures.get(id, {}).get(UNSENT, {}))
        for id, payload in payloads.items()
    }


def _completed(invoice: Invoice, kept: Json) -> Invoice:
    bases, rounding = kept.get("tax_bases"), kept.get("rounding", ())
    lines = invoice.lines
    if bases:
        lines = tuple(_with_bases(line, own, invoice.currency) for line, own in zip(lines, bases, strict=True))
    return replace(
        invoice,
        lines=lines,
        charges=tuple(
            replace(charge, is_rounding=True) if place in rounding else charge
            for place, charge in enumerate(invoice.charges)
        ),
        notes=tuple(Note(**note) for note in kept.get("notes", ())),
    )


def _with_bases(line: InvoiceLine, bases: Sequence[str | None], currency: str) -> InvoiceLine:
    taxes = (
        tax if base is None else replace(tax, base=Money.of(base, currency))
        for tax, base in zip(line.tax_lines, bases, strict=True)
    )
    return replace(line, tax_lines=tuple(taxes))


def _amount(money: Money | None) -> str | None:
    return None if money is None else str(money.amount)


def read_invoice(payload: Json, numbers: Mapping[int, tuple[str, str]] = NOWHERE) -> Invoice:
    """The document of the payload; the PO's own numbers come by PO line id, and are blank where nobody gives them."""
    currency = str(payload["currency"]["code"])
    return Invoice(
        number=payload["invoice-number"],
        date=date.fromisoformat(payload["invoice-date"]),
        is_credit_note=bool(payload.get("is-credit-note")),
        original_number=payload.get("original-invoice-number"),
        supplier=payload["supplier"]["number"],
        currency=currency,
        chart_of_accounts=(payload.get("account-type") or {}).get("name"),
        supplier_total=Money.of(Decimal(payload["supplier-total"]), currency),
        lines=tuple(_line(line, numbers, currency) for line in payload.get("invoice-lines") or ()),
        charges=tuple(_charge(charge, currency) for charge in payload.get("invoice-charges") or ()),
    )


def _line(raw: Json, numbers: Mapping[int, tuple[str, str]], currency: str) -> InvoiceLine:
    line_id = int(raw["order-line-id"]) if "order-line-id" in raw else None
    po_number, po_line_number = numbers.get(line_id, ("", "")) if line_id is not None else ("", "")
    quantity, price = Decimal(raw["quantity"]), Decimal(raw["price"])
    return InvoiceLine(
        number=int(raw["line-num"]), description=raw.get("description", ""), quantity=quantity, unit_price=price,
        total=(Money(price, currency) * quantity).rounded(), po_number=po_number, po_line_number=po_line_number,
        po_line_id=line_id, match_reference=raw.get("match-reference"), adjustment_type=raw.get("adjustment-type"),
        unit_of_measure=(raw.get("uom") or {}).get("code"), tax_lines=_taxes(raw, currency),
        account=(raw.get("account") or {}).get("code"),
    )  # fmt: skip


def _charge(raw: Json, currency: str) -> InvoiceCharge:
    total = Money.of(Decimal(raw["total"]), currency)
    taxes = _taxes(raw, currency)
    return InvoiceCharge(kind=KINDS[raw["type"]], total=total, description=raw.get("description", ""), tax_lines=taxes)


def _taxes(raw: Json, currency: str) -> tuple[TaxLine, ...]:
    return tuple(
        TaxLine(
            amount=Money.of(Decimal(tax["amount"]), currency),
            rate=Decimal(tax["rate"]) if tax.get("rate") is not None else None,
            code=(tax.get("tax-code") or {}).get("code"),
        )
        for tax in raw.get("tax-lines") or ()
    )
