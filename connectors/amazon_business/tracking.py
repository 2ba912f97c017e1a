"""Where a package is, by Package Tracking. The events' dates are display text, so only the milestones tell times."""

from dataclasses import dataclass
from datetime import datetime

from connectors.amazon_business.raw import moment, objects, text
from connectors.tally import Json


@dataclass(frozen=True, slots=True)
class PackageTracking:
    """`status`: ORDERED, SHIPPED, OUT_FOR_DELIVERY, DELIVERED, DELAYED, UNDELIVERABLE, RETURNED, REFUND_ISSUED,
    AVAILABLE_FOR_PICKUP, CUSTOMER_ACTION.

    `delivered_at` is the end of the DELIVERED milestone, `window_end` of the promised delivery; both aware UTC.
    """

    status: str
    delivered_at: datetime | None = None
    window_end: datetime | None = None
    carrier: str | None = None
    tracking_id: str | None = None


def read_tracking(details: Json) -> PackageTracking:
    """Raises ValueError where there is no status."""
    if (status := text(details, "trackingStatus")) is None:
        raise ValueError("a package has no trackingStatus")
    delivered = (one for one in objects(details, "packageMilestones") if text(one, "milestoneType") == "DELIVERED")
    return PackageTracking(
        status=status,
        delivered_at=next((end for one in delivered if (end := moment(one, "milestoneWindow", "endDate"))), None),
        window_end=moment(details, "deliveryWindow", "endDate"),
        carrier=text(details, "carrierDetails", "localizedCarrierName"),
        tracking_id=text(details, "carrierDetails", "carrierTrackingId"),
    )
