"""The steps up to sending. Each takes ready clients and an open ledger, and can be repeated after any crash."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.transactions import KIND
from connectors.coupa.client import Coupa
from procurement.clock import Clock
from procurement.ledger import Ledger
from procurement.ledger.planning import INVOICE_OR_BUDGET, RenderedPlan, render
from procurement.ledger.transaction_lines import read_transaction_lines
from procurement.ledger.types import Pending, PlanCounts, Run
from procurement.pipelines import closing, loading, windows
from procurement.pipelines.amazon_invoices_to_coupa.actions import actions
from procurement.pipelines.amazon_invoices_to_coupa.billed_before import billed_before
from procurement.pipelines.amazon_invoices_to_coupa.comments import read_owners
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import coupa_rates
from procurement.pipelines.amazon_invoices_to_coupa.movements import sold_with
from procurement.pipelines.amazon_invoices_to_coupa.planning import Planner
from procurement.pipelines.amazon_invoices_to_coupa.staging import staged, transaction_lines
from procurement.pipelines.feeds import read_feed, stage_feed
from procurement.pipelines.proposals import unkept, unstaged
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules

UNDATED = datetime.min.replace(tzinfo=UTC)
BATCH = 1_000  # documents planned at a time: bounds memory, and fills Amazon's 25 and Coupa's 50 a call

Summary = dict[str, Any]
Preview = dict[str, Any]


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run, with its feed window resolved once; a retry gets the same one back."""
    overlap = timedelta(hours=rules.policies.overlap_hours)
    return windows.open_run(ledger, request, rules=rules, clock=clock, pipeline=PIPELINE, overlap=overlap)


def extract(amazon: AmazonBusiness, ledger: Ledger, *, run: Run) -> Summary:
    """Stages every transaction of the run's window; a dry run stages nothing."""
    return stage_feed(amazon, ledger, run=run, pipeline=PIPELINE, kind=KIND, staged=staged)


def transform(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Plans whatever has no plan yet, whichever run read it; in a dry run or in shadow it only shows the plan."""
    mode = rules.rollout.widest(PIPELINE).mode
    if mode is Mode.OFF and not run.dry_run:
        return {"run": run.id, "mode": mode.value, "planned": 0, "records": 0}
    planner = Planner(
        amazon=amazon, coupa=coupa, known=partial(ledger.deliveries.known, PIPELINE, CREATE), rules=rules, now=run.now,
        owners=read_owners(coupa, rules.routing), released=frozenset(request.document_numbers), rehearsal=run.dry_run,
        alike=partial(ledger.deliveries.alike, PIPELINE, CREATE, source=amazon_source(amazon.account)),
        sold=partial(read_transaction_lines, ledger.engine, amazon_source(amazon.account)),
        sent=ledger.deliveries.payloads, budgeted=partial(ledger.spend.posted, amazon_source(amazon.account)),
        before=billed_before(ledger, rules), rates=coupa_rates(coupa, rules.policies),
    )  # fmt: skip
    if run.dry_run:
        return _show_plan(amazon, ledger, run=run, planner=planner)
    source = amazon_source(amazon.account)
    with ledger.planning.planning_lock(PIPELINE), ledger.planning.planning_lock(INVOICE_OR_BUDGET):
        if request.document_numbers:
            ledger.records.reopen(source, KIND, request.document_numbers)
        waiting = ledger.records.to_plan(source, KIND)
        pending = frozenset(row.id for row in waiting)
        counts, previews = _plan(ledger, run, planner, batches(ledger, source, waiting), pending)
        ledger.plans.keep(run, previews)
    planned = sum(one.planned + one.replaced for one in counts)
    return {"run": run.id, "mode": mode.value, "planned": planned, "records": sum(one.records for one in counts)}


def _plan(
    ledger: Ledger, run: Run, planner: Planner, batches: Iterable[Sequence[int]], pending: frozenset[int]
) -> tuple[list[PlanCounts], list[Preview]]:
    """Batch by batch: while PostgreSQL keeps one, the next is read from the two systems. It is decided only when all before it
    stand in the ledger; what could not be kept raises here, and nothing after it is decided."""
    kept: list[Future[PlanCounts]] = []
    previews: list[Preview] = []

    def plan_next(batch: Sequence[int]) -> RenderedPlan:
        prepared = planner.prepare(ledger.records.load(batch))
        if kept:
            kept[-1].result()
        proposal = planner.decide(prepared, pending=pending)
        previews.extend(proposal.in_shadow)
        return render(proposal.plan)

    with ThreadPoolExecutor(max_workers=1) as keeper:
        for batch in batches:
            with without_collecting():
                kept.append(keeper.submit(ledger.planning.keep, run, plan_next(batch)))
    return [one.result() for one in kept], previews


@contextmanager
def without_collecting() -> Iterator[None]:
    """A batch is hundreds of thousands of small objects without a cycle among them: counting references frees them all, and
    the collector would walk them again and again, a sixth of the time, to find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def batches(ledger: Ledger, source: str, waiting: Sequence[Pending]) -> Iterator[list[int]]:
    """Record ids in batches of whole groups, the records already planned in a group included.

    As Amazon published them, of one moment the charges before the refunds: a credit note finds its original planned by an
    earlier batch, and what is billed again finds the credit note.
    """
    groups: dict[str, list[int]] = {}
    for row in sorted(waiting, key=lambda row: (row.dated_at or UNDATED, row.subkind != "CHARGE")):
        groups.setdefault(row.group_key or f"\0{row.id}", []).append(row.id)
    names = list(groups)
    for start in range(0, len(names), BATCH):
        chosen = names[start : start + BATCH]
        ids = dict.fromkeys(id for name in chosen for id in groups[name])
        numbered = [name for name in chosen if not name.startswith("\0")]
        ids.update(dict.fromkeys(row.id for row in ledger.records.of_groups(source, KIND, numbered)))
        yield list(ids)


def _show_plan(amazon: AmazonBusiness, ledger: Ledger, *, run: Run, planner: Planner) -> Summary:
    """A dry run reads the window into memory, plans it, and keeps nothing but the plan for people to read."""
    rows = {row.key: row for page in read_feed(amazon, run.window) for row in map(staged, page)}
    records = unstaged(rows.values(), source=amazon_source(amazon.account), kind=KIND)
    planner = replace(
        planner, sold=sold_with(planner.sold, (line for row in rows.values() for line in transaction_lines(row)))
    )
    proposal = planner.propose(records, pending=frozenset(record.id for record in records))
    ledger.plans.keep(run, [*proposal.previews, *unkept(proposal.plan, records)])
    return {"run": run.id, "dry_run": True, "records": len(records), "would_create": len(proposal.previews)}


def load(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, workers: int, seconds: float) -> Summary:
    """Sends what is planned: create, submit, and what exceptions need."""
    return loading.load(ledger, PIPELINE, actions(coupa), run=run, rules=rules, workers=workers, seconds=seconds)


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: closing.SendMail, failed_upstream: Sequence[str] = ()
) -> Summary:
    """Settles the run and mails what it found; raises IncompleteRun when a document or a cent is unaccounted for."""
    return closing.close(ledger, PIPELINE, run=run, rules=rules, send_mail=send_mail, failed_upstream=failed_upstream)
