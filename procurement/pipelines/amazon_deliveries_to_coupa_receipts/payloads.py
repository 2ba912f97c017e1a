"""What is sent for a decision: the deliveries of one shipped line, and what people read on the purchase order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.ledger.types import DeliveryName, PlannedDelivery
from procurement.mapping.receipt_grammar import ReceiptMappingFile
from procurement.order_facts import ShipmentFacts
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.names import (
    ASK,
    ASKED,
    CREATE,
    ESCALATED,
    MARK,
    REOPEN,
    RETURN,
    TELL,
    VOID,
    line_key,
    numbered,
    order_key,
)
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.surroundings import Manager
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.watching import Seen
from procurement.receiving import Decision, Post, Reversal
from procurement.receiving_facts import Shipment, arrived_at

Json = dict[str, Any]
REASON_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes the deliveries for shipped lines of one PO line. `seen`: what Coupa showed of its receipts."""

    mapping: ReceiptMappingFile
    order: PurchaseOrder
    line: PurchaseOrderLine
    seen: Seen
    version: str
    now: datetime
    reopen_reason: str

    def reversals(
        self, shipment: Shipment, decision: Decision, reopened: DeliveryName | None
    ) -> Iterator[PlannedDelivery]:
        """Reopening first, where the PO is soft-closed and no other reversal reopens it."""
        for number, reversal in enumerate(decision.reversals, shipment.history.sequence):
            key = self._key(shipment, number)
            if self.order.status == "soft_closed" and reopened is None:
                reopened = (REOPEN, key)
                yield self._delivery(REOPEN, key, self._reopening(shipment, reversal))
            yield self._reversal(shipment, reversal, number, after=reopened)

    def _reversal(
        self, shipment: Shipment, reversal: Reversal, number: int, *, after: DeliveryName | None
    ) -> PlannedDelivery:
        common = {**self._common(shipment), "receipt_id": reversal.receipt_id, "cause": shipment.cause}
        if reversal.whole:
            payload = {**common, "units": _plain(reversal.units)}
            return self._delivery(VOID, self._key(shipment, number), payload, after=after)
        body = self.mapping.goods_return(
            key=shipment.key, sequence=number, po_line_id=self.line.id, units=reversal.units, returned_at=self.now,
            receipt_id=reversal.receipt_id, match_reference=shipment.match_reference or shipment.facts.shipment_id,
            note=f"Went back to Amazon: {shipment.cause}",
        )  # fmt: skip
        return self._delivery(RETURN, self._key(shipment, number), {**common, "body": body}, after=after)

    def _reopening(self, shipment: Shipment, reversal: Reversal) -> Json:
        comment = f"{_plain(reversal.units)} of line {self.line.number} went back to Amazon: {shipment.cause}"
        body = {"reason-insight-code": self.reopen_reason, "reason-insight-event-comment": comment[:REASON_LENGTH]}
        return {"id": self.order.id, "po": self.order.number, "action": "reopen", "body": body}

    def receipt(self, shipment: Shipment, post: Post, number: int) -> PlannedDelivery:
        body = self.mapping.receipt(
            key=shipment.key, sequence=number, po_line_id=self.line.id, units=post.units, received_at=post.received_at,
            match_reference=post.match_reference, words=words_of(shipment.facts), note=post.note,
        )  # fmt: skip
        return self._delivery(CREATE, self._key(shipment, number), {**self._common(shipment), "body": body})

    def question(self, shipment: Shipment, decision: Decision, manager: Manager | None) -> PlannedDelivery:
        """To the requester, or in their silence to the manager."""
        escalating = decision.ask == "manager"
        number = ESCALATED if escalating else ASKED
        key, facts = self._key(shipment, number), shipment.facts
        requester = mention(self.order.requester_id, "Requester")
        if escalating:
            boss = f"@[User:{manager.id}]" if manager else "Manager of the requester"
            opening = f"{boss}: {requester} was asked and has not answered."
        else:
            opening = f"{requester}:"
        worth = self.line.unit_price.amount * facts.quantity
        text = (
            f"{opening} Amazon says that {facts.quantity} of line {self.line.number} ({self.line.description or facts.asin}), "
            f"worth {self.line.unit_price.currency} {worth:.2f}, arrived on {arrived_at(facts, self.now):%Y-%m-%d} "
            f"(shipment {facts.shipment_id}). This {decision.reason}. Please check the goods and receive what is there, "
            f"or say here what is missing. [{key}]"
        )
        payload = {**comment_on(self.order, text, marker=f"[{key}]"), "asked_at": self.now.isoformat()}
        return self._delivery(ASK, key, payload)

    def _common(self, shipment: Shipment) -> Json:
        return {
            "po": self.order.number,
            "line": self.line.number,
            "line_id": self.line.id,
            "shipment": shipment.key,
            "gate": self.seen.write(),
        }

    def _key(self, shipment: Shipment, number: int) -> str:
        return numbered(line_key(self.order.number, self.line.number, shipment.key), number)

    def _delivery(self, action: str, key: str, payload: Json, *, after: DeliveryName | None = None) -> PlannedDelivery:
        return PlannedDelivery(
            action=action, business_key=key, payload=payload, after=after, mapping_version=self.version,
            policy_version=self.version,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What was sent of a whole purchase order: how many words, and whether the requester was told."""

    words: int = 0
    told: bool = False

    @property
    def claims(self) -> bool:
        """Whether the last word of ours says that all is received."""
        return self.words % 2 == 1


def progress(
    order: PurchaseOrder,
    mapping: ReceiptMappingFile,
    *,
    complete: bool,
    said: Said,
    after: DeliveryName | None,
    version: str,
) -> Iterator[PlannedDelivery]:
    """The word on the PO and one comment to the requester once all lines are received; another word once they no longer are.

    What people wrote in the field stays: the word is set where it does not stand, and replaced only where it is ours.
    """
    key, received = order_key(order.number), mapping.received
    if received is not None and complete != said.claims:
        stands = order.custom_fields.get(received.field) == received.word
        if stands != complete:
            word = {"custom-fields": {received.field: received.word if complete else received.taken_back}}
            payload = {"id": order.id, "po": order.number, "body": word, "wanted": word, "received": complete}
            mark = PlannedDelivery(
                action=MARK, business_key=numbered(key, said.words + 1), payload=payload, after=after, mapping_version=version,
                policy_version=version,
            )  # fmt: skip
            yield mark
            after = mark.name
    if not complete or said.told:
        return
    people = mention(order.requester_id, "Requester")
    text = f"{people}: all lines of PO {order.number} are received. [{key}]"
    yield PlannedDelivery(
        action=TELL, business_key=key, payload=comment_on(order, text, marker=f"[{key}]"), after=after, required=False,
        mapping_version=version, policy_version=version,
    )  # fmt: skip


def comment_on(order: PurchaseOrder, text: str, *, marker: str) -> Json:
    return {"document": "purchase_orders", "id": order.id, "po": order.number, "text": text, "marker": marker}


def mention(user_id: int | None, word: str) -> str:
    """Coupa notifies whom a comment mentions; without a user it still says whose it is."""
    return f"@[User:{user_id}]" if user_id else word


def words_of(facts: ShipmentFacts) -> Mapping[str, str]:
    """What the mapping's `notes` may name."""
    return {
        "carrier": facts.carrier or "", "tracking_ids": ", ".join(tracking for _, tracking in facts.packages if tracking),
        "order_id": facts.order_id, "shipment_id": facts.shipment_id, "package_count": str(len(facts.packages)),
    }  # fmt: skip


def _plain(units: Decimal) -> str:
    return f"{units.normalize():f}"
