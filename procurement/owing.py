"""What Amazon still owes: charged, and then returned, never delivered or cancelled, without a credit. Pure.

A list with age and amount, for people to claim; nothing is posted from it. What was paid back for a line, for whatever
reason, counts against what it owes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from procurement.money import Money
from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts
from procurement.owed_policies import OwedPolicies
from procurement.refunds import Movement

ZERO = Decimal(0)
Reason = Literal["returned", "undelivered", "cancelled"]
RETURNED, UNDELIVERABLE, REFUND_ISSUED = "RETURNED", "UNDELIVERABLE", "REFUND_ISSUED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One order line for which a credit is missing, for one reason. `since`: when it became due."""

    order_id: str
    order_line_id: str
    reason: Reason
    units: Decimal
    amount: Money
    since: datetime
    po_number: str | None = None
    asin: str | None = None
    title: str = ""

    def days(self, now: datetime) -> int:
        return (now - self.since).days


@dataclass(frozen=True, slots=True)
class _Claim:
    reason: Reason
    units: Decimal
    since: datetime


def owed(facts: OrderFacts, movements: Iterable[Movement], *, now: datetime, policies: OwedPolicies) -> list[Owed]:
    """Of one order, oldest first; `movements` are all its charges and refunds."""
    by_line: dict[str, list[Movement]] = {}
    for movement in movements:
        if (line_id := _line_of(facts, movement)) is not None:
            by_line.setdefault(line_id, []).append(movement)
    found = [
        one
        for line_id, moved in by_line.items()
        for one in _of_line(facts, facts.lines[line_id], moved, now, policies)
        if now - one.since >= timedelta(days=policies.patience_days)
    ]
    return sorted(found, key=lambda one: (one.since, one.order_line_id, one.reason))


def _line_of(facts: OrderFacts, movement: Movement) -> str | None:
    """By its id; else the one line of the article, as the ids of Amazon's feed and its reports may differ."""
    if movement.order_line_id in facts.lines:
        return movement.order_line_id
    same = [id for id, line in facts.lines.items() if movement.asin and line.asin == movement.asin]
    return same[0] if len(same) == 1 else None


def _of_line(
    facts: OrderFacts, line: LineFacts, moved: Sequence[Movement], now: datetime, policies: OwedPolicies
) -> Iterator[Owed]:
    charges = [one for one in moved if not one.is_refund]
    units, currency = sum((one.quantity for one in charges), ZERO), charges[0].currency if charges else ""
    charged = sum((one.amount for one in charges), ZERO)
    credited = -sum((one.amount for one in moved if one.is_refund), ZERO)
    if units <= 0 or charged <= 0:
        return
    left = units
    for claim in _claims(facts, line, moved, now, policies):
        share = min(claim.units, left)
        left -= share
        due = Money(charged * share / units, currency).rounded()
        missing = due.amount - credited
        credited = max(ZERO, credited - due.amount)
        if missing > 0:
            yield Owed(
                order_id=facts.order_id, order_line_id=line.order_line_id, reason=claim.reason, units=share,
                amount=Money(missing, currency), since=claim.since, po_number=facts.po_number, asin=line.asin, title=line.title,
            )  # fmt: skip


def _claims(
    facts: OrderFacts, line: LineFacts, moved: Sequence[Movement], now: datetime, policies: OwedPolicies
) -> Iterator[_Claim]:
    """The units of the line that should be paid back if they were charged, the surest reason first."""
    charges = [one for one in moved if not one.is_refund]
    shipments = [one for one in facts.shipments.values() if one.order_line_id == line.order_line_id]
    came_back = [one for one in shipments if one.tracking_status in (RETURNED, UNDELIVERABLE) or _promised(one, moved)]
    for one in came_back:
        never_arrived = one.tracking_status == UNDELIVERABLE or not (one.tracking_status == RETURNED or one.delivered)
        reason: Reason = "undelivered" if never_arrived else "returned"
        yield _Claim(reason, Decimal(one.quantity), one.tracking_asked or one.expected_at or facts.ordered_at)
    for one in shipments:
        if one not in came_back and (lost := _lost_since(one, policies)) is not None and lost <= now:
            yield _Claim("undelivered", Decimal(one.quantity), lost)
    charged = sum((one.quantity for one in charges), ZERO)
    stands = (
        facts.shipped(line.order_line_id)
        if facts.cancelled or facts.closed
        else max(line.left, facts.shipped(line.order_line_id))
    )
    if charged > stands:
        moments = [moment for moment in (facts.ended_seen, *(one.at for one in charges)) if moment is not None]
        yield _Claim("cancelled", charged - stands, max(moments, default=facts.ordered_at))


def _promised(shipment: ShipmentFacts, moved: Sequence[Movement]) -> bool:
    """Whether Amazon says that it paid the shipment back, and did not: that word replaces RETURNED or UNDELIVERABLE.

    It does not say how much. Of goods that arrived, any refund of the shipment keeps it: they may never have gone back.
    """
    if shipment.tracking_status != REFUND_ISSUED:
        return False
    paid_back = any(one.is_refund and one.shipment_id in (None, shipment.shipment_id) for one in moved)
    return not (shipment.delivered and paid_back)


def _lost_since(shipment: ShipmentFacts, policies: OwedPolicies) -> datetime | None:
    """When a shipment that left and never arrived began to count as lost."""
    promised = shipment.expected_at or shipment.shipped_at
    if not shipment.shipped or shipment.delivered or promised is None:
        return None
    return promised + timedelta(days=policies.undelivered_after_days)
