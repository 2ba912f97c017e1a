"""The world of open purchases, alive: what Coupa shows at `now`, and what becomes of orders placed then, in twelve days.

Whoever orders here knows nothing of situations: every PO that is issued and waits to be sent by hand is ordered whole.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from sandbox.amazon.ordering import Ordering
from sandbox.amazon.vendor import create_vendor as create_amazon
from sandbox.coupa.vendor import create_vendor as create_coupa
from sandbox.exchange import Call
from sandbox.seed import Json
from sandbox.system import Origin, Sandbox
from sandbox.worlds import build_world

BUYER = "buyer@example.com"
MOST_LINES = 50
ADDRESS = {
    "addressType": "PhysicalAddress", "fullName": "Receiving", "addressLine1": "1 Example Way", "city": "Austin",
    "stateOrRegion": "TX", "postalCode": "78701", "countryCode": "US",
}  # fmt: skip


class Living:
    def __init__(self, scenario: str, **options: str) -> None:
        origin = Origin(scenario, seed=5, now="2026-03-01T09:30:00+00:00", options=options)
        self.sandbox = Sandbox(origin, build_world, [create_amazon, create_coupa])
        self.sandbox.clock.speed = 1e-9  # time passes only in `advance`: a busy machine changes no moment
        vendors: list[Any] = [service.vendor for service in self.sandbox.services]
        amazon, coupa = vendors
        self.amazon, self.coupa = amazon.state, coupa.state
        self._ordering = Ordering(self.amazon, amazon.switches)
        self.facts: list[Json] = self.sandbox.world.facts["buying"]
        self.answers: dict[str, list[Json]] = {}

    def order(self, number: str) -> Json:
        """The PO as Coupa shows it."""
        (found,) = [one for one in self.coupa.parts()["purchase_orders"]() if one["po-number"] == number]
        return dict(found)

    def po(self, situation: str) -> str:
        return next(str(fact["po"]) for fact in self.facts if fact["situation"] == situation)

    def fact(self, situation: str) -> Json:
        return next(fact for fact in self.facts if fact["situation"] == situation)

    def place_all(self) -> None:
        for order in self.coupa.parts()["purchase_orders"]():
            if order["status"] == "issued" and order["transmission-status"] == "pending_manual":
                self.place(order)

    def place(self, order: Json) -> None:
        lines = order["order-lines"]
        for part, first in enumerate(range(0, len(lines), MOST_LINES), start=1):
            body = request(order, lines[first : first + MOST_LINES], part)
            headers = {"content-type": "application/json", "x-amz-user-email": BUYER}
            answer = self._ordering.place_order(Call("POST", "/orders", [], headers, json.dumps(body).encode()))
            assert answer.status == 200, answer.body
            self.answers.setdefault(order["po-number"], []).append(answer.body)

    def advance(self, days: float) -> None:
        self.sandbox.clock.advance(days * 86400)
        self.sandbox.timeline.run_due(self.sandbox.clock.now())

    def units(self, situation: str, kind: str) -> int:
        """Accepted or rejected units of the PO, over all answers."""
        rows = [row for one in self.answers[self.po(situation)] for row in one["lineItems"]]
        return sum(int(part["quantity"]) for row in rows for part in row[kind])

    def amazon_rows(self, kind: str, situation: str) -> list[Json]:
        rows = self.amazon.parts()[kind]()
        return [row for row in rows if row.get("purchaseOrderNumber") == self.po(situation)]

    def shipped(self, situation: str) -> int:
        return sum(row["quantity"] for row in self.amazon_rows("shipment_lines", situation))

    def deliveries(self, situation: str) -> list[str]:
        return [row["deliveryInfo"]["status"] for row in self.amazon_rows("shipments", situation)]

    def transactions(self, situation: str) -> list[str]:
        return [row["transactionType"] for row in self.feed(self.po(situation))]

    def feed(self, number: str) -> list[Json]:
        rows = self.amazon.parts()["transactions"]()
        return [row for row in rows if row["transactionLineItems"][0].get("purchaseOrderNumber") == number]


def request(order: Json, lines: list[Json], part: int) -> Json:
    def line(row: Json) -> Json:
        product = {"productReferenceType": "ProductIdentifier", "id": row["source-part-num"]}
        attribute = {"attributeType": "SelectedProductReference", "productReference": product}
        quantity = int(Decimal(row["quantity"]))
        return {"externalId": row["line-num"], "quantity": quantity, "attributes": [attribute], "expectations": []}

    user = {"userReferenceType": "UserEmail", "emailAddress": BUYER}
    group = {"groupReferenceType": "GroupIdentity", "identifier": "SANDBOX"}
    payment = {"paymentMethodReferenceType": "StoredPaymentMethod"}
    return {
        "externalId": f"{order['po-number']}-{part}-1",
        "lineItems": [line(row) for row in lines],
        "attributes": [
            {"attributeType": "Region", "region": "US"},
            {"attributeType": "PurchaseOrderNumber", "purchaseOrderNumber": order["po-number"]},
            {"attributeType": "BuyerReference", "userReference": user},
            {"attributeType": "BuyingGroupReference", "groupReference": group},
            {"attributeType": "SelectedPaymentMethodReference", "paymentMethodReference": payment},
            {"attributeType": "ShippingAddress", "address": ADDRESS},
        ],
        "expectations": [],
    }


@pytest.fixture(scope="module")
def at_now() -> Living:
    return Living("buying")


@pytest.fixture(scope="module")
def later() -> Iterator[Living]:
    living = Living("buying")
    living.place_all()
    living.advance(12)
    yield living


def test_what_is_approved_is_issued_and_waits_to_be_sent_by_hand(at_now: Living) -> None:
    apart = {"already_transmitted", "cancelled_before_order", "approval_pending", "withdrawn", "requisition_rejected"}
    for fact in at_now.facts:
        if fact["situation"] not in apart:
            order = at_now.order(fact["po"])
            assert (order["status"], order["transmission-status"]) == ("issued", "pending_manual"), fact
            assert len(order["order-lines"]) == fact["lines"]
    assert at_now.order(at_now.po("already_transmitted"))["transmission-status"] == "sent_via_cxml"
    assert at_now.order(at_now.po("cancelled_before_order"))["status"] == "cancelled"


def test_a_line_of_an_order_carries_what_was_asked_for(at_now: Living) -> None:
    line = at_now.order(at_now.po("expensive"))["order-lines"][0]
    assert (line["source-part-num"], line["uom"]["code"]) == ("B0QX20002B", "EA")
    assert line["custom-fields"]["ab-seller"] == "Amazon.com"
    assert line["supp-aux-part-num"]
    assert line["account"]["code"]


def test_a_pending_approval_stands_beside_the_order_whose_approver_is_missing(at_now: Living) -> None:
    order = at_now.order(at_now.po("approver_missing"))
    statuses = [
        row["status"]
        for row in at_now.coupa.parts()["approvals"]()
        if (row["approvable-type"], row["approvable-id"]) == ("RequisitionHeader", order["requisition-header"]["id"])
    ]
    assert sorted(statuses) == ["approved", "pending_approval"]


def test_an_order_changed_after_approval_asks_for_more_than_its_requisition(at_now: Living) -> None:
    order = at_now.order(at_now.po("changed_after_approval"))
    assert order["version"] > 1
    (event,) = [
        one
        for one in at_now.sandbox.world.coupa.events
        if one.name == "submit_requisition" and one.body["external-po-reference"] == order["po-number"]
    ]
    approved = Decimal(event.body["requisition-lines"][0]["quantity"])
    assert Decimal(order["order-lines"][0]["quantity"]) == approved + 2


def test_everything_people_do_later_is_possible_in_coupa(later: Living) -> None:
    assert later.coupa.problems == []
    assert later.order(later.po("approval_pending"))["status"] == "issued"
    numbers = {one["po-number"] for one in later.coupa.parts()["purchase_orders"]()}
    assert not numbers & {later.po("withdrawn"), later.po("requisition_rejected")}
    assert later.order(later.po("cancelled_by_person_after_order"))["status"] == "cancelled"
    (line,) = later.order(later.po("received_by_person"))["order-lines"]
    assert Decimal(line["received"]) == Decimal(line["quantity"])


def test_every_step_of_every_fate_finds_what_it_is_about(later: Living) -> None:
    assert [one for one in later.amazon.happened if "nothing" in one] == []
    assert later.amazon.pending == []


def test_the_same_happens_where_amazons_interfaces_name_lines_and_shipments_differently(later: Living) -> None:
    other = Living("buying", ids="different")
    other.place_all()
    other.advance(12)
    assert [(one["at"], one["event"]) for one in other.amazon.happened] == [
        (one["at"], one["event"]) for one in later.amazon.happened
    ]
    assert [one for one in other.amazon.happened if "nothing" in one] == []


def test_amazon_accepts_what_the_facts_say_it_has(later: Living) -> None:
    assert (later.units("short_units", "acceptedItems"), later.units("short_units", "rejectedItems")) == (3, 3)
    assert (later.units("refused_line", "acceptedItems"), later.units("refused_line", "rejectedItems")) == (1, 2)
    assert later.units("all_refused", "acceptedItems") == 0
    assert len(later.amazon_rows("orders", "several_sellers")) == 2
    assert len(later.answers[later.po("fifty_one_lines")]) == 2


def test_orders_end_as_their_situation_says(later: Living) -> None:
    assert later.deliveries("two_shipments") == ["DELIVERED", "DELIVERED"]
    assert later.deliveries("late_delivery") == ["DELIVERED"]
    assert [row["orderStatus"] for row in later.amazon_rows("orders", "cancelled_before_shipping")] == ["CANCELLED"]
    assert later.shipped("cancelled_before_shipping") == 0
    assert later.shipped("partly_cancelled") == 3
    assert set(later.deliveries("undeliverable")) == {"NOT_DELIVERED"}
    assert sorted(later.deliveries("partial_po_receipt")) == ["DELIVERED", "DELIVERED", "NOT_DELIVERED"]
    fact = later.fact("over_shipment")
    sent = [row["quantity"] for row in later.amazon_rows("shipment_lines", "over_shipment")]
    assert int(fact["shipped"]) == 3
    assert max(sent) == 3


def test_money_moves_as_the_situations_say(later: Living) -> None:
    assert sorted(later.transactions("cancelled_after_charge")) == ["CHARGE", "REFUND"]
    assert sorted(later.transactions("undeliverable")) == ["CHARGE", "REFUND"]
    assert sorted(later.transactions("returned_goods")) == ["CHARGE", "REFUND"]
    assert sorted(later.transactions("goodwill_refund")) == ["CHARGE", "REFUND"]
    assert later.transactions("plain_purchase").count("REFUND") == 0
    (line, *_) = later.amazon_rows("order_lines", "price_changed")
    assert f"{line['unitPrice']['amount']:.2f}" == later.fact("price_changed")["price"]


def test_the_story_is_delivered_and_charged_within_six_days() -> None:
    living = Living("tiny")
    number = living.sandbox.world.facts["story"]
    living.place(living.order(number))
    living.advance(6)
    rows = [row for row in living.amazon.parts()["shipments"]() if row.get("purchaseOrderNumber") == number]
    assert [row["deliveryInfo"]["status"] for row in rows] == ["DELIVERED", "DELIVERED"]
    charges = living.feed(number)
    assert len(charges) == 2
    assert all(row["invoiceNumber"] for row in charges)
