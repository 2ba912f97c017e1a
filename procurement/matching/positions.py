"""Where a PO line stands for one document: what is ordered, received and billed before, in the PO line's unit.

Counted over all receipts, returns, invoices and credit notes of the PO line, in units (in money on amount lines, never on
others). What Coupa counts and the earlier documents that are known: the larger counts. Pure and independent of any order
of lines or receipts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from procurement.documents import (
    CLOSED_TO_RECEIPTS,
    ENDED_ORDERS,
    GoodsReceipt,
    InvoiceLine,
    PurchaseOrder,
    PurchaseOrderLine,
)
from procurement.matching.levels import DIRECT, NO_UNITS, THREE_WAY, match_level
from procurement.units_of_measure import SAME, Conversions, Factor

ZERO = Decimal(0)


class Measured(Struct, frozen=True):
    """One invoice line in the PO line's unit (in money on an amount line)."""

    line: InvoiceLine
    units: Decimal
    factor: Factor
    is_money: bool = False

    @property
    def sign(self) -> int:
        """-1: it gives units back."""
        return -1 if self.units < 0 else 1


class Earlier(Struct, frozen=True, kw_only=True):
    """What was billed before: `total` of it, and of the documents that are known `by_reference`."""

    total: Decimal
    by_reference: Mapping[str | None, Decimal]
    is_known: bool  # False: only Coupa's own count
    unclear: tuple[InvoiceLine, ...] = ()  # billed in a unit that cannot be converted

    @property
    def untied(self) -> Decimal:
        """For no shipment that is known."""
        return self.total - sum((units for reference, units in self.by_reference.items() if reference), ZERO)


class Position(Struct, frozen=True, kw_only=True):
    """`open_ordered` and `open_received` are what is left for this document; `open_received` None: no receipt is asked for."""

    order: PurchaseOrder
    po_line: PurchaseOrderLine
    level: str
    counted: tuple[Measured, ...]  # lines that bill units
    money_only: tuple[InvoiceLine, ...]  # adjustments of price
    unclear: tuple[InvoiceLine, ...]  # in a unit that cannot be converted
    receipts: tuple[GoodsReceipt, ...]
    units: Decimal
    ordered: Decimal
    received: Decimal
    earlier: Earlier
    open_ordered: Decimal
    open_received: Decimal | None

    @property
    def on_amounts(self) -> bool:
        return self.po_line.quantity is None

    @property
    def sharing(self) -> Decimal:
        """Units billed before out of the same receipts: with direct matching, of the same shipments."""
        if self.level not in DIRECT:
            return self.earlier.total
        shipments = {measured.line.match_reference for measured in self.counted}
        return sum((self.earlier.by_reference.get(one, ZERO) for one in shipments if one), ZERO)

    @property
    def without_shipment(self) -> bool:
        """It bills units that direct matching can tie to no receipt."""
        return self.level in DIRECT and any(not one.line.match_reference and one.units > 0 for one in self.counted)

    @property
    def credit_bound(self) -> Decimal:
        """A credit gives back no more than was billed; where that is not known, no more than was ordered."""
        return self.earlier.total if self.earlier.is_known else self.ordered

    @property
    def more_can_come(self) -> bool:
        """Whether a goods receipt can still arrive: the PO and its line are open, and not all of it was received."""
        is_open = self.order.status not in ENDED_ORDERS and self.po_line.status not in CLOSED_TO_RECEIPTS
        return is_open and self.received < self.ordered

    @property
    def justified(self) -> Decimal:
        """Units of this document that order and receipts cover."""
        if self.units < 0:
            return max(self.units, -max(ZERO, self.credit_bound))
        covered = self.open_ordered if self.open_received is None else min(self.open_ordered, self.open_received)
        return max(ZERO, min(self.units, covered))


