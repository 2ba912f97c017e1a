"""Product Search: offers by id, products by ASIN, a simple search; and the events that change an offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.sandbox.amazon_shop import BUYER, Json, Shop, line, offer, open_shop

BASE = "/products/2020-08-26"
OFFERS, PRODUCTS = f"{BASE}/offers/getOffersByOfferIds", f"{BASE}/products/getProductsByAsins"
PLACE = {"productRegion": "US", "locale": "en_US"}


@pytest.fixture(scope="module")
def _open() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(_open: Shop) -> Shop:
    assert _open.control("POST", "reset", {}).status_code == 200
    _open.sign_in()
    _open.headers["x-amz-user-email"] = BUYER
    return _open


def ask_offers(shop: Shop, *ids: str, inclusions: str = "price,merchant,quantityLimits") -> Any:
    body = {"offersByOfferIdsRequest": [{"offerId": one} for one in ids], **PLACE}
    return shop.post(f"{OFFERS}?inclusionsForOffers={inclusions}" if inclusions else OFFERS, body)


def ask_products(shop: Shop, *asins: str, query: str = "", **body: Any) -> Any:
    return shop.post(PRODUCTS + query, {"productIds": list(asins), **PLACE, **body})


def prices(answer: Any) -> dict[str, float]:
    return {one["offerId"]: one["price"]["value"]["amount"] for one in answer.json()["offers"]}


def test_offers_are_found_by_id_and_unknown_ones_are_listed(shop: Shop) -> None:
    answer = ask_offers(shop, "pen", "gone", "desk", "pen")
    assert prices(answer) == {"pen": 10.0, "desk": 199.99}
    assert answer.json()["notFoundOfferIds"] == ["gone"]


def test_an_offer_shows_what_was_asked_for(shop: Shop) -> None:
    (shown,) = ask_offers(shop, "ink", inclusions="price").json()["offers"]
    assert sorted(shown) == ["offerId", "price"]
    (shown,) = ask_offers(shop, "ink", inclusions="merchant,quantityLimits").json()["offers"]
    assert shown["quantityLimits"] == {"minQuantity": 2, "maxQuantity": 5}
    assert "certificates" not in shown["merchant"]
    (shown,) = ask_offers(shop, "ink", inclusions="merchantCertificates").json()["offers"]
    assert shown["merchant"]["certificates"] == ["Small Business"]


def test_a_batch_has_at_most_thirty_ids(shop: Shop) -> None:
    for ask in (ask_offers, ask_products):
        ids = [f"X{n}" for n in range(31)]
        assert ask(shop, *ids[:30]).status_code == 200
        assert ask(shop, *ids).json()["errors"][0]["code"] == "INVALID_REQUEST_PARAMETER"
        assert ask(shop).status_code == 400


@pytest.mark.parametrize("inclusions", ["", "ALL", "wish"])
def test_offers_by_id_want_to_know_what_to_include(shop: Shop, inclusions: str) -> None:
    assert ask_offers(shop, "pen", inclusions=inclusions).status_code == 400


def test_products_come_with_offers_only_when_these_are_asked_for(shop: Shop) -> None:
    (plain,) = ask_products(shop, "B0PEN", "B0NOWHERE").json()["products"]
    assert "OFFERS" not in plain["includedDataTypes"]
    answer = ask_products(shop, "B0PEN", "B0NOWHERE", facets=["OFFERS"]).json()
    assert [one["offerId"] for one in answer["products"][0]["includedDataTypes"]["OFFERS"]] == ["pen", "pen-cheap"]
    assert (answer["matchingProductCount"], answer["notFoundAsins"]) == (1, ["B0NOWHERE"])


def test_a_product_shows_what_was_asked_for(shop: Shop) -> None:
    (usual,) = ask_products(shop, "B0PEN").json()["products"]
    assert "modelNumber" not in usual, "it comes only when it is named"
    (named,) = ask_products(shop, "B0PEN", query="?inclusionsForProducts=modelNumber").json()["products"]
    assert named["modelNumber"] == "M-1"
    assert "title" not in named


def calls(shop: Shop) -> list[Any]:
    query = {**PLACE, "facets": "OFFERS"}
    return [
        ask_offers(shop, "pen"), ask_products(shop, "B0PEN"), shop.get(f"{BASE}/products", keywords="pens", **query),
        shop.get(f"{BASE}/products/B0PEN", **query), shop.get(f"{BASE}/products/B0PEN/offers", **PLACE),
    ]  # fmt: skip


def test_every_call_is_made_for_a_person_of_the_group(shop: Shop) -> None:
    assert [one.status_code for one in calls(shop)] == [200] * 5
    shop.headers["x-amz-user-email"] = "stranger@example.com"
    answers = calls(shop)
    assert [one.status_code for one in answers] == [404] * 5
    assert {one.json()["errors"][0]["code"] for one in answers} == {"EMAIL_ID_NOT_FOUND"}
    del shop.headers["x-amz-user-email"]
    assert [one.status_code for one in calls(shop)] == [400] * 5


def test_products_need_their_role(shop: Shop) -> None:
    shop.switch(roles=["Amazon Business Order Placement"])
    shop.headers |= {"x-amz-access-token": shop.ask_token().json()["access_token"]}
    assert [one.status_code for one in calls(shop)] == [403] * 5


def test_a_product_and_its_offers_by_path(shop: Shop) -> None:
    product = shop.get(f"{BASE}/products/B0PEN", facets="OFFERS", **PLACE).json()
    assert (product["asin"], len(product["includedDataTypes"]["OFFERS"])) == ("B0PEN", 2)
    offers = shop.get(f"{BASE}/products/B0PEN/offers", pageSize=1, pageNumber=1, **PLACE).json()
    assert (offers["offerCount"], offers["numberOfPages"]) == (2, 2)
    assert [one["offerId"] for one in offers["offers"]] == ["pen-cheap"]
    beyond = shop.get(f"{BASE}/products/B0PEN/offers", pageNumber=9, **PLACE)
    assert (beyond.status_code, beyond.json()["errors"][0]["code"]) == (404, "PAGE_NOT_FOUND")
    missing = shop.get(f"{BASE}/products/B0NOWHERE", **PLACE)
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, "PRODUCT_NOT_FOUND")


def test_a_search_finds_titles_with_all_its_words_and_one_offer_each(shop: Shop) -> None:
    answer = shop.get(f"{BASE}/products", keywords="GEL pens", facets="OFFERS", **PLACE).json()
    (found,) = answer["products"]
    assert (answer["matchingProductCount"], found["asin"]) == (1, "B0PEN")
    assert [one["offerId"] for one in found["includedDataTypes"]["OFFERS"]] == ["pen"]


@pytest.mark.parametrize("left_out", ["productRegion", "locale"])
def test_region_and_locale_are_required(shop: Shop, left_out: str) -> None:
    place = {name: value for name, value in PLACE.items() if name != left_out}
    assert shop.get(f"{BASE}/products", **place).status_code == 400
    assert shop.post(PRODUCTS, {"productIds": ["B0PEN"], **place}).status_code == 400


def test_a_new_price_is_shown_and_charged(shop: Shop) -> None:
    shop.event("reprice_offer", offerId="pen", price="10.50")
    assert prices(ask_offers(shop, "pen", "pen-cheap")) == {"pen": 10.5, "pen-cheap": 9.8}
    result = shop.place("PO-1", line("1", price=10.0))
    assert result["lineItems"][0]["acceptedItems"] == []


def test_a_withdrawn_offer_is_gone_and_another_may_come(shop: Shop) -> None:
    shop.event("withdraw_offer", offerId="pen")
    assert ask_offers(shop, "pen").json()["notFoundOfferIds"] == ["pen"]
    added: Json = offer("pen-new", 10.2, "Pen Traders LLC")
    shop.event("add_offer", asin="B0PEN", offer=added)
    assert prices(ask_offers(shop, "pen-new", "pen-cheap")) == {"pen-new": 10.2, "pen-cheap": 9.8}


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("reprice_offer", {"offerId": "gone", "price": "1"}),
        ("reprice_offer", {"offerId": "pen", "price": "cheap"}),
        ("withdraw_offer", {"offerId": "gone"}),
        ("add_offer", {"asin": "B0PEN", "offer": {"offerId": "pen", "price": {"value": {"amount": 1}}}}),
        ("add_offer", {"asin": "B0NOWHERE", "offer": offer("new", 1.0, "X")}),
        ("add_offer", {"asin": "B0PEN", "offer": {"offerId": "new"}}),
    ],
)
def test_an_event_about_something_unknown_changes_nothing(shop: Shop, event: str, body: Json) -> None:
    before = shop.state("products")
    assert shop.control("POST", f"events/{event}", body).status_code == 400
    assert shop.state("products") == before


def test_a_changed_offer_outlives_a_restart() -> None:
    with open_shop() as shop:
        shop.event("reprice_offer", offerId="pen", price="10.50")
        snapshot = shop.sandbox.snapshot()
    with open_shop(snapshot=snapshot) as again:
        again.headers["x-amz-user-email"] = BUYER
        assert prices(ask_offers(again, "pen")) == {"pen": 10.5}
