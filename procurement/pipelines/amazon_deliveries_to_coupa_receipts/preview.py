"""A plan as people read it before anything is sent: dry runs and shadow mode. Its rows are never sent by a later run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from procurement.ledger.types import Plan, PlannedRecord, Record

Json = dict[str, Any]
SHADOW = "shadow: planned, not sent"


@dataclass(slots=True)
class Proposal:
    """What a batch of shipped lines would become: the part that is sent, and the part in shadow that is only shown.
    `withdrawn`: comments that an earlier plan wanted, that nobody sent, and that are needed no more."""

    live: Plan = field(default_factory=Plan)
    shadow: Plan = field(default_factory=Plan)
    withdrawn: list[int] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """What the ledger keeps: shipped lines in shadow are skipped, and say so."""
        hashes = {record.record_id: record.hash for record in self.shadow.records}
        skipped = [
            PlannedRecord(record_id=id, state="skipped", reason=SHADOW, part="state", hash=hash)
            for id, hash in hashes.items()
        ]
        about_records = [finding for finding in self.shadow.findings if finding.delivery is None]
        return Plan(self.live.deliveries, [*self.live.records, *skipped], [*self.live.findings, *about_records])

    @property
    def previews(self) -> list[Json]:
        return [*preview(self.live), *preview(self.shadow)]


def preview(plan: Plan) -> list[Json]:
    """One row per write that would be made, with the differences in sentences."""
    sentences: dict[tuple[str, str], list[str]] = {}
    for finding in plan.findings:
        if finding.delivery is not None:
            sentences.setdefault(finding.delivery, []).append(finding.sentence)
    return [
        {
            "document": delivery.business_key,
            "action": delivery.action,
            "differences": sentences.get(delivery.name, []),
            "payload": delivery.payload,
        }
        for delivery in plan.deliveries
    ]


def unkept(plan: Plan, records: Sequence[Record]) -> list[Json]:
    """One row per shipped line: what remains of it beside the writes, with state and reason."""
    keys = {record.id: record.key for record in records}
    return [
        {
            "document": keys[record.record_id],
            "state": record.state,
            "reason": record.reason,
            "errors": list(record.errors),
        }
        for record in plan.records
        if record.bills is None
    ]
