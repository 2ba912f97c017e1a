"""From observed orders to planned actions: every order leaves with exactly one fate.

    read → dated after go-live → its PO in Coupa → changes → rules → actions that were not sent yet; else
    nothing went otherwise than promised

What was sent stays as it was sent; what was planned and not sent is replaced by what the facts say now. Nothing here writes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from procurement.documents import PurchaseOrder
from procurement.errors import RecordError
from procurement.ledger.types import (
    Known,
    Plan,
    PlannedDelivery,
    PlannedFinding,
    PlannedRecord,
    PlannedState,
    Record,
    Refund,
)
from procurement.order_changes import OrderChange, find_changes
from procurement.order_facts import OrderFacts, read_order
from procurement.order_status_rules import StatusRule
from procurement.pipelines.amazon_order_status_to_coupa import wording
from procurement.pipelines.amazon_order_status_to_coupa.deciding import Situation, Step, steps
from procurement.pipelines.amazon_order_status_to_coupa.quantities import CHANGE, OwnChange, taken_out, waits
from procurement.pipelines.open_orders import PROBLEM, STATUS
from procurement.policies import Mode, Rules
from procurement.purchase_orders import read_purchase_order

PIPELINE = STATUS
WHOLE_ORDER = "order"  # the part of an order for which nothing is sent
SHOWN = "shown_in_shadow"  # action of the rows that remember it, by change: what was only shown is never sent later
NEVER_SENT = "shown in shadow, never sent"
AS_PROMISED = "nothing went otherwise than promised"
Json = dict[str, Any]


class Orders(Protocol):
    """The part of the Coupa client that knows purchase orders and users."""

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[Json]]: ...
    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Iterable[Sequence[Json]]: ...
    def purchase_order_changes(self, order_ids: Iterable[int]) -> Iterable[Sequence[Json]]: ...


KnownDeliveries = Callable[[str, Iterable[str]], Mapping[str, Known]]  # (action, business keys)


@dataclass(slots=True)
class Proposal:
    """`previews`: what shadow or a dry run shows, `shown` of its changes for the first time; `mails`: notices by key, written
    once the plan is kept."""

    plan: Plan = field(default_factory=Plan)
    previews: list[Json] = field(default_factory=list)
    mails: dict[str, Json] = field(default_factory=dict)
    shown: int = 0


@dataclass(frozen=True, slots=True)
class _Draft:
    """An order with its changes and what the rules say of each; `unruled`: a change without a rule is among them, `seen`: in
    shadow people saw changes that are left out here."""

    record: Record
    facts: OrderFacts
    order: PurchaseOrder
    changes: Sequence[tuple[OrderChange, tuple[str, ...]]]
    mode: Mode
    unruled: bool = False
    seen: bool = False

    @property
    def nothing(self) -> str:
        """Why nothing is to be done."""
        return NEVER_SENT if self.seen else "no rule asks for anything" if self.unruled else AS_PROMISED


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """`refunds` by Amazon order id; `siblings`: all Amazon orders of a PO number; `own`: changes that we asked of Coupa;
    `rehearsal`: a dry run shows what an order that is switched off would do, too."""

    coupa: Orders
    account: str
    rules: Rules
    known: KnownDeliveries
    refunds: Mapping[str, Sequence[Refund]]
    siblings: Mapping[str, Sequence[OrderFacts]]
    own: Sequence[OwnChange] = ()
    rehearsal: bool = False

    def propose(self, records: Sequence[Record]) -> Proposal:
        """What to do about `records`; reads their purchase orders, 50 a call."""
        proposal = Proposal()
        numbers = {str(record.group_key) for record in records if record.group_key}
        raws = {str(raw["po-number"]): raw for page in self.coupa.purchase_orders(sorted(numbers)) for raw in page}
        drafts = [draft for record in records if (draft := self._draft(proposal, record, raws)) is not None]
        shown = set(self.known(SHOWN, [change.id for draft in drafts for change, _ in draft.changes]))
        drafts = [_without(draft, shown) for draft in drafts]
        buyers, changes = self._buyers(drafts), self._order_changes(drafts)
        situations: dict[str, Situation] = {}
        planned: list[tuple[_Draft, list[Step]]] = []
        for draft in drafts:
            at = situations.setdefault(draft.order.number, self._situation(draft, raws[draft.order.number], changes))
            parts: dict[str, Step] = {}
            for change, actions in draft.changes:
                for step in steps(change, draft.facts, actions, at, buyers):
                    parts.setdefault(step.part, step)
            planned.append((draft, list(parts.values())))
        claimed = self._claimed(step for _, parts in planned for step in parts)
        for draft, found in planned:
            self._settle(proposal, draft, found, claimed, shown)
        return proposal

    def _draft(self, proposal: Proposal, record: Record, raws: Mapping[str, Json]) -> _Draft | None:
        """None where the order is settled without looking at its changes."""
        if PROBLEM in record.raw:
            _fate(proposal, record, "dead", "Amazon's report cannot be read", errors=(str(record.raw[PROBLEM]),))
            return None
        facts = read_order(record.raw)
        if not facts.po_number:
            _fate(proposal, record, "skipped", "carries no PO number")
            return None
        if facts.po_number not in raws:
            _fate(proposal, record, "skipped", "Coupa has no purchase order of this number")
            return None
        try:
            order = read_purchase_order(raws[facts.po_number])
        except RecordError as error:
            _fate(proposal, record, "dead", "the purchase order cannot be read", errors=error.problems)
            return None
        rollout = self.rules.rollout.of(PIPELINE, account=self.account, supplier=order.supplier)
        if rollout.go_live is not None and facts.ordered_at < _midnight(rollout.go_live):
            _fate(proposal, record, "skipped", "ordered before go-live")
            return None
        if rollout.mode is Mode.OFF and not self.rehearsal:
            _fate(proposal, record, "skipped", "switched off for this account or supplier")
            return None
        changes = find_changes(
            facts, order=order, refunds=self.refunds.get(facts.order_id, ()),
            unavailable=self.rules.order_status.backordered_when_unavailable,
        )  # fmt: skip
        ruled = [(change, self._rule(change)) for change in changes]
        decided = [(change, rule.do if rule is not None else ()) for change, rule in ruled]
        unruled = any(rule is None for _, rule in ruled)
        return _Draft(record, facts, order, decided, Mode.SHADOW if self.rehearsal else rollout.mode, unruled)

    def _rule(self, change: OrderChange) -> StatusRule | None:
        return self.rules.order_status.rule(
            change.kind, charged=change.charged, amount=change.at_stake.amount if change.at_stake else None,
            commodity=change.po_line.commodity if change.po_line else None,
        )  # fmt: skip

    def _buyers(self, drafts: Iterable[_Draft]) -> dict[str, int]:
        """Coupa user ids by mail address, of those that a comment will mention."""
        emails = {
            draft.facts.buyer_email.lower()
            for draft in drafts
            if draft.facts.buyer_email and any("notify_buyer" in actions for _, actions in draft.changes)
        }
        if not emails:
            return {}
        pages = self.coupa.users(emails=sorted(emails))
        return {str(raw["email"]).lower(): int(raw["id"]) for page in pages for raw in page if raw.get("email")}

    def _order_changes(self, drafts: Iterable[_Draft]) -> dict[int, list[Json]]:
        """By PO id, where a quantity is to be changed or was changed by us."""
        touched = {one.line_id for one in self.own}
        ids = {
            draft.order.id
            for draft in drafts
            if any(CHANGE in actions for _, actions in draft.changes)
            or any(line.id in touched for line in draft.order.lines)
        }
        found: dict[int, list[Json]] = {}
        for page in self.coupa.purchase_order_changes(sorted(ids)) if ids else ():
            for raw in page:
                found.setdefault(int(raw["order-header-id"]), []).append(raw)
        return found

    def _situation(self, draft: _Draft, raw: Json, changes: Mapping[int, Sequence[Json]]) -> Situation:
        number, lines = draft.order.number, {line.id for line in draft.order.lines}
        own = [one for one in self.own if one.line_id in lines]
        made = changes.get(draft.order.id, ())
        orders = {facts.order_id: facts for facts in self.siblings.get(number, ())} | {
            draft.facts.order_id: draft.facts
        }
        return Situation(
            order=draft.order, orders=list(orders.values()),
            line_status={int(line["id"]): str(line.get("status")) for line in raw.get("order-lines") or ()},
            versions={"mapping": self.rules.version, "policy": self.rules.version},
            taken=taken_out(own, made), undecided=waits(own, made),
        )  # fmt: skip

    def _claimed(self, parts: Iterable[Step]) -> set[tuple[str, str]]:
        """Names of deliveries that may have been sent: they stay as they are."""
        keys: dict[str, list[str]] = {}
        for step in parts:
            keys.setdefault(step.name[0], []).append(step.name[1])
        return {
            (action, key)
            for action, some in keys.items()
            for key, known in self.known(action, some).items()
            if known.claimed
        }

    def _settle(
        self,
        proposal: Proposal,
        draft: _Draft,
        parts: Sequence[Step],
        claimed: set[tuple[str, str]],
        shown: set[str],
    ) -> None:
        """Only what was not sent yet; where all was sent, that again, which settles the order without sending."""
        record, plan = draft.record, proposal.plan
        if draft.mode is Mode.SHADOW:
            proposal.previews.append(_preview(draft, parts))
            new = [_remembered(change, actions) for change, actions in draft.changes if change.id not in shown]
            plan.deliveries += new
            proposal.shown += len(new)
            _fate(proposal, record, "skipped", "shadow: planned, not sent")
            return
        self._flag(proposal, draft)
        if not parts:
            _fate(proposal, record, "skipped", draft.nothing)
            return
        fresh = [step for step in parts if step.name not in claimed]
        for step in fresh or [step.as_sent() for step in parts]:
            if step.delivery is not None:
                plan.deliveries.append(step.delivery)
            plan.records.append(PlannedRecord(
                record_id=record.id, state="planned" if step.delivery else step.state, reason=step.reason, part=step.part,
                bills=step.delivery.name if step.delivery else None, to_plan=step.state == "waiting", hash=record.hash,
            ))  # fmt: skip

    def _flag(self, proposal: Proposal, draft: _Draft) -> None:
        recipients = self.rules.order_status.compliance_recipients
        for change, actions in draft.changes:
            if "flag_compliance" in actions:
                proposal.plan.findings.append(PlannedFinding(
                    kind=f"order_{change.kind}", sentence=change.sentence, record_id=draft.record.id,
                    line=change.po_line.number if change.po_line else None,
                    difference=str(change.at_stake) if change.at_stake else None,
                ))  # fmt: skip
                mail = wording.compliance_mail(change, draft.facts, draft.order, recipients)
                proposal.mails[f"{PIPELINE}/{change.id}"] = mail


def _without(draft: _Draft, shown: set[str]) -> _Draft:
    """Live, what people saw in shadow is theirs."""
    if draft.mode is Mode.SHADOW or not any(change.id in shown for change, _ in draft.changes):
        return draft
    return replace(draft, changes=[one for one in draft.changes if one[0].id not in shown], seen=True)


def _remembered(change: OrderChange, actions: Sequence[str]) -> PlannedDelivery:
    return PlannedDelivery(
        action=SHOWN, business_key=change.id, payload={"sentence": change.sentence, "actions": list(actions)},
        state="skipped", reason=NEVER_SENT, required=False,
    )  # fmt: skip


def _fate(
    proposal: Proposal, record: Record, state: PlannedState, reason: str, *, errors: tuple[str, ...] = ()
) -> None:
    proposal.plan.records.append(
        PlannedRecord(
            record_id=record.id, state=state, reason=reason, part=WHOLE_ORDER, errors=errors, hash=record.hash
        )
    )


def _preview(draft: _Draft, parts: Sequence[Step]) -> Json:
    return {
        "document": draft.facts.order_id,
        "po": draft.order.number,
        "changes": [change.sentence for change, _ in draft.changes],
        "actions": [
            {"action": step.delivery.action, "payload": step.delivery.payload}
            if step.delivery is not None
            else {"action": step.part.split("/", 1)[0], "state": step.state, "reason": step.reason}
            for step in parts
        ],
    }


def _midnight(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
