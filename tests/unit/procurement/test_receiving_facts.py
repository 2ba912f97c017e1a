"""What counts as delivered, when tracking is asked, what went back, and whether units are the same."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from procurement.order_facts import PackageFacts
from procurement.receiving_facts import ReturnedUnits, arrived, near_month_end, wants_tracking, what_went_back
from procurement.receiving_units import pack_size, unit_conflict
from tests.unit.procurement.receiving_world import NOW, facts, policies

MONTH_END = datetime(2026, 6, 29, 12, tzinfo=UTC)
TWO = (("1", "TBA1"), ("2", "TBA2"))


def package(number: str, status: str | None = None, *, delivered: bool = False) -> PackageFacts:
    return PackageFacts(package_id=number, asked_at=NOW, status=status, delivered_at=NOW if delivered else None)


def test_by_default_all_packages_must_have_arrived() -> None:
    one = facts(delivered_seen=None, delivered_at=NOW, packages=TWO, tracked=(package("1", delivered=True),))
    assert not arrived(one, policies())
    assert arrived(one, policies(received_when="first_package"))
    both = facts(
        delivered_seen=None,
        delivered_at=NOW,
        packages=TWO,
        tracked=(package("1", delivered=True), package("2", delivered=True)),
    )
    assert arrived(both, policies())


def test_tracking_is_asked_by_policy() -> None:
    usual, late = facts(delivered_seen=NOW), facts(delivered_seen=MONTH_END)
    assert [wants_tracking(one, policies()) for one in (usual, late)] == [False, True]
    assert [wants_tracking(one, policies(tracking="always")) for one in (usual, late)] == [True, True]
    assert [wants_tracking(one, policies(tracking="never")) for one in (usual, late)] == [False, False]


def test_tracking_is_asked_once_after_the_report_says_delivered() -> None:
    before = PackageFacts(package_id="1", asked_at=MONTH_END - timedelta(days=1))
    after = PackageFacts(package_id="1", asked_at=MONTH_END)
    assert wants_tracking(facts(delivered_seen=MONTH_END, tracked=(before,)), policies())
    assert not wants_tracking(facts(delivered_seen=MONTH_END, tracked=(after,)), policies())
    assert not wants_tracking(facts(delivered_seen=MONTH_END, delivered_at=MONTH_END), policies())
    assert not wants_tracking(facts(delivered_seen=None), policies(tracking="always"))
    assert not wants_tracking(facts(delivered_seen=MONTH_END, packages=()), policies())


def test_the_months_end_is_the_companys() -> None:
    evening = datetime(2026, 7, 4, 3, tzinfo=UTC)
    assert not near_month_end(evening, 3, "UTC")
    assert near_month_end(evening, 3, "America/Los_Angeles")


def test_tracking_that_says_returned_takes_the_whole_shipment_back() -> None:
    one = facts(tracking_status="RETURNED")
    back = what_went_back([one], [], policies())[one.key]
    assert (back.units, back.cause) == (2, "tracking says RETURNED")


@pytest.mark.parametrize("word", ["DELIVERED", "REFUND_ISSUED", "DELAYED"])
def test_no_other_word_of_tracking_reverses(word: str) -> None:
    one = facts(tracking_status=word, tracked=(package("1", word),))
    assert what_went_back([one], [], policies())[one.key].units == 0


def test_one_of_two_packages_that_came_back_is_unclear_until_a_refund_counts_it() -> None:
    one = facts(packages=TWO, tracking_status="RETURNED", tracked=(package("1", "RETURNED"), package("2", "DELIVERED")))
    back = what_went_back([one], [], policies())[one.key]
    assert back.units == 0 and "does not say how many" in (back.unclear or "")
    counted = what_went_back([one], [ReturnedUnits("L1", "S1", 1, "Customer return")], policies())[one.key]
    assert (counted.units, counted.unclear) == (1, None)


def test_a_refund_of_an_unknown_shipment_falls_on_delivered_ones_first() -> None:
    first, second = facts(1, 2, delivered_seen=None), facts(2, 2)
    back = what_went_back([first, second], [ReturnedUnits("L1", "other", 3, "Customer return")], policies())
    assert [back[one.key].units for one in (first, second)] == [1, 2]


def test_a_refund_of_another_order_line_takes_nothing_back() -> None:
    one = facts()
    assert what_went_back([one], [ReturnedUnits("L2", None, 1, "Customer return")], policies())[one.key].units == 0


def test_only_listed_reasons_mean_that_goods_went_back() -> None:
    chosen = policies(reversing_refund_reasons=["Customer return"])
    assert chosen.reverses(" customer RETURN ")
    assert not chosen.reverses("Courtesy adjustment")
    assert not chosen.reverses(None)


@pytest.mark.parametrize(
    ("title", "size"),
    [
        ("Gel pens, 12 pack", 12), ("Pack of 6 binders", 6), ("Gloves, box of 100", 100), ("Vitamin C 250 count", 250),
        ("12-Pack batteries", 12), ("Monitor, 27 inch", 1), ("", 1),
    ],
)  # fmt: skip
def test_a_pack_is_read_from_the_title(title: str, size: int) -> None:
    assert pack_size(title) == size


def conflict(unit: str, po_price: str, title: str, *amazon: str) -> str | None:
    prices = [Decimal(price) for price in amazon]
    return unit_conflict(unit=unit, po_price=Decimal(po_price), title=title, amazon_prices=prices, single_units=("EA",))


def test_the_same_price_is_the_same_unit_whatever_it_is_called() -> None:
    assert conflict("PK", "11.49", "Gel pens, 12 pack", "11.49") is None
    assert conflict("EA", "11.49", "Gel pens, 12 pack", "11.99") is None


def test_single_pieces_against_packs_are_a_conflict() -> None:
    sentence = conflict("EA", "1.00", "Gel pens, 12 pack", "11.49")
    assert sentence is not None and "packs of 12" in sentence


def test_packs_against_single_pieces_are_a_conflict() -> None:
    assert conflict("PK", "11.49", "Gel pen, blue", "0.99") is not None


def test_without_a_price_only_a_pack_counted_as_pieces_is_a_conflict() -> None:
    assert conflict("EA", "1.00", "Gel pens, 12 pack") is not None
    assert conflict("PK", "1.00", "Gel pens, 12 pack") is None
    assert conflict("EA", "1.00", "Monitor") is None
