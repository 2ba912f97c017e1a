"""Which part of the catalog a run looks at: all of it once a day, waiting requisitions every hour, released articles.

Decided from the schedule and the form alone, so that every task of a run, and a retry hours later, decides the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from procurement.errors import ConfigurationError
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules

SCOPES = ("full", "requisitions", "released")
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """`full`: the whole comparison; `released`: ASINs whose held price, currency or pack a person accepted."""

    full: bool
    requisitions: bool
    released: frozenset[str] = frozenset()

    @property
    def compares(self) -> bool:
        return self.full or bool(self.released)


def read_scope(request: RunRequest, rules: Rules) -> Scope:
    """ConfigurationError for a range or a backfill: today's prices never go into the past."""
    if request.kind == "backfill" or any(request.params.get(name) for name in ("from", "to")):
        raise ConfigurationError(
            "the catalog takes no range and no backfill: Amazon shows today's prices, which never go into the past"
        )
    released, asked = read_released(request), request.params.get("scope") or None
    if asked is not None and asked not in SCOPES:
        raise ConfigurationError(f"scope is {asked!r}; write one of {', '.join(SCOPES)}")
    reprice = rules.catalog.requisitions.reprice
    if request.kind == "scheduled":
        return Scope(_has_hour(request, rules.catalog.reading.full_at_hour), reprice)
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


def _has_hour(request: RunRequest, hour: int) -> bool:
    """Whether the run's interval contains that hour's beginning."""
    if request.interval is None:
        return False
    moment = request.interval.start.replace(minute=0, second=0, microsecond=0)
    while moment < request.interval.end:
        if moment.hour == hour and moment >= request.interval.start:
            return True
        moment += HOUR
    return False
