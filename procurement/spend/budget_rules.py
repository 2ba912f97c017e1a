"""The shape of budgets.yml: periods, which budget line a segment counts on, thresholds, and who is told.

Defaults are careful: a closed or missing period or line holds the spend, and nobody's budget line is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from procurement.rule_model import Flag, Number, RuleModel, Text, Texts
from procurement.spend.categorising import Segment
from procurement.spend.spend_rules import DIMENSIONS, Dimension

Level = Literal["below", "approached", "exceeded"]
Measure = Literal["actual", "committed", "forecast"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Periods(RuleModel):
    """How Coupa's budget periods follow each other, and their names: {year}, {yy}, {quarter}, {month} of the fiscal year."""

    unit: Literal["month", "quarter", "year"] = "quarter"
    fiscal_year_begins: int = Field(1, ge=1, le=12, description="month")
    named_after: Literal["begins", "ends"] = Field(
        "ends", description="the calendar year that gives the fiscal year its name"
    )
    name: Text = "FY{yy} Q{quarter}"

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            self.name.format(year=2026, yy="26", quarter=1, month="01")
        except (KeyError, IndexError, ValueError):
            raise ValueError(
                f"name: {self.name!r} uses something else than {{year}}, {{yy}}, {{quarter}}, {{month}}"
            ) from None
        return self

    def of(self, day: date) -> "Period":
        """The period that `day` falls into."""
        length = MONTHS[self.unit]
        months = day.year * 12 + day.month - 1
        into_year = (months - (self.fiscal_year_begins - 1)) % 12
        first = _month(months - into_year % length)
        last = _month(months - into_year % length + length) - timedelta(days=1)
        opening = _month(months - into_year)
        year = (
            opening.year if self.named_after == "begins" else (_month(months - into_year + 12) - timedelta(days=1)).year
        )
        into = into_year - into_year % length
        words = {"year": year, "yy": f"{year % 100:02}", "quarter": into // 3 + 1, "month": f"{into + 1:02}"}
        return Period(self.name.format(**words), first, last)


def _month(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """`first` and `last` are its days, both within."""

    name: str
    first: date
    last: date

    def elapsed(self, day: date) -> Decimal:
        """The share of the period that is over at the end of `day`, from 0 to 1."""
        days = (self.last - self.first).days + 1
        return Decimal(min(max((day - self.first).days + 1, 0), days)) / days


class LineSegment(RuleModel):
    """What one of Coupa's segments holds: a fixed value, or a dimension of spend.yml."""

    is_: Text | None = Field(None, alias="is")
    from_: Dimension | None = Field(None, alias="from")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.is_ is None) == (self.from_ is None):
            raise ValueError("a segment says its value with `is` or takes it with `from`")
        return self


class Threshold(RuleModel):
    """Percent of the budget. Back below a level only `hysteresis` points under it, so that one crossing is one alert."""

    approached: Number = Decimal(80)
    exceeded: Number = Decimal(100)
    hysteresis: Number = Decimal(5)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 <= self.hysteresis < self.approached < self.exceeded:
            raise ValueError("a threshold needs 0 <= hysteresis < approached < exceeded")
        return self


class RecipientWhen(RuleModel):
    legal_entity: Texts = ()
    cost_center: Texts = ()
    department: Texts = ()
    gl_account: Texts = ()
    commodity: Texts = ()

    def fits(self, segment: Segment) -> bool:
        return all(not getattr(self, name) or getattr(segment, name) in getattr(self, name) for name in DIMENSIONS)


class RecipientRule(RuleModel):
    """`group`: Coupa's user group that gets the task, None for no task."""

    when: RecipientWhen = Field(default_factory=lambda: RecipientWhen.model_validate({}))
    to: Texts = ()
    group: Text | None = None

    @field_validator("to")
    @classmethod
    def _addresses(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        for address in to:
            if "@" not in address:
                raise ValueError(f"{address!r} is no mail address")
        return to


Day = Annotated[date, BeforeValidator(lambda value: date.fromisoformat(str(value)))]


class BudgetExample(RuleModel):
    """`on` gives a period, `segment` recipients, `used` percent (after `was`) a level."""

    name: Text
    on: Day | None = None
    expect_period: Text | None = None
    segment: dict[Dimension, Text] = {}
    expect_line: dict[str, Text] = {}
    expect_group: Text | None = None
    used: Number | None = None
    was: Level = "below"
    expect_level: Level | None = None


class BudgetFile(RuleModel):
    """budgets.yml."""

    every: Literal["day", "week"] = "day"
    weekday: Weekday = "monday"
    periods: Periods = Field(default_factory=lambda: Periods.model_validate({}))
    segments: dict[Annotated[str, Field(pattern=r"^segment-(?:[1-9]|1\d|20)$")], LineSegment] = Field(min_length=1)
    thresholds: dict[Measure, Threshold]
    forecast_after: Number = Field(Decimal(25), description="percent of the period that must be over for a forecast")
    watched: Literal["current", "posted"] = Field(
        "posted",
        description="current: lines of the current period; posted: and of every one posted to since it was watched",
    )
    to_owner: Flag = True
    inactive_to: Text = Field(description="who is told in place of an owner who left")
    recipients: list[RecipientRule] = []
    task_due_days: int = Field(5, ge=0, le=366)
    examples: list[BudgetExample] = Field(min_length=1)

    def line_key(self, segment: Segment) -> dict[str, str]:
        """What the budget line's segments must be; a dimension without value leaves its segment out."""
        found = {}
        for name, rule in self.segments.items():
            value = rule.is_ if rule.from_ is None else getattr(segment, rule.from_)
            if value is not None:
                found[name] = value
        return found

    def recipient(self, segment: Segment) -> RecipientRule | None:
        return next((rule for rule in self.recipients if rule.when.fits(segment)), None)

    def segment_of(self, line: Mapping[str, object]) -> Segment:
        """The dimensions that a budget line of Coupa stands for, as far as its segments say."""
        values = {
            rule.from_: str(line[name])
            for name, rule in self.segments.items()
            if rule.from_ is not None and line.get(name) not in (None, "")
        }
        return Segment(**values)
