"""The steps. Each takes ready clients and an open ledger, and can be repeated after any crash."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.concurrency import batched
from connectors.coupa.client import Coupa
from connectors.tally import Tally
from procurement.clock import Clock
from procurement.ledger import Ledger
from procurement.ledger.types import Run
from procurement.pipelines import closing, loading, windows
from procurement.pipelines.compliance_gate import ComplianceGate
from procurement.pipelines.compliance_stopped import Stopped
from procurement.pipelines.compliance_surroundings import Articles, Contracts
from procurement.pipelines.compliance_unreported import Unreported
from procurement.pipelines.coupa_requisitions_to_amazon_orders import staging
from procurement.pipelines.coupa_requisitions_to_amazon_orders.actions import actions
from procurement.pipelines.coupa_requisitions_to_amazon_orders.earlier import REFUSED, waiting_beside_sent
from procurement.pipelines.coupa_requisitions_to_amazon_orders.gate import Gate
from procurement.pipelines.coupa_requisitions_to_amazon_orders.gate_alarms import GateAlarms
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import KIND, PIPELINE, PLACE, TRIAL
from procurement.pipelines.coupa_requisitions_to_amazon_orders.own_versions import note_own_versions
from procurement.pipelines.coupa_requisitions_to_amazon_orders.planning import Planner
from procurement.pipelines.coupa_requisitions_to_amazon_orders.preview import Replaced
from procurement.pipelines.coupa_requisitions_to_amazon_orders.results import follow_up
from procurement.pipelines.coupa_requisitions_to_amazon_orders.second_channel import raise_alarms
from procurement.pipelines.proposals import SHADOW, unkept, unstaged
from procurement.pipelines.sources import coupa_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules

BATCH = 200  # POs planned at a time: bounds memory, and fills the calls of 50 and 30

AT_THE_END = ("run", "left", "unanswered")  # of a load's counts: how it stands, not what was done

Summary = dict[str, Any]


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run, with its window over Coupa's updated-at resolved once; a retry gets the same one back."""
    overlap = timedelta(minutes=rules.policies.orders.overlap_minutes)
    return windows.open_run(ledger, request, rules=rules, clock=clock, pipeline=PIPELINE, overlap=overlap)


def extract(coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules) -> Summary:
    """Stages every PO of the window, or those that a person named, and covers the window once all its pages are kept."""
    if run.dry_run:
        return {"run": run.id, "seen": 0}
    tally, source = Tally(), coupa_source(coupa.instance)
    for page in staging.pages(coupa, rules, window=run.window, numbers=request.document_numbers):
        staging.count(tally, page)
        ledger.records.stage(run, source, KIND, [staging.staged(raw) for raw in page])
        note_own_versions(ledger, page, run=run, source=source)
        raise_alarms(ledger, page, run=run, rules=rules, source=source)
    ledger.runs.keep_tally(run, source, tally)
    if run.window is not None and not request.document_numbers:
        ledger.coverage.cover(PIPELINE, run.window)
    return {"run": run.id, "seen": tally.documents, "repeats": tally.repeats}


