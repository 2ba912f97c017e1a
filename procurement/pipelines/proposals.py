"""A plan as people read it before anything is sent: dry runs and shadow mode. Its rows are never sent by a later run."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from procurement.ledger.types import Plan, PlannedDelivery, Record, Staged

Json = dict[str, Any]
SHADOW = "shadow: planned, not sent"


def unstaged(rows: Iterable[Staged], *, source: str, kind: str, first: int = 1) -> list[Record]:
    """The rows as a dry run plans them, which keeps none: their ids count from `first` and are no record's in the ledger."""
    return [
        Record(
            id=n, source=source, kind=kind, hash="", key=row.key, raw=row.raw, amount=row.amount, currency=row.currency,
            group_key=row.group_key, dated_at=row.dated_at, subkind=row.subkind,
        )
        for n, row in enumerate(rows, first)
    ]  # fmt: skip


@dataclass(slots=True)
class Proposal:
    """What a batch of records would become: the part that is sent, and the part in shadow that is only shown.

    `shown`: the actions that previews list, all unless given.
    `kept_as`: the one part under which a record in shadow is skipped; None where its parts carry money and stay apart."""

    live: Plan = field(default_factory=Plan)
    shadow: Plan = field(default_factory=Plan)
    kept_as: str | None = None
    shown: Collection[str] | None = None

    @property
    def plan(self) -> Plan:
        """What the ledger keeps: records in shadow are skipped, and say so."""
        skipped = [
            replace(record, part=self.kept_as or record.part, state="skipped", reason=SHADOW, bills=None)
            for record in self.shadow.records
        ]
        once = {(record.record_id, record.part): record for record in skipped}
        about_records = [finding for finding in self.shadow.findings if finding.delivery is None]
        return Plan(self.live.deliveries, [*self.live.records, *once.values()], [*self.live.findings, *about_records])

    @property
    def previews(self) -> list[Json]:
        return [*preview(self.live, self.shown), *self.in_shadow]

    @property
    def in_shadow(self) -> list[Json]:
        return preview(self.shadow, self.shown)


def preview(plan: Plan, actions: Collection[str] | None = None) -> list[Json]:
    """One row per write that would be made (of `actions`, where given), with its money and the differences in sentences."""
    sentences: dict[tuple[str, str], list[str]] = {}
    for finding in plan.findings:
        if finding.delivery is not None:
            sentences.setdefault(finding.delivery, []).append(finding.sentence)
    return [
        {
            "document": delivery.business_key,
            "action": delivery.action,
            **_money_and_outcome(delivery),
            "differences": sentences.get(delivery.name, []),
            "payload": delivery.payload,
        }
        for delivery in plan.deliveries
        if actions is None or delivery.action in actions
    ]


def _money_and_outcome(delivery: PlannedDelivery) -> Json:
    shown: Json = {}
    if delivery.amount is not None:
        shown |= {"amount": str(delivery.amount), "currency": delivery.currency}
    if delivery.outcome is not None:
        shown["outcome"] = delivery.outcome
    return shown


def unkept(plan: Plan, records: Sequence[Record]) -> list[Json]:
    """One row per record: what remains of it beside the writes, with its money, state and reason."""
    keys = {record.id: record.key for record in records}
    return [
        {
            "document": keys[one.record_id],
            **({"amount": str(one.amount), "currency": one.currency} if one.amount is not None else {}),
            "state": one.state,
            "reason": one.reason,
            "errors": list(one.errors),
        }
        for one in plan.records
        if one.bills is None
    ]
