"""Keeping a plan: deliveries, where each record's money goes, and findings, in one transaction.

What may already have reached the target never changes here (`changes.open_to_change`). A record planned into such a
delivery is returned as late; one planned into a delivery that bills other records too, which this plan leaves out, is
deferred: the delivery waits and all its records are planned together by the next run.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import sqlalchemy as sa

from procurement.ledger import plan_statements as sql
from procurement.ledger.bulk import analyze, analyze_once, copy_rows, create_temporary
from procurement.ledger.changes import HOLD_CHANGED_AFTER_CLAIM, REPORT_CHANGED_AFTER_CLAIM
from procurement.ledger.encoding import clean, dump_json, hash_text
from procurement.ledger.findings import amount_and_currency
from procurement.ledger.locks import session_lock
from procurement.ledger.types import Plan, PlanCounts, PlannedDelivery, PlannedFinding, PlannedRecord, Run

INVOICE_OR_BUDGET = "invoice or budget"  # the planning lock of whoever decides where spend without a PO is counted


class Planning:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def planning_lock(self, pipeline: str) -> AbstractContextManager[None]:
        """One transform of a pipeline at a time, over all processes; waits for its turn."""
        return session_lock(self._engine, f"planning/{pipeline}")

    def keep(self, run: Run, plan: Plan) -> PlanCounts:
        """Keeps `plan` for the run's pipeline; keeping it again changes nothing. ValueError for a plan that contradicts itself."""
        if run.dry_run:
            raise ValueError(f"run {run.run_id} is a dry run: its plan goes to `plans`")
        check_plan(plan)
        values = {"pipeline": run.dag_id, "run": run.id}
        with self._engine.begin() as connection:
            _copy_plan(connection, plan)
            for statement in sql.DELIVERIES:
                connection.execute(statement, values)
            _require_predecessors(connection)
            for statement in (
                *sql.RECORDS,
                REPORT_CHANGED_AFTER_CLAIM,
                HOLD_CHANGED_AFTER_CLAIM,
                *sql.FINDINGS,
                *sql.EVENTS,
            ):
                connection.execute(statement, values)
            counts = connection.execute(sql.COUNTS).one()
            late = tuple((row.record_id, row.business_key) for row in connection.execute(sql.LATE))
        with self._engine.begin() as connection:
            analyze_once(connection, "allocations", "deliveries", "delivery_subjects", "events")
        return PlanCounts(counts.planned, counts.replaced, counts.unchanged, len(plan.records), late)


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


def _copy_plan(connection: sa.Connection, plan: Plan) -> None:
    for table, columns in sql.TEMPORARY.items():
        create_temporary(connection, table, columns)
    copy_rows(
        connection, "p_deliveries", sql.DELIVERY_COLUMNS, (_delivery(n, row) for n, row in enumerate(plan.deliveries))
    )
    copy_rows(connection, "p_records", sql.RECORD_COLUMNS, map(_record, plan.records))
    copy_rows(connection, "p_findings", sql.FINDING_COLUMNS, (_finding(n, row) for n, row in enumerate(plan.findings)))
    connection.exec_driver_sql("CREATE INDEX ON p_records (record_id)")
    analyze(connection, "p_deliveries", "p_records", "p_findings")


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
