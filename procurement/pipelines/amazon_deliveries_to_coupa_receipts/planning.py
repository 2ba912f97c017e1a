"""From shipped lines to planned receipts: the decisions of the pipeline, in the order they are taken.

    read → has a PO number → arrived → its PO in Coupa → its PO line → after go-live → what was sent and received before →
    decided with all shipped lines of the PO line → receipts, reversals, questions; the PO is told when all is received

Shipped lines come in whole purchase orders. Every record leaves with exactly one fate: parts that deliveries carry, and a
part `state` that says what remains. What may have been sent is never planned again. Nothing here writes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.errors import RecordError
from procurement.ledger.transaction_lines import TransactionLine
from procurement.ledger.types import (
    DeliveryName,
    Plan,
    PlannedDelivery,
    PlannedFinding,
    PlannedRecord,
    PlannedState,
    Record,
)
from procurement.order_facts import LineFacts, ShipmentFacts, read_shipment
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.names import (
    ASK,
    PIPELINE,
    REOPEN,
    TELL,
    line_key,
    order_key,
)
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.payloads import Said, Writer, progress
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.preview import Proposal
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.references import References, read_references
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.surroundings import (
    KnownDeliveries,
    Manager,
    Target,
    has_unsent,
    history_of,
    is_unsent,
    read_histories,
    read_managers,
    read_orders,
    read_receipts,
    read_words,
)
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.watching import Seen
from procurement.policies import Mode, Rules
from procurement.policy_files import CAREFULNESS, RolloutRule
from procurement.purchase_orders import resolve_line
from procurement.receipt_policies import ReceiptPolicies
from procurement.receiving import Decision, decide
from procurement.receiving_facts import History, Receipt, Shipment, arrived, arrived_at
from procurement.receiving_progress import all_received
from procurement.receiving_units import unit_conflict

ZERO = Decimal(0)
TransactionLines = Callable[[Iterable[str]], Sequence[TransactionLine]]  # by Amazon order ids
OrderLines = Mapping[tuple[str, str], LineFacts]  # by order id and order line id


@dataclass(slots=True)
class Placed:
    """A shipped line on its PO line. `early`: from before go-live, it only counts for the others; `unsent`: an earlier plan
    for it was not sent yet."""

    record: Record
    facts: ShipmentFacts
    order: PurchaseOrder
    line: PurchaseOrderLine
    mode: Mode
    early: bool = False
    unsent: bool = False
    shipment: Shipment = field(init=False)

    @property
    def prefix(self) -> str:
        return line_key(self.order.number, self.line.number, self.facts.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Plans batches of whole purchase orders. `released` are PO numbers that a person let through the go-live date;
    `rehearsal`: a dry run shows what a pipeline that is switched off would do, too."""

    coupa: Target
    account: str
    known: KnownDeliveries
    transactions: TransactionLines
    order_lines: OrderLines
    rules: Rules
    now: datetime
    released: frozenset[str] = frozenset()
    rehearsal: bool = False

    def propose(self, records: Sequence[Record], *, pending: frozenset[int]) -> Proposal:
        """What to do with `records`, of which those in `pending` still need a fate; reads Coupa and the ledger."""
        proposal = Proposal()
        placed = self._placed(proposal.live, records)
        rows = read_histories(self.known, [one.prefix for one in placed])
        receipts = read_receipts(self.coupa, {one.line.id for one in placed}, self.rules.receipts.external_id)
        references = self._references(records)
        for one in placed:
            history = history_of(rows[one.prefix], receipts.get(one.line.id, ()), one.facts.key)
            one.shipment = self._shipment(one, references[one.facts.order_id], history)
            one.unsent = has_unsent(rows[one.prefix])
        decided = [(one, decision) for some in _by_line(placed) for one, decision in self._decided(some, receipts)]
        managers = read_managers(
            self.coupa,
            (
                one.order.requester_email
                for one, decision in decided
                if decision.ask == "manager" and one.order.requester_email
            ),
        )
        keys = {order_key(one.order.number) for one in placed}
        words, told = read_words(self.known, keys), self.known(TELL, keys)
        for group in _by_order(decided):
            plan = proposal.shadow if group[0][0].mode is Mode.SHADOW else proposal.live
            key = order_key(group[0][0].order.number)
            said = Said(max((n for n, row in words[key] if row.claimed), default=0), key in told and told[key].claimed)
            self._keep(plan, group, receipts, managers, pending=pending, said=said)
        planned = {delivery.name for delivery in proposal.live.deliveries}
        earlier = [row for some in rows.values() for _, row in some if row.action == ASK]
        undecided = {order_key(one.order.number) for one in placed if one.shipment.history.unsettled}
        for key in keys - undecided:
            earlier += [*(row for _, row in words[key]), *([told[key]] if key in told else [])]
        proposal.withdrawn = [
            row.id for row in earlier if is_unsent(row) and (row.action, row.business_key) not in planned
        ]
        return proposal

    def _placed(self, plan: Plan, records: Sequence[Record]) -> list[Placed]:
        """The shipped lines that have a PO line; whatever has none is settled in `plan`."""
        groups: dict[str, list[tuple[Record, ShipmentFacts]]] = {}
        for record in records:
            if record.group_key:
                groups.setdefault(record.group_key, []).append((record, read_shipment(record.raw)))
            else:
                settle(
                    plan, record, "skipped", "Amazon shipped it without a PO number: there is nothing to receive it on"
                )
        policies = self._policies
        for number in [
            number
            for number, group in groups.items()
            if not any(arrived(one, policies) or one.is_lost for _, one in group)
        ]:
            for record, facts in groups.pop(number):
                gone = facts.tracking_status in policies.reversing_tracking
                reason = f"never arrived: {facts.tracking_status}" if gone else "not delivered yet"
                settle(plan, record, "skipped" if gone else "waiting", reason)
        orders = read_orders(self.coupa, groups)
        placed: list[Placed] = []
        for number, group in groups.items():
            order = orders.documents.get(number)
            if order is None:
                unreadable = orders.unreadable.get(number)
                problems = unreadable or (f"Coupa has no purchase order {number}, to which Amazon delivered.",)
                for record, _ in group:
                    settle(
                        plan,
                        record,
                        "dead",
                        "its PO cannot be read" if unreadable else "its PO is not in Coupa",
                        problems,
                    )
            else:
                placed += self._on_lines(plan, order, group)
        return placed

    def _on_lines(
        self, plan: Plan, order: PurchaseOrder, group: Sequence[tuple[Record, ShipmentFacts]]
    ) -> Iterator[Placed]:
        for record, facts in group:
            line, problems = _resolved(order, facts)
            rollout = self._rollout(order, order.lines if line is None else [line])
            if rollout.mode is Mode.OFF:
                settle(plan, record, "skipped", "switched off for this account, supplier or cost center")
                continue
            if line is None:
                settle(plan, record, "dead", "its PO line cannot be told", problems)
                continue
            early = self._before(rollout, facts) and order.number not in self.released
            if early:
                settle(plan, record, "skipped", "delivered before go-live")
            yield Placed(record, facts, order, line, rollout.mode, early)

    def _before(self, rollout: RolloutRule, facts: ShipmentFacts) -> bool:
        if rollout.go_live is None or not arrived(facts, self._policies):
            return False
        return arrived_at(facts, self.now).astimezone(ZoneInfo(self._zone)).date() < rollout.go_live

    def _rollout(self, order: PurchaseOrder, lines: Iterable[PurchaseOrderLine]) -> RolloutRule:
        """The most careful of the rules that hold for the lines' cost centers, the supplier and the account."""
        centers: set[str | None] = {center for line in lines for center in line.cost_centers}
        rules = [
            self.rules.rollout.of(PIPELINE, account=self.account, supplier=order.supplier, cost_center=center)
            for center in centers or {None}
        ]
        rule = min(rules, key=lambda one: (CAREFULNESS.index(one.mode), -one.go_live.toordinal() if one.go_live else 0))
        return rule.model_copy(update={"mode": Mode.LIVE}) if self.rehearsal else rule

    @property
    def _policies(self) -> ReceiptPolicies:
        """A dry run does not ask Package Tracking, so it does not wait for it either."""
        policies = self.rules.policies.receipts
        return policies.model_copy(update={"tracking": "never"}) if self.rehearsal else policies

    @property
    def _zone(self) -> str:
        return self.rules.zone_of(self.account)

    def _references(self, records: Sequence[Record]) -> dict[str, References]:
        """By Amazon order: which invoice shipment is which, and what refunds say went back."""
        orders: dict[str, list[ShipmentFacts]] = {}
        for record in records:
            facts = read_shipment(record.raw)
            orders.setdefault(facts.order_id, []).append(facts)
        lines: dict[str, list[TransactionLine]] = {}
        for line in self.transactions(orders):
            lines.setdefault(line.order_id, []).append(line)
        policies = self._policies
        return {id: read_references(facts, lines.get(id, ()), policies) for id, facts in orders.items()}

    def _shipment(self, one: Placed, references: References, history: History) -> Shipment:
        facts, rules = one.facts, self.rules
        back = references.went_back[facts.key]
        own = rules.receipts.match_reference == "shipment"
        sold = self.order_lines.get((facts.order_id, facts.order_line_id))
        return Shipment(
            facts=facts, history=history, went_back=back.units, cause=back.cause, unclear=back.unclear, zone=self._zone,
            match_reference=facts.shipment_id if own else references.shipment_ids.get(facts.key),
            unit_conflict=unit_conflict(
                unit=one.line.unit_of_measure, po_price=one.line.unit_price.amount, title=sold.title if sold else "",
                amazon_prices=map(Decimal, sold.unit_prices) if sold else (), single_units=rules.policies.orders.single_units,
            ),
        )  # fmt: skip

    def _decided(
        self, some: Sequence[Placed], receipts: Mapping[int, Sequence[Receipt]]
    ) -> Iterator[tuple[Placed, Decision]]:
        """The shipped lines of one PO line; those from before go-live are counted and left alone."""
        order, line = some[0].order, some[0].line
        decisions = decide(
            order, line, [one.shipment for one in some], receipts.get(line.id, ()),
            policies=self._policies, now=self.now,
        )  # fmt: skip
        yield from ((one, decisions[one.facts.key]) for one in some if not one.early)

    def _keep(
        self, plan: Plan, group: Sequence[tuple[Placed, Decision]], receipts: Mapping[int, Sequence[Receipt]],
        managers: Mapping[str, Manager], *, pending: frozenset[int], said: Said,
    ) -> None:  # fmt: skip
        """The deliveries of one purchase order, and the fate of each of its shipped lines.

        A shipped line that is not pending keeps the fate it has, unless something is sent for it, or no longer is.
        """
        order = group[0][0].order
        coming: dict[int, Decimal] = {}
        reopened: DeliveryName | None = None
        last: DeliveryName | None = None  # of the receipts and reversals
        voiding = {one.line.id for one, decision in group if any(each.whole for each in decision.reversals)}
        for one, decision in group:
            seen = Seen.of(receipts.get(one.line.id, ()), one.line.received, voiding=one.line.id in voiding)
            writer = self._writer(one, seen)
            if decision.reversals and order.status in ("closed", "cancelled"):
                problem = f"PO {order.number} is {order.status} for good, so Coupa takes nothing back on it: {decision.reason}."
                settle(plan, one.record, "dead", f"its PO is {order.status}", (problem,), part="state")
                continue
            deliveries = list(writer.reversals(one.shipment, decision, reopened))
            last = deliveries[-1].name if deliveries else last
            reopened = next((each.name for each in deliveries if each.action == REOPEN), reopened)
            if decision.post is not None:
                number = one.shipment.history.sequence + len(decision.reversals)
                deliveries.append(writer.receipt(one.shipment, decision.post, number))
                last = deliveries[-1].name
                coming[one.line.id] = coming.get(one.line.id, ZERO) + decision.post.units
            for reversal in decision.reversals:
                coming[one.line.id] = coming.get(one.line.id, ZERO) - reversal.units
            if decision.ask is not None:
                manager = managers.get((order.requester_email or "").lower())
                deliveries.append(writer.question(one.shipment, decision, manager))
            refunded = one.facts.is_lost and decision.state == "skipped"  # a person need not look for it any more
            if one.record.id in pending or deliveries or one.unsent or refunded:
                _settle_placed(plan, one, decision, deliveries)
        plan.deliveries += progress(
            order,
            self.rules.receipts,
            complete=all_received(order, coming),
            said=said,
            after=last,
            version=self.rules.version,
        )

    def _writer(self, one: Placed, seen: Seen) -> Writer:
        return Writer(
            mapping=self.rules.receipts, order=one.order, line=one.line, seen=seen, version=self.rules.version, now=self.now,
            reopen_reason=self._policies.reopen_reason,
        )  # fmt: skip


