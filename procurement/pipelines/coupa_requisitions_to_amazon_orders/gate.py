"""The gate: looked at directly before an order is claimed. Reads of Coupa, of the ledger and of Amazon; there is no way around it.

The ledger: Amazon's trial, where there was one, neither refused nor ordered; no other order of the same PO is on its way,
and with this one no line would have more units than the PO. rollout.yml: still live. Coupa: approved, issued, unchanged, on
no other channel (`order_gate.judge`), and nothing that compliance.yml stops. Amazon: nobody ordered the PO meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from connectors.errors import NotFound
from procurement.ledger.types import Known, Peeked, Stop
from procurement.money import to_decimal
from procurement.order_gate import Judged, Verdict, approved_by, judge
from procurement.order_results import OrderOutcome, read_facts
from procurement.ordering import PartKey, over_quantity, read_key
from procurement.pipelines.compliance_gate import no_rules
from procurement.pipelines.coupa_requisitions_to_amazon_orders.candidates import still_switched_on
from procurement.pipelines.coupa_requisitions_to_amazon_orders.earlier import history_of, of_number
from procurement.pipelines.coupa_requisitions_to_amazon_orders.payloads import asked_of
from procurement.pipelines.coupa_requisitions_to_amazon_orders.surroundings import KnownOrders, Market, orders_of_po
from procurement.policies import Rules

Json = dict[str, Any]
Alarm = Callable[[Peeked, Verdict], object]


class Approvals(Protocol):
    """The part of the Coupa client that the gate reads."""

    def get_purchase_order(self, id: int) -> Json: ...
    def get_requisition(self, id: int) -> Json: ...


def _machine_time() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`alarm` hears of what must not wait for the list of held rows. `complies` asks compliance.yml of a PO and its requisition,
    `alone` is held meanwhile and until the claim. `approvers`: who had approved each delivery when it
    passed, by delivery id; kept with the order."""

    coupa: Approvals
    amazon: Market
    known: KnownOrders
    trials: KnownOrders
    rules: Rules
    alarm: Alarm
    complies: Callable[[Json, Json], Verdict | None] = no_rules
    alone: Callable[[], AbstractContextManager[object]] = nullcontext
    machine_time: Callable[[], datetime] = _machine_time
    approvers: dict[int, list[str]] = field(default_factory=dict)

    def look(self, delivery: Peeked) -> Stop | None:
        """Why it may not be sent now; None: it may. Raises the connectors' errors when Coupa or Amazon cannot be read."""
        verdict = self._verdict(delivery)
        if verdict is None:
            return None
        if verdict.alarm:
            self.alarm(delivery, verdict)
        return Stop(verdict.state, verdict.reason, verdict.errors)

    def _verdict(self, delivery: Peeked) -> Verdict | None:
        judged, own = Judged.read(delivery.payload["gate"]), read_key(delivery.business_key)
        assert own is not None
        rows = of_number(own.po_number, self.known([f"{own.po_number}-"]))
        verdict = self._after_trials(delivery, own) or self._beside_others(delivery, judged, own, rows)
        if verdict is not None:
            return verdict
        try:
            order = self.coupa.get_purchase_order(judged.po_id)
            requisition = self.coupa.get_requisition(judged.requisition_id)
        except NotFound:
            return Verdict("held", "Coupa does not show the purchase order or its requisition any more")
        account = self.rules.accounts.of(self.amazon.account)
        marked = bool(account and account.ordering and account.ordering.mark_as_sent)
        verdict = (
            still_switched_on(order, account_name=self.amazon.account, rules=self.rules)
            or judge(judged, order, requisition, self.rules.policies.orders, mark_as_sent=marked)
            or self.complies(order, requisition)
            or self._at_amazon(delivery, own, rows)
        )
        if verdict is None:
            self.approvers[delivery.id] = approved_by(requisition)
        return verdict

    def _after_trials(self, delivery: Peeked, own: PartKey) -> Verdict | None:
        """A trial that ordered is an order: nothing more of the PO is sent until a person has looked at Amazon."""
        trials = of_number(own.po_number, self.trials([f"{own.po_number}-"]))
        answers = [(row.business_key, read_facts(row.facts)) for row in trials]
        if ordered := [_trial_ordered(key, facts) for key, facts in answers if facts.signed or facts.order_ids]:
            return Verdict("held", "ALARM: Amazon ordered what was only a trial", tuple(ordered), alarm=True)
        if refused := read_facts(delivery.after_facts).rejections:
            return Verdict("held", "Amazon's trial refused some of it", tuple(refused))
        return None

    def _beside_others(self, delivery: Peeked, judged: Judged, own: PartKey, rows: Sequence[Known]) -> Verdict | None:
        """Whatever was replayed or planned twice: never two orders for the same units."""
        others = [row for row in rows if row.business_key != delivery.business_key]
        history = history_of(own.po_number, others, {}, self.amazon)
        rivals = [
            row.business_key
            for row, one in zip(history.rows, history.earlier, strict=True)
            if one.key.attempt != own.attempt and (one.fate == "unanswered" or row.state in ("planned", "sending"))
        ]
        if rivals:
            return Verdict("held", f"order {', '.join(rivals)} of the same purchase order has no answer yet")
        taken: dict[str, int] = {}
        for one in history.earlier:
            for number, units in one.accepted.items():
                taken[number] = taken.get(number, 0) + units
        asked = {number: line.units for number, line in asked_of(delivery.payload).items()}
        over = over_quantity(_ordered(judged), taken, asked)
        return Verdict("held", "more would be ordered than the purchase order has", tuple(over)) if over else None

    def _at_amazon(self, delivery: Peeked, own: PartKey, rows: Sequence[Known]) -> Verdict | None:
        """Whether Amazon shows an order of the PO that is none of ours. An order of ours whose answer the ledger lacks is asked
        for by its key, so that it is not taken for somebody else's."""
        if not self._asked_long_ago(delivery):
            return None
        shown = dict.fromkeys(orders_of_po(self.amazon, own.po_number))
        ours = {order_id for row in rows for order_id in read_facts(row.facts).order_ids}
        for row in rows if shown.keys() - ours else ():
            result = self.amazon.order_details(row.business_key)
            found = result.order_ids if result is not None else ()
            if row.business_key == delivery.business_key and found:
                return _there_already(row.business_key, found)
            ours |= set(found)
        if not (strangers := [order_id for order_id in shown if order_id not in ours]):
            return None
        reason = f"Amazon already shows order {', '.join(strangers)} for it"
        return Verdict("held" if ours else "skipped", reason, (f"{reason}: nothing is ordered a second time.",))

    def _asked_long_ago(self, delivery: Peeked) -> bool:
        """Since the plan, by machine time; a plan that does not say when it asked counts as old."""
        asked_at = delivery.payload.get("asked_amazon_at")
        if asked_at is None:
            return True
        age = self.machine_time() - datetime.fromisoformat(str(asked_at))
        return age >= timedelta(minutes=self.rules.policies.orders.look_again_minutes)


def _trial_ordered(key: str, facts: OrderOutcome) -> str:
    named = f"as {', '.join(facts.order_ids)}" if facts.order_ids else "signed, without an order number"
    return (
        f"ALARM: Amazon answered the trial of {key} with an order, {named}. It is not ordered a second time. "
        "Look at Amazon whether the order exists: keep it and discard this one, or cancel it there."
    )


def _there_already(key: str, order_ids: Sequence[str]) -> Verdict:
    sentence = (
        f"ALARM: Amazon had answered that it did not have order {key}, and shows it now as {', '.join(order_ids)}. It is not "
        "ordered a second time. Write the order number into Coupa, and discard this one."
    )
    return Verdict("held", "ALARM: Amazon has this very order already", (sentence,), alarm=True)


def _ordered(judged: Judged) -> dict[str, int]:
    return {str(line["number"]): _units(line) for line in judged.lines}


def _units(line: Mapping[str, Any]) -> int:
    return int(to_decimal(str(line.get("quantity") or "0")))
