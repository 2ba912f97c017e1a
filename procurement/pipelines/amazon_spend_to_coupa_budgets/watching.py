"""Budgets against their thresholds: who is told, once a crossing, by mail, Slack and a task in Coupa.

Where a line stood is remembered in the ledger with the number of its crossings; that number is part of every key, so
whatever is repeated after a crash is the same notice and the same task. Amazon's feed is late: a period that is over is
watched whenever something was posted to it since. The memory moves last.
"""

import base64
import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from procurement.ledger.spend import DIMENSIONS, SpendTotal
from procurement.ledger.types import Plan, PlannedDelivery, Run
from procurement.money import MINOR_UNITS, Money
from procurement.pipelines import loading
from procurement.pipelines.amazon_spend_to_coupa_budgets.actions import actions
from procurement.pipelines.amazon_spend_to_coupa_budgets.charts import burn_down
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import PIPELINE, TASK, WATCHED, rollout_of
from procurement.pipelines.amazon_spend_to_coupa_budgets.standing import Watched, read_standings
from procurement.pipelines.amazon_spend_to_coupa_budgets.steps import idle
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine, read_lines
from procurement.pipelines.windows import RunRequest
from procurement.policies import Mode, Rules
from procurement.spend.budget_rules import Measure, Period
from procurement.spend.thresholds import Crossing, Watch, watch

Summary = dict[str, Any]
EVER = timedelta(days=3660)
MEASURED: Mapping[Measure, str] = {
    "actual": "spent", "committed": "spent or on order", "forecast": "spent by the end of the period at this pace",
}  # fmt: skip
ADVICE = (
    "What to do: move budget or stop buying. Orders that were placed at Amazon without a purchase order count here the day "
    "after; those on purchase orders counted when they were ordered."
)


@dataclass(frozen=True, slots=True)
class Alert:
    """A crossing, in words, for the people it concerns."""

    key: str
    subject: str
    text: str
    to: tuple[str, ...]
    group: str | None
    cost_center: str | None = None


def watch_budgets(
    coupa: Coupa,
    ledger: Ledger,
    *,
    run: Run,
    request: RunRequest,
    rules: Rules,
    account: str,
    folder: str,
    seconds: float,
) -> Summary:
    """Tells people of every threshold that was crossed since the last look. Charts and the spend report go to `folder`.

    Nothing while the pipeline is not live, in a dry run, and between the days of a weekly rhythm.
    """
    live = rules.rollout.widest(PIPELINE, account=account).mode is Mode.LIVE
    if run.dry_run or not live or idle(run, request, rules):
        return {"run": run.id, "watched": 0, "alerts": 0}
    zone = ZoneInfo(rules.zone_of(account))
    today = run.now.astimezone(zone).date()
    with ledger.planning.planning_lock(PIPELINE):
        states = {one.key: one.state for one in ledger.open_documents.due(WATCHED, run.now + EVER)}
        posted = _posted_since(coupa, ledger, states)
        periods = _periods(ledger, rules, today, posted)
        standings = _standings(coupa, ledger, periods, rules=rules, today=today, zone=zone, account=account)
        charts = draw(burn_downs(ledger, standings, rules, instance=coupa.instance), today, Path(folder))
        alerts = 0
        for period, watched in standings.items():
            for one in watched:
                if rollout_of(rules, account, rules.budgets.segment_of(one.line.raw).cost_center).mode is not Mode.LIVE:
                    continue  # nobody is told of a budget whose spend is not carried over yet
                known = _remembered(states, place_of(coupa, one))
                alerts += _look(coupa, ledger, one, period, known, run=run, rules=rules, charts=charts)
        seen = {one.name for one in periods} & posted.keys()
        ledger.open_documents.watch(WATCHED, {f"{coupa.instance}/{name}": (posted[name], run.now) for name in seen})
    ledger.deliveries.look_again(ledger.deliveries.waiting(PIPELINE, [TASK]))
    report = write_report(ledger.spend.by_segment(), Path(folder))
    sent = loading.load(
        ledger,
        PIPELINE,
        actions(coupa, ledger, account, rules),
        run=run,
        rules=rules,
        workers=1,
        seconds=seconds,
        scope=account,
    )
    return {
        "run": run.id, "watched": sum(map(len, standings.values())), "alerts": alerts, "tasks": sent.get("delivered", 0),
        "charts": sorted(str(path) for path in charts.values()), "report": str(report),
    }  # fmt: skip


