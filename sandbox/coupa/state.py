"""The state the sandbox's shared edge holds for Coupa: filled from a seed, saved, restored, described, nudged by
events.

Seeded records go through the same rules as API calls, at their own moment, in order; those in the future are put on the
timeline. A seed's events happen the same way, after the records of their moment; a record may name `events/<name>`
as its resource, and is then that event with Coupa's own rights.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sandbox.coupa import invoice_actions, matching, suppliers
from sandbox.coupa.errors import Refused
from sandbox.coupa.events import EVENTS, run_event
from sandbox.coupa.incoming import read_body
from sandbox.coupa.instance import RESOURCES, SWITCHES, Instance
from sandbox.coupa.invoices import create_invoice
from sandbox.coupa.references import find_reference
from sandbox.coupa.routes import creator
from sandbox.coupa.schema import Record
from sandbox.coupa.serialise import Serialiser
from sandbox.coupa.settings import set_tolerances, settings_of
from sandbox.seed import CoupaEvent, CoupaRecord, CoupaSeed
from sandbox.service import UnknownEvent

Json = dict[str, Any]
DISPUTE_REASONS = {
    "INCORRECT-PRICE": "The price differs from the purchase order",
    "INCORRECT-QUANTITY": "The quantity differs from what was ordered or received",
    "NOT-ORDERED": "This was not ordered", "DUPLICATE": "This was invoiced before",
}  # fmt: skip
SHOWN = (
    "requisitions",
    "purchase_orders",
    "purchase_order_changes",
    "receiving_transactions",
    "invoices",
    "comments",
    "approvals",
    "matching_allocations",
    "integration_runs",
    "integration_errors",
    "contracts",
    "items",
    "supplier_items",
    "suppliers",
    "supplier_information",
    "tasks",
)


class Clock(Protocol):
    def now(self) -> datetime: ...


class Timeline(Protocol):
    def add(self, at: datetime, happening: Callable[[], object]) -> None: ...


class SeedError(ValueError):
    """A seeded record broke a rule of Coupa; the message says which and why."""


class CoupaState:
    def __init__(self, switches: Json | None = None) -> None:
        self._switches = dict(SWITCHES) if switches is None else switches
        self._begin()

    def _begin(self) -> None:
        self.instance = Instance(switches=self._switches)
        self.serialiser = Serialiser(self.instance)
        self.problems: list[str] = []  # of seeded records that were due later and could not be made
        self._done: set[int] = set()

    def load(self, seed: CoupaSeed, clock: Clock, timeline: Timeline) -> None:
        """Starts over from `seed`. Raises SeedError on a record due by now that Coupa's rules refuse."""
        self._begin()
        self.instance.clock = clock.now
        set_tolerances(self.instance, seed.tolerances)
        self.instance.invoice_approvers = list(seed.invoice_approvers)
        now = clock.now()
        everything: list[CoupaRecord | CoupaEvent] = [*seed.records, *seed.events]
        ordered = sorted(enumerate(everything), key=lambda numbered: numbered[1].at)
        for number, record in ordered:
            if record.at <= now:
                self._make(number, record)
        if not self.instance.table("dispute_reasons").rows:
            for code, description in DISPUTE_REASONS.items():
                suppliers.create_record(self.instance, "dispute_reasons", {"code": code, "description": description})
        for number, record in ordered:
            if record.at > now:
                timeline.add(record.at, partial(self._make_later, number, record))

    def _make(self, number: int, seeded: CoupaRecord | CoupaEvent) -> None:
        name = f"event {seeded.name}" if isinstance(seeded, CoupaEvent) else seeded.resource
        with self.instance.as_of(seeded.at, trusted=isinstance(seeded, CoupaRecord)):
            try:
                if isinstance(seeded, CoupaEvent):
                    run_event(self.instance, seeded.name, seeded.body)
                else:
                    make_record(self.instance, seeded.resource, seeded.body)
            except Refused as refusal:
                raise SeedError(f"seeded record {number} ({name}): {' '.join(refusal.sentences)}") from None
        self._done.add(number)

    def _make_later(self, number: int, record: CoupaRecord | CoupaEvent) -> None:
        """On the timeline nobody is there to be told: what goes wrong is kept in `problems`."""
        if number in self._done:
            return
        try:
            self._make(number, record)
        except SeedError as problem:
            self.problems.append(str(problem))

    def snapshot(self) -> Json:
        return {
            "store": self.instance.store.snapshot(), "settings": settings_of(self.instance),
            "notifications": self.instance.notifications,
            "mails": self.instance.mails, "problems": self.problems, "done": sorted(self._done),
        }  # fmt: skip

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """The records of the snapshot in place of the present ones; the clock and the timeline stay."""
        clock = self.instance.clock
        self._begin()
        self.instance.clock = clock
        self.instance.store.restore(snapshot["store"])
        run_event(self.instance, "settings", snapshot["settings"])
        self.instance.notifications, self.instance.mails = list(snapshot["notifications"]), list(snapshot["mails"])
        self.problems, self._done = list(snapshot["problems"]), set(snapshot["done"])

    def parts(self) -> Mapping[str, Callable[[], Any]]:
        """Counts by resource, and every document, notification and mail as JSON."""
        tables = self.instance.store.tables
        return {
            "counts": lambda: {name: len(table) for name, table in tables.items() if len(table)},
            **{name: partial(self._show_all, name) for name in SHOWN},
            "notifications": lambda: self.instance.notifications,
            "mails": lambda: self.instance.mails,
            "problems": lambda: self.problems,
            "settings": lambda: settings_of(self.instance),
        }

    def _show_all(self, resource: str) -> list[Json]:
        return [self.serialiser.show(resource, record) for record in self.instance.store.tables[resource]]

    def event(self, name: str, body: Any) -> Json:
        """Raises UnknownEvent, or ValueError with Coupa's own sentences."""
        if name not in EVENTS:
            raise UnknownEvent(name)
        try:
            return run_event(self.instance, name, body)
        except Refused as refusal:
            raise ValueError(" ".join(refusal.sentences)) from None


