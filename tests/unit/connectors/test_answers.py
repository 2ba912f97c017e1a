"""A vendor's answer as a value, and its own words fit for a log."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.answers import read_answer, read_json, read_retry_after, read_sentences, write_json
from connectors.redaction import HIDDEN, LONGEST, redact


@pytest.mark.parametrize(
    ("body", "sentences"),
    [
        ({"errors": {"user": ["Login is taken", "Email is taken"]}}, ("Login is taken", "Email is taken")),
        ({"errors": {"user": "Login is taken"}}, ("Login is taken",)),
        ({"errors": ["Could not find Supplier"]}, ("Could not find Supplier",)),
        ({"errors": "Not allowed"}, ("Not allowed",)),
        ({"errors": {"a": {"b": ["deep"]}}}, ("deep",)),
        ({"errors": [{"code": "INVALID", "message": "Bad date", "details": "feed"}]}, ("INVALID: Bad date (feed)",)),
        ([{"code": "INVALID", "message": "Bad date"}], ("INVALID: Bad date",)),
        ({"message": "Unauthorized"}, ("Unauthorized",)),
        ({"error": "invalid_grant", "error_description": "gone"}, ("invalid_grant: gone",)),
        ({"error": "invalid_grant"}, ("invalid_grant",)),
        ({"errors": ["same", "same", "  "]}, ("same",)),
        ({"errors": [1, None, True]}, ()),
        (None, ()),
        ("plain words", ("plain words",)),
    ],
)
def test_every_known_shape_of_error_gives_its_sentences(body: Any, sentences: tuple[str, ...]) -> None:
    assert read_sentences(body) == sentences


def test_no_more_than_ten_sentences_are_kept() -> None:
    assert len(read_sentences({"errors": [f"problem {n}" for n in range(1000)]})) == 10


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert read_retry_after("7") == 7
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 57 < (read_retry_after(in_a_minute) or 0) <= 60
    without_zone = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%a, %d %b %Y %H:%M:%S -0000")
    assert 57 < (read_retry_after(without_zone) or 0) <= 60


def test_a_retry_after_in_the_past_means_now_and_an_unreadable_one_nothing() -> None:
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    for nonsense in (None, "", "soon", "-5", "1.5"):
        assert read_retry_after(nonsense) is None


def test_json_numbers_are_exact_or_refused() -> None:
    assert read_json(b'{"a": 0.10, "b": 3}') == {"a": Decimal("0.10"), "b": 3}
    for refused in (b"NaN", b"Infinity", b"-Infinity", b"1e99999999999999999999", b"{", b"\xff\xfe"):
        with pytest.raises(ValueError):
            read_json(refused)


def test_a_long_text_is_kept_whole() -> None:
    body = read_answer(200, {}, b'{"title": "' + b"x" * 10_000_000 + b'"}').body
    assert len(body["title"]) == 10_000_000


@pytest.mark.parametrize(
    "secret",
    [
        "Atza|IwEBIExampleToken",
        "Atzr|IwEBIExampleToken",
        "Bearer abc.def",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "client_secret=hush",
        '"access_token": "hush"',
        "password: hush",
        "amzn1.application-oa2-client.0123456789abcdef",
        "q8Zr4Tn1Wc7Yb2Lk9Vm3Xd6Hs5Gf0Jp8Ra1Ne4Uq7",
    ],
)
def test_what_looks_like_a_secret_is_hidden(secret: str) -> None:
    cleaned = redact(f"The request with {secret} failed")
    assert HIDDEN in cleaned
    assert "hush" not in cleaned
    assert secret not in cleaned
    assert cleaned.startswith("The request with")
    assert cleaned.endswith("failed")


@pytest.mark.parametrize(
    "harmless",
    [
        "Invoice number 1AB2-CD34-EF56 has already been taken",
        "Order 112-1111111-2222222, line 61230000000001",
        "Bill to address can't be blank",
        "the token has expired",
        "delivery 6f1c1e0a-7c5e-5d8e-9a39-0d5a1b0a7c11",
    ],
)
def test_business_words_stay_readable(harmless: str) -> None:
    assert redact(harmless) == harmless


def test_our_own_secrets_are_hidden_whatever_they_look_like() -> None:
    assert redact("user bob failed", secrets=("bob", "")) == f"user {HIDDEN} failed"


def test_text_is_cut_and_put_on_one_line() -> None:
    assert redact("a\n\tb") == "a b"
    assert len(redact("word " * 1000)) == LONGEST


@pytest.mark.parametrize("number", ["19.90", "0.1", "-0.05", "100", "12345678901234567890.123456789"])
def test_a_number_leaves_digit_for_digit_and_comes_back_the_same(number: str) -> None:
    assert write_json({"amount": Decimal(number)}) == f'{{"amount": {number}}}'
    assert Decimal(str(read_json(write_json([Decimal(number)]).encode())[0])) == Decimal(number)


def test_a_number_leaves_without_exponent() -> None:
    assert write_json((Decimal("1E+2"), Decimal("1E-7"))) == "[100, 0.0000001]"


def test_everything_else_leaves_as_usual() -> None:
    body = {"a": [1, 'Ünï"code', None, True, 0.5, {}], "b": {"c": []}}
    assert read_json(write_json(body).encode()) == body


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan")])
def test_what_is_no_number_does_not_leave(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json({"amount": value})
