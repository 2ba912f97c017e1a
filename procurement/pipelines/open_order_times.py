"""When an open order is read again, and when Package Tracking is asked about its packages."""

from collections.abc import Callable
from datetime import datetime, timedelta

from procurement.order_facts import OrderFacts, ShipmentFacts
from procurement.policies import Rules

PUNCTUAL = timedelta(minutes=1)  # a run that starts seconds early still finds its orders due
TRACKING_EVERY = timedelta(days=1)
TRACKING_ENDED = frozenset({"UNDELIVERABLE", "RETURNED", "REFUND_ISSUED"})
TrackingWanted = Callable[[ShipmentFacts, datetime], bool]  # (a shipped line, now)


def tracking_by(rules: Rules) -> TrackingWanted:
    """Asks where a package is late, once a day, and for the moment of a delivery where the receipts' policy wants it."""
    receipts = getattr(rules.policies, "receipts", None)
    moments_wanted = getattr(receipts, "delivery_date", "report") == "tracking"

    def wanted(shipment: ShipmentFacts, now: datetime) -> bool:
        asked = shipment.tracking_asked
        if shipment.delivered_seen is not None:
            return (
                moments_wanted and shipment.delivered_at is None and (asked is None or asked < shipment.delivered_seen)
            )
        if not shipment.overdue or shipment.delivered or shipment.tracking_status in TRACKING_ENDED:
            return False
        return asked is None or now - asked >= TRACKING_EVERY

    return wanted


def next_read(facts: OrderFacts, *, now: datetime, rules: Rules) -> tuple[str, datetime | None]:
    """The order's state, and when it is read again; None: it is finished."""
    reading = rules.order_status.reading
    settled = is_settled(facts)
    arrivals = [one.delivered_seen or one.delivered_at for one in facts.shipments.values() if one.delivered]
    moments = [moment for moment in (*(arrivals if settled else ()), facts.ended_seen) if moment is not None]
    if moments and now >= max(moments) + timedelta(days=reading.finish_days):
        return "finished", None
    if settled:
        return "settled", now + timedelta(hours=reading.settled_every_hours) - PUNCTUAL
    return "open", soon(now, rules)


def soon(now: datetime, rules: Rules) -> datetime:
    """The next run's reading."""
    return now + timedelta(minutes=rules.order_status.reading.every_minutes) - PUNCTUAL


def is_settled(facts: OrderFacts) -> bool:
    """Every unit has arrived or was cancelled; what is still to come is refunds."""

    def expected(line_id: str, left: int) -> int:
        return min(left, facts.shipped(line_id)) if facts.cancelled else left

    return bool(facts.lines) and all(facts.delivered(id) >= expected(id, line.left) for id, line in facts.lines.items())
