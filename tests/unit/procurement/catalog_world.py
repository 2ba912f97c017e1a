"""Articles, their prices in Coupa and what surrounds them, drawn and built for the tests of the catalog's comparison."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from procurement.catalog.decisions import Decision
from procurement.catalog.entries import (
    Article,
    Contract,
    Entry,
    ItemRow,
    PriceRow,
    Release,
    Surroundings,
    Term,
    Tier,
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


def tuned(**choices: Any) -> CatalogFile:
    return CATALOG.model_validate({**CATALOG.model_dump(), **choices})


SOLD = Entry(ASIN, Article(offers=1, title="Pens", price=Decimal("5.00"), currency="USD"), origin="list")
TWO = (
    PriceRow(55, "C-AB-2026", Decimal("5.00"), "USD", preferred=True, catalog=CATALOG_NAME),
    PriceRow(56, None, Decimal("5.00"), "USD", preferred=False, catalog=CATALOG_NAME),
)


def sold(*rows: PriceRow, **article: Any) -> Entry:
    shown = replace(SOLD.article, **article)
    return replace(SOLD, article=shown, rows=rows, item=ItemRow(1, "ITM-1", name="Pens"), pack_agreed=shown.pack or "")


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
