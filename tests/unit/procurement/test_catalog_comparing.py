"""Once what was decided is written, nothing is left to write; and what is held, or not ours, is in no write."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from procurement.catalog.comparing import compare
from procurement.catalog.decisions import Decision
from procurement.catalog.entries import (
    Entry,
    ItemRow,
    PriceRow,
    Release,
    Tier,
    release_of,
)
from tests.unit.procurement.catalog_world import (
    CATALOG,
    CATALOG_NAME,
    SOLD,
    after,
    around,
    cents,
    entries,
    item_written,
    sold,
    tuned,
)


@given(entries)
def test_once_it_is_written_nothing_is_left_to_write(entry: Entry) -> None:
    first = compare(entry, CATALOG, around())
    again = compare(after(entry, first), CATALOG, around(first))
    assert not again.writes, (first, again)


@given(entries)
def test_what_is_held_is_never_among_what_is_written(entry: Entry) -> None:
    decision = compare(entry, CATALOG, around())
    if decision.held:
        assert not any(name.startswith("price") for name in decision.price)


@given(entries)
def test_a_release_frees_a_price_and_neither_currency_nor_unit(entry: Entry) -> None:
    decision = compare(entry, CATALOG, around(released=release_of(entry.article)))
    assert not any(reason.startswith("price:") for reason in decision.held)


@given(entries, cents)
def test_a_release_of_another_price_frees_nothing(entry: Entry, seen: Decimal) -> None:
    """What Amazon asks by then was seen by nobody. (Quantity prices are released by themselves.)"""
    entry = replace(entry, article=replace(entry.article, tiers=()))
    article = replace(entry.article, price=seen)
    released = compare(entry, CATALOG, around(released=release_of(article)))
    if entry.article.price not in (None, seen) and released.price.get("price") is not None:
        assert compare(entry, CATALOG, around()).price.get("price") == released.price["price"]


@given(entries)
def test_an_item_of_people_is_only_ever_switched_off_and_on(entry: Entry) -> None:
    decision = compare(entry, CATALOG, around())
    if entry.item is not None and entry.item.number == "ITM-1":
        assert item_written(decision).keys() <= {"active"}


@given(entries.filter(lambda entry: entry.rows[0].contract == "OLD"))
def test_a_price_under_a_contract_that_is_not_in_force_is_left_alone(entry: Entry) -> None:
    assert not compare(entry, CATALOG, around()).writes


@pytest.mark.parametrize(
    ("choices", "entry", "seen"),
    [
        ({"writing": {**CATALOG.writing.model_dump(), "additions": False}}, SOLD, lambda d: d.kind == "left" and d.differences),
        ({"writing": {**CATALOG.writing.model_dump(), "contract": None}}, SOLD, lambda d: d.kind == "added" and "contract" not in d.price),
        ({"writing": {**CATALOG.writing.model_dump(), "contract": "NEW"}}, SOLD, lambda d: d.kind == "left" and d.held),
    ],
)  # fmt: skip
def test_whether_and_under_which_contract_an_article_is_added_is_the_rule_files_choice(
    choices: dict[str, Any], entry: Entry, seen: Callable[[Decision], object]
) -> None:
    assert seen(compare(entry, tuned(**choices), around()))


def test_items_of_people_are_kept_equal_where_the_rule_file_says_so() -> None:
    row, item = PriceRow(55, None, Decimal("5.00"), "USD", catalog=CATALOG_NAME), ItemRow(1, "ITM-1", name="Old")
    entry = replace(SOLD, rows=(row,), item=item)
    assert compare(entry, CATALOG, around()).items == []
    writing = {**CATALOG.writing.model_dump(), "peoples_items": ("name",)}
    first = compare(entry, tuned(writing=writing), around())
    assert item_written(first) == {"name": "Pens"}
    edited = replace(entry, item=replace(item, name="Pens (ask first)"))
    assert compare(edited, tuned(writing=writing), around(first)).items == [], "what a person changed since stays"


def test_any_move_over_a_limit_holds_however_far_another_one_went() -> None:
    """The price moves by 40 USD and 4 %, a quantity price by 0.90 USD and 9 %."""
    prices = {"hold_over_percent": 10, "hold_over_amount": 20}
    row = PriceRow(
        55, "C-AB-2026", Decimal(1000), "USD", catalog=CATALOG_NAME, term=3,
        tiers=(Decimal(1000), Decimal("10.00"), Decimal("9.00")),
    )  # fmt: skip
    tiers = (Tier(10, Decimal("10.90")), Tier(50, Decimal("9.00")))
    decision = compare(sold(row, price=Decimal(1040), tiers=tiers), tuned(prices=prices), around())
    assert decision.price == {}
    assert decision.held == ["price: 1000 → 1040 USD (+4.0 %) is over the limit"]


def test_a_release_is_bound_to_the_price_that_was_seen_and_says_so() -> None:
    row = PriceRow(55, None, Decimal("12.49"), "USD", catalog=CATALOG_NAME)
    seen = Release(Decimal("15.29"))
    assert compare(sold(row, price=Decimal("15.29")), CATALOG, around(released=seen)).price == {
        "price": Decimal("15.29")
    }
    moved = compare(sold(row, price=Decimal("1052.90")), CATALOG, around(released=seen))
    assert moved.price == {}
    assert moved.held == ["price: 12.49 → 1052.90 USD (+8329.9 %) is over the limit; released was 15.29"]
    nothing = compare(sold(row, price=Decimal("15.29")), CATALOG, around(released=Release()))
    assert nothing.price == {} and nothing.held == ["price: 12.49 → 15.29 USD (+22.4 %) is over the limit"]


def test_a_release_covers_the_quantity_prices_that_were_seen_and_no_others() -> None:
    row = PriceRow(
        55, "C-AB-2026", Decimal("10.00"), "USD", catalog=CATALOG_NAME, term=3,
        tiers=(Decimal("10.00"), Decimal("8.00"), Decimal("7.00")),
    )  # fmt: skip
    entry = sold(row, price=Decimal("10.00"), tiers=(Tier(10, Decimal("9.50")), Tier(50, Decimal("7.00"))))
    assert compare(entry, CATALOG, around(released=release_of(entry.article))).price == {
        "price-tier-2": Decimal("9.50")
    }
    other = release_of(replace(entry.article, tiers=(Tier(10, Decimal("9.40")), Tier(50, Decimal("7.00")))))
    assert compare(entry, CATALOG, around(released=other)).price == {}


def test_a_single_article_that_became_a_bundle_keeps_its_price_in_coupa() -> None:
    row = PriceRow(55, None, Decimal("5.00"), "USD", catalog=CATALOG_NAME)
    entry = replace(sold(row, price=Decimal("5.40"), pack="bundle of 6"), pack_agreed="")
    decision = compare(entry, CATALOG, around())
    assert (decision.price, decision.held) == ({}, ["pack: single before, bundle of 6 now"])


def test_quantity_prices_that_amazon_has_no_more_are_a_finding() -> None:
    row = PriceRow(
        55, "C-AB-2026", Decimal("5.00"), "USD", catalog=CATALOG_NAME, term=3, tiers=(Decimal("5.00"), Decimal("4.00"))
    )
    decision = compare(sold(row), CATALOG, around())
    assert [one.kind for one in decision.differences] == ["tiers_gone"]
    level = replace(row, tiers=(Decimal("5.00"), Decimal("5.0")))
    assert compare(sold(level), CATALOG, around()).differences == []


def test_old_quantity_prices_that_stay_in_force_beside_new_ones_that_fit_no_term_are_a_finding() -> None:
    row = PriceRow(
        55,
        "C-AB-2026",
        Decimal("10.00"),
        "USD",
        catalog=CATALOG_NAME,
        term=3,
        tiers=(Decimal("10.00"), Decimal("8.00")),
    )
    decision = compare(sold(row, price=Decimal("10.50"), tiers=(Tier(20, Decimal("9.00"), "20+"),)), CATALOG, around())
    assert decision.price == {"price": Decimal("10.50")}
    without_term, gone = decision.differences
    assert (without_term.kind, gone.kind) == ("tiers_without_term", "tiers_gone")
    assert (
        "Coupa still has quantity prices (10.00, 8.00) and orders at them; Amazon asks 10.50, 20+ at 9.00."
        in gone.sentence
    )


TIERED = PriceRow(55, "C-AB-2026", Decimal("10.00"), "USD", catalog=CATALOG_NAME)


@pytest.mark.parametrize(
    ("prices", "held"),
    [
        (("8.00", "1.00"), []),  # lower, as quantity prices are
        (("10.90", "10.00"), []),
        (("95.00", "8.00"), ["price: 10.00 → 95.00 USD (+850.0 %) is over the limit"]),
        (("8.00", "0.00"), ["price: Amazon asks nothing for it (price-tier-3)"]),
    ],
)
def test_a_new_quantity_price_is_held_where_it_is_far_dearer_than_a_single_unit_or_free(
    prices: tuple[str, str], held: list[str]
) -> None:
    tiers = (Tier(10, Decimal(prices[0])), Tier(50, Decimal(prices[1])))
    entry = sold(TIERED, price=Decimal("10.00"), tiers=tiers)
    decision = compare(entry, CATALOG, around())
    assert decision.held == held and bool(decision.price) is not bool(held)
    assert compare(entry, CATALOG, around(released=release_of(entry.article))).held == []
    added = replace(entry, rows=(), item=None, origin="list")
    assert compare(added, CATALOG, around()).held == held


def test_an_article_that_costs_nothing_is_held_and_not_added() -> None:
    free = replace(SOLD, article=replace(SOLD.article, price=Decimal("0.00")))
    decision = compare(free, CATALOG, around())
    assert (decision.kind, decision.writes) == ("left", False)
    assert decision.held == ["price: Amazon asks nothing for it (price)"]
    first = compare(sold(replace(TIERED, price=None), price=Decimal("0.00")), CATALOG, around())
    assert first.held and not first.writes


def test_what_was_only_bought_belongs_in_when_its_price_is_negotiated() -> None:
    offers = {"accept": ("NEGOTIATED", "NONE")}
    bought = replace(SOLD, origin="bought", article=replace(SOLD.article, guidance="NONE"))
    decision = compare(bought, tuned(offers=offers), around())
    assert (decision.kind, decision.writes) == ("left", False)
    negotiated = replace(bought, article=replace(bought.article, guidance="NEGOTIATED"))
    assert compare(negotiated, tuned(offers=offers), around()).kind == "added"
    assert compare(replace(bought, origin="list IT basics"), tuned(offers=offers), around()).kind == "added"
    under_a_program = replace(bought, origin="bought at a negotiated price")
    assert compare(under_a_program, tuned(offers=offers), around()).kind == "added", "its order line said so"
