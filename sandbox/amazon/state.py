"""What Amazon Business knows: the seed's timed documents, plus what events add or change afterwards.

Every document is looked at as of a moment (`Timed.at`). Only what becomes of a placed order waits on the timeline: each
step is kept in `pending` until its moment, and `now()` is that moment while it happens, whoever looks how late.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import fields
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sandbox.clock import SandboxClock, Timeline, read_moment
from sandbox.seed import AmazonSeed, Json, Timed

REPORTS = ("orders", "order_lines", "shipments", "shipment_lines")
KINDS = (*REPORTS, "transactions", "invoice_details", "payments", "products")
# What orders placed here and their parcels add, as plain JSON by key.
FACTS = ("placed", "aliases", "tracking")
LineKey = tuple[str, str, str]


def order_id(row: Timed) -> str:
    return str(row.document["orderMetadata"]["orderId"])


def ordered_at(row: Timed) -> datetime:
    return read_moment(row.document["orderMetadata"]["orderDate"])


def line_key(line: Json) -> LineKey:
    return str(line["orderId"]), str(line["orderLineItemId"]), str(line["shipmentId"])


class AmazonState:
    """`duplicated` holds transaction ids that a page shows twice; `reversed` turns each window around.

    `placed` has what placeOrder answered, by externalId; `aliases` the Reconciliation ids of lines and shipments that
    Reporting names otherwise, by `<order id>/<Reporting id>`; `tracking` what happened to packages, by
    `<order id>/<shipment id>`; `pending` the steps still to come and `happened` those that did. `unfold`, set by the
    vendor, makes one step happen.
    """

    def __init__(self, clock: SandboxClock, switches: Mapping[str, Any]) -> None:
        self.clock, self._switches = clock, switches
        self.unfold: Callable[[Json], object] = lambda step: None
        self.load(AmazonSeed(), Timeline())

    def load(self, seed: AmazonSeed, timeline: Timeline, *, key: str = "") -> None:
        """Starts over. The seed's own lists are copied, its documents are never changed in place. Ids of what is
        placed here are derived from `key`."""
        self.key, self._timeline = key, timeline
        self._moment: datetime | None = None
        self.seed = AmazonSeed(seed.account, seed.region, list(seed.user_emails), fates=seed.fates, ids=seed.ids)
        for kind in KINDS:
            rows = [Timed(row.document, row.since, list(row.changes)) for row in getattr(seed, kind)]
            setattr(self.seed, kind, rows)
        self.duplicated: set[str] = set()
        self.reversed = False
        self.touched = False  # by an event, since the load
        self.placed: dict[str, Json] = {}
        self.aliases: dict[str, str] = {}
        self.tracking: dict[str, list[Json]] = {}
        self._steps: dict[int, Json] = {}
        self._step_count = 0
        self.happened: list[Json] = []
        self._orders_placed: dict[str, Json] = {}
        self._index()

    def _index(self) -> None:
        seed = self.seed
        for kind in REPORTS:
            getattr(seed, kind).sort(key=ordered_at)
        seed.transactions.sort(key=lambda row: row.since)
        self._reports_by_order: dict[str, dict[str, list[Timed]]] = {kind: {} for kind in REPORTS}
        for kind in REPORTS:
            for row in getattr(seed, kind):
                self._reports_by_order[kind].setdefault(order_id(row), []).append(row)
        self._transactions_of: dict[str, list[Timed]] = {}
        for row in seed.transactions:
            self._note_transaction(row)
        self._details = {line_key(row.document["orderLineItem"]): row for row in seed.invoice_details}
        self._payments = {str(row.document["invoiceId"]): row for row in seed.payments}

    def now(self) -> datetime:
        """The clock's moment, or that of the step which happens just now."""
        return self._moment or self.clock.now()

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Whatever changes inside carries this moment."""
        before, self._moment = self._moment, moment
        try:
            yield
        finally:
            self._moment = before

    # Reading

    def reports(self, kind: str, start: datetime, end: datetime, order_ids: Iterable[str] | None) -> list[Timed]:
        """Rows of `kind` whose order date lies within [start, end], by order date; of these orders only, if given."""
        if order_ids is not None:
            by_order = self._reports_by_order[kind]
            rows = [row for name in dict.fromkeys(order_ids) for row in by_order.get(name, ())]
            return sorted((row for row in rows if start <= ordered_at(row) <= end), key=ordered_at)
        everything: list[Timed] = getattr(self.seed, kind)
        first, last = bisect_left(everything, start, key=ordered_at), bisect_right(everything, end, key=ordered_at)
        return everything[first:last]

    def of_order(self, kind: str, name: str) -> list[Timed]:
        """All rows of `kind` of one order."""
        return self._reports_by_order[kind].get(name, [])

    def feed(self, start: datetime, end: datetime, now: datetime) -> Iterator[Json]:
        """Transactions with a feedDate within [start, end] that are in the feed by `now`, by feedDate."""
        rows = self.seed.transactions
        first = bisect_left(rows, start, key=lambda row: row.since)
        last = bisect_right(rows, end, key=lambda row: row.since)
        window = rows[first:last]
        for row in reversed(window) if self.reversed else window:
            document = row.at(now)
            if document is not None:
                yield document
                if document.get("transactionId") in self.duplicated:
                    yield document

    def find_transaction(self, transaction_id: str) -> Timed:
        """LookupError when the feed has none of that id."""
        for row in self.seed.transactions:
            if row.document.get("transactionId") == transaction_id:
                return row
        raise LookupError(f"no transaction {transaction_id!r}")

    def transactions_of(self, order: str) -> list[Timed]:
        """All transactions on one order, those that wait for their feed date too."""
        return self._transactions_of.get(order, [])

    def invoice_details(self, key: LineKey, now: datetime) -> list[Any]:
        row = self._details.get(key)
        document = row.at(now) if row else None
        return list(document["invoiceDetails"]) if document else []

    def payment(self, invoice_id: str, now: datetime) -> Json | None:
        row = self._payments.get(invoice_id)
        return row.at(now) if row else None

    def placed_order(self, name: str) -> Json | None:
        """What was kept of an order that was placed here; None for the seed's own."""
        return self._orders_placed.get(name)

    def other_id(self, order: str, name: str) -> str:
        """A line's or shipment's id in Reconciliation, from its id in Reporting."""
        return self.aliases.get(f"{order}/{name}", name)

    # Changing (events and placed orders only)

    def add_report(self, kind: str, document: Json) -> Json:
        row = Timed(document, self.now())
        insort(getattr(self.seed, kind), row, key=ordered_at)
        self._reports_by_order[kind].setdefault(order_id(row), []).append(row)
        self.touched = True
        return document

    def feed_moment(self) -> datetime:
        """When something that happens now enters the feed."""
        return self.now() + timedelta(seconds=self._switches["feed_delay_seconds"])

    def add_transaction(self, document: Json) -> Json:
        """Into the feed, after the delay that the switch `feed_delay_seconds` says."""
        row = Timed(document, self.feed_moment())
        insort(self.seed.transactions, row, key=lambda row: row.since)
        self._note_transaction(row)
        self.touched = True
        return document

    def _note_transaction(self, row: Timed) -> None:
        for name in {str(line["orderId"]) for line in row.document.get("transactionLineItems") or ()}:
            self._transactions_of.setdefault(name, []).append(row)

    def change(self, row: Timed, **patch: Any) -> Json:
        """From this moment on; None removes a key. Later changes of the seed still come."""
        row.changes.append((self.now(), patch))
        row.changes.sort(key=lambda change: change[0])
        self.touched = True
        return row.at(self.now()) or {}

    def add_invoice_detail(self, key: LineKey, detail: Json) -> None:
        """From now on, and beside what the seed makes known later."""
        now = self.now()
        row = self._details.get(key)
        if row is None:
            names = dict(zip(("orderId", "orderLineItemId", "shipmentId"), key, strict=True))
            row = Timed({"orderLineItem": names, "invoiceDetails": []}, now)
            self.seed.invoice_details.append(row)
            self._details[key] = row
        row.since = min(row.since, now)
        row.changes = [
            (at, {**patch, "invoiceDetails": [*patch["invoiceDetails"], detail]})
            if at > now and "invoiceDetails" in patch
            else (at, patch)
            for at, patch in row.changes
        ]
        self.change(row, invoiceDetails=[*self.invoice_details(key, now), detail])

    def add_payment(self, document: Json, *changes: tuple[datetime, Json]) -> None:
        row = Timed(document, self.now(), list(changes))
        self.seed.payments.append(row)
        self._payments[str(document["invoiceId"])] = row
        self.touched = True

    @property
    def pending(self) -> list[Json]:
        return list(self._steps.values())

    def keep_placed(self, external_id: str, record: Json) -> None:
        """`record["orders"]` are the Amazon orders that came of it, each with its `orderId`."""
        self.placed[external_id] = record
        self._note_orders(record)
        self.touched = True

    def _note_orders(self, record: Json) -> None:
        self._orders_placed.update({str(one["orderId"]): one for one in record["orders"]})

    def plan(self, step: Json) -> None:
        """`step` will be handed to `unfold` at the moment it carries in `at`."""
        self._step_count += 1
        number = self._step_count
        self._steps[number] = step
        self._timeline.add(read_moment(step["at"]), lambda: self._run(number))

    def _run(self, number: int) -> None:
        step = self._steps.pop(number)
        self.touched = True
        with self.at(read_moment(step["at"])):
            self.unfold(step)

    # The edge's protocol

    def snapshot(self) -> Json:
        """Empty of documents while no event has touched the seed: the world is rebuilt from its origin."""
        flags: Json = {"duplicated": sorted(self.duplicated), "reversed": self.reversed}
        flags |= {name: deepcopy(getattr(self, name)) for name in (*FACTS, "pending", "happened")}
        if not self.touched:
            return flags
        return flags | {"documents": {kind: [_write(row) for row in getattr(self.seed, kind)] for kind in KINDS}}

    def restore(self, snapshot: Json) -> None:
        self.duplicated, self.reversed = set(snapshot["duplicated"]), snapshot["reversed"]
        for name in FACTS:
            setattr(self, name, deepcopy(snapshot.get(name, {})))
        self.happened = list(snapshot.get("happened", []))
        for record in self.placed.values():
            self._note_orders(record)
        for step in snapshot.get("pending", []):
            self.plan(dict(step))
        if "documents" in snapshot:
            self.touched = True
            for kind in KINDS:
                setattr(self.seed, kind, [_read(row) for row in snapshot["documents"][kind]])
            self._index()

    def parts(self) -> Mapping[str, Callable[[], Any]]:
        """Every document as it reads now, `waiting` counting those still in the future."""
        return {
            "account": lambda: self.seed.account,
            "region": lambda: self.seed.region,
            **{kind: partial(self._visible, kind) for kind in KINDS},
            **{name: partial(getattr, self, name) for name in (*FACTS, "pending", "happened")},
            "waiting": lambda: {kind: len(getattr(self.seed, kind)) - len(self._visible(kind)) for kind in KINDS},
            "duplicated": lambda: sorted(self.duplicated),
            "reversed": lambda: self.reversed,
        }

    def _visible(self, kind: str) -> list[Json]:
        now, rows = self.clock.now(), getattr(self.seed, kind)
        return [document for row in rows if (document := row.at(now)) is not None]


def _write(row: Timed) -> Json:
    changes = [[moment.isoformat(), patch] for moment, patch in row.changes]
    return {"document": row.document, "since": row.since.isoformat(), "changes": changes}


def _read(row: Json) -> Timed:
    changes = [(read_moment(moment), patch) for moment, patch in row["changes"]]
    return Timed(row["document"], read_moment(row["since"]), changes)


assert {field.name for field in fields(AmazonSeed)} == {"account", "region", "user_emails", "ids", "fates", *KINDS}
