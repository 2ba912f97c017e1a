"""What becomes of every line of spend: posted to a budget line, counted by Coupa already, waiting, held, or uncategorised.

Every line is one part of its transaction's money, so parts always add up to what Amazon charged. The parts that go to
one budget line and period are one adjustment, named after exactly these parts: a late charge or refund is a new set and
becomes an adjustment of its own; the same set is never two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.coupa.budgets import DESCRIPTION_SIZE
from procurement.ledger.changes import CHANGED_PART
from procurement.ledger.spend import Part, SpendLine
from procurement.ledger.types import Plan, PlannedDelivery, PlannedFinding, PlannedRecord, Record
from procurement.money import Money, minor_unit
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import ADJUST, PIPELINE, business_key, marker
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Line, Purchase, Unreadable
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine, Surroundings
from procurement.pipelines.proposals import Proposal
from procurement.policies import Mode, Rules
from procurement.spend.categorising import Segment

Json = dict[str, Any]
BEFORE_GO_LIVE = "before go-live"
OFF = "switched off in rollout.yml"
UNCATEGORISED = "uncategorised: no rule of spend.yml says where it belongs"
CANCELS_OUT = "charges and refunds of this budget line come to nothing"
NO_RULE = "no rule of spend.yml says whether Coupa counts it"
CHANGED = "changed after it was sent"
CHANGED_TO_DO = (
    "Amazon changed it after a part of it was posted. Adjust the budget by hand by this much, and discard this letter."
)
UNSETTLED = "not settled yet: the amount is an authorisation"


@dataclass(frozen=True, slots=True)
class Judged:
    """A line and what becomes of it. `counted` is the word of the spend report; `line` where its money goes."""

    purchase: Purchase
    source: Line
    segment: Segment
    counted: str
    state: str
    reason: str | None = None
    errors: tuple[str, ...] = ()
    budget: BudgetLine | None = None
    shadow: bool = False

    @property
    def part(self) -> str:
        return str(self.source.number)


@dataclass(slots=True)
class Planned:
    """The plan of a run, and the lines as the spend report keeps them: all of `records`, except that what was `sent`, by
    (record, line), stays there as it was sent."""

    proposal: Proposal = field(default_factory=Proposal)
    spend: list[SpendLine] = field(default_factory=list)
    records: set[int] = field(default_factory=set)
    sent: set[tuple[int, int]] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    account: str
    instance: str
    rules: Rules
    now: datetime
    around: Surroundings

    def propose(self, read: Sequence[Purchase | Unreadable], earlier: Mapping[int, Sequence[Part]]) -> Planned:
        """`earlier`: what former plans made of the records; parts that may have been sent stay as they are."""
        planned = Planned()
        judged: list[Judged] = []
        for one in read:
            fixed = {part.part for part in earlier.get(one.record.id, ()) if part.fixed}
            planned.records.add(one.record.id)
            planned.sent |= {(one.record.id, int(part)) for part in fixed if part.isdecimal()}
            if isinstance(one, Unreadable):
                planned.proposal.live.records.append(_dead(one))
                continue
            lines = [self._judge(one, line) for line in one.lines]
            fresh = [line for line in lines if line.part not in fixed]
            planned.spend += [self._kept(line) for line in fresh]
            changed = _changed(one, fresh, [part for part in earlier.get(one.record.id, ()) if part.fixed])
            if not _as_before(fresh, changed, [part for part in earlier.get(one.record.id, ()) if not part.fixed]):
                judged += fresh
                planned.proposal.live.records += changed
                planned.proposal.live.findings += self._findings(one)
        self._place(planned.proposal, judged)
        return planned

    def _judge(self, purchase: Purchase, line: Line) -> Judged:
        order = self.around.orders.get(line.order_id or "", {})
        found = self.rules.spend.categorise(line=line.raw, transaction=purchase.raw, order=order)
        rollout = self.rules.rollout.of(PIPELINE, account=self.account, cost_center=found.segment.cost_center)
        before = rollout.go_live is not None and purchase.spent_on < rollout.go_live
        aside = ("before", "skipped", BEFORE_GO_LIVE) if before else self._not_outside(purchase, line)
        if aside is None and rollout.mode is Mode.OFF:
            aside = ("off", "waiting", OFF)
        if aside is None and purchase.unsettled is not None and self._settles(purchase):
            aside = ("wait", "waiting", UNSETTLED)
        if aside is None and found.missing:
            aside = ("uncategorised", "held", UNCATEGORISED)
        if aside is not None:
            counted, state, reason = aside
            errors = found.missing if counted == "uncategorised" else ()
            return Judged(purchase, line, found.segment, counted, state, reason, errors)
        return self._on_budget(purchase, line, found.segment, shadow=rollout.mode is Mode.SHADOW)

    def _not_outside(self, purchase: Purchase, line: Line) -> tuple[str, str, str] | None:
        """(counted, state, reason) of a line that is not for a budget by the rules of `outside`; None for one that is."""
        po = "none" if line.po_number is None else "known" if line.po_number in self.around.known_pos else "unknown"
        invoiced = purchase.invoice_number is not None and purchase.invoice_number in self.around.invoiced
        count = self.rules.spend.count(po=po, paid_by=purchase.paid_by, invoiced=invoiced)
        if count == "coupa":
            by = "on its purchase order" if po == "known" else "with its invoice"
            return "coupa", "skipped", f"counted by Coupa {by}"
        if count == "wait":
            return "wait", "waiting", "no invoice of it in Coupa yet, which will count it"
        if count == "hold":
            return "hold", "held", f"{NO_RULE}: PO {po}, paid by {purchase.paid_by}"
        return None

    def _on_budget(self, purchase: Purchase, line: Line, segment: Segment, *, shadow: bool) -> Judged:
        """Held, with the reason, where Coupa has no open budget line of the segment, period and currency."""
        budgets = self.rules.budgets
        period = budgets.periods.of(purchase.spent_on).name
        target = self.around.budget_line(period, budgets.line_key(segment), line.amount.currency)
        if isinstance(target, str):
            return Judged(purchase, line, segment, "hold", "held", target)
        counted = "shadow" if shadow else "budget"
        return Judged(purchase, line, segment, counted, "planned", budget=target, shadow=shadow)

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

    def _kept(self, line: Judged) -> SpendLine:
        amount = line.source.amount
        return SpendLine(
            line.purchase.record.id, line.source.number, line.purchase.spent_on,
            self.rules.budgets.periods.of(line.purchase.spent_on).name, line.counted, amount.currency,
            int(amount.amount / minor_unit(amount.currency)), line.segment.values,
        )  # fmt: skip

    def _place(self, proposal: Proposal, judged: Iterable[Judged]) -> None:
        """Each line into a plan: those with a budget line together, the others on their own."""
        groups: dict[tuple[int, bool], list[Judged]] = {}
        for line in judged:
            if line.budget is None:
                proposal.live.records.append(_alone(line))
            else:
                groups.setdefault((line.budget.id, line.shadow), []).append(line)
        for (_, shadow), lines in sorted(groups.items(), key=lambda group: group[0]):
            self._adjust(proposal.shadow if shadow else proposal.live, lines)

    def _adjust(self, plan: Plan, lines: Sequence[Judged]) -> None:
        """One adjustment for all lines of a budget line; none where they cancel each other out."""
        budget = lines[0].budget
        assert budget is not None
        total = Money.sum((line.source.amount for line in lines), budget.currency)
        if not total:
            plan.records += [_alone(line, state="skipped", reason=CANCELS_OUT) for line in lines]
            return
        parts = [(line.purchase.record.key, line.part, str(line.source.amount.amount)) for line in lines]
        key = business_key(self.instance, self.account, budget.id, budget.period, parts)
        plan.deliveries.append(PlannedDelivery(
            action=ADJUST, business_key=key, payload=self._payload(budget, key, lines, total), amount=total.amount,
            currency=total.currency, mapping_version=self.rules.version, policy_version=self.rules.version, scope=self.account,
        ))  # fmt: skip
        plan.records += [
            PlannedRecord(
                record_id=line.purchase.record.id, part=line.part, state="planned", bills=(ADJUST, key),
                amount=line.source.amount.amount, currency=line.source.amount.currency, hash=line.purchase.record.hash or None,
            )
            for line in lines
        ]  # fmt: skip

    def _payload(self, budget: BudgetLine, key: str, lines: Sequence[Judged], total: Money) -> Json:
        """Spend is negative in Coupa, a refund positive. The description names the set, and says what it is to a person."""
        days: list[date] = sorted(line.purchase.spent_on for line in lines)
        refunds = sum(line.source.amount.amount < 0 for line in lines)
        span = f"{days[0]}" if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
        counted = f"{len(lines) - refunds} charged and {refunds} refunded" if refunds else f"{len(lines)} charged"
        text = f"{marker(self.account, key)} Amazon Business outside purchase orders, {span}: {counted} lines"
        return {
            "line": budget.id, "name": budget.name, "period": budget.period, "marker": marker(self.account, key),
            "body": {
                "adjustment-amount": str(-total.amount), "currency": {"code": total.currency},
                "description": text[:DESCRIPTION_SIZE],
            },
        }  # fmt: skip


def _changed(purchase: Purchase, fresh: Sequence[Judged], sent: Sequence[Part]) -> list[PlannedRecord]:
    """What the transaction comes to beside its lines, since Amazon changed it after a part of it was sent: a person's."""
    if not sent:
        return []
    record, lines = purchase.record, sum((line.source.amount.amount for line in fresh), Decimal(0))
    difference = (record.amount or Decimal(0)) - lines - sum((part.amount or Decimal(0) for part in sent), Decimal(0))
    if not difference:
        return []
    return [PlannedRecord(
        record_id=record.id, part=CHANGED_PART, state="held", reason=CHANGED, amount=difference, currency=record.currency,
        error_class="policy", errors=(CHANGED_TO_DO,), to_plan=True, hash=record.hash or None,
    )]  # fmt: skip


