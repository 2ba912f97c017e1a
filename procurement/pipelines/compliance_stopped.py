"""What the gate stopped, in the register of violations: one row a cause, with its evidence, money and cost center.

A row is open from the first look that stops its purchase order to the look that lets it through, or to the end of the order,
whatever that is. What the rule tells at once is a comment on the purchase order, settled there when it is over; what it
routes is told by its question.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from procurement.compliance.judging import Violation
from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation
from procurement.ledger.types import Known, Plan, PlannedDelivery, Run
from procurement.order_gate import standing
from procurement.ordering import read_key
from procurement.pipelines.compliance_questions import ORDERS
from procurement.policies import Rules

TELL_BLOCKED, SETTLE_BLOCKED = "comment_on_blocked_order", "close_blocked_comment"
KIND = "purchase_order"  # of the source records that the orders' pipeline keeps of POs
ORDERED = "it was ordered"
HELD = "compliance:"  # begins the reason of what a rule stopped
Json = Mapping[str, Any]


class PurchaseOrders(Protocol):
    """The part of the Coupa client that is read here."""

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[dict[str, Any]]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """`source`: the Coupa instance whose purchase orders these are; `orders`: their orders in the ledger, by the beginnings of keys."""

    coupa: PurchaseOrders
    ledger: Ledger
    run: Run
    rules: Rules
    source: str
    orders: Callable[[Iterable[str]], Sequence[Known]]

    def note(self, order: Json, requisition: Json, stopped: Sequence[Violation], over: Mapping[str, str]) -> None:
        """The order's violations as they stand: `stopped` are open, all others over, with the reason by rule where `over` has one."""
        number = str(order["po-number"])
        record = self.ledger.records.find(self.source, KIND, [number]).get(number)
        if record is None:
            return
        books = self.ledger.compliance
        known = {row.key: row for row in books.open_of([record.id])}
        known |= books.known(self.source, [one.key for one in stopped if one.key not in known])
        kept = [
            kept_row(one, known.get(one.key), source=self.source, record_id=record.id, now=self.run.now, told=self._told(one), po_number=number)
            for one in stopped
        ]  # fmt: skip
        books.register(kept)
        self._tell([row for row in kept if row.action == "block" and row.told == "at_once"], order, requisition)
        still = {row.key for row in kept}
        gone = [row for row in known.values() if row.closed_at is None and row.key not in still]
        self._close({row: over.get(row.rule, "it is not found any more") for row in gone})

    def close_settled(self) -> int:
        """Closes what is open of orders that are at their end: ordered, or never to be. How many."""
        rows = [row for row in self.ledger.compliance.open_from(self.source) if row.po_number is not None]
        self._let_go({str(row.po_number) for row in rows})
        settled = self.ledger.compliance.settled(self.run.dag_id, {row.record_id for row in rows}) if rows else {}
        over = {
            row: f"it is not ordered: {why}" if (why := settled[row.record_id]) else ORDERED
            for row in rows
            if row.record_id in settled
        }
        self._close(over)
        return len(over)

    def _let_go(self, numbers: Iterable[str]) -> None:
        """What a rule holds of a purchase order that was cancelled or closed meanwhile needs nobody's decision any more."""
        held = [
            row
            for row in self.orders([f"{number}-" for number in numbers])
            if row.state == "held" and str(row.reason).startswith(HELD) and not row.claimed
        ]
        of = {row.id: key.po_number for row in held if (key := read_key(row.business_key)) is not None}
        pages = self.coupa.purchase_orders(sorted(set(of.values()))) if of else ()
        ended = {
            str(raw["po-number"]): verdict.reason
            for page in pages
            for raw in page
            if (verdict := standing(raw)) is not None and verdict.state == "skipped"
        }
        for id, number in of.items():
            if number in ended:
                self.ledger.deliveries.skip(id, ended[number])

    def _told(self, one: Violation) -> str:
        rule = self.rules.compliance.rule(one.rule)
        return "at_once" if one.action == "route" or rule is None or rule.tell == "at_once" else "weekly"

    def _tell(self, rows: Sequence[KeptViolation], order: Json, requisition: Json) -> None:
        user = (requisition.get("requested-by") or {}).get("id")
        mention = f"@[User:{user}] " if user is not None else ""
        plan = Plan(deliveries=[
            PlannedDelivery(action=TELL_BLOCKED, business_key=row.delivery_key, payload=comment(row, int(order["id"]), mention))
            for row in rows
        ])  # fmt: skip
        known = self.ledger.deliveries.known(self.run.dag_id, TELL_BLOCKED, [row.delivery_key for row in rows])
        plan.deliveries = [one for one in plan.deliveries if one.business_key not in known]
        if plan.deliveries:
            self.ledger.planning.keep(self.run, plan)

    def _close(self, over: Mapping[KeptViolation, str]) -> None:
        if not over:
            return
        self.ledger.compliance.close({row.id: why for row, why in over.items()}, self.run.now)
        told = self.ledger.deliveries.known(self.run.dag_id, TELL_BLOCKED, [row.delivery_key for row in over])
        payloads = self.ledger.deliveries.payloads([one.id for one in told.values()])
        plan = Plan()
        for row, why in over.items():
            one = told.get(row.delivery_key)
            if one is None:
                continue
            if not one.claimed:
                self.ledger.deliveries.skip(one.id, f"it is over before it was told: {why}")
            elif one.state == "delivered":
                payload = closing_comment(row, why, int(payloads[one.id]["id"]))  # type: ignore[call-overload]
                plan.deliveries.append(
                    PlannedDelivery(action=SETTLE_BLOCKED, business_key=row.delivery_key, payload=payload)
                )
        if plan.deliveries:
            self.ledger.planning.keep(self.run, plan)


def kept_row(
    one: Violation,
    known: KeptViolation | None,
    *,
    source: str,
    record_id: int,
    now: datetime,
    told: str,
    po_number: str | None,
) -> KeptViolation:
    """What was open keeps its moment, its day and how it is told; what was over is found anew."""
    fresh = KeptViolation(
        source=source, key=one.key, record_id=record_id, rule=one.rule, kind=one.kind, severity=one.severity,
        action=one.action, purchase=one.purchase, po_number=po_number, orders=one.orders, subject=one.subject, shared=None,
        buyer=one.buyer, cost_center=one.cost_center, seller=one.seller, commodity=one.commodity, amount=one.amount,
        currency=one.currency, sentence=one.sentence, evidence=one.evidence, told=told, found_at=now, act_by=one.act_by,
        times=1 if known is None else known.times + 1,
    )  # fmt: skip
    if known is None or known.closed_at is not None:
        return fresh
    return replace(fresh, told=known.told, found_at=known.found_at, act_by=known.act_by, times=known.times)


def comment(row: KeptViolation, id: int, mention: str) -> dict[str, Any]:
    marker = f"[{row.delivery_key}]"
    text = (
        f"{mention}{row.severity.capitalize()}: {row.sentence} Rule {row.rule} blocks it: Amazon gets no order. Change the purchase "
        f"order or cancel it by {row.act_by}, or have it allowed by a waiver in compliance.yml. {marker}"
    )
    return {"document": ORDERS, "id": id, "text": text, "marker": marker}


def closing_comment(row: KeptViolation, why: str, id: int) -> dict[str, Any]:
    marker = f"[settled {row.delivery_key}]"
    return {"document": ORDERS, "id": id, "text": f"Settled: {why}. Rule {row.rule}. {marker}", "marker": marker}
