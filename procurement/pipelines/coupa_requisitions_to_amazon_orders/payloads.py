"""An order as the body of Amazon's POST /orders, and what the gate and the answer's reader need beside it.

Mechanical: every choice was made before. Prices travel as expectations, never as prices: Amazon refuses what is above
them. The cost of a line is split as the PO splits it, to the cent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from procurement.mapping.order_mapping import MappedLine, MappedOrder, Share
from procurement.money import Money, allocate
from procurement.order_gate import Judged
from procurement.order_results import Asked
from procurement.ordering import PartKey, WantedLine
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import TRIAL_SUFFIX

Json = dict[str, Any]
CAMEL = {
    "full_name": "fullName", "company_name": "companyName", "phone_number": "phoneNumber", "address_line1": "addressLine1",
    "address_line2": "addressLine2", "address_line3": "addressLine3", "city": "city", "state_or_region": "stateOrRegion",
    "postal_code": "postalCode", "country_code": "countryCode",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyLine:
    """A line that may be ordered: from this offer, at most at this price per unit."""

    wanted: WantedLine
    mapped: MappedLine
    offer_id: str
    most: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyOrder:
    """What all parts of a PO share. `buyer_email` orders; `approved_by` as the approvals stood when it was planned; `asked_amazon_at`
    (machine time): when Amazon was asked for orders of the PO."""

    judged: Judged
    mapped: MappedOrder
    buyer_email: str
    approved_by: tuple[str, ...]
    asked_amazon_at: datetime
    lines: Mapping[str, ReadyLine]


def order_payload(order: ReadyOrder, units: Mapping[str, int], key: PartKey, *, shipping: Money | None) -> Json:
    """{request, gate, asked}: `request` is sent as it is."""
    lines = [(order.lines[number], count) for number, count in units.items()]
    return {
        "request": {
            "externalId": str(key),
            "lineItems": [_line(line, count) for line, count in lines],
            "attributes": _attributes(order, key),
            "expectations": _shipping(shipping),
        },
        "gate": order.judged.write(),
        "approved_by": list(order.approved_by),
        "asked_amazon_at": order.asked_amazon_at.isoformat(),
        "asked": [
            {
                "number": line.wanted.number, "line_id": line.wanted.line_id, "asin": line.mapped.asin, "units": count,
                "price": str(line.wanted.price.amount), "currency": line.wanted.price.currency,
            }
            for line, count in lines
        ],
    }  # fmt: skip


def trial_payload(payload: Json) -> Json:
    """The same order, only asked about: under an externalId of its own, so that the order's stays unused."""
    request = payload["request"]
    return {
        **payload,
        "request": {
            **request,
            "externalId": f"{request['externalId']}{TRIAL_SUFFIX}",
            "attributes": [*request["attributes"], {"attributeType": "TrialMode"}],
        },
    }


def asked_of(payload: Mapping[str, Any]) -> dict[str, Asked]:
    """What a payload asks for, by line number."""
    return {
        line["number"]: Asked(
            number=line["number"],
            asin=line["asin"],
            units=line["units"],
            price=Money.of(line["price"], line["currency"]),
        )
        for line in payload["asked"]
    }


def _attributes(order: ReadyOrder, key: PartKey) -> list[Json]:
    mapped = order.mapped
    attributes: list[Json] = [
        {"attributeType": "Region", "region": mapped.region},
        {"attributeType": "PurchaseOrderNumber", "purchaseOrderNumber": key.po_number},
        {
            "attributeType": "BuyerReference",
            "userReference": {"userReferenceType": "UserEmail", "emailAddress": order.buyer_email},
        },
        {
            "attributeType": "BuyingGroupReference",
            "groupReference": {"groupReferenceType": "GroupIdentity", "identifier": mapped.buying_group},
        },
        {
            "attributeType": "SelectedPaymentMethodReference",
            "paymentMethodReference": {"paymentMethodReferenceType": "StoredPaymentMethod"},
        },
        {"attributeType": "ShippingAddress", "address": _address(mapped.ship_to)},
    ]
    if mapped.delivery_preference:
        attributes.append({"attributeType": "DeliveryPreference", "shipPreference": mapped.delivery_preference})
    if mapped.auxiliary:
        values = {name: {"value": value} for name, value in mapped.auxiliary.items()}
        attributes.append({"attributeType": "Auxiliary", "values": values})
    return attributes


def _address(ship_to: Mapping[str, str]) -> Json:
    physical = {CAMEL[name]: value for name, value in ship_to.items() if name in CAMEL}
    return {
        "addressType": "ExternalAddress",
        "addressId": ship_to["address_id"],
        "address": {"addressType": "PhysicalAddress", **physical},
    }


def _line(line: ReadyLine, units: int) -> Json:
    return {
        "externalId": line.wanted.number,
        "quantity": units,
        "attributes": [
            {
                "attributeType": "SelectedProductReference",
                "productReference": {"productReferenceType": "ProductIdentifier", "id": line.mapped.asin},
            },
            {
                "attributeType": "SelectedBuyingOptionReference",
                "buyingOptionReference": {"buyingOptionReferenceType": "BuyingOptionIdentifier", "id": line.offer_id},
            },
            *_distribution(line.mapped.shares, (line.wanted.price * units).rounded()),
        ],
        "expectations": [{"expectationType": "ExpectedUnitPrice", "amount": _amount(line.most)}],
    }


def _distribution(shares: Sequence[Share], whole: Money) -> list[Json]:
    """Largest remainder: the parts are the line's cost, to the cent."""
    if not shares:
        return []
    return [
        {
            "attributeType": "Distribution",
            "accounting": {
                "name": share.name,
                "segments": [
                    {"id": segment.id, "type": segment.type, "description": segment.name} for segment in share.segments
                ],
            },
            "charge": {"amount": _amount(part)},
        }
        for share, part in zip(shares, allocate(whole, _weights(shares)), strict=True)
    ]


def _weights(shares: Sequence[Share]) -> list[Decimal]:
    """Percentages where every share has one, else amounts; shares that say neither weigh the same."""
    for name in ("pct", "amount"):
        values = [getattr(share, name) for share in shares]
        if all(value is not None for value in values):
            return values
    return [Decimal(1)] * len(shares)


def _shipping(most: Money | None) -> list[Json]:
    if most is None:
        return []
    return [{"expectationType": "ExpectedCharge", "source": "SHIPPING", "amount": _amount(most)}]


def _amount(money: Money) -> Json:
    return {"currencyCode": money.currency, "amount": money.amount}
