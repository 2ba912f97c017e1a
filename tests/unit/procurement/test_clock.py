"""Business time: the system's, a fixed moment, or one that a file holds."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from procurement.clock import SystemClock, read_clock
from procurement.errors import ConfigurationError

pytestmark = pytest.mark.unit


def test_without_a_setting_time_is_the_systems() -> None:
    assert isinstance(read_clock({}), SystemClock)


def test_a_moment_stands_still_in_utc() -> None:
    assert read_clock({"PROCUREMENT_NOW": "2026-01-31T01:00:00+02:00"}).now() == datetime(2026, 1, 30, 23, tzinfo=UTC)


def test_a_file_moves_time_under_a_running_scheduler(tmp_path: Path) -> None:
    file, moments = tmp_path / "now", []
    for day in ("2026-01-31", "2026-02-03"):
        file.write_text(f"{day}T00:00:00+00:00\n")
        moments.append(read_clock({"PROCUREMENT_NOW": f"@{file}"}).now().day)
    assert moments == [31, 3]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("tomorrow", "write a moment such as"),
        ("2026-01-31T00:00:00", "without an offset"),
        ("@/no/such/file", "cannot be read"),
    ],
)
def test_a_setting_that_is_no_moment_says_what_to_write(value: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_clock({"PROCUREMENT_NOW": value})
