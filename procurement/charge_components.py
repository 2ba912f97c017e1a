"""One charged or refunded line as Amazon gives it: its components, what is wrong with their shape, its tax by rate.

The tax is one amount, while goods, shipping and gift wrap have a rate each. `tax_by_rate` promises shares that come to the
tax exactly, each with what its rate applies to.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from procurement.money import UNIT_PRICE_PLACES, Money, allocate, minor_unit, round_to

ZERO, HUNDRED = Decimal(0), Decimal(100)
BASE_STEP = Decimal(1).scaleb(-UNIT_PRICE_PLACES)
AMOUNTS = ("principal", "shipping", "gift_wrap", "regulatory_fee", "discount", "tax")


class Components(Struct, frozen=True, kw_only=True):
    """One line as Amazon charged it; rates are percent. A refund's amounts are negative, its quantity is not."""

    is_refund: bool
    quantity: Decimal | None
    principal: Money
    total: Money
    unit_price: Money | None = None
    shipping: Money | None = None
    gift_wrap: Money | None = None
    regulatory_fee: Money | None = None
    discount: Money | None = None
    tax: Money | None = None
    tax_rate: Decimal | None = None
    shipping_tax_rate: Decimal | None = None
    gift_wrap_tax_rate: Decimal | None = None
    tax_exemption: str | None = None
    marketplace: str | None = None
    is_overrefund: bool = False
    commodity: str | None = None
    cost_center: str | None = None
    account: str | None = None
    supplier: str | None = None

    def amount(self, name: str) -> Decimal:
        money: Money | None = getattr(self, name)
        return money.amount if money is not None else ZERO

    @property
    def facts(self) -> dict[str, str | None]:
        """What the conditions of charges.yml look at."""
        return {
            "commodity": self.commodity, "cost_center": self.cost_center, "account": self.account,
            "country": self.marketplace, "supplier": self.supplier,
        }  # fmt: skip


def shape_problems(parts: Components) -> Iterator[str]:
    """Each completes the sentence 'Line n: ...'."""
    currency = parts.principal.currency
    amounts = (parts.total, parts.unit_price, *(getattr(parts, name) for name in AMOUNTS))
    others = {money.currency for money in amounts if money is not None} - {currency}
    if others:
        yield f"its amounts are in {', '.join(sorted({currency, *others}))}; one line has one currency."
    quantity, sign = parts.quantity, parts.principal.amount
    if not parts.is_refund and (quantity is None or quantity <= 0):
        yield f"the quantity is {'missing' if quantity is None else quantity}; a charge bills at least one unit."
    if parts.is_refund and quantity is not None and quantity < 0:
        yield f"the quantity is {quantity}; a refund gives its units as a positive number, or 0."
    if (sign < 0) if not parts.is_refund else (sign > 0):
        yield f"the principal is {parts.principal} on a {'refund' if parts.is_refund else 'charge'}; the sign is wrong."


class TaxShare(Struct, frozen=True, kw_only=True):
    """What of a line's tax stands at one rate (None: Amazon states none), and what the rate applies to, without tax."""

    rate: Decimal | None
    base: Decimal
    amount: Decimal

    @property
    def says_something(self) -> bool:
        """There is tax at the rate, or something that bears none."""
        return bool(self.amount or (self.base and not self.rate))


def tax_by_rate(parts: Components, *, gross: bool) -> list[TaxShare]:
    """The goods' share first. `gross`: Amazon's amounts include the tax.

    Rates that differ share the tax as they explain it; where the goods have no rate, nothing tells, and it is one share.
    """
    tax, bases = parts.amount("tax"), _bases(parts)
    if len(bases) > 1 and (not tax or parts.tax_rate is None):
        bases = {parts.tax_rate: sum(bases.values(), ZERO)}
    if gross and tax:
        bases = {rate: _without_tax(base, rate, tax) for rate, base in bases.items()}
    weights = [abs(base * (rate or ZERO)) for rate, base in bases.items()]
    amounts = shares_of(tax, weights, parts.principal.currency)
    return [
        TaxShare(rate=rate, base=base, amount=amount)
        for (rate, base), amount in zip(bases.items(), amounts, strict=True)
    ]


def _bases(parts: Components) -> dict[Decimal | None, Decimal]:
    """What each rate applies to: the principal less the discount, and of shipping and wrapping what is taxed.

    A discount equal to the shipping is about the shipping, so neither counts.
    """
    shipping, wrap, discount = parts.amount("shipping"), parts.amount("gift_wrap"), parts.amount("discount")
    free = discount == -shipping
    bases = {parts.tax_rate: parts.amount("principal") + (ZERO if free else discount)}
    for amount, rate in ((ZERO if free else shipping, parts.shipping_tax_rate), (wrap, parts.gift_wrap_tax_rate)):
        if amount and rate:
            bases[rate] = bases.get(rate, ZERO) + amount
    return bases


def _without_tax(amount: Decimal, rate: Decimal | None, tax: Decimal) -> Decimal:
    if rate is None:
        return amount - tax
    base = round_to(amount * HUNDRED / (HUNDRED + rate), BASE_STEP)
    return base.to_integral_value() if base == base.to_integral_value() else base


def shares_of(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """`amount` by weight, in the currency's smallest unit; the first share has what is finer than that."""
    if len(weights) == 1:
        return [amount]
    whole = Money(round_to(amount, minor_unit(currency)), currency)
    shares = [share.amount for share in allocate(whole, weights)]
    shares[0] += amount - whole.amount
    return shares
