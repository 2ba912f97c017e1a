"""Both sides read once: what belongs into the catalog, and when an absence counts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.amazon_business.catalog import CatalogPage
from connectors.tally import Tally
from procurement.catalog.entries import Article, Entry, Release
from procurement.catalog.rules import Search
from procurement.errors import ConfigurationError
from procurement.ledger.types import Run
from procurement.pipelines.amazon_catalog_to_coupa.reading import Reader, Reading, supplier_of
from procurement.pipelines.amazon_catalog_to_coupa.scope import Scope
from procurement.policies import Rules, read_rules

NOW = datetime(2026, 6, 30, tzinfo=UTC)
BATTERIES = "B0QX20007G"  # a list of catalog.yml


class Amazon:
    account = "sandbox"

    def __init__(self, *, gone: Iterable[str] = (), silent: Iterable[str] = (), bought: Iterable[str] = ()) -> None:
        self.gone, self.silent, self.bought = set(gone), set(silent), bought

    def catalog_pages(self, asins: Iterable[str], *, tally: Tally, kind: str) -> Iterator[CatalogPage]:
        asked = list(asins)
        sold = tuple({"asin": one, "title": one} for one in asked if one not in self.gone | self.silent)
        missing = tuple(one for one in asked if one in self.gone)
        for asin in [*(str(one["asin"]) for one in sold), *missing]:
            tally.count(kind, asin)
        yield CatalogPage(sold, missing, tuple(one for one in asked if one in self.silent))

    def search_asins(self, keywords: str, *, most: int) -> list[str]:
        return [f"B0FOUND{n:03d}" for n in range(10)][:most]

    def order_line_pages(self, since: datetime, until: datetime) -> Iterator[list[dict[str, Any]]]:
        yield [
            {"productDetails": {"asin": one}, **({"pricingProgram": {"name": under}} if under else {})}
            for one, _, under in (line.partition(" under ") for line in self.bought)
        ]


class Coupa:
    def __init__(self, asins: Iterable[str]) -> None:
        self.asins = list(asins)

    def supplier_items(
        self, supplier: str, part_numbers: Iterable[str] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        rows = [
            {"id": n, "supplier-part-num": asin, "price": "1.00", "item": {"id": n}}
            for n, asin in enumerate(self.asins, 1)
            if part_numbers is None or asin in part_numbers
        ]
        yield [*rows, {"id": 900, "supplier-part-num": "SERVICE-1"}]

    def items(self, numbers: Iterable[str], *, ids: Iterable[int]) -> Iterator[list[dict[str, Any]]]:
        yield [{"id": id, "item-number": f"ITM-{id}"} for id in ids]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules()


def read(
    rules: Rules,
    amazon: Amazon,
    asins: Iterable[str],
    *,
    known: Mapping[str, Entry] | None = None,
    scope: Scope | None = None,
) -> tuple[dict[str, Entry], Reading]:
    before = known or {}
    run, reading = Run(1, "amazon_catalog_to_coupa", "night", NOW), Reading()
    reader = Reader(
        amazon, Coupa(asins), rules, run, scope or Scope(True, False),  # type: ignore[arg-type]
        lambda wanted: {asin: before[asin] for asin in wanted if asin in before},
    )  # fmt: skip
    entries = [entry for batch in reader.entries(Tally(), reading) for entry in batch]
    return {entry.asin: entry for entry in entries}, reading


def asins(count: int) -> list[str]:
    return [f"B0{n:08d}" for n in range(count)]


def test_the_catalog_is_what_coupa_has_what_is_listed_and_what_was_bought(rules: Rules) -> None:
    found, reading = read(rules, Amazon(bought=["B0BOUGHT01", "B000000001"]), asins(2))
    assert {asin: entry.origin for asin, entry in found.items()} == {
        "B000000000": "contract", "B000000001": "contract", BATTERIES: "list IT basics", "B0BOUGHT01": "bought"
    }  # fmt: skip
    assert found["B000000001"].item is not None and found[BATTERIES].item is None
    assert reading.asins == 4


def test_where_pricing_programs_are_named_only_what_was_bought_under_one_belongs_in(rules: Rules) -> None:
    reading = rules.catalog.reading.model_copy(update={"negotiated_programs": ("Contract Pricing",), "lists": ()})
    named = replace(rules, catalog=rules.catalog.model_copy(update={"reading": reading}))
    bought = ["B0BOUGHT01 under CONTRACT pricing", "B0BOUGHT02 under Business Pricing", "B0BOUGHT03", "B0BOUGHT02"]
    found, _ = read(named, Amazon(bought=bought), asins(1))
    assert {asin: entry.origin for asin, entry in found.items()} == {
        "B000000000": "contract", "B0BOUGHT01": "bought at a negotiated price"
    }  # fmt: skip


def test_what_a_search_finds_belongs_in_up_to_the_most(rules: Rules) -> None:
    search = Search(name="pens", keywords="gel pens", most=2)
    reading = rules.catalog.reading.model_copy(update={"searches": (search,), "lists": ()})
    found, _ = read(replace(rules, catalog=rules.catalog.model_copy(update={"reading": reading})), Amazon(), asins(1))
    assert {asin: entry.origin for asin, entry in found.items()} == {
        "B000000000": "contract", "B0FOUND000": "search pens", "B0FOUND001": "search pens"
    }  # fmt: skip


class Placed(Coupa):
    """(ASIN, contract, item) by supplier item."""

    def __init__(self, *rows: tuple[str, str, int]) -> None:
        self.rows = rows

    def supplier_items(
        self, supplier: str, part_numbers: Iterable[str] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        yield [
            {
                "id": n,
                "supplier-part-num": asin,
                "price": "1.00",
                "item": {"id": item},
                "contract": {"number": contract},
            }
            for n, (asin, contract, item) in enumerate(self.rows, 1)
        ]


def test_every_row_has_its_own_item_and_an_item_knows_whether_it_is_shared(rules: Rules) -> None:
    one, two, three = asins(3)
    coupa = Placed((one, "C-A", 1), (one, "C-B", 2), (two, "C-A", 2), (three, "C-A", 3))
    reader = Reader(Amazon(), coupa, rules, Run(1, "n", "n", NOW), Scope(True, False), lambda wanted: {})  # type: ignore[arg-type]
    found = {entry.asin: entry for batch in reader.entries(Tally(), Reading()) for entry in batch}
    assert [(item.number, item.shared) for item in found[one].items] == [("ITM-1", False), ("ITM-2", True)]
    assert [item.number for row in found[one].rows if (item := found[one].item_of(row))] == ["ITM-1", "ITM-2"]
    assert found[two].item == found[one].other_items[0] and not any(item.shared for item in found[three].items)


def test_part_numbers_that_are_no_asin_are_none_of_ours(rules: Rules) -> None:
    found, _ = read(rules, Amazon(), asins(1))
    assert "SERVICE-1" not in found


def test_a_single_absence_counts(rules: Rules) -> None:
    found, reading = read(rules, Amazon(gone=["B000000000"]), asins(3))
    assert (found["B000000000"].missed, reading.counts) == (("night",), True)


def test_a_night_that_is_tried_again_counts_an_absence_once(rules: Rules) -> None:
    wanted = asins(3)
    scope = Scope(True, False, night=datetime(2026, 6, 30, 3, tzinfo=UTC))
    first, _ = read(rules, Amazon(gone=wanted[:1]), wanted, scope=scope)
    again, _ = read(rules, Amazon(gone=wanted[:1]), wanted, known=first, scope=scope)
    assert again[wanted[0]].missed == ("2026-06-30T03:00:00+00:00",)
    tomorrow, _ = read(
        rules,
        Amazon(gone=wanted[:1]),
        wanted,
        known=again,
        scope=replace(scope, night=datetime(2026, 7, 1, 3, tzinfo=UTC)),
    )
    assert len(tomorrow[wanted[0]].missed) == 2


def test_when_far_too_many_vanish_at_once_no_absence_counts(rules: Rules) -> None:
    wanted = asins(10)
    found, reading = read(rules, Amazon(gone=wanted[:3]), wanted)
    assert not reading.counts and "3 of 10 articles vanished at once" in reading.why_not
    assert all(found[asin].missed == () for asin in wanted[:3])
    found, reading = read(rules, Amazon(gone=wanted[:2]), wanted)
    assert reading.counts and found[wanted[0]].missed == ("night",)


def test_those_that_were_missing_before_do_not_make_a_crowd(rules: Rules) -> None:
    wanted = asins(10)
    known = {asin: Entry(asin, Article(sold=False), missed=("earlier",)) for asin in wanted[:5]}
    found, reading = read(rules, Amazon(gone=wanted[:6]), wanted, known=known)
    assert reading.counts and found[wanted[0]].missed == ("earlier", "night")


def nights(rules: Rules, gone: list[list[str]], wanted: list[str]) -> list[tuple[bool, int, int]]:
    """Of each night: whether absences counted, and how often the first article that is gone was doubted and missed."""
    known: dict[str, Entry] = {}
    found = []
    for n, absent in enumerate(gone):
        scope = Scope(True, False, night=NOW + timedelta(days=n))
        known, reading = read(rules, Amazon(gone=absent), wanted, known=known, scope=scope)
        first = known[wanted[0]]
        found.append((reading.counts, len(first.doubted), len(first.missed)))
    return found


def test_a_crowd_that_stays_away_night_after_night_is_believed_to_be_gone(rules: Rules) -> None:
    wanted = asins(10)
    assert nights(rules, [wanted[:3]] * 8, wanted) == [
        *((False, n, 0) for n in (1, 2, 3, 4, 5)), (True, 5, 1), (True, 5, 2), (True, 5, 3),
    ]  # fmt: skip


def test_a_crowd_that_is_back_once_begins_anew(rules: Rules) -> None:
    wanted = asins(10)
    assert nights(rules, [wanted[:3], wanted[:3], [], wanted[:3]], wanted)[-1] == (False, 1, 0)


def test_a_crowd_that_grows_is_believed_one_night_after_the_other(rules: Rules) -> None:
    """Those that were away for long enough are no crowd any more; three others are."""
    wanted = asins(10)
    found = nights(rules, [*[wanted[:3]] * 5, wanted[:6], wanted[:6]], wanted)
    assert found[-2:] == [(False, 5, 0), (False, 5, 0)]


def test_an_absence_that_a_person_released_counts_and_makes_no_crowd(rules: Rules) -> None:
    wanted = asins(10)
    night = Scope(True, False, night=NOW)
    known, reading = read(rules, Amazon(gone=wanted[:3]), wanted, scope=night)
    assert reading.doubted == wanted[:3]
    released = Scope(False, False, dict.fromkeys(wanted[:3], Release()))
    found, reading = read(rules, Amazon(gone=wanted[:3]), wanted, known=known, scope=released)
    known |= found
    assert reading.doubted == [], "what a person released is no crowd"
    assert all(len(known[asin].missed) == 1 for asin in wanted[:3])
    found, reading = read(
        rules, Amazon(gone=wanted[:3]), wanted, known=known, scope=Scope(True, False, night=NOW + timedelta(1))
    )
    assert reading.counts and len(found[wanted[0]].missed) == 2


def test_releasing_an_article_that_nobody_doubted_takes_it_out_no_sooner(rules: Rules) -> None:
    wanted = asins(10)
    released = Scope(False, False, {wanted[0]: Release()})
    found, _ = read(rules, Amazon(gone=wanted[:1]), wanted, scope=released)
    assert found[wanted[0]].missed == ()


def test_a_reading_with_unanswered_articles_counts_no_absence_and_makes_none_of_them(rules: Rules) -> None:
    wanted = asins(5)
    found, reading = read(rules, Amazon(gone=wanted[:1], silent=wanted[1:2]), wanted)
    assert wanted[1] not in found and not reading.counts
    assert found[wanted[0]].missed == ()


def test_released_articles_are_read_alone_and_judge_nothing(rules: Rules) -> None:
    wanted = asins(3)
    scope = Scope(False, False, {wanted[0]: Release()})
    found, _ = read(rules, Amazon(gone=wanted[:1]), wanted, scope=scope)
    assert list(found) == [wanted[0]] and found[wanted[0]].missed == ()


def test_an_account_that_nobody_listed_has_no_supplier(rules: Rules) -> None:
    with pytest.raises(ConfigurationError, match="accounts.yml"):
        supplier_of(rules, "unknown")
