"""Published rates are enforced: the burst at once, then the rate, scaled by the sandbox's speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.limits import Bucket, RateLimits

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import StartAmazon

BUCKET = Bucket("getTransactions", 2, 10)


class Seconds:
    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self) -> float:
        return self.value


def _granted(limits: RateLimits, calls: int) -> int:
    return sum(limits.take(BUCKET) == 0 for _ in range(calls))


def test_a_full_bucket_permits_exactly_its_burst() -> None:
    assert _granted(RateLimits(monotonic=Seconds()), 25) == 10


def test_a_used_up_bucket_recovers_at_its_rate_and_says_how_long_that_takes() -> None:
    machine = Seconds()
    limits = RateLimits(monotonic=machine)
    _granted(limits, 10)
    assert limits.take(BUCKET) == pytest.approx(0.5)
    machine.value += 1.0
    assert _granted(limits, 10) == 2


def test_a_refused_call_costs_nothing() -> None:
    machine = Seconds()
    limits = RateLimits(monotonic=machine)
    _granted(limits, 500)
    machine.value += 0.5
    assert _granted(limits, 5) == 1


def test_an_idle_bucket_never_holds_more_than_its_burst() -> None:
    machine = Seconds()
    limits = RateLimits(monotonic=machine)
    machine.value += 3600
    assert _granted(limits, 100) == 10


def test_speed_multiplies_rate_and_burst() -> None:
    machine = Seconds()
    limits = RateLimits(20, monotonic=machine)
    assert _granted(limits, 500) == 200
    machine.value += 1.0
    assert _granted(limits, 500) == 40


def test_one_bucket_does_not_touch_another() -> None:
    limits = RateLimits(monotonic=Seconds())
    _granted(limits, 50)
    assert limits.take(Bucket("getOrderReports", 0.5, 10)) == 0


def test_over_http_the_eleventh_call_at_once_is_429_and_a_later_one_passes(start_amazon: StartAmazon) -> None:
    amazon = start_amazon(speed=1)
    amazon.sign_in()
    statuses = [amazon.transactions().status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    refused = amazon.transactions()
    assert refused.json()["errors"][0]["code"] == "QuotaExceeded"
    assert "Retry-After" not in refused.headers
    assert amazon.reports("orderReports").status_code == 200, "each operation has its own bucket"
    amazon.sandbox.services[0].limits.clear()
    assert amazon.transactions().status_code == 200


def test_retry_after_is_sent_when_switched_on(start_amazon: StartAmazon) -> None:
    amazon = start_amazon(speed=1)
    amazon.sign_in()
    amazon.switch(retry_after=True)
    statuses = [amazon.reports("orderReports") for _ in range(11)]
    assert statuses[-1].status_code == 429
    assert statuses[-1].headers["Retry-After"] == "2"
