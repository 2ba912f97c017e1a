"""Reading raw answers by path, leniently: what is missing, null or unreadable is None. Amazon's samples are full of it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.payload_types import read_exact, read_moment
from connectors.tally import Json


def found(raw: Json, *path: str) -> Any:
    """What stands at the end of the path, None where the path breaks off."""
    value: Any = raw
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(raw: Json, *path: str) -> str | None:
    value = found(raw, *path)
    return value.strip() or None if isinstance(value, str) else None


def exact(raw: Json, *path: str) -> Decimal | None:
    with suppress(ValueError):
        return read_exact(found(raw, *path))
    return None


def count(raw: Json, *path: str) -> int | None:
    number = exact(raw, *path)
    return int(number) if number is not None and number == number.to_integral_value() else None


def objects(raw: Json, *path: str) -> Iterator[Json]:
    """The objects of a list; nothing where there is none."""
    value = found(raw, *path)
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def moment(raw: Json, *path: str) -> datetime | None:
    """Aware UTC."""
    with suppress(ValueError):
        return read_moment(found(raw, *path))
    return None
