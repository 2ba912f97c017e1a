"""From articles to writes: each is compared, and every record gets exactly one fate.

A record's writes are its parts; what remains beside them is the part `state`: held, waiting, or skipped because nothing is
to be written. A write that has no answer yet, or that a person must look at, is never overtaken by another one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.coupa.client import Coupa
from procurement.catalog.comparing import compare_all
from procurement.catalog.decisions import Decision
from procurement.catalog.entries import (
    CatalogState,
    Contract,
    Entry,
    LastItem,
    LastWritten,
    Surroundings,
    read_entry,
)
from procurement.ledger import Ledger
from procurement.ledger.types import (
    DeliveryName,
    Known,
    Plan,
    PlannedDelivery,
    PlannedFinding,
    PlannedRecord,
    PlannedState,
    Record,
    Run,
)
from procurement.pipelines.amazon_catalog_to_coupa.actions import other_sellers
from procurement.pipelines.amazon_catalog_to_coupa.names import (
    CREATE_ITEM,
    CREATE_PRICE,
    PIPELINE,
    UPDATE_ITEM,
    UPDATE_PRICE,
    WRITES,
)
from procurement.pipelines.amazon_catalog_to_coupa.payloads import (
    Json,
    Write,
    content_of,
    marked,
    read_delivered,
    read_hidden,
    writes_of,
)
from procurement.pipelines.amazon_catalog_to_coupa.scope import Scope
from procurement.pipelines.proposals import Proposal
from procurement.policies import Mode, Rules

UNANSWERED = "an earlier write of it has no answer yet"
SAME = "Coupa says the same"


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the ledger knows of earlier writes: the newest of each series by action, and what they left behind, by ASIN and
    `PriceRow.under`, and by item number."""

    newest: Mapping[str, Mapping[str, Known]]
    written: Mapping[str, Mapping[str, LastWritten]]
    items: Mapping[str, LastItem]
    payloads: Callable[[Iterable[int]], Mapping[int, Json]]

    @classmethod
    def read(cls, ledger: Ledger, supplier: str) -> "Earlier":
        newest = {action: ledger.deliveries.latest(PIPELINE, action) for action in WRITES}
        return cls(newest, _last_written(ledger, supplier), _last_items(ledger), ledger.deliveries.payloads)


def _last_written(ledger: Ledger, supplier: str) -> dict[str, dict[str, LastWritten]]:
    """By ASIN and `PriceRow.under`."""
    found: dict[str, dict[str, LastWritten]] = {}
    for known in _delivered(ledger, (CREATE_PRICE, UPDATE_PRICE)):
        if known.facts.get("supplier") == supplier:
            found.setdefault(str(known.facts.get("asin") or ""), {}).update(read_hidden(known.facts))
    return found


def _last_items(ledger: Ledger) -> dict[str, LastItem]:
    """By item number, whichever account wrote it."""
    found: dict[str, LastItem] = {}
    for known in _delivered(ledger, (CREATE_ITEM, UPDATE_ITEM)):
        if (delivered := read_delivered(known.facts)) is not None:
            found[known.business_key.rpartition("/")[0]] = delivered
    return found


def _delivered(ledger: Ledger, actions: Sequence[str]) -> list[Known]:
    """The newest delivered write of each series, oldest first."""
    newest = (ledger.deliveries.latest(PIPELINE, action, delivered=True) for action in actions)
    return sorted((known for series in newest for known in series.values()), key=lambda known: known.id)


