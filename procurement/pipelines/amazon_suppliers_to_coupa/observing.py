"""Amazon's raw rows as facts by spelling of a seller. Pure.

Each charged or refunded line counts for the seller that its own order line names, else for its merchant's legal name; the two
are linked as names of one line. What stands on other lines of the order says nothing: an order may have several sellers.
Every raw row is an observation of the spelling it names, and the lines counted must be the lines read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from connectors.amazon_business.sellers import NOBODY, lines_of, order_line_key, text_of, transaction_line_key
from connectors.amazon_business.transactions import amount_of
from procurement.errors import IncompleteRun
from procurement.ledger.types import Window
from procurement.sellers.facts import MOST_LINKS, Bought, FeedDay, SellerFacts, join, latest, read_again, read_up_to
from procurement.sellers.identity import Place

Json = dict[str, Any]
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Sale:
    """One line of a transaction; `legal` is the spelling that it names itself."""

    order_id: str
    order_line_id: str
    shipment_id: str
    asin: str
    po_line: str
    legal: str
    legal_name: str
    code: str
    amount: Decimal | None
    currency: str | None
    dated: date
    feed_day: date
    charge: bool

    @property
    def bought(self) -> Bought:
        readable = self.amount is not None and self.currency is not None
        return Bought(
            lines=1, money={str(self.currency): self.amount or Decimal(0)} if readable else {},
            orders=(self.order_id,) if self.charge and self.order_id else (), codes=(self.code,) if self.code else (),
        )  # fmt: skip

    @property
    def line(self) -> tuple[str, str]:
        return self.order_id, self.order_line_id


@dataclass(frozen=True, slots=True)
class Observed:
    """Facts by spelling, and what was counted on the way; `unreadable` lines have no amount that can be read. All of the feed
    days from `first` to `last` was read, up to `until`."""

    facts: dict[str, SellerFacts]
    first: date
    last: date
    until: datetime
    bought: Bought = field(default_factory=Bought)
    unreadable: int = 0

    def added_to(self, known: Mapping[str, SellerFacts]) -> dict[str, SellerFacts]:
        """What becomes of the spellings known: those observed, and those of which these days say nothing any more."""
        left = {key: read_again(facts, self.first, self.last, self.until) for key, facts in known.items()}
        joined = {key: join(left[key], facts) if key in left else facts for key, facts in self.facts.items()}
        return {key: facts for key, facts in left.items() if facts is not known[key]} | joined


@dataclass(slots=True)
class _Spelling:
    """What rows say of one spelling, collected."""

    name: str = NOBODY
    place: Place = field(default_factory=Place)
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)
    registration: str = ""
    linked: dict[str, str] = field(default_factory=dict)
    sales: list[Sale] = field(default_factory=list)

    def facts(self, key: str, until: datetime) -> SellerFacts:
        return SellerFacts(
            key=key, name=self.name, place=self.place, registration=self.registration, credentials=self.credentials,
            first_bought=min((sale.dated for sale in self.sales if sale.dated != date.min), default=None),
            linked={other: self.linked[other] for other in sorted(self.linked)[:MOST_LINKS]}, feed=self._feed(until),
        )  # fmt: skip

    def _feed(self, until: datetime) -> dict[date, FeedDay]:
        days: dict[date, dict[date, list[Bought]]] = {}
        for sale in self.sales:
            days.setdefault(sale.feed_day, {}).setdefault(sale.dated, []).append(sale.bought)
        return {
            day: FeedDay(until=read_up_to(day, until), bought={on: Bought.total(parts) for on, parts in dated.items()})
            for day, dated in days.items()
        }


def read_sales(raw: Json) -> list[Sale]:
    dated, feed_day = _day(raw.get("transactionDate")), _day(raw.get("feedDate"))
    day = dated or feed_day or date.min
    sales = []
    for line in lines_of(raw):
        amount, currency = amount_of({"amount": line.get("totalAmount")})
        sales.append(Sale(
            order_id=text_of(line.get("orderId")), order_line_id=text_of(line.get("orderLineItemId")),
            shipment_id=text_of(line.get("shipmentId")), asin=text_of(line.get("asin")),
            po_line=text_of(line.get("purchaseOrderLineItemId")),
            legal=transaction_line_key(line), legal_name=text_of(line.get("merchantLegalName")),
            code=text_of(line.get("unspsc")), amount=amount, currency=currency, dated=day, feed_day=feed_day or day,
            charge=raw.get("transactionType") == "CHARGE",
        ))  # fmt: skip
    return sales


def fold(
    sales: Sequence[Sale],
    order_lines: Iterable[Json],
    *,
    window: Window,
    registrations: Mapping[str, str] | None = None,
) -> Observed:
    """Facts by spelling; every sale counts for exactly one. `window`: of the feed, from midnight; `registrations` by spelling.

    Raises IncompleteRun where a line or a cent that was read counts for nobody."""
    rows, spellings = list(order_lines), dict[str, _Spelling]()
    for row in rows:
        spelling = spellings.setdefault(order_line_key(row), _Spelling())
        _describe(spelling, row)
        spelling.registration = (registrations or {}).get(order_line_key(row), "")
    named = sellers_of_sales(sales, rows)
    for sale in sales:
        _count(spellings, sale, named.get(sale, sale.legal))
    found = Observed(
        {key: spelling.facts(key, window.end) for key, spelling in spellings.items()},
        first=window.start.date(), last=(window.end - MOMENT).date(), until=window.end,
        bought=Bought.total(sale.bought for sale in sales), unreadable=sum(sale.amount is None for sale in sales),
    )  # fmt: skip
    _require_all(found)
    return found


def _count(spellings: dict[str, _Spelling], sale: Sale, key: str) -> None:
    """The sale counts for `key`; its legal name is observed, too."""
    seller = spellings.setdefault(key, _Spelling())
    legal = spellings.setdefault(sale.legal, _Spelling())
    legal.name = sale.legal_name or NOBODY
    seller.sales.append(sale)
    if key != sale.legal and NOBODY not in (key, sale.legal):
        line = "/".join(sale.line)
        seller.linked[sale.legal] = min(seller.linked.get(sale.legal, line), line)
        legal.linked[key] = min(legal.linked.get(key, line), line)


def _require_all(observed: Observed) -> None:
    read, total = observed.bought, Bought.total(facts.bought() for facts in observed.facts.values())
    if total != read:
        sentence = (
            f"{read.lines} lines of sellers were read ({read.money}), {total.lines} are accounted for ({total.money})"
        )
        raise IncompleteRun(sentence)


def sellers_of_sales(sales: Sequence[Sale], rows: Iterable[Json]) -> dict[Sale, str]:
    """The spelling that stands on the order line of each sale; a sale whose line is not certain, or names nobody, is absent.

    A line is known by its id. It is not settled that Amazon's two APIs give lines the same ids: where none of the sales'
    ids stands in the report, a line is known by its article and, where both name one, its PO line, if that leaves one
    seller in the order."""
    by_line: dict[tuple[str, str], list[Json]] = {}
    by_article: dict[tuple[str, str], list[Json]] = {}
    for row in rows:
        order = order_id_of(row)
        by_line.setdefault((order, text_of(row.get("orderLineItemId"))), []).append(row)
        by_article.setdefault((order, asin_of(row)), []).append(row)
    same_ids = any(sale.order_line_id and sale.line in by_line for sale in sales)
    named: dict[Sale, str] = {}
    for sale in sales:
        id, lines = (sale.order_line_id, by_line) if same_ids else (sale.asin, by_article)
        found = lines.get((sale.order_id, id), []) if id else []
        keys = {order_line_key(row) for row in found if same_ids or _may_be_po_line(row, sale.po_line)}
        if len(keys) == 1 and NOBODY not in keys:
            (named[sale],) = keys
    return named


def _may_be_po_line(row: Json, po_line: str) -> bool:
    return po_line in ("", text_of(row.get("purchaseOrderLineItemNumber")) or po_line)


def _describe(spelling: _Spelling, row: Json) -> None:
    """Name, address and certificates as the order line states them."""
    seller = row.get("seller")
    if not isinstance(seller, Mapping):
        return
    address = seller.get("primaryAddress")
    place = address if isinstance(address, Mapping) else {}
    streets = (text_of(place.get("addressLine1")), text_of(place.get("addressLine2")))
    spelling.name = text_of(seller.get("name")) or NOBODY
    spelling.place = Place(
        street=", ".join(filter(None, streets)), city=text_of(place.get("city")), region=text_of(place.get("stateOrRegion")),
        postal_code=text_of(place.get("postalCode")), country=text_of(place.get("countryCode")),
    )  # fmt: skip
    spelling.credentials = latest(spelling.credentials, _credentials(seller.get("credentials")))


def _credentials(raw: Any) -> dict[str, dict[str, str]]:
    """Amazon's words, each with its agencies and their expiry; a word without details has none."""
    if not isinstance(raw, Mapping):
        return {}
    found: dict[str, dict[str, str]] = {text_of(word): {} for word in raw.get("types") or () if text_of(word)}
    for detail in raw.get("details") or ():
        if not isinstance(detail, Mapping) or not text_of(detail.get("certificateType")):
            continue
        agencies = found.setdefault(text_of(detail["certificateType"]), {})
        for agency in detail.get("certifyingAgenciesDetails") or ():
            if isinstance(agency, Mapping):
                name = text_of(agency.get("agencyName")) or "agency not named"
                agencies[name] = max(agencies.get(name, ""), _expiry(agency.get("certificateExpirationDate")))
    return found


def _expiry(value: Any) -> str:
    moment = _moment(value)
    return moment.isoformat() if moment else ""


def order_id_of(row: Json) -> str:
    metadata = row.get("orderMetadata")
    return text_of(metadata.get("orderId")) if isinstance(metadata, Mapping) else ""


def asin_of(row: Json) -> str:
    product = row.get("productDetails")
    return text_of(product.get("asin")) if isinstance(product, Mapping) else ""


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _day(value: Any) -> date | None:
    moment = _moment(value)
    return moment.date() if moment else None


def _moment(value: Any) -> datetime | None:
    """Aware UTC; unreadable is None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
