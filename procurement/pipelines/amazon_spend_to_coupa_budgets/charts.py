"""Burn-down of a cost center's budget: what remained day by day, beside the straight line to the period's end."""

import io
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from procurement.money import Money
from procurement.spend.budget_rules import Period

INCHES, DOTS = (8.0, 4.0), 100


def remaining_by_day(
    budget: Money, days: Mapping[date, Money], period: Period, until: date
) -> list[tuple[date, Decimal]]:
    """What remained at the end of each day from the period's first to `until`; the last is the budget less all of `days`."""
    left, found = budget, []
    day = period.first
    while day <= min(until, period.last):
        left = left - days.get(day, Money.zero(budget.currency))
        found.append((day, left.amount))
        day += timedelta(days=1)
    return found


def burn_down(title: str, budget: Money, days: Mapping[date, Money], period: Period, until: date) -> bytes:
    """The chart as PNG. Drawn without a display or global state; amounts become floats only as ink."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - a second to import, and only drawn here
    from matplotlib.dates import date2num as untyped  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    date2num: Callable[[list[date]], list[float]] = untyped
    line = remaining_by_day(budget, days, period, until)
    ends = date2num([period.first, period.last])
    figure = Figure(figsize=INCHES, dpi=DOTS)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(ends, [float(budget.amount), 0.0], linestyle="--", color="0.6", label="straight line")
    if line:
        left = [float(amount) for _, amount in line]
        axes.step(date2num([day for day, _ in line]), left, where="post", color="tab:blue", label="remaining")
    axes.axhline(0, color="tab:red", linewidth=0.8)
    axes.set_title(title)
    axes.set_ylabel(budget.currency)
    axes.xaxis_date()
    axes.set_xlim(*ends)
    axes.legend(loc="upper right")
    figure.autofmt_xdate()
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()
