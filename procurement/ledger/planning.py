"""Keeping a plan: deliveries, where each record's money goes, and findings, in one transaction.

What may already have reached the target never changes here (`changes.open_to_change`). A record planned into such a
delivery is returned as late; one planned into a delivery that bills other records too, which this plan leaves out, is
deferred: the delivery waits and all its records are planned together by the next run.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import StringIO

import sqlalchemy as sa

from procurement.ledger import plan_statements as sql
from procurement.ledger.bulk import analyze_once, copy_rendered
from procurement.ledger.encoding import clean, copy_text, dump_json, hash_text
from procurement.ledger.findings import amount_and_currency
from procurement.ledger.locks import session_lock
from procurement.ledger.types import Plan, PlanCounts, PlannedDelivery, PlannedFinding, PlannedRecord, Run

INVOICE_OR_BUDGET = "invoice or budget"  # the planning lock of whoever decides where spend without a PO is counted


@dataclass(frozen=True, slots=True)
class RenderedPlan:
    """A plan that does not contradict itself, as the text of its three COPYs."""

    records: int  # how many
    texts: Mapping[str, StringIO]  # by temporary table


class Planning:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def planning_lock(self, pipeline: str) -> AbstractContextManager[None]:
        """One transform of a pipeline at a time, over all processes; waits for its turn."""
        return session_lock(self._engine, f"planning/{pipeline}")

    def keep(self, run: Run, plan: Plan | RenderedPlan) -> PlanCounts:
        """Keeps `plan` for the run's pipeline; keeping it again changes nothing. ValueError for a plan that contradicts itself.

        Nearly all of it is PostgreSQL's time; a thread that keeps a rendered plan leaves Python to the others.
        """
        if run.dry_run:
            raise ValueError(f"run {run.run_id} is a dry run: its plan goes to `plans`")
        rendered = render(plan) if isinstance(plan, Plan) else plan
        values = {"pipeline": run.dag_id, "run": run.id}
        with self._engine.begin() as connection:
            _copy(connection, rendered)
            connection.execute(sql.DELIVERIES, values)
            _require_predecessors(connection)
            counts = connection.execute(sql.RECORDS, values).one()
            late = tuple((row.record_id, row.business_key) for row in connection.execute(sql.LATE))
        with self._engine.begin() as connection:
            analyze_once(connection, "allocations", "deliveries", "delivery_subjects", "events")
        return PlanCounts(counts.planned, counts.replaced, counts.unchanged, rendered.records, late)


def render(plan: Plan) -> RenderedPlan:
    """ValueError for a plan that contradicts itself."""
    check_plan(plan)
    return RenderedPlan(
        len(plan.records),
        {
            "p_deliveries": copy_text(_delivery(n, row) for n, row in enumerate(plan.deliveries)),
            "p_records": copy_text(map(_record, plan.records)),
            "p_findings": copy_text(_finding(n, row) for n, row in enumerate(plan.findings)),
        },
    )


def check_plan(plan: Plan) -> None:
    """Raises ValueError for names used twice, records planned twice, and money that goes nowhere."""
    names = [delivery.name for delivery in plan.deliveries]
    if len(set(names)) < len(names):
        raise ValueError(f"planned twice: {_first_repeated(names)}")
    parts = [(record.record_id, record.part) for record in plan.records]
    if len(set(parts)) < len(parts):
        raise ValueError(f"record planned twice: {_first_repeated(parts)}")
    known = set(names)
    for record in plan.records:
        if record.bills is None and record.state == "planned":
            raise ValueError(f"record {record.record_id} is planned but bills nothing")
        if record.bills is not None and record.bills not in known:
            raise ValueError(f"record {record.record_id} bills {record.bills}, which is not in the plan")
    for finding in plan.findings:
        if finding.delivery is not None and finding.delivery not in known:
            raise ValueError(f"finding {finding.kind} is about {finding.delivery}, which is not in the plan")
        if finding.delivery is None and finding.record_id is None:
            raise ValueError(f"finding {finding.kind} is about nothing")


def _first_repeated(values: Sequence[object]) -> object:
    return next(value for index, value in enumerate(values) if value in values[:index])


def _copy(connection: sa.Connection, rendered: RenderedPlan) -> None:
    connection.execute(sql.CREATE)
    for table, text in rendered.texts.items():
        copy_rendered(connection, table, sql.COLUMNS[table], text)
    connection.execute(sql.INDEX)


def _delivery(n: int, row: PlannedDelivery) -> tuple[object, ...]:
    payload = dump_json(row.payload)
    after_action, after_key = row.after or (None, None)
    variance = None if row.variance is None else dump_json(row.variance)
    subjects = dump_json(row.subjects) if row.subjects else None
    return (
        n, row.action, row.business_key, after_action, after_key, row.required, row.state, row.reason, row.outcome,
        payload, hash_text(payload), row.amount, row.currency, variance, subjects, dump_json([clean(error) for error in row.errors]),
        row.error_class, row.mapping_version, row.policy_version, row.scope,
    )  # fmt: skip


def _record(row: PlannedRecord) -> tuple[object, ...]:
    action, key = row.bills or (None, None)
    state = None if row.bills else row.state
    error_class = row.error_class or ("data" if state == "dead" else None)
    return (
        row.record_id, row.part, state, row.reason, action, key, row.amount, row.currency,
        dump_json([clean(error) for error in row.errors]), error_class, row.to_plan, row.hash,
    )  # fmt: skip


def _finding(n: int, row: PlannedFinding) -> tuple[object, ...]:
    action, key = row.delivery or (None, None)
    return (
        n, action, key, row.record_id, row.kind, row.line, row.sentence, row.breached, row.expected, row.actual, row.difference,
        row.limit, row.rule, *amount_and_currency(row.money),
    )  # fmt: skip


def _require_predecessors(connection: sa.Connection) -> None:
    row = connection.execute(sql.LOST_PREDECESSOR).first()
    if row is not None:
        raise ValueError(
            f"{row.action} {row.business_key} follows {row.after_action} {row.after_key}, which was never planned"
        )
