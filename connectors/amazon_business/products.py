"""What Amazon sells, to one user of one group: offers with their price at this moment, and the products they are of.

Amazon's samples leave out or null most of what its model requires, so only an id is required; everything else is None
where it is missing or unreadable. Prices are in the currency they come with; texts such as `availability` are for
people, in the marketplace's language.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from connectors.amazon_business.raw import count, exact, objects, text
from connectors.tally import Json

LOCALES = {
    "US": "en_US", "CA": "en_CA", "MX": "es_MX", "UK": "en_GB", "DE": "de_DE", "FR": "fr_FR", "IT": "it_IT",
    "ES": "es_ES", "IN": "en_IN", "JP": "ja_JP", "AU": "en_AU",
}  # fmt: skip
INCLUDED_OF_OFFERS = (
    "availability,buyingGuidance,buyingRestrictions,condition,fulfillmentType,merchant,price,productCondition,"
    "quantityLimits"
)
INCLUDED_OF_PRODUCTS = "bundleQuantity,packageTypeNames,taxonomies,title"


class QuantityLimits(NamedTuple):
    """How many units one order may take; None: no limit is known."""

    min: int | None = None
    max: int | None = None


UNLIMITED = QuantityLimits()


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to buy a product. `offer_id` is opaque, and long.

    `buying_guidance`: the company's own policy (PREFERRED, RESTRICTED, BLOCKED, NONE, NEGOTIATED, UNKNOWN).
    `restrictions`: the types of restriction (PROFESSIONAL_USE, ...). `condition`: NEW, USED, ...
    """

    offer_id: str
    price: Decimal | None = None
    currency: str | None = None
    price_type: str | None = None
    buying_guidance: str | None = None
    merchant_name: str | None = None
    quantity_limits: QuantityLimits = UNLIMITED
    availability: str | None = None
    fulfillment_type: str | None = None
    restrictions: tuple[str, ...] = ()
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """`asin_type`: STANDARD, VARIATION_CHILD, or VARIATION_PARENT, which nobody can buy.

    `package_types` are Amazon's words for what one unit is ("12 Count"); `unspsc` is the first such code.
    """

    asin: str
    asin_type: str | None = None
    title: str | None = None
    bundle_quantity: int | None = None
    package_types: tuple[str, ...] = ()
    unspsc: str | None = None
    offers: tuple[Offer, ...] = ()


def read_offer(raw: Json) -> Offer:
    """Raises ValueError where there is no id to order by."""
    if (offer_id := text(raw, "offerId")) is None:
        raise ValueError("an offer has no offerId")
    limits = QuantityLimits(count(raw, "quantityLimits", "minQuantity"), count(raw, "quantityLimits", "maxQuantity"))
    amount, currency = exact(raw, "price", "value", "amount"), text(raw, "price", "value", "currencyCode")
    return Offer(
        offer_id=offer_id,
        price=amount if currency else None,
        currency=currency if amount is not None else None,
        price_type=text(raw, "price", "priceType"),
        buying_guidance=text(raw, "buyingGuidance"),
        merchant_name=text(raw, "merchant", "name"),
        quantity_limits=limits,
        availability=text(raw, "availability"),
        fulfillment_type=text(raw, "fulfillmentType"),
        restrictions=tuple(
            word for one in objects(raw, "buyingRestrictions") if (word := text(one, "type") or text(one, "title"))
        ),
        condition=text(raw, "condition", "conditionValue") or text(raw, "productCondition"),
    )


def read_product(raw: Json) -> Product:
    """With its offers, as far as they can be ordered. Raises ValueError where there is no ASIN."""
    if (asin := text(raw, "asin")) is None:
        raise ValueError("a product has no asin")
    codes = (text(one, "taxonomyCode") for one in objects(raw, "taxonomies") if text(one, "type") == "UNSPSC")
    return Product(
        asin=asin,
        asin_type=text(raw, "asinType"),
        title=text(raw, "title"),
        bundle_quantity=count(raw, "bundleQuantity"),
        package_types=tuple(
            name for one in objects(raw, "packageTypeNames") if (name := text(one, "displayString")) is not None
        ),
        unspsc=next((code for code in codes if code), None),
        offers=tuple(read_offer(one) for one in objects(raw, "includedDataTypes", "OFFERS") if text(one, "offerId")),
    )
