"""Every scenario is the same world each time, obeys Coupa's rules, and refuses what it does not understand."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import Timeline
from sandbox.coupa.state import CoupaState
from sandbox.scenarios import build, names
from sandbox.scenarios.orders_report import SAMPLE, read_orders_report
from sandbox.seed import World

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
EXPECTED = {
    "quarter", "clean", "tiny", "split_shipments", "refund", "overrefund", "promotion", "regulatory_fee", "tax_exempt",
    "no_po_number", "number_appears_later", "consolidated",
}  # fmt: skip


def as_text(world: World) -> str:
    return json.dumps(asdict(world), default=str)


def test_the_promised_scenarios_are_listed_with_one_line_each() -> None:
    listed = names()
    assert listed.keys() >= EXPECTED
    assert all(title and "\n" not in title for title in listed.values())


@pytest.mark.parametrize("name", names())
def test_the_same_seed_gives_the_same_world(name: str) -> None:
    assert as_text(build(name, 7, NOW)) == as_text(build(name, 7, NOW))


@pytest.mark.parametrize("name", ["quarter", "clean", "tiny"])
def test_another_seed_gives_another_world(name: str) -> None:
    assert as_text(build(name, 7, NOW)) != as_text(build(name, 8, NOW))


def test_wire_documents_are_plain_json() -> None:
    world = build("quarter", 7, NOW)
    for kind in ("orders", "order_lines", "shipments", "shipment_lines", "transactions", "invoice_details", "payments"):
        for row in getattr(world.amazon, kind):
            assert json.loads(json.dumps(row.document)) == row.document
    assert all(json.loads(json.dumps(record.body)) == record.body for record in world.coupa.records)


def problems_in_coupa(world: World) -> list[str]:
    """Creates every record by Coupa's own rules, the future ones too."""
    clock = StandingClock(world.now)
    state, timeline = CoupaState(), Timeline()
    state.load(world.coupa, clock, timeline)
    clock.moment = world.now + timedelta(days=30)
    timeline.run_due(clock.moment)
    made = state.instance.table("receiving_transactions"), state.instance.table("purchase_orders")
    wanted = Counter(record.resource for record in world.coupa.records)
    happened = Counter(event.name for event in world.coupa.events)
    assert [len(table) for table in made] == [
        wanted["receiving_transactions"] + happened["receive"],
        wanted["purchase_orders"] + happened["approve"],
    ]
    return state.problems


class StandingClock:
    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


@pytest.mark.parametrize("name", names())
def test_coupa_accepts_every_record_of_a_scenario(name: str) -> None:
    assert problems_in_coupa(build(name, 3, NOW)) == []


@pytest.mark.parametrize("make", [lambda ids: read_orders_report(SAMPLE, ids=ids)])
@pytest.mark.parametrize("ids", ["equal", "different"])
def test_coupa_accepts_every_record_of_the_sample_report(make: Callable[[str], World], ids: str) -> None:
    assert problems_in_coupa(make(ids)) == []


def test_orders_scale_the_quarter_and_the_clean_world() -> None:
    small, large = build("quarter", 1, NOW, orders=100), build("quarter", 1, NOW, orders=600)
    assert len(large.amazon.orders) > 5 * len(small.amazon.orders)
    assert large.facts["situations"]["paid_by_card"]["count"] == 120
    clean = build("clean", 1, NOW, orders=30, lines=3)
    assert clean.facts["counts"]["invoice_numbers"] == 30
    assert clean.facts["counts"]["transaction_lines"] == 90
    assert clean.facts["situations"] == {}


def test_an_unknown_scenario_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no scenario 'quartr'; there are quarter, clean"):
        build("quartr", 1, NOW)


def test_an_unknown_option_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"refund has no option orders; it has ids"):
        build("refund", 1, NOW, orders=5)


def test_an_unknown_ids_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="choose equal or different"):
        build("tiny", 1, NOW, ids="random")


def test_a_now_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        build("tiny", 1, NOW.replace(tzinfo=None))


def test_only_in_japan_invoices_carry_the_sellers_number() -> None:
    def numbers(scenario: str) -> set[str]:
        rows = [row for one in build(scenario, 1, NOW).amazon.invoice_details for row in one.document["invoiceDetails"]]
        return {row.get("sellerInformation", {}).get("registrationNumber", "none") for row in rows}

    assert numbers("sellers") == numbers("quarter") == {"none"}
    assert numbers("sellers_in_japan") == {"T1234567890123", "T9876543210987", "none"}