@dataclass(frozen=True, slots=True)
class Planner:
    """Compares articles and plans what follows. Reads Coupa only to learn whether others sell an item that would go."""

    coupa: Coupa
    rules: Rules
    run: Run
    account: str
    supplier: str
    contracts: Mapping[str, Contract]
    catalog: CatalogState
    earlier: Earlier
    scope: Scope

    @property
    def mode(self) -> Mode:
        return self.rules.rollout.of(PIPELINE, account=self.account, supplier=self.supplier).mode

    def proposals(
        self, pages: Iterable[Sequence[Record]]
    ) -> Iterator[tuple[Sequence[Record], Proposal, list[Decision]]]:
        """What becomes of each record, page by page, and the decisions behind it. Articles that share an item come last, all
        together, since the item is decided by all of them."""
        shared: list[tuple[Record, Entry]] = []
        for page in pages:
            alone: list[tuple[Record, Entry]] = []
            for record in page:
                entry = read_entry(record.raw)
                (shared if any(item.shared for item in entry.items) else alone).append((record, entry))
            if alone:
                yield self._propose(alone)
        if shared:
            yield self._propose(shared)

    def _propose(self, read: Sequence[tuple[Record, Entry]]) -> tuple[Sequence[Record], Proposal, list[Decision]]:
        proposal = Proposal(kept_as="state")
        plan = proposal.shadow if self.mode is Mode.SHADOW and not self.run.dry_run else proposal.live
        decisions = compare_all([entry for _, entry in read], self.rules.catalog, self._around())
        for (record, entry), decision in zip(read, decisions, strict=True):
            self._spare_items_of_others(decision)
            self._plan(plan, record, entry, decision)
        return [record for record, _ in read], proposal, decisions

    def _around(self) -> Surroundings:
        lookups = self.rules.lookups
        return Surroundings(
            contracts=self.contracts, commodity_of=lookups["commodities"].find, unit_of=lookups["units"].find,
            released=self.scope.released, written=self.earlier.written, catalog=self.catalog,
            supplier=self.supplier, items=self.earlier.items,
        )  # fmt: skip

    def _spare_items_of_others(self, decision: Decision) -> None:
        """An item that somebody still sells stays active."""
        decision.items = [
            change
            for change in decision.items
            if change.fields.get("active") is not False
            or next(other_sellers(self.coupa, change.item.id, change.taken_out), None) is None
        ]

    def _plan(self, plan: Plan, record: Record, entry: Entry, decision: Decision) -> None:
        writes = writes_of(decision, entry, supplier=self.supplier)
        planned: list[PlannedDelivery] = []
        names: dict[str, DeliveryName] = {}  # also of writes that are under way: what follows them still does
        stuck: list[str] = []
        for write in writes:
            number, why_not = self._number(write)
            names[write.action] = (write.action, f"{write.series}/{number}")
            if why_not:
                stuck.append(why_not)
            else:
                planned.append(self._delivery(write, number, names))
        plan.deliveries += planned
        plan.records += self._fates(record, decision, planned, stuck)
        about = planned[0] if planned else None
        plan.findings += [
            PlannedFinding(
                kind=one.kind, sentence=one.sentence, expected=one.expected, actual=one.actual,
                delivery=about.name if about else None, record_id=record.id, breached=bool(decision.held),
            )
            for one in decision.differences
        ]  # fmt: skip

    def _number(self, write: Write) -> tuple[int, str]:
        """The number of the write in its series: the newest one's where that may still change, the next where it is done.

        With it, why nothing new may be planned: the newest is under way, or this very content was refused or put aside.
        """
        newest = self.earlier.newest[write.action].get(write.series)
        if newest is None:
            return 1, ""
        number = int(newest.business_key.rpartition("/")[2])
        if not newest.claimed:
            return number, ""
        if newest.state in ("sending", "planned", "waiting"):
            return number, UNANSWERED
        if newest.state == "delivered":
            return number + 1, ""
        before = self.earlier.payloads([newest.id]).get(newest.id, {})
        if content_of(before) == content_of(write.payload):
            return number, newest.reason or f"an earlier write of the same content is {newest.state}"
        return number + 1, ""

    def _delivery(self, write: Write, number: int, names: Mapping[str, DeliveryName]) -> PlannedDelivery:
        key = f"{write.series}/{number}"
        payload = marked(write.payload, marker=self.rules.catalog.writing.marker, key=key, run=self.run.id)
        return PlannedDelivery(
            action=write.action, business_key=key, payload=payload, after=names.get(write.follows or ""),
            mapping_version=self.rules.version, policy_version=self.rules.version, scope=self.account,
        )  # fmt: skip

    def _fates(
        self, record: Record, decision: Decision, planned: Sequence[PlannedDelivery], stuck: Sequence[str]
    ) -> Iterable[PlannedRecord]:
        for delivery in planned:
            part = f"{delivery.action} {delivery.business_key}"
            yield PlannedRecord(record_id=record.id, state="planned", part=part, bills=delivery.name, hash=record.hash)
        state, reason = _rest(decision, stuck)
        if not planned or state in ("held", "waiting"):
            yield PlannedRecord(
                record_id=record.id, state=state, reason=reason, part="state", hash=record.hash,
                error_class="policy" if state == "held" else None,
            )  # fmt: skip


def _rest(decision: Decision, stuck: Sequence[str]) -> tuple[PlannedState, str]:
    """What remains of an article beside its writes."""
    if decision.held:
        return "held", "; ".join(decision.held)
    if UNANSWERED in stuck or decision.waits:
        return "waiting", UNANSWERED if UNANSWERED in stuck else decision.reason
    return "skipped", decision.reason or next(iter(stuck), SAME)
