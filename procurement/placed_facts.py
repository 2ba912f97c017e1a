"""What Amazon accepted when we placed an order: units, prices and promises by line, before any report shows the order.

Part of an order's facts and joined as they are: the most units, every price, the first and the latest promise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFacts:
    """A line that we ordered under `external_id`, as far as one Amazon order took it on. `number` is the PO line's.

    A promise is the last moment of a DeliveryTimeRange; where units of the line have several, the latest of them.
    """

    external_id: str
    number: str
    asin: str | None = None
    asked: int = 0  # units of the whole line in the request
    units: int = 0  # accepted into this Amazon order
    unavailable: int = 0  # refused for want of units; counted in one of the Amazon orders of the request
    unit_prices: tuple[str, ...] = ()
    currency: str | None = None
    first_promise: datetime | None = None
    promise: datetime | None = None  # the latest seen
    overdue: datetime | None = None  # the latest promise that was seen to have passed while units had not shipped

    @property
    def key(self) -> str:
        return f"{self.external_id}/{self.number}"


def promise_of(placed: PlacedFacts) -> PlacedFacts:
    """The promise alone: what a later answer about the same order is asked for."""
    return PlacedFacts(
        external_id=placed.external_id, number=placed.number, first_promise=placed.promise, promise=placed.promise
    )


def join_placed(one: PlacedFacts, other: PlacedFacts) -> PlacedFacts:
    assert one.key == other.key
    return replace(
        one,
        asin=max(one.asin or "", other.asin or "") or None,
        asked=max(one.asked, other.asked),
        units=max(one.units, other.units),
        unavailable=max(one.unavailable, other.unavailable),
        unit_prices=sorted_prices({*one.unit_prices, *other.unit_prices}),
        currency=max(one.currency or "", other.currency or "") or None,
        first_promise=min(_known(one.first_promise, other.first_promise), default=None),
        promise=max(_known(one.promise, other.promise), default=None),
        overdue=max(_known(one.overdue, other.overdue), default=None),
    )


def write_placed(facts: PlacedFacts) -> Json:
    return {
        "external_id": facts.external_id, "number": facts.number, "asin": facts.asin, "asked": facts.asked, "units": facts.units,
        "unavailable": facts.unavailable, "unit_prices": list(facts.unit_prices), "currency": facts.currency,
        **{name: _text(getattr(facts, name)) for name in MOMENTS},
    }  # fmt: skip


def read_written(raw: Json) -> PlacedFacts:
    moments = {name: datetime.fromisoformat(raw[name]) if raw[name] else None for name in MOMENTS}
    return PlacedFacts(**{**raw, "unit_prices": tuple(raw["unit_prices"]), **moments})


MOMENTS = ("first_promise", "promise", "overdue")


def sorted_prices(prices: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(prices), key=Decimal))


def plain(number: Decimal) -> str:
    """One text for one price: 20, 20.0 and 20.00 are the same fact."""
    return format(number.normalize(), "f")


def _known(*moments: datetime | None) -> list[datetime]:
    return [moment for moment in moments if moment is not None]


def _text(moment: datetime | None) -> str | None:
    """In UTC, so that one moment has one text."""
    return moment.astimezone(UTC).isoformat() if moment is not None else None
