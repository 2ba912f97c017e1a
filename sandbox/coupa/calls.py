"""One call of the Core API, and the table of those the sandbox answers: a row each, registered by `add`."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.coupa.errors import not_found
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Record

Json = Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its path taken apart."""

    ids: Mapping[str, int] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    body: Json = None

    def option(self, name: str) -> str | None:
        return next((value for key, value in self.query if key.replace("-", "_") == name), None)


Result = Record | list[Record] | None
Handler = Callable[[Instance, Call], Result]


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str  # below /api, with {id}
    resource: str
    scopes: tuple[str, ...]
    handler: Handler
    status: int = 200
    pattern: re.Pattern[str] = field(default=re.compile(""), compare=False)


OPERATIONS: list[Operation] = []
SINGULAR = {
    "currencies": "currency", "commodities": "commodity", "addresses": "address",
    "remit_to_addresses": "remit_to_address",
}  # fmt: skip


def singular(resource: str) -> str:
    return SINGULAR.get(resource, resource.removesuffix("s"))


def add(
    name: str, method: str, path: str, resource: str, handler: Handler, *, needs: tuple[str, ...], status: int = 200
) -> None:
    pattern = re.compile("^/api" + re.sub(r"\{(\w+)\}", r"(?P<\1>\\d+)", path) + "$")
    OPERATIONS.append(Operation(name, method, path, resource, needs, handler, status, pattern))


def find(instance: Instance, resource: str, record_id: int) -> Record:
    record = instance.get(resource, record_id)
    if record is None:
        raise not_found(instance.table(resource).resource.title, record_id)
    return record
