"""Both sides of the catalog read once, and joined by ASIN: the source records of a run.

An article's record holds what Amazon and Coupa showed in the same minutes, so that planning compares like with like and
needs no second reading. Absences are judged when everything was read: where Amazon left articles unanswered, or where far
too many vanished at once, none of them counts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from connectors.amazon_business.client import AmazonBusiness
from connectors.concurrency import batched
from connectors.coupa.client import Coupa
from connectors.tally import Tally
from procurement.catalog.entries import Article, Entry, ItemRow, PriceRow, observed
from procurement.errors import ConfigurationError
from procurement.ledger.types import Run
from procurement.pipelines.amazon_catalog_to_coupa import amazon_side, coupa_side
from procurement.pipelines.amazon_catalog_to_coupa.names import ENTRY
from procurement.pipelines.amazon_catalog_to_coupa.scope import Scope
from procurement.policies import Rules

BATCH = 500
HUNDRED = 100
NOT_SOLD = Article(sold=False)
KNOWN = "contract"
Known = Callable[[Iterable[str]], Mapping[str, Entry]]


@dataclass(slots=True)
class Reading:
    """What a run saw. `unanswered`: asked for, and neither sold nor unknown by Amazon's answer, `unpriced` the same on waiting
    requisitions. `counts`: whether absences of this run count; `why_not` says why they do not. `doubted`: those that are not
    believed to be gone, since too many vanished at once."""

    asins: int = 0
    missing: int = 0
    unanswered: list[str] = field(default_factory=list)
    unpriced: list[str] = field(default_factory=list)
    counts: bool = True
    why_not: str = ""
    doubted: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reader:
    """One run's reading. `known` gives what earlier runs knew of these ASINs."""

    amazon: AmazonBusiness
    coupa: Coupa
    rules: Rules
    run: Run
    scope: Scope
    known: Known

    def entries(self, tally: Tally, reading: Reading) -> Iterator[list[Entry]]:
        """Every article in scope, joined with what was known, in batches; what Amazon does not know comes last."""
        rows = self._rows()
        origins = dict.fromkeys(rows, KNOWN)
        if self.scope.full:
            for asin, origin in amazon_side.origins(self.amazon, self.rules.catalog, self.run.now):
                origins.setdefault(asin, origin)
        else:
            for asin in self.scope.released:
                origins.setdefault(asin, KNOWN)
        items = _Items.read(self.coupa, rows, origins, self.rules.catalog.writing.item_number_prefix)
        reading.asins = len(origins)
        missing: list[str] = []
        for page in self.amazon.catalog_pages(origins, tally=tally, kind=ENTRY):
            missing += page.missing
            reading.unanswered += page.unanswered
            sold = {str(raw["asin"]): amazon_side.read_article(raw, self.rules.catalog) for raw in page.products}
            yield self._joined(sold, rows, origins, items, counts=True)
        reading.missing = len(missing)
        self._judge(missing, rows, reading)
        for some in batched(missing, BATCH):
            gone = dict.fromkeys(some, NOT_SOLD)
            yield self._joined(gone, rows, origins, items, counts=reading.counts, doubted=frozenset(reading.doubted))

    @property
    def _night(self) -> str:
        """In which absences count once: every try of a night is the same one, a run by hand is one of its own."""
        return self.scope.night.isoformat() if self.scope.night is not None else self.run.run_id

    def _rows(self) -> dict[str, list[PriceRow]]:
        supplier = supplier_of(self.rules, self.amazon.account)
        wanted = None if self.scope.full else sorted(self.scope.released)
        rows: dict[str, list[PriceRow]] = {}
        for asin, row in coupa_side.price_rows(self.coupa.supplier_items(supplier, wanted)):
            rows.setdefault(asin, []).append(row)
        return rows

    def _joined(
        self,
        articles: Mapping[str, Article],
        rows: Mapping[str, list[PriceRow]],
        origins: Mapping[str, str],
        items: "_Items",
        *,
        counts: bool,
        doubted: frozenset[str] = frozenset(),
    ) -> list[Entry]:
        before = self.known(articles)
        joined = []
        for asin, article in articles.items():
            of_asin = rows.get(asin, [])
            item, *others = items.of(asin, of_asin) or (None,)
            entry = Entry(asin, article, tuple(of_asin), item, origins[asin], other_items=tuple(filter(None, others)))
            joined.append(
                observed(
                    entry, before.get(asin), run=self._night, counts=counts and self.scope.full, doubts=asin in doubted,
                    release=self.scope.released.get(asin),
                )
            )  # fmt: skip
        return joined

    def _judge(self, missing: list[str], rows: Mapping[str, list[PriceRow]], reading: Reading) -> None:
        """An outage, or a user who lost a right, looks like a catalog that vanished. Those that vanish are believed one by one
        in an ordinary night, and together after so many nights in a row."""
        if not self.scope.full:
            return
        most = self.rules.catalog.removal.most_at_once_percent
        before = self.known(missing)
        fresh = [asin for asin in missing if asin in rows and not self._is_believed(before.get(asin))]
        if reading.unanswered:
            reading.counts, reading.why_not = False, f"Amazon left {len(reading.unanswered)} articles unanswered"
        elif rows and len(fresh) * HUNDRED > most * len(rows) and len(fresh) > 1:
            reading.counts, reading.doubted = False, fresh
            reading.why_not = f"{len(fresh)} of {len(rows)} articles vanished at once, more than {most} %"

    def _is_believed(self, before: Entry | None) -> bool:
        """Whether an article that is missing was missing before: in a run that counted, or in enough that did not."""
        if before is None:
            return False
        doubted = sum(night != self._night for night in before.doubted)
        return bool(before.missed) or doubted >= self.rules.catalog.removal.doubted_nights


@dataclass(frozen=True, slots=True)
class _Items:
    """Coupa's items, those of supplier items by id and those that an earlier run made by number."""

    by_id: Mapping[int, ItemRow]
    by_number: Mapping[str, ItemRow]
    prefix: str

    @classmethod
    def read(cls, coupa: Coupa, rows: Mapping[str, list[PriceRow]], origins: Iterable[str], prefix: str) -> "_Items":
        asins = {f"{prefix}{asin}": asin for asin in origins if asin not in rows}
        on_it: dict[int, set[str]] = {}
        for asin, of_asin in rows.items():
            for row in of_asin:
                if row.item_id is not None:
                    on_it.setdefault(row.item_id, set()).add(asin)
        ids = sorted(on_it)
        found = [coupa_side.read_item(raw) for page in coupa.items(list(asins), ids=ids) for raw in page]
        for item in found:
            if item.number in asins:
                on_it.setdefault(item.id, set()).add(asins[item.number])
        found = [replace(item, shared=True) if len(on_it.get(item.id, ())) > 1 else item for item in found]
        return cls({item.id: item for item in found}, {item.number: item for item in found}, prefix)

    def of(self, asin: str, rows: Iterable[PriceRow]) -> tuple[ItemRow, ...]:
        """The items of the rows, in their order, or the one that is waiting for the article's first row."""
        ids = dict.fromkeys(row.item_id for row in rows if row.item_id is not None)
        if ids:
            return tuple(item for id in ids if (item := self.by_id.get(id)) is not None)
        made = self.by_number.get(f"{self.prefix}{asin}")
        return (made,) if made is not None else ()


def supplier_of(rules: Rules, account: str) -> str:
    """The Coupa supplier that stands for the Amazon account."""
    entry = rules.accounts.of(account)
    if entry is None:
        raise ConfigurationError(f"accounts.yml does not know the Amazon Business account {account!r}")
    return entry.supplier
