"""The day by which somebody had to act on a violation is over: whoever was told is reminded once, and later, where the rule
says so, somebody above them is told once.

Who was told at once is reminded in person; what went into a digest, its readers. A question at the gate that nobody answers has
a reminder of its own (`compliance_gate`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation
from procurement.ledger.types import Run
from procurement.pipelines.compliance_rollout import acts, rollout_of
from procurement.pipelines.compliance_surroundings import CoupaReads
from procurement.pipelines.purchase_compliance import wording
from procurement.pipelines.purchase_compliance.deciding import People
from procurement.pipelines.purchase_compliance.digest import owners_of
from procurement.pipelines.purchase_compliance.names import AT_ONCE, PIPELINE
from procurement.pipelines.sources import amazon_source, coupa_source
from procurement.policies import Rules

Recipients = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Of one Amazon account, and of what was stopped in `instance` before it was ordered there."""

    ledger: Ledger
    run: Run
    rules: Rules
    account: str
    instance: str

    def send(self, coupa: CoupaReads) -> int:
        """Writes the mails that are due. How many violations they are about."""
        rows = [row for row in self.ledger.compliance.overdue(self.run.now.date()) if self._is_ours(row)]
        due = [row for row in rows if row.reminded_at is None and self._is_due(row)]
        emails = sorted({row.buyer for row in due if row.told == AT_ONCE and row.buyer})
        people = People.read(coupa.users(emails=emails)) if emails else People()
        for recipients, some in _grouped((self._reminded(row, people), row) for row in due):
            self._mail("overdue", recipients, some, escalated=False)
        late = [(to, row) for row in rows if (to := self._above(row))]
        for recipients, some in _grouped(late):
            self._mail("escalated", recipients, some, escalated=True)
        return len(due) + len(late)

    def _is_ours(self, row: KeptViolation) -> bool:
        """Where rollout.yml lets nobody be written to any more, nobody is reminded."""
        if row.source not in (amazon_source(self.account), coupa_source(self.instance)):
            return False
        account = self.rules.accounts.of(self.account)
        rollout = rollout_of(
            self.rules, account=self.account, supplier=account.supplier if account else "", cost_centers=row.cost_center.split(", ")
        )  # fmt: skip
        return acts(rollout, self.rules, self.run.now)

    def _is_due(self, row: KeptViolation) -> bool:
        if row.source == coupa_source(self.instance) and row.action == "route":
            return False
        if row.told == AT_ONCE or row.told_at is None:
            return True
        rule = self.rules.compliance.rule(row.rule)
        days = timedelta(days=rule.act_within_days if rule is not None else 0)
        return self.run.now.date() > row.told_at.date() + days  # the digest came later than the violation

    def _reminded(self, row: KeptViolation, people: People) -> Recipients:
        if row.told != AT_ONCE:
            return owners_of(row, self.rules)
        return (row.buyer,) if people.reachable(row.buyer) is not None else (self.rules.compliance.people.queue,)

    def _above(self, row: KeptViolation) -> Recipients:
        """Whom its rule escalates to today; nobody, where that is not so, or was done."""
        rule, today = self.rules.compliance.rule(row.rule), self.run.now.date()
        if rule is None or row.reminded_at is None or row.escalated_at is not None:
            return ()
        return rule.escalate_to if today >= _after(row.reminded_at.date(), rule.escalate_after_days) else ()

    def _mail(self, word: str, recipients: Recipients, rows: Sequence[KeptViolation], *, escalated: bool) -> None:
        names = "\n".join(sorted(f"{row.source} {row.delivery_key}" for row in rows))
        key = f"{PIPELINE}/{word}/{hashlib.sha256(names.encode()).hexdigest()[:16]}"
        body = wording.overdue_mail(rows, recipients, escalated=escalated)
        self.ledger.compliance.remind([row.id for row in rows], self.run.now, key=key, body=body, escalated=escalated)


def _after(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _grouped(rows: Iterable[tuple[Recipients, KeptViolation]]) -> list[tuple[Recipients, list[KeptViolation]]]:
    found: dict[Recipients, list[KeptViolation]] = {}
    for recipients, row in rows:
        found.setdefault(recipients, []).append(row)
    return sorted(found.items())
