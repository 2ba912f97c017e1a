"""From a body to records: both spellings of keys, types, lengths, references, children, required values, uniqueness.

`read_attributes` collects every problem before it refuses. Children keep their row when the body names their id, are
deleted by `_delete`, and are added otherwise.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from sandbox.coupa.errors import invalid
from sandbox.coupa.instance import API_USER_ID, Instance
from sandbox.coupa.references import find_reference
from sandbox.coupa.schema import Inline, Many, Record, Ref, Resource, hyphenate

NEVER_WRITTEN = {"created-by", "updated-by"}


def read_body(body: Any, model: str) -> Record:
    """The body as an object with hyphenated keys."""
    if body is None:
        return {}
    if not isinstance(body, Mapping):
        raise invalid(model, "The body must be one JSON object")
    return dict(hyphenate(body))


def read_document(instance: Instance, name: str, body: Any) -> Record:
    """A body whose child rows can be looked into: every list of rows is a list of objects."""
    resource = instance.table(name).resource
    given = read_body(body, resource.model)
    for column, kind in resource.columns.items():
        rows = given.get(column)
        if not isinstance(kind, Many) or rows is None or column == "payments":
            continue
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise invalid(resource.model, f"{_label(column)} must be a list of objects")
    return given


def read_attributes(instance: Instance, resource: Resource, given: Mapping[str, Any]) -> Record:
    """Typed values of the attributes sent; children stay as sent. Refuses unknown names; passes over Coupa's own
    columns."""
    values: Record = {}
    problems: list[str] = []
    for name, value in given.items():
        column = resource.columns.get(name)
        if name == "custom-fields" and isinstance(value, Mapping):
            values[name] = dict(value)
        elif name == "_delete" or (name == "id" and not instance.trusted):
            continue
        elif column is None:
            problems.append(f"{_label(name)} is not an attribute of {resource.title.lower()}")
        elif (name in NEVER_WRITTEN and not instance.trusted) or (column.output and not instance.trusted):
            continue
        else:
            try:
                values[name] = _read_value(instance, column, value)
            except ValueError as problem:
                optional = isinstance(column, Ref) and not column.required
                if not (optional and instance.switches["ignore_unknown_references"]):
                    problems.append(f"{_label(name)} {problem}")
    if problems:
        raise invalid(resource.model, *problems)
    return values


def _read_value(instance: Instance, column: Any, value: Any) -> Any:
    if isinstance(column, Many):
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            raise ValueError("must be a list of objects")
        return value
    if value is None or (value == "" and not isinstance(column, Inline)):
        return None if value is None or isinstance(column, Ref) else ("" if type(column).__name__ == "Text" else None)
    if isinstance(column, Ref):
        return find_reference(instance, column.resource, value)["id"]
    return column.read(value)


def _label(name: str) -> str:
    return name.replace("-", " ").capitalize()


def create(
    instance: Instance,
    name: str,
    given: Mapping[str, Any],
    *,
    parent: Record | None = None,
    extra: Record | None = None,
) -> Record:
    """A new record with its children, checked for required values and uniqueness. `extra` are values Coupa computes
    first."""
    table = instance.table(name)
    resource = table.resource
    values = {**resource.defaults, **read_attributes(instance, resource, given), **(extra or {})}
    check_required(resource, values)
    now = instance.now()
    record: Record = {
        **dict.fromkeys(resource.columns),
        **values,
        "created-at": values.get("created-at") or now,
        "updated-at": values.get("updated-at") or now,
    }
    if "created-by" in resource.columns:
        record["created-by"] = record["updated-by"] = values.get("created-by") or API_USER_ID
    if parent is not None:
        record["_parent"] = parent["id"]
    if record["id"] is None:
        record["id"] = table.next_id
    elif record["id"] in table.rows:
        raise invalid(resource.model, "Id has already been taken")
    check_unique(instance, resource, record)
    children = {column: values.get(column) or [] for column, kind in resource.columns.items() if isinstance(kind, Many)}
    record.update({column: [] for column in children})
    table.add(record)
    try:
        for column, rows in children.items():
            kind = resource.columns[column]
            assert isinstance(kind, Many)
            record[column] = [create(instance, kind.resource, hyphenate(row), parent=record) for row in rows]
    except Exception:
        remove(instance, name, record)
        raise
    return record


def remove(instance: Instance, name: str, record: Record) -> None:
    """Takes the record and its children out; a row that two records show goes once."""
    table = instance.table(name)
    if record["id"] not in table.rows:
        return
    for column, kind in table.resource.columns.items():
        if isinstance(kind, Many):
            for child in record.get(column) or []:
                remove(instance, kind.resource, child)
    table.remove(record)


@contextmanager
def all_or_nothing(instance: Instance, name: str, record: Record) -> Iterator[None]:
    """What is refused within leaves the record and its children exactly as they were."""
    before = deepcopy(record)
    try:
        yield
    except Exception:
        table = instance.table(name)
        _put_children_back(instance, name, record, before)
        table.update(record, {key: before.get(key) for key in record.keys() | before.keys()})
        raise


def _put_children_back(instance: Instance, name: str, record: Record, before: Record) -> None:
    for column, kind in instance.table(name).resource.columns.items():
        if not isinstance(kind, Many):
            continue
        for child in record.get(column) or []:
            remove(instance, kind.resource, child)
        for child in before.get(column) or []:
            if child["id"] not in instance.table(kind.resource).rows:
                instance.table(kind.resource).add(child)
            _put_children_back(instance, kind.resource, {}, child)


def check_required(resource: Resource, values: Mapping[str, Any]) -> None:
    missing = [name for name, column in resource.columns.items() if column.required and values.get(name) in (None, "")]
    if missing:
        raise invalid(resource.model, *(f"{_label(name)} can't be blank" for name in missing))


def check_unique(instance: Instance, resource: Resource, record: Mapping[str, Any]) -> None:
    """Each group of `unique` columns names at most one record; blank values are no name."""
    table = instance.table(resource.name)
    taken: list[str] = []
    for group in resource.unique:
        if any(record.get(column) in (None, "") for column in group):
            continue
        first, *rest = group
        for other in table.by(first, record[first]):
            if other["id"] != record.get("id") and all(other.get(column) == record.get(column) for column in rest):
                taken.append(f"{_label(first)} has already been taken")
                break
    if taken:
        raise invalid(resource.model, *taken)


def update(instance: Instance, name: str, record: Record, given: Mapping[str, Any]) -> Record:
    """Changes only what was sent (custom fields one by one, children by id); gives back what changed, typed."""
    table = instance.table(name)
    values = read_attributes(instance, table.resource, given)
    values.pop("id", None)
    if "custom-fields" in values:
        values["custom-fields"] = {**(record.get("custom-fields") or {}), **values["custom-fields"]}
    merged = {**record, **values}
    check_required(table.resource, merged)
    check_unique(instance, table.resource, merged)
    rows = {
        column: values.pop(column) for column in list(values) if isinstance(table.resource.columns.get(column), Many)
    }
    changed = {column: value for column, value in values.items() if record.get(column) != value}
    plans = {
        column: _plan_children(instance, table.resource, column, record, given_rows)
        for column, given_rows in rows.items()
    }
    for column, plan in plans.items():
        changed[column] = _apply_children(instance, table.resource, column, record, plan)
    for column in rows:
        changed.pop(column, None) if not changed[column] else None
    own = {column: value for column, value in changed.items() if column not in rows}
    table.update(record, {**own, "updated-at": instance.now()})
    if "updated-by" in table.resource.columns:
        record["updated-by"] = API_USER_ID
    return changed


def _plan_children(
    instance: Instance, resource: Resource, column: str, record: Record, rows: list[Mapping[str, Any]]
) -> list[tuple[Record | None, Record]]:
    """Which existing row each sent row means; refuses ids that are not this record's."""
    kind = resource.columns[column]
    assert isinstance(kind, Many)
    own = {child["id"]: child for child in record[column]}
    plan: list[tuple[Record | None, Record]] = []
    for row in rows:
        spelled = hyphenate(dict(row))
        child_id = spelled.get("id")
        read_attributes(
            instance, instance.table(kind.resource).resource, spelled
        )  # every problem before the first change
        if child_id is None:
            plan.append((None, spelled))
        elif child_id in own:
            plan.append((own[child_id], spelled))
        else:
            raise invalid(resource.model, f"{_label(column)} has no row with id {child_id}")
    return plan


def _apply_children(
    instance: Instance, resource: Resource, column: str, record: Record, plan: list[tuple[Record | None, Record]]
) -> list[Record]:
    kind = resource.columns[column]
    assert isinstance(kind, Many)
    changes: list[Record] = []
    for child, row in plan:
        if child is None:
            new = create(instance, kind.resource, row, parent=record)
            record[column].append(new)
            changes.append({"id": new["id"], "_added": True})
        elif row.get("-delete") or row.get("_delete"):
            record[column].remove(child)
            remove(instance, kind.resource, child)
            changes.append({"id": child["id"], "_deleted": True})
        else:
            changed = update(instance, kind.resource, child, row)
            if changed:
                changes.append({"id": child["id"], **changed})
    return changes
