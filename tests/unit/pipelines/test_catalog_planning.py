"""What a comparison plans over all pages of a run: an item is written once, and stays active while anybody sells it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procurement.catalog.entries import (
    Article,
    CatalogState,
    Contract,
    Entry,
    ItemRow,
    LastItem,
    LastWritten,
    PriceRow,
    write_entry,
)
from procurement.ledger.planning import check_plan
from procurement.ledger.types import Plan, Record, Run
from procurement.pipelines.amazon_catalog_to_coupa.actions import Gate, Update, look_for_item
from procurement.pipelines.amazon_catalog_to_coupa.names import ENTRY, PIPELINE, UPDATE_ITEM, WRITES
from procurement.pipelines.amazon_catalog_to_coupa.planning import Earlier, Planner
from procurement.pipelines.amazon_catalog_to_coupa.scope import Scope
from procurement.policies import Rules, read_rules
from procurement.policy_files import PipelineRollout, Rollout

X, Y = "B00000000X", "B00000000Y"
ITEM = ItemRow(7, "ITM-7", name="Battery", unit="EA", shared=True)
SOLD = Article(offers=1, title="Battery", price=Decimal("10.00"), currency="USD", guidance="NEGOTIATED")
GONE = Article(sold=False)
Json = dict[str, Any]


class Coupa:
    """Supplier items by id: (item, supplier)."""

    def __init__(self, rows: dict[int, tuple[int, str]]) -> None:
        self.rows = rows

    def supplier_items_of_items(self, ids: Iterable[int]) -> Iterator[list[Json]]:
        wanted = set(ids)
        yield [
            {"id": id, "item": {"id": item}, "supplier": {"number": supplier}}
            for id, (item, supplier) in self.rows.items()
            if item in wanted
        ]


OURS_ALONE = Coupa({1: (7, "AMZN-US"), 2: (7, "AMZN-US")})
WITH_ANOTHER = Coupa({1: (7, "AMZN-US"), 2: (7, "AMZN-US"), 3: (7, "NSOP")})


@pytest.fixture(scope="module")
def rules() -> Rules:
    live = PipelineRollout.model_validate({"mode": "live", "go_live": "2026-01-01"})
    return replace(read_rules(), rollout=Rollout({PIPELINE: live}))


def entry(asin: str, article: Article, id: int, item: ItemRow = ITEM) -> Entry:
    row = PriceRow(
        id, "C-A", Decimal("10.00"), "USD", preferred=True, item_id=item.id,
        catalog="Amazon Business contract items",
    )  # fmt: skip
    return Entry(asin, article, (row,), item, missed=() if article.sold else ("a", "b", "c"), pack_agreed="")


def plans(
    rules: Rules,
    *pages: list[Entry],
    coupa: Coupa = OURS_ALONE,
    written: dict[str, dict[str, LastWritten]] | None = None,
    items: dict[str, LastItem] | None = None,
) -> list[Plan]:
    planner = Planner(
        coupa=coupa, rules=rules, run=Run(1, PIPELINE, "night", datetime(2026, 6, 30, tzinfo=UTC)),  # type: ignore[arg-type]
        account="sandbox", supplier="AMZN-US", contracts={"C-A": Contract("C-A", True)},
        catalog=CatalogState("Amazon Business contract items"),
        earlier=Earlier({action: {} for action in WRITES}, written or {}, items or {}, lambda ids: {}), scope=Scope(True, False),
    )  # fmt: skip
    numbers = iter(range(1, 100))
    records = (
        [
            Record(
                id=next(numbers),
                source="amazon_business/sandbox",
                kind=ENTRY,
                key=one.asin,
                hash="h",
                raw=write_entry(one),
            )
            for one in page
        ]
        for page in pages
    )
    found = [proposal.plan for _, proposal, _ in planner.proposals(records)]
    for plan in found:
        check_plan(plan)
    return found


def of_items(found: Iterable[Plan]) -> list[Json]:
    return [
        {name: value for name, value in one.payload["body"].items() if name != "custom-fields"}
        for plan in found
        for one in plan.deliveries
        if one.action == UPDATE_ITEM
    ]


def test_an_item_on_which_another_article_is_still_sold_stays_active(rules: Rules) -> None:
    for pages in ([[entry(X, GONE, 1), entry(Y, SOLD, 2)]], [[entry(Y, SOLD, 2)], [entry(X, GONE, 1)]]):
        assert of_items(plans(rules, *pages)) == []


def test_an_article_that_only_coupa_shows_on_the_item_keeps_it_active(rules: Rules) -> None:
    """Amazon left it unanswered, so it is not in the run; or its part number is no ASIN."""
    assert of_items(plans(rules, [entry(X, GONE, 1)])) == []


def test_two_articles_that_go_in_one_night_take_their_item_out_once(rules: Rules) -> None:
    for pages in ([[entry(X, GONE, 1), entry(Y, GONE, 2)]], [[entry(X, GONE, 1)], [entry(Y, GONE, 2)]]):
        assert of_items(plans(rules, *pages)) == [{"active": False}]


def test_an_item_that_another_supplier_sells_stays_active(rules: Rules) -> None:
    assert of_items(plans(rules, [entry(X, GONE, 1), entry(Y, GONE, 2)], coupa=WITH_ANOTHER)) == []


def test_an_item_that_was_taken_out_comes_back_once_with_both_articles(rules: Rules) -> None:
    item = replace(ITEM, active=False)
    both = [entry(X, SOLD, 1, item), entry(Y, SOLD, 2, item)]
    taken_out = {"ITM-7": LastItem(fields={"active": False})}
    assert of_items(plans(rules, both, items=taken_out)) == [{"active": True}]


def test_every_record_has_a_fate_whoever_carries_the_items_write(rules: Rules) -> None:
    found = plans(rules, [entry(X, GONE, 1), entry("B00000000Z", SOLD, 9, ItemRow(8, "ITM-8"))], [entry(Y, GONE, 2)])
    assert {one.record_id for plan in found for one in plan.records} == {1, 2, 3}


@pytest.mark.parametrize(("coupa", "stopped"), [(OURS_ALONE, False), (WITH_ANOTHER, True)])
def test_a_supplier_item_that_came_since_the_plan_keeps_its_item_active(
    rules: Rules, coupa: Coupa, stopped: bool
) -> None:
    gate = Gate(coupa, rules, "sandbox")  # type: ignore[arg-type]
    update = Update(coupa, UPDATE_ITEM, look_for_item, "amazon-sync", 1, gate)  # type: ignore[arg-type]
    payload = {"id": 7, "body": {"active": False}, "supplier": "AMZN-US", "taken_out": [1, 2], "run": 1, "was": {}}
    stop = update.overtaken(payload)
    assert (stop is not None) is stopped
    third = update.overtaken({**payload, "taken_out": [1]})
    assert third is not None and "AMZN-US" in third.reason, "ours count as well"


ARTICLES = (SOLD, GONE, replace(SOLD, price=None, offers=0), replace(SOLD, image="https://x.example/new"))


@st.composite
def nights(draw: st.DrawFn) -> list[list[Entry]]:
    """Up to four articles on two items, one of ours among them, over several pages."""
    items = [
        replace(ITEM, id=1, number=f"AMZN-{X}", active=draw(st.booleans())),
        replace(ITEM, id=2, number="ITM-2", active=draw(st.booleans())),
    ]
    pages: list[list[Entry]] = [[], []]
    for number, asin in enumerate((X, Y, "B00000000Z", "B00000000A")):
        places = draw(st.lists(st.sampled_from(items), max_size=2))
        rows = tuple(
            PriceRow(10 * number + n, contract, Decimal("10.00"), "USD", preferred=True, item_id=item.id)
            for n, (item, contract) in enumerate(zip(places, ("C-A", None), strict=False))
        )
        first, *others = dict.fromkeys(places) or (None,)
        missed = draw(st.sampled_from([(), ("a",), ("a", "b", "c")]))
        one = Entry(
            asin,
            draw(st.sampled_from(ARTICLES)),
            rows,
            first,
            "list",
            missed,
            "",
            tuple(item for item in others if item),
        )
        draw(st.sampled_from(pages)).append(one)
    return pages


@given(nights(), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_shares_an_item_the_plan_is_whole_and_no_item_goes_that_is_sold(
    rules: Rules, pages: list[list[Entry]], taken_out: bool
) -> None:
    entries = [one for page in pages for one in page]
    coupa = Coupa({row.id: (row.item_id or 0, "AMZN-US") for one in entries for row in one.rows})
    items = {"ITM-2": LastItem(fields={"active": False})} if taken_out else {}
    found = plans(rules, *pages, coupa=coupa, items=items)
    assert {one.record_id for plan in found for one in plan.records} == set(range(1, len(entries) + 1))
    names = [one.name for plan in found for one in plan.deliveries]
    assert len(names) == len(set(names)), "a record is written once, whatever page its articles are on"
    sold_on = {item.number for one in entries if one.article.sold for item in one.items}
    for plan in found:
        for one in plan.deliveries:
            if one.payload["body"].get("active") is False:
                assert one.payload["item_number"] not in sold_on
