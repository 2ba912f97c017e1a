"""The rate limits of the vendors, as token buckets that a shared limiter keeps.

The connectors only declare the protocol; the ledger implements it in PostgreSQL so that all tasks on all workers
share each bucket (`procurement.ledger.rates`). `LocalLimiter` keeps the same promises inside one process.
"""

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from connectors.errors import TransientError

BURST_SAFETY_SECONDS = 0.2  # calls already on the wire when the vendor counts them


@dataclass(frozen=True, slots=True)
class Bucket:
    """`rate` permits a second, at most `burst` at once: the vendor's published figures."""

    name: str
    rate: float
    burst: int

    def times(self, multiplier: float) -> "Bucket":
        """The same bucket with rate and burst multiplied (a connection setting; it equals the sandbox's --speed)."""
        return Bucket(self.name, self.rate * multiplier, max(1, int(self.burst * multiplier)))

    @property
    def safe_burst(self) -> int:
        """The burst we use: the published one less what may still be on the wire."""
        return max(1, self.burst - math.ceil(self.rate * BURST_SAFETY_SECONDS))


class Limiter(Protocol):
    def declare(self, buckets: Iterable[Bucket]) -> None:
        """Make the buckets known; a known bucket takes the new rate and burst."""
        ...

    def take(self, bucket: str, *, max_wait: float) -> None:
        """Return once a call is permitted; TransientError (with `retry_after`) if it takes over `max_wait` seconds."""
        ...

    def push_back(self, bucket: str, seconds: float) -> None:
        """No permit for the next `seconds`: the vendor answered 429."""
        ...


class LocalLimiter:
    """Token buckets for one process: tests, notebooks and scripts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}
        self._next_slot: dict[str, float] = {}

    def declare(self, buckets: Iterable[Bucket]) -> None:
        with self._lock:
            for bucket in buckets:
                self._buckets[bucket.name] = bucket
                self._next_slot.setdefault(bucket.name, 0.0)

    def take(self, bucket: str, *, max_wait: float) -> None:
        with self._lock:
            spec, now = self._buckets[bucket], time.monotonic()
            slot = max(self._next_slot[bucket], now - (spec.safe_burst - 1) / spec.rate)
            wait = max(0.0, slot - now)
            if wait > max_wait:
                raise TransientError("the rate limit is used up", operation=bucket, retry_after=wait)
            self._next_slot[bucket] = slot + 1 / spec.rate
        if wait:
            time.sleep(wait)

    def push_back(self, bucket: str, seconds: float) -> None:
        with self._lock:
            self._next_slot[bucket] = max(self._next_slot[bucket], time.monotonic() + seconds)
