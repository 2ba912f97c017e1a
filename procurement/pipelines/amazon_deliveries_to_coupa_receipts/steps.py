"""The steps of a run. Each takes ready clients and an open ledger, and can be repeated after any crash."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.concurrency import batched
from connectors.coupa.client import Coupa
from connectors.tally import Tally
from procurement.clock import Clock
from procurement.ledger import Ledger
from procurement.ledger.changes import SUPERSEDED
from procurement.ledger.transaction_lines import read_transaction_lines
from procurement.ledger.types import Record, Run
from procurement.order_facts import LineFacts, read_order
from procurement.pipelines import closing, loading, open_orders, windows
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.actions import actions
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.names import MARK, PIPELINE, TELL
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.planning import OrderLines, Planner
from procurement.pipelines.open_orders import OPEN, ORDER, OVERLAP, PROBLEM, SHIPMENT_LINE
from procurement.pipelines.proposals import unkept, unstaged
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules

BATCH = 200  # purchase orders planned at a time: bounds memory, and fills Coupa's 50 a call
EVER = timedelta(days=3660)  # beyond any next read
REFUND = "reversing_refund"  # kind of open document: a refund that was heeded, so that no run looks at it again
MOST_UNSENT = 100_000

Summary = dict[str, Any]


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run, with the window in which it looks for orders that were placed outside, resolved once."""
    return windows.open_run(ledger, request, rules=rules, clock=clock, pipeline=PIPELINE, overlap=OVERLAP, read_as=OPEN)


def extract(amazon: AmazonBusiness, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules) -> Summary:
    """Reads the open orders that are due, and those that the form names; counts the shipped lines read and those that wait.

    A dry run stages nothing.
    """
    tally, source = Tally(), amazon_source(amazon.account)
    observed = open_orders.observe(
        amazon,
        ledger,
        run=run,
        rules=rules,
        order_ids=order_ids(request),
        tally=tally,
    )
    if run.dry_run:
        return {**observed.as_summary(), "waiting": 0}
    waiting = ledger.records.to_plan(source, SHIPMENT_LINE) if _mode(rules) is not Mode.OFF else []
    for row in waiting:
        if (SHIPMENT_LINE, row.key) not in tally.seen:
            tally.count(SHIPMENT_LINE, row.key)
    ledger.records.link(run, [row.id for row in waiting])
    ledger.runs.keep_tally(run, source, tally)
    return {**observed.as_summary(), "waiting": len(waiting)}


def order_ids(request: RunRequest) -> tuple[str, ...]:
    """The Amazon order ids typed into the form; PO numbers are looked up in what is staged."""
    typed = request.params.get("order_ids") or ()
    return tuple(str(one).strip() for one in typed if str(one).strip()) if isinstance(typed, Sequence) else ()


