"""The difference in money between an invoice and what its PO and receipts justify, split by cause.

Justified is, line by line, the units that are ordered (and received, on three-way lines) and not billed before, at the PO
price, with the tax that the line's own rates give. Where the PO says nothing to compare with (level none, tax without a rate,
the taxes of charges) the invoice stands as it is. The parts always add up to the difference; what single roundings leave is
the rounding part.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

from msgspec import Struct

from procurement.money import Money

PARTS = ("quantity", "price", "tax", "shipping", "discount", "fee", "unit", "exchange", "rounding")
ZERO = Decimal(0)


class WrittenShare(Struct, frozen=True, kw_only=True):
    """What of it has one cause: line (of its price), tax, shipping, charges, or total for what these do not say."""

    cause: str
    line: int | None
    money: Money


class Written(Struct, frozen=True, kw_only=True):
    """A small difference that goes to an account (a name of entities.yml) instead of to a person; `shares` add up to it."""

    money: Money
    account: str
    rule: str
    shares: tuple[WrittenShare, ...] = ()


class Variance(Struct, frozen=True, kw_only=True):
    """Each part is what the invoice has too much (less than nothing: too little) for that cause.

    quantity: units beyond what is justified, at the invoice price; price: justified units times the price difference; unit
    and exchange: lines that cannot be compared, or what differing rates explain; fee and discount: other charges by sign.
    `written_off` names how much of the parts goes to an account: it is no part of its own that is added.
    """

    billed: Money
    justified: Money
    quantity: Money
    price: Money
    tax: Money
    shipping: Money
    discount: Money
    fee: Money
    unit: Money
    exchange: Money
    rounding: Money
    written_off: Written | None = None

    @property
    def difference(self) -> Money:
        return self.billed - self.justified

    @property
    def parts(self) -> Mapping[str, Money]:
        """Those that are not zero, by name; they add up to `difference`."""
        return {name: part for name in PARTS if (part := getattr(self, name))}

    def kept(self) -> dict[str, Any]:
        """As JSON, amounts as text; causes that explain nothing are left out. `read` takes it back."""
        values: dict[str, Any] = {
            "currency": self.billed.currency,
            "billed": str(self.billed.amount),
            "justified": str(self.justified.amount),
            "parts": {name: str(part.amount) for name, part in self.parts.items()},
        }
        if self.written_off is not None:
            written = self.written_off
            values["written_off"] = {
                "amount": str(written.money.amount), "account": written.account, "rule": written.rule,
                "shares": [[one.cause, one.line, str(one.money.amount)] for one in written.shares],
            }  # fmt: skip
        return values

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """What `kept` wrote; ValueError where the parts do not add up to the difference any more."""
        currency, written = kept["currency"], kept.get("written_off")
        parts = {name: Money.of(kept["parts"].get(name, "0"), currency) for name in PARTS}
        variance = cls(
            billed=Money.of(kept["billed"], currency), justified=Money.of(kept["justified"], currency), **parts,
            written_off=written and Written(
                money=Money.of(written["amount"], currency), account=written["account"], rule=written["rule"],
                shares=tuple(
                    WrittenShare(cause=cause, line=line, money=Money.of(amount, currency))
                    for cause, line, amount in written.get("shares", ())
                ),
            ),
        )  # fmt: skip
        if Money.sum(parts.values(), currency) != variance.difference:
            raise ValueError(f"the parts of {kept} do not add up")
        return variance


class Split:
    """Adds up the parts of one document."""

    __slots__ = ("currency", "justified", "parts")

    def __init__(self, currency: str) -> None:
        self.currency, self.justified = currency, ZERO
        self.parts: dict[str, Decimal] = {}

    def add(self, part: str, amount: Decimal) -> None:
        if amount:
            self.parts[part] = self.parts.get(part, ZERO) + amount

    def variance(self, billed: Money) -> Variance:
        """What the named causes leave over is rounding."""
        parts, currency = self.parts, self.currency
        nothing = Money(ZERO, currency)
        rest = billed.amount - self.justified - sum(parts.values(), ZERO)
        self.add("rounding", rest)

        def part(name: str) -> Money:
            return Money(parts[name], currency) if name in parts else nothing

        return Variance(
            billed=billed, justified=Money(self.justified, currency), quantity=part("quantity"), price=part("price"),
            tax=part("tax"), shipping=part("shipping"), discount=part("discount"), fee=part("fee"), unit=part("unit"),
            exchange=part("exchange"), rounding=part("rounding"),
        )  # fmt: skip
