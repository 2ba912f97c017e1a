"""What a vendor call is: name, method, path, the rate bucket it draws from, and whether it only reads.

The tables of operations (`amazon_business.operations`, `coupa.operations`) are made of these and are the only place
where a path or a published rate stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote

from connectors.limits import Bucket

OWNER = "{owner}"  # in a bucket's name: the account or instance the rate is counted for


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` may hold `{id}` and the like; `bucket` carries the vendor's published rate; `read` permits repetition."""

    name: str
    method: str
    path: str
    bucket: Bucket
    read: bool

    def at(self, **parts: str | int) -> str:
        """The path with its placeholders filled, each as one escaped segment."""
        return self.path.format_map({name: quote(str(part), safe="") for name, part in parts.items()})


def owned_bucket(operation: Operation, owner: str, multiplier: float) -> Bucket:
    """The operation's bucket under its owner's name, at the connection's share of the published rate."""
    bucket = replace(operation.bucket, name=operation.bucket.name.replace(OWNER, owner))
    return bucket if multiplier == 1 else bucket.times(multiplier)


def by_name(operations: Iterable[Operation]) -> dict[str, Operation]:
    """Operations by name; raises ValueError where two share one."""
    table: dict[str, Operation] = {}
    for operation in operations:
        if operation.name in table:
            raise ValueError(f"two operations are called {operation.name}")
        table[operation.name] = operation
    return table
