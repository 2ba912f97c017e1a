"""What to receive, void or return for the shipped lines of one PO line, and why not. Pure.

Facts: what Amazon delivered, what went back, what Coupa shows as received and by whom, what we sent before. Promises:
no unit is received that Amazon did not deliver (or beyond the order, unless policy accepts it), nothing that a person
received is received again, what a person voided or returned is not undone, and only our own receipts are reversed.
Quantities are in the PO line's unit; values in the PO's currency.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.matching import DIRECT, match_level
from procurement.order_facts import ShipmentFacts
from procurement.receipt_policies import ReceiptPolicies
from procurement.receiving_books import Books, Reversal
from procurement.receiving_facts import History, Receipt, Shipment, arrived, arrived_at, wants_tracking
from procurement.receiving_progress import needs_receipt

ZERO = Decimal(0)

State = Literal["skipped", "waiting", "held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A goods receipt to post. `known_reference` False: invoices may carry another shipment id."""

    units: Decimal
    received_at: datetime
    match_reference: str
    known_reference: bool = True
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something people should see: it becomes a finding."""

    kind: str
    sentence: str
    expected: Decimal | None = None
    actual: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one shipped line. `state` and `reason` say what remains beside the deliveries; `recheck`: look
    again in the next run, because people may have acted in Coupa; what is held waits for its replay. `ask`: whom to ask."""

    state: State
    reason: str
    post: Post | None = None
    reversals: tuple[Reversal, ...] = ()
    ask: Literal["requester", "manager"] | None = None
    recheck: bool = False
    notes: tuple[Note, ...] = ()


def decide(
    order: PurchaseOrder,
    line: PurchaseOrderLine,
    shipments: Sequence[Shipment],
    receipts: Iterable[Receipt],
    *,
    policies: ReceiptPolicies,
    now: datetime,
) -> dict[str, Decision]:
    """A decision for each of `shipments`, by `ShipmentFacts.key`.

    `shipments` are all that is known of the PO line, `receipts` all receiving transactions that Coupa has of it.
    """
    keys = [shipment.key for shipment in shipments]
    level = match_level(order, line)
    if not needs_receipt(order, line):
        why = f"its match type is {level}" if line.receipt_required else "none is required"
        return dict.fromkeys(keys, Decision(state="skipped", reason=f"the PO line needs no receipt: {why}"))
    if line.quantity is None:
        reason = "the PO line is received by amount, Amazon counts units: receive it by hand in Coupa"
        return dict.fromkeys(keys, Decision(state="held", reason=reason))
    if any(shipment.history.unsettled for shipment in shipments):
        reason = "an earlier receipt or reversal on this PO line has no answer yet"
        return dict.fromkeys(keys, Decision(state="waiting", reason=reason, recheck=True))
    books = Books.of(line, shipments, receipts, policies)
    room = _Room(order, line, books, policies, now, level in DIRECT)
    return {shipment.key: room.decide(shipment) for shipment in shipments}


