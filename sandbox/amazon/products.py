"""Product Search API 2020-08-26: products by ASIN, offers by id, and a simple search. Amounts are numbers.

Every call is made for a user (`x-amz-user-email`). Offers come only with the facet OFFERS; unknown ASINs and offer ids
of a batch are listed, not refused.
"""

import math
import re
from collections.abc import Collection, Sequence
from typing import Any

from sandbox.amazon.errors import INVALID, envelope, invalid
from sandbox.amazon.offers import OFFERS, Offer, find_product, offers_of, products
from sandbox.amazon.parameters import REGIONS, read_list
from sandbox.amazon.state import AmazonState
from sandbox.amazon.users import HEADER, read_user
from sandbox.exchange import Answer, Call, Operation, Refusal
from sandbox.limits import Bucket
from sandbox.seed import Json

BASE = "/products/2020-08-26"
ROLE = "Business Product Catalog"
RATE, BURST = 0.5, 10
BATCH = 30  # ASINs, and offer ids, of one call
MOST_OFFERS = 10  # of one product
PAGE_SIZE, MOST_PAGES = 24, 13
FACETS = (OFFERS, "IMAGES")
OF_OFFERS = (
    "ALL", "availability", "buyingGuidance", "buyingGuidanceV2", "buyingRestrictions", "condition", "fulfillmentType",
    "merchant", "merchantCertificates", "price", "productCondition", "productConditionNote", "quantityLimits",
    "quantityPrice", "taxExclusivePrice", "deliveryInformation", "listPrice", "shippingOptions", "quantityInStock",
    "badges", "fulfiller",
)  # fmt: skip
OF_PRODUCTS = (
    "ALL", "bookInformation", "byLine", "customerReviewsSummary", "editorialReviews", "features", "format",
    "mediaInformation", "productDescription", "productDetails", "productOverview", "productVariations", "taxonomies",
    "packageTypeNames", "title", "upcValues", "eanValues", "modelNumber", "manufacturerName", "bundleQuantity", "badges",
    "isBundledAsin", "legalInformation", "isCustomQuoteEligible",
)  # fmt: skip
ONLY_WHEN_ASKED = ("upcValues", "eanValues", "modelNumber", "manufacturerName")
REFINEMENTS = (
    "categories", "subCategories", "availabilityOptions", "deliveryDayOptions", "eligibleForFreeShippingOptions",
    "primeEligible",
)  # fmt: skip
LOCALE = re.compile(r"[A-Za-z_-]+")


class ProductSearch:
    def __init__(self, state: AmazonState) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        rows = [
            ("searchProductsRequest", "GET", "/products", self.search_products),
            ("productsRequest", "GET", "/products/{productId}", self.get_product),
            ("searchOffersRequest", "GET", "/products/{productId}/offers", self.search_offers),
            ("getProductsByAsins", "POST", "/products/getProductsByAsins", self.get_products),
            ("getOffersByOfferIds", "POST", "/offers/getOffersByOfferIds", self.get_offers),
        ]
        return [
            Operation(name, method, BASE + path, handler, Bucket(name, RATE, BURST), needs=(ROLE,))
            for name, method, path, handler in rows
        ]

    def get_products(self, call: Call) -> Answer:
        self._check_user(call)
        body = _read_body(call)
        asins = list(dict.fromkeys(_read_ids(body, "productIds")))
        facets = body.get("facets") or []
        if not isinstance(facets, list) or not set(facets) <= set(FACETS):
            raise invalid(f"facets is a list of {' and '.join(FACETS)}.")
        found = {asin: one for asin in asins if (one := self._find(asin)) is not None}
        shown = [_product(call, one, facets=facets) for one in found.values()]
        missing = [asin for asin in asins if asin not in found]
        return Answer(200, {"matchingProductCount": len(shown), "products": shown, "notFoundAsins": missing})

    def get_offers(self, call: Call) -> Answer:
        self._check_user(call)
        if call.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return envelope(415, INVALID, "Content-Type must be application/json.")
        body = _read_body(call)
        wanted = body.get("offersByOfferIdsRequest")
        if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
            raise invalid("offersByOfferIdsRequest is required: a list of objects with offerId.")
        ids = list(dict.fromkeys(_read_ids({"offerId": [one.get("offerId") for one in wanted]}, "offerId")))
        inclusions = read_list(call, "inclusionsForOffers", most=len(OF_OFFERS), known=OF_OFFERS[1:])
        if inclusions is None:
            raise invalid("Missing required parameter inclusionsForOffers.")
        now = self._state.clock.now()
        every = {offer.id: offer for product in products(self._state, now) for offer in offers_of(product)}
        shown = [_offer(every[one], inclusions) for one in ids if one in every]
        return Answer(200, {"offers": shown, "notFoundOfferIds": [one for one in ids if one not in every]})

    def get_product(self, call: Call) -> Answer:
        self._check_query(call)
        return Answer(200, _product(call, self._product(call), facets=_read_facets(call)))

    def search_offers(self, call: Call) -> Answer:
        self._check_query(call)
        inclusions = read_list(call, "inclusionsForOffers", most=len(OF_OFFERS), known=OF_OFFERS)
        offers = [_offer(one, inclusions) for one in offers_of(self._product(call))]
        shown, pages = _page(call, offers)
        answer = {"offerCount": len(offers), "numberOfPages": pages, "offers": shown, "filterGroups": []}
        return Answer(200, answer | {"featuredOffer": next(iter(offers), None)})

    def search_products(self, call: Call) -> Answer:
        """Products whose title has all keywords, with one offer each."""
        self._check_query(call)
        words = (call.argument("keywords") or "").lower().split()
        facets = _read_facets(call)
        every = products(self._state, self._state.clock.now())
        matches = [one for one in every if all(word in str(one.get("title", "")).lower() for word in words)]
        shown, pages = _page(call, matches)
        empty: Json = {name: [] for name in REFINEMENTS}
        return Answer(200, {
            "matchingProductCount": len(matches), "numberOfPages": pages,
            "products": [_product(call, one, facets=facets, most=1) for one in shown],
            "refinements": empty, "searchRefinements": [], "legalInformation": [],
        })  # fmt: skip

    def _find(self, asin: str) -> Json | None:
        return find_product(self._state, asin, self._state.clock.now())

    def _product(self, call: Call) -> Json:
        product = self._find(call.params["productId"])
        if product is None:
            raise Refusal(envelope(404, "PRODUCT_NOT_FOUND", f"There is no product {call.params['productId']}."))
        return product

    def _check_user(self, call: Call) -> None:
        unknown = envelope(404, "EMAIL_ID_NOT_FOUND", "The user is not known.", call.headers.get(HEADER, ""))
        read_user(call, self._state, Refusal(unknown))

    def _check_query(self, call: Call) -> None:
        self._check_user(call)
        _check_place({name: call.argument(name) for name in ("productRegion", "locale")})


