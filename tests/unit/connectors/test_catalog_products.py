"""What a catalog asks of Amazon: articles by thirties with everything about their prices, and what a search finds."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.amazon_business.catalog import QuantityTier, image_of, tiers_of
from connectors.amazon_business.client import AmazonBusiness
from connectors.errors import UnexpectedResponse
from connectors.tally import Tally
from tests.unit.connectors.scripted_vendor import Call, Vendor, answer


def sold(call: Call) -> Any:
    """Every article but those that are gone; one is passed over in silence."""
    asked = [one for one in call.body["productIds"] if one != "B0SILENT00"]
    gone = [one for one in asked if one.startswith("B0GONE")]
    strangers = [{"asin": "B0STRANGER"}]
    return {"products": [{"asin": one} for one in asked if one not in gone] + strangers, "notFoundAsins": gone}


def test_each_article_is_sold_missing_or_unanswered_and_the_answered_are_counted(
    amazon: AmazonBusiness, vendor: Vendor
) -> None:
    vendor.usual, tally = sold, Tally()
    asked = [*(f"B0{n:08d}" for n in range(40)), "B0GONE0001", "B0SILENT00", "B000000000"[:10]]
    pages = list(amazon.catalog_pages(asked, tally=tally, kind="catalog_entry"))
    assert sorted(len(call.body["productIds"]) for call in vendor.calls) == [12, 30]
    found = [str(one["asin"]) for page in pages for one in page.products]
    assert len(found) == 40 and "B0STRANGER" not in found
    assert [asin for page in pages for asin in page.missing] == ["B0GONE0001"]
    assert [asin for page in pages for asin in page.unanswered] == ["B0SILENT00"]
    assert tally.documents == 41
    assert ("catalog_entry", "B0GONE0001") in tally.seen and ("catalog_entry", "B0SILENT00") not in tally.seen


def test_prices_are_asked_on_behalf_of_the_user_with_offers_images_and_quantity_prices(
    amazon: AmazonBusiness, vendor: Vendor
) -> None:
    vendor.usual = sold
    list(amazon.catalog_pages(["B000000001"]))
    call = vendor.calls[0]
    assert call.body["facets"] == ["OFFERS", "IMAGES"]
    assert (
        "quantityPrice" in call.query["inclusionsForOffers"] and "buyingGuidance" in call.query["inclusionsForOffers"]
    )
    assert "manufacturerName" in call.query["inclusionsForProducts"]
    assert call.headers["x-amz-user-email"]


@pytest.mark.parametrize("body", [[], "text", None])
def test_an_answer_that_is_no_object_is_no_empty_catalog(amazon: AmazonBusiness, vendor: Vendor, body: Any) -> None:
    vendor.then(answer(body))
    with pytest.raises(UnexpectedResponse):
        list(amazon.catalog_pages(["B000000001"]))


def test_a_search_is_read_page_by_page_up_to_the_most(amazon: AmazonBusiness, vendor: Vendor) -> None:
    def page(call: Call) -> Any:
        first = int(call.query["pageNumber"]) * 24
        return {"numberOfPages": 3, "products": [{"asin": f"B0{n:08d}"} for n in range(first, first + 24)]}

    vendor.usual = page
    assert amazon.search_asins("gel pens", most=30) == [f"B0{n:08d}" for n in range(30)]
    assert [call.query["pageNumber"] for call in vendor.calls] == ["0", "1"]
    assert vendor.calls[0].query["keywords"] == "gel pens"


def test_a_search_ends_with_its_last_page(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(answer({"numberOfPages": 1, "products": [{"asin": "B000000001"}, {"asin": "B000000001"}, {}]}))
    assert amazon.search_asins("gel pens", most=100) == ["B000000001"]


def offer(*tiers: dict[str, Any]) -> dict[str, Any]:
    rows = [{"unitPrice": {"amount": Decimal("9.50"), "currencyCode": "USD"}, **tier} for tier in tiers]
    return {"includedDataTypes": {"OFFERS": [{"offerId": "o", "quantityPrice": {"quantityPriceTiers": rows}}]}}


@pytest.mark.parametrize(
    ("tier", "units"),
    [
        ({"quantityDisplay": "ab 10 Stück", "minQuantity": 10}, 10),
        ({"quantityDisplay": "10+"}, 10),
        ({"quantityDisplay": "12"}, 12),
        ({"quantityDisplay": "1,000+"}, None),
        ({"quantityDisplay": "1.000 und mehr"}, None),
        ({"quantityDisplay": "a partir de diez"}, None),
        ({}, None),
    ],
)
def test_a_range_begins_where_amazon_says_so_beyond_doubt(tier: dict[str, Any], units: int | None) -> None:
    found = tiers_of(offer(tier), "o")
    assert found == (QuantityTier(units, Decimal("9.50"), "USD", tier.get("quantityDisplay", "")),)


@pytest.mark.parametrize(
    ("tier", "units", "until"),
    [
        ({"quantityDisplay": "5 - 9 units"}, 5, 9),
        ({"quantityDisplay": "50\u201399", "minQuantity": 50}, 50, 99),
        ({"quantityDisplay": "50 - 1,000", "minQuantity": 50}, None, None),
        ({"quantityDisplay": "50 - 1.000 St\u00fcck"}, None, None),
        ({"quantityDisplay": "50+", "minQuantity": 50}, 50, None),
    ],
)
def test_a_range_that_ends_says_where_or_nothing_sure(
    tier: dict[str, Any], units: int | None, until: int | None
) -> None:
    [found] = tiers_of(offer(tier), "o")
    assert (found.units, found.until) == (units, until)


def test_tiers_are_those_of_the_offer_that_is_asked_about() -> None:
    assert tiers_of(offer({"quantityDisplay": "10+"}), "another") == ()
    assert tiers_of(offer({"quantityDisplay": "10+", "unitPrice": {"amount": None}}), "o") == ()


def test_the_first_image_that_has_an_address_counts() -> None:
    images = [{"altText": "x"}, {"altText": "y", "medium": {"url": "m"}}, {"altText": "z", "large": {"url": "l"}}]
    assert image_of({"includedDataTypes": {"IMAGES": images}}) == "m"
    assert image_of({}) is None
