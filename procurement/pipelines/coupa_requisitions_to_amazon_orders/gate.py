"""The gate: looked at directly before an order is claimed. Two reads of Coupa, one of the ledger; there is no way around it.

Coupa: approved, issued, unchanged, on no other channel (`order_gate.judge`). The ledger: no other order of the same PO is on
its way, and with this one no line would have more units than the PO. Amazon's trial, where there was one, refused nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.errors import NotFound
from procurement.buying_policies import OrderPolicies
from procurement.ledger.types import Peeked, Stop
from procurement.money import to_decimal
from procurement.order_gate import Judged, approved_by, judge
from procurement.order_results import read_facts
from procurement.ordering import over_quantity, read_key
from procurement.pipelines.coupa_requisitions_to_amazon_orders.earlier import history_of
from procurement.pipelines.coupa_requisitions_to_amazon_orders.payloads import asked_of
from procurement.pipelines.coupa_requisitions_to_amazon_orders.surroundings import KnownOrders, Market

Json = dict[str, Any]


class Approvals(Protocol):
    """The part of the Coupa client that the gate reads."""

    def get_purchase_order(self, id: int) -> Json: ...
    def get_requisition(self, id: int) -> Json: ...


@dataclass(frozen=True, slots=True)
class Gate:
    """`approvers`: who had approved each delivery when it passed, by delivery id; kept with the order."""

    coupa: Approvals
    amazon: Market
    known: KnownOrders
    policies: OrderPolicies
    mark_as_sent: bool
    approvers: dict[int, list[str]] = field(default_factory=dict)

    def look(self, delivery: Peeked) -> Stop | None:
        """Why it may not be sent now; None: it may. Raises the connectors' errors when Coupa cannot be read."""
        judged = Judged.read(delivery.payload["gate"])
        if refused := read_facts(delivery.after_facts).rejections:
            return Stop("held", "Amazon's trial refused some of it", tuple(refused))
        if (stop := self._beside_others(delivery, judged)) is not None:
            return stop
        try:
            order = self.coupa.get_purchase_order(judged.po_id)
            requisition = self.coupa.get_requisition(judged.requisition_id)
        except NotFound:
            return Stop("held", "Coupa does not show the purchase order or its requisition any more")
        verdict = judge(judged, order, requisition, self.policies, mark_as_sent=self.mark_as_sent)
        if verdict is not None:
            return Stop("held", verdict.reason, verdict.errors)
        self.approvers[delivery.id] = approved_by(requisition)
        return None

    def _beside_others(self, delivery: Peeked, judged: Judged) -> Stop | None:
        """Whatever was replayed or planned twice: never two orders for the same units."""
        own = read_key(delivery.business_key)
        assert own is not None
        rows = [row for row in self.known([f"{own.po_number}-"]) if row.business_key != delivery.business_key]
        history = history_of(own.po_number, rows, {}, self.amazon)
        rivals = [
            row.business_key
            for row, one in zip(history.rows, history.earlier, strict=True)
            if one.key.attempt != own.attempt and (one.fate == "unanswered" or row.state in ("planned", "sending"))
        ]
        if rivals:
            return Stop("held", f"order {', '.join(rivals)} of the same purchase order has no answer yet")
        taken: dict[str, int] = {}
        for one in history.earlier:
            for number, units in one.accepted.items():
                taken[number] = taken.get(number, 0) + units
        asked = {number: line.units for number, line in asked_of(delivery.payload).items()}
        over = over_quantity(_ordered(judged), taken, asked)
        return Stop("held", "more would be ordered than the purchase order has", tuple(over)) if over else None


def _ordered(judged: Judged) -> dict[str, int]:
    return {str(line["number"]): _units(line) for line in judged.lines}


def _units(line: Mapping[str, Any]) -> int:
    return int(to_decimal(str(line.get("quantity") or "0")))
