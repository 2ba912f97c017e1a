"""What became of the exceptions, and of everything that waits.

An exception is settled when Coupa has approved the invoice, or somebody voided, abandoned or rejected it, or it matches by
now: then its comment gets the one closing reply, its task is closed, and its integration error is resolved. Whatever is not settled grows
older, and is escalated. An invoice that Coupa holds is put before Coupa's own tolerances once more when it matches by now, and
when a credit note for it was submitted: Coupa does neither by itself. Coupa's statuses are those that the last look brought
(`watch_due_dates`): no call is made for them.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from procurement.ledger.types import Known, Plan, PlannedDelivery, Run
from procurement.ledger.waits import OpenInvoice
from procurement.matching import Outcome
from procurement.pipelines.amazon_invoices_to_coupa.ageing import (
    Item,
    escalate,
    exception_item,
    read_watched,
    receipt_item,
    unsent_item,
)
from procurement.pipelines.amazon_invoices_to_coupa.comments import DOCUMENT, closing_text
from procurement.pipelines.amazon_invoices_to_coupa.drafts import (
    ALERT,
    CLOSE,
    CLOSE_TASK,
    COMMENT,
    CREATE,
    ON_HOLD,
    PIPELINE,
    RESOLVE,
    REVALIDATE,
    SUBMIT,
    TASK,
    delivery_id,
    number_of,
)
from procurement.pipelines.amazon_invoices_to_coupa.exception_list import NAME, exceptions_csv
from procurement.policies import Mode, Rules

MATCHES = frozenset({Outcome.MATCHED.value, Outcome.WITHIN_TOLERANCE.value})


def follow_up(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> dict[str, Any]:
    """Plans the closing replies, and escalates what waits too long. Between `rematch` and `load`, which sends the replies.

    Calls Coupa only for the mail addresses of people who are told now.
    """
    if run.dry_run or rules.rollout.widest(PIPELINE).mode is not Mode.LIVE:
        return {"run": run.id, "settled": 0, "waiting": 0, "late": 0, "escalated": 0}
    told = ledger.waits.open_exceptions(PIPELINE, create=CREATE, submit=SUBMIT, told=COMMENT, closed=CLOSE)
    finished = rules.reconciliation.statuses.finished
    settled = [one for one in told if is_settled(one.status, one.outcome, finished)]
    replies = [closing_reply(one, finished) for one in settled]
    ended = [*replies, *resolutions(ledger, rules), *closed_tasks(ledger, rules), *revalidations(ledger, settled)]
    ledger.planning.keep(run, Plan(deliveries=ended))
    open_ones = [
        one for one in told
        if not is_settled(one.status, one.outcome, finished) and one.outcome != Outcome.WAITING_FOR_RECEIPT.value
    ]  # fmt: skip
    listed = [{"name": NAME, "text": exceptions_csv(ledger, open_ones, now=run.now)}] if open_ones else []
    items = waiting_items(ledger, open_ones, rules, now=run.now)
    escalated = escalate(coupa, ledger, items, run=run, rules=rules, attachments=listed)
    return {"run": run.id, "settled": len(settled), **escalated}


def waiting_items(ledger: Ledger, exceptions: Sequence[OpenInvoice], rules: Rules, *, now: datetime) -> list[Item]:
    """Everything that waits, whatever for."""
    routing, watched = rules.routing, read_watched(ledger)
    waiting = ledger.waits.by_outcome(
        PIPELINE,
        Outcome.WAITING_FOR_RECEIPT,
        create=CREATE,
        submit=SUBMIT,
        finished=rules.reconciliation.statuses.finished,
    )
    return [
        *(exception_item(one, routing) for one in exceptions),
        *(receipt_item(one, routing, watched=watched, now=now) for one in waiting),
        *(unsent_item(row, routing, watched=watched, now=now) for row in ledger.waits.unsent(PIPELINE, create=CREATE)),
    ]


def is_settled(status: str, outcome: str | None, finished: AbstractSet[str]) -> bool:
    """`finished`: the statuses in which Coupa needs nobody's decision any more."""
    return status in finished or outcome in MATCHES


def closing_reply(one: OpenInvoice, finished: AbstractSet[str]) -> PlannedDelivery:
    """The one reply to the one comment, under a marker of its own."""
    marker = delivery_id(f"{one.business_key}/settled")
    text = closing_text(
        number_of(one.business_key), one.status, by_receipt=one.status not in finished, marker=marker
    )  # fmt: skip
    payload = {"document": DOCUMENT, "id": int(one.target_id), "text": text, "marker": marker}
    return PlannedDelivery(
        action=CLOSE, business_key=one.business_key, payload=payload, after=(COMMENT, one.business_key), required=False
    )


def revalidations(ledger: Ledger, settled: Sequence[OpenInvoice]) -> Iterator[PlannedDelivery]:
    """Of those that match by now and Coupa still holds; and of held originals, once for each of their credit notes."""
    held = {one.business_key: one.target_id for one in settled if one.status == ON_HOLD}
    held |= ledger.waits.credited(PIPELINE, create=CREATE, submit=SUBMIT, held=ON_HOLD, checked=REVALIDATE)
    for key, target_id in held.items():
        yield PlannedDelivery(
            action=REVALIDATE, business_key=key, payload={"id": int(target_id)}, after=(SUBMIT, key), required=False
        )


def resolutions(ledger: Ledger, rules: Rules) -> Iterator[PlannedDelivery]:
    """The integration errors of settled exceptions that are not resolved yet, each once."""
    for error in settled_rows(ledger, rules, ALERT, without=RESOLVE):
        payload = {"error": int(str(error.target_id)), "run": int(error.facts["run"])}
        yield PlannedDelivery(
            action=RESOLVE, business_key=error.business_key, payload=payload, after=(ALERT, error.business_key),
            required=False,
        )  # fmt: skip


def closed_tasks(ledger: Ledger, rules: Rules) -> Iterator[PlannedDelivery]:
    """The tasks of settled exceptions that were not closed by us yet, each once."""
    for task in settled_rows(ledger, rules, TASK, without=CLOSE_TASK):
        payload = {"task": int(str(task.target_id)), "status": rules.routing.task_done}
        yield PlannedDelivery(
            action=CLOSE_TASK, business_key=task.business_key, payload=payload, after=(TASK, task.business_key),
            required=False,
        )  # fmt: skip


def settled_rows(ledger: Ledger, rules: Rules, action: str, *, without: str) -> Iterator[Known]:
    """What `action` made for exceptions that are settled by now, and `without` did not end yet."""
    made = {row.business_key: row for row in ledger.deliveries.without_follower(PIPELINE, action, without)}
    outcomes = ledger.deliveries.known(PIPELINE, CREATE, made)
    submitted = ledger.deliveries.known(PIPELINE, SUBMIT, made)
    finished = rules.reconciliation.statuses.finished
    for key, row in made.items():
        status = str(submitted[key].facts.get("status"))
        if row.target_id is not None and is_settled(status, outcomes[key].outcome, finished):
            yield row
