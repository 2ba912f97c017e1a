"""A world in which something can be bought: four products, their offers, one buyer, and POs with fates of their own.

Pens cost 10.00 at Pen Traders and 9.80 at Benchworks; the desk costs 199.99 at Amazon.com and ships for 5.99 (free from
500.00 on); ink is sold in 2 to 5 units; the shirt stands for its variations. The sandbox's date is 10 February 2026.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.amazon.vendor import create_vendor
from sandbox.recording import Recorder
from sandbox.seed import AmazonSeed, CoupaSeed, Fate, FateStep, Timed, World
from sandbox.server import running
from sandbox.system import Origin, Sandbox
from tests.unit.sandbox.conftest import FAST, NOW, Amazon, day, number

Json = dict[str, Any]
BUYER = "buyer@example.com"
ORDERS = "/ordering/2022-10-30/orders"
FATES = {
    "SHORT": Fate(short={"1": 1}),
    "NONE-LEFT": Fate(short={"1": 99}),
    "ADULTS": Fate(refused={"1": [{"rejectionArtifactType": "AgeRestriction", "minimumAge": 21}]}),
    "SPLIT": Fate(steps=[
        FateStep(10, "ship", "1", 1), FateStep(30, "ship"), FateStep(40, "deliver", body={"shipment": 1}),
        FateStep(90, "deliver"),
    ]),
    "PACKAGES": Fate(steps=[
        FateStep(10, "ship", body={"packages": 2}), FateStep(20, "deliver", body={"packageId": "1"}),
        FateStep(30, "deliver", body={"packageId": "2"}),
    ]),
    "UNBILLED": Fate(steps=[FateStep(10, "ship", body={"charge": False})]),
    "LATE-NUMBER": Fate(steps=[FateStep(10, "ship", body={"invoice": False}), FateStep(50, "issue_invoice")]),
    "LATE": Fate(steps=[
        FateStep(10, "ship"), FateStep(60, "delay", body={"hours": 72}), FateStep(80, "out_for_delivery"),
        FateStep(90, "deliver"),
    ]),
    "PROMISED-LATER": Fate(steps=[FateStep(5, "delay", body={"hours": 24})]),
    "CANCELLED": Fate(steps=[FateStep(5, "cancel"), FateStep(10, "ship")]),
    "PART-CANCELLED": Fate(steps=[FateStep(5, "cancel", "1", 1), FateStep(10, "ship"), FateStep(20, "deliver")]),
    "REST-CANCELLED": Fate(steps=[FateStep(5, "ship", "1", 1), FateStep(10, "cancel"), FateStep(20, "deliver")]),
    "CHARGED-FIRST": Fate(steps=[FateStep(5, "charge"), FateStep(10, "cancel"), FateStep(20, "refund")]),
    "LOST": Fate(steps=[FateStep(10, "ship"), FateStep(60, "undeliverable")]),
    "RETURNED": Fate(steps=[FateStep(10, "ship"), FateStep(20, "deliver"), FateStep(50, "return_goods")]),
    "ONE-BACK": Fate(steps=[
        FateStep(10, "ship"), FateStep(20, "deliver"), FateStep(50, "refund", "1", 1, {"refundReason": "Defective"}),
    ]),
    "GOODWILL": Fate(steps=[FateStep(10, "ship"), FateStep(50, "refund", body={"share": "0.1"})]),
    "REPRICED": Fate(steps=[FateStep(5, "reprice", "1", body={"unitPrice": "11.00"})]),
    "RECEIVED": Fate(steps=[FateStep(10, "ship"), FateStep(20, "deliver"), FateStep(30, "receive", "1", 2)]),
    "TOO-MANY": Fate(steps=[FateStep(10, "ship", "1", 4)]),
}  # fmt: skip


def offer(offer_id: str, price: float, seller: str, **fields: Any) -> Json:
    merchant = {"merchantId": None, "name": seller, "certificates": ["Small Business"]}
    shown = {"value": number(price), "formattedPrice": f"${price:.2f}", "priceType": "BUSINESS"}
    return {"offerId": offer_id, "availability": "In Stock.", "price": shown, "merchant": merchant, **fields}


def product(asin: str, title: str, *offers: Json, **fields: Any) -> Timed:
    taxonomy = {"taxonomyCode": "44121704", "title": "Ball point pens", "type": "UNSPSC"}
    known = {"asin": asin, "asinType": "STANDARD", "title": title, "taxonomies": [taxonomy], "modelNumber": "M-1"}
    return Timed({**known, "includedDataTypes": {"OFFERS": list(offers), "IMAGES": []}, **fields}, day("01-01"))


def shop_world(origin: Origin) -> World:
    shipping = {"shippingCost": {"value": number(5.99)}, "thresholdCost": {"value": number(500.0)}}
    limits = {"quantityLimits": {"minQuantity": 2, "maxQuantity": 5}}
    products = [
        product("B0PEN", "Gel pens", offer("pen", 10.0, "Pen Traders LLC"), offer("pen-cheap", 9.8, "Benchworks")),
        product("B0DESK", "Standing desk", offer("desk", 199.99, "Amazon.com", shippingOptions=[shipping])),
        product("B0INK", "Gel ink", offer("ink", 7.0, "Pen Traders LLC", **limits)),
        product("B0SHIRT", "Shirt", offer("shirt", 20.0, "Amazon.com"), asinType="VARIATION_PARENT"),
    ]
    seed = AmazonSeed(
        user_emails=[BUYER, "clerk@example.com"], products=products, fates=FATES, ids=origin.options.get("ids", "equal")
    )
    return World("shop", origin.seed, NOW, seed, CoupaSeed())


class Shop(Amazon):
    """A client that buys."""

    def place(self, external_id: str = "PO-1", *lines: Json, **changes: Any) -> Json:
        """The result of an order that must be taken."""
        answer = self.post(ORDERS, order(external_id, *lines, **changes))
        assert answer.status_code == 200, answer.text
        result: Json = answer.json()
        return result

    def details(self, external_id: str, email: str = BUYER) -> Any:
        return self.http.get(f"{self.url}{ORDERS}/{external_id}", headers=self.headers | {"x-amz-user-email": email})

    def rows(self, name: str, key: str) -> list[Json]:
        """Of a report, all orders of February up to this hour."""
        now = self.control("GET", "clock").json()["now"]
        dates = {"orderStartDate": "2026-02-01T00:00:00Z", "orderEndDate": now}
        found: list[Json] = self.get(f"/reports/2025-06-09/{name}", **dates).json()[key]
        return found

    def orders(self) -> list[Json]:
        return self.rows("orderReports", "ordersReport")

    def order_lines(self) -> list[Json]:
        return self.rows("orderLineItemReports", "orderLineItemsReport")

    def shipments(self) -> list[Json]:
        return self.rows("shipmentReports", "shipmentsReport")

    def shipment_lines(self) -> list[Json]:
        return self.rows("shipmentLineItemReports", "shipmentLineItemsReport")

    def feed(self) -> list[Json]:
        found: list[Json] = self.transactions("02-01", "04-01").json()["transactions"]
        return found

    def wait(self, hours: float) -> None:
        """And signs in again: a token lives an hour."""
        self.advance(seconds=hours * 3600)
        self.sign_in()

    def state(self, part: str) -> Any:
        return self.control("GET", f"state?part={part}").json()[part]


def line(
    external_id: str = "1", asin: str = "B0PEN", offer_id: str | None = "pen", quantity: int = 3, **more: Any
) -> Json:
    """`more`: further `attributes`, or `price` and `charges` as expectations."""
    product = {"productReferenceType": "ProductIdentifier", "id": asin}
    attributes = [{"attributeType": "SelectedProductReference", "productReference": product}]
    if offer_id:
        option = {"buyingOptionReferenceType": "BuyingOptionIdentifier", "id": offer_id}
        attributes.append({"attributeType": "SelectedBuyingOptionReference", "buyingOptionReference": option})
    expected = [{"expectationType": "ExpectedUnitPrice", "amount": number(more["price"])}] if "price" in more else []
    return {
        "externalId": external_id,
        "quantity": quantity,
        "attributes": attributes + more.get("attributes", []),
        "expectations": expected + expect(**more.get("charges", {})),
    }


def expect(**charges: float) -> list[Json]:
    return [
        {"expectationType": "ExpectedCharge", "source": source, "amount": number(amount)}
        for source, amount in charges.items()
    ]


def order(external_id: str = "PO-1", *lines: Json, po: str = "4500900", **changes: Any) -> Json:
    """A whole request; `without` leaves an attribute out, `attributes` adds some, `charges` are what is expected."""
    user = {"userReferenceType": "UserEmail", "emailAddress": changes.get("buyer", BUYER)}
    address = {
        "addressType": "PhysicalAddress", "fullName": "Dock", "addressLine1": "1 Way", "city": "Austin",
        "stateOrRegion": "TX", "postalCode": "78701", "countryCode": "US",
    }  # fmt: skip
    payment = {"paymentMethodReferenceType": "StoredPaymentMethod"}
    attributes = [
        {"attributeType": "Region", "region": "US"},
        {"attributeType": "PurchaseOrderNumber", "purchaseOrderNumber": po},
        {"attributeType": "BuyerReference", "userReference": user},
        {"attributeType": "BuyingGroupReference", "groupReference": {"groupReferenceType": "GroupIdentity", "identifier": "ACME"}},
        {"attributeType": "SelectedPaymentMethodReference", "paymentMethodReference": payment},
        {"attributeType": "ShippingAddress", "address": address},
    ]  # fmt: skip
    kept = [one for one in attributes if one["attributeType"] != changes.get("without")]
    return {
        "externalId": external_id,
        "lineItems": list(lines) or [line()],
        "attributes": kept + changes.get("attributes", []),
        "expectations": expect(**changes.get("charges", {})),
    }


def artifacts(item: Json, kind: str) -> list[Json]:
    """The artifacts of an accepted or rejected item, or of a whole result, that are of `kind`."""
    every = [*item.get("artifacts", []), *item.get("acceptanceArtifacts", []), *item.get("rejectionArtifacts", [])]
    return [one for one in every if kind in (one.get("acceptanceArtifactType"), one.get("rejectionArtifactType"))]


def units(result: Json) -> list[tuple[int, int]]:
    """Accepted and rejected units of each line."""
    return [
        tuple(sum(one["quantity"] for one in row[kind]) for kind in ("acceptedItems", "rejectedItems"))  # type: ignore[misc]
        for row in result["lineItems"]
    ]


def order_ids(result: Json) -> list[str]:
    """Of the accepted items, line by line."""
    items = [item for row in result["lineItems"] for item in row["acceptedItems"]]
    return [one["identifier"] for item in items for one in artifacts(item, "OrderIdentifier")]


@contextmanager
def open_shop(
    *, record: Path | None = None, snapshot: Json | None = None, speed: float = FAST, **options: str
) -> Iterator[Shop]:
    sandbox = Sandbox(
        Origin("shop", options=options), shop_world, [create_vendor], speed=speed,
        recorder=Recorder(record) if record else None, snapshot=snapshot,
    )  # fmt: skip
    with running(sandbox) as started:
        shop = Shop(started.urls[0], sandbox)
        shop.sign_in()
        yield shop
        shop.http.close()
