"""Where a budget stands and whether somebody must be told. Pure.

Three measures: `actual` (invoiced, and spent outside), `committed` (that and what open orders hold), `forecast` (actual,
continued in a straight line to the period's end). Levels have hysteresis: a value that swings around a limit crosses once.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from procurement.money import Money
from procurement.spend.budget_rules import BudgetFile, Level, Measure, Threshold

LEVELS: tuple[Level, ...] = ("below", "approached", "exceeded")
MEASURES: tuple[Measure, ...] = get_args(Measure)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget line at a moment; one currency. `elapsed`: the share of its period that is over, 0 to 1."""

    budget: Money
    actual: Money
    committed: Money  # actual and open orders
    elapsed: Decimal

    def measured(self, measure: Measure, *, forecast_after: Decimal) -> Money | None:
        """The measure's amount; None for a forecast too early to mean anything."""
        if measure == "actual":
            return self.actual
        if measure == "committed":
            return self.committed
        if self.elapsed <= 0 or self.elapsed * HUNDRED < forecast_after:
            return None
        return Money(self.actual.amount / self.elapsed, self.actual.currency).rounded()


def percent(amount: Money, budget: Money) -> Decimal:
    """`amount` in percent of `budget`; a budget of nothing is exceeded by anything."""
    if budget.amount <= 0:
        return HUNDRED * 10 if amount.amount > 0 else Decimal(0)
    return amount.amount * HUNDRED / budget.amount


def level(used: Decimal, was: Level, threshold: Threshold) -> Level:
    """The level at `used` percent, coming from `was`: approached from its limit on, exceeded beyond its own."""
    slack = {name: threshold.hysteresis if LEVELS.index(was) >= LEVELS.index(name) else Decimal(0) for name in LEVELS}
    if used > threshold.exceeded - slack["exceeded"]:
        return "exceeded"
    return "approached" if used >= threshold.approached - slack["approached"] else "below"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A level that was reached from below. `number` counts the crossings of this line and measure: part of every key."""

    measure: Measure
    level: Level
    number: int
    amount: Money
    used: Decimal  # percent


@dataclass(frozen=True, slots=True)
class Watch:
    """What the ledger remembers of a line and measure: the level, and how often one was crossed."""

    level: Level = "below"
    crossings: int = 0

    @property
    def text(self) -> str:
        return f"{self.level} {self.crossings}"

    @classmethod
    def read(cls, text: str) -> "Watch":
        word, _, number = text.partition(" ")
        return cls(next(one for one in LEVELS if one == word), int(number))


def watch(
    standing: Standing, known: dict[Measure, Watch], rules: BudgetFile
) -> tuple[dict[Measure, Watch], list[Crossing]]:
    """What to remember from now on, and the crossings upward that somebody must hear of."""
    after: dict[Measure, Watch] = {}
    crossings = []
    for measure, threshold in rules.thresholds.items():
        amount = standing.measured(measure, forecast_after=rules.forecast_after)
        if amount is None:
            continue
        before = known.get(measure, Watch())
        used = percent(amount, standing.budget)
        reached = level(used, before.level, threshold)
        rises = LEVELS.index(reached) > LEVELS.index(before.level)
        after[measure] = Watch(reached, before.crossings + rises)
        if rises:
            crossings.append(Crossing(measure, reached, before.crossings + 1, amount, used))
    return after, crossings
