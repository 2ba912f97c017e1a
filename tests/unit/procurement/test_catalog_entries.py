"""An article over the runs: absences count once a run, only complete runs count, a pack is agreed until a person accepts another."""

import json
from decimal import Decimal

import pytest

from procurement.catalog.entries import (
    MOST_MISSES,
    Article,
    Entry,
    ItemRow,
    PriceRow,
    Release,
    Tier,
    observed,
    read_entry,
    write_entry,
)
from procurement.catalog.rules import CatalogFile
from procurement.errors import MappingError
from procurement.policies import Rules

GONE = Entry("B000000001", Article(sold=False))
HERE = Entry("B000000001", Article(pack="Pack"))


def after(*runs: tuple[str, Entry, bool]) -> Entry:
    known: Entry | None = None
    for run, entry, counts in runs:
        known = observed(entry, known, run=run, counts=counts)
    assert known is not None
    return known


def test_an_absence_counts_once_however_often_a_run_is_repeated() -> None:
    assert after(("a", GONE, True), ("a", GONE, True), ("b", GONE, True)).missed == ("a", "b")


def test_a_run_that_does_not_count_neither_adds_nor_forgives() -> None:
    assert after(("a", GONE, True), ("b", GONE, False), ("c", GONE, True)).missed == ("a", "c")


def test_an_article_that_is_back_begins_anew() -> None:
    assert after(("a", GONE, True), ("b", HERE, True), ("c", GONE, True)).missed == ("c",)


def test_absences_are_remembered_within_bounds() -> None:
    assert len(after(*((str(n), GONE, True) for n in range(50))).missed) == MOST_MISSES


def test_the_first_pack_is_agreed_until_a_person_accepts_another() -> None:
    first = after(("a", HERE, True))
    other = Entry("B000000001", Article(pack="Box"))
    seen = observed(other, first, run="b", counts=True)
    assert (first.pack_agreed, seen.pack_agreed) == ("Pack", "Pack")
    assert observed(other, seen, run="c", counts=True, release=Release(pack="Box")).pack_agreed == "Box"
    assert observed(other, seen, run="c", counts=True, release=Release(pack="Case")).pack_agreed == "Pack"


def test_a_single_article_that_becomes_a_bundle_has_another_pack() -> None:
    single, bundle = Entry("B000000001", Article()), Entry("B000000001", Article(pack="bundle of 6"))
    assert after(("a", single, True), ("b", bundle, True)).pack_agreed == ""
    assert after(("a", single, True), ("b", GONE, True), ("c", bundle, True)).pack_agreed == ""


def test_an_article_that_was_never_sold_agrees_to_no_pack_before_it_is() -> None:
    assert after(("a", GONE, True)).pack_agreed is None
    assert after(("a", GONE, True), ("b", HERE, True)).pack_agreed == "Pack"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("name: IT basics", "nmae: IT basics", "nmae"),
        ("asins: [B0QX20007G]", "asins: [pens]", "pattern"),
        ("hold_over_percent: 10", "hold_over_percent: ten", "hold_over_percent"),
        ("means: backordered", "means: later", "means"),
        ("Laboratory Equipment:", "Laboratory Equipmnt:", "Laboratory Equipment"),
        ("default: [catalog.admin@example.com]", "default: [catalog.admin]", "mail address"),
        ("searches: []", "searches: [{name: IT basics, keywords: x}]", "named twice"),
    ],
)
def test_a_mistake_in_the_rule_file_is_named_with_its_line(edited, old: str, new: str, sentence: str) -> None:  # type: ignore[no-untyped-def]
    from procurement.policies import read_rules  # noqa: PLC0415

    folder = edited("catalog.yml", old, new)
    with pytest.raises(MappingError) as caught:
        read_rules(folder)
    assert "catalog.yml:" in str(caught.value) and sentence in str(caught.value)


def test_the_first_rule_that_fits_decides_on_availability(rules: Rules) -> None:
    catalog: CatalogFile = rules.catalog
    assert catalog.availability_of(None) == "in_stock"
    assert catalog.availability_of("CURRENTLY UNAVAILABLE") == "out_of_stock"


def test_an_owner_answers_for_a_commodity_and_the_default_for_the_rest(rules: Rules) -> None:
    assert rules.catalog.owners.of("Laboratory Equipment") == ("grace.abara@example.com",)
    assert rules.catalog.owners.of(None) == rules.catalog.owners.of("Furniture") == ("catalog.admin@example.com",)


def test_the_end_of_a_quantity_price_survives_the_ledger() -> None:
    tiers = (Tier(10, Decimal("9.50"), "10 - 49", until=49), Tier(50, Decimal("8.50"), "50+"))
    entry = Entry("B000000001", Article(tiers=tiers))
    assert read_entry(json.loads(json.dumps(write_entry(entry)))) == entry


def test_the_items_of_all_rows_survive_the_ledger() -> None:
    rows = (PriceRow(1, "C-A", None, None, item_id=1), PriceRow(2, None, None, None, item_id=2))
    other = ItemRow(2, "ITM-2", shared=True)
    entry = Entry("B000000001", Article(), rows, ItemRow(1, "ITM-1"), other_items=(other,), doubted=("a",))
    assert read_entry(json.loads(json.dumps(write_entry(entry)))) == entry
    assert [item and item.number for item in map(entry.item_of, rows)] == ["ITM-1", "ITM-2"]
