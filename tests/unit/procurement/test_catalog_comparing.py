"""Once what was decided is written, nothing is left to write; and what is held, or not ours, is in no write."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.catalog.comparing import compare
from procurement.catalog.decisions import Decision
from procurement.catalog.entries import (
    Article,
    CatalogState,
    Contract,
    Entry,
    ItemRow,
    PriceRow,
    Release,
    Surroundings,
    Term,
    Tier,
    release_of,
)
from procurement.catalog.rules import CatalogFile
from procurement.pipelines.amazon_catalog_to_coupa.payloads import read_hidden, writes_of
from procurement.policies import read_rules

RULES = read_rules()
CATALOG = RULES.catalog
ASIN, CATALOG_NAME = "B000000001", CATALOG.writing.catalog
TERM = Term(3, (Decimal(9), Decimal(49)))
CONTRACTS = {"C-AB-2026": Contract("C-AB-2026", True, (TERM,)), "OLD": Contract("OLD", False, why_not="it ended")}
FIELDS = {
    "name": "name",
    "description": "description",
    "commodity": "commodity",
    "manufacturer-name": "manufacturer",
    "active": "active",
}

cents = st.integers(1, 5000).map(lambda n: Decimal(n).scaleb(-2))
articles = st.builds(
    Article,
    sold=st.booleans(), offers=st.integers(0, 3), title=st.sampled_from(["Pens", "Pencils", None]), price=st.none() | cents,
    currency=st.sampled_from(["USD", "CAD"]), least=st.sampled_from([None, 1, 3]),
    tiers=st.sampled_from([(), (Tier(10, Decimal("4.00")), Tier(50, Decimal("3.00"))), (Tier(5, Decimal("4.00")),), (Tier(None, Decimal(4)),)]),
    availability=st.sampled_from([None, "In Stock.", "Currently unavailable."]), unspsc=st.sampled_from([None, "44121704"]),
    image=st.sampled_from([None, "https://example.com/a.jpg"]), manufacturer=st.sampled_from([None, "Acme"]),
    package=st.sampled_from([None, "Pack"]), pack=st.sampled_from([None, "Pack"]),
)  # fmt: skip
rows = st.builds(
    PriceRow, id=st.just(55), contract=st.sampled_from(["C-AB-2026", None, "OLD"]), price=st.none() | cents,
    currency=st.just("USD"), preferred=st.booleans(), catalog=st.sampled_from([None, CATALOG_NAME]),
    least=st.sampled_from([None, Decimal(2)]), item_id=st.just(1),
)  # fmt: skip
items = st.builds(
    ItemRow, id=st.just(1), number=st.sampled_from(["ITM-1", f"AMZN-{ASIN}"]), name=st.sampled_from(["Pens", "Old"]),
    active=st.booleans(), commodity=st.sampled_from([None, "Furniture"]), unit=st.sampled_from(["EA", "PK", None]),
)  # fmt: skip
entries = st.builds(
    Entry, asin=st.just(ASIN), article=articles, rows=rows.map(lambda row: (row,)), item=items,
    missed=st.sampled_from([(), ("a",), ("a", "b", "c")]), pack_agreed=st.sampled_from([None, "Pack"]),
)  # fmt: skip


def around(decision: Decision | None = None, released: Release | None = None) -> Surroundings:
    written = {ASIN: decision.written} if decision is not None else {}
    items = {one.item.number: one.delivered for one in decision.items} if decision is not None else {}
    lookups, release = RULES.lookups, {ASIN: released} if released is not None else {}
    return Surroundings(
        CONTRACTS, lookups["commodities"].find, lookups["units"].find, release, written, supplier="AMZN-US", items=items
    )


def item_written(decision: Decision) -> dict[str, Any]:
    """The fields of the one item that changes."""
    assert len(decision.items) <= 1
    return decision.items[0].fields if decision.items else {}


def after(entry: Entry, decision: Decision) -> Entry:
    """The entry as the next run reads it, once Coupa took what was decided."""
    row = entry.rows[0]
    tiers = list(row.tiers) + [None] * (10 - len(row.tiers))
    for name, value in decision.price.items():
        if name.startswith("price-tier-"):
            tiers[int(name.rsplit("-", 1)[1]) - 1] = value
    changed: dict[str, Any] = {
        "price": decision.price.get("price", row.price), "catalog": decision.price.get("catalog", row.catalog),
        "least": decision.price.get("minimum-order-quantity", row.least), "term": decision.price.get("contract-term", row.term),
        "preferred": decision.price.get("preferred", row.preferred), "tiers": tuple(tiers),
    }  # fmt: skip
    assert entry.item is not None
    fields = {FIELDS[name]: value for name, value in item_written(decision).items() if name in FIELDS}
    return replace(entry, rows=(replace(row, **changed),), item=replace(entry.item, **fields))


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


def tuned(**choices: Any) -> CatalogFile:
    return CATALOG.model_validate({**CATALOG.model_dump(), **choices})


SOLD = Entry(ASIN, Article(offers=1, title="Pens", price=Decimal("5.00"), currency="USD"), origin="list")


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


def sold(*rows: PriceRow, **article: Any) -> Entry:
    shown = replace(SOLD.article, **article)
    return replace(SOLD, article=shown, rows=rows, item=ItemRow(1, "ITM-1", name="Pens"), pack_agreed=shown.pack or "")


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


def written_by(
    decision: Decision, before: Surroundings | None = None, lost: frozenset[int] = frozenset()
) -> Surroundings:
    """As the ledger remembers it, through JSON and back, but for the writes of the rows that were `lost`."""
    entry = sold()
    remembered = dict(before.written[ASIN]) if before is not None else {}
    for write in writes_of(decision, entry, supplier="AMZN-US"):
        if write.payload.get("id") not in lost:
            remembered |= read_hidden(json.loads(json.dumps(write.payload)))
    return replace(around(), written={ASIN: remembered})


TWO = (
    PriceRow(55, "C-AB-2026", Decimal("5.00"), "USD", preferred=True, catalog=CATALOG_NAME),
    PriceRow(56, None, Decimal("5.00"), "USD", preferred=False, catalog=CATALOG_NAME),
)


def test_an_article_that_is_back_is_as_it_was_on_every_price_that_was_taken_out() -> None:
    gone = replace(sold(*TWO), article=Article(sold=False), missed=("a", "b", "c"))
    removed = compare(gone, CATALOG, around())
    assert [(row.id, fields) for row, fields in removed.also] == [
        (56, {"availability": "out_of_stock", "preferred": False})
    ]
    left = tuple(replace(row, preferred=False) for row in TWO)
    back = compare(sold(*left), CATALOG, written_by(removed))
    assert back.price == {"availability": "in_stock", "preferred": True}
    assert [(row.id, fields) for row, fields in back.also] == [(56, {"availability": "in_stock"})]
    assert not compare(sold(*TWO), CATALOG, written_by(back)).writes


BARE_AND_TWO = (
    PriceRow(1, None, Decimal("5.00"), "USD", preferred=True, catalog=CATALOG_NAME),
    PriceRow(2, "C-AB-2026", Decimal("5.00"), "USD", preferred=True, catalog=CATALOG_NAME),
)


@pytest.mark.parametrize("gone", [{"price": None, "offers": 0}, {"sold": False}])
def test_the_row_that_went_first_comes_back_though_another_has_the_price(gone: dict[str, Any]) -> None:
    """Without a price no row counts more than another; with one, the row under the contract does."""
    entry = replace(sold(*BARE_AND_TWO, **gone), missed=("a", "b", "c"))
    out = compare(entry, CATALOG, around())
    left = tuple(replace(row, preferred=out.price.get("preferred", True)) for row in BARE_AND_TWO)
    back = compare(sold(*left), CATALOG, written_by(out))
    assert back.row is not None and back.row.id == 2 and back.price["availability"] == "in_stock"
    [(row, fields)] = back.also
    assert row.id == 1 and fields["availability"] == "in_stock"
    assert not compare(sold(*BARE_AND_TWO), CATALOG, written_by(back)).writes


def test_a_row_whose_write_was_lost_is_written_by_the_next_comparison() -> None:
    out = compare(sold(*TWO, price=None, offers=0), CATALOG, around())
    again = compare(sold(*TWO, price=None, offers=0), CATALOG, written_by(out, lost=frozenset({56})))
    assert (again.row and again.row.id, again.also) == (56, ())
    back = compare(sold(*TWO), CATALOG, written_by(out))
    half = written_by(back, written_by(out), lost=frozenset({56}))
    assert [(row.id, fields) for row, fields in compare(sold(*TWO), CATALOG, half).also] == [
        (56, {"availability": "in_stock"})
    ]


def test_a_row_whose_contract_is_not_in_force_when_the_article_returns_comes_back_with_its_contract() -> None:
    out = compare(sold(*BARE_AND_TWO, price=None, offers=0), CATALOG, around())
    ended = {"C-AB-2026": Contract("C-AB-2026", False, why_not="it ended")}
    back = compare(sold(*BARE_AND_TWO), CATALOG, replace(written_by(out), contracts=ended))
    assert (back.row and back.row.id, back.also) == (1, ())
    again = compare(sold(*BARE_AND_TWO), CATALOG, written_by(back, written_by(out)))
    assert (again.row and again.row.id, again.price) == (2, {"availability": "in_stock"})


def test_an_article_that_vanished_with_too_many_others_waits_and_is_a_finding() -> None:
    gone = replace(sold(TWO[0]), article=Article(sold=False))
    doubted = compare(replace(gone, doubted=("a", "b")), CATALOG, around())
    assert (doubted.kind, doubted.writes, doubted.waits) == ("left", False, True)
    assert doubted.reason == "Amazon does not know it: too many vanished at once, in 2 of 5 nights"
    assert [one.kind for one in doubted.differences] == ["vanished"]
    believed = compare(replace(gone, doubted=("a", "b"), missed=("c",)), CATALOG, around())
    assert believed.reason == "Amazon does not know it: missing in 1 of 3 complete runs" and not believed.differences


def test_what_people_did_not_prefer_is_not_preferred_when_the_article_is_back() -> None:
    row = replace(TWO[0], preferred=False)
    removed = compare(replace(sold(row), article=Article(sold=False), missed=("a", "b", "c")), CATALOG, around())
    assert compare(sold(row), CATALOG, written_by(removed)).price == {"availability": "in_stock"}


def test_an_article_that_is_back_is_in_stock_even_where_availability_is_not_kept_equal() -> None:
    writing = {**CATALOG.writing.model_dump(), "supplier_item": ("price",)}
    removed = compare(
        replace(sold(TWO[0]), article=Article(sold=False), missed=("a", "b", "c")), tuned(writing=writing), around()
    )
    back = compare(sold(replace(TWO[0], preferred=False)), tuned(writing=writing), written_by(removed))
    assert back.price == {"availability": "in_stock", "preferred": True}


def test_every_price_that_was_out_of_stock_for_want_of_offers_comes_back() -> None:
    out = compare(sold(*TWO, price=None, offers=0), CATALOG, around())
    assert [(row.id, fields) for row, fields in out.also] == [(56, {"availability": "out_of_stock"})]
    back = compare(sold(*TWO), CATALOG, written_by(out))
    assert [(row.id, fields) for row, fields in back.also] == [(56, {"availability": "in_stock"})]


def test_a_supplier_item_that_people_put_into_another_catalog_stays_there() -> None:
    elsewhere = compare(sold(replace(TWO[0], catalog="Lab only")), CATALOG, around())
    assert (elsewhere.price, [one.kind for one in elsewhere.differences]) == ({}, ["other_catalog"])
    joined = compare(sold(replace(TWO[0], catalog=None)), CATALOG, around())
    assert joined.price == {"catalog": CATALOG_NAME}
    taken_off = compare(sold(replace(TWO[0], catalog=None)), CATALOG, written_by(joined))
    assert (taken_off.price, [one.kind for one in taken_off.differences]) == ({}, ["other_catalog"])


def test_a_supplier_item_follows_from_the_catalog_that_we_put_it_into() -> None:
    joined = compare(sold(replace(TWO[0], catalog=None)), CATALOG, around())
    writing = {**CATALOG.writing.model_dump(), "catalog": "New"}
    assert compare(sold(TWO[0]), tuned(writing=writing), written_by(joined)).price == {"catalog": "New"}


CLOSED = CatalogState(CATALOG_NAME, "it is draft in Coupa, not accepted")


def test_nothing_joins_a_catalog_that_is_not_accepted_and_the_rest_is_kept_equal() -> None:
    closed = replace(around(), catalog=CLOSED)
    added = compare(SOLD, CATALOG, closed)
    assert (added.kind, added.writes, added.waits) == ("left", False, True)
    assert [one.kind for one in added.differences] == ["catalog_not_accepted"]
    elsewhere = compare(sold(replace(TWO[0], catalog=None, price=Decimal("4.90"))), CATALOG, closed)
    assert elsewhere.price == {"price": Decimal("5.00")} and elsewhere.waits and CATALOG_NAME in elsewhere.reason
    within = compare(sold(TWO[0]), CATALOG, closed)
    assert (within.kind, within.waits, within.differences) == ("unchanged", False, [])


def test_a_catalog_of_which_coupa_shows_nothing_stops_nobody() -> None:
    unknown = replace(around(), catalog=CatalogState(CATALOG_NAME, known=False))
    assert compare(SOLD, CATALOG, unknown).price["catalog"] == CATALOG_NAME
