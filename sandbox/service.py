"""The shared edge of both vendors: what happens to a request before and after a vendor's handler.

How a vendor plugs in. It gives a `Vendor`: its table of operations, its state, and its own words for the refusals that
the edge decides on. For each request the edge, in this order:

    time        runs everything on the timeline that is due
    recording   keeps the exchange (written last, so that it holds what the client really got)
    fault       a fault set for the operation may answer, delay, or drop the connection
    token       `vendor.authenticate(call, operation)` answers 401/403, or sets `call.grants` and returns None
    rate        takes a token from the operation's bucket; none left: 429
    handler     `operation.handler(call)`, synchronous: requests are served one at a time
    counts      by operation and status class; a `write` operation answered with 2xx is a write accepted

Paths under `/_sandbox` go to `control.py` and meet none of this.
"""

import asyncio
import copy
import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import parse_qsl

from sandbox.clock import SandboxClock, Timeline
from sandbox.exchange import Answer, Call, Operation, Refusal, Routes
from sandbox.faults import BEFORE, Fault, Faults, html_page, spoil
from sandbox.limits import RateLimits
from sandbox.recording import Recorder
from sandbox.seed import World
from sandbox.tokens import TokenStore

Json = dict[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[MutableMapping[str, Any]], Any]
log = logging.getLogger(__name__)
TRANSPORT = "sandbox.transport"  # the scope's key under which the server leaves the connection, for drops


class Problem(StrEnum):
    """What the edge itself refuses with; the vendor gives each its own status and envelope."""

    UNKNOWN_PATH = "unknown path"
    WRONG_METHOD = "wrong method"
    RATE_LIMITED = "rate limited"
    EXPIRED_TOKEN = "expired token"
    SERVER_ERROR = "server error"


class UnknownEvent(LookupError):
    """`POST /_sandbox/events/{name}` with a name the vendor does not know."""


class State(Protocol):
    """What a vendor knows. All of it lives in memory; a snapshot is plain JSON."""

    def snapshot(self) -> Json: ...

    def restore(self, snapshot: Json) -> None:
        """Called after `load` of the same world, with the timeline already skipped to the snapshot's moment. What a
        state put on the timeline at run time it keeps in its snapshot and adds again here."""
        ...

    def parts(self) -> Mapping[str, Callable[[], Any]]:
        """The whole state as JSON, for people and tests, each top-level part written when it is called: `GET /_sandbox/state`."""
        ...

    def event(self, name: str, body: Json) -> Any:
        """Makes something happen now and returns what changed; UnknownEvent, or ValueError for a bad body."""
        ...


class Vendor(Protocol):
    """One vendor's half. Made by `create_vendor(clock, tokens)` of its package."""

    service: str  # the recording's word: amazon_business, coupa
    title: str
    routes: Routes
    events: Mapping[str, str]  # name -> what it does and what its body holds
    switches: dict[str, Any]  # sandbox choices, changed over `POST /_sandbox/switches`; a value keeps its type

    @property
    def state(self) -> State: ...

    def load(self, world: World, timeline: Timeline) -> None:
        """Starts over from the world; what lies in the clock's future goes on the timeline."""
        ...

    def authenticate(self, call: Call, operation: Operation) -> Answer | None:
        """None lets the call through."""
        ...

    def refuse(self, problem: Problem, call: Call, *, status: int | None = None) -> Answer:
        """The vendor's envelope; `status` comes with SERVER_ERROR (500, 503, 504 or what a fault asked for)."""
        ...

    def finish(self, call: Call, operation: Operation | None, answer: Answer) -> None:
        """Adds the headers that every answer of the vendor carries."""
        ...


@dataclass(slots=True)
class Calls:
    """How often each operation was called, by status class, and how many writes were accepted."""

    by_operation: dict[str, Counter[str]] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)

    def count(self, operation: str, status: str, *, write_accepted: bool = False) -> None:
        self.by_operation.setdefault(operation, Counter())[status] += 1
        if write_accepted:
            self.writes[operation] += 1

    def describe(self) -> Json:
        """`by_operation` (2xx, 4xx, 5xx, 429 apart, dropped), their totals, and writes accepted, per operation and in sum."""
        totals = sum(self.by_operation.values(), Counter[str]())
        return {
            "calls": totals.total(),
            "by_status": dict(sorted(totals.items())),
            "writes_accepted": self.writes.total(),
            "writes": dict(sorted(self.writes.items())),
            "by_operation": {name: dict(sorted(counts.items())) for name, counts in sorted(self.by_operation.items())},
        }

    def clear(self) -> None:
        self.by_operation.clear()
        self.writes.clear()

    def restore(self, snapshot: Json) -> None:
        self.by_operation = {name: Counter(counts) for name, counts in snapshot["by_operation"].items()}
        self.writes = Counter(snapshot["writes"])


