"""Which action on Coupa a change asks for, and whether its moment has come.

A line is closed for receiving only when nothing more of it comes, a purchase order is cancelled only when nothing of it
ever comes: until then the action waits, and every run looks again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.ledger.types import DeliveryName, PlannedDelivery, PlannedState
from procurement.order_changes import OrderChange
from procurement.order_facts import OrderFacts
from procurement.order_lines import order_lines, units_cancelled
from procurement.pipelines.amazon_order_status_to_coupa import wording
from procurement.pipelines.amazon_order_status_to_coupa.quantities import CHANGE, WAITS
from procurement.pipelines.coupa_actions import LINE_STATUS_AFTER, ORDER_STATUS_AFTER
from procurement.placed_facts import plain

COMMENT, SOFT_CLOSE, ACT = "comment", "soft_close_line", "act_on_order"
TALKING = frozenset({"note", "notify_requester", "notify_buyer"})
GATE = "soft_close_for_receiving"
OVER = ORDER_STATUS_AFTER["cancel"] | ORDER_STATUS_AFTER["close"]
ZERO = Decimal(0)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One part of an order's plan: a delivery, or a state with its reason. `part` is <action>/<business key>."""

    part: str
    delivery: PlannedDelivery | None = None
    state: PlannedState = "skipped"
    reason: str | None = None

    @property
    def name(self) -> DeliveryName:
        action, _, key = self.part.partition("/")
        return action, key

    def as_sent(self) -> "Step":
        """The part's delivery, which was claimed: its payload is fixed, whatever would be sent today."""
        action, key = self.name
        return replace(
            self, delivery=self.delivery or PlannedDelivery(action=action, business_key=key, payload={}), reason=None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A purchase order as Coupa has it, with all Amazon orders that fill it. `taken`: units by PO line id that our changes took
    out of it already; `undecided`: one of its changes waits for approval. `closing` are PO lines (by id) whose closing is
    planned in this run already, `changing` those whose change is; shared by the orders of a batch."""

    order: PurchaseOrder
    line_status: Mapping[int, str]
    orders: Sequence[OrderFacts]
    versions: Mapping[str, str]
    taken: Mapping[int, Decimal] = field(default_factory=dict)
    undecided: bool = False
    closing: set[int] = field(default_factory=set)
    changing: set[int] = field(default_factory=set)

    def cancelled(self, line: PurchaseOrderLine) -> int:
        """Units of the PO line that its Amazon orders will not bring, ever since."""
        return sum(units_cancelled(facts, self.order).get(line.id, 0) for facts in self.orders)

    def gone(self, line: PurchaseOrderLine) -> Decimal:
        """Units of the PO line, as it stands, that no Amazon order will bring."""
        return max(self.cancelled(line) - self.taken.get(line.id, ZERO), ZERO)

    def coming(self, line: PurchaseOrderLine) -> Decimal:
        """Units that its Amazon orders brought or still bring, as far as the PO line asks for them: people may have changed it
        after a cancellation themselves, and what comes is not taken out twice."""
        units = sum(
            (one.left - one.unshipped if facts.cancelled or facts.closed else one.left)
            for facts in self.orders
            for one in order_lines(facts, self.order)
            if one.po_line is not None and one.po_line.id == line.id
        )
        return min(Decimal(units), line.quantity or ZERO)

    def outstanding(self, line: PurchaseOrderLine) -> Decimal:
        """Units of the PO line that still come or were not received yet, those that nobody ordered so far among them."""
        asked = (line.quantity or ZERO) - self.gone(line)
        return max(asked - line.received, self.coming(line) - line.received, ZERO)

    def wanted(self, line: PurchaseOrderLine) -> Decimal:
        """The quantity that the PO line should ask for: without what was cancelled; never less than comes or is done already."""
        asked = (line.quantity or ZERO) - self.gone(line)
        return max(asked, self.coming(line), line.received, line.invoiced, ZERO)


def steps(
    change: OrderChange, facts: OrderFacts, actions: Sequence[str], at: Situation, buyers: Mapping[str, int]
) -> Iterator[Step]:
    """The parts of the plan for one change."""
    if TALKING & set(actions):
        payload = wording.comment(change, facts, at.order, actions=actions, buyers=buyers)
        yield _deliver(COMMENT, change.id, payload, at)
    line = change.po_line
    for action in actions:
        if action == "close_order":
            yield _close_order(facts, at)
        elif action == "cancel_order" and _nothing_comes(at):
            yield _act(facts, at, "cancel")
        elif action == "change_quantity" and line is not None and at.wanted(line) > 0:
            yield _change_quantity(facts, change, line, at)
        elif action in ("soft_close_line", "cancel_order", "change_quantity"):
            yield _soft_close(facts, change, line, at)
        elif action == "flag_compliance" and not TALKING & set(actions):
            yield Step(f"flag_compliance/{change.id}", reason="flagged for compliance")


def _deliver(action: str, key: str, payload: Json, at: Situation) -> Step:
    delivery = PlannedDelivery(
        action=action, business_key=key, payload=payload, mapping_version=at.versions.get("mapping"),
        policy_version=at.versions.get("policy"),
    )  # fmt: skip
    return Step(f"{action}/{key}", delivery)


def _soft_close(facts: OrderFacts, change: OrderChange, line: PurchaseOrderLine | None, at: Situation) -> Step:
    key = f"{facts.order_id}/{change.order_line_id}/{SOFT_CLOSE}"
    part = f"{SOFT_CLOSE}/{key}"
    if line is None:
        return Step(
            part, state="held", reason="no line of the purchase order fits what Amazon cancelled: close it by hand"
        )
    if at.order.status in OVER:
        return Step(part, reason=f"the purchase order is {at.order.status} already")
    if at.line_status.get(line.id) in LINE_STATUS_AFTER[GATE] or line.id in at.closing:
        return Step(part, reason="the line is closed for receiving already")
    outstanding = at.outstanding(line)
    if line.receipt_required and outstanding > 0 and at.coming(line) <= line.received:
        reason = f"{_count(outstanding)} of line {line.number} stand on no Amazon order: order them again, or close it by hand"
        return Step(part, state="held", reason=reason)
    if line.receipt_required and outstanding > 0:
        return Step(
            part,
            state="waiting",
            reason=f"line {line.number} closes once its other {_count(outstanding)} were received",
        )
    at.closing.add(line.id)
    return _deliver(SOFT_CLOSE, key, {"id": line.id, "action": GATE}, at)


def _change_quantity(facts: OrderFacts, change: OrderChange, line: PurchaseOrderLine, at: Situation) -> Step:
    wanted, before = at.wanted(line), line.quantity or ZERO
    key = f"{facts.order_id}/{change.order_line_id}/{CHANGE}/{at.cancelled(line)}"
    part = f"{CHANGE}/{key}"
    if at.order.status in OVER:
        return Step(part, reason=f"the purchase order is {at.order.status} already")
    if before <= wanted:
        return Step(part, reason="the purchase order asks for no more already")
    if at.undecided:
        return Step(part, state="waiting", reason=WAITS)
    if at.changing:
        return Step(part, state="waiting", reason="goes on once the other change of the purchase order was made")
    at.changing.add(line.id)
    quantity = plain(wanted)
    payload = {
        "order_id": at.order.id,
        "body": {
            "order-header-id": at.order.id,
            "order-line-changes": [{"order-line-id": line.id, "quantity": quantity}],
        },
        "wanted": {"order-lines": [{"id": line.id, "quantity": quantity}]},
        "before": plain(before),
        "gone": plain(at.taken.get(line.id, ZERO) + before - wanted),
    }
    return _deliver(CHANGE, key, payload, at)


def _nothing_comes(at: Situation) -> bool:
    return all(
        line.quantity is not None and at.gone(line) >= line.quantity and not line.received and not line.invoiced
        for line in at.order.lines
    )


def _act(facts: OrderFacts, at: Situation, action: str) -> Step:
    key = f"{facts.order_id}/-/{action}_order"
    if at.order.status in OVER:
        return Step(f"{ACT}/{key}", reason=f"the purchase order is {at.order.status} already")
    return _deliver(ACT, key, {"id": at.order.id, "action": action}, at)


def _close_order(facts: OrderFacts, at: Situation) -> Step:
    waiting = [line.number for line in at.order.lines if at.outstanding(line) > 0]
    if waiting and at.order.status not in OVER:
        reason = f"closes once line{'s' if len(waiting) > 1 else ''} {', '.join(waiting)} {'were' if len(waiting) > 1 else 'was'} received"
        return Step(f"{ACT}/{facts.order_id}/-/close_order", state="waiting", reason=reason)
    return _act(facts, at, "close")


def _count(units: Decimal) -> str:
    return f"{plain(units)} unit{'s' if units != 1 else ''}"
