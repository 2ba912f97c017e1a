"""The facts that receiving rests on: shipped lines, receipts as Coupa shows them, our own past, and what went back."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from procurement.order_facts import ShipmentFacts
from procurement.purchase_orders import ARRIVALS, DEPARTURES
from procurement.receipt_policies import ReceiptPolicies

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One receiving transaction. `quantity` as it was made, `voided` what was taken back of it; both positive."""

    id: int
    kind: str
    quantity: Decimal
    voided: Decimal = ZERO
    external_id: str = ""
    match_reference: str | None = None
    original_id: int | None = None
    by: str = "somebody"

    @property
    def live(self) -> Decimal:
        return self.quantity - self.voided

    @property
    def counted(self) -> Decimal:
        """What it adds to the PO line's received units: less than nothing for a return."""
        return self.live if self.arrives else -self.live if self.departs else ZERO

    @property
    def arrives(self) -> bool:
        return self.kind in ARRIVALS

    @property
    def departs(self) -> bool:
        return self.kind in DEPARTURES

    def is_of(self, key: str) -> bool:
        """Whether we made it for the shipped line with this key."""
        return self.external_id.startswith(f"{key}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What we sent for one shipped line. `sequence`: the next free number; `voided`: receipts that we voided; `stuck`:
    why nothing new is sent before a person settles what failed; `lost`: what we sent and Coupa does not show; `unsettled`: an
    answer is missing."""

    sequence: int = 1
    voided: frozenset[int] = frozenset()
    stuck: str | None = None
    lost: str | None = None
    unsettled: bool = False
    asked_at: datetime | None = None
    escalated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One order line in one shipment, with what else is known of it. `went_back`: units that Amazon took back, for
    `cause`; `unclear`: some went back and nobody knows how many; `match_reference`: the id that its invoice carries."""

    facts: ShipmentFacts
    history: History = field(default_factory=History)
    went_back: int = 0
    cause: str = ""
    unclear: str | None = None
    unit_conflict: str | None = None
    match_reference: str | None = None
    zone: str = "UTC"

    @property
    def key(self) -> str:
        return self.facts.key


@dataclass(frozen=True, slots=True)
class ReturnedUnits:
    """A refund line that counts units on an order line."""

    order_line_id: str
    shipment_id: str | None
    units: int
    reason: str


@dataclass(frozen=True, slots=True)
class WentBack:
    units: int = 0
    cause: str = ""
    unclear: str | None = None


def arrived(facts: ShipmentFacts, policies: ReceiptPolicies) -> bool:
    """Whether its units count as delivered: all packages, or by policy the first."""
    if policies.received_when == "first_package":
        return facts.delivered_seen is not None or facts.delivered_at is not None
    return facts.delivered


def arrived_at(facts: ShipmentFacts, now: datetime) -> datetime:
    """Tracking's moment, else when the report first said DELIVERED; never the expected date."""
    return facts.delivered_at or facts.delivered_seen or now


def wants_tracking(facts: ShipmentFacts, policies: ReceiptPolicies, zone: str = "UTC") -> bool:
    """Whether Package Tracking should tell the moment of this delivery: once, after the report says delivered.

    Near a month's end, in the company's `zone`, the day decides the period, so there it is asked unless policy says never.
    """
    seen = facts.delivered_seen
    if policies.tracking == "never" or seen is None or facts.delivered_at is not None or not facts.packages:
        return False
    asked = facts.tracking_asked
    if asked is not None and asked >= seen:
        return False
    return policies.tracking == "always" or near_month_end(seen, policies.month_end_days, zone)


def near_month_end(moment: datetime, days: int, zone: str) -> bool:
    """Among the last `days` days of a month, or the first `days` of the next: the report lags behind the delivery."""
    day = moment.astimezone(ZoneInfo(zone)).date()
    last = calendar.monthrange(day.year, day.month)[1]
    return day.day > last - days or day.day <= days


def what_went_back(
    shipments: Sequence[ShipmentFacts], returns: Iterable[ReturnedUnits], policies: ReceiptPolicies
) -> Mapping[str, WentBack]:
    """Units that went back, by `ShipmentFacts.key`; `shipments` are those of one Amazon order.

    Tracking speaks of whole shipments, refunds of units; the two tell of the same goods, so the larger counts. A refund
    without a shipment that we know falls on the delivered shipments of its order line, in order.
    """
    units = {facts.key: 0 for facts in shipments}
    causes: dict[str, str] = {}
    for one in sorted(returns, key=lambda one: one.shipment_id is None):
        left = one.units
        for facts in _named_first(shipments, one):
            taken = min(left, facts.quantity - units[facts.key])
            if taken > 0:
                units[facts.key] += taken
                causes[facts.key] = f"refunded, {one.reason!r}"
                left -= taken
    found: dict[str, WentBack] = {}
    for facts in shipments:
        word, whole = _tracked_back(facts, policies)
        if whole:
            found[facts.key] = WentBack(facts.quantity, f"tracking says {word}")
        elif units[facts.key] or word is None:
            found[facts.key] = WentBack(units[facts.key], causes.get(facts.key, ""))
        else:
            unclear = (
                f"some packages of shipment {facts.shipment_id} came back ({word}); Amazon does not say how many units"
            )
            found[facts.key] = WentBack(unclear=unclear)
    return found


def _named_first(shipments: Sequence[ShipmentFacts], one: ReturnedUnits) -> list[ShipmentFacts]:
    of_line = [facts for facts in shipments if facts.order_line_id == one.order_line_id]
    named = [facts for facts in of_line if facts.shipment_id == one.shipment_id]
    return named or sorted(of_line, key=lambda facts: (not facts.delivered, facts.key))


def _tracked_back(facts: ShipmentFacts, policies: ReceiptPolicies) -> tuple[str | None, bool]:
    """The word that tracking used, and whether it holds for the whole shipment."""
    back = {one.package_id: one.status for one in facts.tracked if one.status in policies.reversing_tracking}
    if back:
        return min(filter(None, back.values())), set(back) >= {package for package, _ in facts.packages}
    if not facts.tracked and facts.tracking_status in policies.reversing_tracking:
        return facts.tracking_status, True
    return None, False
