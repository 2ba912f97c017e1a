"""charges.yml as people write it: what the rules can say, what they refuse, and that no rule can lose a cent."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from procurement.charge_components import Components
from procurement.charges import Billed, LineProblem, bill_lines, consolidate
from procurement.money import Money
from tests.unit.procurement.charging import (
    ACCOUNTS,
    COMPONENTS,
    FEE,
    SHIPPING,
    TAXES,
    bill,
    charges,
    into,
    line,
    refusal,
    rules,
)  # fmt: skip


def test_a_component_without_a_rule_is_refused_with_its_amount() -> None:
    assert refusal(rules(), line(shipping="5.99")) == [
        "charges.yml has no rule for its shipping of USD 5.99; add one, then replay."
    ]


def test_a_component_that_is_zero_needs_no_rule() -> None:
    assert charges(bill(rules(), line(shipping="0.00"))) == []


@pytest.mark.parametrize(
    ("when", "more", "fits"),
    [
        ({"commodity": "Lab*"}, {"commodity": "Lab supplies"}, True),
        ({"commodity": "Lab*"}, {"commodity": "Office"}, False),
        ({"commodity": "*"}, {}, False),
        ({"cost_center": ["4100", "4200"]}, {"cost_center": "4200"}, True),
        ({"cost_center": 4100}, {"cost_center": "4200"}, False),
        ({"account": "10-*"}, {"account": "10-4100-6100"}, True),
        ({"account": "10-*"}, {"account": "20-4100-6100"}, False),
        ({"country": "US"}, {}, True),
        ({"country": "DE"}, {}, False),
        ({"supplier": "AMZN-US"}, {"supplier": "AMZN-US"}, True),
        ({"supplier": "AMZN-US"}, {"supplier": "AMZN-DE"}, False),
        ({"at_least": "5.00"}, {}, True),
        ({"at_least": "5.01"}, {}, False),
        ({"below": "5.01"}, {}, True),
        ({"below": "5.00"}, {}, False),
        ({"tax_rate": "8.25"}, {"tax_rate": Decimal("8.250")}, True),
        ({"tax_rate": "8.25"}, {"tax_rate": Decimal(19)}, False),
        ({"tax_rate": "8.25"}, {}, False),
        ({"country": "US", "at_least": "9"}, {}, False),
    ],
)
def test_the_first_rule_whose_conditions_all_hold_decides(
    when: dict[str, Any], more: dict[str, Any], fits: bool
) -> None:
    chosen = rules(into("shipping", FEE, **when), SHIPPING)
    expected = ("misc", "E", "5.00") if fits else ("shipping", "F", "5.00")
    assert charges(bill(chosen, line(shipping="5.00", **more))) == [expected]


def test_the_amount_of_a_refund_counts_without_its_sign() -> None:
    chosen = rules(into("shipping", FEE, at_least="5"), SHIPPING)
    refund = line("-20.00", shipping="-5.00", is_refund=True)
    assert charges(bill(chosen, refund)) == [("misc", "E", "-5.00")]


def test_freight_can_go_into_the_price_of_its_line() -> None:
    (billed,) = bill(
        rules(into("shipping", {"to": "line"})), line("20.00", quantity=2, unit_price="10.00", shipping="5.00")
    )
    assert (str(billed.unit_price), str(billed.total), billed.charges) == ("12.50", "USD 25.00", ())


def test_what_a_price_in_six_decimals_misses_of_it_is_a_rounding_charge() -> None:
    chosen = rules(into("shipping", {"to": "line"}))
    billed = bill(chosen, line("20000.00", quantity=60_000, shipping="10000.01"))
    assert charges(billed) == [("misc", "R", "0.01")]
    assert billed[0].total == Money.of("30000.00", "USD")


def test_a_price_is_never_negative() -> None:
    chosen = rules(into("discount", {"to": "line"}))
    assert refusal(chosen, line("20.00", discount="-20.01")) == [
        "what charges.yml puts into its price comes to USD -0.01; a price is never negative."
    ]
    (billed,) = bill(chosen, line("20.00", discount="-20.00"))
    assert str(billed.unit_price) == "0.00"


def test_freight_in_the_price_leaves_a_refund_of_units_one_of_units() -> None:
    chosen = rules(into("shipping", {"to": "line"}))
    (billed,) = bill(chosen, line("-20.00", quantity=2, unit_price="10.00", shipping="-5.00", is_refund=True))
    assert (billed.quantity, str(billed.unit_price), billed.adjustment_type) == (-2, "12.50", "quantity")


def test_an_amount_is_split_by_percent_and_the_odd_cent_goes_to_the_largest_remainder() -> None:
    chosen = rules(into("shipping", {**FEE, "percent": 70}, {"to": "line", "percent": 30}))
    (billed,) = bill(chosen, line("20.00", shipping="0.05"))
    assert charges([billed]) == [("misc", "E", "0.04")]  # 3.5 and 1.5 cents: equal remainders, the earlier has it
    assert billed.total == Money.of("20.01", "USD")


def test_a_fee_that_is_a_tax_by_law_becomes_a_tax_line_of_its_own() -> None:
    chosen = rules(into("regulatory_fee", {"to": "tax_line", "code": "CA-EWASTE", "description": "E-waste"}))
    (billed,) = bill(chosen, line(regulatory_fee="4.00", tax="1.65", tax_rate=Decimal("8.25")))
    assert [(tax.code, str(tax.amount), tax.rate) for tax in billed.tax_lines] == [
        ("T", "USD 1.65", Decimal("8.25")),
        ("CA-EWASTE", "USD 4.00", None),
    ]


def test_tax_that_cannot_be_reclaimed_goes_into_the_price() -> None:
    (billed,) = bill(rules(into("tax", {"to": "line"}, tax_rate="8.25")), line(tax="1.65", tax_rate=Decimal("8.25")))
    assert (billed.tax_lines, str(billed.total)) == ((), "USD 21.65")
    assert billed.treatment.kind == "taxed"


def test_a_rule_for_one_rate_sees_the_tax_of_that_rate_alone() -> None:
    given = {"shipping": "24.00", "shipping_tax_rate": Decimal(10), "tax_rate": Decimal(6)}
    (billed,) = bill(rules(into("tax", {"to": "line"}, tax_rate="10"), SHIPPING), line("100.00", tax="8.40", **given))
    assert [(str(tax.amount), tax.rate) for tax in billed.tax_lines] == [("USD 6.00", 6)]
    assert str(billed.total) == "USD 102.40"


def test_a_part_of_the_tax_keeps_its_code_but_not_a_rate_it_would_not_match() -> None:
    chosen = rules(into("tax", {"to": "tax_line", "percent": 50}, {"to": "line", "percent": 50}))
    (billed,) = bill(chosen, line(tax="1.65", tax_rate=Decimal("8.25")))
    (tax,) = billed.tax_lines
    assert (tax.code, str(tax.amount), tax.rate) == ("T", "USD 0.83", None)
    assert billed.total == Money.of("20.82", "USD")


@pytest.mark.parametrize(
    ("over", "shares"), [("amount", ["0.67", "0.33"]), ("quantity", ["0.25", "0.75"]), ("equal", ["0.50", "0.50"])]
)
def test_all_lines_bear_it_by_amount_by_quantity_or_equally(over: str, shares: list[str]) -> None:
    chosen = rules(into("shipping", {"to": "misc", "description": "Freight", "account": "line", "over": over}))
    billed = bill(
        chosen,
        line("20.00", quantity=1, shipping="0.80", account="A"),
        line("10.00", quantity=3, shipping="0.20", account="B"),
    )
    assert charges(billed) == [("misc", "A", shares[0]), ("misc", "B", shares[1])]


def test_a_third_of_a_cent_goes_to_the_earlier_line() -> None:
    chosen = rules(into("shipping", {"to": "line", "over": "equal"}))
    billed = bill(chosen, line("1.00", shipping="0.01"), line("1.00", shipping="0.01"), line("1.00", shipping="0.03"))
    assert [str(one.total.amount) for one in billed] == ["1.02", "1.02", "1.01"]


def test_refunds_bear_only_what_was_refunded() -> None:
    chosen = rules(into("shipping", {"to": "line", "over": "equal"}))
    billed = bill(chosen, line("5.00", shipping="1.00"), line("5.00"), line("-5.00", shipping="-0.30", is_refund=True))
    assert [str(one.total.amount) for one in billed] == ["5.50", "5.50", "-5.30"]


def test_a_charge_is_split_over_accounts_and_keeps_its_cents_when_charges_are_joined() -> None:
    chosen = rules(
        into("shipping", {"to": "shipping", "description": "Freight", "accounts": {"lab": 50, "office": 50}})
    )
    billed = bill(chosen, line(shipping="0.01"), line(shipping="0.01"), line(shipping="0.01"))
    (charge,) = consolidate(charge for one in billed for charge in one.charges)
    assert charge.account is None
    assert [(share.account, share.percent, str(share.amount)) for share in charge.allocations] == [
        ("L", Decimal(50), "USD 0.02"),
        ("O", Decimal(50), "USD 0.01"),
    ]


def test_a_line_is_split_over_accounts() -> None:
    chosen = rules(into("principal", {"to": "line", "accounts": {"lab": "33.3", "office": "66.7"}}, cost_center="4100"))
    split, whole = bill(chosen, line("10.01", cost_center="4100"), line("10.01", cost_center="4200"))
    assert [(share.account, str(share.amount)) for share in split.allocations] == [("L", "USD 3.33"), ("O", "USD 6.68")]
    assert whole.allocations == ()


def test_shares_of_the_principal_with_accounts_of_their_own_are_one_split_of_the_line() -> None:
    chosen = rules(
        into(
            "principal",
            {"to": "line", "percent": 60, "accounts": {"lab": 50, "fees": 50}},
            {"to": "line", "percent": 40, "accounts": {"office": 75, "lab": 25}},
        )
    )
    (billed,) = bill(chosen, line("100.00"))
    assert [(share.account, share.percent, str(share.amount)) for share in billed.allocations] == [
        ("L", 40, "USD 40.00"),
        ("E", 30, "USD 30.00"),
        ("O", 30, "USD 30.00"),
    ]


def test_a_split_over_an_account_the_chart_lacks_is_refused() -> None:
    chosen = rules(into("shipping", {"to": "shipping", "description": "Freight", "accounts": {"lab": 50, "moon": 50}}))
    assert refusal(chosen, line(shipping="1.00")) == [
        "charges.yml splits USD 1.00 over accounts the chart does not have: moon."
    ]


def test_free_shipping_shown_follows_the_rules_of_both() -> None:
    chosen = rules(SHIPPING, into("discount", FEE), free_shipping="shown")
    assert charges(bill(chosen, line(shipping="5.99", discount="-5.99"))) == [
        ("shipping", "F", "5.99"),
        ("misc", "E", "-5.99"),
    ]
    netted = rules()
    assert charges(bill(netted, line(shipping="5.99", discount="-5.99"))) == []


def test_quantities_and_prices_with_more_decimals_than_the_currency_survive() -> None:
    (billed,) = bill(rules(), line("0.31", quantity="2.5", unit_price="0.1234"))
    assert (str(billed.quantity), str(billed.unit_price), str(billed.total)) == ("2.5", "0.124", "USD 0.31")
    (billed,) = bill(rules(), line("0.3085", quantity="2.5", unit_price="0.1234"))
    assert (str(billed.quantity), str(billed.unit_price)) == ("2.5", "0.1234")


def test_a_price_with_more_decimals_than_coupa_keeps_is_rounded_to_six() -> None:
    (billed,) = bill(rules(), line("1.00", quantity=8_000, unit_price="0.0001250"))
    assert str(billed.unit_price) == "0.000125"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (into("shipping", FEE | {"percent": 40}, FEE | {"percent": 50}), "the percentages come to 90, not to 100"),
        (into("shipping"), "the percentages come to 0, not to 100"),
        (into("shipping", {"to": "misc", "account": "fees"}), "to: misc needs a description"),
        (into("shipping", {"to": "misc", "description": "x"}), "needs either account or accounts"),
        (into("shipping", FEE | {"accounts": {"lab": 100}}), "needs either account or accounts"),
        (
            into("shipping", {"to": "misc", "description": "x", "accounts": {"lab": 60, "office": 50}}),
            "come to 110, not to 100",
        ),
        (
            into("shipping", {"to": "misc", "description": "x", "accounts": {"lab": 110, "office": -10}}),
            "more than 0 percent",
        ),
        (into("shipping", {"to": "line", "account": "fees"}), "to: line has no account of its own"),
        (into("shipping", {"to": "line", "code": "T"}), "code is for to: tax_line"),
        (into("shipping", {"to": "line", "accounts": {"lab": 100}}), "accounts of a line belong to its principal"),
        (into("promotion", FEE), "promotion"),  # Amazon has one amount: discount
        (into("tax", {"to": "tax_line", "accounts": {"lab": 100}}), "to: tax_line has no accounts"),
        (
            into("principal", {"to": "line", "percent": 60, "accounts": {"lab": 100}}, {"to": "line", "percent": 40}),
            "either each share of the principal names them, or none does",
        ),
        (into("principal", FEE), "the principal is the price of its own invoice line"),
        (into("principal", {"to": "line", "over": "equal"}), "the principal is the price of its own invoice line"),
        (into("rounding", {"to": "line"}), "rounding is what a line cannot hold"),
        (into("rounding", FEE | {"over": "equal"}), "rounding is what a line cannot hold"),
        ({"component": [], "into": FEE}, "names none"),
        (into("shiping", FEE), "shiping"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_read(rule: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        rules(rule)


cents = st.integers(min_value=-(10**6), max_value=10**6).map(lambda units: Decimal(units).scaleb(-2))
over = st.sampled_from([None, "amount", "quantity", "equal"])
charge_destinations = st.builds(
    lambda to, account, over: {"to": to, "description": to, "account": account, **({"over": over} if over else {})},
    st.sampled_from(["shipping", "handling", "misc"]), st.sampled_from([*ACCOUNTS, "line"]), over,
)  # fmt: skip
split_destinations = st.builds(
    lambda to, first: {"to": to, "description": to, "accounts": {"lab": first, "office": 100 - first}},
    st.sampled_from(["shipping", "misc"]), st.integers(min_value=1, max_value=99),
)  # fmt: skip
tax_destinations = st.builds(lambda over: {"to": "tax_line", "code": "X", **({"over": over} if over else {})}, over)
line_destinations = st.builds(lambda over: {"to": "line", **({"over": over} if over else {})}, over)


@st.composite
def any_rule(draw: st.DrawFn, component: str) -> dict[str, Any]:
    destinations = draw(
        st.lists(
            st.one_of(charge_destinations, split_destinations, tax_destinations, line_destinations),
            min_size=1,
            max_size=3,
        )
    )
    first = draw(st.integers(min_value=1, max_value=98))
    percents = {1: [100], 2: [first, 100 - first], 3: [first, 1, 99 - first]}[len(destinations)]
    return into(component, *({**one, "percent": share} for one, share in zip(destinations, percents, strict=True)))


@st.composite
def any_line(draw: st.DrawFn) -> Components:
    refund = draw(st.booleans())
    sign = -1 if refund else 1
    amounts = {name: str(draw(cents)) for name in COMPONENTS}
    principal = sign * draw(st.integers(min_value=0, max_value=10**7))
    return line(
        str(Decimal(principal).scaleb(-2)), quantity=draw(st.integers(min_value=1, max_value=500)), is_refund=refund,
        account=draw(st.sampled_from(["A", "B", None])), tax_rate=Decimal(5), **amounts,
    )  # fmt: skip


@given(
    chosen=st.tuples(*map(any_rule, COMPONENTS)), lines=st.lists(any_line(), min_size=1, max_size=4),
    free=st.sampled_from(["netted", "shown"]), joined=st.booleans(),
)  # fmt: skip
def test_whatever_the_rules_and_the_components_no_cent_is_lost(
    chosen: tuple[dict[str, Any], ...], lines: list[Components], free: str, joined: bool
) -> None:
    found = bill_lines(lines, rules(*chosen, free_shipping=free, consolidate=joined), TAXES, ACCOUNTS)
    if any(isinstance(one, LineProblem) for one in found):
        assert all(
            "never negative" in problem or "rounding" in problem
            for one in found
            if isinstance(one, LineProblem)
            for problem in one.problems
        )
        return
    billed = [one for one in found if isinstance(one, Billed)]
    apart = [charge for one in billed for charge in one.charges]
    placed = [one.total for one in billed] + [tax.amount for one in billed for tax in one.tax_lines]
    for entries in (apart, list(consolidate(apart))):
        assert Money.sum([*placed, *(charge.total for charge in entries)], "USD") == Money.sum(
            (one.total for one in lines), "USD"
        )
        for charge in entries:
            if charge.allocations:
                assert Money.sum((share.amount for share in charge.allocations), "USD") == charge.total
    for one in billed:
        assert one.unit_price >= 0
        assert one.total.amount == (one.quantity * one.unit_price).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
