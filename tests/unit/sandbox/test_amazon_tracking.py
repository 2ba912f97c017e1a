"""Package Tracking: the status of one package, from what happened to its shipment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.sandbox.amazon_shop import Json, Shop, open_shop
from tests.unit.sandbox.conftest import Amazon


@pytest.fixture(scope="module")
def _open() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(_open: Shop) -> Shop:
    assert _open.control("POST", "reset", {}).status_code == 200
    _open.sign_in()
    return _open


def ask(amazon: Amazon, order: str, shipment: str, package: str, **query: Any) -> Any:
    path = f"/ab-tracking/2025-07-02/orders/{order}/shipments/{shipment}/packages/{package}"
    return amazon.get(path, **({"region": "US"} | query))


def track(shop: Shop, package: str = "1") -> Json:
    """Of the only shipment."""
    (row,) = shop.shipments()
    answer = ask(shop, row["orderMetadata"]["orderId"], row["shipmentMetadata"]["shipmentId"], package)
    assert answer.status_code == 200, answer.text
    details: Json = answer.json()["packageTrackingDetails"]
    return details


def milestone(details: Json, kind: str) -> str | None:
    return next(
        (one["milestoneWindow"]["endDate"] for one in details["packageMilestones"] if one["milestoneType"] == kind),
        None,
    )


def test_a_package_is_shipped_delayed_out_for_delivery_and_delivered(shop: Shop) -> None:
    shop.place("PO-1", po="LATE")
    seen = []
    for hours in (12, 50, 20, 10):
        shop.wait(hours)
        seen.append(track(shop)["trackingStatus"])
    assert seen == ["SHIPPED", "DELAYED", "OUT_FOR_DELIVERY", "DELIVERED"]


def test_the_milestone_has_the_moment_of_delivery_and_an_offset(shop: Shop) -> None:
    shop.place("PO-1", po="LATE")
    shop.wait(24 * 20)
    details = track(shop)
    delivered = milestone(details, "DELIVERED")
    assert delivered is not None
    assert delivered.startswith("2026-02-14T00:0")
    assert delivered.endswith("-06:00")
    assert details["deliveryWindow"]["endDate"].startswith("2026-02-14T06:0")
    assert milestone(details, "SHIPPED") is not None
    assert milestone(details, "ORDERED") is not None
    (row,) = shop.shipment_lines()
    assert details["carrierDetails"]["carrierTrackingId"] == row["packages"][0]["trackingId"]


def test_each_package_has_a_delivery_of_its_own(shop: Shop) -> None:
    shop.place("PO-1", po="PACKAGES")
    shop.wait(25)
    assert (track(shop, "1")["trackingStatus"], track(shop, "2")["trackingStatus"]) == ("DELIVERED", "SHIPPED")
    assert milestone(track(shop, "2"), "DELIVERED") is None


def test_what_could_not_be_delivered_says_so_and_never_arrives(shop: Shop) -> None:
    shop.place("PO-1", po="LOST")
    shop.wait(24 * 7)
    details = track(shop)
    assert (details["trackingStatus"], milestone(details, "DELIVERED")) == ("UNDELIVERABLE", None)
    assert shop.shipments()[0]["deliveryInfo"]["status"] == "NOT_DELIVERED"


def test_returned_goods_keep_the_moment_at_which_they_had_arrived(shop: Shop) -> None:
    shop.place("PO-1", po="RETURNED")
    shop.wait(24 * 7)
    details = track(shop)
    assert details["trackingStatus"] == "RETURNED"
    assert milestone(details, "DELIVERED")


def test_unknown_ids_and_a_missing_region_are_refused(shop: Shop) -> None:
    shop.place("PO-1")
    shop.wait(24)
    (row,) = shop.shipments()
    order, shipment = row["orderMetadata"]["orderId"], row["shipmentMetadata"]["shipmentId"]
    assert ask(shop, order, shipment, "2").status_code == 404
    assert ask(shop, order, "S-404", "1").status_code == 404
    assert ask(shop, "112-404", shipment, "1").status_code == 404
    assert ask(shop, order, shipment, "1", region="").status_code == 400
    assert ask(shop, order, shipment, "1", locale="en-US").status_code == 200
    shop.switch(roles=["Amazon Business Analytics"])
    shop.sign_in()
    assert ask(shop, order, shipment, "1").status_code == 403


def test_a_shipment_that_the_world_brought_along_can_be_tracked_too(amazon: Amazon) -> None:
    amazon.event("ship", orderId="112-2")
    (row,) = amazon.reports("shipmentReports", orderIds="112-2").json()["shipmentsReport"]
    shipment = row["shipmentMetadata"]["shipmentId"]
    assert ask(amazon, "112-2", shipment, "1").json()["packageTrackingDetails"]["trackingStatus"] == "SHIPPED"
    amazon.event("deliver", orderId="112-2")
    assert ask(amazon, "112-2", shipment, "1").json()["packageTrackingDetails"]["trackingStatus"] == "DELIVERED"


@pytest.mark.parametrize("event", ["undeliverable", "delay"])
def test_what_has_arrived_can_be_neither_late_nor_lost(amazon: Amazon, event: str) -> None:
    amazon.event("deliver", orderId="112-1")
    assert amazon.control("POST", f"events/{event}", {"orderId": "112-1"}).status_code == 400


def test_what_has_not_arrived_cannot_come_back(amazon: Amazon) -> None:
    assert amazon.control("POST", "events/return_goods", {"orderId": "112-1"}).status_code == 400
