"""One field rule compiled to a function of its context: read once, run millions of times.

A compiled field returns its value, None where there is nothing, or raises `FieldProblem`. What kind of value a target
takes is decided here, so that a mapping cannot put a text where an amount belongs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from procurement.mapping.converters import (
    CONVERTERS,
    FieldProblem,
    date_in_zone,
    to_date,
    to_flag,
    to_money,
    to_number,
    to_text,
    to_whole,
    unchanged,
)
from procurement.mapping.grammar import FieldRule, split_path
from procurement.mapping.lookups import Lookup

Context = Mapping[str, Any]  # root word -> document in its vendor's spelling
Read = Callable[[Context], Any]
OBJECT = (dict, Mapping)  # JSON gives dicts, which are told at once; the general test costs ten times as much
Compiled = Callable[[Context], Any]

KINDS: Mapping[str, Callable[[object], object]] = {
    "date": to_date, "original_date": to_date,
    "supplier_total": to_money, "principal": to_money, "total": to_money, "unit_price": to_money, "shipping": to_money,
    "gift_wrap": to_money, "regulatory_fee": to_money, "discount": to_money, "tax": to_money,
    "quantity": to_number, "tax_rate": to_number, "shipping_tax_rate": to_number, "gift_wrap_tax_rate": to_number,
    "po_line_id": to_whole,
    "is_refund": to_flag,
}  # fmt: skip
ALWAYS = frozenset({
    "number", "date", "supplier", "currency", "supplier_total", "is_refund", "principal", "total", "po_number", "po_line_number",
    "po_line_id", "description",
})  # fmt: skip  # needed whatever the mapping says
# Most characters that Coupa takes, where the mapping sets no limit of its own.
LIMITS: Mapping[str, int] = {
    "number": 40, "original_number": 40, "description": 1550, "po_number": 20, "po_line_number": 255, "part_number": 255,
    "match_reference": 255,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tables:
    """What conversions look things up in: lookup tables by name, time zones by marketplace id."""

    lookups: Mapping[str, Lookup]
    zones: Mapping[str, str]


def compile_read(paths: Sequence[str]) -> Read:
    """Reads the first filled of several paths; None when all are absent or blank."""
    readers = [_reader(split_path(path)) for path in paths]
    if len(readers) == 1:
        return readers[0]

    def read(context: Context) -> Any:
        for one in readers:
            value = one(context)
            if value is not None:
                return value
        return None

    return read


def _reader(steps: tuple[str, ...]) -> Read:
    root, *keys = steps
    if len(keys) == 1:
        return _short_reader(root, keys[0])
    path = [(key, int(key) if key.isdigit() else None) for key in keys]  # a place in a list, where the value is one

    def read(context: Context) -> Any:
        value: Any = context.get(root)
        for key, place in path:
            if isinstance(value, OBJECT):
                value = value.get(key)
            elif place is not None and isinstance(value, list):
                value = value[place] if place < len(value) else None
            else:
                return None
        return None if type(value) is str and not value.strip() else value

    return read


def _short_reader(root: str, key: str) -> Read:
    """The same for the many paths of one key."""

    def read(context: Context) -> Any:
        document = context.get(root)
        if not isinstance(document, OBJECT):
            return None
        value = document.get(key)
        return None if type(value) is str and not value.strip() else value

    return read


def compile_target(name: str, rules: Sequence[FieldRule], tables: Tables) -> Compiled:
    """The target as a function: the first rule that yields a value counts, and a default only after all of them."""
    kind = KINDS.get(name, to_text)
    limit = LIMITS.get(name)
    required = name in ALWAYS or any(rule.required for rule in rules)
    compiled = [_compile_rule(rule, kind, limit, tables, alone=len(rules) == 1) for rule in rules]
    only = compiled[0] if len(compiled) == 1 else None

    def first(context: Context) -> Any:
        unknown = None
        for one in compiled:
            value = one(context)
            if type(value) is _Unknown:
                unknown = unknown or value
            elif value is not None:
                return value
        if unknown is not None:
            raise FieldProblem(unknown.problem)
        return None

    found = only or first
    if not required:
        return found

    def needed(context: Context) -> Any:
        value = found(context)
        if value is None:
            raise FieldProblem(f"is missing ({_places(rules)})")
        return value

    return needed


def _places(rules: Sequence[FieldRule]) -> str:
    paths = [path for rule in rules for path in rule.paths if path not in (*rule.must_equal, *rule.zone_from)]
    return f"looked in {', '.join(paths)}" if paths else "the mapping gives no source"


def _compile_rule(
    rule: FieldRule, kind: Callable[[object], object], limit: int | None, tables: Tables, *, alone: bool
) -> Compiled:
    steps, finish = _steps(rule, tables, alone=alone), _finish(rule, kind, limit)
    read, default = _source(rule), kind(rule.default) if rule.default is not None else None
    if not steps and default is None:  # most fields: no step to go through, nothing to fall back on

        def plain_value(context: Context) -> Any:
            value = read(context)
            return None if value is None else finish(value)

        return plain_value

    def value_of(context: Context) -> Any:
        value = read(context)
        for step in steps:
            if value is None:
                return default
            value = step(value, context)
            if type(value) is _Unknown:
                return value
        finished = None if value is None else finish(value)
        return default if finished is None else finished

    return value_of


def _source(rule: FieldRule) -> Read:
    read = _given(rule)
    if not rule.unless:
        return read
    other = compile_read(rule.unless)
    return lambda context: read(context) if other(context) is None else None


def _given(rule: FieldRule) -> Read:
    if rule.from_all:
        parts = [compile_read(paths) for paths in rule.from_all]

        def joined(context: Context) -> Any:
            values = [to_text(value) if (value := part(context)) is not None else None for part in parts]
            return "/".join(filter(None, values)) if all(values) else None

        return joined
    paths = rule.from_ or rule.from_lines
    return compile_read(paths) if paths else lambda context: None


Step = Callable[[Any, Context], Any]


def _steps(rule: FieldRule, tables: Tables, *, alone: bool) -> list[Step]:
    """The conversions and the lookup that come before the value is made what its target takes."""
    conversions = (_conversion(name, rule, tables) for name in rule.convert)
    steps = [step for step in conversions if step is not None]
    if rule.lookup:
        steps.append(_lookup(tables.lookups[rule.lookup], alone=alone))
    return steps


def _finish(rule: FieldRule, kind: Callable[[object], object], limit: int | None) -> Callable[[Any], Any]:
    """A value as its target takes it; a text no longer than it may be."""
    if kind is not to_text:
        converted = rule.convert and not rule.lookup and CONVERTERS[rule.convert[-1]].convert is kind
        return unchanged if converted else kind
    most = rule.max or limit
    return to_text if most is None else _text_within(most, cut="truncate" in rule.convert)


def _conversion(name: str, rule: FieldRule, tables: Tables) -> Step | None:
    if name == "marketplace_date":
        return _marketplace_date(compile_read(rule.zone_from), tables.zones)
    if name == "truncate":
        return None
    convert = CONVERTERS[name].convert
    return lambda value, context: convert(value)


def _marketplace_date(read_marketplace: Read, zones: Mapping[str, str]) -> Step:
    def convert(value: Any, context: Context) -> Any:
        marketplace = read_marketplace(context)
        if marketplace not in zones:
            raise FieldProblem(
                f"cannot be dated: marketplace {str(marketplace)[:40]!r} has no time zone in policies.yml"
            )
        return date_in_zone(value, zones[marketplace])

    return convert


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A key that nobody listed, while another rule may still give a value."""

    problem: str


def _lookup(table: Lookup, *, alone: bool) -> Step:
    def look_up(value: Any, context: Context) -> Any:
        key = to_text(value)
        found = table.find(key) if key else None
        if found is not None or not key:
            return found
        problem = f"is unknown: {table.name}.yml has no row for {key[:40]!r}; add one"
        if alone:
            raise FieldProblem(problem)
        return _Unknown(problem)

    return look_up


def _text_within(most: int, *, cut: bool) -> Callable[[Any], str | None]:
    def text_within(value: Any) -> str | None:
        text = to_text(value)
        if text is None or len(text) <= most:
            return text
        if cut:
            return text[:most].rstrip()
        raise FieldProblem(f"is {len(text)} characters long; at most {most} are allowed")

    return text_within
