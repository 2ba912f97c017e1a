"""JSON keeps every digit; COPY text survives what vendors write."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.errors import MoneyError
from procurement.ledger.encoding import clean, copy_text, dump_json, hash_text, parse_json

pytestmark = pytest.mark.unit
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=6)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | decimals | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(document=documents)
def test_a_document_comes_back_equal_and_exact(document: object) -> None:
    assert parse_json(dump_json(document)) == document


@pytest.mark.parametrize("text", ["0.10", "12345678901234567890.000001", "1E+3", "-0.00"])
def test_a_decimal_is_written_as_a_number_digit_for_digit(text: str) -> None:
    assert dump_json({"amount": Decimal(text)}) == f'{{"amount":{text}}}'
    assert str(parse_json(dump_json({"amount": Decimal(text)}))["amount"]) == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(MoneyError, match="not a finite number"):
        dump_json({"amount": Decimal(value)})
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump_json({"amount": float(value)})


def test_a_moment_is_text_and_anything_else_unknown_is_refused() -> None:
    assert dump_json(datetime(2026, 6, 1, tzinfo=UTC)) == '"2026-06-01T00:00:00+00:00"'
    with pytest.raises(TypeError, match="a set cannot be kept"):
        dump_json({1, 2})


def test_equal_documents_have_equal_text_and_hash_whatever_the_order_of_their_keys() -> None:
    first, second = {"a": 1, "b": Decimal("2.0")}, {"b": Decimal("2.0"), "a": 1}
    assert dump_json(first) == dump_json(second)
    assert hash_text(dump_json(first)) == hash_text(dump_json(second))
    assert hash_text(dump_json({"a": 1})) != hash_text(dump_json({"a": 2}))


def test_text_that_looks_like_a_number_stays_text() -> None:
    assert json.loads(dump_json({"amount": "0.10"})) == {"amount": "0.10"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (None, None),
        ("plain", "plain"),
        ("a\0b", "a\ufffdb"),
        ("é\0", "é\ufffd"),
        ("漢", "漢"),
        ("a\ud800", "a\ufffd\ufffd\ufffd"),
    ],
)
def test_text_is_cleaned_of_what_postgresql_cannot_hold(text: str | None, kept: str | None) -> None:
    assert clean(text) == kept


def test_copy_text_escapes_its_own_marks_and_tells_empty_from_null() -> None:
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    row = ("a\tb\\c\nd\re", None, "", True, False, Decimal("1.10"), 7, moment)
    assert copy_text([row, ("x",)]).read() == (
        "a\\tb\\\\c\\nd\\re\t\\N\t\tt\tf\t1.10\t7\t2026-06-01T00:00:00+00:00\nx\n"
    )
