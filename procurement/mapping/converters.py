"""The closed list of conversions a mapping may name. Each takes one value and gives one, or says what is wrong with it.

A conversion never guesses: a value it cannot read raises `FieldProblem`, whose sentence ends in the dead letter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from procurement.errors import MoneyError
from procurement.mapping.reading import shown
from procurement.money import EXACT, Money, to_decimal

YEARS = range(2000, 2100)  # outside, a date is a typing or a parsing mistake
LONGEST_TEXT = 20_000  # characters of any one field; Coupa's longest (the description) takes 1,550
REFUNDS = {"CHARGE": False, "REFUND": True, "OVERREFUND": True}


class FieldProblem(Exception):
    """One field cannot be filled; the text completes the sentence '<field> ...'."""


OBJECT = (dict, Mapping)
NUMBERS = (int, Decimal)
Convert = Callable[[object], object]


def to_text(value: object) -> str | None:
    """Trimmed text; None when blank. Whole numbers and decimals are written out."""
    if type(value) is str:
        if len(value) > LONGEST_TEXT:
            raise FieldProblem(f"is {len(value):,} characters long; no field takes more than {LONGEST_TEXT:,}")
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, NUMBERS):
        raise FieldProblem(f"is {shown(value)}, where a text is needed")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def to_number(value: object) -> Decimal:
    if not isinstance(value, EXACT):
        raise FieldProblem(f"is {shown(value)}, where an exact number is needed")
    if isinstance(value, str) and len(value) > LONGEST_NUMBER:
        raise FieldProblem(f"is {shown(value)}, which is no number")
    try:
        return to_decimal(value)
    except MoneyError as error:
        raise FieldProblem(f"cannot be used: {error}") from None


LONGEST_NUMBER = 40


def to_whole(value: object) -> int:
    number = to_number(value)
    if number != number.to_integral_value():
        raise FieldProblem(f"is {number}, where a whole number is needed")
    return int(number)


def to_money(value: object) -> Money:
    """Amazon's {"currencyCode", "amount"}."""
    if not (isinstance(value, OBJECT)) or "amount" not in value or "currencyCode" not in value:
        raise FieldProblem(f"is {shown(value)}, where an amount with its currencyCode is needed")
    try:
        return Money.of(value["amount"], value["currencyCode"])
    except MoneyError as error:
        raise FieldProblem(f"cannot be used: {error}") from None


def to_date(value: object) -> date:
    """The calendar date as written; moments keep their own day."""
    day = value if type(value) is date else to_moment(value).date()
    return _plausible(day)


def to_moment(value: object) -> datetime:
    """An aware moment, in UTC where the text gives no offset."""
    if type(value) is str:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise FieldProblem(f"is {shown(value)}, which is no date") from None
    if not isinstance(value, datetime):
        raise FieldProblem(f"is {shown(value)}, where a date is needed")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _plausible(day: date) -> date:
    if day.year not in YEARS:
        raise FieldProblem(f"is {day.isoformat()}; dates must be between {YEARS.start} and {YEARS.stop - 1}")
    return day


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone; raises ValueError for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"there is no time zone {name!r}; write one such as America/Los_Angeles") from None


def date_in_zone(value: object, zone_name: str) -> date:
    """The day on which a moment falls in a marketplace's zone."""
    moment = to_moment(value)
    try:
        return _plausible(moment.astimezone(zone(zone_name)).date())
    except OverflowError:
        raise FieldProblem(f"is {shown(str(value))}, which is no plausible date") from None


def to_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise FieldProblem(f"is {shown(value)}, where true or false is needed")


def is_refund(value: object) -> bool:
    """Amazon's transactionType: CHARGE bills, REFUND and OVERREFUND credit."""
    if not isinstance(value, str) or value not in REFUNDS:
        raise FieldProblem(f"is {shown(value)}; known are {', '.join(REFUNDS)}")
    return REFUNDS[value]


def percent(value: object) -> Decimal:
    """A fraction as percent: 0.0825 becomes 8.25."""
    return _percent(value) if type(value) is str else _as_percent(value)


def _as_percent(value: object) -> Decimal:
    number = to_number(value) * 100
    if not 0 <= number <= 100:
        raise FieldProblem(f"is {shown(value)}; a rate is a fraction between 0 and 1")
    plain = number.normalize()
    return plain if plain.as_tuple().exponent <= 0 else plain.quantize(Decimal(1))  # type: ignore[operator]


_percent = lru_cache(maxsize=4096)(_as_percent)  # few rates, many lines


@dataclass(frozen=True, slots=True)
class Converter:
    """`needs` is the key that must stand beside `convert`."""

    convert: Convert
    meaning: str
    needs: str | None = None


def _on_text(change: Callable[[str], str]) -> Convert:
    def convert(value: object) -> object:
        text = to_text(value)
        return change(text) if text else None

    return convert


def unchanged(value: object) -> object:
    return value


CONVERTERS: Mapping[str, Converter] = {
    "trimmed": Converter(to_text, "text without blanks around it; nothing but blanks counts as empty"),
    "upper": Converter(_on_text(str.upper), "capital letters"),
    "lower": Converter(_on_text(str.lower), "small letters"),
    "single_line": Converter(
        _on_text(lambda text: " ".join(text.split())), "line breaks and repeated blanks become one blank"
    ),
    "digits": Converter(_on_text(lambda text: "".join(filter(str.isdigit, text))), "only the digits of a text"),
    "truncate": Converter(unchanged, "cut after `max` characters instead of refused", needs="max"),
    "decimal": Converter(to_number, "an exact number; floats are refused"),
    "whole_number": Converter(to_whole, "a number without decimals"),
    "percent": Converter(percent, "a fraction as percent: 0.0825 becomes 8.25"),
    "money": Converter(to_money, "Amazon's amount with its currency"),
    "date": Converter(to_date, "the calendar date as written"),
    "marketplace_date": Converter(
        unchanged, "the day on which a moment falls in the marketplace's time zone", needs="zone_from"
    ),
    "is_refund": Converter(is_refund, "CHARGE is no refund; REFUND and OVERREFUND are"),
}
