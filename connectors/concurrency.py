"""Batches worked on in parallel, results in the order of the batches, never more in memory than workers."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def in_order(function: Callable[[Batch], Result], batches: Iterable[Batch], *, workers: int) -> Iterator[Result]:
    """`function` of each batch, at most `workers` at a time.

    The next batch is only taken when a result has been handed on, so a slow consumer slows the reading down. The first
    error, in order, ends the iteration; batches not yet begun are dropped.
    """
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="read")
    try:
        for batch in batches:
            pending.append(pool.submit(function, batch))
            if len(pending) >= workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def batched(values: Iterable[Batch], size: int) -> Iterator[tuple[Batch, ...]]:
    """`values` in tuples of `size`, the last one shorter (itertools has this from Python 3.12 on)."""
    iterator = iter(values)
    while batch := tuple(islice(iterator, size)):
        yield batch
