"""What Amazon sells, and at which price: the seed's products as they read now, and the events that change an offer.

The price that an offer shows is the one that an order is charged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.amazon.amounts import number_money, read_amount
from sandbox.amazon.state import AmazonState
from sandbox.clock import read_moment
from sandbox.seed import Json, Timed

OFFERS = "OFFERS"


@dataclass(frozen=True, slots=True)
class Offer:
    """`product` and `document` in Product Search's form."""

    product: Json
    document: Json

    @property
    def id(self) -> str:
        return str(self.document["offerId"])

    @property
    def price(self) -> Decimal:
        return read_amount(self.document["price"]["value"]["amount"], "price")

    @property
    def currency(self) -> str:
        return str(self.document["price"]["value"]["currencyCode"])

    @property
    def seller(self) -> str:
        return str((self.document.get("merchant") or {}).get("name") or "Amazon.com")

    @property
    def limits(self) -> tuple[int, int | None]:
        """The least and the most units of one line."""
        limits = self.document.get("quantityLimits") or {}
        return int(limits.get("minQuantity") or 1), limits.get("maxQuantity")

    def shipping(self, subtotal: Decimal) -> Decimal:
        """The cheapest way; free from its threshold on, and where the offer says nothing."""
        return min((_cost(option, subtotal) for option in self._options()), default=Decimal(0))

    def delivery(self, subtotal: Decimal) -> tuple[datetime, datetime] | None:
        """When the cheapest way arrives; None where the offer says nothing."""
        options = [one for one in self._options() if one.get("deliveryRange")]
        if not options:
            return None
        days = min(options, key=lambda option: _cost(option, subtotal))["deliveryRange"]
        return read_moment(days["min"]), read_moment(days["max"])

    def _options(self) -> Sequence[Json]:
        return self.document.get("shippingOptions") or ()


def _cost(option: Json, subtotal: Decimal) -> Decimal:
    threshold = (option.get("thresholdCost") or {}).get("value")
    if threshold and subtotal >= read_amount(threshold["amount"], "thresholdCost"):
        return Decimal(0)
    return read_amount(option["shippingCost"]["value"]["amount"], "shippingCost")


def products(state: AmazonState, now: datetime) -> Iterator[Json]:
    for row in state.seed.products:
        document = row.at(now)
        if document is not None:
            yield document


def find_product(state: AmazonState, asin: str, now: datetime) -> Json | None:
    rows = (row for row in state.seed.products if row.document["asin"] == asin)
    return next((document for row in rows if (document := row.at(now)) is not None), None)


def offers_of(product: Json) -> list[Offer]:
    return [Offer(product, one) for one in product.get("includedDataTypes", {}).get(OFFERS) or ()]


def find_offer(state: AmazonState, offer_id: str, now: datetime) -> Offer | None:
    every = (offer for product in products(state, now) for offer in offers_of(product))
    return next((offer for offer in every if offer.id == offer_id), None)


def reprice_offer(state: AmazonState, body: Json) -> Any:
    row, offer = _row_of_offer(state, body)
    price = read_amount(body.get("price"), "price")
    money = number_money(price, offer.currency)
    shown = f"${price:.2f}" if offer.currency == "USD" else f"{price:.2f} {offer.currency}"
    changed = {**offer.document, "price": {**offer.document["price"], "value": money, "formattedPrice": shown}}
    return _replace(state, row, offer, [changed])


def withdraw_offer(state: AmazonState, body: Json) -> Any:
    row, offer = _row_of_offer(state, body)
    return _replace(state, row, offer, [])


def add_offer(state: AmazonState, body: Json) -> Any:
    added = body.get("offer")
    if not isinstance(added, dict) or not added.get("offerId"):
        raise ValueError("offer is an object in Product Search's form, with its offerId")
    read_amount(((added.get("price") or {}).get("value") or {}).get("amount"), "the offer's price.value.amount")
    if find_offer(state, str(added["offerId"]), state.now()) is not None:
        raise ValueError(f"there is an offer {added['offerId']!r} already")
    for row in state.seed.products:
        document = row.at(state.now())
        if document is not None and document["asin"] == body.get("asin"):
            return _change(state, row, [one.document for one in offers_of(document)] + [added])
    raise LookupError(f"no product {body.get('asin')!r}")


def _row_of_offer(state: AmazonState, body: Json) -> tuple[Timed, Offer]:
    for row in state.seed.products:
        for offer in offers_of(row.at(state.now()) or {}):
            if offer.id == body.get("offerId"):
                return row, offer
    raise LookupError(f"no offer {body.get('offerId')!r}")


def _replace(state: AmazonState, row: Timed, offer: Offer, by: list[Json]) -> Any:
    kept = [[one.document] if one.id != offer.id else by for one in offers_of(offer.product)]
    return _change(state, row, [document for part in kept for document in part])


def _change(state: AmazonState, row: Timed, offers: list[Json]) -> Any:
    included = (row.at(state.now()) or {}).get("includedDataTypes", {})
    return state.change(row, includedDataTypes={**included, OFFERS: offers})