def transform(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Plans whatever has no plan yet, whichever run read it; in a dry run or in shadow it only shows the plan."""
    mode = rules.rollout.widest(PIPELINE).mode
    if mode is Mode.OFF and not run.dry_run:
        return {"run": run.id, "mode": mode.value, "planned": 0, "records": 0}
    planner = Planner(
        amazon=amazon, coupa=coupa, rules=rules, now=run.now, released=frozenset(request.document_numbers), rehearsal=run.dry_run,
        asked_amazon_at=datetime.now(UTC),
        shadowed=partial(ledger.records.skipped_because, coupa_source(coupa.instance), KIND, reason=SHADOW),
        known=partial(ledger.deliveries.of_keys_like, PIPELINE, PLACE),
        trials=partial(ledger.deliveries.of_keys_like, PIPELINE, TRIAL),
    )  # fmt: skip
    if run.dry_run:
        return _show_plan(coupa, ledger, run=run, request=request, rules=rules, planner=planner)
    planned = records = 0
    previews: list[dict[str, Any]] = []
    source = coupa_source(coupa.instance)
    with ledger.planning.planning_lock(PIPELINE):
        named = ledger.records.find(source, KIND, request.document_numbers) if request.document_numbers else {}
        ids = dict.fromkeys(
            [row.id for row in ledger.records.to_plan(source, KIND)] + [row.id for row in named.values()]
        )
        for batch in batched(ids, BATCH):
            proposal = planner.propose(ledger.records.load(batch))
            counts = ledger.planning.keep(run, proposal.plan)
            _settle_replaced(ledger, proposal.replaced)
            planned, records = planned + counts.planned + counts.replaced, records + counts.records
            previews += proposal.in_shadow
        planned += ledger.deliveries.look_again(waiting_beside_sent(ledger))
        ledger.plans.keep(run, previews)
    return {"run": run.id, "mode": mode.value, "planned": planned, "records": records}


def _settle_replaced(ledger: Ledger, replaced: Sequence[Replaced]) -> None:
    """Nobody is asked about what a newer order answers for, and nothing of it can be sent any more."""
    for one in replaced:
        if one.row.outcome == REFUSED:
            ledger.deliveries.settle_refused(PIPELINE, PLACE, one.row.business_key, one.by)
        elif not one.row.claimed:
            ledger.deliveries.skip(one.row.id, one.by)
        elif one.row.state in ("dead", "held"):
            ledger.dead_letters.discard(f"D-{one.row.id}", one.by)


def _show_plan(
    coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules, planner: Planner
) -> Summary:
    """A dry run reads the window into memory, plans it, and keeps nothing but the plan for people to read."""
    pages = staging.pages(coupa, rules, window=run.window, numbers=request.document_numbers)
    rows = {row.key: row for page in pages for row in map(staging.staged, page)}
    records = unstaged(rows.values(), source=coupa_source(coupa.instance), kind=KIND)
    previews: list[dict[str, Any]] = []
    shown = 0
    for batch in batched(records, BATCH):
        proposal = planner.propose(batch)
        shown += len(proposal.previews)
        previews += [*proposal.previews, *unkept(proposal.plan, batch)]
    ledger.plans.keep(run, previews)
    return {"run": run.id, "dry_run": True, "records": len(records), "would_order": shown}


def load(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, workers: int, seconds: float
) -> Summary:
    """Sends what is planned, for at most `seconds`; then what follows the answers: written back, told, reported.

    What remains stays for the next run. A pipeline that is not live only asks after what was sent before it was switched.
    """
    if run.dry_run:
        return {"run": run.id, "sent": 0}
    known = partial(ledger.deliveries.of_keys_like, PIPELINE, PLACE)
    source = coupa_source(coupa.instance)
    complies = ComplianceGate(
        coupa=coupa, ledger=ledger, run=run, rules=rules, account=amazon.account, contracts=Contracts(coupa, rules),
        articles=Articles(amazon, rules), unreported=Unreported(
            coupa=coupa, ledger=ledger, rules=rules, account=amazon.account, now=run.now, action=(PIPELINE, PLACE)
        ), stopped=Stopped(coupa=coupa, ledger=ledger, run=run, rules=rules, source=source, orders=known),
    )  # fmt: skip
    gate = Gate(
        coupa=coupa, amazon=amazon, rules=rules, alarm=GateAlarms(ledger, run, rules), complies=complies.look, alone=complies.alone, known=known,
        trials=partial(ledger.deliveries.of_keys_like, PIPELINE, TRIAL),
    )  # fmt: skip
    writes = actions(amazon, coupa, gate)
    ends, scope = time.monotonic() + seconds, amazon.account
    first = loading.load(ledger, PIPELINE, writes, run=run, rules=rules, workers=workers, seconds=seconds, scope=scope)
    followed = follow_up(coupa, ledger, run=run, rules=rules)
    complies.stopped.close_settled()
    left = max(1.0, ends - time.monotonic())
    if not followed:
        return {**first, "followed_up": 0}
    second = loading.load(ledger, PIPELINE, writes, run=run, rules=rules, workers=workers, seconds=left, scope=scope)
    return {**_together(first, second), "followed_up": followed}


def _together(first: Summary, second: Summary) -> Summary:
    """Counts of both halves together; of what stands at the end, the later word."""
    counts = [name for name, value in second.items() if isinstance(value, int) and name not in AT_THE_END]
    added = {name: first[name] + second[name] for name in counts}
    return {**second, **added, "stopped": first.get("stopped") or second.get("stopped")}


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: closing.SendMail, failed_upstream: Sequence[str] = ()
) -> Summary:
    """Settles the run and mails what it found; raises IncompleteRun when a PO is unaccounted for."""
    return closing.close(ledger, PIPELINE, run=run, rules=rules, send_mail=send_mail, failed_upstream=failed_upstream)
