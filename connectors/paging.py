"""Pages of a list, one call after the other, with a way out: a page that repeats ends in UnexpectedResponse, never
in a loop."""

from collections.abc import Callable, Iterator
from typing import Any

from connectors.errors import UnexpectedResponse
from connectors.operations import Operation
from connectors.tally import Json

PAGE = 50  # Coupa's most records a call


def by_token(
    operation: Operation, fetch: Callable[[str | None], Any], *, rows: str, cursor: str = "nextPageToken"
) -> Iterator[list[Json]]:
    """Pages whose answers name the next one; a missing or empty token ends them."""
    seen: set[str] = set()
    following: str | None = None
    while True:
        body = fetch(following)
        if not isinstance(body, dict):
            raise _unexpected(operation, "the answer is not an object")
        yield read_rows(operation, body.get(rows) or [])
        following = body.get(cursor) or None
        if following is None:
            return
        if not isinstance(following, str):
            raise _unexpected(operation, f"{cursor} is not a text")
        if following in seen:
            raise _unexpected(operation, f"{cursor} repeats an earlier page, after {len(seen)} pages")
        seen.add(following)


def by_id(
    operation: Operation, fetch: Callable[[int | None], Any], *, at_most: int | None = None
) -> Iterator[list[Json]]:
    """Pages in ascending id, each asked for by the last id before it; a page shorter than 50 ends them.

    `fetch` gets the id to start after. `at_most` is how many rows can exist: reaching it spares the last, empty page.
    """
    last: int | None = None
    count = 0
    while True:
        page = read_rows(operation, fetch(last))
        for row in page:
            row_id = row.get("id")
            if not isinstance(row_id, int):
                raise _unexpected(operation, "a record has no id")
            if last is not None and row_id <= last:
                raise _unexpected(operation, f"record {row_id} comes after record {last}: the page repeats")
            last = row_id
        count += len(page)
        if page:
            yield page
        if len(page) < PAGE or (at_most is not None and count >= at_most):
            return


def read_rows(operation: Operation, rows: object) -> list[Json]:
    """`rows` as a list of objects; UnexpectedResponse if it is anything else."""
    if not isinstance(rows, list):
        raise _unexpected(operation, "the answer holds no list")
    if not all(isinstance(row, dict) for row in rows):
        raise _unexpected(operation, "a record is not an object")
    return rows


def _unexpected(operation: Operation, problem: str) -> UnexpectedResponse:
    return UnexpectedResponse(problem, operation=operation.name)
