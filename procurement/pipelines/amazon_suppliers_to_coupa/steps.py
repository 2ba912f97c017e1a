"""The steps of a run. Each takes ready clients and an open ledger, and can be repeated after any crash."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.sellers import KIND
from connectors.coupa.client import Coupa
from connectors.tally import Tally
from procurement.clock import Clock
from procurement.ledger import Ledger
from procurement.ledger.changes import DISCARDED
from procurement.ledger.types import Run, Staged
from procurement.pipelines import closing, loading, windows
from procurement.pipelines.amazon_suppliers_to_coupa import following, review
from procurement.pipelines.amazon_suppliers_to_coupa.actions import actions
from procurement.pipelines.amazon_suppliers_to_coupa.names import CERTIFICATE, ONBOARD, PIPELINE, PURCHASE
from procurement.pipelines.amazon_suppliers_to_coupa.planning import Planner, usual_country
from procurement.pipelines.amazon_suppliers_to_coupa.reading import observe
from procurement.pipelines.amazon_suppliers_to_coupa.records import LONG_AGO, known_sellers
from procurement.pipelines.amazon_suppliers_to_coupa.reports import TakenOn
from procurement.pipelines.proposals import SHADOW, unkept, unstaged
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules
from procurement.sellers.facts import Bought, SellerFacts

SHOWN = 20  # of the review list in the run's output

Summary = dict[str, Any]


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run, with its feed window resolved once; a retry gets the same one back."""
    overlap = timedelta(hours=rules.policies.overlap_hours)
    return windows.open_run(ledger, request, rules=rules, clock=clock, pipeline=PIPELINE, overlap=overlap)


def extract(amazon: AmazonBusiness, ledger: Ledger, *, run: Run, rules: Rules) -> Summary:
    """Joins what the window says of each seller into what is known. A dry run stages nothing."""
    if run.dry_run:
        return {"run": run.id, "seen": 0}
    tally, source, bought, unreadable = Tally(), amazon_source(amazon.account), Bought(), 0
    with ledger.planning.planning_lock(
        f"{PIPELINE}/{KIND}"
    ):  # of two runs at once neither takes back what the other adds
        known = _known_facts(ledger, source)
        for observed in observe(amazon, run.window, tally, country=usual_country(rules, amazon.account), now=run.now):
            changed = observed.added_to(known)
            ledger.records.stage(run, source, KIND, list(map(_staged, changed.values())), evolving=True)
            known |= changed
            bought, unreadable = Bought.total((bought, observed.bought)), unreadable + observed.unreadable
    ledger.runs.keep_tally(run, source, tally)
    if run.window is not None:
        ledger.coverage.cover(PIPELINE, run.window)
    money = {currency: str(amount) for currency, amount in sorted(bought.money.items())}
    return {
        "run": run.id,
        "seen": tally.documents,
        "lines": bought.lines,
        "money": money,
        "unreadable_amounts": unreadable,
    }


def _known_facts(ledger: Ledger, source: str) -> dict[str, SellerFacts]:
    return {record.key: SellerFacts.read(record.raw) for record in known_sellers(ledger) if record.source == source}


def _staged(facts: SellerFacts) -> Staged:
    first = facts.first_bought
    dated = datetime(first.year, first.month, first.day, tzinfo=UTC) if first is not None else LONG_AGO
    return Staged(key=facts.key, raw=facts.written(), dated_at=dated)


def transform(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Decides on every seller known so far; in a dry run or in shadow it only shows what it would create."""
    del request  # sellers have no document numbers to ask for
    mode = rules.rollout.of(PIPELINE, account=amazon.account).mode
    if mode is Mode.OFF and not run.dry_run:
        return {"run": run.id, "mode": mode.value, "planned": 0, "records": 0}
    source = amazon_source(amazon.account)
    if run.dry_run:
        return _rehearse(amazon, coupa, ledger, run=run, rules=rules, source=source)
    with ledger.planning.planning_lock(PIPELINE):
        pending = frozenset(row.key for row in ledger.records.to_plan(source, KIND))
        if not pending:
            return {"run": run.id, "mode": mode.value, "planned": 0, "records": 0}
        records = [record for record in known_sellers(ledger) if record.source == source]
        proposal = _planner(amazon.account, coupa, ledger, run=run, rules=rules, pending=pending).propose(records)
        counts = ledger.planning.keep(run, proposal.plan)
        shown = [*proposal.in_shadow, *unkept(proposal.shadow, records)]
        ledger.plans.keep(run, shown)
    return {"run": run.id, "mode": mode.value, "planned": counts.planned + counts.replaced, "records": len(records)}


def _planner(
    account: str, coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, pending: frozenset[str] | None = None
) -> Planner:
    """`pending`: spellings of which something new is known; None in a dry run, which shows all."""
    made = [one for one in ledger.deliveries.of_keys_like(PIPELINE, ONBOARD, [""]) if one.claimed]
    payloads = ledger.deliveries.payloads(one.id for one in made)
    fates = ledger.completeness.fates(PIPELINE)
    return Planner(
        account=account, rules=rules, today=run.now.date(),
        suppliers=lambda: (raw for page in coupa.every_supplier() for raw in page),
        taken_on=[TakenOn(one, payloads[one.id]) for one in made],
        reported=frozenset(
            (one.action, one.business_key)
            for action in (CERTIFICATE, PURCHASE) for one in ledger.deliveries.of_keys_like(PIPELINE, action, [""])
        ),
        settled={
            key: reason for key, (_, reason) in fates.items()
            if reason.startswith(DISCARDED) or (reason == SHADOW and pending is not None and key not in pending)
        },
    )  # fmt: skip


def _rehearse(amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, source: str) -> Summary:
    """What is known and what the window adds, planned and kept as a plan for people alone."""
    known = _known_facts(ledger, source)
    for observed in observe(amazon, run.window, Tally(), country=usual_country(rules, amazon.account), now=run.now):
        known |= observed.added_to(known)
    records = unstaged((_staged(known[key]) for key in sorted(known)), source=source, kind=KIND)
    proposal = _planner(amazon.account, coupa, ledger, run=run, rules=rules).propose(records)
    ledger.plans.keep(run, [*proposal.previews, *unkept(proposal.plan, records)])
    return {"run": run.id, "dry_run": True, "records": len(records), "would_create": len(proposal.previews)}


def follow_up(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> Summary:
    """What people decided about the suppliers that were created, and whom to invite."""
    return following.follow_up(coupa, ledger, run=run, rules=rules)


def load(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, workers: int, seconds: float) -> Summary:
    """Sends what is planned, for at most `seconds`; a pipeline that is not live only asks after what it sent before."""
    return loading.load(ledger, PIPELINE, actions(coupa, rules), run=run, rules=rules, workers=workers, seconds=seconds)


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: closing.SendMail, failed_upstream: Sequence[str] = ()
) -> Summary:
    """Accounts for every seller; tells the procurement team of new suppliers at once, of the review list once a week."""
    told, entries = 0, list[review.Entry]()
    if not run.dry_run and rules.rollout.widest(PIPELINE).mode is Mode.LIVE:
        told, entries = following.tell(ledger, rules=rules), review.digest(ledger, run=run, rules=rules)
    summary = closing.close(
        ledger, PIPELINE, run=run, rules=rules, send_mail=send_mail, failed_upstream=failed_upstream, told=("dead",)
    )
    shown = [f"{entry.seller}: {entry.question}" for entry in entries[:SHOWN]]
    return {**summary, "new_suppliers": told, "to_review": len(entries), "review_list": shown}
