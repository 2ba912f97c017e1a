"""Ordering API 2022-10-30: placeOrder and orderDetails. Amounts are numbers; there is no list, update or cancel.

A business rejection is HTTP 200. The same externalId with the same body gives the same result and orders nothing again;
with another body it is 400. In trial mode everything is checked and priced, nothing is ordered and nothing is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.amazon import order_documents
from sandbox.amazon.amounts import number_money
from sandbox.amazon.errors import INVALID, envelope, invalid
from sandbox.amazon.fates import plan_fate
from sandbox.amazon.offers import Offer, find_offer, find_product, offers_of
from sandbox.amazon.order_request import OrderRequest, read_order
from sandbox.amazon.safeguards import REJECT_ORDER, REMOVE_ITEM, Charges, Verdict, judge
from sandbox.amazon.state import AmazonState
from sandbox.amazon.users import is_user, not_authorized, read_user
from sandbox.clock import write_moment
from sandbox.exchange import Answer, Call, Operation
from sandbox.limits import Bucket
from sandbox.seed import Fate, Json

BASE = "/ordering/2022-10-30"
ROLE = "Amazon Business Order Placement"
RATE, BURST = 0.5, 10


class Ordering:
    def __init__(self, state: AmazonState, switches: Mapping[str, Any]) -> None:
        self._state, self._switches = state, switches

    def operations(self) -> list[Operation]:
        place, details = Bucket("placeOrder", RATE, BURST), Bucket("orderDetails", RATE, BURST)
        path = BASE + "/orders"
        return [
            Operation("placeOrder", "POST", path, self.place_order, place, needs=(ROLE,), write=True),
            Operation("orderDetails", "GET", path + "/{externalId}", self.order_details, details, needs=(ROLE,)),
        ]

    def place_order(self, call: Call) -> Answer:
        content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            return envelope(415, INVALID, "Content-Type must be application/json.")
        request = read_order(call)
        if not is_user(self._state, request.buyer):
            raise not_authorized(request.buyer)
        known = self._state.placed.get(request.external_id)
        if request.trial or self._switches["test_mode"]:
            return Answer(200, self._trial(request))
        if known is not None:
            if known["hash"] != request.hash:
                raise invalid(f"externalId {request.external_id} was used for another order.")
            return Answer(200, known["result"])
        return Answer(200, self._place(request))

    def order_details(self, call: Call) -> Answer:
        """The result as it was given, with what has shipped since."""
        email = call.headers.get("x-amz-user-email", "")
        read_user(call, self._state, not_authorized(email))
        external_id = call.params["externalId"]
        record = self._state.placed.get(external_id)
        if record is None:
            return envelope(404, "NotFound", f"There is no order with externalId {external_id}.")
        return Answer(200, _with_shipments(self._state, record))

    def _judge(self, request: OrderRequest) -> tuple[list[Verdict], list[Json]]:
        fate = self._state.seed.fates.get(request.po_number, Fate())
        safeguard = self._switches["safeguard"]
        if safeguard not in (REMOVE_ITEM, REJECT_ORDER):
            raise ValueError(f"the switch safeguard is {safeguard!r}; it is {REMOVE_ITEM} or {REJECT_ORDER}")
        now = self._state.clock.now().replace(microsecond=0)
        return judge(request, self._finder(request), fate=fate, now=now, safeguard=safeguard)

    def _finder(self, request: OrderRequest) -> Callable[[str, str | None], Offer | str]:
        now = self._state.clock.now()

        def find(asin: str, offer_id: str | None) -> Offer | str:
            product = find_product(self._state, asin, now)
            offers = offers_of(product) if product else []
            offer = find_offer(self._state, offer_id, now) if offer_id else next(iter(offers), None)
            if offer is None:
                return "This offer is no longer available." if offer_id else f"No offer of {asin} is available."
            if offer.product["asin"] != asin:
                return f"This offer is of another product than {asin}."
            if offer.product.get("asinType") == "VARIATION_PARENT":
                return f"{asin} stands for several variations and cannot be ordered itself."
            if offer.currency != request.currency:
                return f"This offer is not sold in region {request.region}."
            return offer

        return find

    def _trial(self, request: OrderRequest) -> Json:
        verdicts, reasons = self._judge(request)
        return _result(request, verdicts, reasons, order_ids={})

    def _place(self, request: OrderRequest) -> Json:
        placed_at = self._state.clock.now().replace(microsecond=0)
        verdicts, reasons = self._judge(request)
        with self._state.at(placed_at):
            parts = _parts([one for one in verdicts if one.accepted])
            orders = [
                order_documents.write_order(self._state, request, part, number)
                for number, part in enumerate(parts, start=1)
            ]
            order_ids = {line: one["orderId"] for one in orders for line in one["lines"]}
            result = _result(request, verdicts, reasons, order_ids=order_ids)
            record = {
                "hash": request.hash,
                "purchaseOrderNumber": request.po_number,
                "placedAt": write_moment(placed_at),
                "result": result,
                "orders": orders,
            }
            self._state.keep_placed(request.external_id, record)
            for order in orders:
                plan_fate(self._state, order, self._state.seed.fates.get(request.po_number))
        return result


def _parts(accepted: Sequence[Verdict]) -> list[list[Verdict]]:
    """One Amazon order per seller and address, in the order of the lines."""
    parts: dict[str, list[Verdict]] = {}
    for verdict in accepted:
        assert verdict.offer is not None
        parts.setdefault(f"{verdict.offer.seller}/{sorted(verdict.line.ship_to.items())}", []).append(verdict)
    return list(parts.values())


def _result(
    request: OrderRequest, verdicts: Sequence[Verdict], reasons: list[Json], *, order_ids: Mapping[str, str]
) -> Json:
    """`order_ids` by line; empty in trial mode, which signs nothing."""
    lines = []
    for verdict in verdicts:
        name = verdict.line.external_id
        rejected = [{"quantity": verdict.rejected, "artifacts": verdict.reasons}] if verdict.rejected else []
        accepted = [_accepted(request, verdict, order_ids.get(name))] if verdict.accepted else []
        lines.append({"externalId": name, "acceptedItems": accepted, "rejectedItems": rejected})
    signed = [{"acceptanceArtifactType": "Signed"}] if order_ids else []
    return {"lineItems": lines, "acceptanceArtifacts": signed, "rejectionArtifacts": reasons}


def _accepted(request: OrderRequest, verdict: Verdict, order_id: str | None) -> Json:
    assert verdict.offer is not None
    assert verdict.delivery is not None
    identifier = [{"acceptanceArtifactType": "OrderIdentifier", "identifier": order_id}] if order_id else []
    price = number_money(verdict.offer.price, request.currency)
    delivery = {"acceptanceArtifactType": "DeliveryTimeRange", **order_documents.write_range(verdict.delivery)}
    artifacts = [
        *identifier,
        {"acceptanceArtifactType": "UnitPrice", "amount": price},
        *_charges(verdict.charges, request.currency),
        delivery,
    ]
    return {"acceptedItemType": "SingleAcceptedItem", "quantity": verdict.accepted, "artifacts": artifacts}


def _charges(charges: Charges, currency: str) -> list[Json]:
    rows = [
        ("SUBTOTAL", "PRINCIPAL", charges.subtotal), ("SUBTOTAL", "TAX", charges.subtotal_tax),
        ("SHIPPING", "PRINCIPAL", charges.shipping), ("SHIPPING", "TAX", charges.shipping_tax),
    ]  # fmt: skip
    return [
        {
            "acceptanceArtifactType": "Charge",
            "category": category,
            "type": kind,
            "amount": number_money(amount, currency),
        }
        for category, kind, amount in rows
        if amount or (category, kind) != ("SHIPPING", "TAX")
    ]


def _with_shipments(state: AmazonState, record: Json) -> Json:
    lines = [
        {
            **line,
            "acceptedItems": [_item_now(state, record, line["externalId"], item) for item in line["acceptedItems"]],
        }
        for line in record["result"]["lineItems"]
    ]
    shipments = [one for order in record["orders"] for one in _shipments(state, order["orderId"])]
    artifacts = [*record["result"]["acceptanceArtifacts"], *shipments]
    return {**record["result"], "lineItems": lines, "acceptanceArtifacts": artifacts}


def _item_now(state: AmazonState, record: Json, line: str, item: Json) -> Json:
    """With the order's newest promise, and a ShipmentGroup for each shipment that holds units of the line."""
    order = next(one for one in record["orders"] if line in one["lines"])
    artifacts = [
        {**one, "upperBoundary": max(one["upperBoundary"], order["promised"][1])}
        if one["acceptanceArtifactType"] == "DeliveryTimeRange" and order.get("delayed")
        else one
        for one in item["artifacts"]
    ]
    for parcel in _seen(state, "shipment_lines", order["orderId"]):
        if parcel["orderLineItemId"] == order["lines"][line]:
            references = [_reference(one) for one in parcel["packages"]]
            group = {"acceptanceArtifactType": "ShipmentGroup", "identifier": parcel["shipmentMetadata"]["shipmentId"]}
            artifacts.append(group | {"packageReferences": references, "quantity": parcel["quantity"]})
    return {**item, "artifacts": artifacts}


