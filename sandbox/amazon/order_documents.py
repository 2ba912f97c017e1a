"""The Reporting documents of orders placed here: one Amazon order per seller and address, its lines, its money.

Prices are JSON numbers. Lines name their seller as other orders of the world do, where there are any.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sandbox.amazon import ids
from sandbox.amazon.amounts import number_money
from sandbox.amazon.offers import Offer
from sandbox.amazon.order_request import OrderRequest
from sandbox.amazon.safeguards import Charges, Verdict
from sandbox.amazon.state import AmazonState
from sandbox.clock import write_moment
from sandbox.seed import Json

CODE_NAMES = {"glAccount": "glCode", "generalLedger": "glCode", "gl": "glCode"}
ADDRESS: Json = {
    "addressLine1": "9 Sample St", "city": "Seattle", "stateOrRegion": "WA", "postalCode": "98109", "countryCode": "US",
}  # fmt: skip


def write_order(state: AmazonState, request: OrderRequest, verdicts: Sequence[Verdict], part: int) -> Json:
    """Adds the `part`th Amazon order of the request, from accepted lines only; returns what is kept of it."""
    now = state.now()
    name = ids.order_id(state, request.external_id, part)
    metadata = {"orderDate": write_moment(now), "orderId": name, "region": request.region}
    lines = {}
    for position, verdict in enumerate(verdicts, start=1):
        line_id = lines[verdict.line.external_id] = ids.line_id(state, name, position)
        state.add_report("order_lines", _line(state, request, verdict, metadata | {}, line_id))
    charges = [one.charges for one in verdicts]
    business = business_order_info(verdicts)
    document = {
        "orderMetadata": metadata,
        "purchaseOrderNumber": request.po_number,
        "orderStatus": "PAYMENT_CONFIRMED",
        "charges": reporting_charges(charges, request.currency),
        "buyingCustomer": {"name": _name_of(state, request.buyer), "email": request.buyer},
        "buyerGroup": {"name": request.group},
    }
    state.add_report("orders", document | ({"businessOrderInfo": business} if business else {}))
    promises = [one.delivery for one in verdicts if one.delivery]
    return {
        "orderId": name,
        "externalId": request.external_id,
        "lines": lines,
        "shipTo": verdicts[0].line.ship_to,
        "promised": [write_moment(min(one for one, _ in promises)), write_moment(max(one for _, one in promises))],
        "taxRate": _tax_rate(charges),
    }


def _tax_rate(charges: Sequence[Charges]) -> str:
    net = sum((one.subtotal + one.shipping for one in charges), Decimal(0))
    tax = sum((one.by_source()["TAX"] for one in charges), Decimal(0))
    return str((tax / net).quantize(Decimal("0.0001"))) if net else "0"


def reporting_charges(parts: Sequence[Charges], currency: str) -> list[Json]:
    """Of one line or of several; shipping and tax only where there are any."""
    subtotal = sum((one.subtotal for one in parts), Decimal(0))
    shipping = sum((one.shipping for one in parts), Decimal(0))
    tax = sum((one.subtotal_tax + one.shipping_tax for one in parts), Decimal(0))
    rows = [("SUBTOTAL", subtotal)]
    rows += [(kind, amount) for kind, amount in (("SHIPPING_AND_HANDLING", shipping), ("TAX", tax)) if amount]
    rows.append(("NET_TOTAL", subtotal + shipping + tax))
    return [{"type": kind, "amount": number_money(amount, currency)} for kind, amount in rows]


def business_order_info(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The accounting of the first line that has one, under Reporting's names: `cost-center` is `costCenter`."""
    segments = next((one.line.segments for one in verdicts if one.line.segments), ())
    info: dict[str, str] = {}
    for kind, value in segments:
        first, *rest = [word for word in re.split(r"[^A-Za-z0-9]+", kind) if word] or [kind]
        name = first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in rest)
        info.setdefault(CODE_NAMES.get(name, name), value)
    return info


def _line(state: AmazonState, request: OrderRequest, verdict: Verdict, metadata: Json, line_id: str) -> Json:
    assert verdict.offer is not None
    return {
        "orderMetadata": metadata,
        "orderLineItemId": line_id,
        "purchaseOrderNumber": request.po_number,
        "purchaseOrderLineItemNumber": verdict.line.external_id,
        "productDetails": _product_details(verdict.offer),
        "quantity": verdict.accepted,
        "unitPrice": number_money(verdict.offer.price, request.currency),
        "charges": reporting_charges([verdict.charges], request.currency),
        "taxExemption": {"applied": False, "type": "None", "optOut": False},
        "seller": _seller(state, verdict.offer),
    }


def _product_details(offer: Offer) -> Json:
    product = offer.product
    codes = [one for one in product.get("taxonomies") or () if one.get("type") == "UNSPSC"]
    maker = str(product.get("manufacturerName") or offer.seller)
    condition = (offer.document.get("condition") or {}).get("conditionValue") or "NEW"
    return {
        "productCategory": str(codes[0]["title"]) if codes else "Unknown",
        "asin": str(product["asin"]),
        "title": str(product.get("title", "")),
        "unspsc": {"code": str(codes[0]["taxonomyCode"]) if codes else "00000000"},
        "productCondition": str(condition).capitalize(),
        "brandCode": "GEN01",
        "brandName": "Generic",
        "manufacturerName": maker,
        "serialNumbers": [],
    }


def _seller(state: AmazonState, offer: Offer) -> Json:
    for row in reversed(state.seed.order_lines):
        seller: Json = row.document.get("seller") or {}
        if seller.get("name") == offer.seller:
            return seller
    certificates = [str(one) for one in (offer.document.get("merchant") or {}).get("certificates") or ()]
    seller = {"name": offer.seller, "primaryAddress": ADDRESS}
    details = [{"certificateType": one, "certifyingAgenciesDetails": []} for one in certificates]
    return seller | ({"credentials": {"types": certificates, "details": details}} if certificates else {})


def _name_of(state: AmazonState, email: str) -> str:
    for row in state.seed.orders:
        customer = row.document.get("buyingCustomer") or {}
        if customer.get("email") == email:
            return str(customer["name"])
    return email.partition("@")[0].replace(".", " ").title()


def write_range(delivery: tuple[datetime, datetime]) -> Json:
    return {"lowerBoundary": write_moment(delivery[0]), "upperBoundary": write_moment(delivery[1])}
