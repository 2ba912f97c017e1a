"""Which line of Amazon's transactions belongs to which shipped line of its reports. Pure.

Ids are taken where they are equal. Where the two count differently, the order line is found by PO line or article, and
the shipment by its units in the order of time: shipments of equal units are interchangeable for the match.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from procurement.ledger.transaction_lines import TransactionLine
from procurement.order_facts import ShipmentFacts
from procurement.receipt_policies import ReceiptPolicies
from procurement.receiving_facts import ReturnedUnits, WentBack, what_went_back

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class References:
    """Of one Amazon order, by `ShipmentFacts.key`: the shipment id that its invoice carries, and what went back."""

    shipment_ids: Mapping[str, str]
    went_back: Mapping[str, WentBack]


def read_references(
    shipments: Sequence[ShipmentFacts], lines: Iterable[TransactionLine], policies: ReceiptPolicies
) -> References:
    """`shipments` are all that is known of the order, `lines` the lines of its transactions."""
    known = list(lines)
    charges = [line for line in known if line.subkind == "CHARGE"]
    found: dict[str, str] = {}
    for line_id in dict.fromkeys(facts.order_line_id for facts in shipments):
        of_line = [facts for facts in shipments if facts.order_line_id == line_id]
        found |= _pair(of_line, [line for line in charges if order_line_of(line, shipments) == line_id])
    reports_id = {
        (facts.order_line_id, found[facts.key]): facts.shipment_id for facts in shipments if facts.key in found
    }
    returns = [
        ReturnedUnits(
            own, reports_id.get((own, line.shipment_id or ""), line.shipment_id), int(line.quantity), line.reason or ""
        )
        for line in known
        if line.subkind != "CHARGE" and line.quantity and policies.reverses(line.reason)
        for own in [order_line_of(line, shipments)]
        if own is not None
    ]
    return References(found, what_went_back(shipments, returns, policies))


def order_line_of(line: TransactionLine, shipments: Sequence[ShipmentFacts]) -> str | None:
    """The reports' order line id: the same, else the one line with its PO line number, else the one with its article."""
    tests: tuple[Callable[[ShipmentFacts], bool], ...] = (
        lambda facts: facts.order_line_id == line.order_line_id,
        lambda facts: line.po_line_number is not None and facts.po_line_number == line.po_line_number,
        lambda facts: line.asin is not None and facts.asin == line.asin,
    )
    for fits in tests:
        fitting = {facts.order_line_id for facts in shipments if fits(facts)}
        if len(fitting) == 1:
            return next(iter(fitting))
    return None


def _pair(shipments: Sequence[ShipmentFacts], charges: Sequence[TransactionLine]) -> dict[str, str]:
    """Shipments of one order line with the shipment ids of its charges."""
    units: dict[str, Decimal] = {}
    for charge in charges:
        if charge.shipment_id:
            units[charge.shipment_id] = units.get(charge.shipment_id, Decimal(0)) + (charge.quantity or 0)
    found = {facts.key: facts.shipment_id for facts in shipments if facts.shipment_id in units}
    open_ids = [id for id in units if id not in found.values()]  # in the order of their first charge
    left = sorted(
        (facts for facts in shipments if facts.key not in found),
        key=lambda facts: (facts.shipped_at or _NEVER, facts.key),
    )
    for facts in list(left):
        same = next((id for id in open_ids if units[id] == facts.quantity), None)
        if same is not None:
            found[facts.key] = same
            open_ids.remove(same)
            left.remove(facts)
    if len(left) == len(open_ids) == 1:
        found[left[0].key] = open_ids[0]
    return found
