"""A document as it was, or will be, sent: read back out of its payload."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from procurement.documents import ChargeKind, Invoice, InvoiceCharge, InvoiceLine, TaxLine
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.payloads import CHARGE_TYPES

Json = Mapping[str, Any]
KINDS: Mapping[str, ChargeKind] = {name: kind for kind, name in CHARGE_TYPES.items()}
NOWHERE: Mapping[int, tuple[str, str]] = {}


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
