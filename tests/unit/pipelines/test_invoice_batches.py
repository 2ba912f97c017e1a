"""Batches overlap: the next is read while PostgreSQL keeps this one, and decided only when all before it stand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from procurement.ledger.planning import RenderedPlan
from procurement.ledger.types import Pending, Plan, PlanCounts
from procurement.pipelines.amazon_invoices_to_coupa import steps

SOON = 30.0  # seconds


class Course:
    """Planner and ledger in one: notes what happens, and keeps a batch no sooner than the next one has been read."""

    def __init__(self, batches: Sequence[Sequence[int]], failing: int | None = None) -> None:
        self.batches, self.failing = batches, failing
        self.read = {batch[0]: Event() for batch in batches}
        self.kept: list[int] = []
        self.decided: list[tuple[int, list[int]]] = []  # a batch, and what stood in the ledger by then
        self.records = SimpleNamespace(load=list)
        self.planning = SimpleNamespace(keep=self.keep)

    def prepare(self, records: list[int]) -> int:
        self.read[records[0]].set()
        return records[0]

    def decide(self, prepared: int, *, pending: frozenset[int]) -> Any:
        self.decided.append((prepared, list(self.kept)))
        return SimpleNamespace(plan=Plan(), in_shadow=[{"batch": prepared}])

    def keep(self, run: Any, plan: RenderedPlan) -> PlanCounts:
        current = len(self.kept)
        if current + 1 < len(self.batches):
            assert self.read[self.batches[current + 1][0]].wait(SOON), "the next batch waits for this one to be kept"
        if self.batches[current][0] == self.failing:
            raise ConnectionError("the ledger is away")
        self.kept.append(self.batches[current][0])
        return PlanCounts(planned=1, records=len(self.batches[current]))

    def run(self) -> tuple[list[PlanCounts], list[dict[str, Any]]]:
        own = cast(Any, self)
        return steps._plan(own, cast(Any, None), own, iter(self.batches), frozenset())


def test_a_batch_is_read_while_the_one_before_is_kept_and_decided_after_it() -> None:
    course = Course([[1, 2], [3], [4, 5]])
    counts, previews = course.run()
    assert course.decided == [(1, []), (3, [1]), (4, [1, 3])]
    assert [one.records for one in counts] == [2, 1, 2]
    assert previews == [{"batch": 1}, {"batch": 3}, {"batch": 4}]


def test_nothing_is_decided_after_a_batch_that_could_not_be_kept() -> None:
    course = Course([[1], [3], [4]], failing=3)
    with pytest.raises(ConnectionError, match="the ledger is away"):
        course.run()
    assert course.kept == [1] and [batch for batch, _ in course.decided] == [1, 3]


def test_the_last_batch_that_could_not_be_kept_fails_the_run_too() -> None:
    course = Course([[1], [3]], failing=3)
    with pytest.raises(ConnectionError):
        course.run()
    assert course.kept == [1]


def test_batches_follow_the_feed_so_that_original_credit_note_and_rebill_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "BATCH", 1)
    moments = {name: datetime(2026, 6, day, tzinfo=UTC) for name, day in {"early": 1, "late": 9}.items()}
    rows = [
        Pending(4, "rebill", "REBILL", moments["late"], "CHARGE"),
        Pending(3, "refund", "CM", moments["early"], "REFUND"),
        Pending(2, "charge", "1A", moments["early"], "CHARGE"),
        Pending(1, "undated", "1B", None, "CHARGE"),
    ]
    ledger: Any = SimpleNamespace(
        records=SimpleNamespace(of_groups=lambda source, kind, names: [row for row in rows if row.group_key in names])
    )
    assert list(steps.batches(ledger, "amazon", rows)) == [[1], [2], [3], [4]]
