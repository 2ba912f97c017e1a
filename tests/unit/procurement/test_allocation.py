"""Allocation: parts in proportion that always add up to the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.errors import MoneyError
from procurement.money import Money, allocate, minor_unit

weights = st.lists(st.decimals(min_value=0, max_value=10**6, places=3), min_size=1, max_size=30)
cents = st.integers(min_value=-(10**9), max_value=10**9)


def usd(*amounts: str) -> list[Money]:
    return [Money.of(amount, "USD") for amount in amounts]


def split(whole: str, *shares: int | str) -> list[Money]:
    return allocate(Money.of(whole, "USD"), [Decimal(share) for share in shares])


def test_the_cent_that_is_left_goes_to_the_largest_remainder() -> None:
    assert split("1.00", 1, 1, 1) == usd("0.34", "0.33", "0.33")
    assert split("1.00", 1, 2) == usd("0.33", "0.67")
    assert split("0.05", 1, 1, 1) == usd("0.02", "0.02", "0.01")


def test_equal_remainders_go_to_the_earlier_part() -> None:
    assert split("0.01", 1, 1) == usd("0.01", "0.00")


def test_a_negative_whole_is_split_like_the_positive_one() -> None:
    assert split("-1.00", 1, 1, 1) == usd("-0.34", "-0.33", "-0.33")


def test_weights_of_zero_get_nothing_unless_all_are_zero() -> None:
    assert split("1.00", 0, 1) == usd("0.00", "1.00")
    assert split("1.00", 0, 0) == usd("0.50", "0.50")


def test_yen_are_split_in_whole_yen() -> None:
    assert allocate(Money.of(10, "JPY"), [Decimal(1)] * 3) == [Money.of(n, "JPY") for n in (4, 3, 3)]


def test_no_parts_negative_weights_and_fractions_of_a_cent_are_refused() -> None:
    with pytest.raises(MoneyError, match=r"cannot split USD 1\.00 into no parts"):
        split("1.00")
    with pytest.raises(MoneyError, match=r"cannot split USD 1\.00 by negative weights"):
        split("1.00", 1, -1)
    with pytest.raises(MoneyError, match=r"USD 0\.001 is finer than the smallest unit of USD: round it first"):
        split("0.001", 1)


@given(cents, weights, st.sampled_from(["USD", "JPY"]))
def test_parts_add_up_and_miss_their_share_by_less_than_one_unit(
    units: int, shares: list[Decimal], currency: str
) -> None:
    step = minor_unit(currency)
    whole = Money(units * step, currency)
    parts = allocate(whole, shares)
    assert Money.sum(parts, currency) == whole
    total = sum(shares)
    for part, share in zip(parts, shares, strict=True):
        ideal = whole.amount * share / total if total else whole.amount / len(shares)
        assert abs(part.amount - ideal) < step
        assert part.amount * units >= 0


@given(cents, weights)
def test_the_same_input_always_gives_the_same_parts(units: int, shares: list[Decimal]) -> None:
    whole = Money(units * Decimal("0.01"), "USD")
    assert allocate(whole, shares) == allocate(whole, list(shares))
