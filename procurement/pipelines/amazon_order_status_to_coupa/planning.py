"""From observed orders to planned actions: every order leaves with exactly one fate.

    read → dated after go-live → its PO in Coupa → changes → rules → actions that were not sent yet; else nothing to report

What was sent stays as it was sent; what was planned and not sent is replaced by what the facts say now. Nothing here writes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from procurement.documents import PurchaseOrder
from procurement.errors import RecordError
from procurement.ledger.types import (
    Known,
    Plan,
    PlannedFinding,
    PlannedRecord,
    PlannedState,
    Record,
    Refund,
)
from procurement.order_changes import OrderChange, find_changes
from procurement.order_facts import OrderFacts, read_order
from procurement.pipelines.amazon_order_status_to_coupa import wording
from procurement.pipelines.amazon_order_status_to_coupa.deciding import Situation, Step, steps
from procurement.pipelines.open_orders import PROBLEM, STATUS
from procurement.policies import Mode, Rules
from procurement.purchase_orders import read_purchase_order

PIPELINE = STATUS
WHOLE_ORDER = "order"  # the part of an order for which nothing is sent
Json = dict[str, Any]


class Orders(Protocol):
    """The part of the Coupa client that knows purchase orders and users."""

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[Json]]: ...
    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Iterable[Sequence[Json]]: ...


KnownDeliveries = Callable[[str, Iterable[str]], Mapping[str, Known]]  # (action, business keys)


@dataclass(slots=True)
class Proposal:
    """`previews`: what shadow or a dry run shows; `mails`: notices by key, written once the plan is kept."""

    plan: Plan = field(default_factory=Plan)
    previews: list[Json] = field(default_factory=list)
    mails: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Draft:
    """An order with its changes and what the rules say of each."""

    record: Record
    facts: OrderFacts
    order: PurchaseOrder
    changes: Sequence[tuple[OrderChange, tuple[str, ...]]]
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """`refunds` by Amazon order id; `siblings`: all Amazon orders of a PO number; `rehearsal`: a dry run shows what an
    order that is switched off would do, too."""

    coupa: Orders
    account: str
    rules: Rules
    known: KnownDeliveries
    refunds: Mapping[str, Sequence[Refund]]
    siblings: Mapping[str, Sequence[OrderFacts]]
    rehearsal: bool = False

    def propose(self, records: Sequence[Record]) -> Proposal:
        """What to do about `records`; reads their purchase orders, 50 a call."""
        proposal = Proposal()
        numbers = {str(record.group_key) for record in records if record.group_key}
        raws = {str(raw["po-number"]): raw for page in self.coupa.purchase_orders(sorted(numbers)) for raw in page}
        drafts = [draft for record in records if (draft := self._draft(proposal, record, raws)) is not None]
        buyers = self._buyers(drafts)
        situations: dict[str, Situation] = {}
        planned: list[tuple[_Draft, list[Step]]] = []
        for draft in drafts:
            at = situations.setdefault(draft.order.number, self._situation(draft, raws[draft.order.number]))
            parts: dict[str, Step] = {}
            for change, actions in draft.changes:
                for step in steps(change, draft.facts, actions, at, buyers):
                    parts.setdefault(step.part, step)
            planned.append((draft, list(parts.values())))
        claimed = self._claimed(step for _, parts in planned for step in parts)
        for draft, found in planned:
            self._settle(proposal, draft, found, claimed)
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
        changes = find_changes(facts, order=order, refunds=self.refunds.get(facts.order_id, ()))
        decided = [(change, self._actions(change)) for change in changes]
        return _Draft(record, facts, order, decided, Mode.SHADOW if self.rehearsal else rollout.mode)

    def _actions(self, change: OrderChange) -> tuple[str, ...]:
        return self.rules.order_status.actions(
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

    def _situation(self, draft: _Draft, raw: Json) -> Situation:
        number = draft.order.number
        orders = {facts.order_id: facts for facts in self.siblings.get(number, ())} | {
            draft.facts.order_id: draft.facts
        }
        return Situation(
            order=draft.order, orders=list(orders.values()),
            line_status={int(line["id"]): str(line.get("status")) for line in raw.get("order-lines") or ()},
            versions={"mapping": self.rules.version, "policy": self.rules.version},
        )  # fmt: skip

    def _claimed(self, parts: Iterable[Step]) -> set[tuple[str, str]]:
        """Names of deliveries that may have been sent: they stay as they are."""
        keys: dict[str, list[str]] = {}
        for step in parts:
            if step.delivery is not None:
                keys.setdefault(step.delivery.action, []).append(step.delivery.business_key)
        return {
            (action, key)
            for action, some in keys.items()
            for key, known in self.known(action, some).items()
            if known.claimed
        }

    def _settle(self, proposal: Proposal, draft: _Draft, parts: Sequence[Step], claimed: set[tuple[str, str]]) -> None:
        """Only what was not sent yet; where all was sent, that again, which settles the order without sending."""
        record, plan = draft.record, proposal.plan
        if draft.mode is Mode.SHADOW:
            proposal.previews.append(_preview(draft, parts))
            _fate(proposal, record, "skipped", "shadow: planned, not sent")
            return
        self._flag(proposal, draft)
        if not parts:
            _fate(proposal, record, "skipped", "no rule asks for anything" if draft.changes else "nothing to report")
            return
        fresh = [step for step in parts if step.delivery is None or step.delivery.name not in claimed]
        for step in fresh or parts:
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