class Service:
    """One vendor as an ASGI application. `control`, set by the process, serves `/_sandbox`."""

    def __init__(
        self,
        vendor: Vendor,
        *,
        clock: SandboxClock,
        timeline: Timeline,
        tokens: TokenStore,
        limits: RateLimits,
        recorder: Recorder | None = None,
    ) -> None:
        self.vendor, self.clock, self.timeline, self.tokens = vendor, clock, timeline, tokens
        self.limits, self.recorder = limits, recorder
        self.faults, self.calls = Faults(), Calls()
        self._default_switches = copy.deepcopy(vendor.switches)
        self.changed = False  # since the last snapshot
        self.control: Callable[[Scope, Receive, Send], Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.run_timeline()
        if self.control is not None and scope["path"].startswith("/_sandbox"):
            await self.control(scope, receive, send)
            return
        call = await _read_call(scope, receive)
        operation, call.params, allowed = self.vendor.routes.find(call.method, call.path)
        fault = self.faults.take(operation.name) if operation else None
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            self.run_timeline()
        if fault and fault.kind == "drop_before":
            self.calls.count(operation.name if operation else "?", "dropped")
            await _drop(scope, receive)
            return
        answer = self._answer(call, operation, allowed, fault)
        done = 200 <= answer.status < 300
        if fault and fault.kind == "status_after" and done:
            answer = self.vendor.refuse(Problem.SERVER_ERROR, call, status=fault.status)
        self.vendor.finish(call, operation, answer)
        self._keep(call, operation, answer, done=done)
        if fault and fault.kind == "slow_after":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind == "drop_after":
            await _drop(scope, receive)
            return
        await _send(answer, send)

    def start_over(self) -> None:
        """Faults, counts, rates, tokens and switches as at the first start."""
        self.faults = Faults()
        for part in (self.calls, self.limits, self.tokens):
            part.clear()
        self.vendor.switches.update(copy.deepcopy(self._default_switches))

    def run_timeline(self) -> None:
        if self.timeline.run_due(self.clock.now()):
            self.changed = True

    def _answer(self, call: Call, operation: Operation | None, allowed: Sequence[str], fault: Fault | None) -> Answer:
        if operation is None:
            return self.vendor.refuse(Problem.WRONG_METHOD if allowed else Problem.UNKNOWN_PATH, call)
        if fault and fault.kind in BEFORE:
            return self._fault_answer(fault, call)
        refused = None if operation.public else self.vendor.authenticate(call, operation)
        if refused is None and operation.bucket is not None and (wait := self.limits.take(operation.bucket)):
            refused = self._rate_limited(call, wait if self.vendor.switches.get("retry_after") else None)
        if refused is not None:
            return refused
        try:
            answer = operation.handler(call)
        except Refusal as refusal:
            return refusal.answer
        except Exception:
            log.exception("%s failed inside the sandbox", operation.name)
            return self.vendor.refuse(Problem.SERVER_ERROR, call, status=500)
        return spoil(fault, call, answer) if fault else answer

    def _rate_limited(self, call: Call, retry_after: float | None) -> Answer:
        answer = self.vendor.refuse(Problem.RATE_LIMITED, call)
        if retry_after is not None:
            answer.headers["Retry-After"] = str(math.ceil(retry_after))
        return answer

    def _fault_answer(self, fault: Fault, call: Call) -> Answer:
        if fault.kind == "rate_limit":
            return self._rate_limited(call, fault.retry_after)
        if fault.kind == "expired_token":
            return self.vendor.refuse(Problem.EXPIRED_TOKEN, call)
        if fault.kind == "html":
            return html_page(fault.status)
        return self.vendor.refuse(Problem.SERVER_ERROR, call, status=fault.status)

    def _keep(self, call: Call, operation: Operation | None, answer: Answer, *, done: bool) -> None:
        """`done` is whether the handler did what was asked, whatever the client is told."""
        write = operation is not None and operation.write
        status = "429" if answer.status == 429 else f"{answer.status // 100}xx"
        self.calls.count(operation.name if operation else "?", status, write_accepted=write and done)
        self.changed = self.changed or write
        if self.recorder is not None and not (operation and operation.public):
            self.recorder.write(self.vendor.service, call, answer)


async def _read_call(scope: Scope, receive: Receive) -> Call:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return Call(
        method=scope["method"],
        path=(scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace"),
        query=parse_qsl(scope["query_string"].decode("ascii", "replace"), keep_blank_values=True),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=b"".join(parts),
    )


async def _send(answer: Answer, send: Send) -> None:
    content = answer.content()
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    if content:
        headers.append((b"content-type", answer.content_type.encode("latin-1")))
    headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _drop(scope: Scope, receive: Receive) -> None:
    """Closes the connection without a byte of answer, and waits until the server has noticed."""
    scope[TRANSPORT].close()
    while (await receive())["type"] != "http.disconnect":
        pass
