"""Which stretch of the source a run reads.

Resolved once, when the run opens, and kept in the ledger, so that a retry hours later reads the same. Order of
precedence: the form's `from`/`to`; nothing for a run that an asset or a list of document numbers started; a backfill's
own interval; otherwise everything not yet covered up to the interval's end (or now), less an overlap. A DAG that was
paused for a month therefore reads the month.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from procurement.clock import Clock
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import Run, Window
from procurement.policies import Mode, Rules

NUMBER_LISTS = ("invoice_numbers", "po_numbers", "order_ids")  # what a form may ask for by number


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the scheduler knows of a run. `kind` is Airflow's run type; `interval` is absent on manual and asset runs."""

    dag_id: str
    run_id: str
    kind: str = "manual"
    interval: Window | None = None
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def dry_run(self) -> bool:
        return bool(self.params.get("dry_run", False))

    @property
    def document_numbers(self) -> tuple[str, ...]:
        """The document numbers typed into the form, trimmed, without blanks and repeats."""
        typed: list[str] = []
        for name in NUMBER_LISTS:
            numbers = self.params.get(name) or ()
            if not isinstance(numbers, Sequence) or isinstance(numbers, str):
                raise ConfigurationError(f"{name} must be a list of texts, one number each")
            typed += [str(number).strip() for number in numbers if str(number).strip()]
        return tuple(dict.fromkeys(typed))


def read_moment(name: str, value: object) -> datetime | None:
    """A form's date or moment as aware UTC (a plain date is midnight UTC); ConfigurationError says what to write."""
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ConfigurationError(
            f"{name} is {str(value)[:40]!r}; write a date such as 2026-01-31 or 2026-01-31T08:00:00Z"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def requested_window(request: RunRequest, *, now: datetime) -> Window | None:
    """The window typed into the form; None when nothing was typed. `to` alone is refused: it would read since ever."""
    start, end = (read_moment(name, request.params.get(name)) for name in ("from", "to"))
    if start is None and end is None:
        return None
    if request.kind == "backfill":
        raise ConfigurationError("a backfill takes its range from the backfill form; leave `from` and `to` empty")
    if start is None:
        raise ConfigurationError("`to` was given without `from`; give both, or neither to read what is still unread")
    end = min(end or now, now)
    if end <= start:
        raise ConfigurationError(
            f"`from` {start:%Y-%m-%d %H:%M} is not before `to` {end:%Y-%m-%d %H:%M} (both UTC, `to` at most now)"
        )
    return Window(start, end)


def open_run(
    ledger: Ledger,
    request: RunRequest,
    *,
    rules: Rules,
    clock: Clock,
    pipeline: str,
    overlap: timedelta,
    read_as: str | None = None,
) -> Run:
    """The run, with its window resolved once; a retry gets the same one back.

    `read_as`: the name under which the source's ranges are covered, where several pipelines share one reading.
    """
    now = clock.now()
    window = run_window(
        ledger, request, rules=rules, now=now, pipeline=pipeline, overlap=overlap, read_as=read_as or pipeline
    )
    return ledger.runs.open(request.dag_id, request.run_id, now=now, window=window, dry_run=request.dry_run)


def run_window(
    ledger: Ledger,
    request: RunRequest,
    *,
    rules: Rules,
    now: datetime,
    pipeline: str,
    overlap: timedelta,
    read_as: str,
) -> Window | None:
    """The form's window; nothing when switched off, woken by an asset or asked for numbers; a backfill's range; else the unread."""
    rollout = rules.rollout.widest(pipeline)
    if (window := requested_window(request, now=now)) is not None:
        return window
    if rollout.mode is Mode.OFF or request.kind == "asset_triggered" or request.document_numbers:
        return None
    if request.kind == "backfill":
        return request.interval
    until = min(request.interval.end, now) if request.interval and request.kind == "scheduled" else now
    since = datetime.combine(rollout.go_live, time.min, UTC) if rollout.go_live else until - timedelta(days=1)
    return unread_window(ledger.coverage.uncovered(read_as, until, since=min(since, until), overlap=overlap))


def unread_window(uncovered: Sequence[Window]) -> Window | None:
    """From the earliest gap to the end: covered stretches in between are read again, which is free of consequence."""
    if not uncovered:
        return None
    return Window(min(window.start for window in uncovered), max(window.end for window in uncovered))


def pieces(window: Window | None, longest: timedelta) -> Iterator[Window]:
    """`window` cut into consecutive windows no longer than `longest` (Amazon's feeds: 30 days)."""
    start = window.start if window else None
    while window and start and start < window.end:
        end = min(start + longest, window.end)
        yield Window(start, end)
        start = end
