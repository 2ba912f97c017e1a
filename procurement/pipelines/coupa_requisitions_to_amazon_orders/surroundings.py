"""What planning needs from both systems, read in as few calls as the APIs allow.

Coupa: purchase orders and requisitions with their approvals, 50 a call. Amazon: offers and products, 30 a call; whether it
already shows an order for a PO, one range for all younger POs and one call for each older one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors.amazon_business import products as catalog
from connectors.amazon_business.order_results import OrderResult
from procurement.ledger.types import Known
from procurement.money import MINOR_UNITS, Money
from procurement.ordering import Offer, Product

Json = dict[str, Any]
Pages = Iterable[Sequence[Json]]
BLOCKED = "BLOCKED"  # the company's own guidance at Amazon: nobody may buy it
NOT_BUYABLE = "VARIATION_PARENT"
BEFORE_ISSUE = timedelta(days=1)  # how long before its PO an order may have been placed by hand


class Requests(Protocol):
    """The part of the Coupa client that planning reads."""

    instance: str

    def purchase_orders(self, numbers: Iterable[str]) -> Pages: ...
    def requisitions(self, ids: Iterable[int]) -> Pages: ...


class Market(Protocol):
    """The part of the Amazon Business client that planning reads."""

    account: str
    region: str

    def offers(self, offer_ids: Iterable[str]) -> Iterable[catalog.Offer]: ...
    def products(self, asins: Iterable[str]) -> Iterable[catalog.Product]: ...
    def order_pages(self, order_from: datetime, order_to: datetime) -> Pages: ...
    def order_pages_by_po(self, po_number: str) -> Pages: ...
    def order_details(self, external_id: str) -> OrderResult | None: ...


KnownOrders = Callable[[Iterable[str]], Sequence[Known]]  # all orders of the ledger whose key begins so


def read_purchase_orders(coupa: Requests, numbers: Iterable[str]) -> dict[str, Json]:
    """The POs as Coupa shows them now, by number; unknown numbers are absent."""
    wanted = sorted(set(numbers))
    return {str(raw["po-number"]): raw for page in coupa.purchase_orders(wanted) for raw in page} if wanted else {}


def read_requisitions(coupa: Requests, ids: Iterable[int]) -> dict[int, Json]:
    wanted = sorted(set(ids))
    return {int(raw["id"]): raw for page in coupa.requisitions(wanted) for raw in page} if wanted else {}


def read_orders_at_amazon(
    amazon: Market, issued: Mapping[str, datetime], *, now: datetime, look_back: timedelta
) -> dict[str, list[str]]:
    """Ids of the orders that Amazon shows for these PO numbers, whoever placed them and whatever became of them."""
    young = {number: moment for number, moment in issued.items() if moment >= now - look_back}
    found: dict[str, list[str]] = {}
    if young:
        start = min(*young.values(), now) - BEFORE_ISSUE
        for number, order_id in _orders(amazon.order_pages(start, now)):
            if number in young:
                found.setdefault(number, []).append(order_id)
    for number in sorted(issued.keys() - young.keys()):
        if ids := orders_of_po(amazon, number):
            found[number] = ids
    return found


def orders_of_po(amazon: Market, number: str) -> list[str]:
    """Ids of the orders that Amazon shows for this PO number: one call."""
    return [order_id for named, order_id in _orders(amazon.order_pages_by_po(number)) if named in ("", number)]


def _orders(pages: Pages) -> Iterator[tuple[str, str]]:
    """(PO number, order id) of each order; an empty number where Amazon shows none."""
    for page in pages:
        for raw in page:
            metadata = raw.get("orderMetadata")
            order_id = metadata.get("orderId") if isinstance(metadata, Mapping) else None
            yield str(raw.get("purchaseOrderNumber") or "").strip(), str(order_id or "without an order id")


def read_offers(amazon: Market, ids: Iterable[str]) -> dict[str, Offer]:
    """The offers that still exist, by id."""
    wanted = sorted(set(ids))
    return {offer.offer_id: _offer(offer) for offer in amazon.offers(wanted)} if wanted else {}


def read_products(amazon: Market, asins: Iterable[str]) -> dict[str, Product]:
    """What Amazon sells now, by ASIN; unknown ones are absent."""
    wanted = sorted(set(asins))
    return {product.asin: _product(product) for product in amazon.products(wanted)} if wanted else {}


def _offer(offer: catalog.Offer) -> Offer:
    priced = offer.price is not None and offer.currency in MINOR_UNITS
    return Offer(
        id=offer.offer_id, seller=offer.merchant_name, blocked=offer.buying_guidance == BLOCKED,
        price=Money(offer.price, offer.currency) if priced and offer.price is not None and offer.currency else None,
        least=offer.quantity_limits.min, most=offer.quantity_limits.max,
    )  # fmt: skip


def _product(product: catalog.Product) -> Product:
    return Product(
        asin=product.asin, packages=product.package_types, bundle=product.bundle_quantity,
        buyable=product.asin_type != NOT_BUYABLE, offers=tuple(_offer(offer) for offer in product.offers),
    )  # fmt: skip
