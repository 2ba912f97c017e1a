"""From purchase orders to planned Amazon orders: the decisions of the pipeline, in the order they are taken.

    read → first look (account, go-live, issued, number) → approved, unchanged, on no other channel → what earlier orders
    leave → not at Amazon already → fields, buyer, region → unit, offer, ceiling → parts of 50 lines

Every PO leaves with its orders planned, or with a state and its reason. A PO that was sent before is ordered again only
where a person names it, only the units that Amazon refused, and only once every earlier order has an answer. Nothing here
writes.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from procurement.errors import MoneyError
from procurement.ledger.types import Plan, PlannedDelivery, PlannedFinding, PlannedRecord, Record
from procurement.money import Money
from procurement.order_gate import Judged, Verdict, approved_by
from procurement.order_results import shipping_spent
from procurement.ordering import Blocked, PartKey, next_attempt, remaining, shipping_ceilings, split
from procurement.pipelines.coupa_requisitions_to_amazon_orders.candidates import (
    Candidate,
    first_look,
    rollout_of,
    second_look,
)
from procurement.pipelines.coupa_requisitions_to_amazon_orders.earlier import History, history_of
from procurement.pipelines.coupa_requisitions_to_amazon_orders.lines import Drafted, draft, ready_lines
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import PLACE, TRIAL
from procurement.pipelines.coupa_requisitions_to_amazon_orders.payloads import (
    Json,
    ReadyLine,
    ReadyOrder,
    order_payload,
    trial_payload,
)
from procurement.pipelines.coupa_requisitions_to_amazon_orders.preview import Proposal, Replaced
from procurement.pipelines.coupa_requisitions_to_amazon_orders.surroundings import (
    KnownOrders,
    Market,
    Requests,
    read_offers,
    read_orders_at_amazon,
    read_products,
    read_purchase_orders,
    read_requisitions,
)
from procurement.pipelines.proposals import SHADOW
from procurement.policies import Mode, Rules

NOT_AGAIN = "not_ordered_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Plans batches of POs.

    `known` and `trials` tell what the ledger has of orders by the beginning of their key; `released` are PO numbers that a
    person named, so that refused units are ordered again; `shadowed` tells which POs were planned in shadow, and are never
    ordered later unless a person names them.
    """

    amazon: Market
    coupa: Requests
    known: KnownOrders
    trials: KnownOrders
    rules: Rules
    now: datetime
    asked_amazon_at: datetime | None = None  # machine time, not later than Amazon was asked; absent: `now`
    released: frozenset[str] = frozenset()
    shadowed: Callable[[Iterable[str]], set[str]] = lambda numbers: set()
    rehearsal: bool = False  # a dry run shows the plan of a pipeline that is switched off, too

    def propose(self, records: Sequence[Record]) -> Proposal:
        """What to do with the POs; reads both systems, writes nothing."""
        proposal = Proposal()
        histories = self._histories(records)
        shadowed = self.shadowed(record.key for record in records) - self.released
        judged = self._judged(proposal, self._candidates(proposal, records, histories, shadowed))
        candidates = self._new_to_amazon(proposal, [one for one, _ in judged], histories)
        approved = self._approved(proposal, candidates, {one.number: verdict for one, verdict in judged})
        self._deliver(proposal, self._drafts(proposal, approved), histories)
        proposal.keep_skipped({record.id for record in records if record.key in shadowed}, SHADOW)
        return proposal

    def _histories(self, records: Iterable[Record]) -> dict[str, History]:
        numbers = [record.key for record in records]
        prefixes = [f"{number}-" for number in numbers]
        rows, trials = self.known(prefixes), {row.business_key: row for row in self.trials(prefixes)}
        return {
            number: history_of(number, rows, trials, self.amazon if number in self.released else None)
            for number in numbers
        }

    def _candidates(
        self, proposal: Proposal, records: Sequence[Record], histories: Mapping[str, History], shadowed: Container[str]
    ) -> list[Candidate]:
        """POs that were sent, and that nobody named, stay as they are: their orders follow them to the end. What shadow planned
        is only shown, never ordered."""
        named = [record for record in records if not histories[record.key].sent or record.key in self.released]
        orders = read_purchase_orders(self.coupa, (record.key for record in named))
        found = []
        for record in named:
            history = histories[record.key]
            look = first_look(
                record, orders.get(record.key), account_name=self.amazon.account, rules=self.rules, rehearsal=self.rehearsal
            )  # fmt: skip
            if isinstance(look, Verdict):
                settle(proposal.live, record, look, again=history.sent)
                continue
            if record.key in shadowed and not self._in_shadow(look):
                settle(proposal.live, record, Verdict("skipped", SHADOW), again=history.sent)
                continue
            look.earlier, look.again = history.earlier, history.sent
            found.append(look)
        return found

    def _in_shadow(self, one: Candidate) -> bool:
        """By rollout.yml itself, in a rehearsal too."""
        return rollout_of(one.raw, self.amazon.account, one.account.supplier, self.rules).mode is Mode.SHADOW

    def _judged(self, proposal: Proposal, candidates: Sequence[Candidate]) -> list[tuple[Candidate, Verdict | None]]:
        """With what their requisitions say; those that only wait need no further look."""
        requisitions = read_requisitions(self.coupa, (one.requisition_id for one in candidates))
        judged = []
        for one in candidates:
            verdict = second_look(one, requisitions.get(one.requisition_id), self.rules)
            if verdict is not None and verdict.state == "waiting":
                settle(proposal.live, one.record, verdict, again=one.again)
            else:
                judged.append((one, verdict))
        return judged

    def _approved(
        self, proposal: Proposal, candidates: Sequence[Candidate], verdicts: Mapping[str, Verdict | None]
    ) -> list[Candidate]:
        passed = []
        for one in candidates:
            verdict = verdicts[one.number]
            if verdict is None:
                passed.append(one)
            else:
                settle(proposal.live, one.record, verdict, again=one.again)
        return passed

    def _new_to_amazon(
        self, proposal: Proposal, candidates: Sequence[Candidate], histories: Mapping[str, History]
    ) -> list[Candidate]:
        """POs for which Amazon shows no order but our own. Asked before anybody is alarmed: what was ordered by punchout is done."""
        look_back = timedelta(days=self.rules.policies.orders.look_back_days)
        issued = {one.number: one.issued_at for one in candidates}
        shown = read_orders_at_amazon(self.amazon, issued, now=self.now, look_back=look_back)
        passed = []
        for one in candidates:
            strangers = sorted(set(shown.get(one.number, ())) - histories[one.number].order_ids)
            if not strangers:
                passed.append(one)
                continue
            verdict = Verdict("skipped", f"Amazon already shows order {', '.join(strangers)} for it")
            settle(proposal.live, one.record, verdict, again=one.again)
        return passed

    def _drafts(self, proposal: Proposal, candidates: Sequence[Candidate]) -> list[Drafted]:
        drafts = []
        for one in candidates:
            found = draft(one, self.rules, account_name=self.amazon.account, region=self.amazon.region)
            if isinstance(found, Verdict):
                settle(proposal.live, one.record, found, again=one.again)
            else:
                drafts.append(found)
        return drafts

    def _deliver(self, proposal: Proposal, drafts: Sequence[Drafted], histories: Mapping[str, History]) -> None:
        carts = self.rules.policies.orders.cart_id_prefixes
        offers = read_offers(self.amazon, (offer_id for one in drafts for offer_id in one.offer_ids(carts)))
        products = read_products(self.amazon, (asin for one in drafts for asin in one.asins))
        for one in drafts:
            candidate = one.candidate
            left = remaining(one.units, candidate.earlier)
            if isinstance(left, Blocked):
                settle(proposal.live, candidate.record, _blocked(left), again=True)
                continue
            if not left:
                settle(proposal.live, candidate.record, NOTHING_LEFT, again=True)
                continue
            ready = ready_lines(one, left, offers=offers, products=products, rules=self.rules)
            if isinstance(ready, Verdict):
                settle(proposal.live, candidate.record, ready, again=candidate.again)
                continue
            try:
                self._plan(proposal, one, ready, left, histories[candidate.number])
            except MoneyError as error:
                verdict = Verdict("held", f"its accounting cannot be split: {error}")
                settle(proposal.live, candidate.record, verdict, again=candidate.again)

    def _plan(
        self,
        proposal: Proposal,
        drafted: Drafted,
        ready: Mapping[str, ReadyLine],
        left: Mapping[str, int],
        history: History,
    ) -> None:
        candidate = drafted.candidate
        order = ReadyOrder(
            judged=Judged.of(candidate.raw), mapped=drafted.mapped, buyer_email=drafted.buyer_email,
            approved_by=tuple(approved_by(candidate.requisition)), asked_amazon_at=self.asked_amazon_at or self.now,
            lines=ready,
        )  # fmt: skip
        attempt = next_attempt(candidate.earlier)
        parts: list[tuple[PartKey, Json]] = []
        shares = split(left)
        for part, (units, shipping) in enumerate(zip(shares, self._shipping(drafted, shares, history), strict=True), 1):
            key = PartKey(candidate.number, part, attempt)
            parts.append((key, order_payload(order, units, key, shipping=shipping)))
        plan = proposal.shadow if candidate.rollout.mode is Mode.SHADOW else proposal.live
        for key, payload in parts:
            plan.deliveries += self._chain(key, payload)
            plan.records.append(
                PlannedRecord(
                    record_id=candidate.record.id, state="planned", part=f"{key.part}-{key.attempt}", bills=(PLACE, str(key)),
                    hash=candidate.record.hash,
                )
            )  # fmt: skip
        if plan is proposal.live:
            proposal.replaced += _replaced(history, attempt)

    def _shipping(self, drafted: Drafted, shares: Sequence[Mapping[str, int]], history: History) -> list[Money | None]:
        """The PO's ceiling, shared over what is ordered now, less what its earlier orders spent."""
        currency = drafted.candidate.currency
        earlier = [shipping_spent(row.facts, currency) for row in history.rows if row.facts]
        known = [spent for spent in earlier if spent is not None]
        parts = [
            [(drafted.lines[number][0].price, count) for number, count in one.items()]
            for one in (*shares, drafted.units)
        ]
        return shipping_ceilings(
            parts[:-1], parts[-1], self.rules.policies.orders, currency=currency,
            spent=Money.sum(known, currency) if len(known) == len(earlier) else None,
        )  # fmt: skip

    def _chain(self, key: PartKey, payload: Json) -> list[PlannedDelivery]:
        """The order, behind its trial where policy wants one."""
        version = self.rules.version
        order = PlannedDelivery(
            action=PLACE,
            business_key=str(key),
            payload=payload,
            mapping_version=version,
            policy_version=version,
            scope=self.amazon.account,
        )
        if self.rules.policies.orders.trial_mode == "off":
            return [order]
        trial = replace(order, action=TRIAL, payload=trial_payload(payload), required=False)
        return [trial, replace(order, after=trial.name)]


