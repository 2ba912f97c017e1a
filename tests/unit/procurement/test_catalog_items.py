"""A Coupa item is decided once by all the articles on it, and what people or other accounts wrote on it stays."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from procurement.catalog.comparing import compare, compare_all
from procurement.catalog.decisions import Decision
from procurement.catalog.entries import (
    Article,
    Contract,
    Entry,
    ItemRow,
    LastItem,
    LastWritten,
    PriceRow,
    Surroundings,
)
from procurement.policies import read_rules

RULES = read_rules()
CATALOG = RULES.catalog
X, Y = "B00000000X", "B00000000Y"
PENS = Article(offers=1, title="Pens", price=Decimal("5.00"), currency="USD", image="https://x.example/x")
GONE = Article(sold=False)
OURS = ItemRow(7, f"AMZN-{X}", name="Pens", description="Pens", unit="EA")
MADE = LastItem("AMZN-US", X, {"name": "Pens", "description": "Pens", "image-url": PENS.image, "active": True})


def row(id: int, item: int = 7, contract: str | None = "C-A", **fields: Any) -> PriceRow:
    given: dict[str, Any] = {"preferred": True, "catalog": CATALOG.writing.catalog, "item_id": item, **fields}
    return PriceRow(id, contract, Decimal("5.00"), "USD", **given)


def on(item: ItemRow, asin: str, article: Article, number: int = 1, **fields: Any) -> Entry:
    missed = () if article.sold else ("a", "b", "c")
    return Entry(asin, article, (row(number, item.id),), item, missed=missed, pack_agreed="", **fields)


def around(item: LastItem | None = None, number: str = OURS.number, **fields: Any) -> Surroundings:
    lookups = RULES.lookups
    contracts = {name: Contract(name, True) for name in ("C-A", "C-B")}
    return Surroundings(
        contracts, lookups["commodities"].find, lookups["units"].find, supplier="AMZN-US",
        items={number: item} if item is not None else {}, **fields,
    )  # fmt: skip


def changed(decisions: list[Decision]) -> list[tuple[str, dict[str, Any]]]:
    return [(one.asin, change.fields) for one in decisions for change in one.items]


def test_an_item_stays_active_while_one_of_its_articles_is_sold() -> None:
    item = replace(OURS, number="ITM-7")
    both = compare_all([on(item, X, GONE), on(item, Y, PENS, 2)], CATALOG, around())
    assert [one.kind for one in both] == ["removed", "unchanged"] and changed(both) == []


def test_an_item_goes_inactive_once_with_the_last_of_its_articles() -> None:
    item = replace(OURS, number="ITM-7")
    both = compare_all([on(item, X, GONE), on(item, Y, GONE, 2)], CATALOG, around())
    assert changed(both) == [(Y, {"active": False})]
    [change] = both[1].items
    assert change.taken_out == (1, 2)
    before = around(written={X: {"C-A": LastWritten(removed=True)}})
    later = compare_all([on(item, X, GONE), on(item, Y, GONE, 2)], CATALOG, before)
    assert [one.kind for one in later] == ["left", "removed"] and changed(later) == [(Y, {"active": False})]


def test_an_article_that_is_missing_for_some_nights_only_keeps_its_item_active() -> None:
    missing = replace(on(OURS, Y, GONE, 2), missed=("a",))
    assert changed(compare_all([on(OURS, X, GONE), missing], CATALOG, around())) == []


def test_an_item_that_we_took_out_is_back_with_the_first_article_and_one_that_people_took_out_is_theirs() -> None:
    item = replace(OURS, number="ITM-7", active=False)
    taken_out = around(LastItem(fields={"active": False}), "ITM-7")
    assert changed(compare_all([on(item, X, GONE), on(item, Y, PENS, 2)], CATALOG, taken_out)) == [
        (Y, {"active": True})
    ]
    theirs = compare_all([on(item, X, GONE), on(item, Y, PENS, 2)], CATALOG, around())
    assert changed(theirs) == []
    assert [one.kind for one in theirs[1].differences] == ["item_inactive"]


def test_an_item_that_people_made_active_again_is_not_taken_out_once_more() -> None:
    taken_out = around(LastItem(fields={"active": False}), "ITM-7")
    assert changed([compare(on(replace(OURS, number="ITM-7"), X, GONE), CATALOG, taken_out)]) == []


@pytest.mark.parametrize("made", [MADE, None])
def test_two_articles_on_one_item_write_it_once(made: LastItem | None) -> None:
    new = [replace(PENS, image=f"https://x.example/{name}") for name in ("new-x", "new-y")]
    both = compare_all([on(OURS, Y, new[1], 2), on(OURS, X, new[0])], CATALOG, around(made))
    assert changed(both) == [(X, {"image-url": "https://x.example/new-x"})]


def test_an_item_follows_the_article_that_wrote_it_first() -> None:
    other = replace(PENS, title="Pens, blue", image="https://x.example/y")
    assert changed([compare(on(OURS, Y, other, 2), CATALOG, around(MADE))]) == []


def test_an_item_of_another_account_is_not_written() -> None:
    """The same article is sold in two countries, and Coupa has one item for it."""
    german = replace(MADE, supplier="AMZN-DE", fields={"name": "Stifte", "description": "Stifte"})
    item = replace(OURS, name="Stifte", description="Stifte")
    assert changed([compare(on(item, X, PENS), CATALOG, around(german))]) == []


def test_what_people_changed_on_an_item_of_ours_stays_and_the_rest_is_kept_equal() -> None:
    item = replace(OURS, name="Pens (ask facilities first)", commodity="Laboratory Equipment")
    article = replace(PENS, unspsc="44121704", manufacturer="Acme")
    decision = compare(on(item, X, article), CATALOG, around(MADE))
    assert changed([decision]) == [(X, {"manufacturer-name": "Acme"})]
    assert [(one.kind, one.actual) for one in decision.differences] == [
        ("changed_by_people", "Pens (ask facilities first)"), ("changed_by_people", "Laboratory Equipment"),
    ]  # fmt: skip
    assert decision.items[0].delivered.fields["name"] == "Pens", "what we wrote is remembered, not what they did"


def test_an_item_of_which_the_ledger_knows_nothing_is_taken_for_peoples() -> None:
    decision = compare(on(replace(OURS, name="Old"), X, replace(PENS, image=None)), CATALOG, around())
    assert changed([decision]) == [] and [one.kind for one in decision.differences] == ["changed_by_people"]


TWO_ITEMS = Entry(
    X, replace(PENS, price=Decimal("5.10"), package="Each"), (row(1, 1, "C-A"), row(2, 2, "C-B")), ItemRow(1, "ITM-1", unit="EA"),
    pack_agreed="", other_items=(ItemRow(2, "ITM-2", unit="BX"),),
)  # fmt: skip


def test_a_price_is_held_where_the_item_of_its_own_row_counts_in_another_unit() -> None:
    expected: dict[str, list[str]] = {"C-A": [], "C-B": ["unit: BX in Coupa, EA at Amazon"]}
    for contract, held in expected.items():
        rules = CATALOG.model_copy(update={"writing": CATALOG.writing.model_copy(update={"contracts": (contract,)})})
        decision = compare(TWO_ITEMS, rules, around())
        assert decision.held == held and bool(decision.price) is not bool(held)


def test_every_item_of_an_article_that_goes_is_taken_out() -> None:
    gone = replace(TWO_ITEMS, article=GONE, missed=("a", "b", "c"))
    decision = compare(gone, CATALOG, around())
    assert [(one.item.number, one.fields) for one in decision.items] == [
        ("ITM-1", {"active": False}), ("ITM-2", {"active": False}),
    ]  # fmt: skip