def _as_before(lines: Sequence[Judged], changed: Sequence[PlannedRecord], parts: Sequence[Part]) -> bool:
    """Whether planning again would change nothing: the same parts with the same fate, none of them on its way."""
    now: set[tuple[str, str, str | None, Decimal | None]] = {
        (line.part, line.state, line.reason, line.source.amount.amount) for line in lines
    }
    now |= {(one.part, one.state, one.reason, one.amount) for one in changed}
    return bool(parts) and not any(part.delivery for part in parts) and now == {
        (part.part, part.state, part.reason, part.amount) for part in parts
    }  # fmt: skip


def _alone(line: Judged, *, state: str | None = None, reason: str | None = None) -> PlannedRecord:
    chosen: Any = state or line.state
    return PlannedRecord(
        record_id=line.purchase.record.id, part=line.part, state=chosen, reason=reason or line.reason,
        amount=line.source.amount.amount, currency=line.source.amount.currency, errors=line.errors,
        error_class="policy" if chosen == "held" else None, to_plan=chosen in ("waiting", "held"),
        hash=line.purchase.record.hash or None,
    )  # fmt: skip


def _dead(one: Unreadable) -> PlannedRecord:
    record: Record = one.record
    return PlannedRecord(
        record_id=record.id, state="dead", reason="the transaction cannot be read", amount=record.amount,
        currency=record.currency, errors=one.problems, error_class="data", hash=record.hash or None,
    )  # fmt: skip
