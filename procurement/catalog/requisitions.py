"""Articles on requisitions that wait for approval, priced again: what an approver should know before deciding.

A catalog that changes does not re-price requisitions that exist, so the approver is told; once for each price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from procurement.catalog.pricing import Move


@dataclass(frozen=True, slots=True)
class OfferedPrice:
    """What Amazon asks today for one unit. `eligible`: it may stand for an offer that has ended: it is new, and the company's own
    policy does not block it."""

    offer: str
    price: Decimal
    currency: str
    guidance: str | None = None
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A line of a requisition that waits for approval. `price` per unit as it was requested; `offer` is the offer it was
    taken from, where the requisition names one; `approver` is Coupa's id of the user whose turn it is."""

    requisition: int
    line: int
    title: str
    quantity: Decimal
    price: Decimal
    currency: str
    offer: str | None = None
    approver: int | None = None


def todays_price(line: WaitingLine, offers: Sequence[OfferedPrice], accept: Sequence[str]) -> OfferedPrice | None:
    """The offer that was requested, as long as Amazon has it; else, of the eligible ones in the line's currency, the cheapest
    of the first accepted guidance, else the cheapest. None where Amazon has none."""
    same = [one for one in offers if one.currency == line.currency]
    if kept := [one for one in same if one.offer == line.offer]:
        return kept[0]
    eligible = [one for one in same if one.eligible]
    for guidance in accept:
        if fitting := [one for one in eligible if one.guidance == guidance]:
            return min(fitting, key=lambda one: (one.price, one.offer))
    return min(eligible, key=lambda one: (one.price, one.offer), default=None)


def told_move(line: WaitingLine, today: OfferedPrice, *, over_percent: Decimal) -> Move | None:
    """The move that the approver should know; None where the price is as requested, or near enough."""
    move = Move(line.price, today.price, line.currency)
    return move if move.difference and move.exceeds(over_percent) else None


def sentence(asin: str, line: WaitingLine, move: Move) -> str:
    """What the approver reads: old and new, and what it means for the line."""
    total = abs(move.difference * line.quantity)
    more = "more" if move.difference > 0 else "less"
    return (
        f"Amazon's price of {line.title} ({asin}, line {line.line}) has changed since it was requested: {move.words}. "
        f"For {format(line.quantity.normalize(), 'f')} units that is {format(total.quantize(Decimal('0.01')), 'f')} "
        f"{move.currency} {more}. This requisition keeps the requested price until somebody edits it."
    )