@dataclass(slots=True)
class _Room:
    """Decides one shipped line after the other; what each takes is gone for the next."""

    order: PurchaseOrder
    line: PurchaseOrderLine
    books: Books
    policies: ReceiptPolicies
    now: datetime
    direct: bool
    posted: Decimal = field(default=ZERO)

    def decide(self, shipment: Shipment) -> Decision:
        account = self.books.accounts[shipment.key]
        if account.reversals:
            return self._reversing(shipment, account.reversals)
        if shipment.unclear is not None and account.booked > 0:
            return Decision(state="held", reason=shipment.unclear)
        if account.theirs_to_return > 0:
            reason = (
                f"{_units(account.theirs_to_return)} came back, but {account.receivers} received them in Coupa: "
                "take that receipt back there"
            )
            return Decision(state="held", reason=reason)
        if not arrived(shipment.facts, self.policies):
            back = account.went_back > 0
            if shipment.facts.is_lost and not back:
                return self._lost(shipment.facts)
            reason = f"never arrived: {shipment.facts.tracking_status or 'refunded'}" if back else "not delivered yet"
            return Decision(state="skipped" if back else "waiting", reason=reason)
        units = min(account.open, self.books.receivable - self.posted)
        if units <= 0:
            return Decision(state="skipped", reason=account.story)
        return self._receiving(shipment, units)

    def _lost(self, facts: ShipmentFacts) -> Decision:
        """A person asks the carrier or Amazon; what arrives all the same is received when the order is read again."""
        assert facts.lost is not None
        sentence = (
            f"{_units(Decimal(facts.quantity))} of PO {self.order.number} line {self.line.number} never arrived: Amazon says nothing of "
            f"shipment {facts.shipment_id} since its last promise, {facts.lost:%Y-%m-%d}. Ask Amazon for them or for a refund; order "
            f"{facts.order_id} is not read any more until its id is given in the pipeline's form, or a refund comes"
        )
        return Decision(
            state="held", reason=sentence, notes=(Note("parcel_lost", f"{sentence}.", Decimal(facts.quantity), ZERO),)
        )

    def _reversing(self, shipment: Shipment, reversals: tuple[Reversal, ...]) -> Decision:
        if shipment.history.stuck is not None:
            return Decision(state="skipped", reason=shipment.history.stuck)
        units = sum((one.units for one in reversals), ZERO)
        sentence = (
            f"{_units(units)} of PO {self.order.number} line {self.line.number} went back to Amazon: {shipment.cause}."
        )
        return Decision(
            state="skipped",
            reason=f"{_units(units)} went back: {shipment.cause}",
            reversals=reversals,
            notes=(Note("goods_returned", sentence, actual=units),),
        )

    def _receiving(self, shipment: Shipment, units: Decimal) -> Decision:
        if shipment.history.lost is not None:
            return Decision(state="held", reason=shipment.history.lost)
        if shipment.history.stuck is not None:
            return Decision(state="skipped", reason=shipment.history.stuck)
        if shipment.unit_conflict is not None:
            note = Note("unit_of_measure", shipment.unit_conflict)
            return Decision(state="held", reason=shipment.unit_conflict, notes=(note,))
        allowed, over = self._within_order(units)
        if allowed <= 0:
            return Decision(state="held", reason=over[0].sentence, notes=over)
        why = self._needs_person(shipment.facts, allowed)
        if why is not None:
            return self._asking(shipment.history, allowed, why)
        if (patience := self._patience(shipment)) is not None:
            return Decision(state="waiting", reason=patience, recheck=True)
        self.posted += allowed
        post, notes = self._post(shipment, allowed)
        refused = bool(over) and allowed < units
        return Decision(
            state="held" if refused else "skipped",
            reason=over[0].sentence if refused else "nothing more to receive",
            post=post if refused or not over else _with_note(post, over[0].sentence),
            notes=(*over, *notes),
        )

    def _within_order(self, units: Decimal) -> tuple[Decimal, tuple[Note, ...]]:
        """The units that may be received, and the finding where more was delivered than ordered."""
        ordered = self.line.quantity or ZERO
        received = self.line.received - self.books.reversing + self.posted
        if received + units <= ordered:
            return units, ()
        tolerated = ordered
        if self.policies.over_receipt == "tolerance":
            tolerated = (ordered * (1 + self.policies.over_receipt_percent / 100)).to_integral_value("ROUND_FLOOR")
        accepted = self.policies.over_receipt == "accept"
        allowed = units if accepted else max(ZERO, min(units, tolerated - received))
        rest = (
            f"{_units(units - allowed)} not received: a person must decide" if allowed < units else "all are received"
        )
        sentence = (
            f"Amazon delivered {_plain(received + units)} for line {self.line.number} of PO {self.order.number}, "
            f"which orders {_plain(ordered)}; {rest}."
        )
        return allowed, (Note("over_receipt", sentence, ordered, received + units),)

    def _needs_person(self, facts: ShipmentFacts, units: Decimal) -> str | None:
        """Why a person must say that the goods are there and right; value counts over all we received on the PO line."""
        if self.line.commodity in self.policies.asset_commodities:
            return f"{self.line.commodity} is an asset"
        if facts.receiving_status in self.policies.ask_when_amazon_says:
            return f"somebody told Amazon {facts.receiving_status.replace('_', ' ').lower()}"
        value = (self.books.booked + self.posted + units) * self.line.unit_price.amount
        if value > self.policies.automatic_up_to:
            currency = self.line.unit_price.currency
            return f"worth {currency} {value:.2f}, automatic up to {self.policies.automatic_up_to}"
        return None

    def _asking(self, history: History, units: Decimal, why: str) -> Decision:
        reason = f"waits for a person to receive it in Coupa: {why}"
        if history.asked_at is None:
            return Decision(state="waiting", reason=reason, ask="requester", recheck=True)
        silent = self.now - history.asked_at >= timedelta(days=self.policies.silence_days)
        whom: Literal["manager"] | None = "manager" if silent and not history.escalated else None
        return Decision(state="waiting", reason=reason, ask=whom, recheck=True)

    def _patience(self, shipment: Shipment) -> str | None:
        """What a receipt still waits for, for a limited time."""
        seen = shipment.facts.delivered_seen or self.now
        days = timedelta(days=self.policies.tracking_wait_days)
        if wants_tracking(shipment.facts, self.policies, shipment.zone) and self.now - seen < days:
            return "waits for the moment of delivery from Package Tracking"
        rule = self.policies.wait_for_match_reference
        needed = rule == "always" or (rule == "direct_matching" and self.direct)
        if needed and shipment.match_reference is None:
            days = timedelta(days=self.policies.match_reference_wait_days)
            if self.now - arrived_at(shipment.facts, self.now) < days:
                return "waits for Amazon's charge, which tells the shipment id that the invoice will carry"
        return None

    def _post(self, shipment: Shipment, units: Decimal) -> tuple[Post, tuple[Note, ...]]:
        known = shipment.match_reference is not None
        post = Post(
            units=units,
            received_at=arrived_at(shipment.facts, self.now),
            match_reference=shipment.match_reference or shipment.facts.shipment_id,
            known_reference=known,
        )
        if known or not self.direct:
            return post, ()
        sentence = (
            f"The receipt of shipment {shipment.facts.shipment_id} carries the id of Amazon's shipment report: no charge tells "
            "yet which id its invoice carries. If the invoice finds no receipt, match it by hand."
        )
        return post, (Note("match_reference_unknown", sentence),)


def _with_note(post: Post, sentence: str) -> Post:
    return Post(
        units=post.units,
        received_at=post.received_at,
        match_reference=post.match_reference,
        known_reference=post.known_reference,
        note=sentence,
    )


def _plain(units: Decimal) -> str:
    return f"{units.normalize():f}"


def _units(units: Decimal) -> str:
    return f"{_plain(units)} unit{'' if units == 1 else 's'}"


__all__ = ["Decision", "History", "Note", "Post", "Receipt", "Reversal", "Shipment", "decide"]
