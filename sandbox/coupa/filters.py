"""Coupa's query language: `?attribute[operator]=value`, through associations, all conditions ANDed.

Names may be spelled with hyphens or underscores; `supplier[number]`, `order_lines[account][code][in]`, `supplier_id`,
`custom_fields[name]` and the nested-bracket spelling all work. Equality and `in` on indexed attributes are answered
from
the indexes, also through associations; the rest is compared row by row. An unreadable condition is a 400 that names it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.coupa.errors import bad_query
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import (
    Column,
    Flag,
    Inline,
    Linked,
    Many,
    Moment,
    Record,
    Ref,
    Resource,
    Text,
    Whole,
)

PAGE = 50
RESERVED = {"limit", "offset", "order-by", "dir", "fields", "filter", "return-object", "show-deleted-lines"}
IN_LISTS = {"in", "not_in"}
TEXTUAL = {"contains", "starts_with", "ends_with"}
ORDERING = {"gt", "lt", "gt_or_eq", "lt_or_eq"}
OPERATORS = {"eq", "not_eq", "blank", *IN_LISTS, *TEXTUAL, *ORDERING}
UPWARD = {"purchase_order_lines": ("order-header", "purchase_orders"), "invoice_lines": ("invoice-header", "invoices"),
          "remit_to_addresses": ("supplier", "suppliers")}  # fmt: skip
ANY_TEXT = Text()


@dataclass(frozen=True, slots=True)
class Step:
    """One association followed: `how` is ref, many, linked or up."""

    how: str
    column: str
    resource: str
    kind: str | None = None
    own_kind: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    name: str
    steps: tuple[Step, ...]
    leaf: tuple[str, ...]
    column: Column
    operator: str
    operand: Any

    def test(self, value: Any) -> bool:
        return COMPARE[self.operator](value, self.operand)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value == operand,
    "not_eq": lambda value, operand: value is not None and value != operand,
    "in": lambda value, operand: value in operand,
    "not_in": lambda value, operand: value is not None and value not in operand,
    "gt": lambda value, operand: value is not None and value > operand,
    "lt": lambda value, operand: value is not None and value < operand,
    "gt_or_eq": lambda value, operand: value is not None and value >= operand,
    "lt_or_eq": lambda value, operand: value is not None and value <= operand,
    "contains": lambda value, operand: value is not None and operand.lower() in str(value).lower(),
    "starts_with": lambda value, operand: value is not None and str(value).lower().startswith(operand.lower()),
    "ends_with": lambda value, operand: value is not None and str(value).lower().endswith(operand.lower()),
    "blank": lambda value, operand: (value in (None, "", [])) == operand,
}


def read_condition(instance: Instance, resource: Resource, name: str, text: str) -> Condition:
    tokens = [token for token in re.split(r"[\[\]]+", name) if token]
    operator = "eq"
    if len(tokens) > 1 and tokens[-1].replace("-", "_") in OPERATORS:
        operator = tokens.pop().replace("-", "_")
    steps, leaf, column = _resolve(instance, resource, [token.replace("_", "-") for token in tokens], tokens, name)
    if resource.name == "users" and leaf == ("status",):
        leaf, column, text = ("active",), Flag(), str(text == "active")
    return Condition(name, steps, leaf, column, operator, _operand(column, operator, text, name))


def _resolve(
    instance: Instance, resource: Resource, path: list[str], spelled: list[str], name: str
) -> tuple[tuple[Step, ...], tuple[str, ...], Column]:
    steps: list[Step] = []
    for position, token in enumerate(path):
        rest = path[position + 1 :]
        column = resource.columns.get(token)
        upward = UPWARD.get(resource.name, ("", ""))
        if token == "custom-fields" and rest:
            return tuple(steps), ("custom-fields", *spelled[position + 1 :]), ANY_TEXT
        if isinstance(column, Inline) and rest:
            return tuple(steps), (token, *rest), ANY_TEXT
        if not rest and token == f"{upward[0]}-id":
            return tuple(steps), ("_parent",), Whole()
        if not rest and token.endswith("-id") and isinstance(resource.columns.get(token[:-3]), Ref) and column is None:
            return tuple(steps), (token[:-3],), Whole()
        if not rest and (token, resource.name) == ("status", "users"):
            return tuple(steps), ("status",), ANY_TEXT
        if column is None and token == upward[0]:
            steps.append(Step("up", "_parent", upward[1]))
        elif column is None or (not rest and isinstance(column, Many | Linked)):
            break
        elif not rest:
            return tuple(steps), (token,), Whole() if isinstance(column, Ref) else column
        elif isinstance(column, Ref):
            steps.append(Step("ref", token, column.resource))
        elif isinstance(column, Many):
            steps.append(Step("many", token, column.resource))
        elif isinstance(column, Linked):
            steps.append(Step("linked", column.by, column.resource, column.kind, resource.kind))
        else:
            break
        resource = instance.table(steps[-1].resource).resource
    raise bad_query(f"Unknown query attribute: {name}")


def _operand(column: Column, operator: str, text: str, name: str) -> Any:
    if operator in TEXTUAL | {"blank"} and isinstance(column, Moment):
        raise bad_query(f"Operator {operator} cannot be used on the date {name}")
    try:
        if operator == "blank":
            return Flag().read(text)
        if operator in TEXTUAL:
            return text
        if operator in IN_LISTS:
            return {column.operand(one.strip()) for one in text.split(",")}
        return column.operand(text) if not (operator == "eq" and text == "") else None
    except ValueError as problem:
        raise bad_query(f"Value {text[:80]!r} of {name} {problem}") from None


def values_of(instance: Instance, record: Record, steps: Sequence[Step], leaf: Sequence[str]) -> Iterator[Any]:
    """Every value the path reaches from `record`: one, none, or one per child row."""
    if not steps:
        value: Any = record
        for position, key in enumerate(leaf):
            value = _dig(value, key, custom=position > 0 and leaf[0] == "custom-fields")
        yield value
        return
    step, *rest = steps
    for other in _follow(instance, record, step):
        yield from values_of(instance, other, rest, leaf)


def _dig(value: Any, key: str, *, custom: bool) -> Any:
    if not isinstance(value, dict):
        return None
    if not custom or key in value:
        return value.get(key)
    return next((one for name, one in value.items() if name.replace("_", "-") == key.replace("_", "-")), None)


def _follow(instance: Instance, record: Record, step: Step) -> list[Record]:
    if step.how == "many":
        return record.get(step.column) or []
    if step.how == "linked":
        rows = instance.table(step.resource).by(step.column, record["id"])
        return [row for row in rows if step.kind is None or row.get(step.kind) == step.own_kind]
    other = instance.get(step.resource, record.get(step.column))
    return [other] if other else []


def candidate_ids(
    instance: Instance, name: str, steps: Sequence[Step], leaf: str, values: Sequence[Any]
) -> set[int] | None:
    """Ids that can satisfy an equality, from indexes alone; None where no index helps."""
    table = instance.table(name)
    if not steps:
        if leaf == "id":
            return {value for value in values if value in table.rows}
        if leaf not in table.indexed:
            return None
        return {record_id for value in values for record_id in table.ids_by(leaf, value)}
    step, *rest = steps
    reached = candidate_ids(instance, step.resource, rest, leaf, values)
    if reached is None:
        return None
    if step.how == "many":
        children = instance.table(step.resource)
        if children.resource.parent != name:
            return None
        rows = children.rows
        return {rows[child]["_parent"] for child in reached if rows[child].get("_parent") in table.rows}
    if step.how in ("ref", "up") and step.column in table.indexed:
        return {record_id for other in reached for record_id in table.ids_by(step.column, other)}
    return None


def select(
    instance: Instance, name: str, query: Sequence[tuple[str, str]], *, within: Callable[[Record], bool] | None = None
) -> list[Record]:
    """One page of records that meet every condition; `within` narrows to a parent's rows."""
    resource = instance.table(name).resource
    options = {key.replace("_", "-"): value for key, value in query if key.replace("_", "-") in RESERVED}
    conditions = [
        read_condition(instance, resource, key, value) for key, value in query if key.replace("_", "-") not in RESERVED
    ]
    limit, offset = _whole(options, "limit", PAGE), _whole(options, "offset", 0)
    rows = _narrowed(instance, name, conditions)
    meets = [record for record in rows if _all_met(instance, record, conditions) and (within is None or within(record))]
    return _ordered(resource, meets, options)[offset : offset + min(limit, PAGE)]