def position(
    order: PurchaseOrder,
    po_line: PurchaseOrderLine,
    lines: Sequence[InvoiceLine],
    *,
    receipts: Sequence[GoodsReceipt],
    earlier: Sequence[InvoiceLine],
    planned: Mapping[int, Decimal] | None,
    conversions: Conversions,
) -> Position:
    """`earlier`: lines of earlier documents on this PO line. `planned`: units on documents that Coupa does not count yet."""
    level = match_level(order, po_line)
    counted, unclear = measure(po_line, lines, conversions)
    units = sum((one.units for one in counted), ZERO)
    ordered = (po_line.total.amount if po_line.quantity is None else po_line.quantity) or ZERO
    before = _earlier(po_line, earlier, planned, conversions)
    own = tuple(sorted(receipts, key=_oldest_first)) if len(receipts) > 1 else tuple(receipts)
    received = sum((one.quantity for one in own), ZERO) if own else po_line.received
    return Position(
        order=order, po_line=po_line, level=level, counted=counted, unclear=unclear, receipts=own, units=units, ordered=ordered,
        money_only=tuple(line for line in lines if line.adjustment_type in NO_UNITS),
        received=received, earlier=before, open_ordered=ordered - before.total,
        open_received=_open_received(received, counted, own, level, before) if level in THREE_WAY else None,
    )  # fmt: skip


def _oldest_first(receipt: GoodsReceipt) -> tuple[date, int, str]:
    return (receipt.received_on, receipt.id, receipt.match_reference or "")


def measure(
    po_line: PurchaseOrderLine, lines: Iterable[InvoiceLine], conversions: Conversions
) -> tuple[tuple[Measured, ...], tuple[InvoiceLine, ...]]:
    """The lines that bill units, in the PO line's unit; and those whose unit cannot be converted."""
    counted, unclear = [], []
    for line in lines:
        if line.adjustment_type in NO_UNITS:
            continue
        if po_line.quantity is None:
            counted.append(Measured(line, line.total.amount, SAME, is_money=True))
            continue
        factor = conversions.factor(line.unit_of_measure, po_line.unit_of_measure, item=po_line.part_number)
        if factor is None:
            unclear.append(line)
        else:
            counted.append(Measured(line, line.quantity if factor is SAME else factor.units(line.quantity), factor))
    return tuple(counted), tuple(unclear)


def _earlier(
    po_line: PurchaseOrderLine,
    lines: Sequence[InvoiceLine],
    planned: Mapping[int, Decimal] | None,
    conversions: Conversions,
) -> Earlier:
    counted, unclear = measure(po_line, lines, conversions)
    by_reference: dict[str | None, Decimal] = defaultdict(Decimal)
    for one in counted:
        by_reference[one.line.match_reference] += one.units
    total = po_line.invoiced + (planned or {}).get(po_line.id, ZERO)
    if counted:
        total = max(total, sum(by_reference.values(), ZERO))
    is_known = planned is not None or bool(lines)
    return Earlier(total=total, by_reference=by_reference, is_known=is_known, unclear=unclear)


def _open_received(
    received: Decimal,
    counted: Sequence[Measured],
    receipts: Sequence[GoodsReceipt],
    level: str,
    earlier: Earlier,
) -> Decimal:
    """What was received and not billed yet; with direct matching, of the shipments that are billed.

    What other shipments were billed beyond their own receipts takes nothing from these; what was billed before for no known
    shipment takes from all. Without a shipment nothing is tied to anything."""
    if level not in DIRECT:
        return received - earlier.total
    own, came = defaultdict[str | None, Decimal](Decimal), defaultdict[str | None, Decimal](Decimal)
    for measured in counted:
        own[measured.line.match_reference] += measured.units
    for receipt in receipts:
        came[receipt.match_reference] += receipt.quantity
    before = earlier.by_reference
    tied = sum((min(units, came[one] - before.get(one, ZERO)) for one, units in own.items() if one), ZERO)
    used = sum(
        (units if one in own else min(units, max(ZERO, came[one])) for one, units in before.items() if one), ZERO
    )
    return min(received - used - earlier.untied, tied)
