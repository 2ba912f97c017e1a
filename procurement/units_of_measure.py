"""How many of one unit are in another: the conversions of units.yml. What is not listed is not known, and never guessed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from typing import Self

from pydantic import Field, model_validator

from procurement.rule_model import Number, RuleModel, Text

WIDE = Context(prec=80)  # for the largest quantities, too
STEP = Decimal("1e-12")  # converted quantities are cut here, so that parts never add up to more than the whole
COUPA_STEP = Decimal("1e-6")  # as fine as Coupa keeps a quantity


class Conversion(RuleModel):
    """One `unit` holds `holds` of `of`; with `item` only for that part number (an ASIN), which wins over the general one."""

    unit: Text
    holds: Number = Field(gt=0)
    of: Text
    item: Text | None = None

    @model_validator(mode="after")
    def _two_units(self) -> Self:
        if self.unit == self.of:
            raise ValueError(f"{self.unit} in {self.of} is no conversion")
        return self


class ConversionExample(RuleModel):
    """`expect` absent: the conversion must be unknown."""

    quantity: Number
    unit: Text
    into: Text
    item: Text | None = None
    expect: Number | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """An exact ratio: `times / by` of the other unit."""

    times: Decimal = Decimal(1)
    by: Decimal = Decimal(1)

    def units(self, quantity: Decimal, step: Decimal = STEP) -> Decimal:
        """Exact where it has no more decimals than `step`, else cut."""
        converted = quantity * self.times / self.by
        cut = converted.quantize(step, ROUND_DOWN, WIDE)
        return converted if cut == converted else cut


SAME = Factor()


@dataclass(frozen=True, slots=True)
class Conversions:
    """`factor` gives the ratio between two units, both ways round; None where the table does not say."""

    factors: Mapping[tuple[str, str, str | None], Factor]

    @classmethod
    def of(cls, conversions: Iterable[Conversion]) -> Self:
        return cls(dict(_both_ways(conversions)))

    def factor(self, unit: str | None, into: str | None, *, item: str | None = None) -> Factor | None:
        """A unit that either side leaves out is taken to be the other's."""
        if unit is None or into is None or unit == into:
            return SAME
        return self.factors.get((unit, into, item)) or self.factors.get((unit, into, None))


def _both_ways(conversions: Iterable[Conversion]) -> Iterator[tuple[tuple[str, str, str | None], Factor]]:
    for one in conversions:
        yield (one.unit, one.of, one.item), Factor(one.holds, Decimal(1))
        yield (one.of, one.unit, one.item), Factor(Decimal(1), one.holds)


NO_CONVERSIONS = Conversions({})
