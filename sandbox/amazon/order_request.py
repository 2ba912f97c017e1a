"""What a placeOrder body asks for, once it keeps every published rule; anything else is 400 INVALID_REQUEST_PARAMETER.

An attribute given for the order holds for every line that does not set it. An order's ExpectedUnitPrice holds for
every line likewise; its ExpectedCharge is about the sum of the whole order.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from pydantic import ValidationError

from sandbox.amazon import order_models as models
from sandbox.amazon.errors import invalid
from sandbox.exchange import Call
from sandbox.seed import Json

CURRENCIES = {
    "US": "USD", "CA": "CAD", "MX": "MXN", "UK": "GBP", "DE": "EUR", "FR": "EUR", "IT": "EUR", "ES": "EUR",
    "IN": "INR", "JP": "JPY", "AU": "AUD",
}  # fmt: skip
REQUIRED = (
    models.Region, models.PurchaseOrderNumber, models.BuyerReference, models.BuyingGroupReference,
    models.SelectedPaymentMethodReference,
)  # fmt: skip
OF_LINES = (
    models.ShippingAddress, models.SelectedProductReference, models.SelectedBuyingOptionReference,
    models.DeliveryPreference, models.Distribution, models.Auxiliary,
)  # fmt: skip
ADDRESS = ("fullName", "addressLine1", "addressLine2", "city", "stateOrRegion", "postalCode", "countryCode")
REPEATABLE = (models.Distribution, models.Auxiliary)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class LineRequest:
    """`unit_price` and `charges` are what the buyer expects at most; `charges` by source, of this line alone."""

    external_id: str
    quantity: int
    asin: str
    offer_id: str | None
    ship_to: Json
    segments: tuple[tuple[str, str], ...]  # (type, id) of the line's accounting
    unit_price: Decimal | None
    charges: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """`hash` tells one body from another; `charges` are the most that the buyer expects for the whole order."""

    external_id: str
    hash: str
    region: str
    currency: str
    po_number: str
    buyer: str
    group: str
    trial: bool
    lines: tuple[LineRequest, ...]
    charges: Mapping[str, Decimal]


def read_order(call: Call) -> OrderRequest:
    """Refusal 400 with every problem of the form, or the first rule that the whole breaks."""
    try:
        body = json.loads(call.body, parse_float=Decimal)
    except ValueError:
        raise invalid("The request body is not valid JSON.") from None
    try:
        request = models.PlaceOrderRequest.model_validate(body)
    except ValidationError as problem:
        problems = [f"{_place(error['loc'])}: {error['msg']}" for error in problem.errors()]
        raise invalid(f"The request is not valid at {problems[0]}", details="; ".join(problems)) from None
    _check_levels(request)
    region = _one(request.attributes, models.Region)
    buyer, group = (
        _one(request.attributes, models.BuyerReference),
        _one(request.attributes, models.BuyingGroupReference),
    )
    number = _one(request.attributes, models.PurchaseOrderNumber)
    assert region is not None
    assert buyer is not None
    assert group is not None
    assert number is not None
    currency = CURRENCIES[region.region]
    _check_currency(request, currency)
    return OrderRequest(
        external_id=request.external_id,
        hash=hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest(),
        region=region.region,
        currency=currency,
        po_number=number.purchase_order_number,
        buyer=buyer.user_reference.email_address,
        group=group.group_reference.identifier,
        trial=_one(request.attributes, models.TrialMode) is not None,
        lines=tuple(_read_line(request, line) for line in request.line_items),
        charges=_charges(request.expectations),
    )


def _read_line(request: models.PlaceOrderRequest, line: models.RequestLineItem) -> LineRequest:
    levels = (line.attributes, request.attributes)
    product = _first(levels, models.SelectedProductReference)
    address = _first(levels, models.ShippingAddress)
    if product is None:
        raise invalid(f"Line {line.external_id} has no SelectedProductReference.")
    if address is None:
        raise invalid(f"Line {line.external_id} has no ShippingAddress, and the order has none.")
    offer = _first(levels, models.SelectedBuyingOptionReference)
    splits = next((found for level in levels if (found := _all(level, models.Distribution))), [])
    price = _first((line.expectations, request.expectations), models.ExpectedUnitPrice)
    return LineRequest(
        external_id=line.external_id,
        quantity=line.quantity,
        asin=product.product_reference.id,
        offer_id=offer.buying_option_reference.id if offer else None,
        ship_to=_physical(line.external_id, address.address),
        segments=tuple((segment.type, segment.id) for one in splits for segment in one.accounting.segments),
        unit_price=price.amount.amount if price else None,
        charges=_charges(line.expectations),
    )


def _physical(line: str, address: models.PhysicalAddress | models.ExternalAddress) -> Json:
    """In Reporting's form, which knows no company and no third line."""
    plain = address.address if isinstance(address, models.ExternalAddress) else address
    if plain.country_code == "US" and not plain.state_or_region:
        raise invalid(f"The ShippingAddress of line {line} needs stateOrRegion.")
    whole = plain.model_dump(by_alias=True, exclude_none=True)
    return {name: value for name, value in whole.items() if name in ADDRESS and value}


def _check_levels(request: models.PlaceOrderRequest) -> None:
    for kind in REQUIRED:
        if _one(request.attributes, kind) is None:
            raise invalid(f"The order has no {kind.__name__}.")
    seen: set[str] = set()
    for line in request.line_items:
        if line.external_id in seen:
            raise invalid(f"Two lines have the externalId {line.external_id}.")
        seen.add(line.external_id)
        for attribute in line.attributes:
            if not isinstance(attribute, OF_LINES):
                raise invalid(f"{attribute.attribute_type} belongs to the order, not to line {line.external_id}.")
    levels: list[tuple[str, models.PlaceOrderRequest | models.RequestLineItem]] = [("The order", request)]
    levels += [(f"Line {line.external_id}", line) for line in request.line_items]
    for where, level in levels:
        once: list[str] = [one.attribute_type for one in level.attributes if not isinstance(one, REPEATABLE)]
        expected = [
            f"ExpectedCharge {one.source}" if isinstance(one, models.ExpectedCharge) else one.expectation_type
            for one in level.expectations
        ]
        for names in (once, expected):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise invalid(f"{where} has {twice[0]} more than once.")


def _check_currency(request: models.PlaceOrderRequest, currency: str) -> None:
    lines = [one for line in request.line_items for one in line.expectations]
    splits = [one for line in request.line_items for one in _all(line.attributes, models.Distribution)]
    money = [one.amount for one in (*request.expectations, *lines)]
    money += [one.charge.amount for one in splits if one.charge is not None]
    other = sorted({one.currency_code for one in money} - {currency})
    if other:
        raise invalid(f"Amounts are in {other[0]}; the region's currency is {currency}.")


def _charges(expectations: Sequence[object]) -> dict[str, Decimal]:
    return {one.source: one.amount.amount for one in _all(expectations, models.ExpectedCharge)}


def _all(level: Sequence[object], kind: type[A]) -> list[A]:
    return [one for one in level if isinstance(one, kind)]


def _one(level: Sequence[object], kind: type[A]) -> A | None:
    return next(iter(_all(level, kind)), None)


def _first(levels: Sequence[Sequence[object]], kind: type[A]) -> A | None:
    """From the nearest level that sets it."""
    return next((found for level in levels if (found := _one(level, kind)) is not None), None)


def _place(parts: Sequence[int | str]) -> str:
    """`lineItems[0].quantity`; the tags that pydantic puts between are left out."""
    names = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts if not str(part)[:1].isupper()]
    return "".join(names).lstrip(".") or "body"
