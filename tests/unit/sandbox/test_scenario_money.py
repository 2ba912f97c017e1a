"""Not a cent appears or disappears between the parts of a charge, the line, the transaction and the facts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sandbox.scenarios import build, names
from sandbox.scenarios.orders_report import SAMPLE, read_orders_report
from sandbox.seed import Json, World

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PARTS = ("principalAmount", "shippingCharge", "giftWrappingCharge", "regulatoryFee", "discount", "tax")


def all_worlds() -> Iterator[World]:
    for name in names():
        yield build(name, 5, NOW)
    yield read_orders_report(SAMPLE)


WORLDS = list(all_worlds())


def amount(money: Json | None) -> Decimal:
    if money is None:
        return Decimal(0)
    assert isinstance(money["amount"], str), "Reconciliation writes amounts as text"
    return Decimal(money["amount"])


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_each_line_total_is_the_sum_of_its_parts(world: World) -> None:
    for row in world.amazon.transactions:
        for line in row.document["transactionLineItems"]:
            assert amount(line["totalAmount"]) == sum(amount(line.get(part)) for part in PARTS), row.document


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_each_transaction_is_the_sum_of_its_lines_unless_stated_as_authorised_only(world: World) -> None:
    stated = world.facts["situations"].get("authorised_amount", {"documents": []})["documents"]
    different = []
    for row in world.amazon.transactions:
        lines = sum(amount(line["totalAmount"]) for line in row.document["transactionLineItems"])
        if amount(row.document["amount"]) != lines:
            different.append((row.document["transactionId"], row.document["amount"]["amount"], str(lines)))
    assert sorted(different) == sorted((fact["transaction"], fact["amount"], fact["lines"]) for fact in stated)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_an_authorised_amount_becomes_that_of_its_lines_within_a_day(world: World) -> None:
    for row in world.amazon.transactions:
        settled = row.at(row.since + timedelta(days=1))
        assert settled is not None
        assert amount(settled["amount"]) == sum(amount(line["totalAmount"]) for line in settled["transactionLineItems"])


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_facts_state_the_money_of_the_feed_per_currency(world: World) -> None:
    everything: dict[str, Decimal] = {}
    visible: dict[str, Decimal] = {}
    for row in world.amazon.transactions:
        for line in row.document["transactionLineItems"]:
            currency, total = line["totalAmount"]["currencyCode"], amount(line["totalAmount"])
            everything[currency] = everything.get(currency, Decimal(0)) + total
            if row.since <= world.now:
                visible[currency] = visible.get(currency, Decimal(0)) + total
    assert world.facts["money"] == {currency: str(total) for currency, total in sorted(everything.items())}
    assert world.facts["at_now"]["money"] == {currency: str(total) for currency, total in sorted(visible.items())}
    assert world.facts["at_now"]["transactions"] == sum(row.since <= world.now for row in world.amazon.transactions)


@pytest.mark.parametrize("name", ["quarter", "refund", "overrefund"])
def test_refunds_are_negative_and_charges_positive(name: str) -> None:
    for row in build(name, 5, NOW).amazon.transactions:
        total = amount(row.document["amount"])
        assert total > 0 if row.document["transactionType"] == "CHARGE" else total < 0


@pytest.mark.parametrize("name", ["quarter", "promotion", "split_shipments"])
def test_reporting_shows_the_same_money_as_the_charges(name: str) -> None:
    """Shipment by shipment; what Reporting writes is a JSON number, its decimal text is exact."""
    world = build(name, 5, NOW)
    charged: dict[str, Decimal] = {}
    for row in world.amazon.transactions:
        if row.document["transactionType"] == "CHARGE":
            for line in row.document["transactionLineItems"]:
                charged[line["shipmentId"]] = charged.get(line["shipmentId"], Decimal(0)) + amount(line["totalAmount"])
    reported = {
        row.document["shipmentMetadata"]["shipmentId"]: net_total(row.document) for row in world.amazon.shipments
    }
    assert {shipment: reported[shipment] for shipment in charged} == charged


def net_total(document: Json) -> Decimal:
    (total,) = [one["amount"]["amount"] for one in document["charges"] if one["type"] == "NET_TOTAL"]
    assert isinstance(total, float)
    return Decimal(str(total)).quantize(Decimal("0.01"))


def test_free_shipping_is_shipping_and_an_equal_discount() -> None:
    world = build("promotion", 5, NOW)
    (order,) = [fact["order"] for fact in world.facts["situations"]["free_shipping"]["documents"]]
    lines = [one for row in world.amazon.transactions for one in row.document["transactionLineItems"]]
    (line,) = [one for one in lines if one["orderId"] == order and "shippingCharge" in one]
    assert amount(line["shippingCharge"]) == -amount(line["discount"]) > 0
