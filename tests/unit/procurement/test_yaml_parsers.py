"""libyaml reads rule files several times as fast; it must not read anything else than the parser whose words people see."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from procurement.mapping.reading import _PlainLoader, _QuickLoader

MAPPINGS = Path(__file__).parents[3] / "mappings"
FILES = sorted(MAPPINGS.glob("*.yml"))
scalars = st.sampled_from([
    "a", "off", "NO", "012", "0.10", "-3", "true", "~", "'it''s'", '"a\\n b"', "'a: b'", "é", "2026-01-31", "1e3", "41*", "x # c", "",
    "|\n   two\n   lines\n", ">-\n   folded\n   text\n", "{a: 1, b: [x, 'y']}", "[1, 2.50, {c: d}]", "!x y", "&a b",
])  # fmt: skip


def shown(node: yaml.Node | None) -> Any:
    """Everything that is made use of: tags, values, and the line of each."""
    if node is None:
        return None
    place = (node.tag, node.start_mark.line)
    if isinstance(node, yaml.MappingNode):
        return place, [(shown(key), shown(value)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return place, [shown(item) for item in node.value]
    return place, node.value


def read(text: str, loader: Any) -> Any:
    try:
        return shown(yaml.compose(text, Loader=loader))
    except yaml.YAMLError:
        return "refused"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_file_is_the_same_to_both(path: Path) -> None:
    text = path.read_text()
    assert read(text, _QuickLoader) == read(text, _PlainLoader) != "refused"


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "'c'", "- d", "  e", "#"]), scalars), max_size=6))
def test_whatever_people_write_is_the_same_to_both(lines: list[tuple[str, str]]) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in lines)
    assert read(text, _QuickLoader) == read(text, _PlainLoader)
