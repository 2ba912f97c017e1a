"""From orders to violations and what follows: every order leaves judged, with its money, or with the reason why not.

    read → on or after go-live → lines into the books → POs, contracts, neighbours → rules → register → what is told now

The register is written before the plan: a crash between leaves violations that the next plan finds again under the same
keys. Nothing here writes to Coupa.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from procurement.compliance.judging import Violation, judge, unapproved, waived
from procurement.compliance.purchases import Coding, Purchase, read_purchase
from procurement.compliance.surroundings import Bought, Surroundings
from procurement.compliance.terms import Terms
from procurement.errors import RecordError
from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation
from procurement.ledger.types import PlannedDelivery, Record
from procurement.order_facts import read_order
from procurement.pipelines.compliance_rollout import reports_only, rollout_of
from procurement.pipelines.compliance_surroundings import (
    Contracts,
    CoupaReads,
    Order,
    bought,
    facts_of,
    read_orders,
    surround,
    terms_of,
)
from procurement.pipelines.open_order_names import ORDER, PROBLEM
from procurement.pipelines.proposals import SHADOW
from procurement.pipelines.purchase_compliance import deciding, wording
from procurement.pipelines.purchase_compliance.deciding import TOLD_BY, People, Told, not_told
from procurement.pipelines.purchase_compliance.judgements import (
    Case,
    Judgement,
    asked_for,
    book_lines,
    case_preview,
    fate,
    finding_of,
    no_longer_found,
    part_of,
    reason_of,
    requester_of,
    same_cause,
)
from procurement.pipelines.purchase_compliance.names import AT_ONCE, PIPELINE, SWITCHED_OFF
from procurement.policies import Mode, Rules
from procurement.policy_files import RolloutRule

BESIDE = ("split_order", "duplicate")  # kinds that accuse an order because of another
NO_LINES = "Amazon's report shows no line of it yet"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """`rehearsal`: a dry run, which keeps nothing and shows what a pipeline that is off would find, too."""

    coupa: CoupaReads
    ledger: Ledger
    contracts: Contracts
    account: str
    source: str
    rules: Rules
    now: datetime
    rehearsal: bool = False

    def propose(self, records: Sequence[Record]) -> Judgement:
        """Judges `records`, oldest orders first. Outside a rehearsal their lines are in the books afterwards."""
        judgement = Judgement()
        cases = [case for record in records if (case := self._case(judgement, record)) is not None]
        if not cases:
            return judgement
        numbers = {case.purchase.po_number for case in cases if case.purchase.po_number}
        named = read_orders(self.coupa, (str(number) for number in numbers), rules=self.rules) if numbers else {}
        orders = {number: order for number, order in named.items() if not order.facts.other_supplier}
        cases = [replace(case, purchase=asked_for(case.purchase, orders)) for case in cases]
        cases = [ready for case in cases if (ready := self._rolled_out(judgement, case)) is not None]
        purchases = [case.purchase for case in cases]
        terms = terms_of(self.ledger, self.contracts, purchases, source=self.source)
        beside = self._book(judgement, cases, terms, named)
        around = surround(
            self.ledger, self.contracts, purchases, named, source=self.source, rules=self.rules, terms=terms, beside=beside
        )  # fmt: skip
        agreed = self._agreed_at_the_gate(cases)
        found = self._judged(cases, around, agreed)
        known = self._known(cases, found)
        before = self._told(found, known)
        people = self._people(cases, found, known, before, orders)
        for case in cases:
            order = orders.get(case.purchase.po_number or "")
            self._settle(judgement, case, self._as_known(found[case.record.id], known), known, before, order, people)
        return judgement

    def _case(self, judgement: Judgement, record: Record) -> Case | None:
        """As far as the order itself says it, before its PO is read: the widest rollout of the account counts."""
        rollout = self.rules.rollout.widest(PIPELINE, account=self.account)
        if self._left_out(judgement, record, rollout):
            return None
        if not record.raw.get("lines"):
            fate(judgement, record, "waiting", NO_LINES, to_plan=True)
            judgement.unread.append(record.key)
            return None
        try:
            purchase = read_purchase(record.raw, self._coding(record.raw))
        except RecordError as error:
            fate(judgement, record, "dead", "Amazon's report of the order cannot be judged", errors=error.problems)
            return None
        return Case(record, purchase, rollout.mode, report_only=True)

    def _rolled_out(self, judgement: Judgement, case: Case) -> Case | None:
        """With the most careful rollout that holds for its account, supplier and cost centers; None: it is none of ours."""
        rollout = rollout_of(self.rules, **self._scope(case.purchase))
        if self._left_out(judgement, case.record, rollout):
            return None
        mode = Mode.SHADOW if self.rehearsal else rollout.mode
        return replace(case, mode=mode, report_only=reports_only(rollout, self.rules, self.now))

    def _left_out(self, judgement: Judgement, record: Record, rollout: RolloutRule) -> bool:
        live = datetime.combine(rollout.go_live, time.min, UTC) if rollout.go_live is not None else None
        if live is not None and record.dated_at is not None and record.dated_at < live:
            fate(judgement, record, "skipped", "ordered before go-live")
            return True
        if rollout.mode is Mode.OFF and not self.rehearsal:
            fate(judgement, record, "skipped", SWITCHED_OFF)
            return True
        return False

    def _scope(self, purchase: Purchase) -> Json:
        return {
            "account": self.account,
            "supplier": purchase.supplier,
            "cost_centers": sorted(purchase.cost_centers),
        }

    def _coding(self, raw: Json) -> Coding:
        account = self.rules.accounts.of(self.account)
        codes = {str(((row.get("productDetails") or {}).get("unspsc") or {}).get("code") or "") for row in raw["lines"]}
        commodities = {code: self.rules.lookups["commodities"].find(code) or "" for code in codes if code}
        return Coding(
            country=account.marketplace if account else "",
            supplier=account.supplier if account else "",
            commodities=commodities,
            zone=ZoneInfo(self.rules.zone_of(self.account)),
        )

    def _book(
        self, judgement: Judgement, cases: Sequence[Case], terms: Mapping[str, Terms], named: Mapping[str, Order]
    ) -> list[Bought]:
        """The lines of these orders, kept before they are judged, so that they see each other; a rehearsal hands them on instead."""
        for case in cases:
            po = facts_of(case.purchase, named)
            judgement.lines += book_lines(case, terms[case.purchase.key], po, self.source)
        if not self.rehearsal:
            self.ledger.compliance.keep_lines([case.record.id for case in cases], judgement.lines)
            return []
        return [bought(line) for line in judgement.lines if line.standing != "cancelled"]

    def _judged(
        self, cases: Sequence[Case], around: Mapping[str, Surroundings], agreed: Container[tuple[str, str]]
    ) -> dict[int, list[Violation]]:
        """By record. Nobody is accused beside an order of which `amazon_order_status_to_coupa`, which reads open orders more often, has
        seen the end."""
        found = {case.record.id: self._found(case.purchase, around[case.purchase.key], agreed) for case in cases}
        gone = self._cancelled_meanwhile(found)
        if not gone:
            return found
        left = {
            key: replace(at, others=[one for one in at.others if one.order not in gone]) for key, at in around.items()
        }
        return {case.record.id: self._found(case.purchase, left[case.purchase.key], agreed) for case in cases}

    def _cancelled_meanwhile(self, found: Mapping[int, Sequence[Violation]]) -> set[str]:
        """Of the other orders that have part in what was found."""
        beside = (one for some in found.values() for one in some if one.kind in BESIDE)
        names = {order for one in beside for order in one.orders if order != one.purchase}
        seen = self.ledger.records.find(self.source, ORDER, names) if names else {}
        return {key for key, row in seen.items() if PROBLEM not in row.raw and read_order(row.raw).cancelled}

    def _found(self, purchase: Purchase, at: Surroundings, agreed: Container[tuple[str, str]]) -> list[Violation]:
        """What the rule's approver agreed to before it was ordered is no violation afterwards."""
        file = self.rules.compliance
        found = unapproved(judge(purchase, at, file, today=self.now.date()), file, purchase.approved_by)
        return [one for one in found if one.action != "route" or (purchase.po_number or "", one.rule) not in agreed]

    def _agreed_at_the_gate(self, cases: Sequence[Case]) -> set[tuple[str, str]]:
        """PO and rule, where the gate asked and its approver said yes; not read where no rule routes anything."""
        routing = any(rule.action == "route" for rule in self.rules.compliance.rules)
        numbers = {case.purchase.po_number for case in cases if case.purchase.po_number}
        return self.ledger.compliance.agreed(str(number) for number in numbers) if routing and numbers else set()

    def _known(self, cases: Sequence[Case], found: Mapping[int, Sequence[Violation]]) -> dict[str, KeptViolation]:
        """What the register has: open ones of these orders, open ones about the same subjects, and those of the same keys."""
        books, every = self.ledger.compliance, [one for some in found.values() for one in some]
        if self.rehearsal:
            return {}
        rows = [
            *books.open_of(case.record.id for case in cases),
            *books.open_on(self.source, {one.subject for one in every if one.shared}),
            *books.known(self.source, {one.key for one in every}).values(),
        ]
        return {row.key: row for row in rows}

    def _as_known(self, found: Sequence[Violation], known: Mapping[str, KeptViolation]) -> list[Violation]:
        """A cause that another order told of already goes on under that key; a new one becomes known for the orders after it."""
        return [one.under(same.key) if (same := same_cause(one, known.values())) is not None else one for one in found]

    def _people(
        self,
        cases: Sequence[Case],
        found: Mapping[int, Sequence[Violation]],
        known: Mapping[str, KeptViolation],
        before: Told,
        orders: Mapping[str, Order],
    ) -> People:
        """Of those who are still to be told at once; no call where there is nobody."""
        emails = {
            email
            for case in cases
            if not case.report_only
            for one in found[case.record.id]
            if deciding.telling(one, self.rules.compliance, report_only=False) == AT_ONCE
            and not deciding.was_told(self._kept(case, one, known.get(one.key)), before)
            for email in (one.buyer, requester_of(orders.get(case.purchase.po_number or "")))
            if email
        }
        return People.read(self.coupa.users(emails=sorted(emails))) if emails else People()

    def _settle(
        self,
        judgement: Judgement,
        case: Case,
        found: Sequence[Violation],
        known: dict[str, KeptViolation],
        before: Told,
        order: Order | None,
        people: People,
    ) -> None:
        record = case.record
        kept = [self._kept(case, one, known.get(one.key)) for one in found]
        over = no_longer_found(case, known.values(), kept)
        judgement.found += len(kept)
        judgement.register += kept
        known |= {row.key: row for row in kept}
        own = [(row, one) for row, one in zip(kept, found, strict=True) if row.record_id == record.id]
        reasons = {row.id: self._why_closed(row, case, order) for row in over}
        judgement.closing |= reasons
        (judgement.watch if self._unfinished(kept) else judgement.done).append(record.key)
        if case.mode is Mode.SHADOW:
            shown = [
                write
                for row, one in own
                if self._at_once(case, row)
                for write in self._writes(case, row, one, order, people)
            ]
            judgement.previews.append(case_preview(case, kept, shown))
            fate(judgement, record, "skipped", SHADOW)
            return
        told = [(row, one) for row, one in own if row.told == AT_ONCE]
        self._mail(judgement, [pair for pair in told if not deciding.was_told(pair[0], before)], order, people)
        fresh = not_told([write for row, one in told for write in self._writes(case, row, one, order, people)], before)
        planned = {one.name for one in judgement.plan.deliveries}  # all errors of a day share its integration run
        once = {write.name: write for write in fresh if write.name not in planned}
        judgement.plan.deliveries += once.values()
        judgement.plan.deliveries += self._settlements(over, reasons, before)
        judgement.plan.findings += [finding_of(row, record) for row in kept]
        fate(judgement, record, "skipped", reason_of(kept))
        judgement.plan.records += [part_of(write, record) for write in fresh if write.required]

    def _unfinished(self, kept: Sequence[KeptViolation]) -> bool:
        """Whether the order is worth another look: what nobody settled for months is only listed."""
        since = self.now - timedelta(days=self.rules.compliance.reading.finish_days)
        return any(row.found_at >= since for row in kept)

    def _at_once(self, case: Case, row: KeptViolation) -> bool:
        """Whether a live run would write to Coupa about it."""
        rule = self.rules.compliance.rule(row.rule)
        return not case.report_only and rule is not None and rule.tell == AT_ONCE

    def _kept(self, case: Case, one: Violation, known: KeptViolation | None) -> KeptViolation:
        """As the register shall have it: what was there keeps its moment, its owner and how it is told."""
        again = known is not None and known.closed_at is not None
        silent = case.report_only or case.mode is Mode.SHADOW  # what shadow found is never written later
        told = deciding.telling(one, self.rules.compliance, report_only=silent)
        fresh = known is None or again
        elsewhere = known is not None and known.record_id != case.record.id
        owner = (
            known if known is not None and elsewhere else one
        )  # of a cause that several orders share the first one tells
        return KeptViolation(
            source=self.source, key=one.key, record_id=case.record.id if known is None else known.record_id, rule=one.rule,
            kind=one.kind, severity=one.severity, action=one.action, purchase=one.purchase if known is None else known.purchase,
            po_number=known.po_number if known is not None and elsewhere else case.purchase.po_number, orders=one.orders, subject=one.subject,
            shared=one.shared, buyer=owner.buyer, cost_center=owner.cost_center, seller=owner.seller, commodity=owner.commodity,
            amount=one.amount, currency=one.currency, sentence=one.sentence, evidence=one.evidence,
            told=told if fresh or known is None else known.told, found_at=self.now if fresh or known is None else known.found_at,
            act_by=one.act_by if fresh or known is None else known.act_by,
            times=1 if known is None else known.times + int(again), id=known.id if known is not None else 0,
        )  # fmt: skip

    def _writes(
        self, case: Case, row: KeptViolation, one: Violation, order: Order | None, people: People
    ) -> Iterable[PlannedDelivery]:
        versions = {"mapping_version": self.rules.version, "policy_version": self.rules.version}
        return deciding.deliveries(
            replace(one, key=row.delivery_key, act_by=row.act_by), order, people, integration=self.rules.compliance.people.integration,
            day=self.now.date(), scope=self._scope(case.purchase), versions=versions,
        )  # fmt: skip

    def _told(self, found: Mapping[int, Sequence[Violation]], known: Mapping[str, KeptViolation]) -> Told:
        """What the ledger has of the writes that this batch may ask for: once a batch."""
        keys = {one.key for some in found.values() for one in some}
        keys |= {
            key for row in known.values() for key in (row.delivery_key, replace(row, times=row.times + 1).delivery_key)
        }
        rows = {action: self.ledger.deliveries.known(PIPELINE, action, keys) for action in TOLD_BY} if keys else {}
        return {(action, key): row for action, some in rows.items() for key, row in some.items()}

    def _settlements(
        self, over: Sequence[KeptViolation], reasons: Mapping[int, str], before: Told
    ) -> list[PlannedDelivery]:
        by_row = {
            row.key: {
                action: before[action, row.delivery_key] for action in TOLD_BY if (action, row.delivery_key) in before
            }
            for row in over
        }
        ids = [known.id for rows in by_row.values() for known in rows.values()]
        payloads = self.ledger.deliveries.payloads(ids) if ids else {}
        return [
            write for row in over for write in deciding.settlements(row, reasons[row.id], by_row[row.key], payloads)
        ]  # fmt: skip

    def _why_closed(self, row: KeptViolation, case: Case, order: Order | None) -> str:
        file = self.rules.compliance
        rule = file.rule(row.rule)
        allowed = rule is not None and waived(rule, case.purchase, file.waivers, self.now.date())
        return deciding.why_closed(row, case.purchase, order, allowed)

    def _mail(
        self,
        judgement: Judgement,
        told: Sequence[tuple[KeptViolation, Violation]],
        order: Order | None,
        people: People,
    ) -> None:
        """To the buyer where there is no PO, to the queue where nobody can be reached. Planned until the violation is told in Coupa,
        written once: the mail's key is the violation's."""
        for row, one in told:
            key = f"{PIPELINE}/told/{row.delivery_key}"
            why = deciding.unreachable(one, order, people)
            if why is not None:
                recipients = [self.rules.compliance.people.queue]
                mail = wording.queue_mail([one], recipients, {one.key: why})
                judgement.mails[key] = mail
            elif order is None:
                judgement.mails[key] = wording.buyer_mail(one)
