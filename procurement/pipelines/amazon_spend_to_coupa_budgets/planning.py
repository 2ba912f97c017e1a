"""What becomes of every line of spend: posted to a budget line, counted by Coupa already, waiting, held, or uncategorised.

Every line is one part of its transaction's money, so parts always add up to what Amazon charged. The parts that go to
one budget line and period are one adjustment, named after exactly these parts: a late charge or refund is a new set and
becomes an adjustment of its own; the same set is never two.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from connectors.coupa.budgets import DESCRIPTION_SIZE
from procurement.ledger.changes import CHANGED_PART
from procurement.ledger.spend import Part, SpendLine
from procurement.ledger.types import Plan, PlannedDelivery, PlannedFinding, PlannedRecord, PlannedState, Record
from procurement.money import Money, minor_unit
from procurement.pipelines.amazon_spend_to_coupa_budgets.counted_later import counted_later
from procurement.pipelines.amazon_spend_to_coupa_budgets.counting import Counted, who_counts
from procurement.pipelines.amazon_spend_to_coupa_budgets.go_live import before_go_live
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import ADJUST, business_key, marker, rollout_of
from procurement.pipelines.amazon_spend_to_coupa_budgets.postings import (
    CANCELS_OUT,
    Postings,
    by_line,
    is_discarded,
    twice_part,
)
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Line, Purchase, Unreadable
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine, Surroundings
from procurement.pipelines.proposals import Proposal
from procurement.policies import Mode, Rules
from procurement.spend.categorising import Categorised, Segment

Json = dict[str, Any]
OFF = "switched off in rollout.yml"
UNCATEGORISED = "uncategorised: no rule of spend.yml says where it belongs"
CHANGED = "changed after it was sent"
CHANGED_TO_DO = (
    "Amazon changed it after a part of it was posted. Adjust the budget by hand by this much, and discard this letter."
)
STATES: Mapping[str, str] = {"coupa": "skipped", "wait": "waiting", "hold": "held"}
UNSETTLED = "not settled yet: the amount is an authorisation"
COUNTED_TWICE = "counted twice: on a budget line, and by Coupa"
COUNTED_ONCE = "nothing is to be taken back by now"


@dataclass(frozen=True, slots=True)
class Judged:
    """A line and what becomes of `amount` of it, under the name `part`. `counted` is the word of the spend report; `budget`
    where its money goes; `back`: a budget line gets back what it was charged, which the report has on no line of its own."""

    purchase: Purchase
    source: Line
    part: str
    amount: Money
    segment: Segment
    counted: str
    state: str
    reason: str | None = None
    errors: tuple[str, ...] = ()
    budget: BudgetLine | None = None
    shadow: bool = False
    back: bool = False

    @property
    def group(self) -> tuple[int, bool, str]:
        """What is one adjustment. Charges that are taken back never offset refunds that are: each is seen to have happened."""
        assert self.budget is not None
        word = "" if not self.back else "charges back" if self.amount.amount < 0 else "refunds back"
        return self.budget.id, self.shadow, word


@dataclass(slots=True)
class Planned:
    """The plan of a run, and the lines as the spend report keeps them: all of `records`, except that what was `sent`, by
    (record, line), stays there as it was sent."""

    proposal: Proposal = field(default_factory=Proposal)
    spend: list[SpendLine] = field(default_factory=list)
    records: set[int] = field(default_factory=set)
    sent: set[tuple[int, int]] = field(default_factory=set)


@dataclass(slots=True)
class Fate:
    """One transaction: its lines as judged now, what stands from before or waits for a person, its lines in the report, and
    those that are left alone there."""

    judged: list[Judged] = field(default_factory=list)
    report: list[SpendLine] = field(default_factory=list)
    records: list[PlannedRecord] = field(default_factory=list)
    findings: list[PlannedFinding] = field(default_factory=list)
    alone: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    account: str
    instance: str
    rules: Rules
    now: datetime
    around: Surroundings

    def propose(self, read: Sequence[Purchase | Unreadable], earlier: Mapping[int, Sequence[Part]]) -> Planned:
        """`earlier`: what former plans made of the records; parts that may have been sent stay as they are. Of what cancelled
        out, `read` has all or nothing."""
        planned = Planned()
        apart = self._apart(read, earlier)
        judged: list[Judged] = []
        for one in read:
            parts = earlier.get(one.record.id, ())
            planned.records.add(one.record.id)
            if isinstance(one, Unreadable):
                planned.sent |= {(one.record.id, line) for line, posted in by_line(parts).items() if posted.sent}
                planned.proposal.live.records.append(_dead(one))
                continue
            fate = self._fate(one, parts, apart)
            planned.sent |= {(one.record.id, line) for line in fate.alone}
            planned.spend += fate.report
            if not _as_before(fate, [part for part in parts if not part.fixed]):
                judged += fate.judged
                planned.proposal.live.records += fate.records
                planned.proposal.live.findings += [*fate.findings, *self._findings(one)]
        self._place(planned.proposal, judged)
        return planned

    def _apart(
        self, read: Sequence[Purchase | Unreadable], earlier: Mapping[int, Sequence[Part]]
    ) -> set[tuple[str, ...]]:
        """The places where what cancelled out comes to nothing no more: since Amazon changed it, or Coupa counts some of it."""
        left: dict[tuple[str, ...], Decimal] = {}
        for one in (one for one in read if isinstance(one, Purchase)):
            before = by_line(earlier.get(one.record.id, ()))
            for line in (line for line in one.lines if line.number in before and before[line.number].cancels_out):
                outside = who_counts(one, line, self.around, self.rules.spend).count == "budget"
                place = self._place_of(one, line)
                left[place] = left.get(place, Decimal(0)) + (line.amount.amount if outside else 0)
        return {place for place, amount in left.items() if amount}

    def _place_of(self, purchase: Purchase, line: Line) -> tuple[str, ...]:
        """Period, segments and currency: what one budget line would count."""
        budgets = self.rules.budgets
        segments = budgets.line_key(self._categorised(purchase, line).segment)
        return budgets.periods.of(purchase.spent_on).name, line.amount.currency, *segments.values()

    def _fate(self, purchase: Purchase, parts: Sequence[Part], apart: Collection[tuple[str, ...]]) -> Fate:
        lines, fate = by_line(parts), Fate()
        for line in purchase.lines:
            posted = lines.get(line.number, Postings(line.number))
            if posted.sent and (posted.on_budget or not posted.delivered):
                self._posted(fate, purchase, line, posted)
            elif standing := posted.settled(
                line.amount.amount, apart=posted.cancels_out and self._place_of(purchase, line) in apart
            ):
                fate.alone.add(line.number)
                fate.records += [_again(purchase, part) for part in standing]
            else:
                fate.judged.append(self._judge(purchase, line, posted.name()))
        fate.report += [
            self._kept(purchase, one.source, one.segment, one.counted) for one in fate.judged if not one.back
        ]
        gone = [one for number, one in lines.items() if number > len(purchase.lines) and one.sent]
        fate.alone |= {one.number for one in gone}
        fate.records += _changed(purchase, fate, parts)
        return fate

    def _posted(self, fate: Fate, purchase: Purchase, line: Line, posted: Postings) -> None:
        """A line that stands on a budget line, or is on its way there or back: left alone, unless Coupa counts it by now."""
        counted = self._counted_later(purchase, line, posted)
        found = counted and counted_later(
            purchase, line, posted, counted, self.around, then=self.rules.spend.file.counted_later.then
        )
        if counted is not None and isinstance(found, BudgetLine):
            segment, back = self._categorised(purchase, line).segment, Money.of(-posted.amount, line.amount.currency)
            fate.judged += [
                Judged(purchase, line, posted.name(), back, segment, "coupa", "planned", budget=found, back=True),
                Judged(purchase, line, posted.name(2), line.amount, segment, "coupa", "skipped", counted.reason),
            ]
            return
        twice = twice_part(line.number)
        kept = posted.discarded(twice) if posted.on_budget else [one for one in posted.rest if not one.delivery]
        fate.records += [_again(purchase, part) for part in kept]
        if isinstance(found, PlannedFinding):
            fate.findings.append(found)
            fate.records.append(_letter(purchase, line, "held", COUNTED_TWICE, found.sentence))
        elif len(kept) < len(posted.rest):  # what was asked, or about to be taken back, is so no more
            fate.records.append(_letter(purchase, line, "skipped", COUNTED_ONCE))
        if any(part.delivery for part in posted.rest):
            fate.report.append(self._kept(purchase, line, self._categorised(purchase, line).segment, "budget"))
        else:
            fate.alone.add(line.number)

    def _counted_later(self, purchase: Purchase, line: Line, posted: Postings) -> Counted | None:
        """How Coupa counts by now what a budget line has; None where it does not, where a person decided already, and where
        rollout.yml leaves it alone."""
        settled = posted.on_budget and posted.delivered and posted.amount
        if not settled or posted.discarded(twice_part(line.number)):
            return None
        center = self._categorised(purchase, line).segment.cost_center
        if rollout_of(self.rules, self.account, center).mode is not Mode.LIVE:
            return None
        counted = who_counts(purchase, line, self.around, self.rules.spend, posted=True)
        return counted if counted.count == "coupa" else None

    def _categorised(self, purchase: Purchase, line: Line) -> Categorised:
        order = self.around.orders.get(line.order_id or "", {})
        return self.rules.spend.categorise(line=line.raw, transaction=purchase.raw, order=order)

    def _judge(self, purchase: Purchase, line: Line, part: str) -> Judged:
        found = self._categorised(purchase, line)
        rollout = rollout_of(self.rules, self.account, found.segment.cost_center)
        aside: tuple[str, str, str | None] | None = self._before(purchase, line, rollout.go_live)
        aside = aside or self._not_outside(purchase, line)
        if aside is None and rollout.mode is Mode.OFF:
            aside = ("off", "waiting", OFF)
        if aside is None and purchase.unsettled is not None and self._settles(purchase):
            aside = ("wait", "waiting", UNSETTLED)
        if aside is None and found.missing:
            aside = ("uncategorised", "held", UNCATEGORISED)
        if aside is not None:
            counted, state, reason = aside
            errors = found.missing if counted == "uncategorised" else ()
            return Judged(purchase, line, part, line.amount, found.segment, counted, state, reason, errors)
        return self._on_budget(purchase, line, part, found.segment, shadow=rollout.mode is Mode.SHADOW)

    def _before(self, purchase: Purchase, line: Line, go_live: date | None) -> tuple[str, str, str] | None:
        look_back, around = timedelta(days=self.rules.spend.file.refund_look_back_days), self.around
        return before_go_live(
            purchase, line, go_live, charge_days=around.charge_days, read_since=around.read_since, look_back=look_back
        )

    def _not_outside(self, purchase: Purchase, line: Line) -> tuple[str, str, str | None] | None:
        """(counted, state, reason) of a line that is not for a budget by the rules of `outside`; None for one that is."""
        counted = who_counts(purchase, line, self.around, self.rules.spend)
        return None if counted.count == "budget" else (counted.count, STATES[counted.count], counted.reason)

    def _on_budget(self, purchase: Purchase, line: Line, part: str, segment: Segment, *, shadow: bool) -> Judged:
        """Held, with the reason, where Coupa has no open budget line of the segment, period and currency."""
        budgets = self.rules.budgets
        period = budgets.periods.of(purchase.spent_on).name
        target = self.around.budget_line(period, budgets.line_key(segment), line.amount.currency)
        if isinstance(target, str):
            return Judged(purchase, line, part, line.amount, segment, "hold", "held", target)
        counted = "shadow" if shadow else "budget"
        return Judged(purchase, line, part, line.amount, segment, counted, "planned", budget=target, shadow=shadow)

    def _settles(self, purchase: Purchase) -> bool:
        return self.now.date() < purchase.spent_on + timedelta(days=self.rules.spend.file.settle_days)

    def _findings(self, purchase: Purchase) -> list[PlannedFinding]:
        if purchase.unsettled is None or self._settles(purchase):
            return []
        total = Money.sum((line.amount for line in purchase.lines), purchase.unsettled.currency)
        sentence = (
            f"{purchase.record.key} says {purchase.unsettled}, its lines come to {total}: the lines were counted."
        )
        return [PlannedFinding(
            kind="amount_differs", sentence=sentence, record_id=purchase.record.id, breached=False,
            expected=str(purchase.unsettled.amount), actual=str(total.amount), difference=str((total - purchase.unsettled).amount),
        )]  # fmt: skip

    def _kept(self, purchase: Purchase, line: Line, segment: Segment, counted: str) -> SpendLine:
        return SpendLine(
            purchase.record.id, line.number, purchase.spent_on, self.rules.budgets.periods.of(purchase.spent_on).name, counted,
            line.amount.currency, int(line.amount.amount / minor_unit(line.amount.currency)), segment.values,
        )  # fmt: skip

    def _place(self, proposal: Proposal, judged: Iterable[Judged]) -> None:
        """Each line into a plan: those with a budget line together, the others on their own."""
        groups: dict[tuple[int, bool, str], list[Judged]] = {}
        for line in judged:
            if line.budget is None:
                proposal.live.records.append(_alone(line))
            else:
                groups.setdefault(line.group, []).append(line)
        for (_, shadow, _), lines in sorted(groups.items(), key=lambda group: group[0]):
            self._adjust(proposal.shadow if shadow else proposal.live, lines)

    def _adjust(self, plan: Plan, lines: Sequence[Judged]) -> None:
        """One adjustment for all lines of a budget line; none where they cancel each other out."""
        budget = lines[0].budget
        assert budget is not None
        total = Money.sum((line.amount for line in lines), budget.currency)
        if not total:
            plan.records += [_alone(line, state="skipped", reason=CANCELS_OUT) for line in lines]
            return
        parts = [(line.purchase.record.key, line.part, str(line.amount.amount)) for line in lines]
        key = business_key(self.instance, self.account, budget.id, budget.period, parts)
        plan.deliveries.append(PlannedDelivery(
            action=ADJUST, business_key=key, payload=self._payload(budget, key, lines, total), amount=total.amount,
            currency=total.currency, mapping_version=self.rules.version, policy_version=self.rules.version, scope=self.account,
        ))  # fmt: skip
        plan.records += [
            PlannedRecord(
                record_id=line.purchase.record.id, part=line.part, state="planned", bills=(ADJUST, key),
                amount=line.amount.amount, currency=line.amount.currency, hash=line.purchase.record.hash or None,
            )
            for line in lines
        ]  # fmt: skip

    def _payload(self, budget: BudgetLine, key: str, lines: Sequence[Judged], total: Money) -> Json:
        """Spend is negative in Coupa, a refund positive. The description names the set, and says what it is to a person."""
        days: list[date] = sorted(line.purchase.spent_on for line in lines)
        span = f"{days[0]}" if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
        text = f"{marker(self.account, key)} Amazon Business outside purchase orders, {span}: {_counted(lines)}"
        return {
            "line": budget.id, "name": budget.name, "period": budget.period, "marker": marker(self.account, key),
            "cost_centers": sorted({line.segment.cost_center or "" for line in lines}),
            "body": {
                "adjustment-amount": str(-total.amount), "currency": {"code": total.currency},
                "description": text[:DESCRIPTION_SIZE],
            },
        }  # fmt: skip


def _counted(lines: Sequence[Judged]) -> str:
    if lines[0].back:
        return f"{len(lines)} lines taken back, which Coupa counts by now"
    refunds = sum(line.amount.amount < 0 for line in lines)
    return f"{len(lines) - refunds} charged and {refunds} refunded lines" if refunds else f"{len(lines)} charged lines"


def _again(purchase: Purchase, part: Part) -> PlannedRecord:
    """A part as it stands already."""
    return PlannedRecord(
        record_id=part.record_id, part=part.part, state=cast("PlannedState", part.state), reason=part.reason, amount=part.amount,
        currency=purchase.record.currency, to_plan=part.state in ("waiting", "held"), hash=purchase.record.hash or None,
    )  # fmt: skip


def _letter(purchase: Purchase, line: Line, state: PlannedState, reason: str, *errors: str) -> PlannedRecord:
    """Asks a person about a line that may count twice; it carries no money, which stands where it was posted."""
    return PlannedRecord(
        record_id=purchase.record.id, part=twice_part(line.number), state=state, reason=reason, amount=Decimal(0),
        currency=line.amount.currency, error_class="policy" if state == "held" else None, errors=errors,
        to_plan=state == "held", hash=purchase.record.hash or None,
    )  # fmt: skip


def _changed(purchase: Purchase, fate: Fate, parts: Sequence[Part]) -> list[PlannedRecord]:
    """What the transaction comes to beside its lines, since Amazon changed it after a part of it was sent: a person's, unless
    one discarded just that."""
    sent = [part.amount or Decimal(0) for part in parts if part.fixed]
    if not sent:
        return []
    planned = [line.amount.amount for line in fate.judged] + [one.amount or Decimal(0) for one in fate.records]
    difference = (purchase.record.amount or Decimal(0)) - sum(planned, Decimal(0)) - sum(sent, Decimal(0))
    if not difference:
        return []
    decided = [one for one in parts if one.part == CHANGED_PART and one.amount == difference and is_discarded(one)]
    if decided:
        return [_again(purchase, decided[0])]
    record = purchase.record
    return [PlannedRecord(
        record_id=record.id, part=CHANGED_PART, state="held", reason=CHANGED, amount=difference, currency=record.currency,
        error_class="policy", errors=(CHANGED_TO_DO,), to_plan=True, hash=record.hash or None,
    )]  # fmt: skip


def _as_before(fate: Fate, parts: Sequence[Part]) -> bool:
    """Whether planning again would change nothing: the same parts with the same fate, none of them on its way."""
    now: set[tuple[str, str, str | None, Decimal | None]] = {
        (line.part, line.state, line.reason, line.amount.amount) for line in fate.judged
    }
    now |= {(one.part, one.state, one.reason, one.amount) for one in fate.records}
    return not any(part.delivery for part in parts) and now == {
        (part.part, part.state, part.reason, part.amount) for part in parts
    }  # fmt: skip


def _alone(line: Judged, *, state: str | None = None, reason: str | None = None) -> PlannedRecord:
    chosen: Any = state or line.state
    return PlannedRecord(
        record_id=line.purchase.record.id, part=line.part, state=chosen, reason=reason or line.reason,
        amount=line.amount.amount, currency=line.amount.currency, errors=line.errors,
        error_class="policy" if chosen == "held" else None, to_plan=chosen in ("waiting", "held"),
        hash=line.purchase.record.hash or None,
    )  # fmt: skip


def _dead(one: Unreadable) -> PlannedRecord:
    record: Record = one.record
    return PlannedRecord(
        record_id=record.id, state="dead", reason="the transaction cannot be read", amount=record.amount,
        currency=record.currency, errors=one.problems, error_class="data", hash=record.hash or None,
    )  # fmt: skip
