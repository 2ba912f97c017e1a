"""The documents that a new invoice may be once more: what Coupa showed, what the ledger sent, what this batch planned.

Coupa is not asked again: what `existing` read is looked at once more, and its word outranks the ledger's. From the ledger
one bulk read brings the deliveries that bill the same order lines, the same amount on the same PO line, or nearly the same
number.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from procurement.documents import Invoice
from procurement.duplicates import BilledDocument, BilledUnits, Duplicates
from procurement.ledger.types import Alike, Plan, PlannedFinding
from procurement.money import Money, to_decimal
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Verdict
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, Draft, business_key
from procurement.pipelines.amazon_invoices_to_coupa.existing import Existing
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Json
from procurement.policies import Mode, Rules
from procurement.reconciliation_rules import Statuses

KIND = "duplicate"


class AlikeDeliveries(Protocol):
    """The create deliveries that may be one of these documents; see `Deliveries.alike`."""

    def __call__(
        self,
        *,
        order_lines: Iterable[tuple[str, str]],
        po_lines: Iterable[int],
        amounts: Iterable[Decimal],
        numbers: Iterable[str],
    ) -> Sequence[Alike]: ...


def nothing_alike(
    *,
    order_lines: Iterable[tuple[str, str]],
    po_lines: Iterable[int],
    amounts: Iterable[Decimal],
    numbers: Iterable[str],
) -> Sequence[Alike]:
    """Where there is no ledger to ask."""
    return ()


@dataclass(frozen=True, slots=True)
class Rivals:
    """Everything that stands already, by supplier."""

    instance: str
    rules: Rules
    released: frozenset[str]
    standing: dict[str, Duplicates] = field(default_factory=dict)

    def check(self, plan: Plan, draft: Draft, invoice: Invoice, *, printed: str) -> Verdict | None:
        """Held where a policy says so, unless a person released the number; every suspicion becomes a finding.

        `printed` is Amazon's number, also where the document goes under another: late components are no duplicates of it.
        """
        policies = self.rules.policies.duplicates
        known = self.standing.setdefault(invoice.supplier, Duplicates())
        oldest = invoice.date - timedelta(days=policies.look_back_days)
        document = of_invoice(invoice)
        found = [
            suspicion
            for suspicion in known.suspicions(document, _ordered(draft))
            if suspicion.other.day >= oldest and not _is_of(suspicion.other.number, printed)
        ]
        held = [one for one in found if policies.answer(one.kind) == "hold" and printed not in self.released]
        if not held and draft.rollout.mode is Mode.LIVE:
            known.add(document)
        delivery = (CREATE, business_key(self.instance, invoice.supplier, invoice.number))
        record = draft.group.candidates[0].record.id
        plan.findings.extend(
            PlannedFinding(
                kind=KIND, sentence=suspicion.sentence, breached=suspicion in held,
                delivery=None if held else delivery, record_id=record if held else None,
                expected=suspicion.other.number, actual=invoice.number,
            )
            for suspicion in found
        )  # fmt: skip
        if not held:
            return None
        reason = f"{held[0].sentence} Release {printed} by its number, or discard it."
        return Verdict("held", reason, tuple(one.sentence for one in held))


def read_rivals(
    alike: AlikeDeliveries,
    drafts: Sequence[Draft],
    *,
    existing: Existing,
    instance: str,
    rules: Rules,
    released: frozenset[str],
) -> Rivals:
    """What may be one of `drafts` already: one read of the ledger, none of Coupa."""
    rivals = Rivals(instance, rules, released)
    for (supplier, _), raw in existing.standing.items():
        if (document := of_coupa(raw, rules.reconciliation.statuses)) is not None:
            rivals.standing.setdefault(supplier, Duplicates()).add(document)
    totals = [draft.total.amount for draft in drafts]
    found = alike(
        order_lines=[(key.order_id, key.order_line_id) for draft in drafts for key in draft.group.line_keys],
        po_lines=[line.po_line.id for draft in drafts for line in draft.ordered],
        amounts=[*totals, *(-total for total in totals)],
        numbers=[draft.identity.number for draft in drafts],
    )
    gone = existing.gone_ids
    for one in found:
        _, supplier, number = one.business_key.split("/", 2)
        shown = (supplier, number) in existing.standing or one.target_id in gone
        if not shown and one.business_key.startswith(f"{instance}/"):
            rivals.standing.setdefault(supplier, Duplicates()).add(of_delivery(one, number))
    return rivals


def of_invoice(invoice: Invoice) -> BilledDocument:
    return BilledDocument(
        number=invoice.number, day=invoice.date, total=invoice.total, is_credit_note=invoice.is_credit_note,
        original_number=invoice.original_number,
        lines=tuple(
            BilledUnits(line.po_line_id, line.quantity, line.unit_price, line.match_reference)
            for line in invoice.lines
            if line.po_line_id is not None
        ),
    )  # fmt: skip


def of_coupa(raw: Json, statuses: Statuses) -> BilledDocument | None:
    """An invoice as Coupa shows it; None for one that stands for nothing any more, or says too little to be compared."""
    total, currency = raw.get("total-with-taxes") or raw.get("gross-total"), (raw.get("currency") or {}).get("code")
    if not statuses.stands(raw) or total is None or not currency or not raw.get("invoice-date"):
        return None
    return BilledDocument(
        number=str(raw["invoice-number"]), day=date.fromisoformat(str(raw["invoice-date"])[:10]),
        total=Money.of(to_decimal(str(total)), currency), lines=tuple(_units(raw)),
        is_credit_note=str(raw.get("document-type") or "").lower().startswith("credit"),
        original_number=raw.get("original-invoice-number"), place=f"in Coupa as {raw.get('id')}",
    )  # fmt: skip


def of_delivery(alike: Alike, number: str) -> BilledDocument:
    """An invoice as it was, or will be, sent."""
    payload = alike.payload
    return BilledDocument(
        number=number, day=date.fromisoformat(payload["invoice-date"]), total=Money(alike.amount, alike.currency),
        lines=tuple(_units(payload)), is_credit_note=bool(payload.get("is-credit-note")),
        original_number=payload.get("original-invoice-number"),
        place=f"in Coupa as {alike.target_id}" if alike.target_id else f"{alike.state} by us",
    )  # fmt: skip


def _units(raw: Json) -> Iterator[BilledUnits]:
    for line in raw.get("invoice-lines") or ():
        line_id, quantity, price = line.get("order-line-id"), line.get("quantity"), line.get("price")
        if line_id is not None and quantity is not None and price is not None:
            yield BilledUnits(
                int(line_id), to_decimal(str(quantity)), to_decimal(str(price)), line.get("match-reference") or None
            )


def _is_of(number: str, printed: str) -> bool:
    """Amazon's number itself, or the number that a late component of it went under."""
    return number == printed or re.fullmatch(rf"{re.escape(printed)}-\d", number) is not None


def _ordered(draft: Draft) -> dict[int, Decimal]:
    return {line.po_line.id: line.po_line.quantity for line in draft.ordered if line.po_line.quantity is not None}
