"""A plan as people read it before anything is sent: dry runs and shadow mode. Its rows are never sent by a later run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from procurement.ledger.types import Known, Plan, PlannedRecord, Record
from procurement.money import Money
from procurement.pipelines.coupa_requisitions_to_amazon_orders.candidates import SHADOW
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import PLACE
from procurement.pipelines.coupa_requisitions_to_amazon_orders.payloads import asked_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replaced:
    """An earlier order that a new one answers for, once that is planned."""

    row: Known
    by: str


@dataclass(slots=True)
class Proposal:
    """What a batch of POs would become: the part that is sent, and the part in shadow that is only shown."""

    live: Plan = field(default_factory=Plan)
    shadow: Plan = field(default_factory=Plan)
    replaced: list[Replaced] = field(default_factory=list)

    def keep_skipped(self, record_ids: Collection[int], reason: str) -> None:
        """These stay skipped, whatever else was found about them: it could come right, and they must not be ordered then."""
        self.live.records = [
            PlannedRecord(record_id=one.record_id, state="skipped", reason=reason, hash=one.hash)
            if one.record_id in record_ids and one.bills is None
            else one
            for one in self.live.records
        ]

    @property
    def plan(self) -> Plan:
        """What the ledger keeps: POs in shadow are skipped, and say so."""
        skipped = [
            PlannedRecord(record_id=id, state="skipped", reason=SHADOW, hash=hash)
            for id, hash in {record.record_id: record.hash for record in self.shadow.records}.items()
        ]
        return Plan(self.live.deliveries, [*self.live.records, *skipped], self.live.findings)

    @property
    def previews(self) -> list[Json]:
        return [*preview(self.live), *preview(self.shadow)]


def preview(plan: Plan) -> list[Json]:
    """One row per Amazon order that would be placed, with what it would cost at the PO's prices."""
    rows = []
    for delivery in plan.deliveries:
        if delivery.action != PLACE:
            continue
        asked = list(asked_of(delivery.payload).values())
        goods = Money.sum((line.price * line.units for line in asked), asked[0].price.currency)
        rows.append(
            {
                "document": delivery.business_key,
                "amount": str(goods.amount),
                "currency": goods.currency,
                "lines": len(asked),
                "units": sum(line.units for line in asked),
                "payload": delivery.payload,
            }
        )
    return rows


def unkept(plan: Plan, records: Sequence[Record]) -> list[Json]:
    """One row per PO that would not be ordered, with its state and reason."""
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