def transform(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Plans the purchase orders whose shipped lines changed or wait, those with receipts that were not sent yet, and those
    whose goods a new refund says went back. A dry run reads the orders that are due and only shows its plan."""
    if run.dry_run:
        return _rehearse(amazon, coupa, ledger, run=run, request=request, rules=rules)
    if _mode(rules) is Mode.OFF:
        return {"run": run.id, "mode": Mode.OFF.value, "planned": 0, "records": 0}
    source, planned, records = amazon_source(amazon.account), 0, 0
    previews: list[dict[str, Any]] = []
    with ledger.planning.planning_lock(PIPELINE):
        if request.document_numbers:
            ledger.records.reopen(source, SHIPMENT_LINE, request.document_numbers)
        refunds = dict(_new_refunds(ledger, source, run=run, rules=rules))
        waiting = ledger.records.to_plan(source, SHIPMENT_LINE)
        pending = frozenset(row.id for row in waiting)
        numbers = {row.group_key for row in waiting if row.group_key} | set(_unsent(ledger)) | set(refunds.values())
        alone = [row.id for row in waiting if row.group_key is None]
        for some in [*map(list, batched(sorted(numbers), BATCH)), []]:
            ids = [row.id for row in ledger.records.of_groups(source, SHIPMENT_LINE, some)] if some else alone
            batch = ledger.records.load(ids)
            proposal = _planner(amazon, coupa, ledger, batch, run=run, request=request, rules=rules).propose(
                batch, pending=pending
            )
            counts = ledger.planning.keep(run, proposal.plan)
            for id in proposal.withdrawn:
                ledger.deliveries.skip(id, SUPERSEDED)
            planned, records = planned + counts.planned + counts.replaced, records + counts.records
            previews += proposal.in_shadow
        ledger.open_documents.watch(REFUND, dict.fromkeys(refunds, ("heeded", run.now + EVER)))
        ledger.plans.keep(run, previews)
    return {"run": run.id, "mode": _mode(rules).value, "planned": planned, "records": records}


def _unsent(ledger: Ledger) -> Iterator[str]:
    """PO numbers of deliveries that an earlier run planned and nobody sent: people may have acted since. What is said of a
    whole PO belongs to no shipped line, so its gate's word to plan it again is found here."""
    ids = [id for id, _ in ledger.deliveries.due(PIPELINE, MOST_UNSENT)]
    ids += ledger.deliveries.waiting(PIPELINE, (MARK, TELL))
    yield from (str(payload["po"]) for payload in ledger.deliveries.payloads(ids).values())


def _new_refunds(ledger: Ledger, source: str, *, run: Run, rules: Rules) -> Iterator[tuple[str, str]]:
    """Refunds of open orders that reverse receipts and that no run has heeded yet, with the PO number of their order."""
    open_ids = [document.key for document in ledger.open_documents.due(OPEN, run.now + EVER)]
    heeded = {document.key for document in ledger.open_documents.due(REFUND, run.now + EVER + EVER)}
    found: dict[str, set[str]] = {}
    for refund in ledger.records.refunds_of(source, open_ids):
        if refund.quantity and rules.policies.receipts.reverses(refund.reason) and refund.key not in heeded:
            found.setdefault(refund.order_id, set()).add(refund.key)
    for order_id, record in ledger.records.find(source, ORDER, found).items():
        if record.group_key:
            yield from ((key, record.group_key) for key in found[order_id])


def _planner(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, batch: Sequence[Record], *, run: Run, request: RunRequest,
    rules: Rules, lines: OrderLines | None = None,
) -> Planner:  # fmt: skip
    source = amazon_source(amazon.account)
    return Planner(
        coupa=coupa, account=amazon.account, known=partial(ledger.deliveries.known, PIPELINE), rules=rules, now=run.now,
        transactions=partial(read_transaction_lines, ledger.engine, source),
        order_lines=lines if lines is not None else _order_lines(ledger, source, batch),
        released=frozenset(request.document_numbers), rehearsal=run.dry_run,
    )  # fmt: skip


def _order_lines(ledger: Ledger, source: str, batch: Iterable[Record]) -> dict[tuple[str, str], LineFacts]:
    """Titles and prices of the order lines that the shipped lines belong to."""
    found = ledger.records.find(source, ORDER, {str(record.raw["order_id"]) for record in batch})
    return {
        (id, line_id): line
        for id, record in found.items()
        if PROBLEM not in record.raw
        for line_id, line in read_order(record.raw).lines.items()
    }


def _rehearse(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Reads the orders that are due into memory, plans them, and keeps nothing but the plan for people to read."""
    rows: list[dict[str, Any]] = []
    source, shipped = amazon_source(amazon.account), 0
    observed = open_orders.look(amazon, ledger, run=run, rules=rules, order_ids=order_ids(request))
    for some in batched(observed, BATCH):
        staged = [
            open_orders.staged_shipment(shipment, facts)
            for facts in some
            for shipment in facts.shipments.values()
            if shipment.shipped
        ]
        batch = unstaged(staged, source=source, kind=SHIPMENT_LINE)
        lines = {(facts.order_id, id): line for facts in some for id, line in facts.lines.items()}
        planner = _planner(amazon, coupa, ledger, batch, run=run, request=request, rules=rules, lines=lines)
        proposal = planner.propose(batch, pending=frozenset(record.id for record in batch))
        rows += [*proposal.previews, *unkept(proposal.plan, batch)]
        shipped += len(batch)
    ledger.plans.keep(run, rows)
    would = sum("action" in row for row in rows)
    return {"run": run.id, "dry_run": True, "records": shipped, "would_write": would}


def load(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, workers: int, seconds: float) -> Summary:
    """Sends what is planned, for at most `seconds`; what remains stays for the next run."""
    return loading.load(
        ledger, PIPELINE, actions(coupa, rules.receipts), run=run, rules=rules, workers=workers, seconds=seconds
    )


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: closing.SendMail, failed_upstream: Sequence[str] = ()
) -> Summary:
    """Settles the run and mails what people must see; raises IncompleteRun when a shipped line is unaccounted for."""
    return closing.close(ledger, PIPELINE, run=run, rules=rules, send_mail=send_mail, failed_upstream=failed_upstream)


def _mode(rules: Rules) -> Mode:
    return rules.rollout.widest(PIPELINE).mode
