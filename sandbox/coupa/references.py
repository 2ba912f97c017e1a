"""Nested objects in a body name existing records: every attribute given is a condition, and exactly one record must
meet all.

An unknown or ambiguous reference is refused with 400, for optional ones too (a real instance may ignore those):
safer for tests.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Record, Ref

SYNONYMS: Mapping[str, Mapping[str, str]] = {"purchase_order_lines": {"po-number": "order-header-number"}}


def find_reference(instance: Instance, resource: str, given: Any) -> Record:
    """The record named by `given` (an id, or an object of keys); raises ValueError with the end of a sentence."""
    if isinstance(given, int | str) and not isinstance(given, bool):
        given = {"id": given}
    if not isinstance(given, Mapping) or not given:
        raise ValueError("is not a reference")
    synonyms = SYNONYMS.get(resource, {})
    conditions: dict[str, Any] = {synonyms.get(key, key): value for key, value in given.items()}
    if conditions.get("id") is not None:
        found = instance.get(resource, _as_id(conditions["id"]))
        candidates = [found] if found else []
    else:
        candidates = _candidates(instance, resource, conditions)
    matching = [
        record
        for record in candidates
        if all(_meets(instance, resource, record, key, value) for key, value in conditions.items())
    ]
    if not matching:
        raise ValueError(f"can't be found by {_described(conditions)}")
    if len(matching) > 1:
        raise ValueError(f"is ambiguous: {len(matching)} records have {_described(conditions)}")
    return matching[0]


def _as_id(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1


def _candidates(instance: Instance, resource: str, conditions: Mapping[str, Any]) -> list[Record]:
    table = instance.table(resource)
    for key, value in conditions.items():
        if key in table.indexed and isinstance(value, str | int):
            return table.by(key, value)
    return list(table)


def _meets(instance: Instance, resource: str, record: Record, key: str, value: Any) -> bool:
    column = instance.table(resource).resource.columns.get(key)
    kept = record.get(key)
    if isinstance(column, Ref):
        try:
            return bool(find_reference(instance, column.resource, value)["id"] == kept)
        except ValueError:
            return False
    if isinstance(value, Mapping) and isinstance(kept, Mapping):
        return all(kept.get(name) == one for name, one in value.items())
    if key == "id":
        return _as_id(value) == kept
    if column is None:
        return False
    return kept is not None and str(kept) == str(value)


def _described(conditions: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value!r}" for key, value in conditions.items())
