"""A plan as people read it before anything is sent: dry runs and shadow mode. Its rows are never sent by a later run."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from procurement.ledger.types import Known, Plan, PlannedRecord
from procurement.money import Money
from procurement.pipelines import proposals
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import PLACE
from procurement.pipelines.coupa_requisitions_to_amazon_orders.payloads import asked_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replaced:
    """An earlier order that a new one answers for, once that is planned."""

    row: Known
    by: str


@dataclass(slots=True)
class Proposal(proposals.Proposal):
    """What a batch of POs would become, and the earlier orders that it answers for."""

    kept_as: str | None = "whole"
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
    def previews(self) -> list[Json]:
        return [*preview(self.live), *self.in_shadow]

    @property
    def in_shadow(self) -> list[Json]:
        return preview(self.shadow)


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