def _settle_placed(plan: Plan, one: Placed, decision: Decision, deliveries: Sequence[PlannedDelivery]) -> None:
    """One part for each chain of receipts and reversals, and the part that says what remains; a question is not its fate."""
    plan.deliveries += deliveries
    roots = [
        each for each in deliveries if each.action != ASK and (each.after is None or each.after[1] != each.business_key)
    ]
    plan.records += [
        bills(one.record, each, part=f"{each.action} {each.business_key.rsplit('/', 1)[1]}") for each in roots
    ]
    plan.records.append(
        PlannedRecord(
            record_id=one.record.id, state=decision.state, reason=decision.reason, part="state", to_plan=decision.recheck,
            hash=one.record.hash,
        )
    )  # fmt: skip
    about = deliveries[0].name if deliveries else None
    plan.findings += [
        PlannedFinding(
            kind=note.kind, sentence=note.sentence, delivery=about, record_id=None if about else one.record.id,
            line=one.line.number, breached=note.kind != "goods_returned", expected=_text(note.expected), actual=_text(note.actual),
        )
        for note in decision.notes
    ]  # fmt: skip


def bills(record: Record, delivery: PlannedDelivery, *, part: str) -> PlannedRecord:
    return PlannedRecord(record_id=record.id, state="planned", part=part, bills=delivery.name, hash=record.hash)


