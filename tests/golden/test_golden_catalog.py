"""Golden cases: Amazon's product and Coupa's records through the shipped rules, compared with the reviewed `expected.json`.

`amazon_catalog_to_coupa/<case>/article.json`: `product` is Amazon's raw answer (null: it does not know the ASIN), `supplier_items`,
`item` and `contracts` are Coupa's raw records; `missed` complete runs, `pack_agreed`, `written` and `item_written` (what we last wrote
of supplier items and of the item) and `released` (the price by ASIN) are what the ledger and the form add. GOLDEN_WRITE=1 writes what comes out.
"""

import json
import os
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.catalog.comparing import compare
from procurement.catalog.entries import Entry, Surroundings, read_entry, release_of, write_entry
from procurement.pipelines.amazon_catalog_to_coupa.amazon_side import read_article
from procurement.pipelines.amazon_catalog_to_coupa.coupa_side import read_contract, read_item, read_price_row
from procurement.pipelines.amazon_catalog_to_coupa.payloads import read_delivered, read_hidden, writes_of
from procurement.pipelines.amazon_catalog_to_coupa.reading import NOT_SOLD
from procurement.policies import Rules, read_rules

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent
CASES = sorted(path.parent for path in (HERE / "amazon_catalog_to_coupa").glob("*/article.json"))
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(HERE.parents[1] / "mappings")


def entry_of(case: Json, rules: Rules) -> Entry:
    product, item = case["product"], case.get("item")
    article = read_article(product, rules.catalog) if product is not None else NOT_SOLD
    return Entry(
        asin=case["asin"], article=article, rows=tuple(map(read_price_row, case["supplier_items"])),
        item=read_item(item) if item is not None else None, missed=tuple(case.get("missed", ())),
        pack_agreed=case.get("pack_agreed", article.pack),
    )  # fmt: skip


def outcome(case: Json, rules: Rules) -> Json:
    entry = entry_of(case, rules)
    assert read_entry(json.loads(json.dumps(write_entry(entry)))) == entry, "an entry survives the ledger"
    contracts = {one.number: one for one in (read_contract(raw, NOW) for raw in case["contracts"])}
    last = {under: hidden for one in case.get("written", ()) for under, hidden in read_hidden(one).items()}
    written = {case["asin"]: last}
    delivered = read_delivered({"delivered": case.get("item_written")})
    items = {case["item"]["item-number"]: delivered} if delivered is not None else {}
    released = {
        asin: release_of(replace(entry.article, price=Decimal(price)))
        for asin, price in case.get("released", {}).items()
    }
    around = Surroundings(
        contracts, rules.lookups["commodities"].find, rules.lookups["units"].find, released, written, supplier="AMZN-US", items=items
    )  # fmt: skip
    decision = compare(entry, rules.catalog, around)
    writes = writes_of(decision, entry, supplier="AMZN-US")
    return {
        "kind": decision.kind, "reason": decision.reason, "held": decision.held, "waits": decision.waits,
        "findings": [asdict(one) for one in decision.differences],
        "move": decision.move.words if decision.move is not None else None,
        "writes": [
            {"action": one.action, "series": one.series, "follows": one.follows, "body": one.payload["body"],
             "was": one.payload.get("was"), "remembered": {name: one.payload[name] for name in ("under", "hidden", "delivered") if name in one.payload}}
            for one in writes
        ],
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_an_article_becomes_what_was_reviewed(case: Path, rules: Rules) -> None:
    given = json.loads((case / "article.json").read_text(), parse_float=Decimal)
    found = json.loads(json.dumps(outcome(given, rules)))
    if os.environ.get("GOLDEN_WRITE"):
        (case / "expected.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads((case / "expected.json").read_text())


def test_every_kind_of_decision_has_a_case() -> None:
    kinds = {json.loads((case / "expected.json").read_text())["kind"] for case in CASES}
    assert kinds == {"unchanged", "added", "changed", "removed", "left"}
