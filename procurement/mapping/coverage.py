"""Which fields of an invoice are filled, from where, and whether an example shows it.

A path that no example fills may be a typing mistake: the vendor's names are not checked, examples are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from procurement.mapping.fields import ALWAYS, Context, compile_read
from procurement.mapping.grammar import FieldRule, HeaderRules, LineRules, MappingFile, targets

COMPUTED = {
    "header": {"is_credit_note": "all lines are refunds", "lines": "one per line", "charges": "charges.yml", "notes": "taxes.yml"},
    "line": {
        "number": "position", "total": "quantity x unit_price", "tax_lines": "tax by taxes.yml", "adjustment_type": "refunds",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Covered:
    """One target: `source` is None where nothing fills it."""

    side: str
    target: str
    source: str | None
    shown: bool = True
    needed: bool = False


def coverage(file: MappingFile) -> list[Covered]:
    """Every field of header and line, in the grammar's order, custom fields last."""
    return [*_side("header", file.header, file), *_side("line", file.line, file)]


def _side(side: str, rules: HeaderRules | LineRules, file: MappingFile) -> Iterable[Covered]:
    filled = dict(targets(rules))
    names = [name for name in type(rules).model_fields if name != "custom_fields"]
    for name in [*names, *(name for name in filled if name not in names)]:
        alternatives = filled.get(name, ())
        source = " | ".join(map(describe, alternatives)) or None
        shown = any(_is_shown(rule, file, side) for rule in alternatives) if alternatives else True
        yield Covered(side, name, source, shown, name in ALWAYS or any(rule.required for rule in alternatives))
    for name, source in COMPUTED[side].items():
        yield Covered(side, f"{name} (computed)", source)


def describe(rule: FieldRule) -> str:
    """One rule as one reads it aloud."""
    parts = ["first of " + ", ".join(rule.from_) if len(rule.from_) > 1 else "".join(rule.from_)]
    if rule.from_lines:
        parts = [f"{', '.join(rule.from_lines)} of all lines"]
    if rule.from_all:
        parts = [" with ".join(f"({' or '.join(paths)})" for paths in rule.from_all)]
    parts += [f"as {name}" for name in rule.convert]
    parts += [f"through {rule.lookup}"] if rule.lookup else []
    parts += [f"else {rule.default!r}" if parts[0] else repr(rule.default)] if rule.default is not None else []
    return " ".join(filter(None, parts))


def _is_shown(rule: FieldRule, file: MappingFile, side: str) -> bool:
    """Whether an example fills the rule; a constant needs none."""
    paths = [*rule.from_, *rule.from_lines, *(path for part in rule.from_all for path in part)]
    return not paths or any(compile_read(paths)(context) is not None for context in _contexts(file, side))


def _contexts(file: MappingFile, side: str) -> Iterable[Context]:
    for example in file.examples:
        if side == "header":
            yield example.header
        for line in example.lines:
            yield line_context(example.header, line)


def line_context(header: Mapping[str, object], line: Mapping[str, object]) -> Context:
    """A line of an example sees what the header sees, unless it says otherwise."""
    return {**header, **line}


def report(name: str, covered: Iterable[Covered]) -> list[str]:
    """The coverage as lines of text."""
    rows = list(covered)
    width = max(len(f"{row.side}.{row.target}") for row in rows)
    lines = [f"{name}: {sum(row.source is not None for row in rows)} of {len(rows)} fields are filled"]
    for row in rows:
        marks = ("*" if row.needed else " ") + ("?" if not row.shown else " ")
        lines.append(f" {marks} {f'{row.side}.{row.target}':<{width}}  {row.source or '-'}")
    return [*lines, "   * needed   ? no example fills it   - nothing fills it"]
