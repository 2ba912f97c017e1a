"""The vendors' published rate limits, enforced: one token bucket per name, on the machine's monotonic time.

`speed` multiplies rate and burst, as the clock's speed multiplies time, so that a demo at `--speed 20` waits a
twentieth. A bucket starts full.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """`rate` calls a second, `burst` at once. Operations that name the same bucket share it."""

    name: str
    rate: float
    burst: int


class RateLimits:
    def __init__(self, speed: float = 1.0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._monotonic = monotonic
        self._levels: dict[str, tuple[float, float]] = {}  # name -> (tokens, when counted)

    def take(self, bucket: Bucket) -> float:
        """0 when the call is permitted, else the seconds until the next token; a refused call costs nothing."""
        rate = bucket.rate * self.speed
        burst = max(1, int(bucket.burst * self.speed))
        now = self._monotonic()
        tokens, counted = self._levels.get(bucket.name, (float(burst), now))
        tokens = min(float(burst), tokens + (now - counted) * rate)
        permitted = tokens >= 1
        self._levels[bucket.name] = (tokens - 1 if permitted else tokens, now)
        return 0.0 if permitted else (1 - tokens) / rate

    def clear(self) -> None:
        """All buckets full again."""
        self._levels.clear()
