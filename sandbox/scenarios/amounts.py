"""Exact money of one charged line, and its two wire forms: text in Reconciliation, a JSON number in Reporting."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from decimal import ROUND_HALF_UP, Decimal

from sandbox.seed import Json

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
WIRE_NAMES = {
    "principal": "principalAmount",
    "shipping": "shippingCharge",
    "gift_wrap": "giftWrappingCharge",
    "regulatory_fee": "regulatoryFee",
    "discount": "discount",
    "tax": "tax",
}


def to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Amounts:
    """The components of one transaction line; `discount` is zero or negative on a charge. `total` is their sum."""

    principal: Decimal
    shipping: Decimal = ZERO
    gift_wrap: Decimal = ZERO
    regulatory_fee: Decimal = ZERO
    discount: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.principal + self.shipping + self.gift_wrap + self.regulatory_fee + self.discount + self.tax

    @property
    def taxable(self) -> Decimal:
        return self.principal + self.shipping + self.gift_wrap + self.discount

    def taxed(self, rate: Decimal) -> "Amounts":
        """The same with the tax on what is taxable, rounded half up to the cent."""
        return replace(self, tax=to_cents(self.taxable * rate))

    def negative(self) -> "Amounts":
        return Amounts(*(-getattr(self, part.name) for part in fields(self)))


def add_up(parts: Sequence[Amounts]) -> Amounts:
    """Component by component; all zero for no parts."""
    if len(parts) == 1:
        return parts[0]
    return Amounts(
        sum((part.principal for part in parts), ZERO),
        sum((part.shipping for part in parts), ZERO),
        sum((part.gift_wrap for part in parts), ZERO),
        sum((part.regulatory_fee for part in parts), ZERO),
        sum((part.discount for part in parts), ZERO),
        sum((part.tax for part in parts), ZERO),
    )


def text_money(amount: Decimal, currency: str) -> Json:
    return {"currencyCode": currency, "amount": str(amount)}


def number_money(amount: Decimal, currency: str) -> Json:
    """Reporting writes JSON numbers; a float holds two decimals of any real price exactly as printed."""
    return {"currencyCode": currency, "amount": float(amount)}


def reporting_charges(amounts: Amounts, currency: str) -> list[Json]:
    """Reporting's charge list: it has no type for gift wrap or fees, so both count as shipping and handling."""
    handling = amounts.shipping + amounts.gift_wrap + amounts.regulatory_fee
    rows = [("SUBTOTAL", amounts.principal), ("SHIPPING_AND_HANDLING", handling), ("PROMOTION", amounts.discount)]
    rows += [("TAX", amounts.tax), ("NET_TOTAL", amounts.total)]
    kept = [(kind, amount) for kind, amount in rows if amount or kind in ("SUBTOTAL", "NET_TOTAL")]
    return [{"type": kind, "amount": number_money(amount, currency)} for kind, amount in kept]
