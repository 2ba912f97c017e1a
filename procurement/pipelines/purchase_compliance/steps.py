"""The steps as the DAG calls them. Each can be repeated after any crash; each returns ids, counts and at most 50 rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.purchases import count_purchases
from connectors.concurrency import batched
from connectors.coupa.client import Coupa
from connectors.tally import Tally
from procurement.clock import Clock
from procurement.ledger import Ledger
from procurement.ledger.types import Record, Run
from procurement.pipelines import closing, loading, windows
from procurement.pipelines.compliance_surroundings import Articles, Contracts
from procurement.pipelines.proposals import unkept, unstaged
from procurement.pipelines.purchase_compliance import leakage, screening, staging
from procurement.pipelines.purchase_compliance.actions import StillLive, actions
from procurement.pipelines.purchase_compliance.digest import open_by_rule, send_digests
from procurement.pipelines.purchase_compliance.judgements import Judgement
from procurement.pipelines.purchase_compliance.looking_again import last_look, looked, recheck_cancelled
from procurement.pipelines.purchase_compliance.names import PIPELINE, PURCHASE, RECHECK, REQUISITION
from procurement.pipelines.purchase_compliance.overdue import Reminders
from procurement.pipelines.purchase_compliance.planning import Planner
from procurement.pipelines.purchase_compliance.screened import Screened
from procurement.pipelines.sources import amazon_source, coupa_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules

BATCH = 500  # orders judged at a time: bounds memory, and fills Coupa's 50 a call
LINES_WAIT = timedelta(
    minutes=10
)  # an order whose lines Amazon's report does not show yet is read again by the next run

Summary = dict[str, Any]


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run, with its window over order dates resolved once; a retry gets the same one back."""
    overlap = timedelta(hours=rules.compliance.reading.overlap_hours)
    return windows.open_run(ledger, request, rules=rules, clock=clock, pipeline=PIPELINE, overlap=overlap)


def extract(amazon: AmazonBusiness, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules) -> Summary:
    """Stages the window's orders, those that a person named, and those whose day to be looked at again has come."""
    off = rules.rollout.widest(PIPELINE).mode is Mode.OFF
    if run.dry_run or (off and run.window is None and not request.document_numbers):
        return {"run": run.id, "seen": 0}
    tally, source = Tally(), amazon_source(amazon.account)
    young_since = _young_since(ledger, source, run=run, rules=rules)
    reports = staging.read(amazon, ledger, run=run, order_ids=request.document_numbers, young_since=young_since)
    count_purchases(tally, reports.orders.values(), reports.lines)
    counts = ledger.records.stage(run, source, PURCHASE, staging.staged(reports), evolving=True)
    _look_again(ledger, run=run, rules=rules, source=source, seen=reports.orders)
    ledger.runs.keep_tally(run, source, tally)
    looked(ledger, source, run=run, rules=rules, through=young_since is not None)
    if run.window is not None and not request.document_numbers:
        ledger.coverage.cover(PIPELINE, run.window)
    return {"run": run.id, "seen": tally.documents, "new": counts.new, "changed": counts.changed}


def _young_since(ledger: Ledger, source: str, *, run: Run, rules: Rules) -> datetime | None:
    """From which day on all orders are looked through, where that is due."""
    days = timedelta(days=rules.compliance.reading.reread_days)
    if not days or last_look(ledger, source, run=run) is None:
        return None
    live = rules.rollout.widest(PIPELINE).go_live
    since = run.now - days
    return max(since, datetime.combine(live, time.min, UTC)) if live is not None else since


def _look_again(ledger: Ledger, *, run: Run, rules: Rules, source: str, seen: Any) -> None:
    """Orders with open violations are judged anew even where Amazon shows no change: Coupa may have changed. Their next day is
    set by `transform`."""
    due = [one.key for one in ledger.open_documents.due(RECHECK, run.now)]
    known = ledger.records.find(source, PURCHASE, due) if due else {}
    ledger.records.plan_again([record.id for record in known.values()])
    postponed = run.now + timedelta(hours=rules.compliance.reading.recheck_hours)
    ledger.open_documents.watch(RECHECK, {key: ("unseen", postponed) for key in due if key not in seen})


