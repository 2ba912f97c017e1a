"""Documents of the ledger by what they are about: what was, or will be, billed on a PO line, and whether the target knows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Billing:
    """A document that stands, or will. `counted`: it was handed over, so the target's own counters hold it. Ids grow in the
    order of planning."""

    id: int
    business_key: str
    payload: Json
    counted: bool


def read_billings(
    engine: sa.Engine, pipeline: str, subjects: Iterable[str], *, create: str, submit: str, gone: Sequence[str]
) -> list[Billing]:
    """Made, or planned, by `create` about any of `subjects`, in the order of planning. What was skipped, refused or died
    stands for nothing; nor does what the target showed in one of the statuses `gone`."""
    values = {
        "pipeline": pipeline, "subjects": sorted(set(subjects)), "create": create, "submit": submit, "gone": list(gone),
    }  # fmt: skip
    with engine.begin() as connection:
        return [Billing(**row._asdict()) for row in connection.execute(_BILLINGS, values)]


_BILLINGS = sa.text("""
    SELECT d.id, d.business_key, d.payload, coalesce(s.state = 'delivered', false) AS counted FROM deliveries d
    LEFT JOIN deliveries s ON s.pipeline = d.pipeline AND s.business_key = d.business_key AND s.action = :submit
    WHERE d.pipeline = :pipeline AND d.action = :create AND d.state NOT IN ('skipped', 'held', 'dead')
    AND coalesce(CAST(s.facts AS jsonb) ->> 'status', '') <> ALL(:gone)
    AND d.id = ANY(ARRAY(
        SELECT b.delivery_id FROM unnest(CAST(:subjects AS text[])) AS asked (subject)
        JOIN delivery_subjects b ON b.subject = asked.subject
    )) ORDER BY d.id
""")
