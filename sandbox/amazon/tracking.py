"""Package Tracking API 2025-07-02: where one package is, from what happened to its shipment.

The milestones carry real moments, written with the place's own offset; the events beside them are text for people.
"""

from datetime import datetime, timedelta, timezone

from sandbox.amazon import parcels
from sandbox.amazon.errors import INVALID, envelope, invalid
from sandbox.amazon.parameters import read_region
from sandbox.amazon.state import AmazonState
from sandbox.clock import read_moment, write_moment
from sandbox.exchange import Answer, Call, Operation, Refusal
from sandbox.limits import Bucket
from sandbox.seed import Json, Timed

PATH = "/ab-tracking/2025-07-02/orders/{orderId}/shipments/{shipmentId}/packages/{packageId}"
NAME = "getPackageTrackingDetails"
ROLE = "Amazon Business Order Placement"
RATE, BURST = 0.5, 10
PLACE = timezone(timedelta(hours=-6))  # Amazon does not always answer in UTC
MILESTONES = (parcels.DELIVERED, parcels.OUT_FOR_DELIVERY, parcels.SHIPPED)
SENTENCES = {
    parcels.SHIPPED: "Package left the shipping facility.",
    parcels.OUT_FOR_DELIVERY: "Out for delivery.",
    parcels.DELAYED: "The delivery is delayed.",
    parcels.DELIVERED: "Left at reception.",
    parcels.UNDELIVERABLE: "The package could not be delivered and goes back.",
    parcels.RETURNED: "The return was received.",
}


class PackageTracking:
    def __init__(self, state: AmazonState) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        return [Operation(NAME, "GET", PATH, self.get_details, Bucket(NAME, RATE, BURST), needs=(ROLE,))]

    def get_details(self, call: Call) -> Answer:
        if read_region(call) is None:
            raise invalid("Missing required parameter region.")
        now = self._state.clock.now()
        row = self._find(call, now)
        shipment = row.at(now)
        assert shipment is not None
        package = self._package(row, call.params["packageId"])
        shipped = (read_moment(shipment["shipmentMetadata"]["shipmentDate"]), parcels.SHIPPED)
        events = [shipped, *parcels.package_events(self._state, row, call.params["packageId"], now)]
        address = shipment["shippingAddress"]
        return Answer(200, {"packageTrackingDetails": _details(shipment, package, events, address)})

    def _find(self, call: Call, now: datetime) -> Timed:
        """404 for an order, shipment or package that is not known by now."""
        order, shipment = call.params["orderId"], call.params["shipmentId"]
        for row in self._state.of_order("shipments", order):
            known = row.document["shipmentMetadata"]["shipmentId"] == shipment and row.at(now) is not None
            if known and call.params["packageId"] in parcels.package_ids(self._state, row):
                return row
        raise Refusal(envelope(404, INVALID, "There is no such package.", f"{call.method} {call.path}"))

    def _package(self, row: Timed, package_id: str) -> Json:
        order, shipment = parcels.shipment_key(row).split("/", 1)
        lines = [one.document for one in self._state.of_order("shipment_lines", order)]
        return next(
            {"carrier": line["carrierName"], **package}
            for line in lines
            if line["shipmentMetadata"]["shipmentId"] == shipment
            for package in line["packages"]
            if package["packageId"] == package_id
        )


def _details(shipment: Json, package: Json, events: list[tuple[datetime, str]], address: Json) -> Json:
    """`events` oldest first."""
    status = events[-1][1]
    delivered = next((moment for moment, kind in events if kind == parcels.DELIVERED), None)
    expected = delivered or read_moment(shipment["deliveryInfo"]["expectedDeliveryDate"])
    ordered = read_moment(shipment["orderMetadata"]["orderDate"])
    place = {"city": address["city"], "state": address.get("stateOrRegion", ""), "country": address["countryCode"]}
    reached = [_milestone(kind, moment) for kind in MILESTONES for moment, one in events if one == kind]
    return {
        "trackingStatus": status,
        "localizedDeliveryPromise": _promise(status, expected),
        "deliveryWindow": {"endDate": write_moment(expected)},
        "carrierDetails": {"localizedCarrierName": package["carrier"], "carrierTrackingId": package["trackingId"]},
        "packageTrackingEvents": [_shown(moment, kind, place) for moment, kind in reversed(events)],
        "packageMilestones": [*reached, _milestone("ORDERED", ordered)],
    }


def _promise(status: str, expected: datetime) -> str:
    day = expected.astimezone(PLACE)
    word = "Delivered" if status == parcels.DELIVERED else "Now expected" if status == parcels.DELAYED else "Expected"
    if status in (parcels.UNDELIVERABLE, parcels.RETURNED):
        return SENTENCES[status]
    return f"{word} {day:%B} {day.day}"


def _milestone(kind: str, moment: datetime) -> Json:
    return {"milestoneType": kind, "milestoneWindow": {"endDate": moment.astimezone(PLACE).isoformat()}}


def _shown(moment: datetime, kind: str, place: Json) -> Json:
    local = moment.astimezone(PLACE)
    return {
        "localizedDescription": SENTENCES[kind],
        "localizedEventDate": f"{local:%A, %B} {local.day}",
        "localizedEventTime": f"{local:%I:%M %p}".lstrip("0"),
        "location": place,
    }
