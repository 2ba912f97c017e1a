"""Invoices in another currency than their order: taken at a rate of the invoice date, measured in the order's currency."""

import pytest

JPY = {"code": "JPY"}
IN_YEN = {"currency": JPY}


@pytest.fixture
def yen(company_with):
    """PO-1 is in dollars, 100.00 a printer; a dollar is 200 yen from 1 May and 100 yen from 9 May."""
    company = company_with(
        tolerances={"default": {"price_percent": "5", "invoice_total_vs_po": "0", "shipping_amount": "10"}}
    )
    for rate, day in (("0.005", "2026-05-01"), ("0.01", "2026-05-09")):
        body = {
            "from-currency": JPY,
            "to-currency": {"code": "USD"},
            "rate": rate,
            "rate-date": f"{day}T00:00:00-07:00",
        }
        assert company.call("POST", "/exchange_rates", body)[0] == 201
    company.receive("4")
    return company


def line(price, quantity="2"):
    return {"order-line-id": 1, "quantity": quantity, "price": price}


def test_without_a_rate_it_is_refused(company, refused):
    answer = company.call("POST", "/invoices", company.body("I-1", line("20000"), **IN_YEN))
    assert "Line 1: currency differs from the order line's, and no exchange rate is known" in refused(answer)


def test_a_rate_in_the_other_direction_is_none(company, refused):
    body = {"from-currency": {"code": "USD"}, "to-currency": JPY, "rate": "200", "rate-date": "2026-05-01"}
    assert company.call("POST", "/exchange_rates", body)[0] == 201
    assert "no exchange rate" in refused(
        company.call("POST", "/invoices", company.body("I-1", line("20000"), **IN_YEN))
    )


def test_a_rate_of_a_later_day_is_none(yen, refused):
    answer = yen.call("POST", "/invoices", yen.body("I-1", line("20000"), **IN_YEN, invoice_date="2026-04-30"))
    assert "no exchange rate" in refused(answer)


def test_the_rate_of_the_invoice_date_decides(yen):
    """The same yen are 5 % too much at the one rate, and half the price at the other."""
    assert yen.submit("I-1", line("21000"), **IN_YEN)["status"] == "approved"
    held = yen.submit("I-2", line("21100"), **IN_YEN)
    assert (held["status"], held["exchange-rate"]) == ("on_hold", "0.005")
    assert "price_percent" in {one["code"] for one in held["invoice-lines"][0]["failed-tolerances"]}


def test_a_later_rate_counts_for_later_invoices(yen):
    assert yen.submit("I-1", line("10500"), **IN_YEN, invoice_date="2026-05-09")["status"] == "approved"
    assert yen.submit("I-2", line("11000"), **IN_YEN, invoice_date="2026-05-09")["status"] == "on_hold"


def test_what_was_billed_counts_in_the_orders_currency(yen):
    yen.submit("I-1", line("20000"), **IN_YEN)
    assert yen.order_line()["total-invoiced"] == "200.00"
    shipping = {"invoice_charges": [{"type": "InvoiceShippingCharge", "total": "2000", "currency": JPY}]}
    assert yen.submit("I-2", line("20000"), **IN_YEN, **shipping)["status"] == "approved"
    dear = {"invoice_charges": [{"type": "InvoiceShippingCharge", "total": "2001", "currency": JPY}]}
    assert yen.submit("I-3", line("20000", "1"), **IN_YEN, **dear)["status"] in ("on_hold", "pending_receipt")


def test_an_invoice_in_the_orders_currency_has_no_rate(yen):
    assert yen.invoice("I-1", line("100.00"))["exchange-rate"] is None
