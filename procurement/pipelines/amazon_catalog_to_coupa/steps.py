"""The steps of a run. Each takes ready clients and an open ledger, and can be repeated after any crash."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from connectors.tally import Tally
from procurement.catalog.entries import Entry, read_entry, write_entry
from procurement.clock import Clock
from procurement.ledger import Ledger
from procurement.ledger.types import Record, Run, Staged
from procurement.pipelines import loading
from procurement.pipelines.amazon_catalog_to_coupa import reporting, waiting
from procurement.pipelines.amazon_catalog_to_coupa.actions import actions
from procurement.pipelines.amazon_catalog_to_coupa.coupa_side import read_catalog, read_contracts
from procurement.pipelines.amazon_catalog_to_coupa.names import CATALOG, ENTRY, PIPELINE, READING, WAITING
from procurement.pipelines.amazon_catalog_to_coupa.planning import Earlier, Planner
from procurement.pipelines.amazon_catalog_to_coupa.reading import Reader, Reading, supplier_of
from procurement.pipelines.amazon_catalog_to_coupa.scope import Scope, decide_scope, read_scope
from procurement.pipelines.closing import SendMail
from procurement.pipelines.proposals import unkept, unstaged
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules

PAGE = 1000

Summary = dict[str, Any]


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run. It has no window: the catalog is what Amazon shows now."""
    read_scope(request, rules)
    return ledger.runs.open(request.dag_id, request.run_id, now=clock.now(), dry_run=request.dry_run)


