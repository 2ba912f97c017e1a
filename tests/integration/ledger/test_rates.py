"""The vendors' rates hold over all processes, and nobody waits longer than needed."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.errors import TransientError
from connectors.limits import Bucket
from procurement.ledger import Ledger

pytestmark = pytest.mark.integration


def take_for(url: str, seconds: float, together: Any, results: "multiprocessing.Queue[list[float]]") -> None:
    taken: list[float] = []
    with Ledger.opened(url) as ledger:
        together.wait(60)
        deadline = time.time() + seconds
        while True:
            try:
                ledger.limiter.take("coupa", max_wait=0.5)
            except TransientError:
                continue
            if time.time() >= deadline:
                break
            taken.append(time.time())
    results.put(taken)


def most_in(moments: list[float], seconds: float) -> int:
    """The largest number of calls in any window of `seconds`."""
    best = start = 0
    for end, moment in enumerate(moments):
        while moment - moments[start] >= seconds:
            start += 1
        best = max(best, end - start + 1)
    return best


def test_several_processes_together_stay_within_the_rate(ledger: Ledger, database_url: str) -> None:
    """How much of the rate they use is a matter for the bench; here only what the vendor would refuse counts."""
    bucket = Bucket("coupa", rate=40, burst=20)
    ledger.limiter.declare([bucket])
    context = multiprocessing.get_context("spawn")
    results, together = context.Queue(), context.Barrier(3)
    processes = [
        context.Process(target=take_for, args=(database_url, 3.0, together, results)) for _ in range(together.parties)
    ]
    for process in processes:
        process.start()
    taken = [results.get(timeout=90) for _ in processes]
    for process in processes:
        process.join(10)
    moments = sorted(moment for one in taken for moment in one)
    assert all(taken)
    assert len(moments) <= bucket.rate * (moments[-1] - moments[0]) + bucket.burst
    assert most_in(moments, 1.0) <= bucket.rate + bucket.burst


@pytest.fixture
def slept(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    naps: list[float] = []
    monkeypatch.setattr(ledger.limiter, "_sleep", naps.append)
    yield naps


def test_the_burst_is_free_and_then_the_rate_spaces_the_calls(ledger: Ledger, slept: list[float]) -> None:
    ledger.limiter.declare([Bucket("coupa", rate=0.1, burst=5)])  # 4 of the 5: one call may still be on the wire
    for _ in range(6):
        ledger.limiter.take("coupa", max_wait=100)
    assert sum(slept) == pytest.approx(
        10 + 20, abs=10
    )  # in naps of a second, after which the bucket is looked at again


def test_a_permit_that_is_too_far_off_is_refused_with_the_time_to_wait(ledger: Ledger, slept: list[float]) -> None:
    ledger.limiter.declare([Bucket("slow", rate=0.1, burst=1)])
    ledger.limiter.take("slow", max_wait=0)
    with pytest.raises(TransientError) as refused:
        ledger.limiter.take("slow", max_wait=2)
    assert refused.value.retry_after == pytest.approx(10, abs=1)
    assert slept == []


def test_a_429_is_a_pause_for_everyone_told_once_however_many_report_it(ledger: Ledger, slept: list[float]) -> None:
    ledger.limiter.declare([Bucket("coupa", rate=10, burst=5)])
    for _ in range(4):
        ledger.limiter.push_back("coupa", 0.9)
    ledger.limiter.take("coupa", max_wait=10)
    assert slept == [pytest.approx(0.9, abs=0.1)]


def test_a_sleeper_over_a_second_looks_again_and_sees_the_push_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.limiter.declare([Bucket("slow", rate=0.5, burst=1)])
    ledger.limiter.take("slow", max_wait=0)
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 1:
            ledger.limiter.push_back("slow", 5)

    monkeypatch.setattr(ledger.limiter, "_sleep", sleep)
    ledger.limiter.take("slow", max_wait=10)
    assert sum(naps) == pytest.approx(7, abs=0.3)  # its own two seconds and the five of the push-back
    assert max(naps) <= 1


def test_a_bucket_takes_a_new_rate_and_an_unknown_one_is_a_defect(ledger: Ledger, slept: list[float]) -> None:
    ledger.limiter.declare([])
    ledger.limiter.declare([Bucket("coupa", rate=1, burst=1)])
    ledger.limiter.declare([Bucket("coupa", rate=100, burst=1)])
    for _ in range(3):
        ledger.limiter.take("coupa", max_wait=1)
    assert all(nap < 0.05 for nap in slept)  # at the first rate it would have been a second
    with pytest.raises(LookupError, match="never declared"):
        ledger.limiter.take("unknown", max_wait=1)


def test_waiting_for_a_permit_holds_no_lock_on_the_bucket(ledger: Ledger) -> None:
    ledger.limiter.declare([Bucket("slow", rate=1, burst=1)])
    ledger.limiter.take("slow", max_wait=0)
    waiting = threading.Thread(target=ledger.limiter.take, args=("slow",), kwargs={"max_wait": 5})
    waiting.start()
    time.sleep(0.1)
    started = time.monotonic()
    with pytest.raises(TransientError):
        ledger.limiter.take("slow", max_wait=0)
    assert time.monotonic() - started < 0.5
    waiting.join(5)
