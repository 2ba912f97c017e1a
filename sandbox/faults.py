"""Faults on demand: what an operation's next calls meet instead of, or on top of, their ordinary answer.

A fault counts down `times` calls of its operation (`*` is any), after letting `skip` of them through. Faults are
tried in the order they were set; one fault acts on one call. After `drop_after`, `status_after` and `slow_after` the
write has happened and the client can't know.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sandbox.exchange import Answer, Call

FaultKind = Literal[
    "rate_limit",  # 429, before anything is looked at
    "status",  # `status` with the vendor's error envelope
    "html",  # `status` with an HTML page
    "slow",  # everything as usual, `seconds` later: a client that gave up meanwhile has its write done all the same
    "slow_after",  # everything done at once, the answer `seconds` later
    "status_after",  # everything done, then answered with `status`
    "drop_before",  # connection closed, nothing done
    "drop_after",  # everything done, then connection closed without an answer
    "expired_token",  # the vendor's answer to an expired token
    "malformed",  # the ordinary answer cut in half: 200 with broken JSON
    "duplicate",  # the first record of the page appears twice
    "reorder",  # the records of the page in reverse order
    "repeat_token",  # the page names itself as the next one
    "patch",  # `patch` replaces top-level keys of the answer; null removes
]
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)
BEFORE: frozenset[str] = frozenset({"rate_limit", "status", "html", "drop_before", "expired_token"})


@dataclass(slots=True)
class Fault:
    kind: FaultKind
    operation: str = "*"
    times: int = 1
    skip: int = 0
    status: int = 500
    seconds: float = 1.0  # machine time
    retry_after: float | None = None
    patch: dict[str, Any] = field(default_factory=dict)
    id: int = 0

    def applies(self, operation: str) -> bool:
        return self.operation in ("*", operation)


class Faults:
    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.met = 0
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> Fault:
        fault.id = next(self._ids)
        self.waiting.append(fault)
        return fault

    def take(self, operation: str) -> Fault | None:
        """The fault this call meets, counted down; None for an undisturbed call."""
        for fault in self.waiting:
            if not fault.applies(operation):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
            self.met += 1
            return fault
        return None

    def clear(self) -> None:
        self.waiting.clear()


def html_page(status: int) -> Answer:
    page = f"<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>Something went wrong</h1></body></html>"
    return Answer(status, raw=page.encode(), content_type="text/html; charset=utf-8")


def spoil(fault: Fault, call: Call, answer: Answer) -> Answer:
    """`answer` as `fault` leaves it; answers other than 2xx stay as they are."""
    if not 200 <= answer.status < 300:
        return answer
    if fault.kind == "malformed":
        content = answer.content()
        return Answer(answer.status, headers=answer.headers, raw=content[: len(content) // 2])
    if fault.kind == "patch" and isinstance(answer.body, dict):
        merged = {**answer.body, **fault.patch}
        return Answer(answer.status, {k: v for k, v in merged.items() if v is not None}, answer.headers)
    if fault.kind == "repeat_token" and isinstance(answer.body, dict) and (token := call.argument("nextPageToken")):
        return Answer(answer.status, {**answer.body, "nextPageToken": token}, answer.headers)
    if fault.kind == "duplicate":
        return _with_rows(answer, lambda rows: rows[:1] + rows)
    if fault.kind == "reorder":
        return _with_rows(answer, lambda rows: rows[::-1])
    return answer


def _with_rows(answer: Answer, change: Any) -> Answer:
    """The answer with its list of records (a bare array, or the first array of an object) changed."""
    body = answer.body
    if isinstance(body, list):
        return Answer(answer.status, change(body), answer.headers)
    if isinstance(body, dict):
        name = next((key for key, value in body.items() if isinstance(value, list)), None)
        if name is not None:
            return Answer(answer.status, {**body, name: change(body[name])}, answer.headers)
    return answer
