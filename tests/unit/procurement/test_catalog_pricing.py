"""Prices that move: exactly at a limit is not beyond it, and quantity prices fit a term or they do not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.catalog.entries import Term, Tier
from procurement.catalog.pricing import Move, is_held
from procurement.catalog.quantity_prices import fitting_term, tier_prices
from procurement.catalog.requisitions import OfferedPrice, WaitingLine, sentence, todays_price, told_move
from procurement.catalog.rules import Prices

CENTS = st.integers(1, 10**7).map(lambda cents: Decimal(cents).scaleb(-2))


def move(old: str, new: str) -> Move:
    return Move(Decimal(old), Decimal(new), "USD")


@pytest.mark.parametrize(
    ("old", "new", "held"),
    [
        ("10.00", "11.00", False), ("10.00", "11.01", True), ("10.00", "9.00", False), ("10.00", "8.99", True),
        ("3.00", "3.30", False), ("0", "0.01", True), ("9.99", "9.99", False),
    ],
)  # fmt: skip
def test_a_move_beyond_the_limit_is_held_and_one_at_the_limit_is_not(old: str, new: str, held: bool) -> None:
    assert is_held(move(old, new), Prices(hold_over_percent=Decimal(10))) is held


@pytest.mark.parametrize(("new", "held"), [("105.00", False), ("105.01", True), ("94.99", True)])
def test_a_limit_in_money_holds_beside_the_one_in_percent(new: str, held: bool) -> None:
    limits = Prices(hold_over_percent=Decimal(10), hold_over_amount=Decimal(5))
    assert is_held(move("100.00", new), limits) is held


@given(CENTS, CENTS, st.integers(0, 50), st.integers(0, 50))
def test_a_tighter_limit_never_releases_what_a_wider_one_holds(old: Decimal, new: Decimal, one: int, more: int) -> None:
    moved = Move(old, new, "USD")
    tight, wide = (Prices(hold_over_percent=Decimal(percent)) for percent in (one, one + more))
    assert is_held(moved, tight) or not is_held(moved, wide)


@pytest.mark.parametrize(
    ("old", "new", "bucket"),
    [
        ("100", "101", "up, up to 1 %"), ("100", "101.01", "up, 1 to 5 %"), ("100", "95", "down, 1 to 5 %"),
        ("100", "110", "up, 5 to 10 %"), ("100", "74.99", "down, over 25 %"), ("0", "5", "from 0"),
    ],
)  # fmt: skip
def test_moves_are_counted_by_size_and_direction(old: str, new: str, bucket: str) -> None:
    assert move(old, new).bucket == bucket


def term(*bounds: int | None, per_order: bool = True) -> Term:
    return Term(3, tuple(None if one is None else Decimal(one) for one in bounds), per_order)


def tiers(*starts: int | None) -> list[Tier]:
    return [Tier(start, Decimal("9.50") - number) for number, start in enumerate(starts)]


@pytest.mark.parametrize(
    ("starts", "terms", "fits"),
    [
        ((10, 50), [term(9, 49)], True),
        ((10, 50), [term(4), term(9, 49)], True),
        ((10, 50), [term(9, 49, 99, 999)], False),
        ((10, 50), [term(9)], False),
        ((10, 50), [term(10, 50)], False),
        ((10, 50), [term(9, 49, per_order=False)], False),
        ((10, None), [term(9, 49)], False),
        ((50, 10), [term(49, 9)], False),
        ((1, 10), [term(0, 9)], False),
        ((), [term(9)], False),
    ],
)
def test_quantity_prices_fit_only_a_term_whose_tiers_begin_where_amazons_do(
    starts: tuple[int | None, ...], terms: list[Term], fits: bool
) -> None:
    assert (fitting_term(tiers(*starts), terms) is not None) is fits


@pytest.mark.parametrize(
    ("until", "most", "bounds", "fits"),
    [
        # Amazon's last price is open: for all that it sells in one order
        (None, 500, (9, 49), True),
        (None, 500, (9, 49, 500), True),
        (None, 500, (9, 49, 9999), True),
        (None, 500, (9, 49, 499), False),
        (None, 500, (9, 49, 50), False),
        (None, 500, (9, 49, 20), False),
        (None, None, (9, 49), True),
        (None, None, (9, 49, 9999), False),  # nobody knows whether an order may pass it
        # Amazon's last price ends, and orders can pass that
        (99, 500, (9, 49, 99), True),
        (99, 500, (9, 49), False),
        (99, 500, (9, 49, 9999), False),
        (99, None, (9, 49, 99), True),
        # it ends where Amazon's selling does
        (500, 500, (9, 49), True),
        (500, 500, (9, 49, 9999), True),
        # further bounds, and gaps among them
        (None, 500, (9, 49, 500, 9999), False),
        (None, 500, (9, None, 500), False),
    ],
)
def test_the_last_tier_fits_where_no_order_can_tell_the_bounds_apart(
    until: int | None, most: int | None, bounds: tuple[int | None, ...], fits: bool
) -> None:
    last = [Tier(10, Decimal("9.50")), Tier(50, Decimal("8.50"), until=until)]
    assert (fitting_term(last, [term(*bounds)], most=most) is not None) is fits


@pytest.mark.parametrize(("until", "fits"), [(None, True), (49, True), (19, False), (60, False)])
def test_amazons_tiers_must_follow_each_other_without_a_gap(until: int | None, fits: bool) -> None:
    gap = [Tier(10, Decimal("9.50"), until=until), Tier(50, Decimal("8.50"))]
    assert (fitting_term(gap, [term(9, 49)]) is not None) is fits


@given(
    st.lists(st.integers(2, 60), min_size=1, max_size=4, unique=True),
    st.integers(1, 90),
    st.none() | st.integers(1, 90),
)
def test_where_a_term_fits_every_order_has_one_price_on_both_sides(
    starts: list[int], most: int, last: int | None
) -> None:
    """Coupa's tier for each quantity that Amazon sells, against Amazon's own."""
    starts.sort()
    bounds = [start - 1 for start in starts] + ([] if last is None else [last])
    found = fitting_term(tiers(*starts), [term(*bounds)], most=most)
    if found is None:
        assert last is not None and last < most
        return
    for units in range(1, most + 1):
        coupas = next((n for n, bound in enumerate(bounds) if units <= bound), len(bounds))
        assert coupas == sum(start <= units for start in starts)


def test_more_quantity_prices_than_are_written_fit_nothing() -> None:
    starts = range(2, 12)
    assert fitting_term(tiers(*starts), [term(*(start - 1 for start in starts))]) is None


def test_the_first_tier_costs_the_offers_price() -> None:
    assert tier_prices(Decimal("11"), tiers(10, 50)) == (Decimal("11"), Decimal("9.50"), Decimal("8.50"))


LINE = WaitingLine(7, 2, "Pens", Decimal("4"), Decimal("10.00"), "USD", offer="kept", approver=601)


def at(
    offer: str, price: str, currency: str = "USD", guidance: str | None = None, *, eligible: bool = True
) -> OfferedPrice:
    return OfferedPrice(offer, Decimal(price), currency, guidance, eligible)


@pytest.mark.parametrize(
    ("offers", "offer"),
    [
        ([at("cheap", "1"), at("kept", "12")], "kept"),
        ([at("cheap", "1"), at("deal", "9", guidance="NEGOTIATED"), at("deal2", "8", guidance="NEGOTIATED")], "deal2"),
        ([at("dear", "5"), at("cheap", "1")], "cheap"),
        ([at("foreign", "1", "CAD")], None),
        ([], None),
        ([at("used", "1", eligible=False), at("new", "9")], "new"),
        ([at("blocked", "1", guidance="NEGOTIATED", eligible=False), at("new", "9")], "new"),
        ([at("used", "1", eligible=False)], None),
        ([at("kept", "12", eligible=False), at("new", "9")], "kept"),
    ],
)
def test_the_offer_that_was_requested_is_compared_as_long_as_it_exists(
    offers: list[OfferedPrice], offer: str | None
) -> None:
    found = todays_price(LINE, offers, ("NEGOTIATED",))
    assert (found.offer if found else None) == offer


@pytest.mark.parametrize(("price", "told"), [("10.00", False), ("10.10", False), ("10.11", True), ("9.89", True)])
def test_an_approver_is_told_of_a_move_beyond_the_limit(price: str, told: bool) -> None:
    assert (told_move(LINE, at("kept", price), over_percent=Decimal(1)) is not None) is told


def test_what_an_approver_reads_says_what_it_means_for_the_line() -> None:
    text = sentence("B0QX10001A", LINE, move("10.00", "12.50"))
    assert "10.00 → 12.50 USD (+25.0 %)" in text and "For 4 units that is 10.00 USD more" in text
    assert "less" in sentence("B0QX10001A", LINE, move("10.00", "9.00"))
