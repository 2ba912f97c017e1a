"""What is received, reversed or left to people: one behaviour a test."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from procurement.documents import PurchaseOrderLine
from procurement.receiving import History
from tests.unit.procurement.receiving_world import DEPARTURE, NOW, CoupaLine, only, po_line, posted, shipment

FRIDAY = NOW + timedelta(days=4)


def test_a_delivered_shipment_is_received_with_its_units_its_day_and_the_invoices_shipment_id() -> None:
    decision = only(CoupaLine().decide(shipment(match_reference="DhA1")))
    assert decision.post is not None
    assert (decision.post.units, decision.post.received_at, decision.post.match_reference) == (2, NOW, "DhA1")


def test_trackings_moment_outranks_the_day_the_report_said_so() -> None:
    earlier = NOW - timedelta(days=1)
    decision = only(CoupaLine().decide(shipment(delivered_at=earlier)))
    assert decision.post is not None and decision.post.received_at == earlier


def test_what_has_not_arrived_waits() -> None:
    decision = only(CoupaLine().decide(shipment(delivered_seen=None, shipped_at=NOW, expected_at=NOW)))
    assert (decision.state, decision.reason, decision.post) == ("waiting", "not delivered yet", None)


def test_a_partial_delivery_is_received_and_the_rest_when_it_comes() -> None:
    coupa = CoupaLine()
    assert posted(coupa.settle(shipment(1, 2), shipment(2, 3, delivered_seen=None, shipped_at=NOW))) == [2, None]
    assert posted(coupa.settle(shipment(1, 2), shipment(2, 3))) == [None, 3]
    assert coupa.received == 5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (po_line(match_type="2-way"), "its match type is 2-way"),
        (po_line(match_type="none"), "its match type is none"),
        (po_line(receipt_required=False), "none is required"),
        (po_line(match_type="direct_matching", receipt_required=False), "none is required"),
    ],
)
def test_a_line_that_needs_no_receipt_gets_none(line: PurchaseOrderLine, reason: str) -> None:
    decision = only(CoupaLine(line).decide(shipment()))
    assert (decision.state, decision.post) == ("skipped", None)
    assert decision.reason == f"the PO line needs no receipt: {reason}"


def test_a_line_received_by_amount_is_left_to_a_person() -> None:
    decision = only(CoupaLine(po_line(None)).decide(shipment()))
    assert decision.state == "held" and "by hand" in decision.reason


def test_what_a_person_received_is_not_received_again_and_says_by_whom() -> None:
    coupa = CoupaLine()
    coupa.receive(2, by="Ana Buyer")
    decision = only(coupa.decide(shipment()))
    assert (decision.state, decision.reason, decision.post) == ("skipped", "received by Ana Buyer", None)


def test_a_person_who_received_part_leaves_the_rest_to_us() -> None:
    coupa = CoupaLine()
    coupa.receive(1)
    assert posted(coupa.settle(shipment(1, 3))) == [2]
    assert only(coupa.decide(shipment(1, 3))).reason == "received, partly by Ana Buyer"


def test_a_persons_receipt_covers_the_shipment_whose_id_it_carries() -> None:
    coupa = CoupaLine()
    coupa.receive(2, match_reference="S2")
    decisions = coupa.decide(shipment(1), shipment(2))
    assert posted(decisions) == [2, None]


def test_what_a_person_voided_of_ours_is_not_posted_again() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment())
    coupa.void(1)
    decision = only(coupa.decide(shipment()))
    assert decision.post is None and "taken back by a person" in decision.reason


def test_goods_that_a_person_sent_back_are_not_received_again() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment())
    returned = coupa.receive(1)
    coupa.receipts[-1] = replace(returned, kind=DEPARTURE)
    assert posted(coupa.decide(shipment())) == [None]


def test_returned_goods_void_the_receipt_while_nothing_is_invoiced() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment())
    decision = only(coupa.settle(shipment(went_back=2, cause="tracking says RETURNED")))
    assert [(one.receipt_id, one.whole) for one in decision.reversals] == [(1, True)]
    assert decision.reason == "2 units went back: tracking says RETURNED"
    assert coupa.received == 0


def test_returned_goods_that_are_invoiced_are_returned_not_voided() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment())
    coupa.line = structs.replace(coupa.line, invoiced=Decimal(2))
    decision = only(coupa.settle(shipment(went_back=2)))
    assert [(one.receipt_id, one.units, one.whole) for one in decision.reversals] == [(1, 2, False)]
    assert coupa.received == 0


def test_part_of_a_receipt_is_returned() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment(1, 3))
    decision = only(coupa.settle(shipment(1, 3, went_back=1)))
    assert [(one.units, one.whole) for one in decision.reversals] == [(1, False)]
    assert coupa.received == 2


def test_after_a_partial_return_the_rest_is_returned_too_never_voided() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment(1, 3))
    coupa.settle(shipment(1, 3, went_back=1))
    decision = only(coupa.settle(shipment(1, 3, went_back=3)))
    assert [(one.units, one.whole) for one in decision.reversals] == [(2, False)]
    assert coupa.received == 0


def test_a_reversal_stands_when_amazon_later_says_something_else() -> None:
    """REFUND_ISSUED follows RETURNED and says nothing of goods: they are still gone."""
    coupa = CoupaLine()
    coupa.settle(shipment())
    coupa.settle(shipment(went_back=2))
    assert posted(coupa.settle(shipment(went_back=0))) == [None]
    assert coupa.received == 0


def test_goods_a_person_already_returned_are_not_reversed_twice() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment())
    returned = coupa.receive(2)
    coupa.receipts[-1] = replace(returned, kind=DEPARTURE, original_id=1)
    assert only(coupa.decide(shipment(went_back=2))).reversals == ()


def test_goods_returned_in_coupa_without_naming_the_receipt_are_not_reversed_twice() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment())
    returned = coupa.receive(2)
    coupa.receipts[-1] = replace(returned, kind=DEPARTURE)
    assert only(coupa.decide(shipment(went_back=2))).reversals == ()


def test_a_persons_receipt_of_returned_goods_is_theirs_to_take_back() -> None:
    coupa = CoupaLine()
    coupa.receive(2)
    decision = only(coupa.decide(shipment(went_back=2)))
    assert (decision.state, decision.reversals) == ("held", ())
    assert "Ana Buyer received them" in decision.reason


def test_goods_that_came_back_before_anybody_received_them_are_not_received() -> None:
    decision = only(CoupaLine().decide(shipment(went_back=2)))
    assert (decision.state, decision.reason) == ("skipped", "went back to Amazon before it was received")


def test_undeliverable_goods_end_the_wait() -> None:
    gone = shipment(delivered_seen=None, shipped_at=NOW, tracking_status="UNDELIVERABLE", went_back=2)
    decision = only(CoupaLine().decide(gone))
    assert (decision.state, decision.reason) == ("skipped", "never arrived: UNDELIVERABLE")


def test_an_unclear_return_of_received_goods_is_held() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment())
    decision = only(coupa.decide(shipment(unclear="one of two packages came back")))
    assert (decision.state, decision.reason, decision.reversals) == ("held", "one of two packages came back", ())


def test_more_units_of_the_same_shipped_line_are_received_on_top() -> None:
    coupa = CoupaLine()
    coupa.settle(shipment(1, 2))
    assert posted(coupa.settle(shipment(1, 3))) == [1]
    assert [one.external_id for one in coupa.receipts] == ["112-1/S1/L1/1", "112-1/S1/L1/2"]


def test_refused_over_receipt_leaves_the_excess_to_a_person() -> None:
    decision = only(CoupaLine(po_line(3)).decide(shipment(1, 5)))
    assert decision.post is not None and decision.post.units == 3
    assert (decision.state, decision.notes[0].kind) == ("held", "over_receipt")
    assert "2 units not received" in decision.reason


def test_over_receipt_within_the_tolerance_is_received() -> None:
    coupa = CoupaLine(po_line(10))
    decision = only(coupa.decide(shipment(1, 12), over_receipt="tolerance", over_receipt_percent=15))
    assert decision.post is not None and decision.post.units == 11
    assert decision.state == "held"


def test_accepted_over_receipt_carries_a_note() -> None:
    decision = only(CoupaLine(po_line(3)).decide(shipment(1, 5), over_receipt="accept"))
    assert decision.post is not None and decision.post.units == 5
    assert "which orders 3; all are received" in (decision.post.note or "")
    assert decision.notes[0].kind == "over_receipt"


def test_dear_goods_wait_for_a_person_who_is_asked_once() -> None:
    coupa = CoupaLine()
    decision = only(coupa.decide(shipment(), automatic_up_to="19.99"))
    assert (decision.state, decision.ask, decision.post, decision.recheck) == ("waiting", "requester", None, True)
    assert "worth USD 20.00, automatic up to 19.99" in decision.reason
    asked = shipment(history=History(asked_at=NOW))
    assert only(coupa.decide(asked, automatic_up_to="19.99", now=NOW + timedelta(days=4))).ask is None


def test_goods_worth_exactly_the_limit_are_received() -> None:
    assert only(CoupaLine().decide(shipment(), automatic_up_to=20)).post is not None


def test_the_limit_counts_everything_we_receive_on_the_line() -> None:
    decisions = CoupaLine().decide(shipment(1), shipment(2), automatic_up_to=30)
    assert posted(decisions) == [2, None]
    assert [decision.ask for decision in decisions.values()] == [None, "requester"]


def test_silence_tells_the_manager_once_and_never_receives() -> None:
    later = NOW + timedelta(days=5)
    silent = only(CoupaLine().decide(shipment(history=History(asked_at=NOW)), automatic_up_to=1, now=later))
    assert (silent.ask, silent.post) == ("manager", None)
    told = shipment(history=History(asked_at=NOW, escalated=True))
    much_later = only(CoupaLine().decide(told, automatic_up_to=1, now=later + timedelta(days=300)))
    assert (much_later.state, much_later.ask, much_later.post) == ("waiting", None, None)


def test_a_persons_receipt_settles_the_question() -> None:
    coupa = CoupaLine()
    coupa.receive(2, by="Rex Requester")
    decision = only(coupa.decide(shipment(history=History(asked_at=NOW)), automatic_up_to=1))
    assert (decision.state, decision.reason) == ("skipped", "received by Rex Requester")


def test_assets_are_never_received_without_a_person() -> None:
    coupa = CoupaLine(po_line(commodity="Furniture"))
    decision = only(coupa.decide(shipment(), asset_commodities=["Furniture"], automatic_up_to=100_000))
    assert decision.post is None and "Furniture is an asset" in decision.reason


@pytest.mark.parametrize("word", ["ITEMS_MISSING", "PARTIALLY_RECEIVED"])
def test_what_people_told_amazon_of_missing_goods_asks_a_person(word: str) -> None:
    decision = only(CoupaLine().decide(shipment(receiving_status=word)))
    assert (decision.post, decision.ask) == (None, "requester")


def test_a_unit_that_may_differ_is_held_and_never_guessed() -> None:
    decision = only(CoupaLine().decide(shipment(unit_conflict="EA against packs of 12")))
    assert (decision.state, decision.reason, decision.post) == ("held", "EA against packs of 12", None)
    assert decision.notes[0].kind == "unit_of_measure"


def test_a_missing_answer_stops_the_whole_po_line() -> None:
    decisions = CoupaLine().decide(shipment(1, history=History(unsettled=True)), shipment(2))
    assert {(decision.state, decision.post, decision.recheck) for decision in decisions.values()} == {
        ("waiting", None, True)
    }


def test_nothing_new_is_sent_while_a_dead_letter_is_open() -> None:
    decision = only(CoupaLine().decide(shipment(history=History(stuck="its receipt is a dead letter"))))
    assert (decision.post, decision.reason) == (None, "its receipt is a dead letter")


def test_direct_matching_waits_for_the_invoices_shipment_id_then_goes_on_with_a_finding() -> None:
    coupa = CoupaLine(po_line(match_type="direct_matching"))
    waiting = only(coupa.decide(shipment(match_reference=None), now=FRIDAY))
    assert (waiting.state, waiting.post, waiting.recheck) == ("waiting", None, True)
    decision = only(coupa.decide(shipment(match_reference=None), now=NOW + timedelta(days=5)))
    assert decision.post is not None and decision.post.match_reference == "S1"
    assert [note.kind for note in decision.notes] == ["match_reference_unknown"]


def test_other_lines_do_not_wait_for_the_invoices_shipment_id() -> None:
    decision = only(CoupaLine().decide(shipment(match_reference=None)))
    assert decision.post is not None and decision.notes == ()
    always = only(CoupaLine().decide(shipment(match_reference=None), wait_for_match_reference="always"))
    assert always.post is None


def test_near_a_months_end_a_receipt_waits_a_while_for_trackings_moment() -> None:
    seen = NOW.replace(day=30)
    late = shipment(delivered_seen=seen)
    assert only(CoupaLine().decide(late, now=seen)).post is None
    after = only(CoupaLine().decide(late, now=seen + timedelta(days=2)))
    assert after.post is not None and after.post.received_at == seen


def test_a_parcel_that_was_given_up_is_a_persons_matter_until_it_arrives() -> None:
    promised = NOW - timedelta(days=50)
    gone = shipment(quantity=2, delivered_seen=None, shipped_at=promised, expected_at=promised, lost=promised)
    (decision,) = CoupaLine().decide(gone).values()
    assert (decision.state, decision.post, decision.recheck) == ("held", None, False)
    assert "2 units of PO 4500 line 1 never arrived" in decision.reason and f"{promised:%Y-%m-%d}" in decision.reason
    assert [(note.kind, note.expected, note.actual) for note in decision.notes] == [("parcel_lost", 2, 0)]
    (back,) = CoupaLine().decide(replace(gone, went_back=2, cause="refunded")).values()
    assert back.state == "skipped"
    arrived = replace(gone, facts=replace(gone.facts, delivered_seen=NOW))
    (found,) = CoupaLine().decide(arrived).values()
    assert found.post is not None and found.post.units == 2
