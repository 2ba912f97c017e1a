"""Prices: how far one moved, and whether that may happen by itself.

Exact throughout: percentages are compared by multiplying, never by a rounded quotient.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from procurement.catalog.rules import Prices

HUNDRED = Decimal(100)
BUCKETS = ((Decimal(1), "up to 1 %"), (Decimal(5), "1 to 5 %"), (Decimal(10), "5 to 10 %"), (Decimal(25), "10 to 25 %"))
BEYOND = "over 25 %"
OUT_OF_NOTHING = "from 0"


@dataclass(frozen=True, slots=True)
class Move:
    """A price per unit that became another one."""

    old: Decimal
    new: Decimal
    currency: str

    @property
    def difference(self) -> Decimal:
        return self.new - self.old

    @property
    def percent(self) -> Decimal | None:
        """With its sign, one decimal; None from a price of nothing."""
        if not self.old:
            return None
        return (self.difference * HUNDRED / self.old).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)

    def exceeds(self, percent: Decimal) -> bool:
        """Whether the move is more than `percent` of the old price."""
        return abs(self.difference) * HUNDRED > percent * abs(self.old)

    @property
    def bucket(self) -> str:
        """Its size for the summary."""
        if not self.old:
            return OUT_OF_NOTHING
        direction = "up" if self.new > self.old else "down"
        return f"{direction}, {next((name for most, name in BUCKETS if not self.exceeds(most)), BEYOND)}"

    @property
    def words(self) -> str:
        """For people: `12.49 → 15.29 USD (+22.4 %)`."""
        share = f" ({self.percent:+} %)" if self.percent is not None else ""
        return f"{format(self.old, 'f')} → {format(self.new, 'f')} {self.currency}{share}"


def is_held(move: Move, limits: Prices) -> bool:
    """Whether a person must release the move; a move exactly at a limit need not."""
    over_amount = limits.hold_over_amount is not None and abs(move.difference) > limits.hold_over_amount
    return move.exceeds(limits.hold_over_percent) or over_amount
