"""Amounts that never leave their currency and never lose a cent.

Promises: a `Money` is exact (`Decimal`), floats are refused, two currencies never mix, rounding happens here and
nowhere else (half up, at the currency's minor unit), and `allocate` gives parts that add up to the whole.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Self

from msgspec import Struct

from procurement.errors import MoneyError

# ISO 4217 minor units of the currencies Amazon Business marketplaces bill in, and those Coupa customers meet beside them.
MINOR_UNITS = {
    "USD": 2, "CAD": 2, "MXN": 2, "GBP": 2, "EUR": 2, "INR": 2, "JPY": 0, "AUD": 2, "CHF": 2, "SEK": 2, "PLN": 2, "SGD": 2, "BRL": 2, "CNY": 2,
}  # fmt: skip
_STEPS = {currency: Decimal(1).scaleb(-places) for currency, places in MINOR_UNITS.items()}
LARGEST_EXPONENT, MOST_PLACES = 15, 20  # beyond, sums would no longer be exact; no invoice gets there
CENT = Decimal("0.01")
EXACT = (str, int, Decimal)  # what an amount may be read from
UNIT_PRICE_PLACES = 6  # Coupa's price column is dec(30,6)


def to_decimal(value: str | int | Decimal) -> Decimal:
    """`value` as an exact, finite Decimal; raises MoneyError for floats, NaN, infinities and text that is no number."""
    if type(value) not in (str, Decimal) and (isinstance(value, bool) or not isinstance(value, EXACT)):
        raise MoneyError(
            f"{value!r} is a {type(value).__name__}; amounts are text, whole numbers or Decimal, never floats"
        )
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise MoneyError(f"{str(value)[:40]!r} is not a number") from None
    if not number.is_finite():
        raise MoneyError(f"{value!r} is not a finite number")
    # Taking a number apart costs more than all the rest, and nearly all amounts have two decimals.
    fine = not number.same_quantum(CENT) and number.as_tuple().exponent < -MOST_PLACES  # type: ignore[operator]
    if fine or number.adjusted() > LARGEST_EXPONENT:
        raise MoneyError(f"{str(value)[:40]!r} is not a plausible amount or quantity")
    return number


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of `currency` (0.01 for USD, 1 for JPY); raises MoneyError for a currency we do not know."""
    try:
        return _STEPS[currency]
    except (KeyError, TypeError):
        raise MoneyError(f"unknown currency {currency!r}; known are {', '.join(sorted(MINOR_UNITS))}") from None


def round_to(amount: Decimal, step: Decimal) -> Decimal:
    """`amount` rounded half up to a multiple of `step` (a power of ten)."""
    return amount.quantize(step, rounding=ROUND_HALF_UP)


class Money(Struct, frozen=True):
    """An exact amount of one currency; the amount may have more decimals than the currency until `rounded`."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """The checked way in: raises MoneyError for floats, non-numbers and unknown currencies."""
        minor_unit(currency)
        return cls(to_decimal(amount), currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(Decimal(0), currency)

    @classmethod
    def sum(cls, amounts: Iterable["Money"], currency: str) -> "Money":
        """The sum, zero of `currency` when there is nothing to add; raises MoneyError on any other currency."""
        total = Decimal(0)
        for amount in amounts:
            if amount.currency != currency:
                return cls(total, currency) + amount  # raises: the currencies differ
            total += amount.amount
        return cls(total, currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise MoneyError(f"cannot combine {self} with {other}: the currencies differ")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __abs__(self) -> "Money":
        return Money(abs(self.amount), self.currency)

    def __mul__(self, factor: Decimal | int) -> "Money":
        return Money(self.amount * to_decimal(factor), self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        places = max(MINOR_UNITS.get(self.currency, 2), -int(self.amount.as_tuple().exponent))
        return f"{self.currency} {self.amount:,.{places}f}"

    def rounded(self) -> "Money":
        """Rounded half up to the currency's minor unit."""
        return Money(round_to(self.amount, minor_unit(self.currency)), self.currency)


def allocate(whole: Money, weights: Sequence[Decimal]) -> list[Money]:
    """`whole` split in proportion to `weights`, in minor units, adding up to it exactly.

    Largest remainder; equal remainders go to the earlier part, so the result depends on the input alone. All-zero
    weights split evenly. Raises MoneyError when there is no part, a weight is negative, or `whole` is finer than
    the currency's minor unit.
    """
    if not weights:
        raise MoneyError(f"cannot split {whole} into no parts")
    if any(weight < 0 for weight in weights):
        raise MoneyError(f"cannot split {whole} by negative weights")
    step = minor_unit(whole.currency)
    units = whole.amount / step
    if units != units.to_integral_value():
        raise MoneyError(f"{whole} is finer than the smallest unit of {whole.currency}: round it first")
    total = sum(weights, Decimal(0))
    shares = list(weights) if total else [Decimal(1)] * len(weights)
    total = total or Decimal(len(weights))
    sign, count = (-1 if units < 0 else 1), abs(int(units))
    exact = [divmod(count * share, total) for share in shares]
    parts = [int(quotient) for quotient, _ in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-exact[i][1], i))
    for i in by_remainder[: count - sum(parts)]:
        parts[i] += 1
    return [Money(sign * part * step, whole.currency) for part in parts]
