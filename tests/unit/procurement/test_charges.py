"""Charges: what each part of an Amazon line becomes, and that no cent gets lost on the way."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.charge_components import Components
from procurement.charges import Billed, LineProblem, bill_line, consolidate
from procurement.documents import ChargeKind, InvoiceCharge
from procurement.money import Money
from procurement.policies import Rules
from procurement.taxes import TaxFile

ACCOUNTS = {"freight": "F", "rounding": "R", "fees": "E", "discounts": "D"}
PARTS = ("principal", "shipping", "gift_wrap", "regulatory_fee", "discount", "tax")


def parts(currency: str = "USD", **given_parts: Any) -> Components:
    """Components whose total is their sum, unless a total is given."""
    amounts = {name: value for name, value in given_parts.items() if name in (*PARTS, "unit_price", "total")}
    money = {name: value if isinstance(value, Money) else Money.of(value, currency) for name, value in amounts.items()}
    rest = {name: value for name, value in given_parts.items() if name not in money}
    whole = Money(sum((money[name].amount for name in PARTS if name in money), Decimal(0)), currency)
    values: dict[str, Any] = {
        "is_refund": False,
        "quantity": Decimal(1),
        "marketplace": "US",
        "total": whole,
        **money,
        **rest,
    }
    return Components(**values)


def bill(rules: Rules, currency: str = "USD", **given_parts: Any) -> Billed:
    return bill_line(parts(currency, **given_parts), rules.charges, rules.taxes, ACCOUNTS)


def problems(rules: Rules, **given_parts: Any) -> list[str]:
    with pytest.raises(LineProblem) as caught:
        bill(rules, **given_parts)
    return list(caught.value.problems)


def charged(billed: Billed) -> list[tuple[str, str, str | None]]:
    return [(charge.kind.value, str(charge.total.amount), charge.account) for charge in billed.charges]


def test_the_principal_becomes_the_line_at_amazons_unit_price(rules: Rules) -> None:
    billed = bill(rules, quantity=Decimal(2), unit_price="19.99", principal="39.98")
    assert (billed.quantity, str(billed.unit_price), billed.total) == (2, "19.99", Money.of("39.98", "USD"))
    assert billed.adjustment_type is None
    assert billed.charges == ()


def test_a_unit_price_that_contradicts_the_principal_gives_way_to_it(rules: Rules) -> None:
    assert str(bill(rules, quantity=Decimal(2), unit_price="19.99", principal="30.00").unit_price) == "15.00"


@pytest.mark.parametrize(
    ("quantity", "principal", "price"),
    [
        (3, "10.00", "3.333333"),
        (7, "0.05", "0.007143"),
        (8, "1.00", "0.125"),
        (3, "9.00", "3.00"),
        (1, "1000", "1000.00"),
    ],
)
def test_prices_have_at_most_six_decimals_and_at_least_two(
    rules: Rules, quantity: int, principal: str, price: str
) -> None:
    assert str(bill(rules, quantity=Decimal(quantity), principal=principal).unit_price) == price


def test_what_six_decimals_miss_is_a_rounding_charge_to_its_account(rules: Rules) -> None:
    billed = bill(rules, quantity=Decimal(60_000), principal="20000.00")
    assert str(billed.unit_price) == "0.333333"
    assert str(billed.total.amount) == "19999.98"
    assert charged(billed) == [("misc", "0.02", "R")]
    assert billed.charges[0].description == "Rounding of unit prices"


def test_more_than_rounding_explains_is_refused(rules: Rules) -> None:
    (problem,) = problems(rules, quantity=Decimal(6_000_000), principal="2000000.00")
    assert problem == "6000000 x 0.333333 misses the principal USD 2,000,000.00 by 2.00, more than rounding explains."


def test_the_rounding_limit_itself_is_still_rounding(rules: Rules) -> None:
    assert charged(bill(rules, quantity=Decimal(3_000_000), principal="1000000.00")) == [("misc", "1.00", "R")]


def test_shipping_wrap_and_fee_become_charges_on_their_accounts(rules: Rules) -> None:
    billed = bill(rules, principal="20.00", shipping="6.99", gift_wrap="3.99", regulatory_fee="4.00")
    assert charged(billed) == [("shipping", "6.99", "F"), ("handling", "3.99", "F"), ("misc", "4.00", "E")]


def test_a_chart_without_named_accounts_leaves_the_charge_uncoded(rules: Rules) -> None:
    billed = bill_line(parts(principal="20.00", shipping="6.99"), rules.charges, rules.taxes, {})
    assert charged(billed) == [("shipping", "6.99", None)]


def test_free_shipping_and_its_discount_disappear(rules: Rules) -> None:
    assert bill(rules, principal="20.00", shipping="5.99", discount="-5.99").charges == ()


def test_free_shipping_can_be_shown_instead(rules: Rules) -> None:
    shown = rules.charges.model_copy(update={"free_shipping": "shown"})
    billed = bill_line(parts(principal="20.00", shipping="5.99", discount="-5.99"), shown, rules.taxes, ACCOUNTS)
    assert charged(billed) == [("shipping", "5.99", "F"), ("misc", "-5.99", "D")]


def test_a_promotion_is_a_negative_charge_and_does_not_hide_shipping(rules: Rules) -> None:
    assert charged(bill(rules, principal="20.00", shipping="5.99", discount="-6.00")) == [
        ("shipping", "5.99", "F"),
        ("misc", "-6.00", "D"),
    ]
    assert charged(bill(rules, principal="20.00", discount="-2.00")) == [("misc", "-2.00", "D")]


def test_the_tax_is_a_tax_line_with_rate_code_and_base(rules: Rules) -> None:
    (tax,) = bill(rules, principal="39.98", tax="3.30", tax_rate=Decimal("8.25")).tax_lines
    assert (str(tax.amount), tax.rate, tax.code, tax.description) == (
        "USD 3.30",
        Decimal("8.25"),
        "US-TX",
        "Texas sales tax",
    )
    assert tax.base == Money.of("39.98", "USD")


@pytest.mark.parametrize(
    ("given_parts", "base"),
    [
        ({}, "100"),
        ({"discount": "-10"}, "90"),
        ({"shipping": "5"}, "100"),
        ({"shipping": "5", "shipping_tax_rate": Decimal("8.25")}, "105"),
        ({"shipping": "5", "shipping_tax_rate": Decimal(0)}, "100"),
        ({"shipping": "5", "discount": "-5", "shipping_tax_rate": Decimal("8.25")}, "100"),
        ({"shipping": "5", "discount": "-5"}, "100"),
        ({"shipping": "5", "discount": "-6", "shipping_tax_rate": Decimal("8.25")}, "99"),
        ({"gift_wrap": "4"}, "100"),
        ({"gift_wrap": "4", "gift_wrap_tax_rate": Decimal("8.25")}, "104"),
        ({"regulatory_fee": "3"}, "100"),
    ],
)
def test_the_base_of_the_tax_is_what_is_taxed(rules: Rules, given_parts: dict[str, Any], base: str) -> None:
    (tax,) = bill(rules, principal="100", tax="8.25", tax_rate=Decimal("8.25"), **given_parts).tax_lines
    assert tax.base == Money.of(base, "USD")


def taxes_of(rules: Rules, **given: Any) -> list[tuple[str, Decimal | None, str | None, str]]:
    billed = bill(rules, **given)
    return [(str(tax.amount), tax.rate, tax.code, str(tax.base)) for tax in billed.tax_lines]


def test_shipping_at_another_rate_has_a_tax_line_of_its_own(rules: Rules) -> None:
    given = {"principal": "100", "shipping": "24", "shipping_tax_rate": Decimal("8.25"), "tax_rate": Decimal(6)}
    assert taxes_of(rules, tax="7.98", **given) == [
        ("USD 6.00", 6, None, "USD 100.00"),
        ("USD 1.98", Decimal("8.25"), "US-TX", "USD 24.00"),
    ]
    off = taxes_of(rules, tax="7.99", **given)  # what the rates do not explain is shared as they would
    assert [amount for amount, *_ in off] == ["USD 6.01", "USD 1.98"]
    refund = {name: f"-{given[name]}" for name in ("principal", "shipping")}
    back = taxes_of(rules, **(given | refund), tax="-7.98", is_refund=True)
    assert [amount for amount, *_ in back] == ["USD -6.00", "USD -1.98"]


def test_gift_wrap_has_a_rate_too(rules: Rules) -> None:
    given = {"gift_wrap": "10", "gift_wrap_tax_rate": Decimal(10), "shipping": "10", "shipping_tax_rate": Decimal(5)}
    found = taxes_of(rules, principal="100", tax="6.50", tax_rate=Decimal(5), **given)
    assert found == [("USD 5.50", 5, None, "USD 110.00"), ("USD 1.00", 10, None, "USD 10.00")]


def test_goods_that_bear_no_tax_beside_taxed_shipping_are_noted(rules: Rules) -> None:
    given = {"principal": "100", "shipping": "24", "shipping_tax_rate": Decimal(10), "tax_rate": Decimal(0)}
    assert taxes_of(rules, tax="2.40", **given) == [("USD 2.40", 10, None, "USD 24.00")]
    billed = bill(rules, tax="2.40", **given)
    assert (billed.treatment.kind, str(billed.untaxed)) == ("use_tax_due", "USD 100.00")


def test_without_a_rate_of_the_goods_nothing_tells_what_of_the_tax_is_for_shipping(rules: Rules) -> None:
    given = {"principal": "100", "shipping": "24", "shipping_tax_rate": Decimal(10), "tax_rate": None}
    assert taxes_of(rules, tax="8.40", **given) == [("USD 8.40", None, None, "USD 124.00")]


def test_a_rate_of_shipping_that_no_rule_knows_is_a_decision_and_the_sentence_names_it(rules: Rules) -> None:
    given = {"principal": "100", "tax": "20.12", "tax_rate": Decimal(19), "marketplace": "DE"}
    billed = bill(rules, **given, shipping="7", shipping_tax_rate=Decimal(16))
    assert (billed.treatment.known, billed.treated_rate) == (False, 16)
    assert bill(rules, **(given | {"tax": "19.00"})).treatment.known


def test_a_share_of_nothing_asks_for_no_code(rules: Rules) -> None:
    given = {"shipping": "0.01", "shipping_tax_rate": Decimal(7), "tax_rate": Decimal(19), "marketplace": "DE"}
    assert bill(rules, principal="100", tax="19.00", **given).treatment.known
    assert bill(rules, principal="0", tax="0.01", **given).treatment.known  # a gift, sent for money


def test_no_tax_and_no_code_means_no_tax_line_but_says_what_went_untaxed(rules: Rules) -> None:
    billed = bill(rules, principal="20.00", tax="0.00", tax_rate=Decimal("8.25"))
    assert billed.tax_lines == ()
    assert billed.treatment.kind == "use_tax_due"
    assert billed.untaxed == Money.of("20.00", "USD")


def test_an_exempt_line_shows_its_code_with_no_tax(rules: Rules) -> None:
    (tax,) = bill(rules, principal="20.00", tax="0", tax_rate=Decimal("8.25"), tax_exemption="Resale").tax_lines
    assert (tax.amount, tax.rate, tax.code) == (Money.zero("USD"), Decimal(0), "US-EXEMPT")


def test_where_prices_are_gross_the_line_is_the_principal_without_its_tax(rules: Rules) -> None:
    taxes = type(rules.taxes)(_gross())
    billed = bill_line(
        parts("JPY", principal="1100", tax="100", total="1100", tax_rate=Decimal(10), marketplace="JP"),
        rules.charges,
        taxes,
        ACCOUNTS,
    )
    assert str(billed.total) == "JPY 1,000"
    (tax,) = billed.tax_lines
    assert (tax.amount, tax.base) == (Money.of(100, "JPY"), Money.of(1000, "JPY"))


def test_where_prices_are_gross_each_rate_applies_to_what_is_left_without_its_tax(rules: Rules) -> None:
    taxes = type(rules.taxes)(_gross())
    given = {"principal": "1080", "shipping": "550", "tax": "130", "total": "1630", "marketplace": "JP"}
    rates = {"tax_rate": Decimal(8), "shipping_tax_rate": Decimal(10)}
    billed = bill_line(parts("JPY", **given, **rates), rules.charges, taxes, ACCOUNTS)
    assert [(tax.amount.amount, tax.rate, tax.base) for tax in billed.tax_lines] == [
        (80, 8, Money.of(1000, "JPY")),
        (50, 10, Money.of(500, "JPY")),
    ]


def _gross() -> Any:
    example = {"country": "JP", "rate": "10", "treatment": "taxed"}
    return TaxFile.model_validate(
        {"countries": {"JP": {"prices": "gross", "rules": [{"rate": "10"}]}}, "examples": [example]}
    )


@pytest.mark.parametrize(
    ("refund", "quantity", "price", "kind"),
    [
        ({"quantity": Decimal(2), "unit_price": "10", "principal": "-20"}, "-2", "10", "quantity"),
        ({"quantity": Decimal(2), "unit_price": "10", "principal": "-3"}, "-2", "1.50", "price"),
        ({"quantity": Decimal(0), "unit_price": "10", "principal": "-3"}, "-1", "3.00", "price"),
        ({"quantity": Decimal(0), "unit_price": "10", "principal": "-10"}, "-1", "10", "price"),
        ({"quantity": None, "principal": "-3"}, "-1", "3.00", "price"),
        ({"quantity": Decimal(2), "principal": "-3"}, "-2", "1.50", "quantity"),
        ({"quantity": Decimal(2), "unit_price": "10", "principal": "-5", "is_overrefund": True}, "-2", "2.50", "other"),
        ({"quantity": Decimal(1), "unit_price": "10", "principal": "0", "tax": "-1"}, "-1", "0.00", "price"),
    ],
)
def test_a_refund_credits_units_or_a_price(
    rules: Rules, refund: dict[str, Any], quantity: str, price: str, kind: str
) -> None:
    billed = bill(rules, is_refund=True, **refund)
    assert (str(billed.quantity), str(billed.unit_price), billed.adjustment_type) == (quantity, price, kind)
    assert billed.total.amount == Decimal(refund["principal"])


@pytest.mark.parametrize(
    ("quantity", "unit_price", "principal", "kind"),
    [
        (3, "3.33", "-10.00", "quantity"),  # a third of ten
        (3, "3.33", "-9.98", "quantity"),
        (3, "3.33", "-9.97", "price"),
        (3, "3.33", "-10.01", "price"),
        (3, "3.333", "-10.00", "quantity"),
        (12, "8.33", "-100.00", "quantity"),
        (12, "8.33", "-99.89", "price"),
        (1, "9.99", "-10.00", "quantity"),
        (1, "9.99", "-9.97", "price"),
    ],
)
def test_a_refund_gives_its_units_back_where_a_rounded_price_explains_its_principal(
    rules: Rules, quantity: int, unit_price: str, principal: str, kind: str
) -> None:
    refund = {"quantity": Decimal(quantity), "unit_price": unit_price, "principal": principal}
    billed = bill(rules, is_refund=True, **refund)
    assert (billed.adjustment_type, billed.total.amount) == (kind, Decimal(principal))


def test_a_refund_of_shipping_alone_gives_no_unit_back(rules: Rules) -> None:
    for price in ({}, {"unit_price": "10.00"}):
        billed = bill(rules, is_refund=True, quantity=Decimal(1), principal="0", shipping="-5.99", **price)
        assert (billed.total.amount, billed.adjustment_type) == (0, "price")
        assert [str(charge.total) for charge in billed.charges] == ["USD -5.99"]


@pytest.mark.parametrize("quantity", [None, Decimal(0), Decimal(-1)])
def test_a_charge_bills_at_least_one_unit(rules: Rules, quantity: Decimal | None) -> None:
    (problem,) = problems(rules, quantity=quantity, principal="1.00")
    assert (
        problem == f"the quantity is {'missing' if quantity is None else quantity}; a charge bills at least one unit."
    )


def test_a_refund_of_negative_units_is_refused(rules: Rules) -> None:
    (problem,) = problems(rules, is_refund=True, quantity=Decimal(-1), principal="-1.00")
    assert problem == "the quantity is -1; a refund gives its units as a positive number, or 0."


def test_a_wrong_sign_is_refused(rules: Rules) -> None:
    assert problems(rules, principal="-1.00") == ["the principal is USD -1.00 on a charge; the sign is wrong."]
    assert problems(rules, is_refund=True, principal="1.00") == [
        "the principal is USD 1.00 on a refund; the sign is wrong."
    ]


def test_all_that_is_wrong_with_a_line_is_said_at_once(rules: Rules) -> None:
    assert problems(rules, quantity=Decimal(0), principal="-1.00", tax=Money.of(1, "EUR")) == [
        "its amounts are in EUR, USD; one line has one currency.",
        "the quantity is 0; a charge bills at least one unit.",
        "the principal is USD -1.00 on a charge; the sign is wrong.",
    ]


def test_components_that_do_not_come_to_the_total_are_refused_with_the_sums(rules: Rules) -> None:
    assert problems(rules, principal="20.00", shipping="5.00", tax="1.00", total="26.01") == [
        "its components come to USD 26.00 (principal 20.00, shipping 5.00, tax 1.00), its totalAmount is USD 26.01: 0.01 is unexplained."
    ]


def charge(kind: ChargeKind, amount: str, account: str = "A", description: str = "x") -> InvoiceCharge:
    return InvoiceCharge(kind=kind, total=Money.of(amount, "USD"), description=description, account=account)


def test_consolidated_charges_are_one_per_kind_account_and_description() -> None:
    shipping, misc = ChargeKind.SHIPPING, ChargeKind.MISC
    found = consolidate([
        charge(shipping, "1.00"), charge(misc, "2.00"), charge(shipping, "0.50"), charge(misc, "1.00", "B"), charge(misc, "4.00", description="y"),
    ])  # fmt: skip
    assert found == (
        charge(shipping, "1.50"),
        charge(misc, "2.00"),
        charge(misc, "1.00", "B"),
        charge(misc, "4.00", description="y"),
    )


def test_charges_that_cancel_out_disappear() -> None:
    assert consolidate([charge(ChargeKind.MISC, "1.00"), charge(ChargeKind.MISC, "-1.00")]) == ()


cents = st.integers(min_value=0, max_value=10**7).map(lambda units: Decimal(units).scaleb(-2))


@given(
    quantity=st.integers(min_value=1, max_value=2000), principal=cents, shipping=cents, wrap=cents, fee=cents, discount=cents, tax=cents,
    free=st.booleans(), refund=st.booleans(),
)  # fmt: skip
def test_every_cent_of_a_line_ends_in_exactly_one_place(
    rules: Rules,
    quantity: int,
    principal: Decimal,
    shipping: Decimal,
    wrap: Decimal,
    fee: Decimal,
    discount: Decimal,
    tax: Decimal,
    free: bool,
    refund: bool,
) -> None:
    sign = -1 if refund else 1
    amounts = dict(zip(PARTS, (principal, shipping, wrap, fee, -(shipping if free else discount), tax), strict=True))
    line = parts(
        **{name: sign * amount for name, amount in amounts.items()},
        quantity=Decimal(quantity),
        is_refund=refund,
        tax_rate=Decimal(5),
    )
    billed = bill_line(line, rules.charges, rules.taxes, ACCOUNTS)
    placed = [billed.total, *(entry.total for entry in billed.charges), *(entry.amount for entry in billed.tax_lines)]
    assert Money.sum(placed, "USD") == line.total
    assert billed.total.amount == (billed.quantity * billed.unit_price).quantize(
        Decimal("0.01"), rounding="ROUND_HALF_UP"
    )
    assert billed.unit_price >= 0
    assert all(entry.total for entry in billed.charges)