NOTHING_LEFT = Verdict("skipped", "every unit of it is ordered, or may be")


def _blocked(blocked: Blocked) -> Verdict:
    named = ", ".join(map(str, blocked.unanswered))
    return Verdict("waiting", f"order {named} has no answer yet; nothing is ordered again before it has")


def _replaced(history: History, attempt: int) -> list[Replaced]:
    """Orders of earlier attempts that people would still be asked about, or that could still be sent."""
    found = []
    for row, one in zip(history.rows, history.earlier, strict=True):
        if one.key.attempt < attempt and row.state in ("planned", "waiting", "held", "dead"):
            found.append(Replaced(row, f"its units are ordered again as attempt {attempt}"))
    return found


def settle(plan: Plan, record: Record, verdict: Verdict, *, again: bool) -> None:
    """A PO without a new order. One that was sent before keeps its state: the verdict is a finding about it."""
    if again:
        sentence = f"{record.key} is not ordered again: {' '.join(verdict.errors) or verdict.reason}"
        plan.findings.append(PlannedFinding(kind=NOT_AGAIN, sentence=sentence, record_id=record.id))
        return
    plan.records.append(
        PlannedRecord(
            record_id=record.id, state=verdict.state, reason=verdict.reason, errors=verdict.errors,
            error_class="policy" if verdict.state == "held" else None, to_plan=verdict.state == "waiting", hash=record.hash,
        )
    )  # fmt: skip
