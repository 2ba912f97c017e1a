"""Which charge a refund takes back when nobody says so."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from procurement.refunds import Movement, pair

REFUND = "R"


def moved(key: str, amount: str, quantity: int = 1, *, day: int = 1, **more: Any) -> Movement:
    values = {"order_id": "O", "order_line_id": "L", "currency": "USD", "shipment_id": "S1", **more}
    at = datetime(2026, 2, day, tzinfo=UTC)
    return Movement(
        key=key, is_refund=amount.startswith("-"), amount=Decimal(amount), quantity=Decimal(quantity), at=at, **values
    )


def charges_of(*movements: Movement) -> list[str | None]:
    return [one.charge.key if one.charge else None for one in pair(movements)]


def test_the_shipment_decides_between_the_charges_of_a_line() -> None:
    one, two = moved("C1", "20.00", 2), moved("C2", "20.00", 2, shipment_id="S2")
    assert charges_of(one, two, moved(REFUND, "-20.00", 2, day=5, shipment_id="S2")) == ["C2"]


def test_the_charge_that_a_refund_names_outranks_shipment_and_age() -> None:
    charges = [moved("C1", "20.00", 2), moved("C2", "20.00", 2, day=2, shipment_id="S2")]
    assert charges_of(*charges, moved(REFUND, "-20.00", 2, day=5, names=("C2",))) == ["C2"]
    assert charges_of(*charges, moved(REFUND, "-25.00", 2, day=5, names=("C2",))) == ["C2"]
    assert charges_of(*charges, moved(REFUND, "-20.00", 2, day=5, names=("elsewhere",))) == ["C1"]


def test_without_a_shipment_the_oldest_charge_that_covers_it_is_taken() -> None:
    small, large = moved("C1", "10.00"), moved("C2", "30.00", 3, day=2, shipment_id="S2")
    assert charges_of(large, small, moved(REFUND, "-20.00", 2, day=5, shipment_id=None)) == ["C2"]
    assert charges_of(large, small, moved(REFUND, "-10.00", day=5, shipment_id=None)) == ["C1"]


def test_what_was_taken_back_before_is_gone() -> None:
    charges = [moved("C1", "10.00"), moved("C2", "10.00", day=2)]
    refunds = [moved("R1", "-10.00", day=5), moved("R2", "-10.00", day=6)]
    assert charges_of(*refunds, *charges) == ["C1", "C2"]


def test_parts_of_units_and_of_money_come_off_the_same_charge() -> None:
    charge = moved("C1", "40.00", 4)
    found = pair(
        [charge, moved("R1", "-10.00", 1, day=2), moved("R2", "-5.00", 0, day=3), moved("R3", "-25.00", 3, day=4)]
    )
    assert [one.charge and one.charge.key for one in found] == ["C1"] * 3
    assert [one.over for one in found] == [Decimal(0)] * 3


def test_an_overrefund_says_how_much_is_beyond_the_charge() -> None:
    (found,) = pair([moved("C1", "10.00"), moved(REFUND, "-12.50", day=2)])
    assert (found.charge and found.charge.key, found.over) == ("C1", Decimal("2.50"))


def test_a_charge_with_money_left_goes_before_one_that_is_used_up() -> None:
    first, second = moved("C1", "10.00"), moved("C2", "10.00", day=2)
    assert charges_of(first, second, moved("R1", "-10.00", day=3), moved("R2", "-12.00", day=4)) == ["C1", "C2"]


def test_shipment_ids_that_never_meet_do_not_hide_the_charge() -> None:
    assert charges_of(moved("C1", "10.00", shipment_id="X9"), moved(REFUND, "-10.00", day=2)) == ["C1"]


def test_a_charge_without_shipment_goes_before_one_of_another_shipment() -> None:
    other, none = moved("C1", "10.00", shipment_id="S9"), moved("C2", "10.00", day=2, shipment_id=None)
    assert charges_of(other, none, moved(REFUND, "-10.00", day=3)) == ["C2"]


def test_a_refund_of_a_line_never_charged_has_no_charge() -> None:
    assert charges_of(moved("C1", "10.00", order_line_id="M"), moved(REFUND, "-10.00")) == [None]
    assert charges_of(moved("C1", "10.00", order_id="P"), moved(REFUND, "-10.00")) == [None]


def test_movements_without_a_moment_are_the_oldest() -> None:
    undated = Movement(
        key="C0",
        is_refund=False,
        order_id="O",
        order_line_id="L",
        amount=Decimal(10),
        currency="USD",
        quantity=Decimal(1),
    )
    assert charges_of(moved("C1", "10.00", shipment_id=None), undated, moved(REFUND, "-10.00", shipment_id=None)) == [
        "C0"
    ]


movements = st.lists(
    st.builds(
        lambda n, refund, cents, units, day, line, shipment: moved(
            f"{'R' if refund else 'C'}{n}", f"{'-' if refund else ''}{Decimal(cents).scaleb(-2)}", units, day=day, order_line_id=line, shipment_id=shipment,
        ),
        st.integers(0, 99), st.booleans(), st.integers(1, 5000), st.integers(0, 4), st.integers(1, 28), st.sampled_from("LM"),
        st.sampled_from(["S1", "S2", None]),
    ),
    max_size=12, unique_by=lambda one: one.key,
)  # fmt: skip


@given(movements)
def test_every_refund_is_paired_once_with_a_charge_of_its_line_if_there_is_any(moved_lines: list[Movement]) -> None:
    found = pair(moved_lines)
    assert sorted(one.refund.key for one in found) == sorted(one.key for one in moved_lines if one.is_refund)
    charged = {one.order_line_id for one in moved_lines if not one.is_refund}
    for one in found:
        assert (one.charge is None) is (one.refund.order_line_id not in charged)
        assert one.charge is None or one.charge.order_line_id == one.refund.order_line_id
        assert Decimal(0) <= one.over <= -one.refund.amount
