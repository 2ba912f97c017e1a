"""An article that is back is sold again as it was; which catalog a supplier item joins."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from procurement.catalog.comparing import compare
from procurement.catalog.entries import (
    Article,
    CatalogState,
    Contract,
    PriceRow,
)
from tests.unit.procurement.catalog_world import CATALOG, CATALOG_NAME, SOLD, TWO, around, sold, tuned, written_by


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
