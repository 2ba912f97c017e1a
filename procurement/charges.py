"""What each component of an Amazon charge becomes in Coupa: line, charge, tax line, rounding.

Amazon bills every order line as principal, shipping, gift wrap, fee, discount and tax. `bill_line` splits them by the
choices of `charges.yml` and promises that nothing is lost: line + charges + taxes are Amazon's total, to the cent, or
the record is refused with the sums.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import Field

from procurement.documents import ChargeKind, InvoiceCharge, TaxLine
from procurement.money import UNIT_PRICE_PLACES, Money, minor_unit, round_to
from procurement.rule_model import Flag, Number, RuleModel, Text
from procurement.taxes import TaxRules, TaxTreatment

ZERO = Decimal(0)
PRICE_STEP = Decimal(1).scaleb(-UNIT_PRICE_PLACES)


class ChargeRule(RuleModel):
    """One component that becomes a charge. `account` is a name that `entities.yml` resolves per chart of accounts."""

    to: Literal["shipping", "handling", "misc"]
    description: Text
    account: Text


class DiscountRule(ChargeRule):
    """Free shipping is a shipping charge and an equal discount: `netted` shows neither, `shown` both."""

    free_shipping: Literal["netted", "shown"] = "netted"


class RoundingRule(ChargeRule):
    """What price times quantity misses of the principal; more than `limit` refuses the invoice."""

    limit: Number = Field(Decimal("1.00"), ge=0)


class ChargeExample(RuleModel):
    """One billed line and what must become of it."""

    name: Text
    currency: Text = "USD"
    marketplace: Text = "US"
    refund: Flag = False
    quantity: Number
    unit_price: Number | None = None
    principal: Number
    shipping: Number = ZERO
    gift_wrap: Number = ZERO
    regulatory_fee: Number = ZERO
    discount: Number = ZERO
    tax: Number = ZERO
    tax_rate: Number | None = None
    expect: dict[str, Text]


class ChargeRules(RuleModel):
    """charges.yml."""

    shipping: ChargeRule
    gift_wrap: ChargeRule
    regulatory_fee: ChargeRule
    discount: DiscountRule
    rounding: RoundingRule
    consolidate: Flag = Field(
        True, description="one charge per kind, account and description on an invoice, instead of one per line"
    )
    examples: list[ChargeExample] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A line as Coupa takes it; `quantity` and `total` are negative on a refund, the price never."""

    quantity: Decimal
    unit_price: Decimal
    total: Money
    adjustment_type: str | None
    tax_lines: tuple[TaxLine, ...]
    charges: tuple[InvoiceCharge, ...]
    treatment: TaxTreatment
    untaxed: Money  # what a zero tax leaves untaxed


class LineProblem(Exception):
    """A line cannot be billed; each problem completes the sentence 'Line n: ...'."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(problems))


def bill_line(parts: Components, rules: ChargeRules, taxes: TaxRules, accounts: Mapping[str, str]) -> Billed:
    """Raises LineProblem with everything wrong; `accounts` are the named accounts of the invoice's chart."""
    currency = parts.principal.currency
    problems = list(_shape_problems(parts, currency))
    if problems:
        raise LineProblem(problems)
    market = taxes.market(parts.marketplace)
    tax = parts.tax.amount if parts.tax else ZERO
    shipping, discount, wrap = _amount(parts.shipping), _amount(parts.discount), _amount(parts.gift_wrap)
    free = discount == -shipping and rules.discount.free_shipping == "netted"
    base = _tax_base(parts, shipping, wrap, discount)
    principal = parts.principal.amount - (tax if market.prices == "gross" else ZERO)
    quantity, price, adjustment = _price(parts, principal)
    total = round_to(quantity * price, minor_unit(currency))
    rest = principal - total
    if abs(rest) > rules.rounding.limit:
        raise LineProblem([
            f"{quantity} x {price:f} misses the principal {parts.principal} by {rest}, more than rounding explains."
        ])  # fmt: skip
    amounts = (
        (rules.shipping, ZERO if free else shipping),
        (rules.gift_wrap, wrap),
        (rules.regulatory_fee, _amount(parts.regulatory_fee)),
        (rules.discount, ZERO if free else discount),
        (rules.rounding, rest),
    )
    charges = tuple(_charge(rule, amount, currency, accounts) for rule, amount in amounts if amount)
    billed = total + tax + sum((charge.total.amount for charge in charges), ZERO)
    if billed != parts.total.amount:
        raise LineProblem([_imbalance(parts, billed, currency)])
    treatment = taxes.treat(parts.marketplace, rate=parts.tax_rate, tax=tax, exemption=parts.tax_exemption)
    return Billed(
        quantity=quantity, unit_price=price, total=Money(total, currency), adjustment_type=adjustment,
        tax_lines=_tax_lines(treatment, tax, base, parts.tax_rate, currency), charges=charges, treatment=treatment,
        untaxed=Money(base, currency),
    )  # fmt: skip


