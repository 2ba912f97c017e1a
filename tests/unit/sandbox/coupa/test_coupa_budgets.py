"""Budget lines: what Coupa's own documents take from them, and adjustments that are only ever added."""

from decimal import Decimal

import pytest

LINE = {
    "period": {"name": "FY26 Q2"}, "segment-1": "10", "segment-2": "4100", "segment-3": "6100", "amount": "50000",
    "currency": {"code": "USD"}, "owner": {"login": "jane.doe"},
}  # fmt: skip
SPENT = {"adjustment-amount": "-120.45", "currency": {"code": "USD"}, "description": "AB 113-0000000-0000009"}


@pytest.fixture
def line(company):
    status, made = company.call("POST", "/budget_lines", LINE)
    assert status == 201, made
    return made


def shown(company, line):
    return company.call("GET", f"/budget_lines/{line['id']}")[1]


def rows(company, line):
    return company.call("GET", f"/budget_lines/{line['id']}/budget_line_adjustments")[1]


def by_kind(company, line):
    sums: dict[str, Decimal] = {}
    for row in rows(company, line):
        kind = (row["adjuster"] or {"type": "manual"})["type"]
        sums[kind] = sums.get(kind, Decimal(0)) + Decimal(row["amount"])
    return sums


def test_orders_of_the_account_and_period_take_from_it(company, line):
    """PO-1 and PO-2 stand on 10-4100-6100 in May."""
    ordered = sum(
        Decimal(one["total"])
        for order in company.call("GET", "/purchase_orders")[1]
        for one in order["order-lines"]
        if order["status"] not in ("draft", "cancelled")
    )
    assert Decimal(shown(company, line)["remaining"]) == Decimal(50000) - ordered
    assert {row["reason"].split()[0] for row in rows(company, line)} == {"Purchase"}
    assert rows(company, line) == rows(company, line)  # looking posts nothing


def test_a_cancelled_order_gives_back_what_it_held(company, line):
    before = Decimal(shown(company, line)["remaining"])
    order = company.call("GET", "/purchase_orders", po_number="PO-1")[1][0]
    company.call("PUT", f"/purchase_orders/{order['id']}/cancel")
    held = sum(Decimal(one["total"]) for one in order["order-lines"])
    assert Decimal(shown(company, line)["remaining"]) == before + held


def test_an_order_gives_back_what_it_held_when_it_is_closed_for_good(company, line):
    """Closed once it may still be invoiced."""
    before = Decimal(shown(company, line)["remaining"])
    order = company.call("GET", "/purchase_orders", po_number="PO-1")[1][0]
    held = sum(Decimal(one["total"]) for one in order["order-lines"])
    for remaining in (before, before + held):
        company.call("PUT", f"/purchase_orders/{order['id']}/close")
        assert Decimal(shown(company, line)["remaining"]) == remaining


def test_an_invoice_takes_over_what_its_order_held(company, line):
    remaining = shown(company, line)["remaining"]
    company.receive("4")
    invoice = company.invoice()
    held = by_kind(company, line)["OrderQuantityLine"]
    company.state.instance.change("invoices", company.state.instance.get("invoices", invoice["id"]), status="approved")
    assert shown(company, line)["remaining"] == remaining
    assert by_kind(company, line)["InvoiceQuantityLine"] == -200
    assert by_kind(company, line)["OrderQuantityLine"] == held + 200


def test_adjustments_are_added_and_leave_the_total(company, line):
    before = Decimal(shown(company, line)["remaining"])
    for _ in range(2):  # Coupa itself knows no key: whoever asks twice is served twice
        status, answer = company.call("PUT", f"/budget_lines/{line['id']}/adjust", SPENT)
        assert status == 200
    assert (Decimal(answer["remaining"]), answer["amount"]) == (before - Decimal("240.90"), "50000.00")
    manual = [row for row in rows(company, line) if row["adjuster"] is None]
    assert [(row["amount"], row["description"]) for row in manual] == [("-120.45", SPENT["description"])] * 2
    assert company.ids("/budget_line_adjustments", ("description", SPENT["description"])) == [
        one["id"] for one in manual
    ]


def test_total_or_remainder_are_set_without_losing_what_was_consumed(company, line):
    consumed = Decimal("50000") - Decimal(shown(company, line)["remaining"])
    company.call("PUT", f"/budget_lines/{line['id']}", {"amount": "60000"})
    assert Decimal(shown(company, line)["remaining"]) == 60000 - consumed
    company.call("PUT", f"/budget_lines/{line['id']}", {"remaining-budget": "1000"})
    assert Decimal(shown(company, line)["amount"]) == 1000 + consumed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"adjustment-amount": None}, "Adjustment amount can't be blank"),
        ({"adjustment-amount": "much"}, "Adjustment amount is not a number"),
        ({"currency": {"code": "JPY"}}, "Currency must be the budget line's"),
        ({"description": "x" * 256}, "Description is too long (maximum is 255 characters)"),
        ({"nonsense": 1}, "Nonsense is not an attribute"),
    ],
)
def test_an_adjustment_that_does_not_fit_is_refused(company, line, refused, change, sentence):
    before = len(rows(company, line))
    assert sentence in refused(company.call("PUT", f"/budget_lines/{line['id']}/adjust", SPENT | change))
    assert len(rows(company, line)) == before


def test_a_closed_period_takes_nothing(company, line, refused):
    company.state.event("budget_period", {"name": "FY26 Q2", "is-open": False})
    assert "Period FY26 Q2 is closed" in refused(company.call("PUT", f"/budget_lines/{line['id']}/adjust", SPENT))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "already been taken for this period"),
        ({"period": {"name": "FY99 Q9"}}, "Period can't be found"),
        ({"period": None}, "Period can't be blank"),
    ],
)
def test_a_line_needs_a_period_that_exists_and_segments_of_its_own(company, line, refused, change, sentence):
    assert sentence in refused(company.call("POST", "/budget_lines", LINE | change))


def test_period_and_segments_stay(company, line, refused):
    found = refused(company.call("PUT", f"/budget_lines/{line['id']}", {"segment-2": "4200"}))
    assert "Segment 2 cannot be changed" in found
