"""The lines of an Amazon order as far as they are known: what was accepted when we ordered, what the reports show, what it fills.

Everything here is computed from the joined facts alone, so that it does not matter which observation came first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.errors import RecordError
from procurement.money import MINOR_UNITS, Money
from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts
from procurement.placed_facts import PlacedFacts
from procurement.purchase_orders import resolve_line


class RefundLine(Protocol):
    """A refunded order line as the ledger gives it; `amount` negative."""

    @property
    def key(self) -> str: ...
    @property
    def order_line_id(self) -> str: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order line with what was seen of it. `accepted`: units that Amazon took on when we ordered; 0: not placed by us."""

    order: OrderFacts
    facts: LineFacts
    po_line: PurchaseOrderLine | None = None
    refunds: Sequence[RefundLine] = ()
    placed: Sequence[PlacedFacts] = ()
    accepted: int = 0

    @property
    def id(self) -> str:
        return self.facts.order_line_id

    @property
    def shipped(self) -> int:
        return self.order.shipped(self.id)

    @property
    def ordered(self) -> int:
        """The most that Amazon accepted or showed; an order that was only ever seen empty had what the PO says."""
        known = max(self.facts.ordered, self.accepted)
        if known or self.po_line is None or self.po_line.quantity is None:
            return known
        return int(self.po_line.quantity) if self.order.cancelled else 0

    @property
    def cancelled(self) -> int:
        if self.order.cancelled:
            return max(self.ordered - self.shipped, 0)
        return max(self.ordered - self.facts.left, 0)

    @property
    def left(self) -> int:
        return self.ordered - self.cancelled

    @property
    def unshipped(self) -> int:
        return max(self.left - self.shipped, 0)

    @property
    def shipments(self) -> list[ShipmentFacts]:
        return [one for one in self.order.shipments.values() if one.order_line_id == self.id]

    @property
    def accepted_prices(self) -> list[Money]:
        """What a unit cost when Amazon accepted it, ascending."""
        prices = {
            Money(Decimal(price), one.currency) for one in self.placed for price in one.unit_prices if one.currency
        }
        return sorted(prices, key=lambda price: price.amount)

    @property
    def price(self) -> Money | None:
        """The PO's; else what was accepted, else the lowest that Amazon ever showed."""
        if self.po_line is not None:
            return self.po_line.unit_price
        if self.accepted_prices:
            return self.accepted_prices[0]
        prices = sorted(map(Decimal, self.facts.unit_prices))
        return Money(prices[0], self.facts.currency) if prices and self.facts.currency in MINOR_UNITS else None

    @property
    def name(self) -> str:
        number = self.po_line.number if self.po_line else self.facts.po_line_number
        title = self.facts.title or (self.po_line.description if self.po_line else "") or self.facts.asin or ""
        short = title if len(title) <= 60 else f"{title[:59]}…"
        return " ".join(
            filter(None, (f"line {number}" if number else f"Amazon line {self.id}", short and f"({short})"))
        )

    def worth(self, units: int) -> Money | None:
        return (self.price * units).rounded() if self.price is not None else None


def order_lines(
    facts: OrderFacts, order: PurchaseOrder | None = None, refunds: Mapping[str, Sequence[RefundLine]] | None = None
) -> list[OrderLine]:
    """Every line, by id: those that a report shows, and those that Amazon accepted and never showed."""
    found, by_line = [], refunds or {}
    shares = _accepted_units(facts)
    for line, placed in _matched(facts):
        number = line.po_line_number or (placed[0].number if placed else None)
        known = replace(line, po_line_number=number)
        found.append(OrderLine(
            order=facts, facts=known, po_line=find_po_line(known, order), refunds=by_line.get(line.order_line_id, ()),
            placed=placed, accepted=shares.get(line.order_line_id, line.ordered if placed else 0),
        ))  # fmt: skip
    return found


def _matched(facts: OrderFacts) -> list[tuple[LineFacts, list[PlacedFacts]]]:
    """Lines with what was accepted of them. A line that was accepted and is not reported stands for itself, but only where every
    reported line is accounted for: else it may be one of them under another name."""
    taken: set[str] = set()
    found = []
    for _, line in sorted(facts.lines.items()):
        placed = _placed(line, facts)
        taken |= {one.key for one in placed}
        found.append((line, placed))
    if all(placed for _, placed in found):
        found += [(_unreported(one), [one]) for key, one in sorted(facts.placed.items()) if key not in taken]
    return found


def _placed(line: LineFacts, facts: OrderFacts) -> list[PlacedFacts]:
    """By the PO line's number; where the report gives none, by the ASIN that only one placed line has."""
    if line.po_line_number:
        return [one for one in facts.placed.values() if _same_number(one.number, line.po_line_number)]
    wanted = (line.asin or "").upper()
    fitting = [one for one in facts.placed.values() if wanted and (one.asin or "").upper() == wanted]
    return fitting if len({one.number for one in fitting}) == 1 else []


def _same_number(one: str, other: str) -> bool:
    """'1' and '001' are the same line number."""
    return one.strip().lstrip("0") == other.strip().lstrip("0")


def _unreported(placed: PlacedFacts) -> LineFacts:
    return LineFacts(
        order_line_id=f"unreported-{placed.number}", ordered=placed.units, left=placed.units,
        po_line_number=placed.number, asin=placed.asin,
    )  # fmt: skip


def _accepted_units(facts: OrderFacts) -> dict[str, int]:
    """By reported line: what it showed at most, and on the first line of each PO line what was accepted beyond all of them."""
    shares: dict[str, int] = {}
    seen: dict[tuple[str, ...], list[LineFacts]] = {}
    units: dict[tuple[str, ...], int] = {}
    for _, line in sorted(facts.lines.items()):
        placed = _placed(line, facts)
        if placed:
            name = tuple(one.key for one in placed)
            seen.setdefault(name, []).append(line)
            units[name] = sum(one.units for one in placed)
    for name, lines in seen.items():
        missing = max(units[name] - sum(line.ordered for line in lines), 0)
        shares |= {line.order_line_id: line.ordered for line in lines}
        shares[lines[0].order_line_id] += missing
    return shares


def find_po_line(line: LineFacts, order: PurchaseOrder | None) -> PurchaseOrderLine | None:
    """The PO line that the Amazon line fills; None where nothing tells."""
    if order is None:
        return None
    price = max(map(Decimal, line.unit_prices), default=None)
    try:
        return resolve_line(
            order, line_number=line.po_line_number, asin=line.asin, quantity=line.ordered, unit_price=price
        )
    except RecordError:
        return None


def units_cancelled(facts: OrderFacts, order: PurchaseOrder) -> dict[int, int]:
    """Units that will not come, by PO line id: cancelled, or never shipped by an order that Amazon closed."""
    units: dict[int, int] = {}
    for line in order_lines(facts, order):
        if line.po_line is not None:
            gone = line.cancelled + (line.unshipped if facts.closed else 0)
            units[line.po_line.id] = units.get(line.po_line.id, 0) + gone
    return units
