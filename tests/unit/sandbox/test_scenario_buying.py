"""Open purchases are what the facts say they are: seen from the wire documents alone, as a pipeline would see them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest

from sandbox.scenarios import build
from sandbox.scenarios.buying_situations import BUYING_SITUATIONS
from sandbox.scenarios.catalog import ARTICLES
from sandbox.seed import CoupaEvent, Json, World

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@cache
def world(name: str = "buying") -> World:
    return build(name, 5, NOW)


def events(name: str, *, of: str = "buying") -> dict[str, CoupaEvent]:
    """By requisition title or PO number."""
    found = [event for event in world(of).coupa.events if event.name == name]
    return {str(event.body.get("req-title") or event.body["po-number"]): event for event in found}


def requisitions(*, of: str = "buying") -> dict[str, CoupaEvent]:
    return {str(event.body["external-po-reference"]): event for event in events("submit_requisition", of=of).values()}


def facts(situation: str, *, of: str = "buying") -> list[Json]:
    return [fact for fact in world(of).facts["buying"] if fact["situation"] == situation]


def lines(situation: str) -> list[Json]:
    """Of the first requisition in that situation."""
    first, *_ = facts(situation)
    found: list[Json] = requisitions()[first["po"]].body["requisition-lines"]
    return found


def offers() -> dict[str, Json]:
    """Everything that can be bought, by offer id, with its ASIN."""
    products = [row.document for row in world().amazon.products]
    return {
        offer["offerId"]: {**offer, "asin": product["asin"]}
        for product in products
        for offer in product["includedDataTypes"]["OFFERS"]
    }


def price(offer: Json) -> Decimal:
    return Decimal(str(offer["price"]["value"]["amount"]))


def growth(line: Json) -> list[Decimal]:
    """Of each offer of the line's article, how much dearer it is than what was approved."""
    return [
        price(one) / Decimal(line["unit-price"]) for one in offers().values() if one["asin"] == line["source-part-num"]
    ]


def test_every_situation_is_there_and_names_its_requisition_and_its_purchase_order() -> None:
    stated = world().facts["buying"]
    assert {fact["situation"] for fact in stated} == BUYING_SITUATIONS.keys()
    assert {fact["po"]: (fact["requisition"], fact["lines"]) for fact in stated} == {
        number: (event.body["req-title"], len(event.body["requisition-lines"]))
        for number, event in requisitions().items()
    }
    assert all(fact["expected"] for fact in stated)


def test_the_quarter_has_them_too_beside_at_least_eight_ordinary_ones_and_its_own_orders_unchanged() -> None:
    count = Counter(fact["situation"] for fact in world("quarter").facts["buying"])
    assert count.keys() == BUYING_SITUATIONS.keys() - {"ordered_elsewhere"}
    assert count["plain_purchase"] >= 8
    numbers = {row.document.get("purchaseOrderNumber") for row in world("quarter").amazon.orders}
    assert not numbers & requisitions(of="quarter").keys()


def test_what_is_open_is_submitted_in_the_last_days_and_approved_hours_before_now() -> None:
    (approved,) = (events("approve")[fact["requisition"]] for fact in facts("expensive"))
    submitted = {number: event.at for number, event in requisitions().items()}
    old = {fact["po"] for fact in facts("old_po")}
    assert all(DAY <= NOW - at <= 3 * DAY for number, at in submitted.items() if number not in old)
    assert timedelta(0) < NOW - approved.at < 12 * HOUR
    assert all(NOW - submitted[number] > 40 * DAY for number in old)


@pytest.mark.parametrize("situation", ["requisition_rejected", "withdrawn"])
def test_what_a_person_stops_in_time_is_approved_by_nobody(situation: str) -> None:
    (fact,) = facts(situation)
    assert fact["requisition"] not in events("approve")
    name = {"requisition_rejected": "reject", "withdrawn": "withdraw_requisition"}[situation]
    assert fact["requisition"] in events(name)


def test_a_pending_approval_comes_when_the_facts_say() -> None:
    (fact,) = facts("approval_pending")
    at = events("approve")[fact["requisition"]].at
    assert at == datetime.fromisoformat(fact["approved_at"]) == NOW + 6 * HOUR


def test_an_ordinary_line_carries_a_current_offer_at_its_price_and_names_the_seller() -> None:
    for line in lines("plain_purchase") + lines("two_shipments") + lines("expensive"):
        offer = offers()[line["supp-aux-part-num"]]
        assert offer["asin"] == line["source-part-num"]
        assert price(offer) == Decimal(line["unit-price"])
        assert offer["merchant"]["name"] == line["custom-fields"]["ab-seller"]


