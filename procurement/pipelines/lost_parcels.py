"""Parcels of which Amazon says nothing more: when they are given up, and what makes them be read again."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from procurement.ledger import Ledger
from procurement.order_facts import OrderFacts, ShipmentFacts, read_order
from procurement.order_lines import order_lines
from procurement.pipelines.open_order_names import LOST, OPEN, ORDER, PROBLEM, RECEIPTS
from procurement.policies import Mode, Rules

UNTIL_ASKED = timedelta(days=3650)


def give_up(facts: OrderFacts, *, now: datetime, rules: Rules) -> OrderFacts:
    """The order with its silent parcels marked: `lost_after_days` (policies.yml, `receipts`) after their last promise.

    Where receipts are switched off nobody would hear of it, and nothing is given up."""
    days = rules.policies.receipts.lost_after_days
    if not days or rules.rollout.widest(RECEIPTS).mode is Mode.OFF:
        return facts
    latest = now - timedelta(days=days)
    return replace(facts, shipments={key: _given_up(one, latest) for key, one in facts.shipments.items()})


def _given_up(shipment: ShipmentFacts, latest: datetime) -> ShipmentFacts:
    sign = shipment.last_sign
    silent = shipment.shipped and not shipment.delivered and sign is not None and sign <= latest
    return replace(shipment, lost=sign) if silent else shipment


def is_given_up(facts: OrderFacts) -> bool:
    """Every unit has arrived, was cancelled or is in a parcel that was given up, and there is such a parcel."""
    lines, lost = order_lines(facts), [one for one in facts.shipments.values() if one.is_lost]
    units = {line.id: sum(one.quantity for one in lost if one.order_line_id == line.id) for line in lines}
    return bool(lost) and all(facts.delivered(line.id) + units[line.id] >= line.left for line in lines)


def refunded_since(ledger: Ledger, source: str, *, now: datetime) -> Iterable[str]:
    """Orders that were given up and of which the feed tells a refund that they were not read with."""
    given_up = [one.key for one in ledger.open_documents.due(OPEN, now + 2 * UNTIL_ASKED) if one.state == LOST]
    refunds: dict[str, set[str]] = {}
    for refund in ledger.records.refunds_of(source, given_up) if given_up else ():
        refunds.setdefault(refund.order_id, set()).add(refund.key)
    records = ledger.records.find(source, ORDER, refunds) if refunds else {}
    return [
        id
        for id, record in records.items()
        if PROBLEM not in record.raw and refunds[id] - {*read_order(record.raw).refunds}
    ]