def extract(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Reads both sides of the articles in scope and stages one record each; a dry run stages nothing."""
    if run.dry_run or _mode(rules, amazon.account) is Mode.OFF:
        return {"run": run.id, "asins": 0}
    scope = decide_scope(ledger, run=run, request=request, rules=rules, account=amazon.account)
    tally, reading, source = Tally(), Reading(), amazon_source(amazon.account)
    staged = changed = 0
    if scope.compares:
        reader = Reader(amazon, coupa, rules, run, scope, lambda asins: _known(ledger, source, asins))
        for entries in reader.entries(tally, reading):
            counts = ledger.records.stage(run, source, ENTRY, list(map(staged_entry, entries)), evolving=True)
            staged, changed = staged + counts.staged, changed + counts.new + counts.changed
    if scope.requisitions:
        supplier = supplier_of(rules, amazon.account)
        for rows in waiting.read_waiting(amazon, coupa, supplier=supplier, tally=tally, unanswered=reading.unpriced):
            staged += ledger.records.stage(run, source, WAITING, rows, evolving=True).staged
    ledger.runs.keep_tally(run, source, tally)
    ledger.runs.keep_facts(run, source, {READING: asdict(reading)})
    return {
        "run": run.id, "full": scope.full, "asins": reading.asins, "staged": staged, "changed": changed,
        "missing": reading.missing, "unanswered": len(reading.unanswered) + len(reading.unpriced),
        "absences_count": reading.counts, "why_not": reading.why_not,
    }  # fmt: skip


def staged_entry(entry: Entry) -> Staged:
    return Staged(key=entry.asin, raw=write_entry(entry))


def _known(ledger: Ledger, source: str, asins: Iterable[str]) -> Mapping[str, Entry]:
    return {asin: read_entry(record.raw) for asin, record in ledger.records.find(source, ENTRY, asins).items()}


def transform(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Compares every article in scope and plans what differs; a dry run reads both sides and only shows its plan."""
    if run.dry_run:
        return _rehearse(amazon, coupa, ledger, run=run, request=request, rules=rules)
    mode = _mode(rules, amazon.account)
    if mode is Mode.OFF:
        return {"run": run.id, "mode": mode.value, "planned": 0, "records": 0}
    scope = decide_scope(ledger, run=run, request=request, rules=rules, account=amazon.account)
    planned = records = 0
    counts: dict[str, int] = {}
    previews: list[dict[str, Any]] = []
    with ledger.planning.planning_lock(PIPELINE):
        if scope.compares:
            planner = _planner(amazon, coupa, ledger, run=run, scope=scope, rules=rules)
            ledger.runs.keep_facts(run, amazon_source(amazon.account), {CATALOG: asdict(planner.catalog)})
            for _, proposal, decisions in planner.proposals(ledger.records.pages_of_run(run, ENTRY, size=PAGE)):
                kept = ledger.planning.keep(run, proposal.plan)
                planned, records = planned + kept.planned + kept.replaced, records + kept.records
                previews += proposal.in_shadow
                for decision in decisions:
                    counts[decision.kind] = counts.get(decision.kind, 0) + 1
        if scope.requisitions:
            for batch in ledger.records.pages_of_run(run, WAITING, size=PAGE):
                told = _tell(batch, rules, amazon.account, run)
                kept = ledger.planning.keep(run, told.plan)
                planned, records = planned + kept.planned + kept.replaced, records + kept.records
                previews += told.in_shadow
        ledger.plans.keep(run, previews)
    return {"run": run.id, "mode": mode.value, "planned": planned, "records": records, "decisions": counts}


def _planner(amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, scope: Scope, rules: Rules) -> Planner:
    supplier = supplier_of(rules, amazon.account)
    return Planner(
        coupa=coupa, rules=rules, run=run, account=amazon.account, supplier=supplier,
        contracts=read_contracts(coupa, supplier, run.now),
        catalog=read_catalog(coupa, supplier, rules.catalog.writing.catalog),
        earlier=Earlier.read(ledger, supplier), scope=scope,
    )  # fmt: skip


def _tell(records: Sequence[Record], rules: Rules, account: str, run: Run) -> Any:
    mode = _mode(rules, account)
    return waiting.propose(
        records, rules=rules.catalog, version=rules.version, mode=mode, account=account, dry_run=run.dry_run
    )


def _rehearse(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Reads both sides into memory, compares them, and keeps nothing but the plan for people to read."""
    scope = decide_scope(ledger, run=run, request=request, rules=rules, account=amazon.account)
    tally, reading, source = Tally(), Reading(), amazon_source(amazon.account)
    rows: list[dict[str, Any]] = []
    seen = 0
    if scope.compares:
        planner = _planner(amazon, coupa, ledger, run=run, scope=scope, rules=rules)
        reader = Reader(amazon, coupa, rules, run, scope, lambda asins: _known(ledger, source, asins))
        pages = (list(map(staged_entry, entries)) for entries in reader.entries(tally, reading))
        for batch, proposal, _ in planner.proposals(_numbered(source, pages)):
            rows += [*proposal.previews, *unkept(proposal.plan, batch)]
            seen += len(batch)
    if scope.requisitions:
        supplier = supplier_of(rules, amazon.account)
        for staged in waiting.read_waiting(amazon, coupa, supplier=supplier, tally=tally, unanswered=reading.unpriced):
            batch = unstaged(staged, source=source, kind=WAITING, first=seen + 1)
            told = _tell(batch, rules, amazon.account, run)
            rows += [*told.previews, *unkept(told.plan, batch)]
            seen += len(batch)
    ledger.plans.keep(run, rows)
    return {"run": run.id, "dry_run": True, "records": seen, "would_write": sum("action" in row for row in rows)}


def _numbered(source: str, pages: Iterable[Sequence[Staged]]) -> Iterator[list[Record]]:
    seen = 0
    for staged in pages:
        yield unstaged(staged, source=source, kind=ENTRY, first=seen + 1)
        seen += len(staged)


def load(
    coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, account: str, workers: int, seconds: float
) -> Summary:
    """Sends what is planned for the account, for at most `seconds`; what remains stays for the next run."""
    chosen = actions(coupa, rules=rules, account=account, run=run.id)
    return loading.load(ledger, PIPELINE, chosen, run=run, rules=rules, workers=workers, seconds=seconds, scope=account)


def close(
    ledger: Ledger,
    *,
    run: Run,
    rules: Rules,
    account: str,
    send_mail: SendMail,
    failed_upstream: Sequence[str] = (),
) -> Summary:
    """Settles the run, mails the summary of a full comparison, what is held and what failed; raises IncompleteRun when an
    article is unaccounted for. A comparison without a failure is kept as one that succeeded."""
    return reporting.close(
        ledger, run=run, rules=rules, account=account, send_mail=send_mail, failed_upstream=failed_upstream,
        switched_on=_mode(rules, account) is not Mode.OFF,
    )  # fmt: skip


def _mode(rules: Rules, account: str) -> Mode:
    """An account buys through one supplier, so one entry decides for all of its catalog."""
    return rules.rollout.of(PIPELINE, account=account, supplier=supplier_of(rules, account)).mode
