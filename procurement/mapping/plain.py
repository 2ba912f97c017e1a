"""A document as plain values, for people: examples in YAML, golden files, previews.

Money reads `USD 19.99`, decimals and dates are texts, what is empty is left out.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from msgspec import Struct, structs

from procurement.money import Money

Plain = object
EMPTY: tuple[object, ...] = ((), {})


def plain(value: object) -> Plain:
    """The value without types of ours; documents become dictionaries of their filled fields."""
    if isinstance(value, Money):
        return f"{value.currency} {value.amount:f}"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Struct):
        return plain(structs.asdict(value))
    if is_dataclass(value):
        return plain({field.name: getattr(value, field.name) for field in fields(value)})
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items() if entry is not None and entry not in EMPTY}
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def differences(expected: Plain, actual: Plain, where: str = "") -> list[str]:
    """How `actual` misses what `expected` asks for; keys that `expected` does not name are free."""
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{where}: expected {dict(expected)}, got {actual!r}"]
        return [
            found
            for key, entry in expected.items()
            for found in differences(entry, actual.get(key), f"{where}.{key}" if where else str(key))
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [found for n, entry in enumerate(expected) for found in differences(entry, actual[n], f"{where}[{n}]")]
    if str(plain(expected)) == str(actual):
        return []
    return [f"{where}: expected {plain(expected)!r}, got {actual!r}"]
