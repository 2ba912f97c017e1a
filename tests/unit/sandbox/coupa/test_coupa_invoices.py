"""Invoices and credit notes as documents: totals to the cent, numbers used once, edits that a status permits."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHART = {"name": "US Chart"}
UNBACKED = {"account": {"code": "10-4100-6100", "account-type": CHART}}
TOTALS = (
    "gross-total",
    "total-with-taxes",
    "tax-amount",
    "shipping-amount",
    "handling-amount",
    "misc-amount",
    "amount-due",
)


def totals(invoice):
    return {name: invoice[name] for name in TOTALS if invoice[name] != "0.00"}


def test_a_total_is_lines_and_charges_and_taxes(company):
    invoice = company.invoice(
        "A",
        {"order-line-id": 1, "quantity": "2", "price": "89.50", "tax-lines": [{"amount": "16.30", "rate": "9.1"}]},
        {"order-line-id": 2, "quantity": "3", "price": "3.333333", "tax-amount": "0.91"},
        invoice_charges=[
            {"type": "InvoiceShippingCharge", "total": "5.99", "tax-lines": [{"amount": "0.55"}]},
            {"type": "InvoiceHandlingCharge", "total": "1.00"},
            {"type": "InvoiceMiscCharge", "total": "-0.01"},
        ],
    )
    gross = "213.74"  # 179.00 + 10.00 + 5.99 + 1.00 - 0.01 + 16.30 + 0.91 + 0.55
    assert totals(invoice) == {
        "gross-total": gross,
        "total-with-taxes": gross,
        "amount-due": gross,
        "tax-amount": "17.76",
        "shipping-amount": "5.99",
        "handling-amount": "1.00",
        "misc-amount": "-0.01",
    }
    assert [line["total"] for line in invoice["invoice-lines"]] == ["179.00", "10.00"]


def test_a_tax_line_without_an_amount_is_computed_from_its_rate(company):
    line = {
        "order-line-id": 1,
        "quantity": "1",
        "price": "99.95",
        "tax-lines": [{"rate": "9.1"}, {"rate": "2", "taxable-amount": "50"}],
    }
    invoice = company.invoice("A", line)
    assert [tax["amount"] for tax in invoice["invoice-lines"][0]["tax-lines"]] == ["9.10", "1.00"]
    assert invoice["tax-amount"] == "10.10"


def test_header_taxation_and_line_taxation_exclude_each_other(company, refused):
    taxed = {"order-line-id": 1, "quantity": "1", "price": "100", "tax-lines": [{"amount": "9"}]}
    assert "Taxes belong on the header" in refused(
        company.call("POST", "/invoices", company.body("A", taxed, line_level_taxation=False))
    )
    assert "belongs on the lines" in refused(company.call("POST", "/invoices", company.body("A", tax_amount="9.00")))
    invoice = company.invoice("A", line_level_taxation=False, tax_rate="10")
    assert (invoice["tax-amount"], invoice["gross-total"]) == ("20.00", "220.00")


def test_the_short_form_of_a_charge_is_a_charge(company):
    invoice = company.invoice("A", shipping_amount="7.50")
    assert [(charge["type"], charge["total"]) for charge in invoice["invoice-charges"]] == [
        ("InvoiceShippingCharge", "7.50")
    ]
    status, changed = company.call("PUT", f"/invoices/{invoice['id']}", {"shipping_amount": "8.00"})
    assert (status, changed["gross-total"], len(changed["invoice-charges"])) == (200, "208.00", 1)


def test_a_currency_without_cents_has_totals_without_cents(company):
    line = {**UNBACKED, "quantity": "3", "price": "33.5"}
    assert company.invoice("A", line, currency={"code": "JPY"})["gross-total"] == "101.00"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.tuples(
            st.decimals("1", "500", places=3), st.decimals("0", "9999", places=6), st.decimals("0", "99", places=2)
        ),
        min_size=1,
        max_size=6,
    ),
    shipping=st.decimals("0", "50", places=2),
)
def test_the_total_is_the_exact_sum_of_its_parts(company_with, lines, shipping):
    company = company_with()
    rows = [
        {**UNBACKED, "quantity": str(q), "price": str(p), "tax-lines": [{"amount": str(tax)}]} for q, p, tax in lines
    ]
    invoice = company.invoice("A", *rows, invoice_charges=[{"type": "InvoiceShippingCharge", "total": str(shipping)}])
    cent = Decimal("0.01")
    expected = shipping + sum((q * p).quantize(cent, ROUND_HALF_UP) + tax for q, p, tax in lines)
    assert Decimal(invoice["gross-total"]) == expected
    assert (
        sum(Decimal(line["total"]) for line in invoice["invoice-lines"]) + Decimal(invoice["tax-amount"]) + shipping
        == expected
    )


def test_the_order_fills_what_the_invoice_leaves_out(company):
    invoice = company.invoice()
    line = invoice["invoice-lines"][0]
    assert invoice["account-type"]["name"] == "US Chart"
    assert invoice["currency"]["code"] == "USD"
    assert invoice["payment-term"]["code"] == "Net 30"
    assert invoice["requested-by"]["login"] == "jane.doe"
    assert invoice["net-due-date"] == "2026-06-07T00:00:00-07:00"
    assert (invoice["channel"], invoice["document-type"], invoice["status"]) == ("api", "Invoice", "draft")
    assert (line["po-number"], line["order-line-num"], line["uom"]["code"], line["account"]["code"]) == (
        "PO-1",
        "1",
        "EA",
        "10-4100-6100",
    )


@pytest.mark.parametrize("fate", ["draft", "void", "abandon"])
def test_a_number_is_used_once_per_supplier_whatever_became_of_the_first(company, refused, fate):
    first = company.invoice("INV-1")
    if fate != "draft":
        company.act(first, fate)
    assert refused(company.call("POST", "/invoices", company.body("INV-1"))) == "Invoice number has already been taken"
    north = {"supplier": {"number": "NORTH"}, "remit_to_address": {"remit-to-code": "N-1"}}
    assert company.invoice("INV-1", {"order-line-id": 4, "quantity": "1", "price": "250"}, **north)["id"] == 2


def test_a_credit_note_names_its_original_and_is_negative(company, refused):
    credit = {"order-line-id": 1, "quantity": "-1", "price": "100.00"}
    said = refused(company.call("POST", "/invoices", company.body("CR", credit, is_credit_note=True)))
    assert "Original invoice number can't be blank" in said
    assert "Original invoice date can't be blank" in said
    original = {"is_credit_note": True, "original_invoice_number": "A", "original_invoice_date": "2026-05-08"}
    assert "must be negative" in refused(
        company.call("POST", "/invoices", company.body("CR", {**credit, "quantity": "1"}, **original))
    )
    note = company.submit("CR", credit, **original)
    assert (note["document-type"], note["gross-total"], note["status"]) == ("Credit Note", "-100.00", "approved")


def test_a_credit_note_takes_its_units_off_the_order_line_and_a_price_credit_does_not(company):
    company.receive("4")
    company.submit("A", {"order-line-id": 1, "quantity": "4", "price": "100"})
    original = {"is_credit_note": True, "original_invoice_number": "A", "original_invoice_date": "2026-05-08"}
    company.submit("CR-1", {"order-line-id": 1, "quantity": "-1", "price": "100"}, **original)
    assert (company.order_line()["invoiced"], company.order_line()["total-invoiced"]) == ("3.0", "300.00")
    company.submit(
        "CR-2", {"order-line-id": 1, "quantity": "-3", "price": "10", "adjustment-type": "price"}, **original
    )
    assert (company.order_line()["invoiced"], company.order_line()["total-invoiced"]) == ("3.0", "270.00")


def test_a_negative_invoice_needs_to_be_a_credit_note(company, refused):
    invoice = company.invoice("A", {"order-line-id": 1, "quantity": "-1", "price": "100"})
    assert "needs a credit note" in refused(company.call("PUT", f"/invoices/{invoice['id']}/submit"))


def test_a_line_without_an_order_needs_an_account_to_be_submitted(company, refused):
    invoice = company.invoice("A", {"quantity": "1", "price": "9"}, account_type=CHART)
    assert "Line 1: account can't be blank" in refused(company.call("PUT", f"/invoices/{invoice['id']}/submit"))
    assert company.submit("B", {"quantity": "1", "price": "9", **UNBACKED})["status"] == "approved"


@pytest.mark.parametrize("event", ["close", "cancel"])
def test_a_dead_order_cannot_be_invoiced(company, refused, event):
    for _ in range(2 if event == "close" else 1):
        company.state.event(event, {"po-number": "PO-1"})
    assert "cannot be invoiced" in refused(company.call("POST", "/invoices", company.body("A")))


def test_a_submitted_invoice_changes_only_in_coding_notes_custom_fields_and_payments(company, refused):
    invoice = company.submit()
    line = invoice["invoice-lines"][0]["id"]
    path = f"/invoices/{invoice['id']}"
    for change in (
        {"invoice-number": "B"},
        {"invoice-lines": [{"id": line, "price": "1"}]},
        {"invoice-lines": [{"description": "x", "price": "1"}]},
    ):
        assert "cannot be changed while the invoice is pending_receipt" in refused(company.call("PUT", path, change))
    account = {"code": "10-4100-6800", "account-type": CHART}
    status, changed = company.call(
        "PUT",
        path,
        {"internal-note": "seen", "custom-fields": {"a": "1"}, "invoice-lines": [{"id": line, "account": account}]},
    )
    assert (status, changed["internal-note"], changed["custom-fields"]) == (200, "seen", {"a": "1"})
    assert changed["invoice-lines"][0]["account"]["code"] == "10-4100-6800"
    assert changed["lock-version-key"] > invoice["lock-version-key"]


@pytest.mark.parametrize("form", [lambda row: [row], lambda row: {"payment": row}, lambda row: {"payment": [row]}])
def test_payments_come_in_three_forms_and_lower_what_is_due(company, form):
    company.receive("2")
    invoice = company.submit()
    status, paid = company.call(
        "PUT", f"/invoices/{invoice['id']}", {"paid": True, "payments": form({"amount_paid": "50.00", "notes": "ACH"})}
    )
    assert (status, paid["paid"], paid["amount-due"]) == (200, True, "150.00")
    assert [payment["amount-paid"] for payment in paid["payments"]] == ["50.00"]


def test_an_invoice_that_is_not_approved_cannot_be_paid(company, refused):
    invoice = company.submit()
    assert "Paid cannot be set" in refused(company.call("PUT", f"/invoices/{invoice['id']}", {"paid": True}))


def test_exported_is_marked_by_a_query_that_sets_the_body_aside(company):
    invoice = company.invoice()
    status, marked = company.ask("PUT", f"/invoices/{invoice['id']}", [("exported", "true")], {"supplier-note": "lost"})
    assert (status, marked["exported"], marked["supplier-note"]) == (200, True, None)
    assert marked["last-exported-at"] is not None
    company.call("PUT", f"/invoices/{invoice['id']}", {"supplier-note": "kept"})
    assert company.ids("/invoices", ("exported", "true")) == [invoice["id"]]


def test_custom_fields_are_merged_one_by_one(company):
    invoice = company.invoice("A", custom_fields={"seller": "Acme", "asin": "B0"})
    _, changed = company.call("PUT", f"/invoices/{invoice['id']}", {"custom_fields": {"asin": "B1"}})
    assert changed["custom-fields"] == {"seller": "Acme", "asin": "B1"}


def test_lines_of_a_draft_are_changed_added_and_deleted(company):
    draft = company.invoice(
        "A", {"order-line-id": 1, "quantity": "1", "price": "100"}, {"order-line-id": 2, "quantity": "1", "price": "5"}
    )
    first, second = (line["id"] for line in draft["invoice-lines"])
    rows = [
        {"id": first, "quantity": "2"},
        {"id": second, "_delete": True},
        {"description": "Fee", "quantity": "1", "price": "3", **UNBACKED},
    ]
    status, changed = company.call("PUT", f"/invoices/{draft['id']}", {"invoice-lines": rows})
    assert (status, changed["gross-total"]) == (200, "203.00")
    assert [line["description"] for line in changed["invoice-lines"]] == ["Item", "Fee"]
    assert company.ids("/invoices", ("invoice_lines[order_line_id]", "2")) == []
