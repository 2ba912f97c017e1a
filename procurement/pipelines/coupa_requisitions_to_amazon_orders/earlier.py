"""The orders that a purchase order already has in the ledger, and what they leave to be ordered.

Only a definite answer frees units. An order whose row says neither yes nor no (dead, discarded) is asked for at Amazon
once more: it counts as never placed only if Amazon says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.types import Known
from procurement.order_results import read_facts
from procurement.ordering import Earlier, read_key
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import PIPELINE, PLACE
from procurement.pipelines.coupa_requisitions_to_amazon_orders.surroundings import Market

REFUSED = "refused"  # the ledger's outcome of an order that Amazon refused for good


@dataclass(frozen=True, slots=True)
class History:
    """The earlier orders of one PO, with their rows. `order_ids`: Amazon's, of our own orders."""

    rows: tuple[Known, ...] = ()
    earlier: tuple[Earlier, ...] = ()

    @property
    def sent(self) -> bool:
        """An order may have reached Amazon; a trial alone orders nothing."""
        return any(row.claimed for row in self.rows)

    @property
    def order_ids(self) -> set[str]:
        return {order_id for row in self.rows for order_id in read_facts(row.facts).order_ids}


def history_of(number: str, rows: Sequence[Known], trials: Mapping[str, Known], market: Market | None) -> History:
    """`rows` may hold other POs whose number begins alike. With `market`, doubtful orders are asked for."""
    own = of_number(number, rows)
    return History(tuple(own), tuple(_earlier(row, trials, market) for row in own))


def of_number(number: str, rows: Iterable[Known]) -> list[Known]:
    """Those of the PO itself; a PO number may be the beginning of another's."""
    return [row for row in rows if (key := read_key(row.business_key)) is not None and key.po_number == number]


def waiting_beside_sent(ledger: Ledger) -> list[int]:
    """Orders that their gate made wait, of POs of which another order was sent. A PO is planned anew only while nothing of it was
    sent: nobody else would ever look at these again."""
    waiting = ledger.deliveries.waiting(PIPELINE, (PLACE,))
    if not waiting:
        return []
    payloads: Mapping[int, Mapping[str, Any]] = ledger.deliveries.payloads(waiting)
    numbers = {id: str(payload["gate"]["po_number"]) for id, payload in payloads.items()}
    rows = ledger.deliveries.of_keys_like(PIPELINE, PLACE, sorted({f"{number}-" for number in numbers.values()}))
    sent = {number for number in numbers.values() if any(row.claimed for row in of_number(number, rows))}
    return [id for id in waiting if numbers[id] in sent]


def _earlier(row: Known, trials: Mapping[str, Known], market: Market | None) -> Earlier:
    key = read_key(row.business_key)
    assert key is not None
    if row.state == "delivered" or row.outcome == REFUSED:
        return Earlier(key=key, fate="answered", accepted=read_facts(row.facts).taken)
    if not row.claimed:
        return Earlier(key=key, fate="answered" if trial_refused(trials.get(row.business_key)) else "open")
    if row.state in ("dead", "skipped") and market is not None and market.order_details(row.business_key) is None:
        return Earlier(key=key, fate="answered")
    return Earlier(key=key, fate="unanswered")


def trial_refused(trial: Known | None) -> bool:
    """Amazon's trial refused some of it: the order as it was planned will not be placed."""
    return trial is not None and trial.state == "delivered" and bool(read_facts(trial.facts).rejections)
