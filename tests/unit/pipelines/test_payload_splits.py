"""A GL split as Coupa takes it: accounts with percent and amount instead of one account."""

from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from connectors.coupa.bodies import InvoicePayload
from procurement.documents import AccountShare, ChargeKind, Invoice, InvoiceCharge, InvoiceLine
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.payloads import invoice_payload

SHARES = (
    AccountShare("10-1", Decimal("66.6"), Money.of("3.33", "USD")),
    AccountShare("10-2", Decimal("33.4"), Money.of("1.67", "USD")),
)
SPLIT = [
    {"account": {"code": "10-1", "account-type": {"name": "US Chart"}}, "pct": "66.6", "amount": "3.33"},
    {"account": {"code": "10-2", "account-type": {"name": "US Chart"}}, "pct": "33.4", "amount": "1.67"},
]
LINE = InvoiceLine(
    number=1, description="Pens", quantity=Decimal(1), unit_price=Decimal(5), total=Money.of(5, "USD"), po_number="P", po_line_number="1",
    po_line_id=7, allocations=SHARES,
)  # fmt: skip
CHARGE = InvoiceCharge(kind=ChargeKind.MISC, total=Money.of(5, "USD"), description="Fee", allocations=SHARES)
INVOICE = Invoice(
    number="N", date=date(2026, 2, 4), is_credit_note=False, supplier="AMZN", currency="USD", supplier_total=Money.of(10, "USD"),
    lines=(LINE,), charges=(CHARGE,), chart_of_accounts="US Chart",
)  # fmt: skip


def test_lines_and_charges_carry_their_split_and_no_account() -> None:
    payload = invoice_payload(INVOICE, delivery_id="d")
    for part in (payload["invoice-lines"][0], payload["invoice-charges"][0]):
        assert part["account-allocations"] == SPLIT
        assert "account" not in part
    InvoicePayload.model_validate(payload)


def test_without_a_split_there_is_the_account_alone() -> None:
    plain = replace(INVOICE, lines=(replace(LINE, allocations=(), account="10-1"),), charges=())
    (line,) = invoice_payload(plain, delivery_id="d")["invoice-lines"]
    assert line["account"]["code"] == "10-1" and "account-allocations" not in line
