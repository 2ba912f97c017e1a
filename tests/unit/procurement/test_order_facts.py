"""Facts of an order: whatever order its observations come in, however often, they end the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from procurement.order_changes import find_changes
from procurement.order_facts import (
    LineFacts,
    OrderFacts,
    PackageFacts,
    ShipmentFacts,
    join_all_orders,
    join_orders,
    read_order,
    write_order,
)
from procurement.order_lines import order_lines
from procurement.placed_facts import PlacedFacts

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
moments = st.integers(0, 40).map(lambda hours: START + timedelta(hours=6 * hours))
maybe = st.none() | moments
words = st.sampled_from(("A", "B", "C"))
packages = st.builds(
    PackageFacts,
    package_id=st.sampled_from(("1", "2")),
    asked_at=moments,
    status=st.sampled_from((None, "SHIPPED", "DELAYED", "DELIVERED", "RETURNED", "NEW_WORD")),
    delivered_at=maybe,
)
shipments = st.builds(
    ShipmentFacts,
    order_id=st.just("113-1"),
    shipment_id=st.sampled_from(("S1", "S2")),
    order_line_id=st.sampled_from(("L1", "L2")),
    quantity=st.integers(0, 5),
    po_number=st.none() | words,
    po_line_number=st.none() | words,
    asin=st.none() | words,
    shipped_at=maybe,
    carrier=st.none() | words,
    packages=st.lists(st.tuples(st.sampled_from(("1", "2")), words), max_size=2, unique=True).map(sorted).map(tuple),
    expected_at=maybe,
    first_expected_at=maybe,
    delivered_seen=maybe,
    tracking_status=st.sampled_from((None, "SHIPPED", "DELAYED", "DELIVERED", "RETURNED", "NEW_WORD")),
    delivered_at=maybe,
    tracked=st.lists(packages, max_size=2, unique_by=lambda one: one.package_id).map(
        lambda some: tuple(sorted(some, key=lambda one: one.package_id))
    ),
    overdue=maybe,
    lost=maybe,
    received_by_people=st.integers(0, 5),
    receiving_status=st.none() | words,
)
lines = st.builds(
    lambda id, ordered, gone, prices, charged, title: LineFacts(
        order_line_id=id, ordered=ordered, left=max(ordered - gone, 0), unit_prices=prices, currency="USD",
        charged=charged, title=title, po_line_number="1",
    ),
    st.sampled_from(("L1", "L2")), st.integers(0, 9), st.integers(0, 9),
    st.lists(st.sampled_from(("9.5", "10", "100")), max_size=2, unique=True).map(
        lambda some: tuple(sorted(some, key=float))
    ),
    st.integers(0, 9), st.sampled_from(("", "Pens")),
)  # fmt: skip
placements = st.builds(
    PlacedFacts,
    external_id=st.sampled_from(("4500-1-1", "4500-1-2")),
    number=st.sampled_from(("1", "2")),
    asin=st.none() | words,
    asked=st.integers(0, 9),
    units=st.integers(0, 9),
    unavailable=st.integers(0, 3),
    unit_prices=st.sets(st.sampled_from(("9.5", "10"))).map(lambda some: tuple(sorted(some, key=float))),
    currency=st.just("USD"),
    first_promise=maybe,
    promise=maybe,
    overdue=maybe,
)
observations = st.builds(
    lambda ordered_at, statuses, ended, refunds, lines, shipments, placed: OrderFacts(
        order_id="113-1", ordered_at=ordered_at, po_number="4500", statuses=tuple(sorted(statuses)), ended_seen=ended,
        refunds=tuple(sorted(refunds)), lines={one.order_line_id: one for one in lines},
        shipments={one.key: one for one in sorted(shipments, key=lambda one: one.key)},
        placed={one.key: one for one in sorted(placed, key=lambda one: one.key)},
    ),
    moments, st.sets(st.sampled_from(("PENDING", "PENDING_FULFILLMENT", "CANCELLED", "CLOSED")), max_size=2), maybe,
    st.sets(st.sampled_from(("R1", "R2"))),
    st.lists(lines, max_size=2, unique_by=lambda one: one.order_line_id).map(
        lambda some: sorted(some, key=lambda one: one.order_line_id)
    ),
    st.lists(shipments, max_size=3, unique_by=lambda one: one.key),
    st.lists(placements, max_size=3, unique_by=lambda one: one.key),
)  # fmt: skip


@given(observations, observations)
def test_it_does_not_matter_which_observation_came_first(one: OrderFacts, other: OrderFacts) -> None:
    assert join_orders(one, other) == join_orders(other, one)


@given(observations, observations, observations)
def test_it_does_not_matter_how_observations_are_grouped(one: OrderFacts, two: OrderFacts, three: OrderFacts) -> None:
    assert join_orders(join_orders(one, two), three) == join_orders(one, join_orders(two, three))


@given(observations, observations)
def test_an_observation_seen_again_changes_nothing(one: OrderFacts, other: OrderFacts) -> None:
    known = join_orders(one, other)
    assert join_orders(known, other) == known
    assert join_orders(known, known) == known


@given(st.lists(observations, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_replayed_repeated_and_shuffled_observations_end_in_the_same_facts_and_changes(
    seen: list[OrderFacts], random: Random
) -> None:
    shuffled = seen + [random.choice(seen) for _ in range(3)]
    random.shuffle(shuffled)

    expected, found = join_all_orders(seen), join_all_orders(shuffled)

    assert found == expected
    assert json.dumps(write_order(found)) == json.dumps(write_order(expected)), "one hash in the ledger"
    assert find_changes(found, unavailable=True) == find_changes(expected, unavailable=True)


@given(observations)
def test_what_the_ledger_keeps_reads_back_the_same(facts: OrderFacts) -> None:
    raw = json.loads(json.dumps(write_order(facts)))
    assert read_order(raw) == facts
    assert write_order(read_order(raw)) == raw


@given(observations, observations)
def test_facts_only_grow(one: OrderFacts, other: OrderFacts) -> None:
    joined = join_orders(one, other)
    for id, line in one.lines.items():
        assert joined.lines[id].ordered >= line.ordered
        assert joined.lines[id].left <= line.left
        assert joined.shipped(id) >= one.shipped(id)
    assert set(one.statuses) <= set(joined.statuses)
    for key, placed in one.placed.items():
        assert joined.placed[key].units >= placed.units


@given(observations, observations)
def test_units_are_counted_by_the_most_that_was_accepted_or_reported_and_never_beyond(
    one: OrderFacts, other: OrderFacts
) -> None:
    joined = replace(join_orders(one, other), statuses=())
    lines = order_lines(joined)
    accepted = sum(placed.units for placed in joined.placed.values())
    reported = sum(line.ordered for line in joined.lines.values())
    assert reported <= sum(line.ordered for line in lines) <= accepted + reported
    if all(line.placed for line in lines):
        assert sum(line.ordered for line in lines) >= accepted, "every reported line is one that we ordered"
    for line in lines:
        assert line.ordered >= line.facts.ordered
        assert 0 <= line.cancelled <= line.ordered
        assert line.left == line.facts.left


def shipment(**more: object) -> ShipmentFacts:
    return ShipmentFacts(**{
        "order_id": "113-1", "shipment_id": "S1", "order_line_id": "L1", "quantity": 2,
        "packages": (("1", "TBA1"), ("2", "TBA2")), **more,
    })  # type: ignore[arg-type]  # fmt: skip


def test_a_planned_shipment_is_not_shipped() -> None:
    planned, sent = shipment(), shipment(shipped_at=START)
    order = OrderFacts(order_id="113-1", ordered_at=START, shipments={planned.key: planned})
    assert order.shipped("L1") == 0
    assert OrderFacts(order_id="113-1", ordered_at=START, shipments={sent.key: sent}).shipped("L1") == 2


def test_by_package_tracking_a_shipment_has_arrived_when_its_last_package_has() -> None:
    first = PackageFacts(package_id="1", asked_at=START, status="DELIVERED", delivered_at=START)
    second = PackageFacts(package_id="2", asked_at=START, status="DELIVERED", delivered_at=START)
    assert not shipment(delivered_at=START, tracked=(first,)).delivered
    assert shipment(delivered_at=START, tracked=(first, second)).delivered


def test_the_report_speaks_of_the_whole_shipment() -> None:
    assert shipment(delivered_seen=START).delivered
    assert shipment(delivered_seen=START).shipped


def test_moments_have_one_text_whatever_their_offset() -> None:
    here = OrderFacts(order_id="113-1", ordered_at=START)
    there = OrderFacts(order_id="113-1", ordered_at=datetime.fromisoformat("2026-03-02T04:00:00-05:00"))
    assert write_order(here) == write_order(there)


def test_facts_that_were_kept_before_placements_were_known_still_read() -> None:
    raw = write_order(OrderFacts(order_id="113-1", ordered_at=START))
    del raw["placed"]
    assert read_order(raw).placed == {}