def test_prices_have_grown_by_one_or_by_thirty_percent_as_stated() -> None:
    near, far = lines("price_within_ceiling")[0], lines("price_over_ceiling")[0]
    assert (
        Decimal("1.005") < price(offers()[near["supp-aux-part-num"]]) / Decimal(near["unit-price"]) < Decimal("1.015")
    )
    assert Decimal("1.29") < price(offers()[far["supp-aux-part-num"]]) / Decimal(far["unit-price"]) < Decimal("1.31")


def test_an_offer_that_has_ended_is_in_no_document_and_the_same_seller_has_another_or_none_within_reach() -> None:
    replaced, gone = lines("offer_gone_same_seller")[0], lines("offer_gone")[0]
    assert not {replaced["supp-aux-part-num"], gone["supp-aux-part-num"]} & offers().keys()
    (fact,) = facts("offer_gone_same_seller")
    offer = offers()[fact["offer"]]
    assert (offer["asin"], price(offer)) == (replaced["source-part-num"], Decimal(replaced["unit-price"]))
    assert offer["merchant"]["name"] == replaced["custom-fields"]["ab-seller"]
    assert min(growth(gone)) > Decimal("1.2")


def test_a_cart_id_names_no_offer_and_stands_on_every_line_of_its_cart() -> None:
    (cart,) = {line["supp-aux-part-num"] for line in lines("cart_id")}
    assert cart.startswith("cart-")
    assert cart not in offers()


def test_pieces_are_asked_for_of_what_is_sold_by_the_pack() -> None:
    line = lines("pack_mismatch")[0]
    (product,) = (row.document for row in world().amazon.products if row.document["asin"] == line["source-part-num"])
    assert line["uom"] == {"code": "EA"}
    assert (product["packageTypeNames"], product["bundleQuantity"]) == ([{"displayString": "Pack"}], 12)


def test_what_amazon_will_refuse_is_stated_by_line() -> None:
    fates = world().amazon.fates
    (short,), (refused,), (nothing,) = facts("short_units"), facts("refused_line"), facts("all_refused")
    (missing,) = fates[short["po"]].short.items()
    ordered = next(line for line in lines("short_units") if str(line["line-num"]) == short["line"])
    assert missing == (short["line"], int(ordered["quantity"]) - int(short["available"]))
    assert fates[refused["po"]].refused.keys() == {refused["line"]}
    assert fates[refused["po"]].refused[refused["line"]][0]["rejectionArtifactType"] == "AgeRestriction"
    assert fates[nothing["po"]].refused.keys() == {str(line["line-num"]) for line in lines("all_refused")}


def test_sizes_are_those_the_situations_are_about() -> None:
    assert len(lines("fifty_one_lines")) == 51
    assert len({line["custom-fields"]["ab-seller"] for line in lines("several_sellers")}) == 2
    (expensive,) = facts("expensive")
    line = lines("expensive")[int(expensive["line"]) - 1]
    assert Decimal(line["quantity"]) * Decimal(line["unit-price"]) > 250
    assert [line["commodity"]["name"] for line in lines("asset_line")] == ["Furniture"]


def test_the_unknown_requester_is_a_person_in_coupa_and_nobody_in_the_amazon_group() -> None:
    (fact,) = facts("unknown_requester")
    users = {one.body["email"] for one in world().coupa.records if one.resource == "users"}
    assert fact["requester"] in users
    assert fact["requester"] not in world().amazon.user_emails


def test_amazon_already_shows_an_order_only_for_what_was_ordered_elsewhere() -> None:
    (fact,) = facts("ordered_elsewhere")
    (order,) = world().amazon.orders
    assert order.document["purchaseOrderNumber"] == fact["po"]
    assert order.document["orderMetadata"]["orderId"] == fact["order"]
    assert order.since < NOW


def test_steps_of_a_fate_are_in_order_within_ten_days_and_name_lines_of_the_purchase_order() -> None:
    for number, fate in world().amazon.fates.items():
        hours = [step.hours for step in fate.steps]
        assert hours == sorted(hours)
        assert all(0 < hour <= 240 for hour in hours)
        known = {str(line["line-num"]) for line in requisitions()[number].body["requisition-lines"]}
        assert {step.line for step in fate.steps} <= {*known, None}


def test_the_story_is_an_ordinary_order_of_two_lines_in_two_shipments_that_arrive_within_five_days() -> None:
    for name in ("buying", "quarter", "tiny"):
        number = world(name).facts["story"]
        fate = world(name).amazon.fates[number]
        assert len(requisitions(of=name)[number].body["requisition-lines"]) == 2
        assert [step.event for step in fate.steps] == ["ship", "deliver", "ship", "deliver"]
        assert fate.steps[-1].hours < 5 * 24
        assert not (fate.short or fate.refused)