def _read_body(call: Call) -> Json:
    try:
        body = call.json()
    except ValueError:
        raise invalid("The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise invalid("The request body is missing.")
    _check_place(body)
    return body


def _check_place(values: Json) -> None:
    if values.get("productRegion") not in REGIONS:
        raise invalid(f"productRegion is required: one of {', '.join(REGIONS)}.")
    if not isinstance(values.get("locale"), str) or not LOCALE.fullmatch(values["locale"]):
        raise invalid("locale is required, such as en_US.")


def _read_ids(body: Json, name: str) -> list[str]:
    ids = body.get(name)
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) and one for one in ids):
        raise invalid(f"{name} is required and must not be empty.")
    if len(ids) > BATCH:
        raise invalid(f"{name} has {len(ids)} entries; at most {BATCH} are allowed.")
    return ids


def _read_facets(call: Call) -> Sequence[str]:
    return read_list(call, "facets", most=len(FACETS), known=FACETS) or ()


def _product(call: Call, product: Json, *, facets: Collection[str], most: int = MOST_OFFERS) -> Json:
    of_offers = read_list(call, "inclusionsForOffers", most=len(OF_OFFERS), known=OF_OFFERS)
    wanted = read_list(call, "inclusionsForProducts", most=len(OF_PRODUCTS), known=OF_PRODUCTS)
    left_out = set(ONLY_WHEN_ASKED) if wanted is None else set() if "ALL" in wanted else set(OF_PRODUCTS) - set(wanted)
    shown = {name: value for name, value in product.items() if name not in left_out}
    included = {name: value for name, value in product.get("includedDataTypes", {}).items() if name in facets}
    if OFFERS in included:
        included[OFFERS] = [_offer(one, of_offers) for one in offers_of(product)[:most]]
    return shown | {"includedDataTypes": included}


def _offer(offer: Offer, inclusions: Sequence[str] | None) -> Json:
    """Certificates come with the inclusion of their own."""
    if inclusions is None or "ALL" in inclusions:
        return offer.document
    kept = {name: value for name, value in offer.document.items() if name == "offerId" or name in inclusions}
    merchant: Json = offer.document.get("merchant") or {}
    if "merchant" in inclusions:
        kept["merchant"] = {name: value for name, value in merchant.items() if name != "certificates"}
    if "merchantCertificates" in inclusions:
        names = ("merchantId", "name", "meanFeedbackRating", "totalFeedbackCount", "certificates")
        kept["merchant"] = {name: merchant.get(name) for name in names}
    return kept


def _page(call: Call, rows: Sequence[Any]) -> tuple[list[Any], int]:
    """The page asked for and the number of pages; 404 PAGE_NOT_FOUND beyond them."""
    number, size = _read_number(call, "pageNumber", 0), _read_number(call, "pageSize", PAGE_SIZE)
    if not 1 <= size <= PAGE_SIZE:
        raise invalid(f"pageSize is 1 to {PAGE_SIZE}.")
    pages = min(MOST_PAGES, math.ceil(len(rows) / size))
    if number and number >= pages:
        raise Refusal(envelope(404, "PAGE_NOT_FOUND", f"There is no page {number}."))
    return list(rows[number * size : (number + 1) * size]), pages


def _read_number(call: Call, name: str, otherwise: int) -> int:
    text = call.argument(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit():
        raise invalid(f"{name} is a whole number.")
    return int(text)
