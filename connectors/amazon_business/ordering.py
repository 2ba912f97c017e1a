"""What buying needs of Amazon Business: offers and products, the order itself, what became of it, and its packages.

`place_order` is the only write. It makes one attempt; after an unknown outcome only `order_details` knows whether it
happened, so a "no such order" is believed only in Amazon's own words.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from pydantic import ValidationError

from connectors.amazon_business.operations import (
    GET_OFFERS,
    GET_PRODUCTS,
    GET_TRACKING,
    OPERATIONS,
    ORDER_DETAILS,
    PLACE_ORDER,
)
from connectors.amazon_business.order_requests import PlaceOrderRequest
from connectors.amazon_business.order_results import OrderResult
from connectors.amazon_business.products import (
    INCLUDED_OF_OFFERS,
    INCLUDED_OF_PRODUCTS,
    LOCALES,
    Offer,
    Product,
    read_offer,
    read_product,
)
from connectors.amazon_business.tracking import PackageTracking, read_tracking
from connectors.checks import Given, checked
from connectors.concurrency import batched, in_order
from connectors.errors import AuthError, NotFound, UncertainOutcome, UnexpectedResponse
from connectors.http import Edge, Permit
from connectors.operations import Operation
from connectors.paging import read_rows
from connectors.tally import Json

Record = TypeVar("Record")

PRODUCTS_A_CALL = 30  # and offers
WORKERS = 4
UNKNOWN_USER = "EMAIL_ID_NOT_FOUND"  # Amazon's code; a 404 too, but it says nothing of the order


class Ordering:
    """`account` names the AB account in our keys; `region` is its marketplace; `user_email` is on whose behalf we act.

    Prices, policies and the right to see an order are that user's, so these calls raise ValueError without one.
    """

    def __init__(self, edge: Edge, *, account: str, region: str, user_email: str) -> None:
        self._edge = edge
        self.account, self.region, self.user_email = account, region, user_email

    def permit(self, operation: str) -> Permit:
        """Leave for one write (`placeOrder`); waits for rate and token. Refuses what could not be asked about later."""
        self._on_behalf()
        return self._edge.permit(OPERATIONS[operation])

    def place_order(self, request: PlaceOrderRequest | Given, permit: Permit) -> OrderResult:
        """One attempt to order, or with TrialMode to ask what would happen. Amazon's verdict is in the result alone:
        HTTP 200 may refuse everything.

        Raises NotSent, RejectedError (also for a body that breaks our model: never sent, the permit given back),
        AuthError, UncertainOutcome (also when the answer cannot be read: ask `order_details`).
        """
        body = checked(PlaceOrderRequest, request, PLACE_ORDER.name, permit)
        answer = self._edge.write(PLACE_ORDER, permit, json=body, headers=self._on_behalf())
        try:
            return OrderResult.model_validate(answer)
        except ValidationError as error:
            why = f"the answer is no order result ({_first(error)})"
            raise UncertainOutcome(why, operation=PLACE_ORDER.name) from None

    def order_details(self, external_id: str) -> OrderResult | None:
        """What became of the order that was placed under our key; None if Amazon says that it knows none."""
        if not external_id.strip():
            raise ValueError("an order is asked for by the externalId it was placed under")
        try:
            path = ORDER_DETAILS.at(externalId=external_id)
            answer = self._edge.read(ORDER_DETAILS, path=path, headers=self._on_behalf())
        except NotFound as error:
            if any(reason.startswith(UNKNOWN_USER) for reason in error.reasons):
                raise AuthError(f"404, check user_email ({error})", operation=ORDER_DETAILS.name, status=404) from None
            if not error.explained:
                why = "404 without Amazon's own words does not prove that there is no such order"
                raise UnexpectedResponse(why, operation=ORDER_DETAILS.name, status=404) from None
            return None
        try:
            return OrderResult.model_validate(answer)
        except ValidationError as error:
            raise UnexpectedResponse(_first(error), operation=ORDER_DETAILS.name) from None

    def offers(self, offer_ids: Iterable[str]) -> Iterator[Offer]:
        """Offers as they stand at this moment, 30 a call; those that are gone are absent."""
        headers, market = self._on_behalf(), self._market()

        def ask(ids: Sequence[str]) -> list[Offer]:
            asked = {"offersByOfferIdsRequest": [{"offerId": one} for one in ids], **market}
            query = {"inclusionsForOffers": INCLUDED_OF_OFFERS}
            body = self._edge.read(GET_OFFERS, query=query, json=asked, headers=headers)
            return [offer for offer in _read(GET_OFFERS, read_offer, body, rows="offers") if offer.offer_id in ids]

        return _each(ask, offer_ids)

    def products(self, asins: Iterable[str]) -> Iterator[Product]:
        """Products with up to ten of their offers, 30 a call; unknown ones are absent."""
        headers, market = self._on_behalf(), self._market()

        def ask(wanted: Sequence[str]) -> list[Product]:
            asked = {"productIds": list(wanted), **market, "facets": ["OFFERS"]}
            query = {"inclusionsForProducts": INCLUDED_OF_PRODUCTS, "inclusionsForOffers": INCLUDED_OF_OFFERS}
            body = self._edge.read(GET_PRODUCTS, query=query, json=asked, headers=headers)
            read = _read(GET_PRODUCTS, read_product, body, rows="products")
            return [product for product in read if product.asin in wanted]

        return _each(ask, asins)

    def package_tracking(self, order_id: str, shipment_id: str, package_id: str) -> PackageTracking | None:
        """Where one package is; None while Amazon has nothing on it."""
        path = GET_TRACKING.at(orderId=order_id, shipmentId=shipment_id, packageId=package_id)
        try:
            body = self._edge.read(GET_TRACKING, path=path, query={"region": self._marketplace()})
        except NotFound:
            return None
        details = body.get("packageTrackingDetails") if isinstance(body, dict) else body
        if details is None and isinstance(body, dict):
            return None
        return _read(GET_TRACKING, read_tracking, {"details": [details]}, rows="details")[0]

    def _on_behalf(self) -> dict[str, str]:
        if not self.user_email.strip():
            raise ValueError(
                f"Amazon Business account {self.account!r} has no user_email: buying is done on behalf of a user, so "
                "write the e-mail address of one who may order and see orders into the connection's field user_email"
            )
        return {"x-amz-user-email": self.user_email.strip()}

    def _marketplace(self) -> str:
        if self.region not in LOCALES:
            raise ValueError(
                f"Amazon Business account {self.account!r} has region {self.region!r}; write one of "
                f"{', '.join(LOCALES)} into the connection's field region"
            )
        return self.region

    def _market(self) -> Json:
        return {"productRegion": self._marketplace(), "locale": LOCALES[self.region]}


def _each(ask: Callable[[Sequence[str]], list[Record]], ids: Iterable[str]) -> Iterator[Record]:
    distinct = dict.fromkeys(one for one in ids if one.strip())
    return chain.from_iterable(in_order(ask, batched(distinct, PRODUCTS_A_CALL), workers=WORKERS))


def _read(operation: Operation, read: Callable[[Json], Record], body: object, *, rows: str) -> list[Record]:
    if not isinstance(body, dict):
        raise UnexpectedResponse("the answer is not an object", operation=operation.name)
    try:
        return [read(row) for row in read_rows(operation, body.get(rows) or [])]
    except ValueError as error:
        raise UnexpectedResponse(str(error), operation=operation.name) from None


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