def test_tiny_has_three_purchases_to_be_ordered() -> None:
    assert [fact["situation"] for fact in world("tiny").facts["buying"]] == [
        "plain_purchase",
        "short_units",
        "returned_goods",
    ]


def test_plain_purchases_come_in_any_number_without_any_deviation() -> None:
    plain = build("buying_plain", 1, NOW, orders=30, lines=4)
    bodies = [event.body for event in plain.coupa.events if event.name == "submit_requisition"]
    assert [len(body["requisition-lines"]) for body in bodies] == [4] * 30
    assert {fact["situation"] for fact in plain.facts["buying"]} == {"plain_purchase"}
    assert plain.amazon.fates == {}
    assert all(event.at < NOW for event in plain.coupa.events)


def test_old_purchase_orders_are_of_the_last_year_and_unknown_to_amazon() -> None:
    old = build("old_pos", 1, NOW)
    issued = [event.at for event in old.coupa.events if event.name == "approve"]
    assert len(issued) == 200
    assert all(60 * DAY < NOW - at < 370 * DAY for at in issued)
    assert old.amazon.orders == []


def test_of_open_orders_as_many_as_asked_for_arrived_today_and_none_is_received() -> None:
    open_orders = build("open_orders", 1, NOW, orders=30, delivered=7)
    read = [row.at(NOW) for row in open_orders.amazon.shipments]
    arrived = [one for one in read if one and one["deliveryInfo"]["status"] == "DELIVERED"]
    assert len(arrived) == 7
    assert [row.at(NOW - 9 * HOUR) for row in open_orders.amazon.shipments].count(None) == 23
    assert not any(
        one and one["deliveryInfo"]["status"] == "DELIVERED"
        for one in (row.at(NOW - 9 * HOUR) for row in open_orders.amazon.shipments)
    )
    assert not any(record.resource == "receiving_transactions" for record in open_orders.coupa.records)
    placed = {
        row.document["purchaseOrderNumber"]: row.document["orderMetadata"]["orderId"]
        for row in open_orders.amazon.orders
    }
    assert placed == {fact["po"]: fact["order"] for fact in open_orders.facts["buying"]}


def test_an_order_of_an_earlier_run_is_written_back_to_its_purchase_order() -> None:
    (record,) = (
        one
        for one in build("open_orders", 1, NOW, orders=1, delivered=0).coupa.records
        if one.resource == "purchase_orders"
    )
    order = record.body["custom-fields"]["ab-order-ids"]
    assert record.body["custom-fields"]["ab-order-status"] == "Order Placed"
    assert {line["supplier-order-number"] for line in record.body["order-lines"]} == {order}
    assert record.body["requisition-header"]["external-po-reference"] == record.body["po-number"]


def test_every_article_is_a_product_with_an_offer_of_its_seller_at_its_price() -> None:
    shown = {row.document["asin"]: row.document for row in world().amazon.products}
    assert shown.keys() == {article.asin for article in ARTICLES}
    for article in ARTICLES:
        first, *others = shown[article.asin]["includedDataTypes"]["OFFERS"]
        assert (first["merchant"]["name"], price(first)) == (article.seller.name, article.price)
        assert all(one["merchant"]["name"] != article.seller.name for one in others)
    assert sum(len(one["includedDataTypes"]["OFFERS"]) > 1 for one in shown.values()) >= 10


def test_the_package_fits_the_unit_of_measure() -> None:
    words = {"EA": [], "PK": ["Pack"], "BX": ["Box"], "CS": ["Case"]}
    shown = {row.document["asin"]: row.document for row in world().amazon.products}
    for article in ARTICLES:
        names = [one["displayString"] for one in shown[article.asin]["packageTypeNames"]]
        assert names == words[article.unit]
        if article.unit == "EA":
            assert shown[article.asin].get("bundleQuantity") in (None, 1)


def test_offer_ids_are_opaque_and_the_same_in_the_same_world_only() -> None:
    def ids(one: World) -> set[str]:
        return {
            offer["offerId"] for row in one.amazon.products for offer in row.document["includedDataTypes"]["OFFERS"]
        }

    assert ids(world()) == ids(build("buying", 5, NOW + 9 * DAY))
    assert not ids(world()) & ids(build("buying", 6, NOW))
    assert len(ids(world())) == len(offers()) > len(ARTICLES)
