"""From transactions to planned deliveries: the decisions of the pipeline, in the order they are taken.

    read → screened (how paid, which marketplace) → grouped by number → settled → dated → go-live → PO lines → already in
    Coupa, or already sent? → original of a credit note → mapped → matched → create, submit, routed where the match fails

Every record leaves with exactly one fate: billed by a delivery, or a state with its reason. Nothing here writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connectors.amazon_business.payloads import OrderLineKey
from procurement.documents import GoodsReceipt
from procurement.ledger.types import Known, Plan, PlannedRecord, Record
from procurement.matching import reads_receipts
from procurement.pipelines.amazon_invoices_to_coupa.billed_before import BilledBefore
from procurement.pipelines.amazon_invoices_to_coupa.candidates import (
    PAID_BY_CARD,
    Candidate,
    Group,
    Verdict,
    overdue,
    read_candidate,
    screen,
    settles_at,
)
from procurement.pipelines.amazon_invoices_to_coupa.drafting import Drafting
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE, Draft, business_key
from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import CoupaRates, hold_foreign
from procurement.pipelines.amazon_invoices_to_coupa.existing import read_existing
from procurement.pipelines.amazon_invoices_to_coupa.feed_gaps import claims_on, fill_gaps, is_unnumbered_refund
from procurement.pipelines.amazon_invoices_to_coupa.identity import NO_CLAIMS, Details, Identity, identify
from procurement.pipelines.amazon_invoices_to_coupa.lines import (
    Line,
    card_verdict,
    header_conflict,
    resolve_group,
)
from procurement.pipelines.amazon_invoices_to_coupa.movements import Moved, OrderTransactions, nothing_sold
from procurement.pipelines.amazon_invoices_to_coupa.originals import Originals, in_order, numbers_to_look_up
from procurement.pipelines.amazon_invoices_to_coupa.pairing import named_originals
from procurement.pipelines.amazon_invoices_to_coupa.rivals import AlikeDeliveries, nothing_alike, read_rivals
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import (
    InvoiceSource,
    InvoiceTarget,
    KnownDeliveries,
    Orders,
    read_details,
    read_orders,
    read_receipts,
)
from procurement.pipelines.amazon_invoices_to_coupa.unbacked import (
    Budgeted,
    Payloads,
    Unbacked,
    nothing_budgeted,
    nothing_sent,
    transactions_of,
)
from procurement.pipelines.proposals import Proposal
from procurement.policies import Mode, Rules
from procurement.policy_files import CAREFULNESS, RolloutRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch as far as it can be decided without the ledger: `plan` settles what goes no further, `drafts` are the rest."""

    plan: Plan
    drafts: Sequence[Draft]
    orders: Orders
    details: Details


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Plans batches of records, each batch made of whole groups.

    `known` tells what the ledger already has of business keys; `owners` are Coupa user ids by login; `released` are
    invoice numbers that a person let through the go-live date, or past the suspicion that they are duplicates; `alike`
    tells which deliveries these could be duplicates of, `sold` what the ledger has of the orders that were refunded, `sent`
    the payloads of deliveries, `budgeted` which transactions were posted to a budget line.
    """

    amazon: InvoiceSource
    coupa: InvoiceTarget
    known: KnownDeliveries
    rules: Rules
    now: datetime
    owners: Mapping[str, int]
    before: BilledBefore  # grows with what is planned
    released: frozenset[str] = frozenset()
    alike: AlikeDeliveries = nothing_alike
    sold: OrderTransactions = nothing_sold
    sent: Payloads = nothing_sent
    budgeted: Budgeted = nothing_budgeted
    rates: CoupaRates | None = None  # None: what is billed in another currency is held
    rehearsal: bool = False  # a dry run shows the plan of a pipeline that is switched off, too

    def propose(self, records: Sequence[Record], *, pending: frozenset[int]) -> Proposal:
        """What to do with `records`, of which those in `pending` still need a fate; reads both systems, writes nothing."""
        return self.decide(self.prepare(records), pending=pending)

    def prepare(self, records: Sequence[Record]) -> Prepared:
        """Reads what the two systems say of `records`. Of the ledger it asks the transactions alone, which are all there: the
        batch before may still be on its way into it."""
        plan = Plan()
        groups, cards = self._grouped(plan, records)
        moved = fill_gaps(groups, self.sold)
        details = read_details(self.amazon, (key for group in groups for key in keys_to_ask(group)))
        identified = self._identified(plan, groups, details, moved)
        invoiced = [candidate for group, _ in identified for candidate in group.candidates]
        orders = read_orders(
            self.coupa, [number for candidate in [*invoiced, *cards] for number in candidate.po_numbers]
        )
        for card in cards:
            settle(plan, [card], card_verdict(card, orders))
        return Prepared(plan=plan, drafts=self._drafts(plan, identified, orders), orders=orders, details=details)

    def decide(self, prepared: Prepared, *, pending: frozenset[int]) -> Proposal:
        """The fate of every record of the batch; all batches before must be in the ledger by now."""
        plan, shadow = prepared.plan, Plan()
        drafts, orders = prepared.drafts, prepared.orders
        originals = Originals(named_originals(drafts, prepared.details, sold=self.sold, amazon=self.amazon))
        numbers = numbers_to_look_up(drafts, originals)
        po_lines = {line.po_line.id for draft in drafts for line in draft.ordered}
        self.before.learn(po_lines)
        existing = read_existing(
            self.coupa, numbers, po_lines=self.before.miscounted(orders.documents, po_lines),
            since=self._oldest_rival(drafts), statuses=self.rules.reconciliation.statuses,
        )  # fmt: skip
        rivals = read_rivals(
            self.alike,
            drafts,
            existing=existing,
            instance=self.coupa.instance,
            rules=self.rules,
            released=self.released,
        )
        unbacked = Unbacked(self.sent, self.budgeted(transactions_of(drafts)), self.released)
        drafting = Drafting(
            instance=self.coupa.instance, rules=self.rules, account=self.amazon.account, owners=self.owners, now=self.now,
            existing=existing, rivals=rivals, known=self._known(numbers), receipts=self._receipts(drafts),
            orders=orders, originals=originals, pending=pending, before=self.before, known_deliveries=self.known,
            rates=self.rates, unbacked=unbacked,
        )  # fmt: skip
        for draft in in_order(drafts, originals):
            verdict = drafting.deliver(shadow if draft.rollout.mode is Mode.SHADOW else plan, draft)
            if verdict is not None:
                fresh = [candidate for candidate in draft.group.candidates if candidate.record.id in pending]
                settle(plan, fresh, verdict)
        return Proposal(plan, shadow, shown=(CREATE,))

    def _grouped(self, plan: Plan, records: Iterable[Record]) -> tuple[list[Group], list[Candidate]]:
        """Settled groups, and the card charges whose POs must be looked at; a record without number stands alone.

        Whatever cannot be read or is screened out is settled in `plan`.
        """
        groups: dict[str, Group] = {}
        cards: list[Candidate] = []
        for record in records:
            candidate = read_candidate(record)
            if isinstance(candidate, Verdict):
                plan.records.append(planned_record(record, candidate))
            elif (verdict := screen(candidate, self.rules.policies)) is PAID_BY_CARD:
                cards.append(candidate)
            elif verdict is not None:
                settle(plan, [candidate], verdict)
            else:
                number = record.group_key or ""
                groups.setdefault(number or f"\0{record.key}", Group(number)).candidates.append(candidate)
        return [group for group in groups.values() if self._is_settled(plan, group)], cards

    def _is_settled(self, plan: Plan, group: Group) -> bool:
        moment = settles_at(group, self.rules.policies)
        if moment is None or moment <= self.now:
            return True
        settle(
            plan,
            group.candidates,
            Verdict("waiting", f"settling: complete {self.rules.policies.settle_hours} hours after its newest charge"),
        )
        return False

    def _identified(
        self, plan: Plan, groups: Iterable[Group], details: Details, moved: Moved
    ) -> list[tuple[Group, Identity]]:
        """Groups under their final number and date: charges numbered only now join those already numbered."""
        merged: dict[str, tuple[Group, Identity]] = {}
        for group in groups:
            identity = identify(group, details, claims_on(group, moved) if is_unnumbered_refund(group) else NO_CLAIMS)
            if isinstance(identity, Verdict):
                unasked = group.number and not group.names_shipments and identity.state == "waiting"
                reason = f"{identity.reason}: it names no shipment"
                settle(
                    plan,
                    group.candidates,
                    overdue(group, reason, self.rules.policies, self.now) if unasked else identity,
                )
            elif identity.number in merged:
                merged[identity.number][0].candidates.extend(group.candidates)
                merged[identity.number][0].lent.extend(group.lent)
            else:
                merged[identity.number] = (Group(identity.number, list(group.candidates), list(group.lent)), identity)
        return list(merged.values())

    def _drafts(self, plan: Plan, identified: Iterable[tuple[Group, Identity]], orders: Orders) -> list[Draft]:
        drafts: list[Draft] = []
        account = self.rules.accounts.of(self.amazon.account)
        supplier = account.supplier if account is not None else None
        for group, identity in identified:
            lines = resolve_group(group, orders, no_po=self.rules.policies.no_po, supplier=supplier)
            rollout = self._rollout([] if isinstance(lines, Verdict) else lines)
            early = rollout.go_live is not None and identity.moment.date() < rollout.go_live
            if early and identity.number not in self.released:
                settle(plan, group.candidates, Verdict("skipped", "before go-live"))
            elif isinstance(lines, Verdict):
                settle(plan, group.candidates, lines)
            elif (conflict := header_conflict(lines)) is not None:
                settle(plan, group.candidates, conflict)
            else:
                draft = Draft(group, identity, lines, rollout)
                foreign = hold_foreign(plan, draft, self.rates, None)
                if foreign is not None:
                    settle(plan, group.candidates, foreign)
                else:
                    drafts.append(draft)
        return drafts

    def _rollout(self, lines: Sequence[Line]) -> RolloutRule:
        """The most careful of the rules that hold for the lines' supplier and cost centers, and for the account."""
        supplier = lines[0].supplier if lines else None
        rules = [
            self.rules.rollout.of(PIPELINE, account=self.amazon.account, supplier=supplier, cost_center=center)
            for center in {line.cost_center for line in lines} or {None}
        ]
        rule = min(rules, key=lambda rule: CAREFULNESS.index(rule.mode))
        return rule.model_copy(update={"mode": Mode.LIVE}) if self.rehearsal else rule

    def _oldest_rival(self, drafts: Iterable[Draft]) -> date:
        """No document before that day is compared with any of the drafts."""
        oldest = min((draft.identity.moment for draft in drafts), default=self.now)
        return oldest.date() - timedelta(days=self.rules.policies.duplicates.look_back_days + 1)

    def _known(self, numbers: Mapping[str, Iterable[str]]) -> Mapping[str, Known]:
        return self.known(
            [
                business_key(self.coupa.instance, supplier, number)
                for supplier in numbers
                for number in numbers[supplier]
            ]
        )

    def _receipts(self, drafts: Iterable[Draft]) -> Mapping[int, Sequence[GoodsReceipt]]:
        """Receipts of the PO lines that need them one by one."""
        lines = {
            line.po_line.id
            for draft in drafts
            for line in draft.ordered
            if reads_receipts(line.order, line.po_line, self.rules.tolerances)
        }
        return read_receipts(self.coupa, lines)


def keys_to_ask(group: Group) -> Sequence[OrderLineKey]:
    """Of an invoice one order line is enough: all carry its number and date. A credit memo may take back lines of several
    invoices, and which shipment a lent key is for nobody knows."""
    return group.line_keys if group.is_credit_note or group.lent else group.line_keys[:1]


def planned_record(record: Record, verdict: Verdict) -> PlannedRecord:
    """A record that no delivery bills; a waiting one is planned again by later runs."""
    return PlannedRecord(
        record_id=record.id,
        state=verdict.state,
        reason=verdict.reason,
        errors=verdict.errors,
        amount=record.amount,
        currency=record.currency,
        to_plan=verdict.state == "waiting",
        hash=record.hash,
    )


def settle(plan: Plan, candidates: Iterable[Candidate], verdict: Verdict) -> None:
    """The same fate for all of them."""
    plan.records.extend(planned_record(candidate.record, verdict) for candidate in candidates)
