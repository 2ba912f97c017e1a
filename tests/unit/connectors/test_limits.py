"""Rate buckets within one process, and the tally of what was seen."""

import threading
import time
from decimal import Decimal

import pytest

from connectors.errors import TransientError
from connectors.limits import Bucket, LocalLimiter
from connectors.tally import Tally, content_key


def limiter(rate: float, burst: int) -> LocalLimiter:
    made = LocalLimiter()
    made.declare([Bucket("b", rate, burst)])
    return made


def test_the_burst_keeps_room_for_what_is_on_the_wire() -> None:
    assert Bucket("coupa", 25, 20).safe_burst == 15
    assert Bucket("amazon", 0.5, 10).safe_burst == 9
    assert Bucket("cart", 2, 2).safe_burst == 1
    assert Bucket("small", 100, 1).safe_burst == 1


def test_a_multiplier_scales_rate_and_burst_together() -> None:
    assert Bucket("b", 0.5, 10).times(20) == Bucket("b", 10, 200)
    assert Bucket("b", 2, 2).times(0.1) == Bucket("b", 0.2, 1)


def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    made = limiter(50, 21)  # safe burst 11
    began = time.monotonic()
    for _ in range(16):
        made.take("b", max_wait=1)
    assert 0.09 <= time.monotonic() - began < 0.5


def test_threads_together_do_not_exceed_the_rate() -> None:
    made = limiter(100, 21)  # safe burst 1
    began = time.monotonic()
    threads = [threading.Thread(target=made.take, args=("b",), kwargs={"max_wait": 1}) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 0.18


def test_a_wait_that_is_too_long_is_refused_without_using_a_permit() -> None:
    made = limiter(0.5, 1)
    made.take("b", max_wait=0)
    for _ in range(3):
        with pytest.raises(TransientError) as caught:
            made.take("b", max_wait=1)
        assert 1 < (caught.value.retry_after or 0) <= 2


def test_after_a_429_nobody_passes_for_as_long_as_the_vendor_said() -> None:
    made = limiter(1000, 500)
    for _ in range(5):  # five calls in flight meet the same 429: the pause is not five times as long
        made.push_back("b", 0.2)
    began = time.monotonic()
    made.take("b", max_wait=1)
    assert 0.19 <= time.monotonic() - began < 0.4


def test_declaring_a_bucket_again_changes_its_rate_but_not_its_past() -> None:
    made = limiter(0.1, 1)
    made.take("b", max_wait=0)
    made.declare([Bucket("b", 1000, 500)])
    with pytest.raises(TransientError):
        made.take("b", max_wait=1)


def test_the_tally_counts_each_document_once_and_repeats_apart() -> None:
    tally = Tally()
    tally.count("transaction", "tx-1", Decimal("1.10"), "USD")
    tally.count("transaction", "tx-2", Decimal("2.20"), "USD")
    tally.count("transaction", "tx-3", Decimal("5"), "EUR")
    tally.count("transaction", "tx-4")
    tally.count("transaction", "tx-2", Decimal("2.30"), "USD")
    assert (tally.documents, tally.repeats) == (4, 1)
    assert tally.money == {"USD": Decimal("3.40"), "EUR": Decimal("5")}


def test_the_same_content_has_the_same_key_whatever_its_order() -> None:
    assert content_key({"a": 1, "b": Decimal("2.50")}) == content_key({"b": Decimal("2.50"), "a": 1})
    assert content_key({"a": 1}) != content_key({"a": 2})
