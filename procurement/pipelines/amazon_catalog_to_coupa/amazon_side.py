"""Amazon's side of the catalog: a product as `Article`, and which articles belong into it beside those of Coupa."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from connectors.amazon_business.catalog import image_of, tiers_of
from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.products import Offer, Product, read_product
from connectors.amazon_business.raw import text
from procurement.catalog.entries import BOUGHT, BOUGHT_NEGOTIATED, Article, Tier
from procurement.catalog.rules import CatalogFile
from procurement.money import MINOR_UNITS

Json = dict[str, Any]
NEW = "new"


def read_article(raw: Json, rules: CatalogFile) -> Article:
    """The product with the offer that counts; ValueError where it has no ASIN."""
    product = read_product(raw)
    offer = offer_that_counts(product.offers, rules)
    shown = offer if offer is not None else next(iter(product.offers), None)
    tiers = tiers_of(raw, offer.offer_id) if offer is not None else ()
    return Article(
        sold=True, offers=len(product.offers), title=product.title,
        price=offer.price if offer else None, currency=offer.currency if offer else None,
        guidance=offer.buying_guidance if offer else None, seller=offer.merchant_name if offer else None,
        tiers=tuple(
            Tier(one.units, one.price, one.shown, one.until)
            for one in tiers if one.currency == (offer and offer.currency)
        ),
        least=offer.quantity_limits.min if offer else None, most=offer.quantity_limits.max if offer else None,
        availability=shown.availability if shown else None, unspsc=product.unspsc, image=image_of(raw),
        manufacturer=text(raw, "manufacturerName"), pack=pack_of(product), package=next(iter(product.package_types), None),
        restrictions=offer.restrictions if offer else (),
    )  # fmt: skip


def offer_that_counts(offers: tuple[Offer, ...], rules: CatalogFile) -> Offer | None:
    """The cheapest new one of the first accepted kind of guidance that has any; the same for the same offers in any order."""
    for guidance in rules.offers.accept:
        fitting = [one for one in offers if (one.buying_guidance or "UNKNOWN") == guidance and _is_priced(one)]
        if fitting:
            return min(fitting, key=lambda one: (one.price, one.merchant_name or "", one.offer_id))
    return None


def _is_priced(offer: Offer) -> bool:
    return offer.price is not None and offer.currency in MINOR_UNITS and is_new(offer)


def is_new(offer: Offer) -> bool:
    """Amazon says it as a word of its list or as a text; what it does not say is new."""
    return offer.condition is None or offer.condition.casefold() == NEW


def pack_of(product: Product) -> str | None:
    """What one unit is, in Amazon's words: the packages it names and how many pieces are bundled."""
    parts = [*product.package_types, *([f"bundle of {product.bundle_quantity}"] if product.bundle_quantity else [])]
    return ", ".join(parts) or None


def origins(amazon: AmazonBusiness, rules: CatalogFile, now: datetime) -> Iterator[tuple[str, str]]:
    """(ASIN, why it belongs into the catalog): lists and searches of catalog.yml, and what was bought lately."""
    for listed in rules.reading.lists:
        yield from ((asin, f"list {listed.name}") for asin in listed.asins)
    for search in rules.reading.searches:
        yield from ((asin, f"search {search.name}") for asin in amazon.search_asins(search.keywords, most=search.most))
    if rules.reading.bought_days:
        since = now - timedelta(days=rules.reading.bought_days)
        for page in amazon.order_line_pages(since, now):
            yield from _bought(page, rules)


def _bought(page: Iterable[Json], rules: CatalogFile) -> Iterator[tuple[str, str]]:
    """Where the rule file names pricing programs, only what was bought under one of them, whatever is offered today."""
    for row in page:
        asin = text(row, "productDetails", "asin")
        if asin is None:
            continue
        if not rules.reading.negotiated_programs:
            yield asin, BOUGHT
        elif rules.is_negotiated(text(row, "pricingProgram", "name")):
            yield asin, BOUGHT_NEGOTIATED
