"""What was ever observed of one spelling of a seller; observations join in any order and any number of times.

Money is what Amazon charged less what it refunded, taxes included, by currency. It is kept by the day on which the
transaction became visible: a day that is read again replaces itself, the later reading winning, so that overlapping
windows count nothing twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from procurement.sellers.identity import Party, Place

Json = dict[str, Any]
MOST_ORDERS = 50  # distinct orders that are counted exactly; a rule cannot ask for more
MOST_CODES = 200
MOST_LINKS = 20
REMEMBERED = timedelta(days=400)  # of purchases, back from the latest one


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bought(_Facts):
    """Charged and refunded lines of one transaction date, and their money by currency."""

    lines: int = 0
    money: dict[str, Decimal] = {}

    def __add__(self, other: "Bought") -> "Bought":
        money = dict(self.money)
        for currency, amount in other.money.items():
            money[currency] = money.get(currency, Decimal(0)) + amount
        return Bought(lines=self.lines + other.lines, money=money)


class FeedDay(_Facts):
    """What became visible on one day, read up to `until`; purchases by the date of their transaction."""

    until: datetime
    bought: dict[date, Bought] = {}


class SellerFacts(_Facts):
    """`credentials`: by Amazon's word for the certificate, the agencies with their expiry (empty where none is given).
    `linked`: other spellings that stand on the same order line, with one such line as the proof."""

    key: str
    name: str
    place: Place = Place()
    registration: str = ""
    first_bought: date | None = None
    orders: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    credentials: dict[str, dict[str, str]] = {}
    linked: dict[str, str] = {}
    feed: dict[date, FeedDay] = {}

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        return cls.model_validate(raw)

    def written(self) -> Json:
        """Canonical: equal facts are equal JSON."""
        written: Json = _ordered(self.model_dump(mode="json"))
        return written

    @property
    def party(self) -> Party:
        return Party(self.name, self.place, self.registration)

    def bought(self, since: date | None = None) -> Bought:
        """All lines and money of transactions dated on or after `since`."""
        days = (
            part for day in self.feed.values() for dated, part in day.bought.items() if since is None or dated >= since
        )
        return reduce(Bought.__add__, days, Bought())


def join(one: SellerFacts, other: SellerFacts) -> SellerFacts:
    """Commutative, associative and idempotent; ValueError for two spellings."""
    if one.key != other.key:
        raise ValueError(f"{one.key!r} and {other.key!r} are two spellings")
    firsts = [facts.first_bought for facts in (one, other) if facts.first_bought is not None]
    return SellerFacts(
        key=one.key, name=max(one.name, other.name), place=max(one.place, other.place, key=astuple),
        registration=max(one.registration, other.registration), first_bought=min(firsts, default=None),
        orders=_smallest(one.orders, other.orders, most=MOST_ORDERS),
        codes=_smallest(one.codes, other.codes, most=MOST_CODES), credentials=_credentials(one, other),
        linked=_links(one.linked, other.linked), feed=_feeds(one.feed, other.feed),
    )  # fmt: skip


def _smallest(one: Iterable[str], other: Iterable[str], *, most: int) -> tuple[str, ...]:
    return tuple(sorted({*one, *other})[:most])


def _credentials(one: SellerFacts, other: SellerFacts) -> dict[str, dict[str, str]]:
    """The latest expiry of each agency: a certificate that was renewed is valid again."""
    found: dict[str, dict[str, str]] = {}
    for facts in (one, other):
        for word, agencies in facts.credentials.items():
            kept = found.setdefault(word, {})
            for agency, expiry in agencies.items():
                kept[agency] = max(kept.get(agency, ""), expiry)
    return found


def _links(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    keys = sorted({*one, *other})[:MOST_LINKS]
    return {key: min(links[key] for links in (one, other) if key in links) for key in keys}


def _feeds(one: Mapping[date, FeedDay], other: Mapping[date, FeedDay]) -> dict[date, FeedDay]:
    days: dict[date, FeedDay] = {}
    for feed in (one, other):
        for day, read in feed.items():
            days[day] = max(days.get(day, read), read, key=_fullness)
    last = max(days, default=None)
    return {day: read for day, read in sorted(days.items()) if last is not None and day > last - REMEMBERED}


def _fullness(read: FeedDay) -> tuple[datetime, str]:
    return read.until, str(_ordered(read.model_dump(mode="json")))


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(one) for one in value] if isinstance(value, list) else value
