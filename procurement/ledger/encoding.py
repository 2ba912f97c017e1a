"""Documents as JSON text and back, without losing a digit, and rows as COPY text.

Decimals become JSON numbers digit for digit and are read as Decimal again; NaN and infinities are refused.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from procurement.errors import MoneyError

_MARK = secrets.token_hex(8)  # per process, so that no document can contain it by intent
_MARKED = re.compile(f'"{_MARK}([^"]*)"')


def _decimal(value: object) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise MoneyError(f"{value} cannot be kept: it is not a finite number")
        return f"{_MARK}{value}"
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} cannot be kept as JSON")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_decimal, allow_nan=False)


def dump_json(value: object) -> str:
    """Canonical text: sorted keys, no blanks; equal documents give equal text."""
    text = _ENCODER.encode(value)
    return _MARKED.sub(r"\1", text) if _MARK in text else text


def parse_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def clean(text: str | None) -> str | None:
    """PostgreSQL text holds neither NUL nor lone surrogates; both become U+FFFD."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


_ESCAPED = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _field(value: object) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    text = clean(str(value)) or ""
    return text.translate(_ESCAPES) if _ESCAPED.search(text) else text


def copy_text(rows: Iterable[Sequence[object]]) -> StringIO:
    """`rows` in the text format of COPY, rewound."""
    buffer = StringIO()
    for row in rows:
        buffer.write("\t".join(map(_field, row)))
        buffer.write("\n")
    buffer.seek(0)
    return buffer
