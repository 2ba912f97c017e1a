"""What our own changes have taken out of a purchase order already, and whether one of its changes still waits for approval.

A change names the quantity that the line has after it, so the next one must know whether the last took effect: it may have
been approved, rejected, or still wait.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from procurement.ledger.types import Peeked, Stop
from procurement.pipelines.coupa_actions import UNDECIDED, ChangeOrder, holds

Json = dict[str, Any]
CHANGE = "change_quantity"
APPROVED = "approved"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OwnChange:
    """A change that we asked for. `gone`: units that all changes of the line up to this one took out, if it took effect."""

    line_id: int
    gone: Decimal
    state: str
    status: str | None
    change_id: str | None


def own_changes(ledger: Ledger, pipeline: str, order_ids: Iterable[str]) -> list[OwnChange]:
    """Of these Amazon orders, those that were sent or may have been."""
    rows = ledger.deliveries.of_keys_like(pipeline, CHANGE, [f"{id}/" for id in order_ids])
    payloads = ledger.deliveries.payloads(row.id for row in rows if row.claimed)
    return [own_change(row.state, row.facts, row.target_id, payloads[row.id]) for row in rows if row.claimed]


def own_change(state: str, facts: Mapping[str, Any], target_id: str | None, payload: Mapping[str, Any]) -> OwnChange:
    (asked,) = payload["body"]["order-line-changes"]
    return OwnChange(int(asked["order-line-id"]), Decimal(payload["gone"]), state, facts.get("status"), target_id)


def taken_out(own: Iterable[OwnChange], changes: Sequence[Json]) -> dict[int, Decimal]:
    """Units by PO line that our changes took out; `changes` are all of the purchase order, as Coupa has them now."""
    approved = {str(change["id"]) for change in changes if change.get("status") == APPROVED}
    taken: dict[int, Decimal] = {}
    for one in own:
        if one.state == "delivered" and (one.status == APPROVED or one.change_id in approved):
            taken[one.line_id] = max(taken.get(one.line_id, ZERO), one.gone)
    return taken


def waits(own: Iterable[OwnChange], changes: Sequence[Json]) -> bool:
    """Whether a change of the order, ours or anybody's, is not decided yet: Coupa takes no other one meanwhile."""
    unanswered = any(one.state == "sending" for one in own)
    return unanswered or any(change.get("status") in UNDECIDED for change in changes)


@dataclass(frozen=True, slots=True)
class ChangeQuantity(ChangeOrder):
    """A change of one line's quantity, sent only while the line still asks for what it asked for when it was planned.

    Payload: as ChangeOrder's, and {before, gone}.
    """

    coupa: Coupa

    def gate(self, delivery: Peeked) -> Stop | None:
        payload = delivery.payload
        (asked,) = payload["body"]["order-line-changes"]
        order = self.coupa.get_purchase_order(int(payload["order_id"]))
        if not holds({"order-lines": [{"id": asked["order-line-id"], "quantity": payload["before"]}]}, order):
            return Stop("waiting", "the purchase order was changed meanwhile: looked at again by the next run")
        if any(change.get("status") in UNDECIDED for change in self._changes(payload)):
            return Stop("waiting", WAITS)
        return None

    def _changes(self, payload: Mapping[str, Any]) -> Iterator[Json]:
        for page in self.coupa.purchase_order_changes([int(payload["order_id"])]):
            yield from page


WAITS = "goes on once the change of the purchase order that waits for approval is decided"
