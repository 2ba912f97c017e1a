"""What is written off reaches its GL account, and what cannot be carried there is said to the people who must code it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.coupa.bodies import InvoicePayload
from procurement.documents import (
    AccountShare,
    ChargeKind,
    Invoice,
    InvoiceCharge,
    InvoiceLine,
    PurchaseOrder,
    PurchaseOrderLine,
)
from procurement.matching import Written, WrittenShare
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.payloads import invoice_payload
from procurement.pipelines.amazon_invoices_to_coupa.write_offs import Coded, coded

ACCOUNTS = {"US Chart": {"rounding": "10-4900-6810"}}
PO_LINE = PurchaseOrderLine(
    id=7, number="1", quantity=Decimal(1), unit_price=Money.of(10, "USD"), total=Money.of(10, "USD"), received=Decimal(1),
    invoiced=Decimal(0), match_type="3-way", receipt_required=True, account="10-4100-6100",
)  # fmt: skip
ORDER = PurchaseOrder(
    id=1, number="P", status="issued", version=1, supplier="AMZN", supplier_id=9, currency="USD", lines=(PO_LINE,)
)
LINE = InvoiceLine(
    number=1, description="Pens", quantity=Decimal(1), unit_price=Decimal("10.03"), total=Money.of("10.03", "USD"), po_number="P",
    po_line_number="1", po_line_id=7,
)  # fmt: skip
SHIPPING = InvoiceCharge(
    kind=ChargeKind.SHIPPING, total=Money.of("0.04", "USD"), description="Amazon shipping", account="10-4900-6800"
)
INVOICE = Invoice(
    number="N", date=date(2026, 2, 4), is_credit_note=False, supplier="AMZN", currency="USD", supplier_total=Money.of("10.07", "USD"),
    lines=(LINE,), charges=(SHIPPING,), chart_of_accounts="US Chart",
)  # fmt: skip


def written(cause: str, amount: str, line: int | None = None) -> Written:
    money = Money.of(amount, "USD")
    return Written(
        money=money, account="rounding", rule="r", shares=(WrittenShare(cause=cause, line=line, money=money),)
    )


def of(share: Written | None, invoice: Invoice = INVOICE, order: PurchaseOrder = ORDER) -> Coded:
    return coded(invoice, share, orders=[order], accounts=ACCOUNTS)


def payload(found: Coded) -> dict[str, Any]:
    body = dict(invoice_payload(found.invoice, delivery_id="d", internal_note=found.note))
    InvoicePayload.model_validate(body)
    return body


def test_what_a_line_is_billed_too_much_is_a_split_of_its_account() -> None:
    found = of(written("line", "0.03", 1))
    (line,) = payload(found)["invoice-lines"]
    chart = {"account-type": {"name": "US Chart"}}
    assert line["account-allocations"] == [
        {"account": {"code": "10-4100-6100", **chart}, "pct": "99.7008973081", "amount": "10.00"},
        {"account": {"code": "10-4900-6810", **chart}, "pct": "0.2991026919", "amount": "0.03"},
    ]
    assert (line["price"], line["quantity"], found.invoice.total) == ("10.03", "1", INVOICE.total)
    assert found.by_hand == ()
    assert payload(found)["internal-note"] == (
        "Written off: USD 0.03 (price of line 1) to the account 10-4900-6810 (rounding)."
    )


def test_a_charge_goes_to_the_account_whole() -> None:
    found = of(written("shipping", "0.04"))
    (charge,) = payload(found)["invoice-charges"]
    assert (charge["account"]["code"], charge["total"], found.by_hand) == ("10-4900-6810", "0.04", ())


@pytest.mark.parametrize(
    ("share", "sentence"),
    [
        (written("tax", "0.04", 1), "USD 0.04 (tax of line 1)"),
        (written("total", "0.03"), "USD 0.03 (total)"),
        (written("line", "-0.03", 1), "USD -0.03 (price of line 1)"),
        (written("shipping", "-0.04"), "USD -0.04 (shipping)"),
        (written("charges", "0.04"), "USD 0.04 (other charges)"),
    ],
)
def test_what_the_document_cannot_carry_is_said(share: Written, sentence: str) -> None:
    found = of(share)
    assert found.invoice == INVOICE
    assert found.by_hand == (
        f"To be coded by hand, as it is written off: {sentence} to the account 10-4900-6810 (rounding).",
    )
    assert payload(found)["internal-note"] == found.by_hand[0]


def test_a_line_over_several_accounts_is_left_to_people() -> None:
    shares = (AccountShare("10-1", Decimal(50), LINE.total), AccountShare("10-2", Decimal(50), LINE.total))
    split = replace(INVOICE, lines=(replace(LINE, allocations=shares),))
    assert of(written("line", "0.03", 1), split).by_hand
    several = replace(ORDER, lines=(replace(PO_LINE, account=None),))
    assert of(written("line", "0.03", 1), order=several).by_hand


def test_a_line_that_is_nothing_but_the_difference_is_left_to_people() -> None:
    assert of(written("line", "10.03", 1)).by_hand


def test_an_account_that_the_chart_does_not_have_is_said_by_its_name() -> None:
    (sentence,) = of(written("line", "0.03", 1), replace(INVOICE, chart_of_accounts="Other")).by_hand
    assert "the account of that name (rounding)" in sentence


def test_our_own_rounding_charge_stays_where_it_is() -> None:
    rounding = InvoiceCharge(
        kind=ChargeKind.MISC, total=Money.of("0.01", "USD"), description="x", account="10-9", is_rounding=True
    )
    fee = InvoiceCharge(kind=ChargeKind.MISC, total=Money.of("0.02", "USD"), description="Fee", account="10-8")
    found = of(written("charges", "0.02"), replace(INVOICE, charges=(rounding, fee)))
    assert [one.account for one in found.invoice.charges] == ["10-9", "10-4900-6810"]


def test_without_a_write_off_nothing_changes() -> None:
    assert of(None) == Coded(INVOICE)
    assert "internal-note" not in payload(of(None))
