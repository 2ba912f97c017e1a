"""The steps of a run. Each takes ready clients and an open ledger, and can be repeated after any crash."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from procurement.clock import Clock
from procurement.errors import IncompleteRun
from procurement.ledger import Ledger
from procurement.ledger.planning import INVOICE_OR_BUDGET
from procurement.ledger.types import Record, Run
from procurement.pipelines import closing, loading, windows
from procurement.pipelines.amazon_spend_to_coupa_budgets.actions import actions
from procurement.pipelines.amazon_spend_to_coupa_budgets.counting import LEFT_TO_COUPA, counted_otherwise
from procurement.pipelines.amazon_spend_to_coupa_budgets.go_live import with_charges
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import KIND, PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.planning import Planned, Planner
from procurement.pipelines.amazon_spend_to_coupa_budgets.postings import CANCELS_OUT, by_line
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Purchase, Unreadable, read_purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.staging import staged
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import Kept, read_counting, read_surroundings
from procurement.pipelines.feeds import read_feed, stage_feed
from procurement.pipelines.proposals import unkept, unstaged
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules
from procurement.spend.budget_rules import WEEKDAYS

BATCH = 1_000  # records loaded at a time

Summary = dict[str, Any]


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run, with its feed window resolved once. In weekly mode the days between read nothing: the week stays unread."""
    if request.kind == "scheduled" and rests(rules, clock.now().weekday()):
        return ledger.runs.open(request.dag_id, request.run_id, now=clock.now(), window=None, dry_run=request.dry_run)
    overlap = timedelta(hours=rules.policies.overlap_hours)
    return windows.open_run(ledger, request, rules=rules, clock=clock, pipeline=PIPELINE, overlap=overlap)


def rests(rules: Rules, weekday: int) -> bool:
    return rules.budgets.every == "week" and WEEKDAYS[weekday] != rules.budgets.weekday


def idle(run: Run, request: RunRequest, rules: Rules) -> bool:
    """Whether this scheduled run has nothing to do on its day of the week."""
    return request.kind == "scheduled" and run.window is None and rests(rules, run.now.weekday())


def extract(amazon: AmazonBusiness, ledger: Ledger, *, run: Run) -> Summary:
    """Stages every transaction of the run's window; a dry run stages nothing."""
    return stage_feed(amazon, ledger, run=run, pipeline=PIPELINE, kind=KIND, staged=staged)


