"""The weekly digest to category owners: what was found and is not told one by one, each violation in one digest."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation
from procurement.ledger.types import Run
from procurement.pipelines.purchase_compliance import wording
from procurement.pipelines.purchase_compliance.names import PIPELINE, REPORT_ONLY
from procurement.policies import Rules

Json = dict[str, Any]


def week_of(now: datetime, weekday: int) -> datetime:
    """When the present week began: midnight UTC of the last such weekday."""
    back = (now.weekday() - weekday) % 7
    return datetime.combine((now - timedelta(days=back)).date(), time.min, UTC)


def send_digests(ledger: Ledger, *, run: Run, rules: Rules) -> int:
    """The first run of a week puts what was found before it into mails, by owner; further runs of the week add nothing."""
    week = week_of(run.now, rules.compliance.people.digest_weekday)
    untold = ledger.compliance.untold(week)
    by_owner: dict[tuple[str, ...], list[KeptViolation]] = {}
    for one in untold:
        by_owner.setdefault(owners_of(one, rules), []).append(one)
    for recipients, found in sorted(by_owner.items()):
        key = f"{PIPELINE}/digest/{week:%Y-%m-%d}/{','.join(recipients)}"
        ledger.notices.add(key, "compliance_digest", digest(found, recipients, week))
    ledger.compliance.told(
        [one.id for one in untold], run.now
    )  # after the mails are kept: a crash repeats, never swallows
    return len(by_owner)


def owners_of(violation: KeptViolation, rules: Rules) -> tuple[str, ...]:
    people = rules.compliance.people
    found = [people.category_owners[name] for name in violation.commodity.split(", ") if name in people.category_owners]
    return tuple(dict.fromkeys(found)) or tuple(people.digest)


def digest(found: list[KeptViolation], recipients: tuple[str, ...], week: datetime) -> Json:
    """Gravest and largest first."""
    order = ("high", "medium", "low")
    listed = sorted(found, key=lambda one: (order.index(one.severity), -one.amount, one.key))
    plural = "" if len(listed) == 1 else "s"
    only = all(one.told == REPORT_ONLY for one in listed)
    note = "Nobody was written to in Coupa: these days are report-only.\n\n" if only else ""
    return {
        "to": list(recipients),
        "subject": f"{len(listed)} compliance violation{plural} until {week:%Y-%m-%d}: {wording.totals(listed)}",
        "text": f"{note}{wording.listed(listed)}",
    }


def open_by_rule(violations: list[KeptViolation]) -> list[Json]:
    """How many are open and what they come to; those of what was stopped before it was ordered apart."""
    found: dict[tuple[str, bool], list[KeptViolation]] = {}
    for one in violations:
        found.setdefault((one.rule, not one.source.startswith(wording.AMAZON)), []).append(one)
    return [
        {"rule": rule, "stopped_before_order": stopped, "count": len(some), "money": wording.totals(some)}
        for (rule, stopped), some in sorted(found.items())
    ]
