"""Open orders: read again and again until they are finished, once for both pipelines that follow them.

Amazon tells no changes, so the orders that are due are read whole: their headers by date, the rest by order id. What was
read is joined into what the ledger knows and staged as `order` and `shipment_line`; whichever pipeline runs first reads,
the other then finds nothing due and plans what was staged.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from pydantic import ValidationError

from connectors.amazon_business.client import AmazonBusiness
from connectors.concurrency import batched, in_order
from connectors.tally import Tally
from procurement.ledger import Ledger
from procurement.ledger.types import RecordLine, Run, Staged, Window
from procurement.order_facts import OrderFacts, ShipmentFacts, join_orders, read_order, write_order, write_shipment
from procurement.pipelines.lost_parcels import give_up, refunded_since
from procurement.pipelines.open_order_names import MISSING, OPEN, ORDER, PROBLEM, RECEIPTS, SHIPMENT_LINE, STATUS
from procurement.pipelines.open_order_times import TrackingWanted, next_read, soon, tracking_by
from procurement.pipelines.order_reports import Report, by_order, order_id_of, read_report, track
from procurement.pipelines.placed_orders import Placements
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import pieces, read_moment
from procurement.policies import Mode, Rules

OVERLAP = timedelta(hours=1)  # how far a run looks back again for orders that nobody told us of
LONGEST_REPORT = timedelta(days=366)
MISSING_AFTER = timedelta(days=1)  # an order that Amazon should show by now
MOST_LISTED = 50
BATCH = 900  # orders joined at a time: bounds memory, and fills Amazon's 30 a call

Json = dict[str, Any]
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Observed:
    """What one reading found. `new`: orders with a PO number that were not placed by us; `ignored`: from before go-live;
    `unseen`: placed, and not in Amazon's report yet; `missing`: for more than a day, and people were not told yet; `changed`:
    orders and shipped lines that wait to be planned."""

    run: int
    due: int = 0
    new: int = 0
    ignored: int = 0
    unseen: int = 0
    orders: int = 0
    shipment_lines: int = 0
    changed: int = 0
    finished: int = 0
    tracking_calls: int = 0
    details_calls: int = 0
    missing: list[str] = field(default_factory=list)

    def as_summary(self) -> Json:
        return asdict(self)


def observe(
    amazon: AmazonBusiness,
    ledger: Ledger,
    *,
    run: Run,
    rules: Rules,
    order_ids: Iterable[str] = (),
    tracking_wanted: TrackingWanted | None = None,
    tally: Tally | None = None,
) -> Observed:
    """Reads the open orders that are due and those of `order_ids`, and the run's window for orders that nobody told us of;
    stages what they show.

    Calls: the order report once, by date; lines, shipments and shipped lines 30 orders a call; Package Tracking where
    `tracking_wanted` (default: `tracking_by`) says so; orderDetails daily for what we ordered and did not ship by its
    promise. A dry run, or one of a pipeline that is off, reads nothing.
    `tally`: the caller's own, for a run that counts more than what is read here.
    """
    observed, wanted = Observed(run.id), tuple(order_ids)
    asked_for = bool(wanted or run.window)
    if run.dry_run or (rules.rollout.widest(run.dag_id).mode is Mode.OFF and not asked_for):
        return observed
    with ledger.planning.planning_lock(OPEN):  # two pipelines that start together read once
        reading = _Reading(amazon, ledger, run, rules, tracking_wanted or tracking_by(rules, amazon.account), observed)
        reading.tally = reading.tally if tally is None else tally
        _observe(reading, wanted)
    return observed


def _observe(reading: "_Reading", wanted: Iterable[str]) -> None:
    headers, run, ledger = reading.headers(wanted), reading.run, reading.ledger
    oldest_first = sorted((_ordered_at(raw), id) for id, raw in headers.items())
    for some in batched(oldest_first, BATCH):
        reading.stage({id: headers[id] for _, id in some})
    _tell_missing(reading)
    ledger.runs.keep_tally(run, reading.source, reading.tally)
    if run.window is not None:
        ledger.coverage.cover(OPEN, run.window)


def look(
    amazon: AmazonBusiness, ledger: Ledger, *, run: Run, rules: Rules, order_ids: Iterable[str] = ()
) -> Iterator[OrderFacts]:
    """The same reading for a dry run: the facts as they would be staged, joined in memory; Package Tracking is not asked."""
    reading = _Reading(amazon, ledger, run, rules, lambda shipment, now: False, Observed(run.id))
    headers = reading.headers(order_ids)
    for ids in batched(sorted(headers), BATCH):
        joined, _ = reading.facts({id: headers[id] for id in ids})
        yield from (give_up(facts, now=run.now, rules=rules) for facts in joined.values())


def _tell_missing(reading: "_Reading") -> None:
    """One mail a run for all of them; each order is told of once, which its state remembers."""
    ledger, missing = reading.ledger, reading.observed.missing
    if missing:
        mail = missing_mail(missing, reading.amazon.account, reading.rules)
        ledger.notices.add(f"{OPEN}/missing/{reading.run.dag_id}/{reading.run.run_id}", "missing_order", mail)
        ledger.open_documents.watch(OPEN, {id: (MISSING, reading.placed_at[id]) for id in missing})


def missing_mail(ids: Sequence[str], account: str, rules: Rules) -> Json:
    """About at least one order."""
    several = len(ids) > 1
    subject = f"{len(ids)} Amazon orders do" if several else f"Amazon order {ids[0]} does"
    listed = "".join(f"\n    {id}" for id in ids[:MOST_LISTED])
    rest = f"\n    and {len(ids) - MOST_LISTED} more" if len(ids) > MOST_LISTED else ""
    return {
        "to": list(rules.policies.alert_recipients),
        "subject": f"{subject} not show in Amazon's order report",
        "text": f"{'These orders were' if several else 'This order was'} placed more than a day ago, and the report of account "
        f"{account} does not list {'them' if several else 'it'}, so nothing is known of {'their' if several else 'its'} "
        f"shipments:\n{listed}{rest}\n\nLook {'them' if several else 'it'} up on Amazon Business: {'they' if several else 'it'} "
        "may have been placed under another account or region. Nobody is told of these orders again.",
    }


def go_live(rules: Rules, *pipelines: str) -> datetime | None:
    """The earliest go-live of these pipelines; None where none has one."""
    dates = [date for name in pipelines if (date := rules.rollout.widest(name).go_live) is not None]
    return datetime.combine(min(dates), time.min, UTC) if dates else None


@dataclass(slots=True)
class _Reading:
    amazon: AmazonBusiness
    ledger: Ledger
    run: Run
    rules: Rules
    tracking_wanted: TrackingWanted
    observed: Observed
    tally: Tally = field(default_factory=Tally)
    untracked: set[str] = field(default_factory=set)  # orders whose packages are left to the next run
    placed_at: dict[str, datetime] = field(default_factory=dict)  # of the orders that are missing
    placements: Placements = field(init=False)

    def __post_init__(self) -> None:
        reading = self.rules.order_status.reading
        self.placements = Placements(
            self.amazon, self.ledger, self.run.now, most=reading.most_details_calls,
            late_after=timedelta(days=reading.late_after_days),
        )  # fmt: skip

    @property
    def source(self) -> str:
        return amazon_source(self.amazon.account)

    def headers(self, wanted: Iterable[str]) -> dict[str, Json]:
        """Raw order headers by id: those due or wanted, and those in the window with a PO number that nobody knows yet."""
        now, window = self.run.now, self.run.window
        asked = frozenset(wanted)
        due = dict.fromkeys(asked, now - LONGEST_REPORT + timedelta(days=1))
        documents = self.ledger.open_documents.due(OPEN, now)
        due |= {document.key: document.next_read for document in documents}
        due |= dict.fromkeys(refunded_since(self.ledger, self.source, now=now), now)
        known = self._ordered_at(due)
        starts = [known.get(key, moment - timedelta(days=1)) for key, moment in due.items()]
        start = min([*starts, *([window.start] if window else [])], default=None)
        self.observed.due = len(due)
        if start is None or start >= now:
            return {}
        found: dict[str, Json] = {}
        strangers: dict[str, Json] = {}
        since = go_live(self.rules, STATUS, RECEIPTS)
        for piece in pieces(Window(start, now), LONGEST_REPORT):
            for page in self.amazon.order_pages(piece.start, piece.end):
                for raw in page:
                    id, moment = order_id_of(raw), _ordered_at(raw)
                    if id in due:
                        found[id] = raw
                    elif window and window.start <= moment < window.end and raw.get("purchaseOrderNumber"):
                        if since is not None and moment < since:
                            self.observed.ignored += 1
                        else:
                            strangers[id] = raw
        for id in self._ordered_at(strangers):
            del strangers[id]
        unseen = due.keys() - found.keys()
        self.observed.new, self.observed.unseen = len(strangers), len(unseen)
        told = asked | {document.key for document in documents if document.state == MISSING}
        self.placed_at = {id: due[id] for id in unseen - told if due[id] < now - MISSING_AFTER}
        self.observed.missing = sorted(self.placed_at)
        return found | strangers

    def _ordered_at(self, ids: Iterable[str]) -> dict[str, datetime]:
        """When the orders that the ledger knows were placed."""
        return {
            key: record.dated_at
            for some in batched(ids, BATCH)
            for key, record in self.ledger.records.find(self.source, ORDER, some).items()
            if record.dated_at is not None
        }

    def facts(self, headers: Mapping[str, Json]) -> tuple[dict[str, OrderFacts], dict[str, str]]:
        """By order id: what is known with what is read now; and why an order could not be read."""
        now = self.run.now
        late_after = timedelta(days=self.rules.order_status.reading.late_after_days)
        joined: dict[str, OrderFacts] = {}
        problems: dict[str, str] = {}
        known = self.ledger.records.find(self.source, ORDER, headers)
        for id, report in self._reports(headers).items():
            try:
                facts = read_report(report, now=now, late_after=late_after)
            except (ValidationError, ValueError) as error:
                problems[id] = f"Amazon's report of order {id} cannot be read: {_first_line(error)}"
                continue
            if id in known and PROBLEM not in known[id].raw:
                facts = join_orders(read_order(known[id].raw), facts)
            joined[id] = facts
        return self._with_money(self.placements.join(joined)), problems

    def _reports(self, headers: Mapping[str, Json]) -> dict[str, Report]:
        """Three reports side by side, each with its own rate at Amazon."""
        amazon = self.amazon
        spans = list(_spans(headers, until=self.run.now))
        kinds = {
            "lines": amazon.order_line_pages,
            "shipments": amazon.shipment_pages,
            "shipment_lines": amazon.shipment_line_pages,
        }

        def ask(name: str) -> list[Json]:
            return [
                raw
                for window, ids in spans
                for page in kinds[name](window.start, window.end, order_ids=ids)
                for raw in page
            ]

        rows = dict(zip(kinds, in_order(ask, list(kinds), workers=len(kinds)), strict=True))
        return by_order(headers.values(), rows)

    def _with_money(self, orders: Mapping[str, OrderFacts]) -> dict[str, OrderFacts]:
        """Units charged and refunds, as the invoice pipeline staged them."""
        records = self.ledger.records
        refunds: dict[str, set[str]] = {}
        for refund in records.refunds_of(self.source, orders):
            refunds.setdefault(refund.order_id, set()).add(refund.key)
        charged: dict[tuple[str, str], int] = {}
        lines = [(id, line) for id, facts in orders.items() for line in facts.lines]
        for charge in records.charges_of(self.source, lines):
            key = (charge.order_id, charge.order_line_id)
            charged[key] = charged.get(key, 0) + int(charge.quantity or 0)
        return {
            id: replace(
                facts,
                refunds=tuple(sorted({*facts.refunds, *refunds.get(id, ())})),
                lines={
                    name: replace(line, charged=max(line.charged, charged.get((id, name), 0)))
                    for name, line in facts.lines.items()
                },
            )
            for id, facts in orders.items()
        }

    def stage(self, headers: Mapping[str, Json]) -> None:
        """Joins, stages and watches one batch."""
        now, records = self.run.now, self.ledger.records
        joined, problems = self.facts(headers)
        joined = {id: self._tracked(facts) for id, facts in self.placements.ask(joined).items()}
        joined |= {id: give_up(joined[id], now=now, rules=self.rules) for id in joined.keys() - self.untracked}
        self.observed.details_calls = self.placements.calls
        orders = [staged_order(facts) for facts in joined.values()]
        orders += [_staged_problem(id, headers[id], problem) for id, problem in problems.items()]
        lines = [
            staged_shipment(shipment, facts)
            for facts in joined.values()
            for shipment in facts.shipments.values()
            if shipment.shipped
        ]
        counted = SHIPMENT_LINE if self.run.dag_id == RECEIPTS else ORDER
        staged = {ORDER: orders, SHIPMENT_LINE: lines}
        for row in staged[counted]:
            self.tally.count(counted, row.key)
        counts = [
            records.stage(self.run, self.source, kind, rows, evolving=True, for_another=kind != counted)
            for kind, rows in staged.items()
        ]
        self.observed.orders += len(orders)
        self.observed.shipment_lines += len(lines)
        self.observed.changed += sum(one.new + one.changed for one in counts)
        moments = {id: next_read(facts, now=now, rules=self.rules) for id, facts in joined.items()}
        moments |= dict.fromkeys(problems, ("unreadable", soon(now, self.rules)))
        moments |= dict.fromkeys(self.untracked & joined.keys(), ("untracked", soon(now, self.rules)))
        finished = [id for id, (_, moment) in moments.items() if moment is None]
        self.ledger.open_documents.watch(
            OPEN, {id: (state, moment) for id, (state, moment) in moments.items() if moment is not None}
        )
        self.ledger.open_documents.close(OPEN, finished)
        self.observed.finished += len(finished)

    def _tracked(self, facts: OrderFacts) -> OrderFacts:
        """Asks after the packages that are wanted: one call each, its answer for every order line in it."""
        now, shipments = self.run.now, dict(facts.shipments)
        wanted = {
            (shipment.shipment_id, package)
            for shipment in shipments.values()
            if shipment.shipped and self.tracking_wanted(shipment, now)
            for package, _ in shipment.packages
        }
        if wanted and self.observed.tracking_calls >= self.rules.order_status.reading.most_tracking_calls:
            self.untracked.add(facts.order_id)
            return facts
        for shipment_id, package in sorted(wanted):
            answer = self.amazon.package_tracking(facts.order_id, shipment_id, package)
            self.observed.tracking_calls += 1
            for key, shipment in shipments.items():
                if shipment.shipment_id == shipment_id and package in dict(shipment.packages):
                    shipments[key] = track(shipment, package, asked_at=now, answer=answer)
        return replace(facts, shipments=shipments) if wanted else facts


def staged_order(facts: OrderFacts) -> Staged:
    return Staged(
        key=facts.order_id, raw=write_order(facts), group_key=facts.po_number, dated_at=facts.ordered_at,
        lines=tuple(RecordLine(facts.order_id, line.order_line_id, None, line.ordered) for line in facts.lines.values()),
    )  # fmt: skip


def staged_shipment(shipment: ShipmentFacts, order: OrderFacts) -> Staged:
    """Grouped by its own PO number, else by the order's."""
    line = RecordLine(shipment.order_id, shipment.order_line_id, shipment.shipment_id, shipment.quantity)
    return Staged(
        key=shipment.key, raw=write_shipment(shipment), group_key=shipment.po_number or order.po_number,
        dated_at=order.ordered_at, lines=(line,),
    )  # fmt: skip


