"""How far an invoice may stray from what was ordered and received, as data.

A tolerance has two sides, `over` (too much, too late) and `under` (too little, too early). 0 allows nothing; an absent side is
not checked at all. Where a side has a percentage and an amount, `combine` says whether both must hold or either is enough.
Scopes overrule each other side by side: the PO line's commodity, the supplier, the chart of accounts, the default. Of several
dated entries the one in force on the invoice date counts. Every `Rule` knows where it stands in the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self, TypeAlias

from msgspec import Struct
from pydantic import BeforeValidator, Field, model_validator

from procurement.rule_model import Flag, Number, RuleModel, Text

Side: TypeAlias = Literal["over", "under"]
SIDES: tuple[Side, ...] = ("over", "under")
CHECKS = (
    "price", "line", "received", "ordered", "tax", "shipping", "charges", "total", "date", "exchange", "write_off",
)  # fmt: skip


class Limit(RuleModel):
    """At least one of the two; of two the smaller counts."""

    percent: Number | None = Field(None, ge=0, description="of the expected value")
    absolute: Number | None = Field(None, ge=0, description="money in the invoice's currency, units, or days")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.percent is None and self.absolute is None:
            raise ValueError("give percent, absolute or both; leave the check out to switch it off")
        return self

    def of(self, expected: Decimal) -> Decimal:
        """The largest difference that is allowed."""
        return min(self._bounds(expected))

    def _bounds(self, expected: Decimal) -> list[Decimal]:
        share = abs(expected) * self.percent / 100 if self.percent is not None else None
        return [bound for bound in (self.absolute, share) if bound is not None]


class Bound(Limit):
    """One side of a tolerance. `checked: false` switches off what a wider scope or an earlier entry checks."""

    combine: Literal["both", "either"] | None = Field(None, description="with percent and absolute: must both hold?")
    checked: Flag = True

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        given = [bound for bound in (self.percent, self.absolute) if bound is not None]
        if not self.checked:
            if given:
                raise ValueError("checked: false stands alone")
        elif not given:
            raise ValueError("give percent, absolute or both; leave the side out to switch it off")
        if (len(given) == 2) != (self.combine is not None):
            raise ValueError("combine: both or combine: either goes with percent and absolute, and only then")
        return self

    def of(self, expected: Decimal) -> Decimal:
        bounds = self._bounds(expected)
        return max(bounds) if self.combine == "either" else min(bounds)


class Tolerance(RuleModel):
    """Both sides of one check, from a day on. An entry replaces earlier ones side by side."""

    valid_from: date | None = Field(None, description="first invoice date it holds for; absent: always")
    over: Bound | None = None
    under: Bound | None = None

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        if self.over is None and self.under is None:
            raise ValueError("give over, under or both; leave the check out to switch it off")
        return self


class WriteOff(Tolerance):
    """A small difference in money that nobody need look at, and the account it goes to."""

    account: Text = Field(description="its name under accounts in entities.yml")


class Days(Tolerance):
    """In days: an absolute number."""

    @model_validator(mode="after")
    def _in_days(self) -> Self:
        if any(side is not None and side.percent is not None for side in (self.over, self.under)):
            raise ValueError("dates are compared in days: give absolute, not percent")
        return self


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Dated = Annotated[tuple[Tolerance, ...], BeforeValidator(_several, json_schema_input_type=Tolerance | list[Tolerance])]
DatedDays = Annotated[tuple[Days, ...], BeforeValidator(_several, json_schema_input_type=Days | list[Days])]
DatedWriteOffs = Annotated[
    tuple[WriteOff, ...], BeforeValidator(_several, json_schema_input_type=WriteOff | list[WriteOff])
]


class Limits(RuleModel):
    """One scope; each check is one tolerance or a list of dated ones."""

    price: Dated = Field((), description="unit price against the PO's")
    line: Dated = Field((), description="line amount against its units at the PO price")
    received: Dated = Field((), description="units billed so far against units received (three-way lines)")
    ordered: Dated = Field((), description="units billed so far against units ordered")
    tax: Dated = Field((), description="Amazon's tax against its own rate")
    shipping: Dated = Field((), description="shipping and handling against none; percent is of the goods")
    charges: Dated = Field((), description="other charges against none; percent is of the goods")
    total: Dated = Field((), description="goods and other charges against the billed units at PO prices")
    date: DatedDays = Field((), description="under: days before the PO's issue; over: days after the last receipt")
    exchange: Dated = Field((), description="how far a converted price may stray because rates differ")
    write_off: DatedWriteOffs = Field((), description="small differences in money; percent is of the invoice")

    @model_validator(mode="after")
    def _one_entry_a_day(self) -> Self:
        for check in CHECKS:
            days = [entry.valid_from for entry in getattr(self, check)]
            if len(days) != len(set(days)):
                raise ValueError(f"{check}: two entries are valid from the same day")
        return self


class ToleranceExample(RuleModel):
    """`breached` is what the check says of the difference between `expected` and `actual` on the invoice date `on`."""

    check: Text
    supplier: Text | None = None
    commodity: Text | None = None
    chart: Text | None = None
    on: date | None = None
    expected: Number
    actual: Number
    breached: Flag
    rule: Text | None = Field(None, description="the place that must have decided, as findings name it")


class ToleranceFile(RuleModel):
    """tolerances.yml."""

    default: Limits
    charts: dict[str, Limits] = Field({}, description="by name of the chart of accounts")
    suppliers: dict[str, Limits] = Field({}, description="by supplier number")
    commodities: dict[str, Limits] = Field({}, description="by commodity name of the PO line")
    examples: list[ToleranceExample] = Field(min_length=1)

    def scopes(self) -> Iterator[tuple[tuple[str, ...], Limits]]:
        """Every scope with its keys in the file."""
        yield ("default",), self.default
        for name in ("charts", "suppliers", "commodities"):
            for key, limits in getattr(self, name).items():
                yield (name, key), limits


class Rule(Struct, frozen=True):
    """The limit in force for one side of a check, and where it stands."""

    bound: Bound
    place: str
    account: str | None = None  # of a write-off

    def of(self, expected: Decimal) -> Decimal:
        return self.bound.of(expected)


InForce: TypeAlias = Mapping[tuple[str, Side], Rule]
Scope: TypeAlias = tuple[str | None, str | None, str | None, date | None]  # commodity, supplier, chart, day
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Tolerances:
    """`in_force` gives every rule that holds for a PO line or an invoice; a side that is absent is not checked."""

    default: Limits
    suppliers: Mapping[str, Limits]
    commodities: Mapping[str, Limits]
    charts: Mapping[str, Limits] = field(default_factory=dict)
    _kept: dict[Scope, InForce] = field(default_factory=dict, repr=False, compare=False)
    _turns: frozenset[date] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        scopes = (self.default, *self.suppliers.values(), *self.commodities.values(), *self.charts.values())
        entries = (entry for limits in scopes for check in CHECKS for entry in getattr(limits, check))
        object.__setattr__(self, "_turns", frozenset(one.valid_from for one in entries if one.valid_from is not None))

    @classmethod
    def from_file(cls, file: ToleranceFile) -> Self:
        return cls(file.default, dict(file.suppliers), dict(file.commodities), dict(file.charts))

    def in_force(
        self,
        *,
        commodity: str | None = None,
        supplier: str | None = None,
        chart: str | None = None,
        on: date | None = None,
    ) -> InForce:
        """`on` None: the entries without a date alone."""
        scope = (commodity, supplier, chart, self._turn(on))
        found = self._kept.get(scope)
        if found is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            found = self._kept[scope] = dict(self._rules(scope))
        return found

    def find(
        self,
        check: str,
        *,
        side: Side = "over",
        commodity: str | None = None,
        supplier: str | None = None,
        chart: str | None = None,
        on: date | None = None,
    ) -> Rule | None:
        """None: not checked."""
        return self.in_force(commodity=commodity, supplier=supplier, chart=chart, on=on).get((check, side))

    def ever_checks(self, check: str, side: Side, *, commodity: str | None, supplier: str | None) -> bool:
        """Whether that side is limited in any scope that such a PO line can come under, on any day."""
        narrow = (self.commodities.get(commodity or ""), self.suppliers.get(supplier or ""))
        scopes = (self.default, *(one for one in narrow if one is not None), *self.charts.values())
        bounds = (getattr(entry, side) for limits in scopes for entry in getattr(limits, check))
        return any(bound is not None and bound.checked for bound in bounds)

    def _turn(self, on: date | None) -> date | None:
        """The newest day up to `on` on which any entry begins to hold: what holds then holds on `on`, too."""
        return max((day for day in self._turns if on is not None and day <= on), default=None)

    def _rules(self, scope: Scope) -> Iterator[tuple[tuple[str, Side], Rule]]:
        commodity, supplier, chart, on = scope
        scopes = [
            (f"{group}.{name}", limits[name])
            for group, limits, name in (
                ("commodities", self.commodities, commodity), ("suppliers", self.suppliers, supplier), ("charts", self.charts, chart),
            )
            if name is not None and name in limits
        ]  # fmt: skip
        for check in CHECKS:
            for side in SIDES:
                found = (
                    _newest(getattr(limits, check), f"{name}.{check}", side, on)
                    for name, limits in (*scopes, ("default", self.default))
                )
                rule = next((one for one in found if one is not None), None)
                if rule is not None and rule.bound.checked:
                    yield (check, side), rule


def _newest(entries: Sequence[Tolerance], key: str, side: Side, on: date | None) -> Rule | None:
    """The entry with that side that was in force last."""
    best: Tolerance | None = None
    for entry in entries:
        begun = entry.valid_from is None or (on is not None and entry.valid_from <= on)
        if begun and getattr(entry, side) is not None and (best is None or _since(entry) > _since(best)):
            best = entry
    if best is None:
        return None
    since = f", from {best.valid_from}" if best.valid_from else ""
    account = best.account if isinstance(best, WriteOff) else None
    return Rule(getattr(best, side), f"tolerances.yml: {key}.{side}{since}", account)


def _since(entry: Tolerance) -> date:
    return entry.valid_from or date.min
