"""The steps of a run. Each takes ready clients and an open ledger, and can be repeated after any crash."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.concurrency import batched
from connectors.coupa.client import Coupa
from connectors.tally import Tally
from procurement.clock import Clock
from procurement.ledger import Ledger
from procurement.ledger.types import Record, Refund, Run
from procurement.order_changes import PO_CANCELLED
from procurement.order_facts import OrderFacts, read_order
from procurement.order_lines import order_lines
from procurement.pipelines import closing, loading, open_orders, windows
from procurement.pipelines.amazon_order_status_to_coupa.deciding import ACT, COMMENT, SOFT_CLOSE
from procurement.pipelines.amazon_order_status_to_coupa.planning import PIPELINE, SHOWN, Planner
from procurement.pipelines.amazon_order_status_to_coupa.quantities import CHANGE, ChangeQuantity, own_changes
from procurement.pipelines.coupa_actions import ActOnOrder, ActOnOrderLine, Comment
from procurement.pipelines.open_orders import OPEN, ORDER, OVERLAP, PROBLEM
from procurement.pipelines.proposals import unstaged
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules
from procurement.sending import Action

BATCH = 500  # orders planned at a time: bounds memory, and fills Coupa's 50 a call
EVER = timedelta(days=3660)  # beyond any next read

Summary = dict[str, Any]


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run, with the window in which it looks for orders that were placed outside, resolved once."""
    return windows.open_run(ledger, request, rules=rules, clock=clock, pipeline=PIPELINE, overlap=OVERLAP, read_as=OPEN)


def extract(amazon: AmazonBusiness, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules) -> Summary:
    """Reads the open orders that are due, and those that the form names; counts the orders read and those that wait.

    Some of those were read by the receipts' pipeline, or wait for more to be received. A dry run stages nothing.
    """
    tally, source = Tally(), amazon_source(amazon.account)
    observed = open_orders.observe(
        amazon, ledger, run=run, rules=rules, order_ids=request.document_numbers, tally=tally
    )
    if run.dry_run or rules.rollout.widest(PIPELINE).mode is Mode.OFF:
        return observed.as_summary()
    waiting = ledger.records.to_plan(source, ORDER)
    for row in waiting:
        if (ORDER, row.key) not in tally.seen:
            tally.count(ORDER, row.key)
    ledger.records.link(run, [row.id for row in waiting])
    ledger.runs.keep_tally(run, source, tally)
    return {**observed.as_summary(), "waiting": len(waiting)}


