"""What has waited, and for how long: exceptions without an end, invoices without a receipt, records without a delivery.

Ages are business time: the `now` of the run that planned the row, or that first saw the record.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """A document in the target: its id there, the status it last showed, our outcome, and `payload` of the row asked for.
    `id` is that of the delivery which made it."""

    id: int
    business_key: str
    target_id: str
    status: str
    outcome: str | None
    amount: Decimal | None
    currency: str | None
    payload: Json
    since: datetime


@dataclass(frozen=True, slots=True)
class Unsent:
    """A record, or a delivery that is stuck: `state` is waiting, held or dead."""

    key: str
    state: str
    reason: str
    amount: Decimal | None
    currency: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """A submitted document with our word about it and the target's facts. `id` is the creating delivery's, `submit_id` the other's."""

    id: int
    submit_id: int
    business_key: str
    outcome: str
    facts: Json


_STATUS = "coalesce(CAST(s.facts AS jsonb) ->> 'status', '')"
_OPEN_INVOICE = f"""
    SELECT c.id, c.business_key, s.target_id, {_STATUS} AS status, c.outcome, c.amount, c.currency, x.payload, r.now AS since
    FROM deliveries c JOIN deliveries s ON s.pipeline = c.pipeline AND s.business_key = c.business_key AND s.action = :submit
"""
# Told once and not closed yet. `x` is the telling row.
_OPEN_EXCEPTIONS = sa.text(f"""
    {_OPEN_INVOICE} JOIN deliveries x ON x.pipeline = c.pipeline AND x.business_key = c.business_key AND x.action = :told
    JOIN runs r ON r.id = x.planned_by
    WHERE c.pipeline = :pipeline AND c.action = :create AND x.state = 'delivered' AND s.state = 'delivered' AND NOT EXISTS (
        SELECT FROM deliveries e WHERE e.pipeline = c.pipeline AND e.business_key = c.business_key AND e.action = :closed
    ) ORDER BY c.id
""")
_BY_OUTCOME = sa.text(f"""
    {_OPEN_INVOICE} JOIN deliveries x ON x.id = c.id JOIN runs r ON r.id = c.planned_by
    WHERE c.pipeline = :pipeline AND c.action = :create AND c.outcome = :outcome AND s.state = 'delivered'
    AND {_STATUS} <> ALL(:finished) ORDER BY c.id
""")
# A credit note's key is its original's but for the number. `n` is the credit note, `s` the original's submission.
_CREDITED = sa.text(f"""
    SELECT n.business_key, s.target_id FROM deliveries n
    JOIN deliveries h ON h.pipeline = n.pipeline AND h.business_key = n.business_key AND h.action = :submit AND h.state = 'delivered'
    JOIN deliveries s ON s.pipeline = n.pipeline AND s.action = :submit AND s.state = 'delivered' AND {_STATUS} = :held
        AND s.business_key = left(n.business_key, -length(n.payload ->> 'invoice-number')) || (n.payload ->> 'original-invoice-number')
    WHERE n.pipeline = :pipeline AND n.action = :create AND n.state = 'delivered' AND n.amount < 0 AND NOT EXISTS (
        SELECT FROM deliveries e WHERE e.pipeline = n.pipeline AND e.business_key = n.business_key AND e.action = :checked
    ) ORDER BY n.id
""")
_RECORDS = sa.text("""
    SELECT r.source || '/' || r.key AS key, a.state, coalesce(a.reason, '') AS reason, a.amount, a.currency,
        (SELECT min(u.now) FROM run_records rr JOIN runs u ON u.id = rr.run_id WHERE rr.record_id = r.id) AS since
    FROM allocations a JOIN source_records r ON r.id = a.record_id
    WHERE a.pipeline = :pipeline AND a.role = 'bills' AND a.delivery_id IS NULL AND a.state IN ('waiting', 'held', 'dead')
    ORDER BY r.id, a.part
""")
_DELIVERIES = sa.text("""
    SELECT d.action || ' ' || d.business_key AS key, d.state, coalesce(d.reason, '') AS reason, c.amount, c.currency, r.now AS since
    FROM deliveries d JOIN runs r ON r.id = d.planned_by
    LEFT JOIN deliveries c ON c.pipeline = d.pipeline AND c.business_key = d.business_key AND c.action = :create
    WHERE d.pipeline = :pipeline AND d.state IN ('waiting', 'held', 'dead') ORDER BY d.id
""")
_UNCOMPARED = sa.text(f"""
    SELECT c.id, s.id AS submit_id, c.business_key, c.outcome, s.facts
    FROM deliveries c JOIN deliveries s ON s.pipeline = c.pipeline AND s.business_key = c.business_key AND s.action = :submit
    WHERE c.pipeline = :pipeline AND c.action = :create AND c.outcome IS NOT NULL AND s.state = 'delivered'
    AND CAST(s.facts AS jsonb) ->> 'compared' IS DISTINCT FROM c.outcome || ' / ' || {_STATUS} ORDER BY c.id
""")


class Waits:
    """`create` and `submit` are the pipeline's actions that make a document and hand it over."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def open_exceptions(self, pipeline: str, *, create: str, submit: str, told: str, closed: str) -> list[OpenInvoice]:
        """Documents about which `told` was sent and `closed` was not planned; payload and age are those of `told`."""
        values = {"pipeline": pipeline, "create": create, "submit": submit, "told": told, "closed": closed}
        with self._engine.begin() as connection:
            return [OpenInvoice(**row._asdict()) for row in connection.execute(_OPEN_EXCEPTIONS, values)]

    def by_outcome(
        self, pipeline: str, outcome: str, *, create: str, submit: str, finished: Iterable[str]
    ) -> list[OpenInvoice]:
        """Documents with this outcome that the target has not finished with; payload and age are those of `create`."""
        values = {
            "pipeline": pipeline, "create": create, "submit": submit, "outcome": outcome, "finished": sorted(finished),
        }  # fmt: skip
        with self._engine.begin() as connection:
            return [OpenInvoice(**row._asdict()) for row in connection.execute(_BY_OUTCOME, values)]

    def credited(self, pipeline: str, *, create: str, submit: str, held: str, checked: str) -> dict[str, str]:
        """The target ids of originals that the target shows as `held`, by the keys of credit notes that were submitted for them
        and have no `checked` yet."""
        values = {"pipeline": pipeline, "create": create, "submit": submit, "held": held, "checked": checked}
        with self._engine.begin() as connection:
            return {row.business_key: row.target_id for row in connection.execute(_CREDITED, values)}

    def unsent(self, pipeline: str, *, create: str) -> list[Unsent]:
        """Records without a delivery and deliveries that are stuck; each with its reason and the document's money."""
        values = {"pipeline": pipeline, "create": create}
        with self._engine.begin() as connection:
            records = [Unsent(**row._asdict()) for row in connection.execute(_RECORDS, {"pipeline": pipeline})]
            return [*records, *(Unsent(**row._asdict()) for row in connection.execute(_DELIVERIES, values))]

    def uncompared(self, pipeline: str, *, create: str, submit: str) -> list[Judged]:
        """Submitted documents of which outcome or status changed since the two verdicts were last compared."""
        values = {"pipeline": pipeline, "create": create, "submit": submit}
        with self._engine.begin() as connection:
            return [Judged(**row._asdict()) for row in connection.execute(_UNCOMPARED, values)]
