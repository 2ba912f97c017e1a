"""What must hold for every course of events: no unit is received that Amazon did not deliver, and none is lost."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from procurement.receiving import Shipment
from tests.unit.procurement.receiving_world import DEPARTURE, NOW, PEOPLE, CoupaLine, po_line, shipment

EVENTS = st.one_of(
    st.tuples(st.just("deliver"), st.integers(0, 2)),
    st.tuples(st.just("go_back"), st.integers(0, 2), st.integers(1, 4)),
    st.tuples(st.just("forget"), st.integers(0, 2)),  # a later word of tracking hides that it came back
    st.tuples(st.just("receive"), st.integers(1, 4), st.sampled_from([None, "S0", "S1"])),
    st.tuples(st.just("give_back"), st.integers(1, 3)),  # a person returns goods in Coupa
    st.tuples(st.just("take_back"), st.integers(1, 4)),  # a person voids a receipt in Coupa
    st.tuples(st.just("invoice"), st.integers(1, 3)),
    st.tuples(st.just("look"), st.integers(1, 2)),
)
PEOPLES = ("receive", "forget", "give_back", "take_back")
QUANTITIES = st.lists(st.integers(1, 4), min_size=1, max_size=3)


class Story:
    """Amazon's side of one PO line, and Coupa's; `people` are the units that people received."""

    def __init__(self, quantities: list[int], **choices: Any) -> None:
        self.coupa = CoupaLine(po_line(sum(quantities)))
        self.shipments = [
            shipment(number, quantity, delivered_seen=None, shipped_at=NOW)
            for number, quantity in enumerate(quantities)
        ]
        self.choices = {"automatic_up_to": 10_000, **choices}
        self.people = 0

    def happen(self, event: tuple[Any, ...]) -> None:
        kind, *details = event
        if kind == "look":
            for _ in range(details[0]):
                self.look()
        elif kind == "receive":
            self.people += details[0]
            self.coupa.receive(details[0], match_reference=details[1])
        elif kind == "give_back":
            units = min(Decimal(details[0]), self.coupa.received)
            if units:
                returned = self.coupa.receive(int(units))
                self.coupa.receipts[-1] = replace(returned, kind=DEPARTURE)
        elif kind == "take_back":
            if any(
                one.id == details[0] and one.arrives and one.live <= self.coupa.received for one in self.coupa.receipts
            ):
                self.coupa.void(details[0])
        elif kind == "invoice":
            self.coupa.line = structs.replace(self.coupa.line, invoiced=Decimal(details[0]))
        elif details[0] < len(self.shipments):
            self.shipments[details[0]] = self._changed(self.shipments[details[0]], kind, details[1:])

    def _changed(self, one: Shipment, kind: str, details: list[int]) -> Shipment:
        if kind == "deliver":
            return replace(one, facts=replace(one.facts, delivered_seen=NOW))
        if one.facts.delivered_seen is None:
            return one
        if kind == "forget":
            return replace(one, went_back=0)
        return replace(one, went_back=max(one.went_back, min(details[0], one.facts.quantity)), cause="a return")

    def look(self) -> None:
        before = self.coupa.received
        self.coupa.settle(*self.shipments, **self.choices)
        added = sum(
            (one.quantity for one in self.coupa.receipts if one.by != PEOPLE and one.arrives and one.voided == 0),
            Decimal(0),
        )
        assert added <= self.delivered
        assert self.coupa.received <= max(before, self.delivered)

    @property
    def delivered(self) -> int:
        return sum(one.facts.quantity for one in self.shipments if one.facts.delivered_seen is not None)

    @property
    def wanted(self) -> int:
        return self.delivered - sum(one.went_back for one in self.shipments)


@settings(max_examples=300, deadline=None)
@given(QUANTITIES, st.lists(EVENTS, max_size=12))
def test_we_never_receive_more_than_amazon_delivered_whatever_people_do(
    quantities: list[int], events: list[Any]
) -> None:
    story = Story(quantities)
    for event in [*events, ("look", 2)]:
        story.happen(event)


@settings(max_examples=300, deadline=None)
@given(QUANTITIES, st.lists(EVENTS.filter(lambda event: event[0] not in PEOPLES), max_size=12))
def test_in_the_end_coupa_has_received_what_was_delivered_and_did_not_go_back(
    quantities: list[int], events: list[Any]
) -> None:
    story = Story(quantities)
    for event in [*events, ("look", 2)]:
        story.happen(event)
    assert story.coupa.received == story.wanted


@settings(max_examples=200, deadline=None)
@given(QUANTITIES, st.lists(EVENTS, max_size=12))
def test_looking_again_changes_nothing(quantities: list[int], events: list[Any]) -> None:
    story = Story(quantities)
    for event in [*events, ("look", 2)]:
        story.happen(event)
    receipts = list(story.coupa.receipts)
    story.look()
    assert story.coupa.receipts == receipts


@settings(max_examples=200, deadline=None)
@given(QUANTITIES, st.lists(EVENTS.filter(lambda event: event[0] in ("deliver", "receive", "look")), max_size=10))
def test_what_people_received_in_time_is_completed_and_not_repeated(quantities: list[int], events: list[Any]) -> None:
    story = Story(quantities)
    for event in events:
        story.happen(event)
    ours = story.coupa.received - story.people
    story.happen(("look", 2))
    assert story.coupa.received == max(story.people + ours, story.delivered)


@settings(max_examples=200, deadline=None)
@given(QUANTITIES, st.lists(EVENTS.filter(lambda event: event[0] != "forget"), max_size=12), st.integers(0, 6))
def test_refusing_over_receipts_never_passes_what_the_line_orders(
    quantities: list[int], events: list[Any], ordered: int
) -> None:
    story = Story(quantities)
    story.coupa.line = po_line(max(ordered, 1))
    for event in [*events, ("look", 2)]:
        before = story.coupa.received
        story.happen(event)
        if event[0] == "look":
            assert story.coupa.received <= max(before, Decimal(max(ordered, 1)))
