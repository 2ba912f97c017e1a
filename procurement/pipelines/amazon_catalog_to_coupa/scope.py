"""Which part of the catalog a run looks at: all of it once a night, waiting requisitions every hour, released articles.

A form says it itself. A scheduled run compares everything where no run has seen that through since `full_at_hour`, so that
a night without a scheduler, or with a failed run, is made up for by the next one. It is decided once for a run and an account
and kept in the ledger, so that every task, and a retry hours later, does the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import Run
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules

SCOPES = ("full", "requisitions", "released")
FULL, NIGHT, SUCCEEDED = "full", "night", "succeeded"  # what the ledger keeps of a run
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """`full`: the whole comparison; `released`: ASINs whose held price, currency or pack a person accepted. `night`: the
    beginning of the night that a scheduled comparison is for, in which an absence counts once, however often it is tried."""

    full: bool
    requisitions: bool
    released: frozenset[str] = frozenset()
    night: datetime | None = None

    @property
    def compares(self) -> bool:
        return self.full or bool(self.released)


def decide_scope(ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules, account: str) -> Scope:
    """The scope of the run for the account, from its first task on; a dry run decides nothing for later runs."""
    source = amazon_source(account)
    kept = ledger.runs.facts(run, source)
    if FULL in kept:
        return read_scope(request, rules, due=datetime.fromisoformat(kept[NIGHT]) if kept[NIGHT] else None)
    night = night_of(run.now, rules.catalog.reading.full_at_hour)
    done = ledger.runs.is_fact_since(run.dag_id, source, {FULL: True, SUCCEEDED: True}, since=night)
    scope = read_scope(request, rules, due=None if done else night)
    if not run.dry_run:
        ledger.runs.keep_facts(run, source, {FULL: scope.full, NIGHT: scope.night.isoformat() if scope.night else None})
    return scope


def night_of(now: datetime, hour: int) -> datetime:
    """The last time it was that hour (UTC)."""
    moment = now.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    return moment if moment <= now else moment - DAY


def read_scope(request: RunRequest, rules: Rules, *, due: datetime | None = None) -> Scope:
    """What the form says; of a scheduled run the whole catalog where the comparison of the night of `due` is still to be made.

    ConfigurationError for a range or a backfill: today's prices never go into the past."""
    if request.kind == "backfill" or any(request.params.get(name) for name in ("from", "to")):
        raise ConfigurationError(
            "the catalog takes no range and no backfill: Amazon shows today's prices, which never go into the past"
        )
    released, asked = read_released(request), request.params.get("scope") or None
    if asked is not None and asked not in SCOPES:
        raise ConfigurationError(f"scope is {asked!r}; write one of {', '.join(SCOPES)}")
    reprice = rules.catalog.requisitions.reprice
    if request.kind == "scheduled":
        return Scope(due is not None, reprice, night=due)
    if asked == "requisitions":
        return Scope(False, True, released)
    if asked == "released":
        return Scope(False, False, released)
    return Scope(True, reprice, released)


def read_released(request: RunRequest) -> frozenset[str]:
    typed = request.params.get("release") or ()
    if not isinstance(typed, Sequence) or isinstance(typed, str):
        raise ConfigurationError("release must be a list of ASINs, one a line")
    return frozenset(str(one).strip().upper() for one in typed if str(one).strip())