def screen(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> Summary:
    """Stages the requisitions that wait for approval; no call where no rule stops or routes anything before it is ordered."""
    if run.dry_run or rules.rollout.widest(PIPELINE).mode is Mode.OFF or not screening.is_wanted(rules):
        return {"run": run.id, "requisitions": 0}
    return {"run": run.id, "requisitions": screening.stage(coupa, ledger, run=run, rules=rules)}


def transform(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Judges the orders that are new, changed or due; in a dry run or in shadow it only shows what would be written."""
    mode = rules.rollout.widest(PIPELINE).mode
    if run.dry_run:
        return _rehearse(amazon, coupa, ledger, run=run, request=request, rules=rules)
    if mode is Mode.OFF:
        return {"run": run.id, "mode": mode.value, "planned": 0, "records": 0}
    source = amazon_source(amazon.account)
    planned = records = found = 0
    previews: list[Summary] = []
    with ledger.planning.planning_lock(PIPELINE):
        planner = _planner(amazon, coupa, ledger, run=run, rules=rules)
        for ids in batched([row.id for row in ledger.records.to_plan(source, PURCHASE)], BATCH):
            judgement = planner.propose(ledger.records.load(ids))
            planned += _keep(ledger, judgement, run=run, rules=rules)
            records, found = records + len(ids), found + judgement.found
            previews += judgement.previews
        pending = screening.waiting(ledger, run=run, rules=rules)
        screener = _screener(amazon, coupa, ledger, planner.contracts, pending, run=run, rules=rules)
        for ids in batched(
            [row.id for row in ledger.records.to_plan(coupa_source(coupa.instance), REQUISITION)], BATCH
        ):
            plan, shown = screener.propose(ledger.records.load(ids))
            planned += ledger.planning.keep(run, plan).planned
            previews += shown
        planned += ledger.planning.keep(run, screener.told_instead()).planned
        ledger.plans.keep(run, previews)
        recheck_cancelled(coupa, ledger, source, run=run, rules=rules)
        screener.screened.close_decided(coupa)
        reminders = Reminders(ledger=ledger, run=run, rules=rules, account=amazon.account, instance=coupa.instance)
        overdue = reminders.send(coupa)
    return {
        "run": run.id, "mode": mode.value, "planned": planned, "records": records, "violations": found, "overdue": overdue,
    }  # fmt: skip


def _planner(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, rehearsal: bool = False
) -> Planner:
    return Planner(
        coupa=coupa, ledger=ledger, contracts=Contracts(coupa, rules), account=amazon.account, source=amazon_source(amazon.account),
        rules=rules, now=run.now, rehearsal=rehearsal,
    )  # fmt: skip


def _screener(
    amazon: AmazonBusiness,
    coupa: Coupa,
    ledger: Ledger,
    contracts: Contracts,
    pending: Sequence[Record],
    *,
    run: Run,
    rules: Rules,
) -> screening.Screener:
    return screening.Screener(
        ledger=ledger, screened=Screened(ledger=ledger, source=coupa_source(coupa.instance), now=run.now),
        contracts=contracts, articles=Articles(amazon, rules), account=amazon.account,
        rules=rules, now=run.now, pending=pending,
    )  # fmt: skip


def _keep(ledger: Ledger, judgement: Judgement, *, run: Run, rules: Rules) -> int:
    """Register, plan, mails, next looks, in this order: what a crash leaves out, the next plan does again."""
    ledger.compliance.register(judgement.register)
    counts = ledger.planning.keep(run, judgement.plan)
    for key, mail in judgement.mails.items():
        ledger.notices.add(key, "compliance", mail)
    ledger.compliance.close(judgement.closing, run.now)
    reading = rules.compliance.reading
    later, soon = run.now + timedelta(hours=reading.recheck_hours), run.now + LINES_WAIT
    ledger.open_documents.watch(
        RECHECK,
        dict.fromkeys(judgement.watch, ("open", later)) | dict.fromkeys(judgement.unread, ("no lines", soon)),
    )
    ledger.open_documents.close(RECHECK, judgement.done)
    return counts.planned + counts.replaced


def _rehearse(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """A dry run reads the window into memory, judges it against the books as they are, and keeps nothing but the plan."""
    reports = staging.read(amazon, ledger, run=run, order_ids=request.document_numbers)
    source = amazon_source(amazon.account)
    rows = sorted(staging.staged(reports), key=lambda row: (row.dated_at is None, row.dated_at, row.key))
    records = unstaged(rows, source=source, kind=PURCHASE)
    planner = _planner(amazon, coupa, ledger, run=run, rules=rules, rehearsal=True)
    judgement = planner.propose(records)
    waiting = screening.look(coupa, rules)
    screener = _screener(amazon, coupa, ledger, planner.contracts, waiting, run=run, rules=rules)
    _, screened = replace(screener, rehearsal=True).propose(waiting)
    ledger.plans.keep(run, [*judgement.previews, *unkept(judgement.plan, records), *screened])
    return {"run": run.id, "dry_run": True, "records": len(records), "violations": judgement.found}


def load(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, workers: int, seconds: float) -> Summary:
    """Sends what is planned, for at most `seconds`; a pipeline that is not live only asks after what it sent before."""
    writes = actions(coupa, StillLive(rules, run.now))
    return loading.load(ledger, PIPELINE, writes, run=run, rules=rules, workers=workers, seconds=seconds)


def report(ledger: Ledger, *, run: Run, rules: Rules, folder: str) -> Summary:
    """The weekly digests, what is open by rule, and what was bought beside the contracts: CSV in `folder`, sums and first rows in
    the output."""
    if run.dry_run or rules.rollout.widest(PIPELINE).mode is Mode.OFF:
        return {"run": run.id, "digests": 0}
    digests = send_digests(ledger, run=run, rules=rules)
    months = rules.compliance.reading.leakage_months
    found = open_by_rule(ledger.compliance.open())
    return {
        "run": run.id,
        "digests": digests,
        "open_violations": found,
        **leakage.write(ledger, run=run, months=months, folder=folder),
    }


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: closing.SendMail, failed_upstream: Sequence[str] = ()
) -> Summary:
    """Accounts for every order, to the cent, and mails what needs a person."""
    return closing.close(ledger, PIPELINE, run=run, rules=rules, send_mail=send_mail, failed_upstream=failed_upstream)