def settle(
    plan: Plan, record: Record, state: PlannedState, reason: str, errors: Sequence[str] = (), *, part: str = "state"
) -> None:
    """A record for which nothing is sent; it is planned again when Amazon shows it differently."""
    plan.records.append(
        PlannedRecord(
            record_id=record.id, state=state, reason=reason, part=part, errors=tuple(errors), hash=record.hash
        )
    )


def _resolved(order: PurchaseOrder, facts: ShipmentFacts) -> tuple[PurchaseOrderLine | None, tuple[str, ...]]:
    """Its PO line, or why there is none."""
    try:
        line = resolve_line(order, line_number=facts.po_line_number, asin=facts.asin, quantity=Decimal(facts.quantity))
    except RecordError as error:
        return None, tuple(error.problems)
    return line, ()


def _by_line(placed: Iterable[Placed]) -> Iterable[list[Placed]]:
    lines: dict[int, list[Placed]] = {}
    for one in sorted(placed, key=lambda one: (arrived_at(one.facts, _NEVER), one.facts.key)):
        lines.setdefault(one.line.id, []).append(one)
    return lines.values()


def _by_order(decided: Iterable[tuple[Placed, Decision]]) -> Iterable[list[tuple[Placed, Decision]]]:
    """One group a purchase order, and another for those of its lines that are only in shadow."""
    orders: dict[tuple[str, Mode], list[tuple[Placed, Decision]]] = {}
    for one, decision in decided:
        orders.setdefault((one.order.number, one.mode), []).append((one, decision))
    return orders.values()


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number.normalize(), "f")


_NEVER = datetime.max.replace(tzinfo=UTC)
