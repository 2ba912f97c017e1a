"""The sandbox's own time, and what happens when it passes.

`SandboxClock` runs `speed` times as fast as the machine and can be moved forward. `Timeline` holds callbacks with the
moment they belong to; the edge calls `run_due` at the start of each request, so everything due happens before the
request is looked at, in the order of the moments, and nothing happens between two requests.
"""

import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Happening = Callable[[], object]


def read_moment(text: str) -> datetime:
    """An ISO 8601 text as an aware UTC moment (without a zone it is UTC); ValueError when it is none."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def write_moment(moment: datetime) -> str:
    """The vendors' common form: `2026-02-04T06:00:00Z`, fractions only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class SandboxClock:
    """Runs from `start` at `speed`; never goes back except by `restart`."""

    def __init__(self, start: datetime, speed: float = 1.0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if speed <= 0:
            raise ValueError(f"speed is {speed}; it must be above 0")
        self.speed = speed
        self._monotonic = monotonic
        self.restart(start)

    def restart(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"{start} has no zone")
        self.start = start.astimezone(UTC)
        self._base, self._anchor = self.start, self._monotonic()

    def now(self) -> datetime:
        return self._base + timedelta(seconds=(self._monotonic() - self._anchor) * self.speed)

    def advance(self, seconds: float) -> datetime:
        """Moves the clock forward; ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("the clock only moves forward; use reset to start again")
        self._base += timedelta(seconds=seconds)
        return self.now()

    def set(self, moment: datetime) -> datetime:
        """Moves the clock forward to `moment`; ValueError when that lies in its past."""
        return self.advance((moment - self.now()).total_seconds())

    def snapshot(self) -> dict[str, str]:
        return {"start": self.start.isoformat(), "now": self.now().isoformat()}

    def restore(self, snapshot: dict[str, str]) -> None:
        """Goes on where the snapshot was taken: the time in between did not pass."""
        self.restart(read_moment(snapshot["now"]))
        self.start = read_moment(snapshot["start"])


class Timeline:
    """Callbacks in the order of their moments (of equal moments: in the order they were added)."""

    def __init__(self) -> None:
        self._waiting: list[tuple[datetime, int, Happening]] = []
        self._order = itertools.count()
        self.passed: datetime | None = None  # everything up to here has happened

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, at: datetime, happening: Happening) -> None:
        """`happening()` will be called by the first `run_due` whose moment is not before `at`."""
        heapq.heappush(self._waiting, (at, next(self._order), happening))

    def run_due(self, now: datetime) -> int:
        """Calls what is due, including what those callbacks add for a moment that is already due; returns how many."""
        count = 0
        while self._waiting and self._waiting[0][0] <= now:
            _, _, happening = heapq.heappop(self._waiting)
            happening()
            count += 1
        self.passed = now
        return count

    def skip(self, until: datetime) -> None:
        """Forgets what was due up to `until`: a restored state already contains it."""
        self._waiting = [entry for entry in self._waiting if entry[0] > until]
        heapq.heapify(self._waiting)
        self.passed = until

    def clear(self) -> None:
        self._waiting.clear()
        self.passed = None
