"""The writes of the pipeline, and how Coupa is asked whether one already happened.

A receipt is found by the custom field that names its shipped line and number. One that covers the same shipment without
it was keyed by somebody else: it is never taken for ours, and holds ours back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.coupa.client import Coupa
from connectors.errors import RejectedError
from connectors.http import Permit
from procurement.errors import DuplicateTarget
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop
from procurement.mapping.receipt_grammar import ReceiptMappingFile
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.names import (
    ASK,
    CREATE,
    MARK,
    REOPEN,
    RETURN,
    TELL,
    VOID,
)
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.surroundings import read_receipt
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.watching import Seen, what_changed
from procurement.pipelines.coupa_actions import ActOnOrder, Comment, UpdateOrder
from procurement.purchase_orders import read_purchase_order
from procurement.receiving_facts import Receipt
from procurement.receiving_progress import all_received
from procurement.sending import Action

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CreateReceipt:
    """A goods receipt, or with `to_do` of its own a return: payload {po, line, line_id, shipment, gate, body}."""

    coupa: Coupa
    external_id: str
    to_do: str = (
        "To do: see whether line {line} of PO {po} is closed for receiving or the PO is closed. Reopen it in Coupa and replay "
        "this letter, or receive the goods by hand and discard it."
    )

    def permit(self) -> Permit:
        return self.coupa.permit("create_receipt")

    def gate(self, delivery: Peeked) -> Stop | None:
        """Before every attempt: what a person received since it was planned may be these very units.

        One read, and another of the receipts where the PO line's received units are not those that the plan saw.
        """
        payload = delivery.payload
        lines = (raw for page in self.coupa.purchase_order_lines([payload["line_id"]]) for raw in page)
        why = what_changed(
            Seen.read(payload["gate"]), next(lines, None), lambda: self._receipts(payload), name=self._name(delivery)
        )
        return None if why is None else Stop("waiting", f"{why}: planned again")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        payload = delivery.payload
        try:
            raw = self.coupa.create_receipt(payload["body"], permit)
        except RejectedError as error:
            raise with_advice(error, self.to_do, payload) from error
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        """DuplicateTarget where two carry our name."""
        receipts = self._receipts(delivery.payload)
        name = self._name(delivery)
        ours = [one for one in receipts if one.external_id == name]
        if len(ours) > 1:
            raise DuplicateTarget(f"receipts {', '.join(str(one.id) for one in ours)} all carry {name}")
        if ours:
            return Found(target_id=str(ours[0].id), ours=True)
        body = delivery.payload["body"]
        alike = (
            one
            for one in receipts
            if one.kind == body["type"] and one.match_reference == body["match-reference"] and not one.external_id
        )
        seen = Seen.read(delivery.payload["gate"])
        stranger = next((one for one in alike if seen.is_news(one)), None)
        return Found(target_id=str(stranger.id), ours=False) if stranger is not None else None

    def _name(self, delivery: Claimed | Peeked) -> str:
        return str(delivery.payload["body"]["custom-fields"][self.external_id])

    def _receipts(self, payload: Json) -> list[Receipt]:
        return list(receipts_of(self.coupa, payload["line_id"], self.external_id))


@dataclass(frozen=True, slots=True)
class VoidReceipt:
    """Payload {po, line, line_id, receipt_id, units, ...}: takes one of our receipts back as a whole."""

    coupa: Coupa
    external_id: str

    def permit(self) -> Permit:
        return self.coupa.permit("void_receipt")

    def gate(self, delivery: Peeked) -> Stop | None:
        """Somebody may have taken it back, or a part of it, since it was planned."""
        payload = delivery.payload
        receipts = list(receipts_of(self.coupa, payload["line_id"], self.external_id))
        receipt = next((one for one in receipts if one.id == int(payload["receipt_id"])), None)
        if receipt is not None and receipt.live == Decimal(payload["units"]):
            return None
        return Stop("waiting", f"receipt {payload['receipt_id']} is not what it was in Coupa: planned again")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        payload = delivery.payload
        try:
            raw = self.coupa.void_receipt(int(payload["receipt_id"]), permit)
        except RejectedError as error:
            advice = (
                "To do: reopen PO {po} if it is closed and replay this letter, or take receipt {receipt_id} back by hand in "
                "Coupa and discard it."
            )
            raise with_advice(error, advice, payload) from error
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        """Voided once nothing of it is left; whoever did it, it is done."""
        for one in receipts_of(self.coupa, delivery.payload["line_id"], self.external_id):
            if one.id == int(delivery.payload["receipt_id"]) and one.live <= 0:
                return Found(target_id=str(one.id), ours=True, facts={"status": "voided"})
        return None


@dataclass(frozen=True, slots=True)
class ReopenOrder(ActOnOrder):
    """Reopens a soft-closed PO; one that somebody reopened meanwhile is planned again without it."""

    def gate(self, delivery: Peeked) -> Stop | None:
        status = self.coupa.get_purchase_order(int(delivery.payload["id"])).get("status")
        return None if status == "soft_closed" else Stop("waiting", f"the PO is {status} by now: planned again")


@dataclass(frozen=True, slots=True)
class MarkReceived(UpdateOrder):
    """Writes the word only when Coupa itself shows every line as received, and the other word only when it does not."""

    def gate(self, delivery: Peeked) -> Stop | None:
        return unless_received(self.coupa, delivery, wanted=bool(delivery.payload["received"]))


@dataclass(frozen=True, slots=True)
class TellRequester(Comment):
    """Says that all is received, when it is."""

    def gate(self, delivery: Peeked) -> Stop | None:
        return unless_received(self.coupa, delivery)


@dataclass(frozen=True, slots=True)
class AskRequester(Comment):
    """A question on the PO; keeps when it was asked."""

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        sent = Comment.send(self, delivery, permit)
        return Sent(sent.target_id, facts={"asked_at": delivery.payload["asked_at"]})

    def ask(self, delivery: Claimed) -> Found | None:
        found = Comment.ask(self, delivery)
        return found and Found(found.target_id, ours=True, facts={"asked_at": delivery.payload["asked_at"]})


def unless_received(coupa: Coupa, delivery: Peeked, *, wanted: bool = True) -> Stop | None:
    order = read_purchase_order(coupa.get_purchase_order(int(delivery.payload["id"])))
    if all_received(order, {}) == wanted:
        return None
    return Stop("waiting", f"Coupa {'does not show' if wanted else 'still shows'} all lines as received")


def receipts_of(coupa: Coupa, line_id: int, external_id: str) -> Iterator[Receipt]:
    for page in coupa.receipts([line_id]):
        yield from (read_receipt(raw, external_id) for raw in page)


def with_advice(error: RejectedError, advice: str, payload: Json) -> RejectedError:
    """The same refusal, with what a person can do about it."""
    reasons = (*error.reasons, advice.format(**{"po": "", "line": "", "receipt_id": "", **payload}))
    return RejectedError(reasons, operation=error.operation, status=error.status)


def actions(coupa: Coupa, mapping: ReceiptMappingFile) -> dict[str, Action]:
    returning = (
        "To do: reopen PO {po} if it is closed and replay this letter, or return the goods of receipt {receipt_id} by hand in "
        "Coupa and discard it."
    )
    return {
        CREATE: CreateReceipt(coupa, mapping.external_id),
        RETURN: CreateReceipt(coupa, mapping.external_id, returning),
        VOID: VoidReceipt(coupa, mapping.external_id),
        REOPEN: ReopenOrder(coupa),
        ASK: AskRequester(coupa),
        MARK: MarkReceived(coupa),
        TELL: TellRequester(coupa),
    }
