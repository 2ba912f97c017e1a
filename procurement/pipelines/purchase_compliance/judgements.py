"""What a batch of orders comes to, and the small decisions about one: its lines for the books, its parts in the ledger's account.

Pure; `planning` puts them together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from procurement.compliance.checks import SAME_ORDERS, off_contract
from procurement.compliance.judging import Violation
from procurement.compliance.purchases import Purchase, PurchaseLine
from procurement.compliance.surroundings import PoFacts, po_of
from procurement.compliance.terms import Terms
from procurement.ledger.compliance import KeptViolation, PurchasedLine
from procurement.ledger.types import Plan, PlannedDelivery, PlannedFinding, PlannedRecord, PlannedState, Record
from procurement.money import Money
from procurement.pipelines.compliance_surroundings import Order, contract_of
from procurement.pipelines.proposals import preview
from procurement.policies import Mode
from procurement.sellers.names import normalised

JUDGED = "judged"  # the part of a record that carries its money: compliance moves none
KEEPS = "keeps every rule"
Json = dict[str, Any]


@dataclass(slots=True)
class Judgement:
    """What a batch of orders came to. `register` and `closing` (by the register's id) go into the books before the plan is
    kept, `mails` (notices by key) after it. `watch`: orders to look at again, `unread`: those whose lines Amazon does not show
    yet, `done`: those that need no more looks."""

    plan: Plan = field(default_factory=Plan)
    lines: list[PurchasedLine] = field(default_factory=list)
    register: list[KeptViolation] = field(default_factory=list)
    closing: dict[int, str] = field(default_factory=dict)
    mails: dict[str, Json] = field(default_factory=dict)
    previews: list[Json] = field(default_factory=list)
    watch: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    found: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """An order that is judged."""

    record: Record
    purchase: Purchase
    mode: Mode
    report_only: bool


def same_cause(one: Violation, known: Iterable[KeptViolation]) -> KeptViolation | None:
    """The open violation of another order that is about the same."""
    if one.shared is None:
        return None
    alike = (row for row in known if row.closed_at is None and row.subject == one.subject and row.key != one.key)
    return next((row for row in alike if one.shared != SAME_ORDERS or set(row.orders) & set(one.orders)), None)


def no_longer_found(case: Case, known: Iterable[KeptViolation], kept: Sequence[KeptViolation]) -> list[KeptViolation]:
    """Open violations of this order that it was not found with any more."""
    still = {row.key for row in kept}
    return [row for row in known if row.closed_at is None and row.record_id == case.record.id and row.key not in still]


def finding_of(row: KeptViolation, record: Record) -> PlannedFinding:
    money = Money(row.amount, row.currency)
    return PlannedFinding(
        kind=row.kind, sentence=row.sentence, record_id=record.id, difference=str(money), rule=row.rule, money=money
    )


def part_of(write: PlannedDelivery, record: Record) -> PlannedRecord:
    """A write that must happen; the order's money stays with `JUDGED`."""
    nothing = record.amount * 0 if record.amount is not None else None
    return PlannedRecord(
        record_id=record.id, state="planned", part=f"{write.action}/{write.business_key}", bills=write.name, amount=nothing,
        currency=record.currency if nothing is not None else None, hash=record.hash,
    )  # fmt: skip


def book_lines(case: Case, terms: Terms, po: PoFacts | None, source: str) -> list[PurchasedLine]:
    purchase = case.purchase
    return [
        PurchasedLine(
            record_id=case.record.id, n=n, source=source, order_id=purchase.key, po_number=po_of(purchase, po),
            ordered_at=purchase.ordered_at, buyer=purchase.buyer,
            cost_center=purchase.cost_center_of(line), seller=line.seller.name if line.seller else "",
            seller_name=normalised(line.seller.name) if line.seller else "", commodity=line.commodity, asin=line.asin,
            contract=contract_of(purchase, line.asin, terms.agreements), quantity=line.quantity, amount=line.amount,
            currency=purchase.currency, standing=standing(line, purchase, terms),
            terms=terms.freeze(purchase, line),
        )
        for n, line in enumerate(purchase.lines, 1)
    ]  # fmt: skip


def standing(line: PurchaseLine, purchase: Purchase, terms: Terms) -> str:
    if purchase.cancelled:
        return "cancelled"
    return "off_contract" if off_contract(line, purchase, terms) else "on_contract"


def asked_for(purchase: Purchase, orders: Mapping[str, Order]) -> Purchase:
    """With a PO the buyer is who asked for the goods, whoever placed the order; and its cost center, where Amazon names none."""
    order = orders.get(purchase.po_number or "")
    if order is None:
        return purchase
    return replace(
        purchase, buyer=order.requester_email or purchase.buyer, cost_center=purchase.cost_center or order.cost_center,
        po_cost_centers=order.cost_centers, approved_by=order.approved_by,
    )  # fmt: skip


def requester_of(order: Order | None) -> str:
    return order.requester_email if order is not None else ""


def reason_of(kept: Sequence[KeptViolation]) -> str:
    if not kept:
        return KEEPS
    names = ", ".join(dict.fromkeys(row.rule for row in kept))
    return f"judged: breaks {names}"


def fate(
    judgement: Judgement,
    record: Record,
    state: PlannedState,
    reason: str,
    *,
    errors: tuple[str, ...] = (),
    to_plan: bool = False,
) -> None:
    judgement.plan.records.append(PlannedRecord(
        record_id=record.id, state=state, reason=reason, part=JUDGED, errors=errors, amount=record.amount, currency=record.currency,
        error_class="data" if errors else None, to_plan=to_plan, hash=record.hash or None,
    ))  # fmt: skip


def case_preview(case: Case, kept: Sequence[KeptViolation], writes: Sequence[PlannedDelivery]) -> Json:
    return {
        "document": case.purchase.key, "po": case.purchase.po_number,
        "violations": [
            {
                "rule": row.rule, "severity": row.severity, "action": row.action, "amount": str(row.amount), "currency": row.currency,
                "sentence": row.sentence, "told": row.told,
            }
            for row in kept
        ],
        "writes": preview(Plan(deliveries=list(writes))),
    }  # fmt: skip
