"""When Amazon's answers are written into a purchase order, and the last look before it.

Coupa may raise the version of a PO that is written to, and an order that is still to be sent is checked against the version it
was planned with. So nothing is written before every order of the PO has its answer; and what people did between planning
and sending is planned anew, never overwritten.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import NotFound
from procurement.ledger import Ledger
from procurement.ledger.types import Known, Peeked, Plan, PlannedDelivery, PlannedFinding, Stop
from procurement.order_results import read_facts
from procurement.ordering import read_key
from procurement.pipelines.coupa_actions import UpdateOrder
from procurement.pipelines.coupa_requisitions_to_amazon_orders.earlier import REFUSED
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import PIPELINE, PLACE, WRITE_BACK
from procurement.pipelines.coupa_requisitions_to_amazon_orders.surroundings import KnownOrders
from procurement.pipelines.coupa_requisitions_to_amazon_orders.write_back import (
    Answered,
    changed_meanwhile,
    written_back,
)
from procurement.policies import Rules

Json = dict[str, Any]
UNSENT = ("planned", "waiting", "sending")
MAY_BE_SENT = (*UNSENT, "held", "dead")  # by itself, or when a person replays it
NOTHING_TO_WRITE = "people filled every field that would be written"


def to_be_answered(number: str, rows: Iterable[Known]) -> list[str]:
    """Keys of the PO's orders among `rows` that have no answer, and may get one."""
    own = [row for row in rows if (key := read_key(row.business_key)) is not None and key.po_number == number]
    return [row.business_key for row in own if row.state in MAY_BE_SENT and row.outcome != REFUSED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """A PO whose answers are all there and not all written. `rows`: its orders without a write-back; `waiting`: keys of its
    write-backs that their gate sent back."""

    number: str
    po_id: int
    rows: tuple[Known, ...]
    waiting: tuple[str, ...]
    answers: tuple[Answered, ...]
    earlier: tuple[Json, ...]  # bodies that were written, or are going to be
    before: str | None  # key of the latest write-back that is still to be sent

    @property
    def keys(self) -> list[str]:
        return [*self.waiting, *(row.business_key for row in self.rows)]


def unwritten(ledger: Ledger) -> list[Unwritten]:
    """What is to be written now, over all runs so far."""
    fresh: dict[str, list[Known]] = {}
    for row in ledger.deliveries.without_follower(PIPELINE, PLACE, WRITE_BACK):
        if read_facts(row.facts).order_ids:
            fresh.setdefault(_number(row), []).append(row)
    sent_back = set(ledger.deliveries.waiting(PIPELINE, (WRITE_BACK,)))
    numbers = {*fresh, *(str(payload["po"]) for payload in ledger.deliveries.payloads(sent_back).values())}
    if not numbers:
        return []
    prefixes = [f"{number}-" for number in numbers]
    placed = _by_number(ledger.deliveries.of_keys_like(PIPELINE, PLACE, prefixes))
    written = _by_number(ledger.deliveries.of_keys_like(PIPELINE, WRITE_BACK, prefixes))
    payloads = ledger.deliveries.payloads(
        row.id for found in (placed, written) for number in numbers for row in found.get(number, ())
    )
    return [
        _unwritten(number, placed[number], written.get(number, ()), fresh.get(number, ()), sent_back, payloads)
        for number in sorted(numbers)
        if not to_be_answered(number, placed[number])
    ]


def _unwritten(
    number: str,
    placed: Sequence[Known],
    written: Sequence[Known],
    fresh: Sequence[Known],
    sent_back: set[int],
    payloads: Mapping[int, Mapping[str, Any]],
) -> Unwritten:
    answered = [row for row in placed if row.facts and (row.state == "delivered" or row.outcome == REFUSED)]
    others = [row for row in written if row.id not in sent_back]
    unsent = [row.business_key for row in others if row.state in UNSENT]
    return Unwritten(
        number=number,
        po_id=int(payloads[placed[0].id]["gate"]["po_id"]),
        rows=tuple(fresh),
        waiting=tuple(row.business_key for row in written if row.id in sent_back),
        answers=tuple(Answered.of(read_facts(row.facts), payloads[row.id]) for row in answered),
        earlier=tuple(payloads[row.id]["body"] for row in others if payloads[row.id].get("body")),
        before=unsent[-1] if unsent else None,
    )


def plan_write_back(plan: Plan, one: Unwritten, order: Json, rules: Rules) -> None:
    """One write for all the answers, under the key of the latest order; those of the others say so and are not sent."""
    found = written_back(order, one.answers, rules.orders.write_back, earlier=one.earlier)
    *others, last = one.keys
    payload = {
        "id": int(order["id"]), "po": one.number, "body": found.body, "wanted": found.body, "before": found.before,
        "version": int(order.get("version") or 1),
    }  # fmt: skip
    version = rules.version
    common: Json = {"action": WRITE_BACK, "mapping_version": version, "policy_version": version}
    if found.body:
        after = (WRITE_BACK, one.before) if one.before else (PLACE, last)
        delivery = PlannedDelivery(**common, business_key=last, payload=payload, after=after)
    else:
        delivery = PlannedDelivery(
            **common, business_key=last, payload=payload, state="skipped", reason=NOTHING_TO_WRITE, required=False
        )
    plan.deliveries += [
        PlannedDelivery(
            **common, business_key=key, payload={"po": one.number}, state="skipped", reason=f"written with {last}",
            required=False,
        )
        for key in others
    ]  # fmt: skip
    plan.deliveries.append(delivery)
    plan.findings += [
        PlannedFinding(kind="write_back_conflict", sentence=sentence, delivery=delivery.name)
        for sentence in found.conflicts
    ]


def _by_number(rows: Iterable[Known]) -> dict[str, list[Known]]:
    found: dict[str, list[Known]] = {}
    for row in rows:
        if read_key(row.business_key) is not None:
            found.setdefault(_number(row), []).append(row)
    return found


def _number(row: Known) -> str:
    key = read_key(row.business_key)
    assert key is not None  # orders and their write-backs have no other keys
    return key.po_number


@dataclass(frozen=True, slots=True)
class WriteBackOrder(UpdateOrder):
    """Payload: as UpdateOrder's, and {po, before, version}: the PO's number, what the fields said, and its version, at planning."""

    known: KnownOrders

    def gate(self, delivery: Peeked) -> Stop | None:
        """`waiting`: the next follow-up plans it anew, from the PO as it is then."""
        payload = delivery.payload
        if open_orders := to_be_answered(payload["po"], self.known([f"{payload['po']}-"])):
            return Stop("waiting", f"order {', '.join(open_orders)} of the same purchase order has no answer yet")
        try:
            order = self.coupa.get_purchase_order(int(payload["id"]))
        except NotFound:
            return Stop("held", "Coupa does not show the purchase order any more")
        if changed := changed_meanwhile(order, payload["body"], payload["before"]):
            return Stop("waiting", "people wrote into the same fields meanwhile", tuple(changed))
        return None
