"""Column types of Coupa's records: how a value is read from JSON, kept, and written back.

Kept values are exact: Decimal for decimals, aware datetimes, plain dates, ids for references, lists of records for
child rows. Reading raises ValueError with the end of a sentence ("is not a number"); writing gives what Coupa's JSON
shows: decimals as text, ids and counters as numbers, moments in the company's time zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

Record = dict[str, Any]


class Unreadable(ValueError):
    """A value that cannot be read; the message is the end of a sentence: "is not a number"."""


COMPANY_ZONE = ZoneInfo("America/Los_Angeles")  # times leave in the instance's zone, with its offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One attribute. `required` holds on creation; `output` columns are Coupa's own: callers cannot set them."""

    required: bool = False
    output: bool = False

    def read(self, value: Any) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> Any:
        return value

    def operand(self, text: str) -> Any:
        """The right-hand side of a filter; raises ValueError like `read`."""
        return self.read(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Column):
    size: int | None = None
    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> str:
        if isinstance(value, dict | list | bool):
            raise Unreadable("is not text")
        text = str(value)
        if self.size is not None and len(text) > self.size:
            raise Unreadable(f"is too long (maximum is {self.size} characters)")
        if self.choices and text and text not in self.choices:
            raise Unreadable("is not included in the list")
        return text

    def operand(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Column):
    def read(self, value: Any) -> int:
        try:
            if isinstance(value, bool | float):
                raise Unreadable("")
            return int(value)
        except (ValueError, TypeError):
            raise Unreadable("is not a whole number") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Column):
    def read(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "1"):
            return True
        if str(value).lower() in ("false", "0"):
            return False
        raise Unreadable("is not true or false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount(Column):
    """A decimal column: `scale` places are kept (half up), at least `shown` are written."""

    scale: int = 6
    shown: int = 2
    precision: int = 32

    def read(self, value: Any) -> Decimal:
        if isinstance(value, bool | dict | list):
            raise Unreadable("is not a number")
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise Unreadable("is not a number") from None
        if not number.is_finite():
            raise Unreadable("is not a number")
        if number.adjusted() >= self.precision - self.scale:
            raise Unreadable(f"is too large (maximum is {self.precision - self.scale} digits)")
        return round_half_up(number, self.scale)

    def write(self, value: Any) -> str:
        return decimal_text(value, self.shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment(Column):
    def read(self, value: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        return read_moment(str(value))

    def write(self, value: datetime) -> str:
        return value.astimezone(COMPANY_ZONE).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day(Column):
    """A business date. It is kept as written and leaves as midnight in the company's time zone, as typed dates do."""

    def read(self, value: Any) -> date:
        if isinstance(value, str):
            read_moment(value)
            return date.fromisoformat(value.strip()[:10])
        if isinstance(value, date):
            return value
        raise Unreadable("is not a date")

    def write(self, value: date) -> str:
        return datetime(value.year, value.month, value.day, tzinfo=COMPANY_ZONE).isoformat()

    def operand(self, text: str) -> Any:
        return self.read(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref(Column):
    """Another record, named by one of its keys; kept as its id."""

    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Many(Column):
    """Child rows, rows of a table of their own; each knows its parent by `parent`."""

    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked(Column):
    """Rows of another table that point here: those whose indexed `by` is this id (and whose `kind` attribute names
    this kind)."""

    resource: str
    by: str
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline(Column):
    """Small objects or lists Coupa stores with the record as sent (contacts, addresses of a supplier)."""

    def read(self, value: Any) -> Any:
        return hyphenate(value)


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of record. `model` is its name in error bodies, `title` in sentences, `kind` in polymorphic links;
    `keys` name it in references, `indexed` speeds up equality filters, `unique` lists column groups that identify
    it."""

    name: str
    model: str
    title: str
    columns: Mapping[str, Column]
    kind: str = ""
    keys: Sequence[str] = ()
    indexed: Sequence[str] = ()
    unique: Sequence[tuple[str, ...]] = ()
    parent: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)


def round_half_up(number: Decimal, scale: int) -> Decimal:
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -scale:
        return number
    return number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)


def decimal_text(number: Decimal, shown: int) -> str:
    """Without trailing zeros, but never fewer than `shown` places and never an exponent."""
    text = format(number, "f")
    whole, _, places = text.partition(".")
    return f"{whole}.{places.rstrip('0').ljust(shown, '0')}" if shown else text


def read_moment(text: str) -> datetime:
    """ISO 8601; a value without a time is midnight UTC, one without an offset is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        if not 1900 <= moment.year <= 2999:
            raise ValueError
    except ValueError:
        raise Unreadable("is not a date") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def hyphenate(value: Any) -> Any:
    """Keys spelled as Coupa writes them; values under `custom-fields` keep the spelling the admin chose."""
    if isinstance(value, list):
        return [hyphenate(one) for one in value]
    if not isinstance(value, dict):
        return value
    spelled = {key if key.startswith("_") else key.replace("_", "-"): one for key, one in value.items()}
    return {key: one if key == "custom-fields" else hyphenate(one) for key, one in spelled.items()}