def _amount(money: Money | None) -> Decimal:
    return money.amount if money is not None else ZERO


def _shape_problems(parts: Components, currency: str) -> Iterator[str]:
    amounts = (
        parts.total,
        parts.unit_price,
        parts.shipping,
        parts.gift_wrap,
        parts.regulatory_fee,
        parts.discount,
        parts.tax,
    )
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


def _price(parts: Components, principal: Decimal) -> tuple[Decimal, Decimal, str | None]:
    """(quantity, unit price, adjustment type). A refund of money alone credits the price of the units it names, or of one."""
    units = parts.quantity or Decimal(1)
    listed = parts.unit_price.amount if parts.unit_price is not None else None
    exact = listed is not None and listed * units == abs(principal)
    price = listed if exact and listed is not None else _six_decimals(abs(principal) / units)
    if not parts.is_refund:
        return units, price, None
    if parts.is_overrefund:
        return -units, price, "other"
    by_units = bool(parts.quantity) and (
        listed is None or abs(listed * units - abs(principal)) < minor_unit(parts.principal.currency)
    )
    return -units, price, "quantity" if by_units else "price"


def _six_decimals(price: Decimal) -> Decimal:
    """At most six decimals, and no zeros that say nothing beyond the second."""
    rounded = round_to(price, PRICE_STEP).normalize()
    places = -int(rounded.as_tuple().exponent)
    return rounded if places >= 2 else round_to(rounded, Decimal("0.01"))


def _charge(rule: ChargeRule, amount: Decimal, currency: str, accounts: Mapping[str, str]) -> InvoiceCharge:
    return InvoiceCharge(
        kind=ChargeKind(rule.to),
        total=Money(amount, currency),
        description=rule.description,
        account=accounts.get(rule.account),
    )


def _tax_base(parts: Components, shipping: Decimal, wrap: Decimal, discount: Decimal) -> Decimal:
    """What the line's tax rate applies to: the principal, and of shipping and wrapping what is taxed, less the discount.

    A discount equal to the shipping is about the shipping, so neither counts.
    """
    base = parts.principal.amount + (wrap if parts.gift_wrap_tax_rate else ZERO)
    if discount == -shipping:
        return base
    return base + discount + (shipping if parts.shipping_tax_rate else ZERO)


def _tax_lines(
    treatment: TaxTreatment, tax: Decimal, base: Decimal, rate: Decimal | None, currency: str
) -> tuple[TaxLine, ...]:
    if not tax and treatment.code is None:
        return ()
    return (
        TaxLine(
            amount=Money(tax, currency), rate=rate if tax else ZERO, code=treatment.code, description=treatment.description,
            base=Money(base, currency),
        ),
    )  # fmt: skip


def _imbalance(parts: Components, billed: Decimal, currency: str) -> str:
    named = [
        (name, getattr(parts, name))
        for name in ("principal", "shipping", "gift_wrap", "regulatory_fee", "discount", "tax")
    ]
    listed = ", ".join(f"{name.replace('_', ' ')} {money.amount}" for name, money in named if money)
    missing = parts.total.amount - billed
    return f"its components come to {currency} {billed} ({listed}), its totalAmount is {parts.total}: {missing} is unexplained."


def consolidate(charges: Iterable[InvoiceCharge]) -> tuple[InvoiceCharge, ...]:
    """One charge per kind, account and description, in order of first appearance; what adds up to nothing disappears."""
    sums: dict[tuple[ChargeKind, str | None, str], InvoiceCharge] = {}
    for charge in charges:
        key = (charge.kind, charge.account, charge.description)
        before = sums.get(key)
        sums[key] = charge if before is None else InvoiceCharge(
            kind=charge.kind, total=before.total + charge.total, description=charge.description, account=charge.account
        )  # fmt: skip
    return tuple(charge for charge in sums.values() if charge.total)
