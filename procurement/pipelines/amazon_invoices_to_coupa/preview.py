"""A plan as people read it before anything is sent: dry runs and shadow mode.

Its rows are never sent by a later run.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from procurement.ledger.types import Plan, Record
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE


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


def shadowed(plan: Plan) -> Plan:
    """The plan with nothing to send: what would have been billed is skipped, and says so."""
    return Plan(
        records=[
            replace(record, state="skipped", reason="shadow: planned, not sent", bills=None) if record.bills else record
            for record in plan.records
        ],
        findings=[replace(finding, delivery=None) for finding in plan.findings if finding.record_id is not None],
    )


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
