"""Money: exact, never a float, never two currencies at once."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.errors import MoneyError
from procurement.money import MINOR_UNITS, UNIT_PRICE_PLACES, Money, minor_unit, round_to, to_decimal

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False)


def usd(amount: str | int | Decimal) -> Money:
    return Money.of(amount, "USD")


@pytest.mark.parametrize("value", ["0.10", 7, Decimal("-3.5"), "1E+2"])
def test_texts_whole_numbers_and_decimals_are_exact_amounts(value: str | int | Decimal) -> None:
    assert to_decimal(value) == Decimal(value)


@pytest.mark.parametrize("value", [0.1, True, False, None, [1], b"1"])
def test_a_float_or_any_other_type_is_refused_by_name(value: object) -> None:
    with pytest.raises(
        MoneyError, match=f"is a {type(value).__name__}; amounts are text, whole numbers or Decimal, never floats"
    ):
        to_decimal(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "sentence"), [("ten", "'ten' is not a number"), ("", "'' is not a number")])
def test_text_that_is_no_number_is_refused(value: str, sentence: str) -> None:
    with pytest.raises(MoneyError, match=sentence):
        to_decimal(value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", Decimal("sNaN")])
def test_what_is_not_finite_is_refused(value: str | Decimal) -> None:
    with pytest.raises(MoneyError, match="is not a finite number"):
        to_decimal(value)


def test_amounts_that_no_sum_could_keep_exact_are_refused() -> None:
    assert to_decimal("9999999999999999") == Decimal(10) ** 16 - 1
    assert to_decimal("0.00000000000000000001") == Decimal(1).scaleb(-20)
    for value in ("1E+16", "1E+999999", "0.000000000000000000001"):
        with pytest.raises(MoneyError, match="is not a plausible amount or quantity"):
            to_decimal(value)


def test_the_smallest_unit_is_a_cent_of_a_dollar_and_a_whole_yen() -> None:
    assert minor_unit("USD") == Decimal("0.01")
    assert minor_unit("JPY") == Decimal(1)
    assert {currency for currency in MINOR_UNITS if minor_unit(currency) != Decimal("0.01")} == {"JPY"}


@pytest.mark.parametrize("currency", ["XXX", "usd", "", None, ["USD"]])
def test_an_unknown_currency_is_refused_with_the_known_ones(currency: str) -> None:
    with pytest.raises(MoneyError, match=r"unknown currency .*; known are AUD, BRL, CAD"):
        Money.of("1", currency)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("1.005", "1.01"), ("1.004", "1.00"), ("-1.005", "-1.01"), ("-1.0049", "-1.00"), ("2.675", "2.68")],
)
def test_rounding_is_half_up_away_from_zero(amount: str, rounded: str) -> None:
    assert usd(amount).rounded() == usd(rounded)
    assert str(usd(amount).rounded().amount) == rounded


def test_yen_round_to_whole_yen() -> None:
    assert Money.of("10.5", "JPY").rounded().amount == Decimal(11)
    assert round_to(Decimal("0.0000005"), Decimal(1).scaleb(-UNIT_PRICE_PLACES)) == Decimal("0.000001")
    assert UNIT_PRICE_PLACES == 6


def test_two_currencies_never_combine_or_compare() -> None:
    euro = Money.of("1", "EUR")
    for combine in (
        lambda: usd(1) + euro, lambda: usd(1) - euro, lambda: usd(1) < euro, lambda: usd(1) <= euro, lambda: Money.sum([euro], "USD"),
    ):  # fmt: skip
        with pytest.raises(MoneyError, match="the currencies differ"):
            combine()
    assert usd(1) != Money.of(1, "EUR")


def test_arithmetic_is_that_of_exact_numbers() -> None:
    assert usd("0.10") + usd("0.20") == usd("0.30")
    assert usd("0.10") - usd("0.30") == usd("-0.20")
    assert -usd("0.10") == usd("-0.10")
    assert abs(usd("-0.10")) == usd("0.10")
    assert usd("0.10") * 3 == usd("0.30")
    assert usd("0.10") * Decimal("0.5") == usd("0.05")
    with pytest.raises(MoneyError):
        usd("0.10") * 0.5  # type: ignore[operator]


def test_order_and_truth_follow_the_amount() -> None:
    assert usd(1) < usd(2)
    assert not usd(2) < usd(2)
    assert usd(2) <= usd(2)
    assert not usd(3) <= usd(2)
    assert not Money.zero("USD")
    assert usd("-0.01")


def test_money_reads_with_currency_thousands_and_at_least_its_own_decimals() -> None:
    assert str(usd("1234.5")) == "USD 1,234.50"
    assert str(usd("3.333333")) == "USD 3.333333"
    assert str(Money.of("1234", "JPY")) == "JPY 1,234"
    assert str(Money(Decimal("1E+3"), "USD")) == "USD 1,000.00"


def test_the_sum_of_nothing_is_zero_of_the_currency() -> None:
    assert Money.sum([], "EUR") == Money.zero("EUR") == Money.of(0, "EUR")


@given(st.lists(amounts))
def test_the_order_of_a_sum_does_not_matter(values: list[Decimal]) -> None:
    moneys = [usd(value) for value in values]
    assert Money.sum(moneys, "USD") == Money.sum(reversed(moneys), "USD")
    assert Money.sum(moneys, "USD").amount == sum(values, Decimal(0))


@given(amounts, amounts)
def test_what_is_added_can_be_taken_away(one: Decimal, other: Decimal) -> None:
    assert usd(one) + usd(other) - usd(other) == usd(one)
    assert usd(one) - usd(other) == -(usd(other) - usd(one))


@given(amounts)
def test_rounding_moves_by_at_most_half_a_cent_and_only_once(value: Decimal) -> None:
    rounded = usd(value).rounded()
    assert abs(rounded.amount - value) <= Decimal("0.005")
    assert rounded.rounded() == rounded
    assert (-usd(value)).rounded() == -rounded


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (lambda: to_decimal(0.5), "0.5 is a float; amounts are text, whole numbers or Decimal, never floats"),  # type: ignore[arg-type]
        (lambda: to_decimal("9" * 60 + "x"), f"'{'9' * 40}' is not a number"),
        (lambda: to_decimal("9" * 60), f"'{'9' * 40}' is not a plausible amount or quantity"),
        (lambda: to_decimal("NaN"), "'NaN' is not a finite number"),
        (lambda: usd(1) + Money.of(2, "EUR"), "cannot combine USD 1.00 with EUR 2.00: the currencies differ"),
        (
            lambda: Money.of(1, "XYZ"),
            "unknown currency 'XYZ'; known are AUD, BRL, CAD, CHF, CNY, EUR, GBP, INR, JPY, MXN, PLN, SEK, SGD, USD",
        ),
    ],
)
def test_each_refusal_says_exactly_what_is_wrong(refused: Callable[[], object], sentence: str) -> None:
    with pytest.raises(MoneyError) as caught:
        refused()
    assert str(caught.value) == sentence


def test_an_amount_of_a_currency_we_do_not_know_still_reads_well() -> None:
    assert str(Money(Decimal(5), "XYZ")) == "XYZ 5.00"
