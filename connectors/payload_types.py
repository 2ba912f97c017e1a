"""The field types that both vendors' payload models share.

What we read is taken tolerantly: extra fields are kept, blank text is None, amounts may be text or exact numbers, dates
become aware UTC. What cannot be exact is refused: a float, NaN, or a number of absurd size.
"""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, PlainValidator
from pydantic.alias_generators import to_camel

Value = TypeVar("Value")

EXACT, INEXACT = (str, int, Decimal), (float, bool)  # a bool is an int, but no number
LARGEST_EXPONENT = 30  # digits before or after the point


def read_exact(value: object) -> Decimal:
    """A finite Decimal from text, a whole number or a Decimal; ValueError for floats and anything else."""
    if isinstance(value, INEXACT) or not isinstance(value, EXACT):
        raise ValueError(f"an exact number is needed, not a {type(value).__name__}")
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        raise ValueError("this is not a number") from None
    if not number.is_finite():
        raise ValueError("this is not a finite number")
    if number and not -LARGEST_EXPONENT <= number.adjusted() <= LARGEST_EXPONENT:
        raise ValueError("this number is too large or too small to be true")
    return number


def read_moment(value: object) -> datetime:
    """An aware UTC moment from ISO 8601 text (without offset: UTC), a datetime, or Amazon's {"date": "..."}."""
    if isinstance(value, dict) and set(value) == {"date"}:
        value = value["date"]
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if not isinstance(value, datetime):
        raise ValueError("a date and time is needed")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def blank_to_none(value: object) -> object:
    """Both vendors leave fields empty instead of out."""
    return None if isinstance(value, str) and not value.strip() else value


def read_text(value: object) -> object:
    """Text as it is, blank as None, a whole number (an id that came unquoted) as its digits."""
    if type(value) is str:
        return value if value.strip() else None
    return str(value) if type(value) is int else value


def none_to_empty(value: object) -> object:
    """A list that is null is a list of nothing."""
    return () if value is None else value


def write_exact(value: Decimal) -> str:
    """Decimals go out as plain text, without exponent."""
    return format(value, "f")


Exact = Annotated[Decimal, PlainValidator(read_exact), PlainSerializer(write_exact, return_type=str)]
ExactNumber = Annotated[  # a Decimal until it is JSON
    Decimal, PlainValidator(read_exact), PlainSerializer(write_exact, return_type=str, when_used="json")
]
Moment = Annotated[datetime, PlainValidator(read_moment), PlainSerializer(datetime.isoformat, return_type=str)]
Text = Annotated[str | None, BeforeValidator(read_text)]
Optional = Annotated[Value | None, BeforeValidator(blank_to_none)]
Several = Annotated[tuple[Value, ...], BeforeValidator(none_to_empty)]


class AmazonPayload(BaseModel):
    """Read from Amazon Business: camelCase, unknown fields kept."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, populate_by_name=True, frozen=True)


def to_hyphens(name: str) -> str:
    return name.replace("_", "-")


class CoupaRecord(BaseModel):
    """Read from Coupa: hyphenated keys, unknown fields kept."""

    model_config = ConfigDict(extra="allow", alias_generator=to_hyphens, populate_by_name=True, frozen=True)


class Body(BaseModel):
    """Sent to a vendor: nothing empty, nothing we did not mean."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)

    def body(self) -> dict[str, Any]:
        """The JSON to send; fields that were not given are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class CoupaBody(Body):
    """Sent to Coupa: hyphenated keys, decimals as text."""

    model_config = ConfigDict(alias_generator=to_hyphens)


class AmazonBody(Body):
    """Sent to Amazon Business: camelCase, decimals as the JSON numbers they are.

    `body()` holds Decimals; `kept()` is the same with decimals as text, for places that keep JSON: it reads back.
    """

    model_config = ConfigDict(alias_generator=to_camel)

    def body(self) -> dict[str, Any]:
        return self.model_dump(mode="python", by_alias=True, exclude_none=True)

    def kept(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def read_day(value: object) -> date:
    """A plain date from a date or YYYY-MM-DD; a time part is refused, as it breaks Coupa's credit-note linking."""
    if isinstance(value, str):
        value = date.fromisoformat(value.strip())
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("a plain date is needed, without a time")
    return value


Day = Annotated[date, PlainValidator(read_day), PlainSerializer(date.isoformat, return_type=str)]
