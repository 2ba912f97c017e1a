"""A purchase as the compliance rules see it: an Amazon order, or a Coupa document that would become one.

Amounts are goods alone, quantity x unit price to the cent, in the purchase's one currency: without tax, shipping and
promotions. Moments are aware. Reporting API 2025-06-09: the buyer, the coding and the status stand on the order, seller,
article and price on its lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from procurement.errors import MoneyError, RecordError
from procurement.money import minor_unit, round_to, to_decimal
from procurement.sellers.identity import Party, Place

Json = Mapping[str, Any]
ZERO = Decimal(0)
CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Credential:
    """A certification as Amazon shows it; `expires` None where it gives no day."""

    type: str
    expires: date | None = None
    agency: str = ""


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """`seller` is known of Amazon's orders only. `commodity` is Coupa's: from the PO, else by UNSPSC."""

    id: str
    asin: str
    quantity: Decimal
    unit_price: Decimal | None
    amount: Decimal
    title: str = ""
    unspsc: str = ""
    commodity: str = ""
    seller: Party | None = None
    credentials: tuple[Credential, ...] = ()
    cost_center: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """`key` is Amazon's order id, or the PO's or requisition's number of what is not ordered yet (`placed` False).

    `country` is where it was bought, `zone` that marketplace's, `supplier` the Coupa supplier that stands for Amazon.
    `po_cost_centers`: all that Coupa codes it to, shares of split lines included."""

    key: str
    ordered_at: datetime
    currency: str
    lines: tuple[PurchaseLine, ...]
    po_number: str | None = None
    buyer: str = ""
    buyer_name: str = ""
    cost_center: str = ""
    country: str = ""
    supplier: str = ""
    zone: tzinfo = UTC
    cancelled: bool = False
    placed: bool = True
    approved_by: frozenset[str] = field(default_factory=frozenset)  # Coupa logins
    po_cost_centers: frozenset[str] = field(default_factory=frozenset)

    @property
    def day(self) -> date:
        """On which it was ordered, where the marketplace is: contracts and certifications end with a day."""
        return self.ordered_at.astimezone(self.zone).date()

    @property
    def amount(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    def cost_center_of(self, line: PurchaseLine) -> str:
        return line.cost_center or self.cost_center

    def units_of(self, asin: str) -> Decimal:
        """Of an article, on all lines: terms by order count them together."""
        return sum((line.quantity for line in self.lines if line.asin == asin), ZERO)

    @property
    def cost_centers(self) -> frozenset[str]:
        """All that pay for it."""
        return self.po_cost_centers | {center for line in self.lines if (center := self.cost_center_of(line))}


def line_amount(raw: Json) -> tuple[Decimal | None, str | None]:
    """Goods of a raw order line: quantity x unit price to the cent, or Amazon's SUBTOTAL where there is no price.

    (None, None) where neither can be read."""
    price = raw.get("unitPrice")
    try:
        if isinstance(price, Mapping):
            currency = str(price["currencyCode"])
            return round_to(to_decimal(price["amount"]) * to_decimal(raw["quantity"]), minor_unit(currency)), currency
        for charge in raw.get("charges") or ():
            if charge.get("type") == "SUBTOTAL":
                money = charge["amount"]
                return to_decimal(money["amount"]), str(money["currencyCode"])
    except (KeyError, TypeError, AttributeError, MoneyError):
        return None, None
    return None, None


def order_amount(lines: Sequence[Json]) -> tuple[Decimal | None, str | None]:
    """Goods of a raw order; (None, None) where a line cannot be read or the currencies differ."""
    total, currency = ZERO, None
    for raw in lines:
        amount, of = line_amount(raw)
        if amount is None or of != (currency or of):
            return None, None
        total, currency = total + amount, of
    return (total, currency) if currency else (None, None)


@dataclass(frozen=True, slots=True)
class Coding:
    """What the account adds to Amazon's order: where it buys, who stands for Amazon in Coupa, commodities by UNSPSC, the time zone."""

    country: str = ""
    supplier: str = ""
    commodities: Mapping[str, str] = field(default_factory=dict)  # by UNSPSC code, looked up beforehand
    zone: tzinfo = UTC


def read_purchase(raw: Json, coding: Coding) -> Purchase:
    """`raw`: {order, lines}, Amazon's rows as they were read. RecordError with every reason why it cannot be judged."""
    order, rows = raw["order"], list(raw.get("lines") or ())
    metadata = order.get("orderMetadata") or {}
    key, problems = str(metadata.get("orderId") or ""), list[str]()
    ordered_at = _moment(metadata.get("orderDate"))
    if ordered_at is None:
        problems.append("It has no order date.")
    if not rows:
        problems.append("Amazon's report shows no line of it.")
    total, currency = order_amount(rows)
    if rows and total is None:
        problems.append("The price of a line cannot be read, or its lines have several currencies.")
    if problems or ordered_at is None or currency is None:
        raise RecordError(f"order {key}", problems)
    buyer, coded = order.get("buyingCustomer") or {}, order.get("businessOrderInfo") or {}
    return Purchase(
        key=key, ordered_at=ordered_at, currency=currency, lines=tuple(_line(row, coding) for row in rows),
        po_number=_text(order.get("purchaseOrderNumber")) or None, buyer=_text(buyer.get("email")).lower(),
        buyer_name=_text(buyer.get("name")), cost_center=_text(coded.get("costCenter")), country=coding.country,
        supplier=coding.supplier, zone=coding.zone, cancelled=order.get("orderStatus") == CANCELLED,
    )  # fmt: skip


def _line(raw: Json, coding: Coding) -> PurchaseLine:
    product, price, seller = raw.get("productDetails") or {}, raw.get("unitPrice") or {}, raw.get("seller")
    amount, _ = line_amount(raw)
    unspsc = _text((product.get("unspsc") or {}).get("code"))
    return PurchaseLine(
        id=_text(raw.get("orderLineItemId")), asin=_text(product.get("asin")), title=_text(product.get("title")),
        unspsc=unspsc, commodity=coding.commodities.get(unspsc, ""), quantity=to_decimal(raw.get("quantity") or 0),
        unit_price=to_decimal(price["amount"]) if price else None, amount=amount if amount is not None else ZERO,
        seller=_seller(seller) if isinstance(seller, Mapping) and seller.get("name") else None,
        credentials=_credentials(seller) if isinstance(seller, Mapping) else (),
    )  # fmt: skip


def _seller(raw: Json) -> Party:
    address = raw.get("primaryAddress") or {}
    return Party(_text(raw["name"]), Place(
        street=_text(address.get("addressLine1")), city=_text(address.get("city")),
        region=_text(address.get("stateOrRegion")), postal_code=_text(address.get("postalCode")),
        country=_text(address.get("countryCode")),
    ))  # fmt: skip


def _credentials(seller: Json) -> tuple[Credential, ...]:
    """Amazon lists types, and details with agencies and days; a type without details has no day."""
    held = seller.get("credentials") or {}
    detailed: list[Credential] = [
        Credential(_text(detail.get("certificateType")), _day(agency.get("certificateExpirationDate")), _text(agency.get("agencyName")))
        for detail in held.get("details") or ()
        for agency in detail.get("certifyingAgenciesDetails") or [dict[str, Any]()]
    ]  # fmt: skip
    named = {one.type for one in detailed}
    return (*detailed, *(Credential(_text(name)) for name in held.get("types") or () if _text(name) not in named))


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _moment(value: Any) -> datetime | None:
    """Aware UTC; None where it is no moment."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _day(value: Any) -> date | None:
    moment = _moment(value) if value else None
    return moment.date() if moment else None