def _narrowed(instance: Instance, name: str, conditions: Sequence[Condition]) -> list[Record]:
    table = instance.table(name)
    best: set[int] | None = None
    for condition in conditions:
        if condition.operator not in ("eq", "in") or len(condition.leaf) != 1:
            continue
        values = list(condition.operand) if condition.operator == "in" else [condition.operand]
        ids = candidate_ids(instance, name, condition.steps, condition.leaf[0], values)
        if ids is not None:
            best = ids if best is None else best & ids
    return list(table) if best is None else [table.rows[record_id] for record_id in sorted(best)]


def _all_met(instance: Instance, record: Record, conditions: Sequence[Condition]) -> bool:
    for condition in conditions:
        if not any(
            condition.test(_comparable(condition, value))
            for value in values_of(instance, record, condition.steps, condition.leaf)
        ):
            return False
    return True


def _comparable(condition: Condition, value: Any) -> Any:
    """Custom and inline values are compared as the text a query can carry."""
    if len(condition.leaf) == 1 or value is None:
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(options: dict[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not text.isdigit():
        raise bad_query(f"Value {text[:80]!r} of {name} is not a whole number")
    return int(text)


def _ordered(resource: Resource, rows: list[Record], options: dict[str, str]) -> list[Record]:
    column = options.get("order-by", "id").replace("_", "-")
    direction = options.get("dir", "asc").lower()
    if column not in resource.columns or isinstance(resource.columns[column], Ref | Many | Linked | Inline):
        raise bad_query(f"Cannot order by {column}")
    if direction not in ("asc", "desc"):
        raise bad_query(f"Value {direction[:80]!r} of dir is neither asc nor desc")
    rows = sorted(rows, key=lambda record: int(record["id"]), reverse=direction == "desc" and column == "id")
    if column == "id":
        return rows
    blank: list[Record] = [record for record in rows if record.get(column) is None]
    filled = [record for record in rows if record.get(column) is not None]
    filled.sort(key=lambda record: _sort_key(record[column]), reverse=direction == "desc")
    return filled + blank if direction == "desc" else blank + filled


def _sort_key(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int | Decimal) else value
