"""Which part of the catalog a run looks at: all of it once a night, waiting requisitions every hour, released articles.

A form says it itself. A scheduled run compares everything where no run has seen that through since `full_at_hour`, so that
a night without a scheduler, or with a failed run, is made up for by the next one. It is decided once for a run and an account
and kept in the ledger, so that every task, and a retry hours later, does the same.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from procurement.catalog.entries import Release, release_of
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import Run
from procurement.pipelines.amazon_catalog_to_coupa.held import held_entries
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules

SCOPES = ("full", "requisitions", "released")
FULL, NIGHT, SUCCEEDED, RELEASED = "full", "night", "succeeded", "released"  # what the ledger keeps of a run
RELEASE = re.compile(r"(?P<asin>[A-Z0-9]{10})(?:=(?P<price>\d+(?:\.\d+)?))?")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """`full`: the whole comparison; `released`: what a person accepted, by ASIN. `night`: the
    beginning of the night that a scheduled comparison is for, in which an absence counts once, however often it is tried."""

    full: bool
    requisitions: bool
    released: Mapping[str, Release] = field(default_factory=dict)
    night: datetime | None = None

    @property
    def compares(self) -> bool:
        return self.full or bool(self.released)


def decide_scope(ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules, account: str) -> Scope:
    """The scope of the run for the account, from its first task on; a dry run decides nothing for later runs."""
    source = amazon_source(account)
    kept = ledger.runs.facts(run, source)
    if FULL in kept:
        scope = read_scope(request, rules, due=datetime.fromisoformat(kept[NIGHT]) if kept[NIGHT] else None)
        return replace(scope, released={asin: _read(raw) for asin, raw in kept.get(RELEASED, {}).items()})
    night = night_of(run.now, rules.catalog.reading.full_at_hour)
    done = ledger.runs.is_fact_since(run.dag_id, source, {FULL: True, SUCCEEDED: True}, since=night)
    scope = read_scope(request, rules, due=None if done else night)
    scope = replace(scope, released=_as_held(ledger, source, scope.released))
    if not run.dry_run:
        released = {asin: _write(one) for asin, one in scope.released.items()}
        night_kept = scope.night.isoformat() if scope.night else None
        ledger.runs.keep_facts(run, source, {FULL: scope.full, NIGHT: night_kept, RELEASED: released})
    return scope


def _as_held(ledger: Ledger, source: str, released: Mapping[str, Release]) -> dict[str, Release]:
    """What the person saw: the article as the ledger holds it now, before this run reads it again; a price that they typed
    stands for itself. Of an article that is not held nothing else is accepted."""
    held = {entry.asin: release_of(entry.article) for entry, _ in held_entries(ledger, source)} if released else {}
    return {
        asin: replace(
            held.get(asin, typed), price=typed.price if typed.price is not None else held.get(asin, typed).price
        )
        for asin, typed in released.items()
    }


def _write(release: Release) -> dict[str, Any]:
    price = None if release.price is None else format(release.price, "f")
    return {"price": price, "tiers": [format(one, "f") for one in release.tiers], "pack": release.pack}


def _read(raw: Mapping[str, Any]) -> Release:
    price = None if raw["price"] is None else Decimal(raw["price"])
    return Release(price, tuple(map(Decimal, raw["tiers"])), raw["pack"])


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


def read_released(request: RunRequest) -> dict[str, Release]:
    """What the form says: `ASIN=price`, the price that the person saw, or the ASIN alone."""
    typed = request.params.get("release") or ()
    if not isinstance(typed, Sequence) or isinstance(typed, str):
        raise ConfigurationError("release must be a list of ASIN=price, one a line")
    released: dict[str, Release] = {}
    for one in filter(None, ("".join(str(one).split()).upper() for one in typed)):
        found = RELEASE.fullmatch(one)
        if found is None:
            raise ConfigurationError(f"release has {one!r}; write ASIN=price as in the mail, such as B0EXAMPLE1=15.29")
        price = Release(Decimal(found["price"])) if found["price"] else Release()
        if released.setdefault(found["asin"], price) != price:
            raise ConfigurationError(f"release has {found['asin']} twice, with different prices")
    return released