def _staged_problem(id: str, header: Json, problem: str) -> Staged:
    moment = _ordered_at(header)
    return Staged(
        key=id, raw={PROBLEM: problem}, group_key=header.get("purchaseOrderNumber"),
        dated_at=moment if moment is not _NEVER else None,
    )  # fmt: skip


def _ordered_at(raw: Json) -> datetime:
    """The report's own order date, in both of Amazon's forms; the end of time where there is none (read_report complains)."""
    value = (raw.get("orderMetadata") or {}).get("orderDate")
    return read_moment("orderDate", value.get("date") if isinstance(value, dict) else value) or _NEVER


_NEVER = datetime.max.replace(tzinfo=UTC)


def _spans(headers: Mapping[str, Json], *, until: datetime) -> Iterator[tuple[Window, list[str]]]:
    """Order ids with a range of order dates that holds them, each at most Amazon's 366 days."""
    latest = until - timedelta(seconds=1)
    dates = sorted((min(_ordered_at(raw), latest), id) for id, raw in headers.items())
    while dates:
        start = dates[0][0]
        end = min(start + LONGEST_REPORT, until)
        ids = [id for moment, id in dates if moment < end]
        yield Window(start, end), ids
        dates = dates[len(ids) :]


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    return str(error)


__all__ = [
    "OPEN", "ORDER", "OVERLAP", "PROBLEM", "RECEIPTS", "SHIPMENT_LINE", "STATUS", "Observed", "TrackingWanted", "go_live", "look",
    "next_read", "observe", "staged_order", "staged_shipment", "tracking_by",
]  # fmt: skip
