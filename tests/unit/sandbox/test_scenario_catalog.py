"""What the company agreed with Amazon Business, and a world with a large contract."""

from datetime import UTC, datetime

import pytest

from sandbox.scenarios import build
from sandbox.scenarios.contracts import AGREED, CONTRACT, GONE, NEGOTIATED
from sandbox.seed import World

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def large() -> World:
    return build("catalog", 1, NOW, articles=100, changed=3)


def prices(world: World) -> dict[str, tuple[str, str]]:
    """By ASIN: what Coupa says, and Amazon's negotiated price."""
    coupa = {
        one.body["supplier-part-num"]: one.body["price"]
        for one in world.coupa.records
        if one.resource == "supplier_items" and one.body.get("contract") == {"number": CONTRACT}
    }
    amazon = {
        row.document["asin"]: str(offer["price"]["value"]["amount"])
        for row in world.amazon.products
        for offer in row.document["includedDataTypes"]["OFFERS"]
        if offer["buyingGuidance"] == "NEGOTIATED"
    }
    return {asin: (price, amazon[asin]) for asin, price in coupa.items() if asin in amazon}


def test_a_large_contract_has_as_many_articles_and_moved_prices_as_wanted(large: World) -> None:
    both = {asin: pair for asin, pair in prices(large).items() if asin.startswith("B1")}
    moved = [asin for asin, (coupa, amazon) in both.items() if float(coupa) != float(amazon)]
    assert (len(both), len(moved)) == (100, 3)
    assert large.facts["catalog"] == {"articles": 100, "changed": 3}


def test_every_world_has_one_published_contract_and_an_article_that_amazon_sells_no_more(large: World) -> None:
    [contract] = [one.body for one in large.coupa.records if one.resource == "contracts"]
    assert (contract["number"], contract["status"]) == (CONTRACT, "published")
    assert contract["start-date"] < NOW.isoformat() < contract["end-date"]
    sold = {row.document["asin"] for row in large.amazon.products}
    assert {one.asin for one in AGREED} - sold == {GONE} and sold >= NEGOTIATED
