"""From records to Coupa's JSON: hyphenated keys, decimals as text, `fields`, `return_object`.

Without `fields` a record shows all its attributes, its child rows in full, and of each referenced record the plain
attributes. `fields` is a JSON list of names and `{association: [...]}` objects and may reach as deep as it likes;
names nobody knows are passed over, as Coupa does. A compiled form is kept per resource and `fields` text.
"""

import json
from collections.abc import Callable
from typing import Any

from sandbox.coupa.errors import bad_query
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Column, Inline, Linked, Many, Record, Ref, Resource

USER_SIMPLE = (
    "id",
    "login",
    "email",
    "firstname",
    "lastname",
    "fullname",
    "employee-number",
    "created-at",
    "updated-at",
)
SHOWN_IN_REFERENCES = {  # beside the plain attributes
    "requisitions": ("requested-by", "requester"),
    "approvals": ("approver", "approved-by"),
}
WITHOUT_CUSTOM_FIELDS = {"currencies", "approvals", "failed_tolerances", "matching_allocations", "comments"}
INTERNAL = {  # what only filters may follow, and what is taken in but never shown
    "matching_allocations": ("invoice-line", "order-line"),
    "requisitions": ("approver", "external-po-reference"),
    "items": ("image-url",),
    "supplier_items": ("availability", "availability-date"),
    "supplier_information": ("supplier-name", "supplier-number"),
    "catalogs": ("start-date", "end-date"),
}
ONLY_IF_SWITCHED_ON = {"catalogs": {"status": "show_catalog_status"}}
ONLY_IF_NAMED = {  # newer than the tenant's release, or unlike its published models: `fields` must ask for it
    "invoices": ("customer-account-number",),
    "purchase_orders": ("reason-insight-events",),
    "purchase_order_changes": ("approvals",),
    "order_line_changes": ("currency",),
}
WITHOUT_EMPTY = {"supplier_information"}  # Coupa leaves out what is null there
Json = Any
Show = Callable[[Record], Json]


class Serialiser:
    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._compiled: dict[tuple[str, str, bool], Show] = {}

    def show(self, name: str, record: Record, *, fields: str | None = None, return_object: str | None = None) -> Json:
        """The record as the call asked for it; None for `return_object=none`. Raises Refused (400) on a `fields`
        nobody can read."""
        if fields is None and return_object == "none":
            return None
        return self._shown_by(name, fields, return_object if return_object in ("limited", "shallow") else "full")(
            record
        )

    def check(self, name: str, fields: str) -> None:
        """Refuses an unreadable `fields` before the call has done anything."""
        self._shown_by(name, fields, "full")

    def _shown_by(self, name: str, fields: str | None, mode: str) -> Show:
        key = (name, mode if fields is None else fields, bool(self.instance.switches["show_catalog_status"]))
        if key not in self._compiled:
            if len(self._compiled) > 500:
                self._compiled.clear()
            self._compiled[key] = self._compile(name, mode if fields is None else _wanted(fields))
        return self._compiled[key]

    def _hidden(self, name: str) -> frozenset[str]:
        switched = ONLY_IF_SWITCHED_ON.get(name, {}).items()
        off = [column for column, switch in switched if not self.instance.switches[switch]]
        return frozenset([*INTERNAL.get(name, ()), *off])

    def _compile(self, name: str, wanted: Any, *, as_reference: bool = False) -> Show:
        resource, hidden = self.instance.table(name).resource, self._hidden(name)
        simple_user = name == "users" and as_reference
        parts: list[tuple[str, Callable[[Record], Json]]] = []
        for column_name, spec in _choices(resource, wanted):
            if simple_user and column_name not in USER_SIMPLE:
                continue
            if column_name == "custom-fields":
                if name not in WITHOUT_CUSTOM_FIELDS and not simple_user:
                    parts.append((column_name, _custom_fields(spec)))
                continue
            column = resource.columns.get(column_name)
            if column is not None and column_name not in hidden:
                parts.append((column_name, self._part(resource, column_name, column, spec)))

        sparse = name in WITHOUT_EMPTY

        def show(record: Record) -> Json:
            shown = {key: part(record) for key, part in parts}
            return {key: value for key, value in shown.items() if value is not None} if sparse else shown

        return show

    def _part(self, resource: Resource, name: str, column: Column, spec: Any) -> Callable[[Record], Json]:
        if isinstance(column, Ref):
            rows, inner = (
                self.instance.table(column.resource).rows,
                self._compile(column.resource, spec or "plain", as_reference=True),
            )
            return lambda record: inner(rows[record[name]]) if record.get(name) in rows else None
        if isinstance(column, Many):
            inner = self._compile(column.resource, spec or "full")
            return lambda record: [inner(child) for child in record.get(name) or []]
        if isinstance(column, Linked):
            table, inner = self.instance.table(column.resource), self._compile(column.resource, spec or "plain")
            by, kind = column.by, column.kind
            return lambda record: [
                inner(row) for row in table.by(by, record["id"]) if kind is None or row.get(kind) == resource.kind
            ]
        if isinstance(column, Inline):
            return lambda record: record.get(name)
        write = column.write
        return lambda record: None if record.get(name) is None else write(record[name])


def _wanted(fields: str) -> list[Any]:
    try:
        wanted = json.loads(fields)
    except ValueError:
        raise bad_query("fields is not a JSON list") from None
    if not isinstance(wanted, list):
        raise bad_query("fields is not a JSON list")
    return wanted


def _choices(resource: Resource, wanted: Any) -> list[tuple[str, Any]]:
    """(column, nested choice) pairs; the nested choice None means that association's usual form."""
    usual = {
        name: column for name, column in resource.columns.items() if name not in ONLY_IF_NAMED.get(resource.name, ())
    }
    if wanted == "full":
        return [(name, None) for name in usual] + [("custom-fields", None)]
    if wanted == "plain":
        also = SHOWN_IN_REFERENCES.get(resource.name, ())
        associations = Ref | Many | Linked | Inline
        return [(name, None) for name, column in usual.items() if name in also or not isinstance(column, associations)]
    if wanted == "limited":
        return [("id", None)]
    if wanted == "shallow":
        return [(name, "keys" if isinstance(column, Ref) else "limited") for name, column in usual.items()] + [
            ("custom-fields", None)
        ]
    if wanted == "keys":
        return [(name, "limited") for name in ("id", *resource.keys) if name in resource.columns]
    if not isinstance(wanted, list):
        return []
    chosen: list[tuple[str, Any]] = []
    for one in wanted:
        if isinstance(one, str):
            chosen.append((one.replace("_", "-"), None))
        elif isinstance(one, dict):
            chosen += [(name.replace("_", "-"), nested) for name, nested in one.items()]
    return chosen


def _custom_fields(spec: Any) -> Callable[[Record], Json]:
    names = {str(name).replace("_", "-") for name in spec} if isinstance(spec, list) and spec else None
    return lambda record: {
        key: value
        for key, value in (record.get("custom-fields") or {}).items()
        if names is None or key.replace("_", "-") in names
    }