def _posted_since(coupa: Coupa, ledger: Ledger, states: Mapping[str, str]) -> dict[str, str]:
    """The names of the periods that were posted to since they were watched last, and how often they were by now."""
    counts = {name: str(times) for name, times in ledger.spend.adjustments_by_period(coupa.instance).items()}
    return {name: times for name, times in counts.items() if states.get(f"{coupa.instance}/{name}") != times}


def _periods(ledger: Ledger, rules: Rules, today: date, posted: Collection[str]) -> set[Period]:
    """The current period, and with `watched: posted` those, too, whose names are `posted`."""
    current = rules.budgets.periods.of(today)
    if rules.budgets.watched == "current" or not set(posted) - {current.name}:
        return {current}
    known = {rules.budgets.periods.of(day) for day in ledger.spend.posted_days()}
    return {current, *(one for one in known if one.name in posted)}


def _standings(
    coupa: Coupa,
    ledger: Ledger,
    periods: Collection[Period],
    *,
    rules: Rules,
    today: date,
    zone: ZoneInfo,
    account: str,
) -> dict[Period, list[Watched]]:
    accounts = {account, *rules.accounts.accounts}  # a ledger may hold several, and their spend is on one line
    found = {}
    for period in sorted(periods, key=lambda one: one.first):
        lines = read_lines(coupa, [period.name])
        found[period] = read_standings(
            coupa, ledger.budget_books, lines, period=period, today=today, zone=zone, accounts=accounts
        )
    return found


def _look(
    coupa: Coupa, ledger: Ledger, one: Watched, period: Period, known: dict[Measure, Watch], *, run: Run, rules: Rules,
    charts: Mapping[str, Path],
) -> int:  # fmt: skip
    """Tells of the line's crossings, then remembers where it stands; how many there were."""
    place = place_of(coupa, one)
    after, crossings = watch(one.standing, known, rules.budgets)
    for crossing in crossings:
        alert = _alert(coupa, one, period, crossing, place, rules)
        _tell(ledger, alert, run=run, rules=rules, chart=charts.get(chart_name(period, one.line, rules)))
    moved = {
        f"{place}/{measure}": (state.text, run.now) for measure, state in after.items() if known.get(measure) != state
    }
    ledger.open_documents.watch(WATCHED, moved)
    return len(crossings)


def place_of(coupa: Coupa, one: Watched) -> str:
    return f"{coupa.instance}/{one.line.id}"


def _remembered(states: Mapping[str, str], place: str) -> dict[Measure, Watch]:
    return {measure: Watch.read(states[f"{place}/{measure}"]) for measure in MEASURED if f"{place}/{measure}" in states}


def _alert(coupa: Coupa, one: Watched, period: Period, crossing: Crossing, place: str, rules: Rules) -> Alert:
    line, segment = one.line, rules.budgets.segment_of(one.line.raw)
    title = line.raw.get("description") or "-".join(line.segments.values())
    rule = rules.budgets.recipient(segment)
    subject = f"Budget {crossing.level}: {title}, {period.name}: {crossing.used:.1f} % {MEASURED[crossing.measure]}"
    standing = one.standing
    crossed = f"{crossing.measure.capitalize()} has {crossing.level} its limit of {_limit(crossing, rules)} %"
    text = "\n".join([
        f"{title}, {period.name} ({period.first} to {period.last}, {standing.elapsed * 100:.0f} % of it over)",
        f"{crossed}: {crossing.amount} of {standing.budget} {MEASURED[crossing.measure]} ({crossing.used:.1f} %).", "",
        f"Budget              {standing.budget}", f"Spent               {standing.actual}",
        f"Spent or on order   {standing.committed}", f"Remaining           {standing.budget - standing.committed}", "", ADVICE,
    ])  # fmt: skip
    to = dict.fromkeys([*(rule.to if rule else ()), *_owner(coupa, line.owner, rules)])
    key = f"{place}/{period.name}/{crossing.measure}/{crossing.level}/{crossing.number}"
    return Alert(key, subject, text, tuple(to), rule.group if rule else None, segment.cost_center)


def _limit(crossing: Crossing, rules: Rules) -> object:
    threshold = rules.budgets.thresholds[crossing.measure]
    return threshold.exceeded if crossing.level == "exceeded" else threshold.approached


