"""Business time: windows, settling and ages are measured against one injected clock.

Machine time (attempts, rate buckets) is PostgreSQL's own and never comes from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from procurement.errors import ConfigurationError


class Clock(Protocol):
    def now(self) -> datetime:
        """The business's present moment, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: demos on old data and tests."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def read_clock(environment: Mapping[str, str]) -> Clock:
    """FixedClock when PROCUREMENT_NOW is set (ISO 8601 with an offset), else SystemClock; ConfigurationError if it is malformed.

    `@/path/of/a/file` reads the moment from that file, so that a demo can let time pass under a running scheduler.
    """
    text = environment.get("PROCUREMENT_NOW", "").strip()
    if text.startswith("@"):
        text = _read_moment(Path(text[1:]))
    if not text:
        return SystemClock()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"PROCUREMENT_NOW is {text!r}; write a moment such as 2026-01-31T00:00:00Z") from None
    if at.tzinfo is None:
        raise ConfigurationError(f"PROCUREMENT_NOW is {text!r}, without an offset; write 2026-01-31T00:00:00Z for UTC")
    return FixedClock(at.astimezone(UTC))


def _read_moment(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(f"PROCUREMENT_NOW names {path}, which cannot be read: {error.strerror}") from None
