"""The invoice mapping as shipped: what a person relies on when the documents are real."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procurement.documents import ChargeKind, Invoice
from procurement.errors import DecisionNeeded, RecordError
from procurement.mapping.plain import differences, plain
from procurement.money import Money
from procurement.policies import Rules, read_rules

PIPELINE = "amazon_invoices_to_coupa"
Json = dict[str, Any]


def money(amount: object, currency: str = "USD") -> Json:
    return {"currencyCode": currency, "amount": amount}


def build(rules: Rules, contexts: tuple[Json, list[Json]]) -> Invoice:
    return rules.mapping(PIPELINE).invoice(*contexts)


def problems(rules: Rules, contexts: tuple[Json, list[Json]]) -> tuple[str, ...]:
    with pytest.raises(RecordError) as caught:
        build(rules, contexts)
    assert not isinstance(caught.value, DecisionNeeded), caught.value
    return caught.value.problems


def decisions(rules: Rules, contexts: tuple[Json, list[Json]]) -> tuple[str, ...]:
    with pytest.raises(DecisionNeeded) as caught:
        build(rules, contexts)
    return caught.value.problems


def test_an_invoice_carries_header_lines_and_taxes(rules: Rules, make: Any) -> None:
    invoice = build(
        rules,
        make.contexts(make.amazon_line(), make.amazon_line(shippingCharge=money("5.00"), totalAmount=money("48.28"))),
    )
    assert (invoice.number, invoice.date, invoice.supplier, invoice.currency) == (
        "INV-1",
        date(2026, 2, 4),
        "AMZN-US",
        "USD",
    )
    assert (invoice.bill_to, invoice.remit_to, invoice.chart_of_accounts) == ("AUS-AP", "AMZN-RT1", "US Chart")
    assert [line.number for line in invoice.lines] == [1, 2]
    assert invoice.lines[0].account == "10-4100-6100"
    assert invoice.charged(ChargeKind.SHIPPING) == Money.of("5.00", "USD")
    assert invoice.tax == Money.of("6.60", "USD")
    assert invoice.total == invoice.supplier_total == Money.of("91.56", "USD")
    assert not invoice.is_credit_note


def test_the_seller_is_a_custom_field_and_never_the_supplier(rules: Rules, make: Any) -> None:
    invoice = build(rules, make.contexts(make.amazon_line(merchantLegalName="Somebody Else")))
    assert invoice.supplier == "AMZN-US"
    assert invoice.lines[0].custom_fields["ab-seller"] == "Somebody Else"


def test_charges_of_several_lines_are_one_charge(rules: Rules, make: Any) -> None:
    line = make.amazon_line(shippingCharge=money("5.00"), totalAmount=money("48.28"))
    (charge,) = build(rules, make.contexts(line, line)).charges
    assert (charge.total, charge.account) == (Money.of("10.00", "USD"), "10-4900-6800")


def test_charges_stay_apart_where_the_rules_say_so(edited: Callable[..., Path], make: Any) -> None:
    rules = read_rules(edited("charges.yml", "consolidate: true", "consolidate: false"))
    line = make.amazon_line(shippingCharge=money("5.00"), totalAmount=money("48.28"))
    assert [charge.total.amount for charge in build(rules, make.contexts(line, line)).charges] == [Decimal("5.00")] * 2


@pytest.mark.parametrize("keys", [("GL code", "Cost center"), ("glCode", "costCenter")])
def test_coding_from_the_checkout_counts_in_both_spellings_where_the_po_has_none(
    rules: Rules, make: Any, keys: tuple[str, str]
) -> None:
    header, lines = make.contexts(make.amazon_line(businessOrderInfo={keys[0]: "6200", keys[1]: "4300"}))
    del lines[0]["po_line"]["account"]
    assert build(rules, (header, lines)).lines[0].account == "10-4300-6200"


def test_a_gl_code_without_a_cost_center_has_an_account_too(rules: Rules, make: Any) -> None:
    header, lines = make.contexts(make.amazon_line(businessOrderInfo={"GL code": "6200"}))
    del lines[0]["po_line"]["account"]
    assert build(rules, (header, lines)).lines[0].account == "10-4900-6200"


def test_a_gl_code_nobody_listed_is_a_problem_that_says_what_to_do(rules: Rules, make: Any) -> None:
    header, lines = make.contexts(make.amazon_line(businessOrderInfo={"GL code": "9999"}))
    del lines[0]["po_line"]["account"]
    assert problems(rules, (header, lines)) == (
        f"Line 1 of order {lines[0]['line']['orderId']}: account is unknown: gl_accounts.yml has no row for '9999'; add one.",
    )


def test_a_mistyped_cost_center_is_named_and_never_coded_by_the_gl_code_alone(rules: Rules, make: Any) -> None:
    def coded(**chosen: str) -> Any:
        header, lines = make.contexts(make.amazon_line(businessOrderInfo=chosen))
        del lines[0]["po_line"]["account"]
        return header, lines

    assert build(rules, coded(**{"GL code": "6100"})).lines[0].account == "10-4900-6100"
    for label in ("Cost center", "costCenter"):
        wrong = coded(**{label: "4999", "GL code": "6100"})
        [problem] = problems(rules, wrong)
        order = wrong[1][0]["line"]["orderId"]
        assert (
            problem
            == f"Line 1 of order {order}: account is unknown: gl_accounts.yml has no row for '4999/6100'; add one."
        )


def test_the_commodity_follows_the_unspsc_code_where_the_po_has_none(rules: Rules, make: Any) -> None:
    def commodity(code: str | None) -> str | None:
        return build(rules, make.contexts(make.amazon_line(unspsc=code))).lines[0].commodity

    assert [commodity(code) for code in ("44121704", "43211503", "4421", "99999999", "", None)] == [
        "Office Supplies", "Information Technology", "Office Supplies", "Uncategorised", None, None,
    ]  # fmt: skip


def test_refunds_alone_are_a_credit_note_that_names_its_original(rules: Rules, make: Any) -> None:
    line = make.amazon_line(
        principalAmount=money("-39.98"), tax=money("-3.30"), totalAmount=money("-43.28"), refundReason="Damaged"
    )
    invoice = build(
        rules, make.contexts(line, kind="REFUND", original={"number": "INV-0", "date": "2026-01-05T12:00:00Z"})
    )
    assert invoice.is_credit_note
    assert (invoice.original_number, invoice.original_date) == ("INV-0", date(2026, 1, 5))
    assert (invoice.lines[0].quantity, invoice.lines[0].total) == (Decimal(-2), Money.of("-39.98", "USD"))
    assert invoice.lines[0].adjustment_type == "quantity"


def test_an_overrefund_adjusts_neither_units_nor_price(rules: Rules, make: Any) -> None:
    line = make.amazon_line(principalAmount=money("-5.00"), tax=None, totalAmount=money("-5.00"))
    assert build(rules, make.contexts(line, kind="OVERREFUND")).lines[0].adjustment_type == "other"


def test_a_refund_beside_charges_is_a_line_of_the_invoice(rules: Rules, make: Any) -> None:
    refund = make.amazon_line(principalAmount=money("-19.99"), itemQuantity=1, tax=None, totalAmount=money("-19.99"))
    header, lines = make.contexts(make.amazon_line(), refund)
    lines[1]["transaction"] = {**lines[1]["transaction"], "transactionType": "REFUND"}
    invoice = build(rules, (header, lines))
    assert not invoice.is_credit_note
    assert [line.quantity for line in invoice.lines] == [Decimal(2), Decimal(-1)]


def test_everything_that_is_wrong_is_said_at_once(rules: Rules, make: Any) -> None:
    header, lines = make.contexts(
        make.amazon_line(principalAmount=money(19.99)),
        make.amazon_line(itemQuantity="two", tax=money("1", "XXX")),
        total="86.56",
    )
    header["invoice"]["invoiceDate"] = "soon"
    del lines[1]["po_line"]["id"]
    found = problems(rules, (header, lines))
    assert [problem.split(" cannot")[0].split(" is ")[0] for problem in found] == [
        "date", "Line 1: po_line_id", "Line 1: principal", "Line 2: po_line_id", "Line 2: quantity", "Line 2: tax",
    ]  # fmt: skip


@pytest.mark.parametrize("quantity", [0, -1, None])
def test_a_charge_without_units_is_refused(rules: Rules, make: Any, quantity: int | None) -> None:
    (problem,) = problems(rules, make.contexts(make.amazon_line(itemQuantity=quantity)))
    assert problem.startswith("Line 1: the quantity is")


def test_components_that_miss_the_total_are_refused_with_the_sums(rules: Rules, make: Any) -> None:
    (problem,) = problems(rules, make.contexts(make.amazon_line(totalAmount=money("43.29"))))
    assert problem == (
        "Line 1: its components come to USD 43.28 (principal 39.98, tax 3.30), its totalAmount is USD 43.29: 0.01 is unexplained."
    )


def test_a_total_that_is_not_that_of_its_lines_is_refused_with_the_sums_and_what_to_do(rules: Rules, make: Any) -> None:
    sums, apart = problems(rules, make.contexts(make.amazon_line(), total="143.28"))
    assert sums == (
        "The sums differ: lines, charges and taxes USD 43.28, Amazon's lines USD 43.28, Amazon's total USD 143.28. Nothing was sent."
    )
    assert apart == (
        "Amazon's total and its lines are USD 100.00 apart: a line is missing, or the amount is only authorised so far. "
        "Read the days of its charges again once Amazon has settled it; if nothing changes, ask Amazon."
    )


def test_a_total_in_another_currency_is_refused(rules: Rules, make: Any) -> None:
    header, lines = make.contexts(make.amazon_line())
    header["invoice"]["totalAmount"] = money("43.28", "CAD")
    assert "Amazon's total CAD 43.28" in problems(rules, (header, lines))[0]


def test_an_invoice_without_lines_is_refused(rules: Rules, make: Any) -> None:
    found = problems(rules, (make.contexts(make.amazon_line())[0], []))
    assert "It has no lines." in found


def test_extra_fields_and_empty_objects_change_nothing(rules: Rules, make: Any) -> None:
    plain_line = build(rules, make.contexts(make.amazon_line()))
    odd = make.amazon_line(
        newField={"a": [1]},
        businessOrderInfo={},
        giftWrappingCharge=None,
        discount=money("0.00"),
        regulatoryFee=money(0),
    )
    assert build(rules, make.contexts(odd)) == plain_line


def test_an_invoice_over_two_charts_is_a_persons_decision(rules: Rules, make: Any) -> None:
    header, lines = make.contexts(make.amazon_line(), make.amazon_line())
    lines[1]["po_line"] = {**lines[1]["po_line"], "account": {"code": "X", "account-type": {"name": "EU Chart"}}}
    assert (
        "The lines name several values for chart of accounts: US Chart, EU Chart. An invoice is never split."
        in decisions(rules, (header, lines))
    )


def test_an_invoice_over_two_currencies_is_a_persons_decision(rules: Rules, make: Any) -> None:
    names = ("unitPrice", "principalAmount", "tax", "totalAmount")
    euro = {name: money(make.amazon_line()[name]["amount"], "EUR") for name in names}
    assert decisions(rules, make.contexts(make.amazon_line(), make.amazon_line(**euro))) == (
        "The lines name several values for currency: USD, EUR. An invoice is never split.",
        "Line 2: billed in EUR on an invoice in USD.",
        "currency is 'EUR', but po.currency.code is 'USD'.",
    )


def test_another_currency_or_legal_entity_is_a_persons_decision(rules: Rules, make: Any) -> None:
    header, lines = make.contexts(
        make.amazon_line(), po={"po-number": "4500", "supplier": {"number": "A"}, "currency": {"code": "EUR"}}
    )
    assert decisions(rules, (header, lines)) == ("currency is 'USD', but po.currency.code is 'EUR'.",)
    header, lines = make.contexts(
        make.amazon_line(), account={"name": "s", "chart_of_accounts": "US Chart", "legal_entity": "Acme Inc"}
    )
    header["transaction"]["legalEntityName"] = "Other Inc"
    assert decisions(rules, (header, lines)) == (
        "ab-legal-entity is 'Other Inc', but account.legal_entity is 'Acme Inc'.",
    )


def test_a_tax_nobody_listed_is_a_persons_decision_that_says_what_to_do(rules: Rules, make: Any) -> None:
    header, lines = make.contexts(make.amazon_line(taxRate="0.16"))
    header["transaction"]["marketplaceId"] = "A1PA6795UKMFR9"
    (decision,) = decisions(rules, (header, lines))
    assert decision == "Line 1: taxes.yml has no code for DE at 16 % (tax USD 3.30); add a rule, then replay."


def test_an_untaxed_line_is_noted_as_use_tax(rules: Rules, make: Any) -> None:
    (note,) = build(rules, make.contexts(make.amazon_line(tax=None, totalAmount=money("39.98")))).notes
    assert (note.kind, note.line) == ("use_tax", 1)
    assert note.sentence == "Line 1: Amazon charged no tax and shows no exemption; use tax may be due on USD 39.98."


def test_a_free_line_and_a_refund_owe_no_use_tax(rules: Rules, make: Any) -> None:
    free = make.amazon_line(principalAmount=money("0.00"), unitPrice=None, tax=None, totalAmount=money("0.00"))
    assert build(rules, make.contexts(free)).notes == ()
    refund = make.amazon_line(principalAmount=money("-5.00"), tax=None, totalAmount=money("-5.00"))
    assert build(rules, make.contexts(refund, kind="REFUND")).notes == ()


def test_an_exempt_line_is_not(rules: Rules, make: Any) -> None:
    line = make.amazon_line(tax=None, totalAmount=money("39.98"), taxExemption={"applied": True, "type": "Resale"})
    invoice = build(rules, make.contexts(line))
    assert invoice.notes == ()
    assert invoice.lines[0].tax_lines[0].code == "US-EXEMPT"


def test_a_title_of_any_length_fits_coupa(rules: Rules, make: Any) -> None:
    invoice = build(rules, make.contexts(make.amazon_line(productTitle="word " * 2000)))
    assert len(invoice.lines[0].description) <= 1550


def test_a_credit_note_in_yen_has_no_cents(rules: Rules, make: Any) -> None:
    yen = {
        name: money(amount, "JPY")
        for name, amount in {
            "principalAmount": "-1000",
            "tax": "-100",
            "totalAmount": "-1100",
            "unitPrice": "500",
        }.items()
    }
    header, lines = make.contexts(
        make.amazon_line(**yen, taxRate="0.1"), kind="REFUND", po={"po-number": "1", "supplier": {"number": "A"}}
    )
    header["transaction"]["marketplaceId"] = "A1VC38T7YXB528"
    header["invoice"]["totalAmount"] = money("-1100", "JPY")
    invoice = build(rules, (header, lines))
    assert str(invoice.total) == "JPY -1,100"
    assert invoice.date == date(2026, 2, 5)  # already the next day in Tokyo


cents = st.integers(min_value=0, max_value=10**6).map(lambda units: Decimal(units).scaleb(-2))


@st.composite
def amazon_lines(draw: st.DrawFn) -> tuple[bool, list[Json]]:
    refund = draw(st.booleans())
    sign = -1 if refund else 1
    lines = []
    for number in range(draw(st.integers(min_value=1, max_value=5))):
        principal, shipping, wrap, fee, tax = (draw(cents) for _ in range(5))
        discount = draw(st.sampled_from([Decimal(0), shipping, draw(cents)]))
        whole = principal + shipping + wrap + fee - discount + tax
        amounts = {
            "principalAmount": principal, "shippingCharge": shipping, "giftWrappingCharge": wrap, "regulatoryFee": fee,
            "discount": -discount, "tax": tax, "totalAmount": whole,
        }  # fmt: skip
        line: Json = {name: money(str(sign * amount)) for name, amount in amounts.items()}
        line |= {
            "asin": f"B{number}",
            "itemQuantity": draw(st.integers(min_value=1, max_value=500)),
            "taxRate": draw(st.sampled_from(["0.0825", "0.05"])),
        }
        lines.append(line)
    return refund, lines


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(amazon_lines())
def test_whatever_amazon_charges_the_invoice_is_its_total(
    rules: Rules, make: Any, charged: tuple[bool, list[Json]]
) -> None:
    refund, lines = charged
    invoice = build(rules, make.contexts(*lines, kind="REFUND" if refund else "CHARGE"))
    whole = sum((Decimal(line["totalAmount"]["amount"]) for line in lines), Decimal(0))
    assert invoice.total.amount == whole == invoice.supplier_total.amount
    assert invoice.is_credit_note is refund
    goods = Money.sum((line.total for line in invoice.lines), "USD")
    assert goods + Money.sum((charge.total for charge in invoice.charges), "USD") + invoice.tax == invoice.total


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(amazon_lines(), st.integers(min_value=1, max_value=500))
def test_a_total_that_is_off_never_gets_through(
    rules: Rules, make: Any, charged: tuple[bool, list[Json]], off: int
) -> None:
    refund, lines = charged
    whole = sum((Decimal(line["totalAmount"]["amount"]) for line in lines), Decimal(0)) + Decimal(off).scaleb(-2)
    with pytest.raises(RecordError, match="The sums differ"):
        build(rules, make.contexts(*lines, kind="REFUND" if refund else "CHARGE", total=str(whole)))


def test_plain_values_leave_out_what_is_empty_and_show_money_with_its_currency() -> None:
    assert plain({"a": Money.of("1234.50", "USD"), "b": None, "c": (), "d": Decimal("1E+2"), "e": ChargeKind.MISC, "f": date(2026, 1, 2)}) == {
        "a": "USD 1234.50", "d": "100", "e": "misc", "f": "2026-01-02",
    }  # fmt: skip


def test_differences_name_the_place_and_ignore_what_was_not_asked_for() -> None:
    assert differences({"a": {"b": "1"}}, {"a": {"b": "1", "c": 2}, "d": 3}) == []
    assert differences({"a": {"b": "1"}}, {"a": {"b": "2"}}) == ["a.b: expected '1', got '2'"]
    assert differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ["a[1].b: expected 2, got 3"]
    assert differences({"a": [1]}, {"a": [1, 2]}) == ["a: expected [1], got [1, 2]"]
    assert differences({"a": {"b": 1}}, {"a": "x"}) == ["a: expected {'b': 1}, got 'x'"]
    assert differences({"a": 1}, {}) == ["a: expected 1, got None"]


@pytest.mark.parametrize(
    ("coding", "chosen", "in_price"),
    [
        ({"account": {"code": "10-4100-6100", "segment-2": "4100"}}, None, True),
        ({"account": {"code": "10-4100-6100", "segment-2": "4100"}}, "4400", True),
        ({"account": {"code": "10-4400-6100", "segment-2": "4400"}}, "4100", False),
        ({}, "4100", True),
        ({}, None, False),
        (
            {"account-allocations": [{"account": {"segment-2": "4100"}}, {"account": {"segment-2": "4400"}}]},
            "4100",
            False,
        ),
    ],
)
def test_a_charge_follows_the_cost_center_of_the_po_line_before_that_of_the_checkout(
    edited: Callable[..., Path], make: Any, coding: Json, chosen: str | None, in_price: bool
) -> None:
    rule = '  - component: shipping\n    when: {cost_center: "4100"}\n    into: {to: line}\n'
    rules = read_rules(edited("charges.yml", "  - component: shipping\n", f"{rule}  - component: shipping\n"))
    bought = {"businessOrderInfo": {"Cost center": chosen}} if chosen else {}
    top, (line,) = make.contexts(make.amazon_line(shippingCharge=money("5.00"), totalAmount=money("48.28"), **bought))
    line["po_line"] = {**line["po_line"], "account": None, **coding}
    invoice = build(rules, (top, [line]))
    assert [str(charge.total) for charge in invoice.charges] == ([] if in_price else ["USD 5.00"])