def _shipments(state: AmazonState, order_id: str) -> list[Json]:
    parcels = {one["shipmentMetadata"]["shipmentId"]: one for one in _seen(state, "shipment_lines", order_id)}
    found = []
    for shipment in _seen(state, "shipments", order_id):
        name, expected = shipment["shipmentMetadata"]["shipmentId"], shipment["deliveryInfo"]["expectedDeliveryDate"]
        parcel = parcels[name]
        dates = {"startDateTime": expected, "endDateTime": expected}
        packages = [
            {
                "packageReference": _reference(one),
                "packageAttributes": [
                    {
                        "packageAttributeType": "PackageTrackingAttribute",
                        "carrierName": parcel["carrierName"],
                        "deliveryDateRange": dates,
                        "packageId": one["packageId"],
                    }
                ],
            }
            for one in parcel["packages"]
        ]
        found.append({"acceptanceArtifactType": "Shipment", "identifier": name, "packages": packages})
    return found


def _seen(state: AmazonState, kind: str, order_id: str) -> list[Json]:
    now = state.clock.now()
    return [document for row in state.of_order(kind, order_id) if (document := row.at(now)) is not None]


def _reference(package: Json) -> Json:
    return {"packageReferenceType": "CarrierTrackingNumber", "value": package["trackingId"]}
