"""A vendor's answer as a value: parsed JSON, or what kept it from being that.

Numbers with a decimal point become Decimal, never float. A missing answer is a value too, with the one fact that
matters for a write: whether anything of the request may have reached the vendor.
"""

import email.utils
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.redaction import redact

MOST_SENTENCES = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` None: no complete answer came. `problem` says why there is no answer, or why its body is not JSON."""

    status: int | None
    body: Any = None
    problem: str | None = None
    retry_after: float | None = None  # seconds
    reached: bool = True  # False: certainly nothing of the request left us

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_json(self) -> bool:
        return self.status is not None and self.problem is None


def read_answer(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """The answer with its body parsed; an unreadable body is described in `problem`, never quoted."""
    retry_after = read_retry_after(headers.get("Retry-After"))
    try:
        body = read_json(content)
    except (ValueError, RecursionError):
        return Answer(status, problem=_describe(headers.get("Content-Type", ""), content), retry_after=retry_after)
    return Answer(status, body=body, retry_after=retry_after)


def read_json(content: bytes) -> Any:
    """JSON with exact decimals; raises ValueError on anything else, NaN and infinity included."""
    return json.loads(content, parse_float=_exact, parse_constant=_refuse_constant)


def write_json(value: object) -> str:
    """`value` as JSON, each Decimal as the number it is, digit for digit; ValueError for NaN and infinity."""
    match value:
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} is not JSON")
            return format(value, "f")
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(str(key))}: {write_json(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(write_json, value)) + "]"
    return json.dumps(value, allow_nan=False)


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is out of range") from None


def _refuse_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is not JSON")


def _describe(content_type: str, content: bytes) -> str:
    start = content[:200].lstrip().lower()
    if not content.strip():
        return "the answer is empty"
    if "html" in content_type.lower() or start.startswith((b"<!doctype html", b"<html")):
        return "the answer is an HTML page instead of JSON"
    if start.startswith(b"<"):
        return "the answer is XML instead of JSON"
    return "the answer is not valid JSON"


def read_retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, given as seconds or as a date; None if absent or unreadable."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def read_sentences(body: object, *, secrets: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The vendor's own words in an error body, each fit for a log.

    Amazon Business sends {"errors": [{"code", "message", "details"}]} or that list bare; Coupa sends `errors` as an
    object by model, a list or one string; token servers {"error", "error_description"}.
    """
    sentences = dict.fromkeys(redact(text, secrets=secrets) for text in _each_sentence(body) if text.strip())
    return tuple(sentences)[:MOST_SENTENCES]


def _each_sentence(body: Any) -> Iterator[str]:
    match body:
        case str():
            yield body
        case list():
            for entry in body[:MOST_SENTENCES]:
                yield from _each_sentence(entry)
        case {"errors": errors}:
            yield from _each_sentence(errors)
        case {"message": str(message)}:
            code, details = body.get("code"), body.get("details")
            yield (f"{code}: " if code else "") + message + (f" ({details})" if details else "")
        case {"error": str(error)}:
            description = body.get("error_description")
            yield f"{error}: {description}" if description else error
        case dict():
            for entry in list(body.values())[:MOST_SENTENCES]:
                yield from _each_sentence(entry)
