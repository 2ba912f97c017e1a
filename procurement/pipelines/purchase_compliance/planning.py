"""From orders to violations and what follows: every order leaves judged, with its money, or with the reason why not.

    read → on or after go-live → lines into the books → POs, contracts, neighbours → rules → register → what is told now

The register is written before the plan: a crash between leaves violations that the next plan finds again under the same
keys. Nothing here writes to Coupa.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from procurement.compliance.checks import SAME_ORDERS, Bought, Surroundings, off_contract
from procurement.compliance.judging import Violation, judge, waived
from procurement.compliance.purchases import Coding, Purchase, read_purchase
from procurement.errors import RecordError
from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation, PurchasedLine
from procurement.ledger.types import Plan, PlannedDelivery, PlannedFinding, PlannedRecord, PlannedState, Record
from procurement.pipelines.compliance_surroundings import (
    Contracts,
    CoupaReads,
    Order,
    bought,
    contract_of,
    read_orders,
    surround,
)
from procurement.pipelines.proposals import SHADOW, preview
from procurement.pipelines.purchase_compliance import deciding, wording
from procurement.pipelines.purchase_compliance.deciding import People
from procurement.pipelines.purchase_compliance.names import AT_ONCE, OPEN_RUN, PIPELINE
from procurement.policies import Mode, Rules
from procurement.sellers.names import normalised

JUDGED = "judged"  # the part of a record that carries its money: compliance moves none
NO_LINES = "Amazon's report shows no line of it yet"
KEEPS = "keeps every rule"
Json = dict[str, Any]


@dataclass(slots=True)
class Judgement:
    """What a batch of orders came to. `register` and `closing` (by the register's id) go into the books before the plan is
    kept, `mails` (notices by key) after it. `watch`: orders to look at again, `unread`:
    those whose lines Amazon does not show yet, `done`: those that need no more looks."""

    plan: Plan = field(default_factory=Plan)
    lines: list[PurchasedLine] = field(default_factory=list)
    register: list[KeptViolation] = field(default_factory=list)
    closing: dict[int, str] = field(default_factory=dict)
    mails: dict[str, Json] = field(default_factory=dict)
    previews: list[Json] = field(default_factory=list)
    watch: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    found: int = 0


@dataclass(frozen=True, slots=True)
class _Case:
    """An order that is judged."""

    record: Record
    purchase: Purchase
    mode: Mode
    report_only: bool


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
        segment = self.rules.compliance.reading.cost_center_segment
        orders = read_orders(self.coupa, (str(number) for number in numbers), segment=segment) if numbers else {}
        cases = [replace(case, purchase=_asked_for(case.purchase, orders)) for case in cases]
        beside = self._book(judgement, cases)
        around = surround(
            self.ledger, self.contracts, [case.purchase for case in cases], orders, source=self.source, rules=self.rules, beside=beside
        )  # fmt: skip
        today = self.now.date()
        found = {
            case.record.id: judge(case.purchase, around[case.purchase.key], self.rules.compliance, today=today)
            for case in cases
        }
        known = self._known(cases, found)
        people = self._people(cases, found, known, orders)
        for case in cases:
            order = orders.get(case.purchase.po_number or "")
            self._settle(judgement, case, self._as_known(found[case.record.id], known), known, order, people)
        return judgement

    def _case(self, judgement: Judgement, record: Record) -> _Case | None:
        rollout = self.rules.rollout.of(PIPELINE, account=self.account)
        live = datetime.combine(rollout.go_live, time.min, UTC) if rollout.go_live is not None else None
        if live is not None and record.dated_at is not None and record.dated_at < live:
            _fate(judgement, record, "skipped", "ordered before go-live")
            return None
        if rollout.mode is Mode.OFF and not self.rehearsal:
            _fate(judgement, record, "skipped", "switched off for this account")
            return None
        if not record.raw.get("lines"):
            _fate(judgement, record, "waiting", NO_LINES, to_plan=True)
            judgement.unread.append(record.key)
            return None
        try:
            purchase = read_purchase(record.raw, self._coding(record.raw))
        except RecordError as error:
            _fate(judgement, record, "dead", "Amazon's report of the order cannot be judged", errors=error.problems)
            return None
        report_only = deciding.reports_only(self.rules.compliance, rollout.go_live, self.now)
        return _Case(record, purchase, Mode.SHADOW if self.rehearsal else rollout.mode, report_only)

    def _coding(self, raw: Json) -> Coding:
        account = self.rules.accounts.of(self.account)
        codes = {str(((row.get("productDetails") or {}).get("unspsc") or {}).get("code") or "") for row in raw["lines"]}
        commodities = {code: self.rules.lookups["commodities"].find(code) or "" for code in codes if code}
        return Coding(
            country=account.marketplace if account else "",
            supplier=account.supplier if account else "",
            commodities=commodities,
        )

    def _book(self, judgement: Judgement, cases: Sequence[_Case]) -> list[Bought]:
        """The lines of these orders, kept before they are judged, so that they see each other; a rehearsal hands them on instead."""
        agreements = self.contracts.agreements(line.asin for case in cases for line in case.purchase.lines)
        for case in cases:
            at = Surroundings(
                agreements=agreements, recognise=self.contracts.recogniser(agreements, case.purchase.ordered_at.date())
            )
            judgement.lines += _lines(case, at, self.source)
        if not self.rehearsal:
            self.ledger.compliance.keep_lines([case.record.id for case in cases], judgement.lines)
            return []
        return [bought(line) for line in judgement.lines if line.standing != "cancelled"]

    def _known(self, cases: Sequence[_Case], found: Mapping[int, Sequence[Violation]]) -> list[KeptViolation]:
        """What the register has: open ones of these orders, open ones about the same subjects, and those of the same keys."""
        books, every = self.ledger.compliance, [one for some in found.values() for one in some]
        if self.rehearsal:
            return []
        rows = [
            *books.open_of(case.record.id for case in cases),
            *books.open_on(self.source, {one.subject for one in every if one.shared}),
            *books.known(self.source, {one.key for one in every}).values(),
        ]
        return list({row.key: row for row in rows}.values())

    def _as_known(self, found: Sequence[Violation], known: list[KeptViolation]) -> list[Violation]:
        """A cause that another order told of already goes on under that key; a new one becomes known for the orders after it."""
        return [one.under(same.key) if (same := _same_cause(one, known)) is not None else one for one in found]

    def _people(
        self,
        cases: Sequence[_Case],
        found: Mapping[int, Sequence[Violation]],
        known: Sequence[KeptViolation],
        orders: Mapping[str, Order],
    ) -> People:
        """Of those whom a new violation is told at once; no call where there is none."""
        opened = {row.key for row in known if row.closed_at is None}
        emails = {
            email
            for case in cases
            if not case.report_only
            for one in found[case.record.id]
            if one.key not in opened and deciding.telling(one, self.rules.compliance, report_only=False) == AT_ONCE
            for email in (one.buyer, _requester(orders.get(case.purchase.po_number or "")))
            if email
        }
        return People.read(self.coupa.users(emails=sorted(emails))) if emails else People()

    def _settle(
        self,
        judgement: Judgement,
        case: _Case,
        found: Sequence[Violation],
        known: list[KeptViolation],
        order: Order | None,
        people: People,
    ) -> None:
        record, by_key = case.record, {row.key: row for row in known}
        kept = [self._kept(case, one, by_key.get(one.key), order) for one in found]
        judgement.found += len(kept)
        judgement.register += kept
        known[:] = {row.key: row for row in [*known, *kept]}.values()
        own = [(row, one) for row, one in zip(kept, found, strict=True) if row.record_id == record.id]
        over = _over(case, by_key.values(), kept)
        reasons = {row.id: self._why_closed(row, case, order) for row in over}
        judgement.closing |= reasons
        (judgement.watch if self._unfinished(kept) else judgement.done).append(record.key)
        if case.mode is Mode.SHADOW:
            shown = [
                write for row, one in own if self._at_once(case, row) for write in self._writes(row, one, order, people)
            ]
            judgement.previews.append(_preview(case, kept, shown))
            _fate(judgement, record, "skipped", SHADOW)
            return
        told = [(row, one) for row, one in own if row.told == AT_ONCE]
        self._tell_queue(judgement, told, order, people)
        fresh = self._fresh([write for row, one in told for write in self._writes(row, one, order, people)])
        planned = {one.name for one in judgement.plan.deliveries}
        judgement.plan.deliveries += [write for write in fresh if write.name not in planned]
        judgement.plan.deliveries += self._settlements(over, reasons)
        judgement.plan.findings += [_finding(row, record) for row in kept]
        _fate(judgement, record, "skipped", _reason(kept))
        judgement.plan.records += [_part(write, record) for write in fresh if write.required]

    def _unfinished(self, kept: Sequence[KeptViolation]) -> bool:
        """Whether the order is worth another look: what nobody settled for months is only listed."""
        since = self.now - timedelta(days=self.rules.compliance.reading.finish_days)
        return any(row.found_at >= since for row in kept)

    def _at_once(self, case: _Case, row: KeptViolation) -> bool:
        """Whether a live run would write to Coupa about it."""
        rule = self.rules.compliance.rule(row.rule)
        return not case.report_only and rule is not None and rule.tell == AT_ONCE

    def _kept(self, case: _Case, one: Violation, known: KeptViolation | None, order: Order | None) -> KeptViolation:
        """As the register shall have it: what was there keeps its moment, its owner and how it is told."""
        again = known is not None and known.closed_at is not None
        silent = case.report_only or case.mode is Mode.SHADOW  # what shadow found is never written later
        told = deciding.telling(one, self.rules.compliance, report_only=silent)
        fresh = known is None or again
        elsewhere = known is not None and known.record_id != case.record.id
        return KeptViolation(
            source=self.source, key=one.key, record_id=case.record.id if known is None else known.record_id, rule=one.rule,
            kind=one.kind, severity=one.severity, action=one.action, purchase=one.purchase if known is None else known.purchase,
            po_number=known.po_number if known is not None and elsewhere else case.purchase.po_number, orders=one.orders, subject=one.subject,
            shared=one.shared, buyer=one.buyer, cost_center=one.cost_center, seller=one.seller, commodity=one.commodity,
            amount=one.amount, currency=one.currency, sentence=one.sentence, evidence=one.evidence,
            told=told if fresh or known is None else known.told, found_at=self.now if fresh or known is None else known.found_at,
            act_by=one.act_by if fresh or known is None else known.act_by,
            times=1 if known is None else known.times + int(again), id=known.id if known is not None else 0,
        )  # fmt: skip

    def _writes(
        self, row: KeptViolation, one: Violation, order: Order | None, people: People
    ) -> Iterable[PlannedDelivery]:
        versions = {"mapping_version": self.rules.version, "policy_version": self.rules.version}
        return deciding.deliveries(
            replace(one, key=row.delivery_key, act_by=row.act_by), order, people, integration=self.rules.compliance.people.integration,
            day=self.now.date(), versions=versions,
        )  # fmt: skip

    def _fresh(self, writes: Sequence[PlannedDelivery]) -> list[PlannedDelivery]:
        """What was not told yet: a violation that was told is never told a second time, by whichever words or way."""
        keys = {write.business_key for write in writes}
        told = {
            (action, key)
            for action in (*deciding.TOLD_BY, OPEN_RUN)
            for key, row in self.ledger.deliveries.known(PIPELINE, action, keys).items()
            if row.claimed
        }
        about = {key for action, key in told if action in deciding.TOLD_BY}
        return [
            write for write in writes
            if write.action == OPEN_RUN or ((write.action, write.business_key) not in told and write.business_key not in about)
        ]  # fmt: skip

    def _settlements(self, over: Sequence[KeptViolation], reasons: Mapping[int, str]) -> list[PlannedDelivery]:
        keys = {row.delivery_key for row in over}
        told = (
            {action: self.ledger.deliveries.known(PIPELINE, action, keys) for action in deciding.TOLD_BY}
            if keys
            else {}
        )
        payloads = (
            self.ledger.deliveries.payloads([row.id for rows in told.values() for row in rows.values()]) if told else {}
        )
        return [
            write
            for row in over
            for write in deciding.settlements(
                row, reasons[row.id], {action: rows[row.delivery_key] for action, rows in told.items() if row.delivery_key in rows}, payloads
            )
        ]  # fmt: skip

    def _why_closed(self, row: KeptViolation, case: _Case, order: Order | None) -> str:
        file = self.rules.compliance
        rule = file.rule(row.rule)
        allowed = rule is not None and waived(rule, case.purchase, file.waivers, self.now.date())
        return deciding.why_closed(row, case.purchase, order, allowed)

    def _tell_queue(
        self, judgement: Judgement, told: Sequence[tuple[KeptViolation, Violation]], order: Order | None, people: People
    ) -> None:
        """Of new ones only: the mail's key is the violation's."""
        for row, one in told:
            why = deciding.unreachable(one, order, people) if row.found_at == self.now else None
            if why is not None:
                recipients = [self.rules.compliance.people.queue]
                judgement.mails[f"{PIPELINE}/queue/{row.delivery_key}"] = wording.queue_mail(
                    [one], recipients, {one.key: why}
                )


def _same_cause(one: Violation, known: Iterable[KeptViolation]) -> KeptViolation | None:
    """The open violation of another order that is about the same."""
    if one.shared is None:
        return None
    alike = (row for row in known if row.closed_at is None and row.subject == one.subject and row.key != one.key)
    return next((row for row in alike if one.shared != SAME_ORDERS or set(row.orders) & set(one.orders)), None)


def _over(case: _Case, known: Iterable[KeptViolation], kept: Sequence[KeptViolation]) -> list[KeptViolation]:
    """Open violations of this order that it was not found with any more."""
    still = {row.key for row in kept}
    return [row for row in known if row.closed_at is None and row.record_id == case.record.id and row.key not in still]


def _finding(row: KeptViolation, record: Record) -> PlannedFinding:
    money = f"{row.currency} {row.amount}"
    return PlannedFinding(kind=row.kind, sentence=row.sentence, record_id=record.id, difference=money)


def _part(write: PlannedDelivery, record: Record) -> PlannedRecord:
    """A write that must happen; the order's money stays with `JUDGED`."""
    nothing = record.amount * 0 if record.amount is not None else None
    return PlannedRecord(
        record_id=record.id, state="planned", part=f"{write.action}/{write.business_key}", bills=write.name, amount=nothing,
        currency=record.currency if nothing is not None else None, hash=record.hash,
    )  # fmt: skip


def _lines(case: _Case, at: Surroundings, source: str) -> list[PurchasedLine]:
    purchase = case.purchase
    return [
        PurchasedLine(
            record_id=case.record.id, n=n, source=source, order_id=purchase.key, po_number=purchase.po_number or "",
            ordered_at=purchase.ordered_at, buyer=purchase.buyer,
            cost_center=purchase.cost_center_of(line), seller=line.seller.name if line.seller else "",
            seller_name=normalised(line.seller.name) if line.seller else "", commodity=line.commodity, asin=line.asin,
            contract=contract_of(purchase, line.asin, at.agreements), quantity=line.quantity, amount=line.amount,
            currency=purchase.currency, standing=_standing(line, purchase, at),
        )
        for n, line in enumerate(purchase.lines, 1)
    ]  # fmt: skip


def _standing(line: Any, purchase: Purchase, at: Surroundings) -> str:
    if purchase.cancelled:
        return "cancelled"
    return "off_contract" if off_contract(line, purchase, at) else "on_contract"


def _asked_for(purchase: Purchase, orders: Mapping[str, Order]) -> Purchase:
    """With a PO the buyer is who asked for the goods, whoever placed the order; and its cost center, where Amazon names none."""
    order = orders.get(purchase.po_number or "")
    if order is None:
        return purchase
    return replace(
        purchase, buyer=order.requester_email or purchase.buyer, cost_center=purchase.cost_center or order.cost_center
    )


def _requester(order: Order | None) -> str:
    return order.requester_email if order is not None else ""


def _reason(kept: Sequence[KeptViolation]) -> str:
    if not kept:
        return KEEPS
    names = ", ".join(dict.fromkeys(row.rule for row in kept))
    return f"judged: breaks {names}"


def _fate(
    judgement: Judgement,
    record: Record,
    state: PlannedState,
    reason: str,
    *,
    errors: tuple[str, ...] = (),
    to_plan: bool = False,
) -> None:
    judgement.plan.records.append(PlannedRecord(
        record_id=record.id, state=state, reason=reason, part=JUDGED, errors=errors, amount=record.amount, currency=record.currency,
        error_class="data" if errors else None, to_plan=to_plan, hash=record.hash or None,
    ))  # fmt: skip


def _preview(case: _Case, kept: Sequence[KeptViolation], writes: Sequence[PlannedDelivery]) -> Json:
    return {
        "document": case.purchase.key, "po": case.purchase.po_number,
        "violations": [
            {
                "rule": row.rule, "severity": row.severity, "action": row.action, "amount": str(row.amount), "currency": row.currency,
                "sentence": row.sentence, "told": row.told,
            }
            for row in kept
        ],
        "writes": preview(Plan(deliveries=list(writes))),
    }  # fmt: skip
