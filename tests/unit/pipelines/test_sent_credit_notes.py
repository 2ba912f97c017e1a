"""A credit note read back out of its payload still knows its original, and is judged by it."""

from datetime import date
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from procurement.documents import Invoice, InvoiceLine, PurchaseOrder, PurchaseOrderLine
from procurement.matching import MatchResult, Outcome, three_way_match
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.payloads import invoice_payload
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import read_invoice
from procurement.tolerances import Limits, Tolerances

STRICT = Tolerances(Limits.model_validate({"price": {"over": {"absolute": 0}}}), {}, {})
PO_LINE = PurchaseOrderLine(
    id=7, number="1", quantity=Decimal(5), unit_price=Money.of(10, "USD"), total=Money.of(50, "USD"), received=Decimal(5),
    invoiced=Decimal(5), match_type="3-way", receipt_required=True,
)  # fmt: skip
ORDER = PurchaseOrder(
    id=1, number="P", status="issued", version=1, supplier="AMZN", supplier_id=9, currency="USD", lines=(PO_LINE,)
)


def document(number: str, units: int, price: str, **changes: Any) -> Invoice:
    line = InvoiceLine(
        number=1, description="Pens", quantity=Decimal(units), unit_price=Decimal(price), total=Money.of(price, "USD") * units,
        po_number="P", po_line_number="1", po_line_id=7, adjustment_type="quantity" if units < 0 else None,
    )  # fmt: skip
    return Invoice(
        number=number, date=date(2026, 2, 4), is_credit_note=units < 0, supplier="AMZN", currency="USD", supplier_total=line.total,
        lines=(line,), **changes,
    )  # fmt: skip


def judged(credit: Invoice, original: Invoice) -> MatchResult:
    return three_way_match(credit, {"P": ORDER}, [], STRICT, earlier=[original])


def test_what_was_paid_too_much_and_comes_back_matches_again() -> None:
    original = document("INV-0", 5, "12.00")
    credit = document("CR-1", -5, "12.00", original_number="INV-0", original_date=date(2026, 2, 1))
    again = read_invoice(invoice_payload(credit, delivery_id="d"), {7: ("P", "1")})
    assert again.original_number == "INV-0"
    assert judged(again, original) == judged(credit, original)
    assert judged(again, original).outcome is Outcome.MATCHED
    short = replace(again, lines=(replace(again.lines[0], unit_price=Decimal("11.99")),))
    assert judged(short, original).outcome is Outcome.EXCEPTION
