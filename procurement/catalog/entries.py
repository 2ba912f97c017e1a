"""One article of the catalog as both sides show it: what Amazon sells today, and what Coupa holds.

Promises: an `Entry` survives JSON unchanged; prices are Decimal per unit beside their currency; what a vendor leaves out is
None. Amazon's side is today's offer to the configured user, Coupa's side what its API shows: `availability` and
`image-url` are taken in there and never shown, so they are not part of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

Json = Mapping[str, Any]
BOUGHT = "bought"  # an origin: it belongs in only while its price is negotiated
BOUGHT_NEGOTIATED = "bought at a negotiated price"  # an origin
MOST_MISSES = 31  # runs remembered; removal.missing_runs allows no more


@dataclass(frozen=True, slots=True)
class Tier:
    """A price per unit from `units` of one order on; None: Amazon's text of the range says nothing sure. `until`: the most
    units it is for, None where Amazon's range is open."""

    units: int | None
    price: Decimal
    shown: str = ""
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """What Amazon shows of one ASIN. `offers`: how many there are; `price` is of the offer that counts, None where none
    does. `pack` is what one unit is, in Amazon's words; `package` the word for it alone."""

    sold: bool = True
    offers: int = 0
    title: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    guidance: str | None = None
    seller: str | None = None
    tiers: tuple[Tier, ...] = ()
    least: int | None = None
    most: int | None = None
    availability: str | None = None
    unspsc: str | None = None
    image: str | None = None
    manufacturer: str | None = None
    pack: str | None = None
    package: str | None = None
    restrictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A supplier item of the supplier that stands for Amazon: one price, under one contract or under none."""

    id: int
    contract: str | None
    price: Decimal | None
    currency: str | None
    preferred: bool = False
    catalog: str | None = None
    term: int | None = None
    tiers: tuple[Decimal | None, ...] = ()
    least: Decimal | None = None
    item_id: int | None = None

    @property
    def under(self) -> str:
        """Which of an article's prices it is: its contract, or empty. With supplier and ASIN that never changes in Coupa."""
        return self.contract or ""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A Coupa item. `shared`: more than one of the supplier's articles are on it."""

    id: int
    number: str
    name: str | None = None
    description: str | None = None
    active: bool = True
    commodity: str | None = None
    manufacturer: str | None = None
    unit: str | None = None
    shared: bool = False

    @property
    def shown(self) -> dict[str, Any]:
        """What is compared of it, in Coupa's spelling."""
        return {
            "name": self.name, "description": self.description, "commodity": self.commodity,
            "manufacturer-name": self.manufacturer, "active": self.active,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """`item` is the item of its first row, `other_items` those of rows that are on others. `origin`: why the article is looked
    at (contract, list, bought, ...). `missed`: the complete runs in a row in which Amazon did not know it; `doubted`: those in
    which that did not count, since too many vanished at once. `pack_agreed`: the
    pack that it was first sold with, or that a person released; empty where Amazon named none, None before it was ever sold."""

    asin: str
    article: Article
    rows: tuple[PriceRow, ...] = ()
    item: ItemRow | None = None
    origin: str = "contract"
    missed: tuple[str, ...] = ()
    pack_agreed: str | None = None
    other_items: tuple[ItemRow, ...] = ()
    doubted: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[ItemRow, ...]:
        return (self.item, *self.other_items) if self.item is not None else self.other_items

    def item_of(self, row: PriceRow) -> ItemRow | None:
        """The item that the price is for."""
        if row.item_id is None:
            return self.item
        return next((item for item in self.items if item.id == row.item_id), None)


@dataclass(frozen=True, slots=True)
class Release:
    """What a person accepted of an article: the price that they saw, its quantity prices, its pack (empty: a single one). What
    is None was not accepted; whatever Amazon shows beside it by then is a person's to decide again."""

    price: Decimal | None = None
    tiers: tuple[Decimal, ...] = ()
    pack: str | None = None

    def accepts(self, field: str, price: Decimal) -> bool:
        """Whether this is the price that was accepted for the field, in Coupa's spelling (price, price-tier-2, ...)."""
        if field in ("price", "price-tier-1"):
            return price == self.price
        place = int(field.rpartition("-")[2]) - 2
        return place < len(self.tiers) and price == self.tiers[place]


def release_of(article: Article) -> Release:
    """The article as it is shown, accepted as a whole."""
    return Release(article.price, tuple(one.price for one in article.tiers), article.pack or "")


def observed(
    entry: Entry, before: Entry | None, *, run: str, counts: bool, doubts: bool = False, release: Release | None = None
) -> Entry:
    """`entry` as read by `run`, joined with what was known: absences count once a run, and only where `counts`; where it
    `doubts` them, only for an article that a person released."""
    known = before.missed if before is not None else ()
    doubted = before.doubted if before is not None else ()
    agreed = before.pack_agreed if before is not None else None
    pack = entry.article.pack or ""
    if entry.article.sold and (agreed is None or (release is not None and release.pack == pack)):
        agreed = pack
    if entry.article.sold:
        return replace(entry, pack_agreed=agreed)
    if counts or (release is not None and doubted):
        known = _with(run, known)
    return replace(entry, missed=known, pack_agreed=agreed, doubted=_with(run, doubted) if doubts else doubted)


def _with(run: str, runs: tuple[str, ...]) -> tuple[str, ...]:
    return runs if run in runs else (*runs, run)[-MOST_MISSES:]


def write_entry(entry: Entry) -> dict[str, Any]:
    """Its JSON; decimals as text, absent values left out."""
    rare = {"other_items": [_item(one) for one in entry.other_items], "doubted": list(entry.doubted)}
    return {
        "asin": entry.asin, "origin": entry.origin, "article": _article(entry.article),
        "rows": [_sparse(row, tiers=[_plain(one) for one in row.tiers]) for row in entry.rows],
        "item": _item(entry.item) if entry.item is not None else None,
        "missed": list(entry.missed), "pack_agreed": entry.pack_agreed,
    } | {name: value for name, value in rare.items() if value}  # fmt: skip


def _item(item: ItemRow) -> dict[str, Any]:
    shown = _sparse(item)
    if not item.shared:
        del shown["shared"]  # as nearly every item is
    return shown


def _article(article: Article) -> dict[str, Any]:
    tiers = [
        {"units": one.units, "price": _plain(one.price), "shown": one.shown}
        | ({} if one.until is None else {"until": one.until})
        for one in article.tiers
    ]
    return _sparse(article, tiers=tiers, restrictions=list(article.restrictions))


def _sparse(value: Any, **given: Any) -> dict[str, Any]:
    shown = {name: given.get(name, _plain(getattr(value, name))) for name in value.__slots__}
    return {name: one for name, one in shown.items() if one is not None and one != []}


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value


def read_entry(raw: Json) -> Entry:
    """Back from `write_entry`."""
    item = raw.get("item")
    return Entry(
        asin=raw["asin"], article=_read_article(raw["article"]), rows=tuple(_read_row(row) for row in raw["rows"]),
        item=ItemRow(**item) if item is not None else None, origin=raw["origin"], missed=tuple(raw["missed"]),
        pack_agreed=raw.get("pack_agreed"), other_items=tuple(ItemRow(**one) for one in raw.get("other_items", ())),
        doubted=tuple(raw.get("doubted", ())),
    )  # fmt: skip


def _read_article(raw: Json) -> Article:
    given = dict(raw)
    given["price"] = _decimal(raw.get("price"))
    if "tiers" in raw:
        given["tiers"] = tuple(
            Tier(one["units"], Decimal(one["price"]), one["shown"], one.get("until")) for one in raw["tiers"]
        )
    if "restrictions" in raw:
        given["restrictions"] = tuple(raw["restrictions"])
    return Article(**given)


def _read_row(raw: Json) -> PriceRow:
    given = {"contract": None, "price": None, "currency": None, **raw}
    given["price"], given["least"] = _decimal(given["price"]), _decimal(raw.get("least"))
    if "tiers" in raw:
        given["tiers"] = tuple(_decimal(one) for one in raw["tiers"])
    return PriceRow(**given)


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


@dataclass(frozen=True, slots=True)
class Term:
    """A pricing term of a contract. `bounds`: units up to which each tier goes; a tier after the last bound has no end.
    `per_order` is true only for terms that count the units of one order and take prices, as Amazon's quantity prices are."""

    id: int
    bounds: tuple[Decimal | None, ...]
    per_order: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """A Coupa contract; `in_force`: published, within its dates, and made for buying."""

    number: str
    in_force: bool
    terms: tuple[Term, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class CatalogState:
    """The catalog that supplier items join, as Coupa shows it. `why_not`: why what is in it cannot be bought; `known`: false
    where Coupa shows nothing of it, because nothing is in it yet (`is_empty`) or its status is not shown."""

    name: str
    why_not: str = ""
    known: bool = True
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class LastWritten:
    """What was last delivered of a supplier item: its availability, which Coupa never shows, and the catalog that we put it
    into. `removed`: we took it out; `preferred`: it was preferred until then, so that all is as before when it is back."""

    availability: str | None = None
    catalog: str | None = None
    removed: bool = False
    preferred: bool = False


NEVER_WRITTEN = LastWritten()


@dataclass(frozen=True, slots=True)
class LastItem:
    """What was last delivered of an item, in Coupa's spelling and as Coupa answered. `supplier` and `asin`: the article that
    its fields follow; empty where none wrote them yet."""

    supplier: str = ""
    asin: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a comparison needs beside the entry: contracts by number, the catalog, Coupa's words, and today's releases."""

    contracts: Mapping[str, Contract]
    commodity_of: Callable[[str], str | None]  # by UNSPSC code
    unit_of: Callable[[str], str | None]  # by Amazon's word for a package
    released: Mapping[str, Release] = field(default_factory=dict)  # by ASIN
    written: Mapping[str, Mapping[str, LastWritten]] = field(default_factory=dict)  # by ASIN and `PriceRow.under`
    catalog: CatalogState | None = None
    supplier: str = ""
    items: Mapping[str, LastItem] = field(default_factory=dict)  # by item number


def rows_in_force(rows: Sequence[PriceRow], contracts: Mapping[str, Contract]) -> list[PriceRow]:
    """Those without a contract, and those whose contract holds today."""
    return [
        row
        for row in rows
        if row.contract is None or ((one := contracts.get(row.contract)) is not None and one.in_force)
    ]
