"""Records in memory, found by id or by an indexed attribute.

Every change of a record goes through `add`, `update` or `remove`, so that the indexes cannot go stale. Keys that begin
with `_` are the sandbox's own (`_parent`: the id of the row a child belongs to) and never leave it. A snapshot is plain
JSON; children are kept in it as ids.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.coupa.schema import Many, Record, Resource


class Table:
    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.rows: dict[int, Record] = {}
        self.indexed = (*resource.indexed, "_parent") if resource.parent not in (None, "*") else tuple(resource.indexed)
        self._indexes: dict[str, dict[Any, dict[int, None]]] = {column: {} for column in self.indexed}
        self.next_id = 1

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, record: Record, *, outside_series: bool = False) -> Record:
        """Keeps the record; it gets the next id unless it brings one. `outside_series` ids do not move the series
        on."""
        record.setdefault("id", self.next_id)
        if not outside_series:
            self.next_id = max(self.next_id, record["id"] + 1)
        self.rows[record["id"]] = record
        for column, index in self._indexes.items():
            index.setdefault(record.get(column), {})[record["id"]] = None
        return record

    def update(self, record: Record, changes: Mapping[str, Any]) -> None:
        for column in changes.keys() & self._indexes.keys():
            if record.get(column) != changes[column]:
                self._indexes[column][record.get(column)].pop(record["id"], None)
                self._indexes[column].setdefault(changes[column], {})[record["id"]] = None
        record.update(changes)

    def remove(self, record: Record) -> None:
        del self.rows[record["id"]]
        for column, index in self._indexes.items():
            index[record.get(column)].pop(record["id"], None)

    def ids_by(self, column: str, value: Any) -> Iterable[int]:
        """Ids of the records whose indexed `column` equals `value`, in the order they got it."""
        return self._indexes[column].get(value, {})

    def by(self, column: str, value: Any) -> list[Record]:
        return [self.rows[record_id] for record_id in sorted(self.ids_by(column, value))]

    def reindex(self) -> None:
        rows, self.rows = self.rows, {}
        self._indexes = {column: {} for column in self._indexes}
        for record in rows.values():
            self.add(record, outside_series=True)


class Store:
    """All tables by the name of their resource."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.tables = {resource.name: Table(resource) for resource in resources}

    def __getitem__(self, resource: str) -> Table:
        return self.tables[resource]

    def snapshot(self) -> dict[str, Any]:
        return {
            name: {"next": table.next_id, "rows": [_frozen(table.resource, record) for record in table]}
            for name, table in self.tables.items()
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        for name, table in self.tables.items():
            kept = snapshot.get(name, {"next": 1, "rows": []})
            table.next_id = kept["next"]
            table.rows = {row["id"]: {key: _thawed(value) for key, value in row.items()} for row in kept["rows"]}
        for table in self.tables.values():
            for column, kind in table.resource.columns.items():
                if isinstance(kind, Many):
                    children = self.tables[kind.resource].rows
                    for record in table:
                        record[column] = [children[child] for child in record.get(column, [])]
            table.reindex()


def _frozen(resource: Resource, record: Record) -> Record:
    return {
        key: [child["id"] for child in value] if isinstance(resource.columns.get(key), Many) else _plain(value)
        for key, value in record.items()
    }


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return {"$decimal": str(value)}
        case datetime():
            return {"$moment": value.isoformat()}
        case date():
            return {"$day": value.isoformat()}
        case _:
            return value


def _thawed(value: Any) -> Any:
    match value:
        case {"$decimal": text}:
            return Decimal(text)
        case {"$moment": text}:
            return datetime.fromisoformat(text)
        case {"$day": text}:
            return date.fromisoformat(text)
        case _:
            return value
