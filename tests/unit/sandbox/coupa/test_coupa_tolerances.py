"""Coupa's own tolerances: what is let through, what is held, and what the hold says."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIELDS = [
    "status",
    "tolerance_failures",
    {
        "failed_tolerances": [
            "code",
            "breach_amount",
            "breach_limit",
            "failable_type",
            "resolution_strategy",
            "resolved",
        ]
    },
]


def held(company_with, limits, *lines, **header):
    """(status, {code: (breach, limit)}) of an invoice on a fully received PO-1."""
    company = company_with(tolerances={"default": limits})
    company.receive("4")
    invoice = company.submit("INV-1", *lines, **header)
    shown = company.read(f"/invoices/{invoice['id']}", fields=FIELDS)
    return shown["status"], {
        row["code"]: (row["breach-amount"], row["breach-limit"]) for row in shown["failed-tolerances"]
    }


LINE = {"order-line-id": 1, "quantity": "2", "price": "100.00"}
UNBACKED = {
    "quantity": "1",
    "price": "20.00",
    "account": {"code": "10-4100-6100", "account-type": {"name": "US Chart"}},
}
SHIPPING = {"invoice_charges": [{"type": "InvoiceShippingCharge", "total": "12.00"}]}


@pytest.mark.parametrize(
    ("limits", "line", "header", "expected"),
    [
        ({"price_percent": "5"}, {**LINE, "price": "105.00"}, {}, {}),
        ({"price_percent": "5"}, {**LINE, "price": "105.01"}, {}, {"price_percent": ("5.01", "5.00")}),
        ({"price_percent": "5"}, {**LINE, "price": "80.00"}, {}, {}),
        ({"price_amount": "4.50"}, {**LINE, "price": "104.50"}, {}, {}),
        ({"price_amount": "4.50"}, {**LINE, "price": "105.00"}, {}, {"price_amount": ("5.00", "4.50")}),
        (
            {"price_percent": "1", "price_amount": "1"},
            {**LINE, "price": "102"},
            {},
            {"price_percent": ("2.00", "1.00"), "price_amount": ("2.00", "1.00")},
        ),
        ({"quantity_percent": "10"}, {"order-line-id": 2, "quantity": "11", "price": "5"}, {}, {}),
        (
            {"quantity_percent": "10"},
            {"order-line-id": 2, "quantity": "12", "price": "5"},
            {},
            {"quantity_percent": ("20.00", "10.00")},
        ),
        ({"quantity_percent": "0"}, {"order-line-id": 3, "price": "330"}, {}, {"quantity_percent": ("10.00", "0.00")}),
        ({"line_total_amount": "2"}, {"order-line-id": 2, "quantity": "10", "price": "5.20"}, {}, {}),
        (
            {"line_total_amount": "2"},
            {"order-line-id": 2, "quantity": "10", "price": "5.30"},
            {},
            {"line_total_amount": ("3.00", "2.00")},
        ),
        ({"shipping_amount": "12"}, LINE, SHIPPING, {}),
        ({"shipping_amount": "10"}, LINE, SHIPPING, {"shipping_amount": ("12.00", "10.00")}),
        ({"unbacked_line": "20"}, UNBACKED, {}, {}),
        ({"unbacked_line": "0"}, UNBACKED, {}, {"unbacked_line": ("20.00", "0.00")}),
        ({"tax_percent": "10"}, {**LINE, "tax-lines": [{"amount": "20.00"}]}, {}, {}),
        ({"tax_percent": "10"}, {**LINE, "tax-lines": [{"amount": "21.00"}]}, {}, {"tax_percent": ("10.50", "10.00")}),
        ({"invoice_total_vs_po": "0"}, {"order-line-id": 2, "quantity": "10", "price": "75.00"}, {}, {}),
        (
            {"invoice_total_vs_po": "0"},
            {"order-line-id": 2, "quantity": "10", "price": "82.50"},
            {},
            {"invoice_total_vs_po": ("10.00", "0.00")},
        ),
        ({"price_percent": None}, {**LINE, "price": "900"}, {}, {}),
        ({}, {**LINE, "price": "900"}, {}, {}),
    ],
)
def test_an_invoice_is_held_exactly_for_the_limits_it_passes(company_with, limits, line, header, expected):
    status, failures = held(company_with, limits, line, **header)
    assert failures == expected
    assert status == ("on_hold" if expected else "approved")


def test_the_commodity_wins_over_the_default_also_where_it_sets_no_limit(company_with):
    limits = {
        "default": {"price_percent": "1"},
        "Office Equipment": {"price_percent": "10"},
        "Food": {"price_percent": None},
    }
    company = company_with(tolerances=limits)
    company.receive("4")
    assert company.submit("A", {**LINE, "price": "108"})["status"] == "approved"
    assert company.submit("B", {**LINE, "price": "112"})["status"] == "on_hold"
    assert company.submit("C", {"order-line-id": 2, "quantity": "1", "price": "50"})["status"] == "approved"
    assert company.submit("D", {"order-line-id": 3, "price": "1"})["status"] == "approved"


def test_what_earlier_invoices_billed_counts_towards_quantity(company_with):
    company = company_with(tolerances={"default": {"quantity_percent": "0"}})
    assert company.submit("A", {"order-line-id": 2, "quantity": "6", "price": "5"})["status"] == "approved"
    second = company.submit("B", {"order-line-id": 2, "quantity": "5", "price": "5"})
    assert second["status"] == "on_hold"
    assert second["tolerance-failures"] == "Line 1: quantity_percent 10.00 over limit 0.00"


def test_a_breach_stands_on_the_header_and_on_its_line(company_with):
    company = company_with(tolerances={"default": {"price_percent": "5"}})
    company.receive("4")
    invoice = company.submit("A", {**LINE, "price": "110"}, {"order-line-id": 2, "quantity": "1", "price": "5"})
    [on_header] = invoice["failed-tolerances"]
    first, second = invoice["invoice-lines"]
    assert first["failed-tolerances"] == [on_header]
    assert second["failed-tolerances"] == []
    assert (on_header["failable-type"], on_header["failable-id"], on_header["resolved"]) == (
        "InvoiceLine",
        first["id"],
        False,
    )
    assert company.ids("/invoices", ("failed_tolerances[code]", "price_percent")) == [invoice["id"]]


def test_a_fixed_price_releases_the_hold_when_tolerances_are_revalidated(company_with):
    company = company_with(tolerances={"default": {"price_percent": "5"}})
    company.receive("4")
    invoice = company.submit("A", {**LINE, "price": "110"})
    assert company.act(invoice, "revalidate_tolerances")["status"] == "on_hold"
    company.state.event("change_price", {"po-number": "PO-1", "line-num": 1, "price": "109"})
    released = company.act(invoice, "revalidate_tolerances")
    assert released["status"] == "approved"
    assert released["failed-tolerances"] == []
    assert released["tolerance-failures"] is None


def test_a_credit_note_for_the_difference_releases_the_hold(company_with):
    company = company_with(tolerances={"default": {"price_percent": "5"}})
    company.receive("4")
    invoice = company.submit("A", {**LINE, "price": "110"})
    credit = {"order-line-id": 1, "quantity": "-2", "price": "10.00", "adjustment-type": "price"}
    company.submit("A-CR", credit, is_credit_note=True, original_invoice_number="A", original_invoice_date="2026-05-08")
    assert company.act(invoice, "revalidate_tolerances")["status"] == "approved"


def test_a_person_added_to_a_held_invoice_can_accept_the_breach(company_with):
    company = company_with(tolerances={"default": {"price_percent": "5"}})
    company.receive("4")
    invoice = company.submit("A", {**LINE, "price": "110"})
    company.act(invoice, "add_approver", {"approver": {"login": "ap.lead"}})
    company.call("PUT", "/approvals/1/approve", reason="agreed with Amazon")
    shown = company.read(f"/invoices/{invoice['id']}", fields=FIELDS)
    assert shown["status"] == "approved"
    assert [row["resolved"] for row in shown["failed-tolerances"]] == [True]


def test_a_tolerance_nobody_knows_is_refused(company_with):
    with pytest.raises(Exception, match="Unknown tolerance price_pct"):
        company_with(tolerances={"default": {"price_pct": "5"}})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    price=st.decimals("90", "130", places=2),
    loose=st.decimals("0", "30", places=1),
    tighter=st.decimals("0", "30", places=1),
)
def test_tightening_a_limit_never_releases_a_hold(company_with, price: Decimal, loose: Decimal, tighter: Decimal):
    wide, narrow = max(loose, tighter), min(loose, tighter)
    line = {**LINE, "price": str(price)}
    status_wide, _ = held(company_with, {"price_percent": str(wide)}, line)
    status_narrow, _ = held(company_with, {"price_percent": str(narrow)}, line)
    assert (status_wide, status_narrow) != ("on_hold", "approved")
