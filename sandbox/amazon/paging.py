"""Page tokens. A token is good for the operation and parameters it was made for, and for nothing else.

It carries the moment of its first page: later pages show the world as it was then, so that rows neither shift nor
appear between two pages. It is signed by content alone (a sandbox keeps no secrets), which is enough to notice a
token that was cut, mixed up or made up.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sandbox.amazon.errors import invalid
from sandbox.seed import Json


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts, in which view of the world, and the parameters that its first page was asked with."""

    seen_at: datetime
    offset: int = 0
    parameters: tuple[tuple[str, str], ...] = ()


def write_token(operation: str, position: Position) -> str:
    content = json.dumps(
        [operation, position.seen_at.isoformat(), position.offset, position.parameters], separators=(",", ":")
    ).encode()
    return base64.urlsafe_b64encode(_checksum(content) + content).decode()


def read_token(operation: str, token: str) -> Position:
    """400 for a token that was not made by `write_token` for this operation."""
    try:
        packed = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        checksum, content = packed[:8], packed[8:]
        name, seen_at, offset, parameters = json.loads(content)
        if checksum != _checksum(content) or name != operation:
            raise ValueError("made up or another operation's")
    except ValueError:
        raise invalid("nextPageToken is not valid for this operation.") from None
    return Position(datetime.fromisoformat(seen_at), offset, tuple((key, value) for key, value in parameters))


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(b"amazon-business-sandbox:" + content).digest()[:8]


def as_parameters(query: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in query if name != "nextPageToken"))


def page(name: str, rows: Sequence[Json], position: Position, *, size: int, operation: str) -> tuple[Json, list[Json]]:
    """The answer with one page of `rows` under `name` and the token of the next, and that page apart."""
    end = position.offset + size
    shown = list(rows[position.offset : end])
    answer: Json = {name: shown}
    if end < len(rows):
        answer["nextPageToken"] = write_token(operation, Position(position.seen_at, end, position.parameters))
    return answer, shown
