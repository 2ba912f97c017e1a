"""The sandbox's time: how it runs, and in which order things happen when it passes."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import SandboxClock, Timeline, read_moment, write_moment

START = datetime(2026, 1, 1, tzinfo=UTC)


class Seconds:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.value = 100.0

    def __call__(self) -> float:
        return self.value


def test_time_runs_speed_times_as_fast_as_the_machine() -> None:
    machine = Seconds()
    clock = SandboxClock(START, 60, monotonic=machine)
    machine.value += 2
    assert clock.now() == START + timedelta(minutes=2)


def test_advance_and_set_move_forward_and_time_goes_on_from_there() -> None:
    machine = Seconds()
    clock = SandboxClock(START, monotonic=machine)
    clock.advance(10)
    clock.set(START + timedelta(days=1))
    machine.value += 5
    assert clock.now() == START + timedelta(days=1, seconds=5)


def test_time_never_goes_back() -> None:
    clock = SandboxClock(START, monotonic=Seconds())
    with pytest.raises(ValueError, match="only moves forward"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="only moves forward"):
        clock.set(START - timedelta(seconds=1))


@pytest.mark.parametrize("speed", [0, -1])
def test_a_clock_that_would_not_run_forward_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        SandboxClock(START, speed)


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        SandboxClock(datetime(2026, 1, 1))


def test_a_restored_clock_goes_on_where_the_snapshot_was_taken() -> None:
    machine = Seconds()
    clock = SandboxClock(START, monotonic=machine)
    clock.advance(3600)
    saved = clock.snapshot()
    machine.value += 500
    later = SandboxClock(START + timedelta(days=9), monotonic=machine)
    later.restore(saved)
    assert (later.start, later.now()) == (START, START + timedelta(hours=1))


def test_things_happen_in_the_order_of_their_moments_and_ties_in_the_order_they_were_added() -> None:
    seen: list[str] = []
    timeline = Timeline()
    timeline.add(START + timedelta(days=2), lambda: seen.append("late"))
    timeline.add(START + timedelta(days=1), lambda: seen.append("first"))
    timeline.add(START + timedelta(days=1), lambda: seen.append("second"))
    timeline.add(START + timedelta(days=9), lambda: seen.append("never"))
    assert timeline.run_due(START + timedelta(days=2)) == 3
    assert seen == ["first", "second", "late"]
    assert len(timeline) == 1


def test_what_a_happening_adds_for_a_due_moment_happens_in_the_same_pass() -> None:
    seen: list[str] = []
    timeline = Timeline()
    timeline.add(START, lambda: timeline.add(START, lambda: seen.append("follow-up")))
    timeline.run_due(START)
    assert seen == ["follow-up"]


def test_nothing_happens_twice() -> None:
    seen: list[int] = []
    timeline = Timeline()
    timeline.add(START, lambda: seen.append(1))
    timeline.run_due(START)
    timeline.run_due(START)
    assert seen == [1]


def test_a_restored_state_skips_what_it_already_contains() -> None:
    seen: list[str] = []
    timeline = Timeline()
    timeline.add(START, lambda: seen.append("in the snapshot"))
    timeline.add(START + timedelta(seconds=1), lambda: seen.append("after it"))
    timeline.skip(START)
    timeline.run_due(START + timedelta(days=1))
    assert seen == ["after it"]


@pytest.mark.parametrize("text", ["2026-02-04T06:00:00Z", "2026-02-04T07:00:00+01:00", "2026-02-04T06:00:00"])
def test_moments_are_read_with_any_offset_and_written_in_utc(text: str) -> None:
    assert write_moment(read_moment(text)) == "2026-02-04T06:00:00Z"
