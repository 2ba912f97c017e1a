"""A plan as people read it before anything is sent: dry runs and shadow mode.

Its rows are never sent by a later run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from procurement.ledger.types import Plan, Record
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a batch of records would become: the part that is sent, and the part in shadow that is only shown."""

    live: Plan
    shadow: Plan

    @property
    def plan(self) -> Plan:
        """What the ledger keeps."""
        return with_shadow(self.live, self.shadow)

    @property
    def previews(self) -> list[dict[str, Any]]:
        return [*preview(self.live), *preview(self.shadow)]


def preview(plan: Plan) -> list[dict[str, Any]]:
    """One row per invoice that would be created, with its total, our match, and the differences in sentences."""
    sentences: dict[tuple[str, str], list[str]] = {}
    for finding in plan.findings:
        if finding.delivery is not None:
            sentences.setdefault(finding.delivery, []).append(finding.sentence)
    return [
        {
            "document": delivery.business_key,
            "amount": str(delivery.amount),
            "currency": delivery.currency,
            "outcome": delivery.outcome,
            "differences": sentences.get(delivery.name, []),
            "payload": delivery.payload,
        }
        for delivery in plan.deliveries
        if delivery.action == CREATE
    ]


def with_shadow(plan: Plan, shadow: Plan) -> Plan:
    """`plan`, and the records of `shadow` with nothing to send: what would have billed them is skipped, and says so."""
    skipped = [
        replace(record, state="skipped", reason="shadow: planned, not sent", bills=None) for record in shadow.records
    ]
    about_records = [finding for finding in shadow.findings if finding.delivery is None]
    return Plan(plan.deliveries, [*plan.records, *skipped], [*plan.findings, *about_records])


def unkept(plan: Plan, records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row per record that would not be sent, with its state and reason."""
    keys = {record.id: record.key for record in records}
    return [
        {
            "document": keys[record.record_id],
            "amount": str(record.amount),
            "currency": record.currency,
            "state": record.state,
            "reason": record.reason,
            "errors": list(record.errors),
        }
        for record in plan.records
        if record.bills is None
    ]