def transform(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    """Plans the orders that changed, those whose actions wait, and those whose purchase order a person cancelled.

    A dry run reads the orders that are due and only shows what it would plan.
    """
    mode = rules.rollout.widest(PIPELINE).mode
    source = amazon_source(amazon.account)
    if run.dry_run:
        return _rehearse(amazon, coupa, ledger, run=run, request=request, rules=rules)
    if mode is Mode.OFF:
        return {"run": run.id, "mode": mode.value, "planned": 0, "records": 0}
    planned = records = 0
    previews: list[dict[str, Any]] = []
    with ledger.planning.planning_lock(PIPELINE):
        pending = [row.id for row in ledger.records.to_plan(source, ORDER)]
        pending += sorted(set(_cancelled_by_people(coupa, ledger, source, run=run)) - set(pending))
        for ids in batched(pending, BATCH):
            batch = ledger.records.load(ids)
            proposal = _planner(amazon, coupa, ledger, batch, rules=rules).propose(batch)
            counts = ledger.planning.keep(run, proposal.plan)
            for key, mail in proposal.mails.items():
                ledger.notices.add(key, "compliance", mail)
            planned, records = planned + counts.planned + counts.replaced - proposal.shown, records + len(batch)
            previews += proposal.previews
        ledger.plans.keep(run, previews)
    return {"run": run.id, "mode": mode.value, "planned": planned, "records": records}


def _planner(
    amazon: AmazonBusiness,
    coupa: Coupa,
    ledger: Ledger,
    batch: Sequence[Record],
    *,
    rules: Rules,
    rehearsal: bool = False,
) -> Planner:
    """With what the ledger knows around the batch: refunds, other Amazon orders of the same purchase orders."""
    source = amazon_source(amazon.account)
    refunds: dict[str, list[Refund]] = {}
    for refund in ledger.records.refunds_of(source, [record.key for record in batch]):
        refunds.setdefault(refund.order_id, []).append(refund)
    numbers = [record.group_key for record in batch if record.group_key]
    siblings: dict[str, list[OrderFacts]] = {}
    for record in ledger.records.load(row.id for row in ledger.records.of_groups(source, ORDER, numbers)):
        if PROBLEM not in record.raw and record.group_key:
            siblings.setdefault(record.group_key, []).append(read_order(record.raw))
    order_ids = {record.key for record in batch} | {one.order_id for some in siblings.values() for one in some}
    return Planner(
        coupa=coupa, account=amazon.account, rules=rules, known=partial(ledger.deliveries.known, PIPELINE),
        refunds=refunds, siblings=siblings, own=own_changes(ledger, PIPELINE, order_ids), rehearsal=rehearsal,
    )  # fmt: skip


def _cancelled_by_people(coupa: Coupa, ledger: Ledger, source: str, *, run: Run) -> Iterator[int]:
    """Ids of open orders with units to ship whose purchase order was cancelled in Coupa, and of which nobody was told yet."""
    open_ids = [document.key for document in ledger.open_documents.due(OPEN, run.now + EVER)]
    for some in batched(open_ids, BATCH):
        found = ledger.records.find(source, ORDER, some).values()
        shipping = [record for record in found if PROBLEM not in record.raw and _still_ships(read_order(record.raw))]
        numbers = sorted({record.group_key for record in shipping if record.group_key})
        cancelled = {
            str(raw["po-number"])
            for page in coupa.purchase_orders(numbers)
            for raw in page
            if raw.get("status") in PO_CANCELLED
        }
        keys = {
            f"{record.key}/-/po_cancelled_by_person": record for record in shipping if record.group_key in cancelled
        }
        told = ledger.deliveries.known(PIPELINE, COMMENT, keys) | ledger.deliveries.known(PIPELINE, SHOWN, keys)
        yield from (record.id for key, record in keys.items() if key not in told)


def _still_ships(facts: OrderFacts) -> bool:
    over = facts.cancelled or facts.closed
    return not over and any(line.unshipped for line in order_lines(facts))


def _rehearse(
    amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules
) -> Summary:
    rows: list[dict[str, Any]] = []
    orders = 0
    observed = open_orders.look(amazon, ledger, run=run, rules=rules, order_ids=request.document_numbers)
    for some in batched(observed, BATCH):
        batch = unstaged(map(open_orders.staged_order, some), source=amazon_source(amazon.account), kind=ORDER)
        planner = _planner(amazon, coupa, ledger, batch, rules=rules, rehearsal=True)
        siblings = {number: list(planner.siblings.get(number, ())) for number in {str(one.po_number) for one in some}}
        for facts in some:
            siblings[str(facts.po_number)].append(facts)
        rows += replace(planner, siblings=siblings).propose(batch).previews
        orders += len(some)
    ledger.plans.keep(run, rows)
    return {"run": run.id, "dry_run": True, "records": orders, "would_act": sum(bool(row["actions"]) for row in rows)}


def actions(coupa: Coupa) -> dict[str, Action]:
    return {
        COMMENT: Comment(coupa), SOFT_CLOSE: ActOnOrderLine(coupa), CHANGE: ChangeQuantity(coupa), ACT: ActOnOrder(coupa),
    }  # fmt: skip


def load(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules, workers: int, seconds: float) -> Summary:
    """Sends what is planned, for at most `seconds`; a pipeline that is not live only asks after what it sent before."""
    return loading.load(ledger, PIPELINE, actions(coupa), run=run, rules=rules, workers=workers, seconds=seconds)


def close(
    ledger: Ledger,
    *,
    run: Run,
    rules: Rules,
    send_mail: closing.SendMail,
    failed_upstream: Sequence[str] = (),
) -> Summary:
    """Accounts for every order that the run read, and mails what needs a person."""
    return closing.close(ledger, PIPELINE, run=run, rules=rules, send_mail=send_mail, failed_upstream=failed_upstream)
