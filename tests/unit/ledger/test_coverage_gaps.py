"""What is covered is never lost from sight, and what is not is always found."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.ledger.coverage import gaps, widened
from procurement.ledger.types import Window

pytestmark = pytest.mark.unit
START = datetime(2026, 6, 1, tzinfo=UTC)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def window(start: int, end: int) -> Window:
    return Window(at(start), at(end))


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        ([], [(0, 10)]),
        ([(0, 10)], []),
        ([(-5, 20)], []),
        ([(0, 4)], [(4, 10)]),
        ([(4, 10)], [(0, 4)]),
        ([(2, 3), (5, 6)], [(0, 2), (3, 5), (6, 10)]),
        ([(5, 6), (2, 3)], [(0, 2), (3, 5), (6, 10)]),
        ([(12, 14)], [(0, 10)]),
        ([(-4, -2)], [(0, 10)]),
    ],
)
def test_the_gaps_are_what_nobody_has_read(covered: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert gaps(at(0), at(10), [window(*hours) for hours in covered]) == [window(*hours) for hours in expected]


def test_each_window_begins_earlier_by_the_overlap_and_touching_ones_are_one() -> None:
    windows = [window(1, 3), window(4, 6), window(9, 10)]
    assert widened(windows, since=at(0), overlap=timedelta(hours=2)) == [window(0, 6), window(7, 10)]


hours = st.integers(0, 40)
stretches = st.lists(st.tuples(hours, hours).map(sorted).map(lambda pair: window(*pair)), max_size=8)


@given(covered=stretches, since=hours, length=hours)
def test_every_hour_is_covered_or_in_a_gap_and_never_both(covered: list[Window], since: int, length: int) -> None:
    found = gaps(at(since), at(since + length), covered)
    for hour in range(since, since + length):
        in_gap = sum(gap.start <= at(hour) < gap.end for gap in found)
        is_covered = any(stretch.start <= at(hour) < stretch.end for stretch in covered)
        assert in_gap == (0 if is_covered else 1)


@given(covered=stretches, overlap=st.integers(0, 10))
def test_widening_loses_nothing_and_leaves_windows_apart(covered: list[Window], overlap: int) -> None:
    found = gaps(at(0), at(40), covered)
    wide = widened(found, since=at(0), overlap=timedelta(hours=overlap))
    assert all(any(outer.start <= gap.start and gap.end <= outer.end for outer in wide) for gap in found)
    assert all(left.end < right.start for left, right in zip(wide, wide[1:], strict=False))
