"""What earlier plans made of a transaction's lines, and what of it stands whatever is planned now.

A line is posted under its number (`3`), taken back as `3/2`, posted again as `3/3`: an odd count stands on a budget line.
Nothing that may have been sent changes. What a person discarded, and what cancelled out with parts of other
transactions, stands as long as its amount is the same, and the latter as long as all of it still comes to nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from procurement.ledger.changes import DISCARDED
from procurement.ledger.spend import Part

CANCELS_OUT = "charges and refunds of this budget line come to nothing"
TWICE = "counted twice"  # ends the part that asks a person about a line which Coupa has an invoice of


@dataclass(slots=True)
class Postings:
    """The parts of one line. `sent` may have reached Coupa, in order; `rest` may still change."""

    number: int
    sent: list[Part] = field(default_factory=list)
    rest: list[Part] = field(default_factory=list)

    @property
    def amount(self) -> Decimal:
        """What of the line stands on a budget line, if all was delivered."""
        return sum((part.amount or Decimal(0) for part in self.sent), Decimal(0))

    @property
    def on_budget(self) -> bool:
        return len(self.sent) % 2 == 1

    @property
    def delivered(self) -> bool:
        return all(part.state == "delivered" for part in self.sent)

    def name(self, ahead: int = 1) -> str:
        """Of the part that comes `ahead` after those sent."""
        count = len(self.sent) + ahead
        return str(self.number) if count == 1 else f"{self.number}/{count}"

    @property
    def cancels_out(self) -> bool:
        """Whether it stands nowhere because others offset it."""
        return any(one.part == self.name() and _cancelled_out(one) for one in self.rest)

    def settled(self, amount: Decimal, *, apart: bool = False) -> list[Part]:
        """What was decided about the line's next part for this very amount: with it nothing is planned. `apart`: what it
        cancelled out with is no longer its counterpart."""
        stands = [is_discarded(one) or (_cancelled_out(one) and not apart) for one in self.rest]
        return [
            one
            for one, stays in zip(self.rest, stands, strict=True)
            if stays and one.part == self.name() and one.amount == amount
        ]

    def discarded(self, name: str) -> list[Part]:
        return [part for part in self.rest if part.part == name and is_discarded(part)]


def is_discarded(part: Part) -> bool:
    return part.state == "skipped" and str(part.reason).startswith(DISCARDED)


def _cancelled_out(part: Part) -> bool:
    return part.state == "skipped" and part.reason == CANCELS_OUT


def twice_part(number: int) -> str:
    return f"{number} {TWICE}"


def by_line(parts: Iterable[Part]) -> dict[int, Postings]:
    """The parts of a record by line; what is no part of a line is left out."""
    found: dict[int, Postings] = {}
    for part in sorted(parts, key=lambda one: _order(one.part)):
        number = line_of(part.part)
        if number is not None:
            one = found.setdefault(number, Postings(number))
            (one.sent if part.fixed else one.rest).append(part)
    return found


def line_of(part: str) -> int | None:
    head = part.removesuffix(f" {TWICE}").partition("/")[0]
    return int(head) if head.isdecimal() else None


def _order(part: str) -> list[int]:
    return [int(one) for one in part.split("/") if one.isdecimal()]
