"""One PO line in Coupa, as far as receiving can change it: receipts of ours and of people, voids, returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import structs

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.money import Money
from procurement.order_facts import ShipmentFacts
from procurement.receipt_policies import ReceiptPolicies
from procurement.receiving import Decision, History, Receipt, Shipment, decide

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ARRIVAL, DEPARTURE = "ReceivingQuantityConsumption", "ReceivingQuantityReturnToSupplier"
PEOPLE = "Ana Buyer"


def policies(**changes: Any) -> ReceiptPolicies:
    return ReceiptPolicies.model_validate(changes)


def facts(number: int = 1, quantity: int = 2, **changes: Any) -> ShipmentFacts:
    """Shipment S<number> of order line L1, delivered at noon unless told otherwise."""
    values: dict[str, Any] = {
        "order_id": "112-1", "shipment_id": f"S{number}", "order_line_id": "L1", "quantity": quantity, "delivered_seen": NOW,
        "packages": (("1", "TBA1"),), "carrier": "AMZN_US",
    }  # fmt: skip
    return ShipmentFacts(**{**values, **changes})


def shipment(number: int = 1, quantity: int = 2, **changes: Any) -> Shipment:
    """What `facts` makes, whose invoice carries the same shipment id; `changes` of either."""
    own = {name: changes.pop(name) for name in list(changes) if name in Shipment.__dataclass_fields__}
    return Shipment(facts=facts(number, quantity, **changes), **{"match_reference": f"S{number}", **own})


def po_line(quantity: int | None = 10, **changes: Any) -> PurchaseOrderLine:
    values: dict[str, Any] = {
        "id": 1, "number": "1", "quantity": None if quantity is None else Decimal(quantity), "unit_price": Money.of("10.00", "USD"),
        "total": Money.of("100.00", "USD"), "received": Decimal(0), "invoiced": Decimal(0), "match_type": "3-way",
        "receipt_required": True, "commodity": "Office Supplies",
    }  # fmt: skip
    return PurchaseOrderLine(**{**values, **changes})


def po(line: PurchaseOrderLine, **changes: Any) -> PurchaseOrder:
    values: dict[str, Any] = {
        "id": 7, "number": "4500", "status": "issued", "version": 1, "supplier": "AMZN-US", "supplier_id": 9, "currency": "USD",
        "lines": (line,),
    }  # fmt: skip
    return PurchaseOrder(**{**values, **changes})


@dataclass
class CoupaLine:
    """Applies decisions the way Coupa and the pipeline would, one after the other."""

    line: PurchaseOrderLine = field(default_factory=po_line)
    receipts: list[Receipt] = field(default_factory=list)
    sequences: dict[str, int] = field(default_factory=dict)
    voided: dict[str, frozenset[int]] = field(default_factory=dict)

    @property
    def received(self) -> Decimal:
        live = [one.live if one.arrives else -one.live for one in self.receipts]
        return sum(live, Decimal(0))

    def receive(self, units: int, by: str = PEOPLE, **changes: Any) -> Receipt:
        receipt = Receipt(id=len(self.receipts) + 1, kind=ARRIVAL, quantity=Decimal(units), by=by, **changes)
        self.receipts.append(receipt)
        return receipt

    def void(self, id: int) -> None:
        place = next(n for n, one in enumerate(self.receipts) if one.id == id)
        self.receipts[place] = replace(self.receipts[place], voided=self.receipts[place].quantity)

    def history(self, key: str) -> History:
        return History(sequence=self.sequences.get(key, 1), voided=self.voided.get(key, frozenset()))

    def decide(self, *shipments: Shipment, now: datetime = NOW, **choices: Any) -> dict[str, Decision]:
        """What the rules say, with our past filled in; nothing is applied."""
        line = structs.replace(self.line, received=self.received)
        known = [
            replace(one, history=one.history if one.history != History() else self.history(one.key))
            for one in shipments
        ]
        return decide(po(line), line, known, self.receipts, policies=policies(**choices), now=now)

    def settle(self, *shipments: Shipment, **choices: Any) -> dict[str, Decision]:
        """Decides and applies; returns the decisions."""
        decisions = self.decide(*shipments, **choices)
        for key, decision in decisions.items():
            self.apply(key, decision)
        return decisions

    def apply(self, key: str, decision: Decision) -> None:
        for reversal in decision.reversals:
            external = f"{key}/{self._next(key)}"
            if reversal.whole:
                self.void(reversal.receipt_id)
                self.voided[key] = self.voided.get(key, frozenset()) | {reversal.receipt_id}
            else:
                returned = Receipt(
                    id=len(self.receipts) + 1, kind=DEPARTURE, quantity=reversal.units, external_id=external,
                    original_id=reversal.receipt_id,
                )  # fmt: skip
                self.receipts.append(returned)
        if decision.post is not None:
            self.receive(
                int(decision.post.units), by="Integration", external_id=f"{key}/{self._next(key)}",
                match_reference=decision.post.match_reference,
            )  # fmt: skip

    def _next(self, key: str) -> int:
        number = self.sequences.get(key, 1)
        self.sequences[key] = number + 1
        return number


def only(decisions: dict[str, Decision]) -> Decision:
    assert len(decisions) == 1
    return next(iter(decisions.values()))


def posted(decisions: dict[str, Decision]) -> Sequence[Decimal | None]:
    return [decision.post.units if decision.post else None for decision in decisions.values()]
