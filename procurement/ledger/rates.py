"""The vendors' rate limits, shared by all tasks on all workers: the connectors' `Limiter` in PostgreSQL.

Each permit is one autocommit statement on a connection of its own, never inside a ledger transaction, which would hold
the bucket's row across a call. A permit reserves a slot in time; the wait is the database's figure, so no worker's clock
counts. A push-back moves every slot that is still ahead: who sleeps longer than a second looks again.
"""

import time
from collections.abc import Callable, Iterable

import sqlalchemy as sa

from connectors.errors import TransientError
from connectors.limits import Bucket

LOOK_AGAIN = 1.0  # seconds


class PostgresLimiter:
    """`sleep` is time.sleep; tests replace it."""

    def __init__(self, engine: sa.Engine, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sleep = sleep

    def declare(self, buckets: Iterable[Bucket]) -> None:
        """Make the buckets known; a known bucket takes the new rate and burst."""
        rows = [{"name": b.name, "rate": b.rate, "burst": b.safe_burst} for b in sorted(buckets, key=lambda b: b.name)]
        if rows:
            with self._engine.connect() as connection:
                connection.execute(_DECLARE, rows)

    def take(self, bucket: str, *, max_wait: float) -> None:
        """Return once a call is permitted; TransientError (with `retry_after`) when that is over `max_wait` seconds away."""
        with self._engine.connect() as connection:
            row = connection.execute(_TAKE, {"name": bucket, "max_wait": max_wait}).one_or_none()
            ahead = None if row is not None else connection.execute(_AHEAD, {"name": bucket}).scalar_one_or_none()
        if row is None:
            if ahead is None:
                raise LookupError(f"rate bucket {bucket} was never declared")
            raise TransientError("the rate limit is used up", operation=bucket, retry_after=max(0.0, float(ahead)))
        self._wait(bucket, float(row.wait), float(row.pushed))

    def push_back(self, bucket: str, seconds: float) -> None:
        """No permit for the next `seconds`: the vendor answered 429. Several workers told the same push only once."""
        with self._engine.connect() as connection:
            connection.execute(_PUSH, {"name": bucket, "seconds": seconds})

    def _wait(self, bucket: str, wait: float, pushed: float) -> None:
        while wait > LOOK_AGAIN:
            self._sleep(LOOK_AGAIN)
            wait -= LOOK_AGAIN
            with self._engine.connect() as connection:
                now = float(connection.execute(_PUSHED, {"name": bucket}).scalar_one())
            wait, pushed = wait + now - pushed, now
        if wait > 0:
            self._sleep(wait)


_DECLARE = sa.text("""
    INSERT INTO rate_buckets AS b (name, rate, burst) VALUES (:name, :rate, :burst)
    ON CONFLICT (name) DO UPDATE SET rate = excluded.rate, burst = excluded.burst
    WHERE (b.rate, b.burst) <> (excluded.rate, excluded.burst)
""")
_TAKE = sa.text("""
    UPDATE rate_buckets
    SET next_slot = greatest(next_slot, clock_timestamp() - (burst - 1) * interval '1 second' / rate) + interval '1 second' / rate
    WHERE name = :name AND next_slot <= clock_timestamp() + :max_wait * interval '1 second'
    RETURNING greatest(0, extract(epoch FROM next_slot - interval '1 second' / rate - clock_timestamp())) AS wait, pushed
""")
_AHEAD = sa.text("SELECT extract(epoch FROM next_slot - clock_timestamp()) FROM rate_buckets WHERE name = :name")
_PUSHED = sa.text("SELECT pushed FROM rate_buckets WHERE name = :name")
_PUSH = sa.text("""
    UPDATE rate_buckets b
    SET blocked_until = greatest(b.blocked_until, s.until), pushed = b.pushed + s.shift,
        next_slot = greatest(b.next_slot + s.shift * interval '1 second', s.until)
    FROM (
        SELECT name, now + :seconds * interval '1 second' AS until,
            greatest(0, extract(epoch FROM now + :seconds * interval '1 second' - greatest(blocked_until, now))) AS shift
        FROM (SELECT name, blocked_until, clock_timestamp() AS now FROM rate_buckets WHERE name = :name FOR UPDATE) AS locked
    ) AS s WHERE b.name = s.name
""")
