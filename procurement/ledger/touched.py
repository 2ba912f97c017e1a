"""What one run planned or saw through, delivery by delivery: for its report to people."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from procurement.ledger.types import Run, State

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """`errors`: everything the target said against it; `scope`: the account by whose connection it is sent."""

    action: str
    business_key: str
    state: State
    payload: Json
    reason: str | None = None
    scope: str | None = None
    errors: tuple[str, ...] = ()


def read_touched(engine: sa.Engine, run: Run) -> list[Touched]:
    """Deliveries of the run's pipeline that it planned, or that changed since it was opened, in the order they were planned."""
    with engine.begin() as connection:
        rows = connection.execute(_TOUCHED, {"pipeline": run.dag_id, "run": run.id})
        return [
            Touched(
                action=row.action, business_key=row.business_key, state=row.state, payload=row.payload, reason=row.reason,
                scope=row.scope, errors=tuple(row.errors or ()),
            )
            for row in rows
        ]  # fmt: skip


_TOUCHED = sa.text("""
    SELECT action, business_key, state, reason, payload, scope, errors FROM deliveries
    WHERE pipeline = :pipeline AND (planned_by = :run OR changed_at >= (SELECT opened_at FROM runs WHERE id = :run)) ORDER BY id
""")
