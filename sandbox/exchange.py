"""One call and its answer, and the table of operations a vendor serves.

Handlers are plain functions `Call -> Answer`, run one at a time: no request ever sees half of another. A handler that
must refuse from deep inside raises `Refusal`; it must have changed nothing by then.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

from sandbox.limits import Bucket


@dataclass(slots=True)
class Call:
    """A request as it came over the wire; `path` is without the query and still percent-encoded."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]  # names in lower case
    body: bytes
    params: dict[str, str] = field(default_factory=dict)  # the path's placeholders, decoded
    grants: frozenset[str] = frozenset()  # set by the vendor's `authenticate`

    def argument(self, name: str) -> str | None:
        """The query parameter `name` (the first, if repeated)."""
        return next((value for key, value in self.query if key == name), None)

    def json(self) -> Any:
        """The body as JSON, None when empty; ValueError when it is not JSON."""
        return json.loads(self.body) if self.body.strip() else None

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(value: object) -> bytes:
    """Compact JSON; Decimals become JSON numbers."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


@dataclass(slots=True)
class Answer:
    """What goes back. `raw` with `content_type`, where set, replaces the JSON body (HTML pages, XML)."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"

    def content(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else to_json(self.body)


class Refusal(Exception):
    """Ends a call with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with {answer.status}")
        self.answer = answer


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of a vendor's table. `name` is the vendor's word (`getTransactions`); faults and call counts use it.

    `path` may hold `{placeholders}`, each one path segment. `needs` lists roles or scopes, any one of which permits
    the call. `write` marks what changes state (a read-only POST does not). `public` needs no token (the token call).
    """

    name: str
    method: str
    path: str
    handler: Handler
    bucket: Bucket | None = None
    needs: tuple[str, ...] = ()
    write: bool = False
    public: bool = False


class Routes:
    """Finds the operation of a method and path; literal paths win over those with placeholders.

    `suffix` is an ending that every path may also carry, such as `.json`.
    """

    def __init__(self, operations: Sequence[Operation], *, suffix: str = "") -> None:
        self.names = frozenset(operation.name for operation in operations)
        self._by_segments: dict[int, list[tuple[re.Pattern[str], Operation]]] = {}
        for operation in sorted(operations, key=lambda operation: operation.path.count("{")):
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", re.escape(operation.path))
            rows = self._by_segments.setdefault(operation.path.count("/"), [])
            rows.append((re.compile(f"{pattern}(?:{re.escape(suffix)})?\\Z"), operation))

    def find(self, method: str, path: str) -> tuple[Operation | None, dict[str, str], list[str]]:
        """The operation and its path parameters; if there is none, the methods that the path does have."""
        allowed = []
        for pattern, operation in self._by_segments.get(path.count("/"), ()):
            match = pattern.match(path)
            if match and operation.method == method:
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}, []
            if match:
                allowed.append(operation.method)
        return None, {}, allowed
