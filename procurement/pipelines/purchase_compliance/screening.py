"""Requisitions that wait for approval, judged by the rules that may stop or route a purchase before it is ordered.

`route` adds the rule's approver to Coupa's own chain; `block` rejects the pending approval with the reason where
compliance.yml and Coupa allow it, and otherwise tells the person whose turn it is. A requisition has no key of ours and may be
submitted again after a change: each state of it is judged once, and what was written about one cause is not written again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from connectors.tally import Tally
from procurement.compliance.documents import read_requisition
from procurement.compliance.judging import Violation, approver_of, judge, unapproved
from procurement.compliance.purchases import Purchase
from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation
from procurement.ledger.types import Plan, PlannedDelivery, PlannedFinding, PlannedRecord, Record, Run, Staged
from procurement.money import Money
from procurement.pipelines.compliance_rollout import reports_only, rollout_of
from procurement.pipelines.compliance_surroundings import Articles, Contracts, CoupaReads, countries, frame_of, surround
from procurement.pipelines.compliance_unreported import lines_of, looks_around
from procurement.pipelines.proposals import SHADOW, unstaged
from procurement.pipelines.purchase_compliance import wording
from procurement.pipelines.purchase_compliance.judgements import KEEPS
from procurement.pipelines.purchase_compliance.names import (
    ADD_APPROVER,
    COMMENT_REQUISITION,
    PENDING,
    PIPELINE,
    REJECT,
    REPORTED,
    REQUISITION,
    SWITCHED_OFF,
)
from procurement.pipelines.purchase_compliance.screened import Screened, keyed
from procurement.pipelines.sources import amazon_source, coupa_source
from procurement.policies import Mode, Rules

Json = dict[str, Any]
PART = "screened"
PAGE = 500  # requisitions loaded at a time


class Requisitions(CoupaReads, Protocol):
    """The part of the Coupa client that screening reads."""

    instance: str

    def requisitions_in(self, status: str, suppliers: Sequence[str]) -> Iterable[Sequence[Json]]: ...


def is_wanted(rules: Rules) -> bool:
    """Whether any rule may stop or route a purchase before it is ordered: otherwise no call is made."""
    return any(rule.before_order and rule.action != "flag" for rule in rules.compliance.rules)


def stage(coupa: Requisitions, ledger: Ledger, *, run: Run, rules: Rules) -> int:
    """Every requisition for Amazon that waits for approval: its lines and the approval whose turn it is."""
    tally, source = Tally(), coupa_source(coupa.instance)
    for page in coupa.requisitions_in(PENDING, sorted(countries(rules))):
        for raw in page:
            tally.count(REQUISITION, str(raw["id"]))
        ledger.records.stage(run, source, REQUISITION, list(map(_staged, page)), evolving=True)
    ledger.runs.keep_tally(run, source, tally)
    return tally.documents


def waiting(ledger: Ledger, *, run: Run, rules: Rules) -> list[Record]:
    """All that `stage` read in this run, changed or not; none where no rule looks at other purchases."""
    wanted = is_wanted(rules) and looks_around(rules)
    return [one for page in ledger.records.pages_of_run(run, REQUISITION, size=PAGE) for one in page] if wanted else []


def look(coupa: Requisitions, rules: Rules) -> list[Record]:
    """The same reading for a dry run, which keeps nothing."""
    if not is_wanted(rules):
        return []
    rows = [_staged(raw) for page in coupa.requisitions_in(PENDING, sorted(countries(rules))) for raw in page]
    return unstaged(rows, source=coupa_source(coupa.instance), kind=REQUISITION)


def _staged(raw: Json) -> Staged:
    return Staged(key=str(raw["id"]), raw=substance(raw), dated_at=_moment(raw.get("submitted-at")))


def substance(raw: Json) -> Json:
    """What is judged: no counters and no moments that move by themselves."""
    kept = ("id", "req-title", "status", "submitted-at", "requested-by", "currency", "requisition-lines")
    approvals = [_approval(one) for one in raw.get("approvals") or ()]
    return {name: raw.get(name) for name in kept} | {"approvals": approvals}


def _approval(raw: Mapping[str, Any]) -> Json:
    person = raw.get("approver") or {}
    return {"id": raw.get("id"), "status": raw.get("status"), "approver": person.get("login"), "user": person.get("id")}


def _moment(value: Any) -> datetime | None:
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screener:
    """Judges waiting requisitions; writes nothing to Coupa. What acts is in the register before the plan is kept. `pending`: all
    that wait, where a rule looks around: halves of a split often wait together, and the one submitted last is accused."""

    ledger: Ledger
    screened: Screened
    contracts: Contracts
    articles: Articles
    account: str
    rules: Rules
    now: datetime
    pending: Sequence[Record] = ()
    rehearsal: bool = False

    def propose(self, records: Sequence[Record]) -> tuple[Plan, list[Json]]:
        """The plan, and what shadow or a dry run shows."""
        plan, previews, registered = Plan(), list[Json](), dict[int, Sequence[Violation]]()
        purchases = self.articles.coded(one for record in records if (one := self._read(record)) is not None)
        read = {one.key: one for one in purchases}
        beside = lines_of(one for record in self.pending if (one := self._read(record)) is not None)
        around = surround(
            self.ledger, self.contracts, purchases, {}, source=amazon_source(self.account), rules=self.rules, beside=beside
        )  # fmt: skip
        for record in records:
            purchase = read.get(f"requisition {record.key}")
            if purchase is None:
                _settle(plan, record, "has no line for Amazon that can be judged")
                continue
            scope = self._scope(purchase)
            rollout = rollout_of(self.rules, **scope)
            if rollout.mode is Mode.OFF and not self.rehearsal:
                _settle(plan, record, SWITCHED_OFF)
                continue
            judged = judge(
                purchase, around[purchase.key], self.rules.compliance, today=self.now.date(), before_order=True
            )
            found = [keyed(one, record.raw) for one in judged]
            writes = [
                replace(write, payload={**write.payload, "scope": scope})
                for write in self._writes(record, purchase, found)
            ]
            quiet = reports_only(rollout, self.rules, self.now)
            if quiet or self.rehearsal or rollout.mode is Mode.SHADOW:
                previews += [_preview(record, found, writes)] if found else []
                _settle(plan, record, SHADOW if rollout.mode is Mode.SHADOW else REPORTED if found else KEEPS)
                continue
            self._plan(plan, record, found, writes)
            registered[record.id] = found
        if registered:
            self.screened.note(registered)
        return plan, previews

    def told_instead(self) -> Plan:
        """A comment to the approver of what Coupa did not let us reject: of a dead letter alone nobody hears who could still stop it."""
        rows = [
            one
            for one in self.ledger.compliance.open_from(self.screened.source)
            if one.po_number is None and one.action == "block"
        ]
        known = self.ledger.deliveries.known(PIPELINE, REJECT, [row.key for row in rows])
        refused = {row.key: row for row in rows if row.key in known and known[row.key].state in ("dead", "held")}
        told = self.ledger.deliveries.known(PIPELINE, COMMENT_REQUISITION, refused)
        plan = Plan()
        for row in (row for key, row in refused.items() if key not in told):
            (record,) = self.ledger.records.load([row.record_id])
            purchase, current = self._read(record), _current(record.raw)
            if purchase is not None and current is not None:
                write = self._comment(row, int(record.raw["id"]), row.key, current)
                payload = {**write.payload, "scope": self._scope(purchase)}
                plan.deliveries.append(replace(write, payload=payload, required=False))
        return plan

    def _scope(self, purchase: Purchase) -> Json:
        """The account is the one that its supplier stands for: another one's requisitions are read here, too."""
        accounts = self.rules.accounts.accounts
        names = [name for name, account in accounts.items() if account.supplier == purchase.supplier]
        return {
            "account": self.account if self.account in names or not names else names[0], "supplier": purchase.supplier,
            "cost_centers": sorted(purchase.cost_centers),
        }  # fmt: skip

    def _read(self, record: Record) -> Purchase | None:
        at = _moment(record.raw.get("submitted-at")) or self.now
        return read_requisition(record.raw, frame_of(self.rules, at))

    def _plan(self, plan: Plan, record: Record, found: Sequence[Violation], writes: Sequence[PlannedDelivery]) -> None:
        fresh = [write for write in writes if not self._claimed(write)]
        plan.deliveries += fresh
        plan.findings += [_finding(one, record) for one in found]
        names = ", ".join(dict.fromkeys(one.rule for one in found))
        _settle(plan, record, f"screened: breaks {names}" if found else KEEPS)
        plan.records += [
            PlannedRecord(record_id=record.id, state="planned", part=f"{write.action}/{write.business_key}", bills=write.name, hash=record.hash)
            for write in fresh
        ]  # fmt: skip

    def _claimed(self, write: PlannedDelivery) -> bool:
        known = self.ledger.deliveries.known(PIPELINE, write.action, [write.business_key])
        return any(row.claimed for row in known.values())

    def _writes(self, record: Record, purchase: Purchase, found: Sequence[Violation]) -> Iterator[PlannedDelivery]:
        """What each violation asks for; a requisition that was submitted again after a rejection is a new one."""
        file, id = self.rules.compliance, int(record.raw["id"])
        current = _current(record.raw)
        asked = {one["approver"] for one in record.raw["approvals"]}
        approved = {one["approver"] for one in record.raw["approvals"] if one["status"] == "approved"}
        rejected = False
        for one in unapproved(found, file, approved):
            key = one.key
            if one.action == "route":
                login = approver_of(one, file)
                if login not in asked:
                    asked.add(login)
                    yield PlannedDelivery(
                        action=ADD_APPROVER,
                        business_key=key,
                        payload={"id": id, "login": login, "reason": one.sentence},
                    )
                yield self._comment(one, id, key, current)
            elif one.action == "block" and file.reject_pending_approvals and current is not None and not rejected:
                rejected = True
                reason = f"{one.sentence} {wording.marker(one.rule)}"
                yield PlannedDelivery(
                    action=REJECT,
                    business_key=key,
                    payload={"approval": current["id"], "requisition": id, "reason": reason},
                )
            elif one.action == "block":
                yield self._comment(one, id, key, current)

    def _comment(self, one: Violation | KeptViolation, id: int, key: str, current: Json | None) -> PlannedDelivery:
        """To whoever is asked to approve."""
        users = [int(current["user"])] if current is not None and current.get("user") else []
        payload = wording.screened(one, id, mentions=users, marker=f"[{key}]")
        return PlannedDelivery(action=COMMENT_REQUISITION, business_key=key, payload=payload)


def _current(raw: Json) -> Json | None:
    """The approval whose turn it is."""
    return next((one for one in raw["approvals"] if one["status"] == PENDING), None)


def _finding(one: Violation, record: Record) -> PlannedFinding:
    money = Money(one.amount, one.currency)
    return PlannedFinding(
        kind=one.kind, sentence=one.sentence, record_id=record.id, difference=str(money), rule=one.rule, money=money
    )


def _settle(plan: Plan, record: Record, reason: str) -> None:
    plan.records.append(
        PlannedRecord(record_id=record.id, state="skipped", reason=reason, part=PART, hash=record.hash or None)
    )


def _preview(record: Record, found: Sequence[Violation], writes: Sequence[PlannedDelivery]) -> Json:
    return {
        "document": f"requisition {record.key}", "violations": [
            {"rule": one.rule, "severity": one.severity, "action": one.action, "sentence": one.sentence} for one in found
        ],
        "writes": [{"action": write.action, "payload": write.payload} for write in writes],
    }  # fmt: skip
