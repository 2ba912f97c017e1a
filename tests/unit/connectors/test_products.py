"""Offers, products and packages: asked in batches on behalf of the user, read whatever is missing."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.products import Offer, Product, read_offer, read_product
from connectors.amazon_business.tracking import PackageTracking, read_tracking
from connectors.errors import NotFound, UnexpectedResponse
from tests.unit.connectors.orders import OFFER_TEXT, TRACKING_TEXT, parsed, sent
from tests.unit.connectors.scripted_vendor import Call, RecordingLimiter, Vendor, answer, html

DELIVERED = parsed(TRACKING_TEXT)["packageTrackingDetails"]
PENS = {
    "asin": "B0SAMPLE01",
    "asinType": "STANDARD",
    "title": "Gel pens, 12 pack",
    "bundleQuantity": 1,
    "packageTypeNames": [{"displayString": "12 Count"}, {}],
    "taxonomies": [
        {"taxonomyCode": "24-26-02-05", "title": "Pens", "type": "ECLASS"},
        {"taxonomyCode": "44121704", "title": "Ball point pens", "type": "UNSPSC"},
    ],
}


def offers_known(call: Call) -> Any:
    """Every offer but those called `old-...`, in reverse."""
    asked = [one["offerId"] for one in call.body["offersByOfferIdsRequest"]]
    known = [one for one in reversed(asked) if not one.startswith("old-")]
    return {
        "offers": [sent(OFFER_TEXT) | {"offerId": one} for one in known],
        "notFoundOfferIds": [one for one in asked if one not in known],
    }


def products_known(call: Call) -> Any:
    asked = call.body["productIds"]
    return {
        "matchingProductCount": 0,
        "products": [{"asin": one} for one in asked if "MISSING" not in one],
        "notFoundAsins": [one for one in asked if "MISSING" in one],
    }


# Asking


def test_offers_are_asked_30_a_call_and_those_gone_are_absent(
    amazon: AmazonBusiness, vendor: Vendor, limiter: RecordingLimiter
) -> None:
    vendor.usual = offers_known
    wanted = [f"offer-{n}" for n in range(70)]
    found = list(amazon.offers([*wanted, "old-1", "offer-0", ""]))
    assert {offer.offer_id for offer in found} == set(wanted)
    assert len(found) == 70
    assert sorted(len(call.body["offersByOfferIdsRequest"]) for call in vendor.calls) == [11, 30, 30]
    assert limiter.taken == ["amazon_business/acme-us/getOffersByOfferIds"] * 3


def test_offers_are_asked_on_behalf_of_the_user_with_what_we_use(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = offers_known
    list(amazon.offers(["offer-abc", "old-1"]))
    [call] = vendor.calls
    assert (call.method, call.path) == ("POST", "/products/2020-08-26/offers/getOffersByOfferIds")
    assert call.headers["x-amz-user-email"] == "buyer@example.com"
    assert {"price", "merchant", "quantityLimits"} < set(call.query["inclusionsForOffers"].split(","))
    assert call.body == {
        "offersByOfferIdsRequest": [{"offerId": "offer-abc"}, {"offerId": "old-1"}],
        "productRegion": "US",
        "locale": "en_US",
    }


def test_products_are_asked_30_a_call_with_their_offers(
    amazon: AmazonBusiness, vendor: Vendor, limiter: RecordingLimiter
) -> None:
    vendor.usual = products_known
    found = list(amazon.products([*(f"B0{n:08}" for n in range(40)), "B0MISSING0", "B000000000"]))
    assert [product.asin for product in found] == [f"B0{n:08}" for n in range(40)]
    assert sorted(len(call.body["productIds"]) for call in vendor.calls) == [11, 30]
    call = vendor.calls[0]
    assert (call.method, call.path) == ("POST", "/products/2020-08-26/products/getProductsByAsins")
    assert call.headers["x-amz-user-email"] == "buyer@example.com"
    body = {key: value for key, value in call.body.items() if key != "productIds"}
    assert body == {"productRegion": "US", "locale": "en_US", "facets": ["OFFERS"]}
    assert {"packageTypeNames", "bundleQuantity"} < set(call.query["inclusionsForProducts"].split(","))
    assert limiter.taken == ["amazon_business/acme-us/getProductsByAsins"] * 2


def test_what_was_not_asked_for_is_left_out(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"offers": [sent(OFFER_TEXT)], "products": [PENS]}
    assert list(amazon.offers(["other"])) == list(amazon.products(["other"])) == []


def test_nothing_to_ask_is_no_call(amazon: AmazonBusiness, vendor: Vendor) -> None:
    assert list(amazon.offers([])) == list(amazon.products([" "])) == []
    assert vendor.calls == []


@pytest.mark.parametrize(("region", "locale"), [("UK", "en_GB"), ("DE", "de_DE"), ("JP", "ja_JP")])
def test_each_marketplace_is_asked_in_its_language(
    amazon: AmazonBusiness, vendor: Vendor, region: str, locale: str
) -> None:
    amazon.region = region
    list(amazon.offers(["offer-abc"]))
    assert (vendor.calls[0].body["productRegion"], vendor.calls[0].body["locale"]) == (region, locale)


ASKED_BY_REGION: list[Callable[[AmazonBusiness], Any]] = [
    lambda amazon: amazon.offers(["offer-abc"]),
    lambda amazon: amazon.products(["B0SAMPLE01"]),
    lambda amazon: amazon.package_tracking("112-1", "401", "1"),
]


@pytest.mark.parametrize("ask", ASKED_BY_REGION)
def test_a_marketplace_amazon_does_not_have_is_named(
    amazon: AmazonBusiness, vendor: Vendor, ask: Callable[[AmazonBusiness], Any]
) -> None:
    amazon.region = "GB"
    with pytest.raises(ValueError, match="region 'GB'; write one of US, "):
        ask(amazon)
    assert vendor.calls == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [([], "not an object"), ({"offers": "none"}, "no list"), ({"offers": [{"price": None}]}, "no offerId")],
)
def test_offers_that_cannot_be_used_are_unexpected(
    amazon: AmazonBusiness, vendor: Vendor, body: Any, problem: str
) -> None:
    vendor.usual = lambda call: body
    with pytest.raises(UnexpectedResponse, match=f"^getOffersByOfferIds: .*{problem}"):
        list(amazon.offers(["offer-abc"]))


def test_a_product_without_its_asin_is_unexpected(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"products": [{"title": "Pens"}]}
    with pytest.raises(UnexpectedResponse, match="^getProductsByAsins: .*no asin"):
        list(amazon.products(["B0SAMPLE01"]))


def test_an_unknown_user_is_not_taken_for_offers_that_are_gone(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(answer({"errors": [{"code": "EMAIL_ID_NOT_FOUND", "message": "No such user"}]}, status=404))
    with pytest.raises(NotFound, match="EMAIL_ID_NOT_FOUND"):
        list(amazon.offers(["offer-abc"]))


# Reading


def test_the_references_offer_is_read_whole() -> None:
    assert read_offer(parsed(OFFER_TEXT)) == Offer(
        offer_id="offer-abc",
        price=Decimal("19.99"),
        currency="USD",
        price_type="BUSINESS",
        buying_guidance="NEGOTIATED",
        merchant_name="Pen Traders LLC",
        quantity_limits=(1, 30),  # type: ignore[arg-type]
        availability="In Stock.",
        fulfillment_type="MERCHANT_FULFILLMENT",
    )


def test_the_references_bare_offer_is_read() -> None:
    price = {"value": {"amount": Decimal("19.99"), "currencyCode": "USD"}, "formattedPrice": None}
    offer = read_offer({"offerId": "offer-abc", "price": price})
    assert (offer.price, offer.currency, offer.price_type) == (Decimal("19.99"), "USD", None)
    assert offer.quantity_limits == (None, None)


def test_restrictions_and_condition_of_an_offer_are_read() -> None:
    raw = {
        "offerId": "o",
        "buyingRestrictions": [{"title": "Professionals only", "type": "PROFESSIONAL_USE"}, {"title": "Other"}],
        "condition": {"conditionValue": "USED"},
        "productCondition": "NEW",
    }
    offer = read_offer(raw)
    assert (offer.restrictions, offer.condition) == (("PROFESSIONAL_USE", "Other"), "USED")
    assert read_offer({"offerId": "o", "productCondition": "NEW"}).condition == "NEW"


@pytest.mark.parametrize(
    "value",
    [None, {"amount": Decimal(5)}, {"amount": "x", "currencyCode": "USD"}, {"amount": 5.0, "currencyCode": "USD"}],
)
def test_a_price_that_cannot_be_read_whole_is_none(value: Any) -> None:
    offer = read_offer({"offerId": "o", "price": {"value": value}, "merchant": None, "quantityLimits": None})
    assert (offer.price, offer.currency) == (None, None)


def test_the_references_product_is_read_with_its_offers() -> None:
    offers = [parsed(OFFER_TEXT), {"offerId": None}]
    product = read_product(PENS | {"includedDataTypes": {"OFFERS": offers}})
    assert product == Product(
        asin="B0SAMPLE01",
        asin_type="STANDARD",
        title="Gel pens, 12 pack",
        bundle_quantity=1,
        package_types=("12 Count",),
        unspsc="44121704",
        offers=(read_offer(parsed(OFFER_TEXT)),),
    )
    assert read_product({"asin": "B0SAMPLE01", "includedDataTypes": None}) == Product("B0SAMPLE01")


# Packages


def test_one_package_is_one_call(amazon: AmazonBusiness, vendor: Vendor, limiter: RecordingLimiter) -> None:
    vendor.usual = lambda call: sent(TRACKING_TEXT)
    assert amazon.package_tracking("112-1111111-2222222", "401", "1/2") == PackageTracking(
        status="DELIVERED",
        delivered_at=datetime(2026, 2, 5, 20, 15, tzinfo=UTC),
        window_end=datetime(2026, 2, 5, 20, 15, tzinfo=UTC),
        carrier="Sample Carrier",
        tracking_id="TBA000000000001",
    )
    [call] = vendor.calls
    assert call.path == "/ab-tracking/2025-07-02/orders/112-1111111-2222222/shipments/401/packages/1%2F2"
    assert (call.method, call.query) == ("GET", {"region": "US"})
    assert limiter.taken == ["amazon_business/acme-us/getPackageTrackingDetails"]


@pytest.mark.parametrize("step", [answer({}), answer({"packageTrackingDetails": None}), answer({}, status=404)])
def test_a_package_amazon_has_nothing_on_is_none(amazon: AmazonBusiness, vendor: Vendor, step: Any) -> None:
    vendor.then(step)
    assert amazon.package_tracking("112-1", "401", "1") is None


@pytest.mark.parametrize("body", [[], "none", {"packageTrackingDetails": []}, {"packageTrackingDetails": {}}])
def test_a_package_that_cannot_be_read_is_unexpected(amazon: AmazonBusiness, vendor: Vendor, body: Any) -> None:
    vendor.usual = lambda call: body
    with pytest.raises(UnexpectedResponse, match="^getPackageTrackingDetails: "):
        amazon.package_tracking("112-1", "401", "1")


def test_a_read_of_buying_is_repeated_through_an_outage(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(html(503), html(500))
    vendor.usual = offers_known
    assert len(list(amazon.offers(["offer-abc"]))) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"packageMilestones": None},
        {"packageMilestones": [{"milestoneType": "SHIPPED", "milestoneWindow": {"endDate": "2026-02-03T14:00:00Z"}}]},
        {"packageMilestones": [{"milestoneType": "DELIVERED", "milestoneWindow": {"endDate": "Thursday"}}]},
        {"packageMilestones": [{"milestoneType": "DELIVERED"}]},
    ],
)
def test_without_the_delivered_milestone_the_time_of_delivery_is_not_known(change: dict[str, Any]) -> None:
    tracking = read_tracking(DELIVERED | change)
    assert (tracking.status, tracking.delivered_at) == ("DELIVERED", None)


def test_a_status_alone_is_enough() -> None:
    assert read_tracking({"trackingStatus": "SHIPPED", "deliveryWindow": None}) == PackageTracking("SHIPPED")
