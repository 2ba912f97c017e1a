"""What a catalog needs of Amazon Business: products with their offers and prices, in full, and what a search finds.

Source: Product Search API 2020-08-26, getProductsByAsins and searchProductsRequest. Both are made for a user, whose prices
they are. A page is what Amazon answered, raw, so that the tally counts each product before anything else touches it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from connectors.amazon_business.operations import GET_PRODUCTS, SEARCH_PRODUCTS
from connectors.amazon_business.ordering import PRODUCTS_A_CALL, WORKERS, Ordering
from connectors.amazon_business.raw import count, exact, objects, text
from connectors.concurrency import batched, in_order
from connectors.errors import UnexpectedResponse
from connectors.paging import read_rows
from connectors.tally import Json, Tally

OF_OFFERS = (
    "availability,buyingGuidance,buyingRestrictions,condition,fulfillmentType,merchant,price,productCondition,"
    "quantityLimits,quantityPrice"
)
OF_PRODUCTS = "bundleQuantity,manufacturerName,packageTypeNames,taxonomies,title"
PAGE_SIZE = 24  # and thirteen pages, says Amazon
# "10+", "5 - 9", "5 - 9 units"; with separators in a number it could be anything
RANGE = re.compile(r"\s*(?P<first>\d{1,6})\s*(?:\+|[-\u2013]\s*(?P<last>\d{1,6})\b(?![.,]\d)|$)")
ENDS = re.compile(r"\d\s*[-\u2013]\s*\d")  # a range with an end, readable or not


@dataclass(frozen=True, slots=True)
class QuantityTier:
    """A price per unit from `units` of one order on; `units` is None where Amazon's text of the range says nothing sure.
    `until`: the most units it is for, None where the range is open."""

    units: int | None
    price: Decimal
    currency: str
    shown: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """One answer: what Amazon sells of what was asked, and what it says it does not. The rest it left unanswered."""

    products: tuple[Json, ...]
    missing: tuple[str, ...]
    unanswered: tuple[str, ...] = ()


class CatalogProducts(Ordering):
    """The calls that keep a catalog."""

    def catalog_pages(
        self, asins: Iterable[str], *, tally: Tally | None = None, kind: str = "catalog_entry", prefix: str = ""
    ) -> Iterator[CatalogPage]:
        """Products with up to ten offers and their images, 30 ASINs a call. With `tally`, each ASIN that Amazon answered
        for, sold or not, is counted as one `kind`, under `prefix` and its name."""
        headers, market = self._on_behalf(), self._market()

        def ask(wanted: Sequence[str]) -> CatalogPage:
            asked = {"productIds": list(wanted), **market, "facets": ["OFFERS", "IMAGES"]}
            query = {"inclusionsForProducts": OF_PRODUCTS, "inclusionsForOffers": OF_OFFERS}
            body = self._edge.read(GET_PRODUCTS, query=query, json=asked, headers=headers)
            return _page(body, wanted)

        distinct = dict.fromkeys(one for one in asins if one.strip())
        for page in in_order(ask, batched(distinct, PRODUCTS_A_CALL), workers=WORKERS):
            if tally is not None:
                for asin in chain((str(one["asin"]) for one in page.products), page.missing):
                    tally.count(kind, f"{prefix}{asin}")
            yield page

    def search_asins(self, keywords: str, *, most: int) -> list[str]:
        """The ASINs of the first `most` products that the search finds, in Amazon's order."""
        found: list[str] = []
        headers, market = self._on_behalf(), self._market()
        for number in range((most + PAGE_SIZE - 1) // PAGE_SIZE):
            query = {**market, "keywords": keywords, "pageNumber": number, "pageSize": PAGE_SIZE}
            body = self._edge.read(SEARCH_PRODUCTS, query=query, headers=headers)
            if not isinstance(body, dict):
                raise UnexpectedResponse("the answer is not an object", operation=SEARCH_PRODUCTS.name)
            rows = read_rows(SEARCH_PRODUCTS, body.get("products") or [])
            found += [asin for one in rows if (asin := text(one, "asin"))]
            if number + 1 >= (count(body, "numberOfPages") or 0):
                break
        return list(dict.fromkeys(found))[:most]


def _page(body: object, wanted: Sequence[str]) -> CatalogPage:
    if not isinstance(body, dict):
        raise UnexpectedResponse("the answer is not an object", operation=GET_PRODUCTS.name)
    rows = read_rows(GET_PRODUCTS, body.get("products") or [])
    products = {asin: one for one in rows if (asin := text(one, "asin")) in wanted}
    missing = [str(one) for one in body.get("notFoundAsins") or () if one in wanted and one not in products]
    answered = {*products, *missing}
    return CatalogPage(
        tuple(products.values()), tuple(dict.fromkeys(missing)), tuple(one for one in wanted if one not in answered)
    )


def tiers_of(raw: Json, offer_id: str) -> tuple[QuantityTier, ...]:
    """The quantity prices of one offer of a raw product, as Amazon lists them.

    Amazon's text of a range is in the marketplace's language; the number beside it is deprecated and often left out.
    """
    offers = (one for one in objects(raw, "includedDataTypes", "OFFERS") if text(one, "offerId") == offer_id)
    found = []
    for row in objects(next(offers, {}), "quantityPrice", "quantityPriceTiers"):
        price, currency = exact(row, "unitPrice", "amount"), text(row, "unitPrice", "currencyCode")
        if price is not None and currency is not None:
            shown = text(row, "quantityDisplay") or ""
            units, until = _range(shown, count(row, "minQuantity"))
            found.append(QuantityTier(units, price, currency, shown, until))
    return tuple(found)


def _range(shown: str, least: int | None) -> tuple[int | None, int | None]:
    """First and last unit of a tier, each None where unsure or open. Amazon's own number, where it gives one, is the first."""
    plain = RANGE.match(shown)
    if plain is not None:
        first, last = int(plain["first"]), plain["last"]
        return (first if least is None else least), (int(last) if last else None)
    return (None if ENDS.search(shown) else least), None


def image_of(raw: Json) -> str | None:
    """The first large image of a raw product, or the next best."""
    for image in objects(raw, "includedDataTypes", "IMAGES"):
        for size in ("large", "original", "medium"):
            if address := text(image, size, "url"):
                return address
    return None
