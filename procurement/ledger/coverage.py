"""Which stretches of its source each pipeline has read, in business time.

A paused DAG or a failed run leaves a gap, and gaps are read by the next run however old they are.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from procurement.ledger.types import Window


def gaps(since: datetime, until: datetime, covered: Iterable[Window]) -> list[Window]:
    """The parts of [since, until) that no window of `covered` holds, in order."""
    found, start = [], since
    for window in sorted(covered):
        if window.start > start:
            found.append(Window(start, min(window.start, until)))
        start = max(start, window.end)
        if start >= until:
            return [gap for gap in found if gap.length]
    if start < until:
        found.append(Window(start, until))
    return [gap for gap in found if gap.length]


def widened(windows: Iterable[Window], *, since: datetime, overlap: timedelta) -> list[Window]:
    """Each window begun `overlap` earlier (not before `since`), joined where they then touch."""
    joined: list[Window] = []
    for window in windows:
        start = max(since, window.start - overlap)
        if joined and start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, window.end)
        else:
            joined.append(Window(start, window.end))
    return joined


class Coverage:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def covered(self, pipeline: str) -> list[Window]:
        """What has been read, in order; stretches that touch are one."""
        query = sa.text(
            "SELECT lower(range) AS lo, upper(range) AS hi FROM coverage WHERE pipeline = :pipeline ORDER BY range"
        )
        with self._engine.begin() as connection:
            return [Window(row.lo, row.hi) for row in connection.execute(query, {"pipeline": pipeline})]

    def missing(self, pipeline: str, *, since: datetime, until: datetime) -> list[Window]:
        """The stretches of [since, until) that nobody read, as they are; none where it is empty."""
        return gaps(since, until, self.covered(pipeline)) if since < until else []

    def uncovered(self, pipeline: str, until: datetime, *, since: datetime, overlap: timedelta) -> list[Window]:
        """Every stretch of [since, until) still to be read, each begun `overlap` earlier for what the source dated back."""
        return widened(gaps(since, until, self.covered(pipeline)), since=since, overlap=overlap)

    def cover(self, pipeline: str, window: Window) -> None:
        """`window` has been read and committed; an empty one changes nothing."""
        if not window.length:
            return
        values = {"pipeline": pipeline, "lo": window.start, "hi": window.end}
        with self._engine.begin() as connection:
            connection.execute(
                sa.text("SELECT pg_advisory_xact_lock(hashtextextended('coverage/' || :pipeline, 0))"), values
            )
            row = connection.execute(_TAKE_TOUCHING, values).one()
            connection.execute(_ADD, {"pipeline": pipeline, "lo": row.lo, "hi": row.hi})


_TAKE_TOUCHING = sa.text("""
    WITH taken AS (
        DELETE FROM coverage
        WHERE pipeline = :pipeline AND (range && tstzrange(:lo, :hi) OR range -|- tstzrange(:lo, :hi))
        RETURNING range
    )
    SELECT least(CAST(:lo AS timestamptz), min(lower(range))) AS lo, greatest(CAST(:hi AS timestamptz), max(upper(range))) AS hi FROM taken
""")
_ADD = sa.text("INSERT INTO coverage (pipeline, range) VALUES (:pipeline, tstzrange(:lo, :hi))")