def make_record(instance: Instance, resource: str, body: Any) -> None:
    """One seeded record, with what only Coupa may set."""
    if resource.startswith("events/"):
        run_event(instance, resource.removeprefix("events/"), body)
    elif resource in ("remit_to_addresses", "suppliers/addresses"):
        given = read_body(body, "remit_to_address")
        suppliers.create_remit_to(instance, _reference(instance, "suppliers", given.pop("supplier", None)), given)
    elif resource == "integration_contacts":
        given = read_body(body, "integration_contact")
        if "contactable" in given:
            given["contactable-id"] = _reference(instance, "users", given.pop("contactable"))["id"]
        suppliers.create_record(instance, resource, {"contactable-type": "User", **given})
    elif resource == "invoices":
        _make_invoice(instance, read_body(body, "invoice_header"))
    elif resource in RESOURCES:
        creator(resource)(instance, body)
    else:
        raise Refused(404, [f"Unknown resource {resource}"])


def _make_invoice(instance: Instance, given: Record) -> None:
    """A seeded invoice beyond draft is submitted first, so that matching and counters know it, then given its
    status."""
    status = given.pop("status", "draft")
    invoice = create_invoice(instance, {"channel": "manual", **given})
    if status == "draft":
        return
    invoice_actions.act_on_invoice(instance, invoice, "submit", {})
    if status not in ("submitted", invoice["status"]):
        matching.set_status(instance, invoice, status)


def _reference(instance: Instance, resource: str, given: Any) -> Record:
    try:
        return find_reference(instance, resource, given)
    except ValueError as problem:
        raise Refused(400, [f"{RESOURCES[resource].title} {problem}"]) from None