def _owner(coupa: Coupa, login: str | None, rules: Rules) -> list[str]:
    """The owner's address; the queue's where the owner left."""
    if not rules.budgets.to_owner or login is None:
        return []
    users = [raw for page in coupa.users([login]) for raw in page]
    if not users or not users[0].get("active") or not users[0].get("email"):
        return [rules.budgets.inactive_to]
    return [str(users[0]["email"])]


def _tell(ledger: Ledger, alert: Alert, *, run: Run, rules: Rules, chart: Path | None) -> None:
    attachments = [{"name": chart.name, "png": base64.b64encode(chart.read_bytes()).decode()}] if chart else []
    body = {
        "to": list(alert.to), "subject": alert.subject, "text": alert.text, "attachments": attachments,
        "slack": f"{alert.subject}\n{alert.text}",
    }  # fmt: skip
    ledger.notices.add(f"{PIPELINE}/{alert.key}", "budget_threshold", body)
    if alert.group is None:
        return
    due = (run.now + timedelta(days=rules.budgets.task_due_days)).date()
    marker = f"[{alert.key}]"
    payload = {
        "group": alert.group, "title": alert.subject[:255], "description": f"{alert.text}\n\n{marker}", "marker": marker,
        "due": due.isoformat(), "cost_center": alert.cost_center,
    }  # fmt: skip
    task = PlannedDelivery(action=TASK, business_key=alert.key, payload=payload, policy_version=rules.version)
    ledger.planning.keep(run, Plan([task]))


def chart_name(period: Period, line: BudgetLine, rules: Rules) -> str:
    """Folder and name of the burn-down that shows this line; currencies are never drawn together."""
    return f"{_safe(period.name)}/{_safe(_center(line, rules))}_{line.currency}"


@dataclass(frozen=True, slots=True)
class BurnDown:
    """What a chart shows: the budget, and what was consumed on which day of the period."""

    title: str
    period: Period
    budget: Money
    days: Mapping[date, Money]


def burn_downs(
    ledger: Ledger, standings: Mapping[Period, Sequence[Watched]], rules: Rules, *, instance: str
) -> dict[str, BurnDown]:
    """One per cost center and period, by chart name; lines of different currencies are never added up.

    Beside what Coupa counted, each has exactly what was posted to its lines, whatever segments those have."""
    found: dict[str, BurnDown] = {}
    for period, watched in standings.items():
        outside = ledger.spend.outside_by_day(instance, (one.line.id for one in watched))
        groups: dict[tuple[str, str], list[Watched]] = {}
        for one in watched:
            groups.setdefault((_center(one.line, rules), one.line.currency), []).append(one)
        for (center, currency), lines in sorted(groups.items()):
            budget = Money.sum((one.standing.budget for one in lines), currency)
            title = f"{lines[0].line.raw.get('description') or center}, {period.name}: budget {budget}"
            days = _days(lines, outside, period)
            found[chart_name(period, lines[0].line, rules)] = BurnDown(title, period, budget, days)
    return found


def draw(shown: Mapping[str, BurnDown], today: date, folder: Path) -> dict[str, Path]:
    """The charts as files, by name."""
    found: dict[str, Path] = {}
    for name, one in shown.items():
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(burn_down(one.title, one.budget, one.days, one.period, today))
        found[name] = path
    return found


def _center(line: BudgetLine, rules: Rules) -> str:
    """The cost center that the line's segments name; where they name none, all of them."""
    return rules.budgets.segment_of(line.raw).cost_center or "-".join(line.segments.values())


def _days(lines: Sequence[Watched], outside: Mapping[int, Mapping[date, Decimal]], period: Period) -> dict[date, Money]:
    found: dict[date, Money] = {}
    for one in lines:
        posted = {day: Money.of(amount, one.line.currency) for day, amount in outside.get(one.line.id, {}).items()}
        for day, amount in (*one.days.items(), *posted.items()):
            within = min(max(day, period.first), period.last)
            found[within] = found.get(within, Money.zero(one.line.currency)) + amount
    return found


def _safe(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in text)


def write_report(totals: Sequence[SpendTotal], folder: Path) -> Path:
    """Spend by period, way of counting, currency and segment as CSV; what could not be categorised included."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["period", "counted", "currency", *DIMENSIONS, "lines", "amount"])
    for one in totals:
        amount = Money.of(one.minor, one.currency).amount.scaleb(-MINOR_UNITS[one.currency])
        rows.writerow(
            [one.period, one.counted, one.currency, *(value or "" for value in one.segment), one.lines, amount]
        )
    path = folder / "spend.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue())
    return path
