"""The four pipelines over twelve days of one world: what the demo does, in one process, with every exchange recorded."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice
from procurement.pipelines import amazon_deliveries_to_coupa_receipts as receipts
from procurement.pipelines import amazon_invoices_to_coupa as invoices
from procurement.pipelines import amazon_order_status_to_coupa as status
from procurement.pipelines import coupa_requisitions_to_amazon_orders as orders
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from sandbox.amazon.vendor import create_vendor as create_amazon
from sandbox.coupa.vendor import create_vendor as create_coupa
from sandbox.recording import Recorder
from sandbox.system import Origin, Sandbox
from sandbox.worlds import build_world
from tests.integration.pipelines.conftest import NOW, SHIPPED, SPEED, SandboxPair, connect_amazon, connect_coupa, served

DAYS = (0, 3, 10, 12)
PIPELINES = (orders, status, receipts, invoices)
Json = dict[str, Any]


@dataclass(slots=True)
class Course:
    """What stood at the end, for tests to look at."""

    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    recording: Path
    mails: list[Notice] = field(default_factory=list)
    runs: int = 0

    def play(self) -> None:
        for day in DAYS:
            self.day(day)

    def day(self, day: int) -> None:
        """Every pipeline once, then what a new receipt wakes."""
        now = NOW + timedelta(days=day)
        if day:
            self.pair.post("coupa", "clock", set=now.isoformat())
        self.run_all(now)

    def run_all(self, now: datetime) -> None:
        for pipeline in PIPELINES:
            self._run(pipeline, now)
        self._run(invoices, now, kind="asset_triggered")

    def _run(self, pipeline: Any, now: datetime, *, kind: str = "manual") -> None:
        self.runs += 1
        ledger, rules = self.ledger, self.rules
        amazon, coupa = connect_amazon(self.pair, ledger), connect_coupa(self.pair, ledger)
        request = RunRequest(dag_id=pipeline.PIPELINE, run_id=f"run-{self.runs}", kind=kind)
        run = pipeline.open_run(ledger, request, rules=rules, clock=FixedClock(now))
        sending = {"run": run, "rules": rules, "workers": 4, "seconds": 120.0}
        if pipeline is invoices:
            invoices.extract(amazon, ledger, run=run)
            invoices.transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
            invoices.rematch(coupa, ledger, run=run, rules=rules)
            invoices.follow_up(coupa, ledger, run=run, rules=rules)
            invoices.load(coupa, ledger, **sending)
            invoices.watch_due_dates(amazon, coupa, ledger, run=run, rules=rules)
            invoices.watch_owed(ledger, run=run, rules=rules)
        elif pipeline is orders:
            orders.extract(coupa, ledger, run=run, request=request, rules=rules)
            orders.transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
            orders.load(amazon, coupa, ledger, **sending)
        else:
            pipeline.extract(amazon, ledger, run=run, request=request, rules=rules)
            pipeline.transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
            pipeline.load(coupa, ledger, **sending)
        pipeline.close(ledger, run=run, rules=rules, send_mail=self.mails.append)

    # what can be looked at

    @property
    def facts(self) -> list[Json]:
        return list(self.pair.world()["facts"]["buying"])

    def writes(self) -> int:
        return sum(int(self.pair.calls(vendor)["writes_accepted"]) for vendor in ("amazon", "coupa"))


@dataclass(frozen=True, slots=True)
class Ended:
    """One purchase order at the end of the course, in both systems and in the ledger."""

    order: Json | None
    at_amazon: list[Json]
    accepted: dict[str, int]
    fate: tuple[str, str]
    comments: list[str]

    def received(self, line: str | None = None) -> dict[str, Decimal]:
        assert self.order is not None
        return {
            row["line-num"]: Decimal(str(row["received"] or 0))
            for row in self.order["order-lines"]
            if line is None or row["line-num"] == line
        }

    @property
    def ordered(self) -> dict[str, Decimal]:
        assert self.order is not None
        return {row["line-num"]: Decimal(str(row["quantity"])) for row in self.order["order-lines"]}


def look(course: Course) -> Callable[[str], Ended]:
    """Reads both states once; then any PO by number."""
    purchase_orders, every_comment = (course.pair.state("coupa", part) for part in ("purchase_orders", "comments"))
    every_order = course.pair.state("amazon", "orders")
    fates = course.ledger.completeness.fates(orders.PIPELINE)
    placed = course.ledger.deliveries.of_keys_like(orders.PIPELINE, "place_order", [""])

    def of(number: str) -> Ended:
        order = next((row for row in purchase_orders if row["po-number"] == number), None)
        accepted: dict[str, int] = {}
        for row in placed:
            if row.business_key.rsplit("-", 2)[0] == number:
                for line in row.facts.get("lines", ()):
                    units = sum(part["units"] for part in line["accepted"])
                    accepted[line["number"]] = accepted.get(line["number"], 0) + units
        at_amazon = [row for row in every_order if row.get("purchaseOrderNumber") == number]
        comments = [
            row["comments"]
            for row in every_comment
            if order is not None and (row["commentable-type"], row["commentable-id"]) == ("OrderHeader", order["id"])
        ]
        return Ended(order, at_amazon, accepted, fates.get(number, ("unseen", "")), comments)

    return of


def live_rules(folder: Path) -> Rules:
    """The shipped rules, every pipeline live: buying since a few days, invoices since months."""
    directory = folder / "mappings"
    shutil.copytree(SHIPPED, directory, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    go_live = {invoices.PIPELINE: "2026-03-01"}
    rows = [
        f"  {one.PIPELINE}: {{mode: live, go_live: {go_live.get(one.PIPELINE, '2026-06-20')}}}" for one in PIPELINES
    ]
    examples = ["examples:", "  - {pipeline: something_else, expect: off}"]
    (directory / "rollout.yml").write_text("\n".join(["pipelines:", *rows, *examples, ""]))
    rules = read_rules(directory)
    sending = rules.policies.sending.model_copy(update={"patience": 5.0})
    return replace(rules, policies=rules.policies.model_copy(update={"sending": sending}))


def open_course(scenario: str, folder: Path, ledger_url: str) -> Iterator[Course]:
    """A sandbox and a ledger of its own, open until the tests are done."""
    with ExitStack() as stack:
        recording = folder / "exchanges.ndjson"
        recorder = Recorder(recording)
        stack.callback(recorder.close)
        origin = Origin(scenario, seed=7, now=NOW.isoformat(), options={})
        sandbox = Sandbox(origin, build_world, [create_amazon, create_coupa], speed=SPEED, recorder=recorder)
        sandbox.clock.speed = 1.0  # rates run fast, the business's time does not: a slow machine changes no outcome
        pair = stack.enter_context(served(sandbox))
        ledger = stack.enter_context(Ledger.opened(ledger_url))
        yield Course(pair, ledger, live_rules(folder), recording)
