"""Pages and parallel batches: complete, in order, and never without end."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.concurrency import batched, in_order
from connectors.errors import UnexpectedResponse
from connectors.limits import Bucket
from connectors.operations import Operation
from connectors.paging import PAGE, by_id, by_token

LIST = Operation("list_things", "GET", "/things", Bucket("b", 1, 1), read=True)


def ids(first: int, last: int) -> list[dict[str, Any]]:
    return [{"id": n} for n in range(first, last + 1)]


@pytest.mark.parametrize("end", [{}, {"next": ""}, {"next": None}])
def test_a_missing_or_empty_token_ends_the_pages(end: dict[str, Any]) -> None:
    pages = {None: {"rows": [{"a": 1}], "next": "x"}, "x": {"rows": [{"a": 2}], **end}}
    assert list(by_token(LIST, pages.__getitem__, rows="rows", cursor="next")) == [[{"a": 1}], [{"a": 2}]]


def test_a_page_without_its_list_is_an_empty_page() -> None:
    assert list(by_token(LIST, lambda token: {"size": 0}, rows="rows")) == [[]]


def test_a_circle_of_tokens_is_noticed_at_the_first_return() -> None:
    following = {None: "a", "a": "b", "b": "a"}
    asked: list[str | None] = []

    def fetch(token: str | None) -> dict[str, Any]:
        asked.append(token)
        return {"rows": [], "nextPageToken": following[token]}

    with pytest.raises(UnexpectedResponse, match="^list_things: nextPageToken repeats"):
        list(by_token(LIST, fetch, rows="rows"))
    assert asked == [None, "a", "b"]


def test_a_token_that_is_no_text_is_unexpected() -> None:
    with pytest.raises(UnexpectedResponse, match="not a text"):
        list(by_token(LIST, lambda token: {"rows": [], "nextPageToken": {"a": 1}}, rows="rows"))


def test_the_next_page_begins_after_the_last_id() -> None:
    asked: list[int | None] = []

    def fetch(after: int | None) -> list[dict[str, Any]]:
        asked.append(after)
        return ids((after or 0) + 1, min((after or 0) + PAGE, 120))

    assert [len(page) for page in by_id(LIST, fetch)] == [50, 50, 20]
    assert asked == [None, 50, 100]


def test_a_full_last_page_costs_one_more_call_unless_no_more_can_exist() -> None:
    for at_most, calls in ((None, 2), (50, 1), (60, 2)):
        asked: list[int | None] = []

        def fetch(after: int | None, asked: list[int | None] = asked) -> list[dict[str, Any]]:
            asked.append(after)
            return ids(1, 50) if after is None else []

        assert [len(page) for page in by_id(LIST, fetch, at_most=at_most)] == [50]
        assert len(asked) == calls


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"id": 2}, {"id": 2}], "record 2 comes after record 2"),
        ([{"id": 3}, {"id": 2}], "record 2 comes after record 3"),
        ([{"id": "2"}], "no id"),
        ([{}], "no id"),
        ({"id": 2}, "no list"),
        (["row"], "not an object"),
    ],
)
def test_rows_out_of_order_or_without_id_are_unexpected(rows: Any, problem: str) -> None:
    with pytest.raises(UnexpectedResponse, match=problem):
        list(by_id(LIST, lambda after: rows))


def test_batches_keep_their_order_and_lose_nothing() -> None:
    assert list(batched(range(7), 3)) == [(0, 1, 2), (3, 4, 5), (6,)]
    assert list(batched([], 3)) == []


def test_results_come_in_order_however_long_each_takes() -> None:
    def work(n: int) -> int:
        time.sleep(0.03 * (5 - n % 5))
        return n

    assert list(in_order(work, range(10), workers=4)) == list(range(10))


def test_batches_are_worked_on_together_but_never_more_than_the_workers() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(n: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return n

    list(in_order(work, range(20), workers=3))
    assert most == 3


def test_a_slow_consumer_slows_the_reading_down() -> None:
    taken: list[int] = []

    def batches() -> Iterator[int]:
        for n in range(100):
            taken.append(n)
            yield n

    results = in_order(lambda n: n, batches(), workers=3)
    assert [next(results), next(results)] == [0, 1]
    assert len(taken) == 4
    results.close()  # type: ignore[attr-defined]


def test_the_first_error_in_order_ends_the_iteration() -> None:
    begun: list[int] = []

    def work(n: int) -> int:
        begun.append(n)
        if n in (1, 2):
            time.sleep(0.05 if n == 1 else 0)
            raise ValueError(n)
        return n

    seen = []
    with pytest.raises(ValueError, match="1"):
        for result in in_order(work, range(100), workers=2):
            seen.append(result)
    assert seen == [0]
    assert len(begun) <= 4
