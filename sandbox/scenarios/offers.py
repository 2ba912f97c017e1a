"""What Amazon Business sells today: every article as a Product Search document with its offers.

Offer ids are opaque, long, and the same for the same world; those of an earlier day are `retired`: once valid, in no
document any more. Prices are net US dollars.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from sandbox.scenarios.amounts import number_money, to_cents
from sandbox.scenarios.catalog import AMAZON, ARTICLES, SELLERS, Article, Seller
from sandbox.scenarios.coding import commodity_for
from sandbox.scenarios.contracts import NEGOTIATED, QUANTITY_PRICES
from sandbox.seed import Json, Timed

PACKAGES = {"PK": "Pack", "BX": "Box", "CS": "Case"}  # units of one piece (EA) name no package
PACK_COUNT = re.compile(r"\b(\d+) pack\b")
EVERY_OTHER_SELLER = 3  # every third article is also sold by somebody else
# shares of the first seller's price
SECOND_PRICES = (Decimal("1.04"), Decimal("0.98"), Decimal("1.12"))
MAX_UNITS = 500


@dataclass(frozen=True, slots=True)
class Offer:
    id: str
    article: Article
    seller: Seller
    price: Decimal


class Shop:
    """The offers of one world; `key` tells its offer ids from every other world's."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._offers = {article.asin: self._offers_of(place, article) for place, article in enumerate(ARTICLES)}

    def offers(self, article: Article) -> Sequence[Offer]:
        """What can be bought now, the article's own seller first."""
        return self._offers[article.asin]

    def offer(self, article: Article) -> Offer:
        return self.offers(article)[0]

    def retired(self, article: Article) -> str:
        """The id under which the article's own seller offered it before."""
        return self._id(article, article.seller, "before")

    def documents(self, since: datetime) -> list[Timed]:
        """Every article as a `ProductsResult`, visible from `since`."""
        return [Timed(product_document(article, self.offers(article)), since) for article in ARTICLES]

    def _offers_of(self, place: int, article: Article) -> list[Offer]:
        offers = [Offer(self._id(article, article.seller), article, article.seller, article.price)]
        if place % EVERY_OTHER_SELLER == 0:
            other = next(seller for seller in SELLERS.values() if seller not in (article.seller, AMAZON))
            price = to_cents(article.price * SECOND_PRICES[place // EVERY_OTHER_SELLER % len(SECOND_PRICES)])
            offers.append(Offer(self._id(article, other), article, other, price))
        return offers

    def _id(self, article: Article, seller: Seller, generation: str = "now") -> str:
        text = f"{self._key}/{article.asin}/{seller.name}/{generation}"
        return urlsafe_b64encode(sha256(text.encode()).digest() * 2).decode().rstrip("=")


def pack_count(article: Article) -> int | None:
    """How many pieces Amazon sells as one, where the title says `12 pack`."""
    found = PACK_COUNT.search(article.title)
    return int(found[1]) if found else None


def product_document(article: Article, offers: Sequence[Offer]) -> Json:
    """Product Search 2020-08-26 `ProductsResult`, its offers in includedDataTypes.OFFERS."""
    document: Json = {
        "asin": article.asin, "asinType": "STANDARD", "signedProductId": f"signed-{article.asin}",
        "title": article.title, "url": f"https://www.amazon.com/dp/{article.asin}", "features": [],
        "taxonomies": [
            {"taxonomyCode": article.unspsc, "title": commodity_for(article.unspsc), "type": "UNSPSC"},
        ],
        "packageTypeNames": [],
        "manufacturerName": article.seller.name, "isBundledAsin": False, "isCustomQuoteEligible": False,
        "includedDataTypes": {"OFFERS": [_offer_document(one) for one in offers], "IMAGES": [_image(article)]},
    }  # fmt: skip
    if article.unit in PACKAGES:
        document["packageTypeNames"] = [{"displayString": PACKAGES[article.unit]}]
    if count := pack_count(article):
        document["bundleQuantity"] = count
    return document


def _image(article: Article) -> Json:
    place = f"https://images.example.com/{article.asin}.jpg"
    return {"altText": article.title, "large": {"url": place, "width": 500, "height": 500}}


def _guidance(offer: Offer) -> str:
    if offer.seller is not offer.article.seller:
        return "NONE"
    return "NEGOTIATED" if offer.article.asin in NEGOTIATED else "PREFERRED"


def _quantity_prices(offer: Offer) -> Json:
    """The text of a range is in the marketplace's language; the numbers beside it are deprecated."""
    steps = QUANTITY_PRICES.get(offer.article.asin, ()) if _guidance(offer) == "NEGOTIATED" else ()
    tiers = [
        {"quantityDisplay": f"{units}+", "unitPrice": number_money(Decimal(price), "USD"), "minQuantity": units}
        for units, price in steps
    ]
    return {"quantityPrice": {"quantityPriceTiers": tiers}} if tiers else {}


def _offer_document(offer: Offer) -> Json:
    fulfilment = "AMAZON_FULFILLMENT" if offer.seller is AMAZON else "MERCHANT_FULFILLMENT"
    return _quantity_prices(offer) | {
        "offerId": offer.id, "availability": "In Stock.",
        "price": {
            "value": number_money(offer.price, "USD"), "formattedPrice": f"${offer.price}", "priceType": "BUSINESS",
        },
        "quantityLimits": {"minQuantity": 1, "maxQuantity": MAX_UNITS},
        "buyingGuidance": _guidance(offer), "buyingRestrictions": [],
        "merchant": {
            "merchantId": None, "name": offer.seller.name, "meanFeedbackRating": None, "totalFeedbackCount": None,
            "certificates": list(offer.seller.credentials),
        },
        "fulfillmentType": fulfilment,
        "condition": {"conditionValue": "NEW", "conditionNote": None, "subCondition": "NEW"},
    }  # fmt: skip
