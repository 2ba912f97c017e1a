"""What was ever observed of one spelling of a seller: who it is, and what was bought from it, by day.

Money is what Amazon charged less what it refunded, taxes included, by currency. Purchases are kept by the day on which the
transaction became visible. A day that is read again replaces itself as a whole, under every spelling (`read_again`), so that
windows which overlap count nothing twice, not even where Amazon spells the seller of a line differently by now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from procurement.sellers.identity import Party, Place

Json = dict[str, Any]
MOST_ORDERS = 50  # distinct orders that are counted exactly; a rule cannot ask for more
MOST_CODES = 200
MOST_LINKS = 20
REMEMBERED = timedelta(days=400)  # of purchases, back from the latest one
UNDATED = ("orders", "codes")  # as earlier versions kept them: since when they count is not known


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bought(_Facts):
    """Charged and refunded lines, and their money by currency; the distinct orders charged, and what was bought as UNSPSC."""

    lines: int = 0
    money: dict[str, Decimal] = {}
    orders: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def counted_orders(self) -> str:
        """`1 order`, `3 orders`, `50 orders or more`."""
        many = len(self.orders)
        return f"{many} order{'s' if many != 1 else ''}" + (" or more" if many >= MOST_ORDERS else "")

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        lines, money, orders, codes = 0, dict[str, Decimal](), set[str](), set[str]()
        for part in parts:
            lines += part.lines
            for currency, amount in part.money.items():
                money[currency] = money.get(currency, Decimal(0)) + amount
            orders.update(part.orders)
            codes.update(part.codes)
        kept = {"orders": tuple(sorted(orders)[:MOST_ORDERS]), "codes": tuple(sorted(codes)[:MOST_CODES])}
        return cls(lines=lines, money=money, **kept)


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
    credentials: dict[str, dict[str, str]] = {}
    linked: dict[str, str] = {}
    feed: dict[date, FeedDay] = {}

    @model_validator(mode="before")
    @classmethod
    def _without_undated(cls, given: Any) -> Any:
        return (
            {name: value for name, value in given.items() if name not in UNDATED}
            if isinstance(given, Mapping)
            else given
        )

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
        """All purchases of transactions dated on or after `since`."""
        return Bought.total(
            part for day in self.feed.values() for dated, part in day.bought.items() if since is None or dated >= since
        )


def join(one: SellerFacts, other: SellerFacts) -> SellerFacts:
    """Commutative, associative and idempotent; ValueError for two spellings."""
    if one.key != other.key:
        raise ValueError(f"{one.key!r} and {other.key!r} are two spellings")
    firsts = [facts.first_bought for facts in (one, other) if facts.first_bought is not None]
    return SellerFacts(
        key=one.key, name=max(one.name, other.name), place=max(one.place, other.place, key=astuple),
        registration=max(one.registration, other.registration), first_bought=min(firsts, default=None),
        credentials=latest(one.credentials, other.credentials), linked=_links(one.linked, other.linked), feed=_feeds(one.feed, other.feed),
    )  # fmt: skip


def read_again(known: SellerFacts, first: date, last: date, until: datetime) -> SellerFacts:
    """`known` without what is read anew of it, all feed days from `first` to `last`, up to `until`: what they said of it may
    count for another spelling by now. A day that was read further than that stays."""
    kept = {
        day: read for day, read in known.feed.items() if not first <= day <= last or read.until > read_up_to(day, until)
    }
    return known if len(kept) == len(known.feed) else known.model_copy(update={"feed": kept})


def read_up_to(day: date, until: datetime) -> datetime:
    """How far a day was read by a reading up to `until`."""
    return min(until, datetime.combine(day, time.min, UTC) + timedelta(days=1))


def latest(*held: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Credentials together, with the latest expiry of each agency: a certificate that was renewed is valid again."""
    found: dict[str, dict[str, str]] = {}
    for credentials in held:
        for word, agencies in credentials.items():
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
