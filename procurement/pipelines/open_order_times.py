"""When an open order is read again, and when Package Tracking is asked about its packages."""

from collections.abc import Callable
from datetime import datetime, timedelta

from procurement.order_facts import OrderFacts, ShipmentFacts
from procurement.order_lines import order_lines
from procurement.pipelines.lost_parcels import UNTIL_ASKED, is_given_up
from procurement.pipelines.open_order_names import LOST, RECEIPTS
from procurement.policies import Mode, Rules
from procurement.receiving_facts import wants_tracking

PUNCTUAL = timedelta(minutes=1)  # a run that starts seconds early still finds its orders due
TRACKING_EVERY = timedelta(days=1)
TRACKING_ENDED = frozenset({"UNDELIVERABLE", "RETURNED", "REFUND_ISSUED"})
TrackingWanted = Callable[[ShipmentFacts, datetime], bool]  # (a shipped line, now)


def tracking_by(rules: Rules, account: str) -> TrackingWanted:
    """Asks where a package is late, once a day; for the moment of a delivery as `receipts` in policies.yml says, where the
    receipts are not switched off; and once, long after a delivery, whether the goods went back: nothing else at Amazon
    tells of a return before its refund. The same for both pipelines, as either may be the one that reads."""
    receiving = rules.rollout.widest(RECEIPTS).mode is not Mode.OFF
    zone = rules.zone_of(account)

    def wanted(shipment: ShipmentFacts, now: datetime) -> bool:
        if shipment.delivered and return_is_asked(shipment, now, rules.order_status.reading.returns_asked_after_days):
            return True
        if shipment.delivered_seen is not None:
            return receiving and wants_tracking(shipment, rules.policies.receipts, zone)
        if not shipment.overdue or shipment.delivered or shipment.tracking_status in TRACKING_ENDED:
            return False
        asked = shipment.tracking_asked
        return asked is None or now - asked >= TRACKING_EVERY

    return wanted


def return_is_asked(shipment: ShipmentFacts, now: datetime, after_days: int) -> bool:
    """Whether a delivered shipment is old enough to be asked whether it went back, and was not asked since it is; 0: never."""
    arrived = max(moment for moment in (shipment.delivered_seen, shipment.delivered_at) if moment is not None)
    moment = arrived + timedelta(days=after_days)
    if not after_days or now < moment or shipment.tracking_status in TRACKING_ENDED:
        return False
    return shipment.tracking_asked is None or shipment.tracking_asked < moment


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
    if is_given_up(facts):
        return LOST, now + UNTIL_ASKED
    return "open", soon(now, rules)


def soon(now: datetime, rules: Rules) -> datetime:
    """The next run's reading."""
    return now + timedelta(minutes=rules.order_status.reading.every_minutes) - PUNCTUAL


def is_settled(facts: OrderFacts) -> bool:
    """Every unit has arrived or was cancelled; what is still to come is refunds."""
    lines = order_lines(facts)
    return bool(lines) and all(facts.delivered(line.id) >= line.left for line in lines)
