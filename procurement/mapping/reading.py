"""Reading YAML so that a mistake is found where it was made.

Promise: every `MappingError` names file, line, key and value, and the nearest word that would have been right; all
mistakes of a file come at once. Plain YAML only: no tags, no anchors, no key twice; `on`, `off`, `no` and `012` are
texts, 0.5 is an exact decimal.
"""

import difflib
import re
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union

import yaml
from pydantic import BaseModel, ValidationError

from procurement.errors import MappingError

Key = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
LARGEST_FILE = 1_000_000  # bytes; a rule file is read by people
LONGEST_VALUE = 60


class _Plain(yaml.composer.Composer):
    """YAML 1.2's core types instead of 1.1's: a country NO or a switch `off` stays a text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    check_event: Callable[..., bool]
    peek_event: Callable[[], Any]

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not allowed", mark)
        return super().compose_node(parent, index)


class _PlainLoader(_Plain, yaml.SafeLoader):
    """Its words are those that people read when a file is not readable."""


_PLAIN: Sequence[tuple[str, str, str]] = (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:~|null|)$", "~n\0"),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    ("float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", "-0123456789"),
)
for _name, _pattern, _first in _PLAIN:
    _starts = [letter if letter != "\0" else "" for letter in _first]
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), _starts)


class _QuickLoader(_Plain, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by libyaml, several times as fast, where PyYAML was built with it."""

    yaml_implicit_resolvers = _PlainLoader.yaml_implicit_resolvers

    def __init__(self, stream: str) -> None:
        super(yaml.composer.Composer, self).__init__(stream)
        self.anchors: dict[str, yaml.Node] = {}


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_QuickLoader)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=_PlainLoader)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file's plain content, with the line of every key and list item."""

    path: Path
    content: object
    lines: dict[Key, int]

    def line_of(self, key: Sequence[str | int]) -> int:
        """The line of `key`, or of the nearest thing around it; steps that the file does not have are passed over."""
        found: Key = ()
        for step in key:
            if (*found, step) in self.lines:
                found = (*found, step)
        return self.lines.get(found, 1)

    def problem(self, key: Sequence[str | int], sentence: str) -> str:
        """`sentence` with its place before it."""
        where = ".".join(str(step) for step in key)
        return (
            f"{self.path.parent.name}/{self.path.name}:{self.line_of(key)}: {f'{where}: ' if where else ''}{sentence}"
        )


def read_yaml(path: Path) -> YamlFile:
    """Raises MappingError when the file is missing, too large, not YAML, or not plain."""
    name = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_bytes()
        if len(text) > LARGEST_FILE:
            raise MappingError(f"{name}: larger than {LARGEST_FILE:,} bytes; rule files are meant to be read by people")
        node = _compose(text.decode())
    except OSError as error:
        raise MappingError(f"{name}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise MappingError(f"{name}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingError(f"{name}:{line}: not readable as YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise MappingError(f"{name}: contains characters that YAML does not allow") from None
    file, problems = YamlFile(path, None, {(): 1}), list[str]()
    content = _value(file, node, (), problems) if node is not None else {}
    if problems:
        raise MappingError("\n".join(problems))
    return YamlFile(path, content, file.lines)


def _value(file: YamlFile, node: yaml.Node, key: Key, problems: list[str]) -> object:
    file.lines.setdefault(key, node.start_mark.line + 1)
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind not in ("map", "seq", "str", "int", "float", "bool", "null"):
        problems.append(file.problem(key, f"the tag {node.tag!r} is not allowed; write a plain value"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(file, node, key, problems)
    if isinstance(node, yaml.SequenceNode):
        return [_value(file, item, (*key, number), problems) for number, item in enumerate(node.value)]
    return _scalar(kind, str(node.value))


def _scalar(kind: str, text: str) -> object:
    if kind == "int":
        return int(text)
    if kind == "float":
        return Decimal(text)
    return {"bool": text == "true", "null": None}.get(kind, text)


def _mapping(file: YamlFile, node: yaml.MappingNode, key: Key, problems: list[str]) -> dict[str, object]:
    result: dict[str, object] = {}
    for name_node, value_node in node.value:
        if not isinstance(name_node, yaml.ScalarNode):
            problems.append(file.problem(key, "a key must be a plain text"))
            continue
        name, line = str(name_node.value), name_node.start_mark.line + 1
        if name in result:
            before = file.lines[(*key, name)]
            place = f"{file.path.parent.name}/{file.path.name}:{line}"
            problems.append(
                f"{place}: {'.'.join(map(str, (*key, name)))}: the key {name!r} stands twice (first on line {before})"
            )
            continue
        file.lines[(*key, name)] = line
        result[name] = _value(file, value_node, (*key, name), problems)
    return result


def read_rules_file(path: Path, model: type[Model]) -> tuple[Model, YamlFile]:
    """The file as a typed value; raises MappingError with every mistake in it."""
    file = read_yaml(path)
    try:
        return model.model_validate(file.content), file
    except ValidationError as error:
        problems = [_explain(file, model, problem) for problem in error.errors(include_url=False)]
        raise MappingError("\n".join(dict.fromkeys(problems))) from None


def _explain(file: YamlFile, model: type[BaseModel], problem: Any) -> str:
    key, kind, value = tuple(problem["loc"]), problem["type"], problem["input"]
    context = problem.get("ctx") or {}
    if kind == "extra_forbidden":
        return file.problem(key, f"unknown key {key[-1]!r}{nearest(str(key[-1]), known_keys(model, key[:-1]))}")
    if kind == "missing":
        return file.problem(key[:-1], f"the key {str(key[-1])!r} is missing")
    if kind in ("literal_error", "enum"):
        words = re.findall(r"'([^']*)'", str(context.get("expected")))
        return file.problem(key, f"{shown(value)} is not one of the words known here{nearest(str(value), words)}")
    sentence = str(context["error"]) if "error" in context else problem["msg"]
    return file.problem(key, f"{shown(value)}: {sentence}" if kind != "value_error" else sentence)


def shown(value: object) -> str:
    """A value for a message: short, whatever its size."""
    text = repr(str(value)) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """'; did you mean X? Known: ...' for a message about an unknown word."""
    words = sorted(set(known))
    lower = {entry.lower(): entry for entry in words}
    close = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.5)
    hint = f"; did you mean {lower[close[0]]!r}?" if close else ""
    return f"{hint}{';' if not hint else ''} Known: {', '.join(words)}" if words else hint


def known_keys(model: type[BaseModel], key: Sequence[str | int]) -> list[str]:
    """The keys a model accepts at `key`; empty where anything goes."""
    here: object = model
    for step in key:
        here = _step(here, step)
    inner = _model_in(here)
    return [field.alias or name for name, field in inner.model_fields.items()] if inner else []


def _step(here: object, step: str | int) -> object:
    """The annotation behind one step: a field of a model, a value of a dictionary, an item of a list."""
    origin, arguments = typing.get_origin(here), typing.get_args(here)
    if origin is dict:
        return arguments[1]
    if origin in (list, tuple) or origin is Annotated:
        return _step(arguments[0], step) if origin is Annotated or not isinstance(step, int) else arguments[0]
    if origin in (Union, types.UnionType):
        return next((found for found in (_step(one, step) for one in arguments) if found is not None), None)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return next(
            (field.annotation for name, field in here.model_fields.items() if (field.alias or name) == step), None
        )
    return None


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The one model an annotation holds, inside lists, dictionaries and options."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (Annotated, Union, types.UnionType, list, tuple, dict):
        found = (_model_in(argument) for argument in typing.get_args(annotation))
        return next((model for model in found if model), None)
    return None