def transform(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Plans whatever has no plan yet or still waits, whichever run read it; a dry run only shows its plan.

    All at once: the fewest adjustments are one a budget line and period.
    """
    mode = rules.rollout.widest(PIPELINE).mode
    if run.dry_run:
        return _show_plan(amazon, coupa, ledger, run=run, rules=rules)
    if mode is Mode.OFF or idle(run, request, rules):
        return {"run": run.id, "mode": mode.value, "planned": 0, "records": 0}
    with ledger.planning.planning_lock(PIPELINE), ledger.planning.planning_lock(INVOICE_OR_BUDGET):
        waiting = [row.id for row in ledger.records.to_plan(amazon_source(amazon.account), KIND)]
        wanted = list(
            dict.fromkeys([*waiting, *counted_otherwise_by_now(amazon, coupa, ledger, rules=rules, now=run.now)])
        )
        read = [read_purchase(record, rules.policies) for record in _load(ledger, wanted)]
        planned = _plan(amazon, coupa, ledger, read, run=run, rules=rules)
        ledger.spend.keep(planned.spend, of=planned.records, sent=planned.sent)
        counts = ledger.planning.keep(run, planned.proposal.plan)
        ledger.plans.keep(run, planned.proposal.in_shadow)
    return {"run": run.id, "mode": mode.value, "planned": counts.planned + counts.replaced, "records": len(read)}


def counted_otherwise_by_now(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, rules: Rules, now: datetime
) -> list[int]:
    """Records within the look-back of spend.yml that stand on a budget line and Coupa counts by now, or were left to Coupa and
    it counts no more: their purchase orders and invoices are asked for again, fifty a call."""
    days, policies = rules.spend.file.counted_later.look_back_days, rules.policies
    if not days:
        return []
    never = (*policies.invoice_instruments,) if not rules.spend.may_post("invoice") else ()
    never += (*policies.card_instruments,) if not rules.spend.may_post("card") else ()
    since, left = now - timedelta(days=days), (*LEFT_TO_COUPA, CANCELS_OUT)
    asked = ledger.spend.to_ask_again(amazon_source(amazon.account), KIND, since, left=left, never=never)
    found: list[int] = []
    for start in range(0, len(asked), BATCH):
        read = [read_purchase(record, policies) for record in ledger.records.load(asked[start : start + BATCH])]
        purchases = [one for one in read if isinstance(one, Purchase)]
        kept = _kept(ledger, amazon_source(amazon.account), purchases)
        around = read_counting(amazon, coupa, purchases, rules=rules, kept=kept)
        found += [
            one.record.id for one in purchases
            if counted_otherwise(one, by_line(kept.parts.get(one.record.id, ())), around, rules.spend)
        ]  # fmt: skip
    return found


def _load(ledger: Ledger, ids: Sequence[int]) -> Iterator[Record]:
    for start in range(0, len(ids), BATCH):
        yield from ledger.records.load(ids[start : start + BATCH])


def _kept(ledger: Ledger, source: str, read: Sequence[Purchase | Unreadable]) -> Kept:
    purchases = [one for one in read if isinstance(one, Purchase)]
    return Kept(
        parts=ledger.spend.parts(one.record.id for one in read),
        own_invoices=ledger.spend.own_invoices(source, (one.record.key for one in purchases)),
        charged=ledger.spend.charged(source, KIND, (one.invoice_number for one in purchases if one.invoice_number)),
    )


def _plan(
    amazon: AmazonBusiness,
    coupa: Coupa,
    ledger: Ledger,
    read: Sequence[Purchase | Unreadable],
    *,
    run: Run,
    rules: Rules,
) -> Planned:
    source = amazon_source(amazon.account)
    kept = _kept(ledger, source, read)
    if any(part.reason == CANCELS_OUT for parts in kept.parts.values() for part in parts):
        # what cancelled out stands or comes apart together
        others = set(ledger.spend.put_aside(source, KIND, CANCELS_OUT)) - {one.record.id for one in read}
        read = [*read, *(read_purchase(record, rules.policies) for record in _load(ledger, sorted(others)))]
        kept = _kept(ledger, source, read)
    purchases = [one for one in read if isinstance(one, Purchase)]
    kept = with_charges(ledger, source, purchases, kept, rules=rules)
    around = read_surroundings(amazon, coupa, purchases, rules=rules, now=run.now, kept=kept)
    planner = Planner(account=amazon.account, instance=coupa.instance, rules=rules, now=run.now, around=around)
    return planner.propose(read, kept.parts)


def _show_plan(amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> Summary:
    """A dry run reads the window into memory, plans what was not posted yet, and keeps nothing but the plan for people to read.

    What Coupa counts otherwise by now is planned, too, as the ledger has it."""
    source = amazon_source(amazon.account)
    rows = {row.key: row for page in read_feed(amazon, run.window) for row in map(staged, page)}
    known = ledger.records.find(source, KIND, rows)
    meanwhile = _load(ledger, counted_otherwise_by_now(amazon, coupa, ledger, rules=rules, now=run.now))
    records = [
        replace(record, id=known[record.key].id if record.key in known else -record.id)
        for record in unstaged(rows.values(), source=source, kind=KIND)
    ]
    records += [record for record in meanwhile if record.key not in rows]
    read = [read_purchase(record, rules.policies) for record in records]
    proposal = _plan(amazon, coupa, ledger, read, run=run, rules=rules).proposal
    ledger.plans.keep(run, [*proposal.previews, *unkept(proposal.plan, records)])
    return {"run": run.id, "dry_run": True, "records": len(records), "would_adjust": len(proposal.live.deliveries)}


def load(
    coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, account: str, workers: int, seconds: float
) -> Summary:
    """Sends the adjustments that are planned for the account; what remains stays for the next run."""
    return loading.load(
        ledger, PIPELINE, actions(coupa, ledger, account, rules), run=run, rules=rules, workers=workers, seconds=seconds, scope=account
    )  # fmt: skip


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: closing.SendMail, failed_upstream: Sequence[str] = ()
) -> Summary:
    """Settles the run and mails what it found; raises IncompleteRun when a document or a cent is unaccounted for.

    Beside the ledger's own account, the lines of the spend report must come to their transactions to the cent.
    """
    summary = closing.close(
        ledger, PIPELINE, run=run, rules=rules, send_mail=send_mail, failed_upstream=failed_upstream
    )
    if not run.dry_run and (broken := ledger.spend.unbalanced()):
        raise IncompleteRun(f"lines of spend do not come to their transactions: {', '.join(broken[:20])}")
    return summary
