"""Match levels, as Coupa names them, and what a document counts for."""

from collections import defaultdict
from decimal import Decimal

from procurement.documents import Invoice, PurchaseOrder, PurchaseOrderLine

DIRECT = frozenset({"direct_matching", "3-way-direct"})
FIFO = frozenset({"3-way", "3-way-fifo"})
THREE_WAY = FIFO | DIRECT
NO_UNITS = frozenset({"price", "other"})  # adjustment types that change money, not units


def match_level(order: PurchaseOrder, po_line: PurchaseOrderLine) -> str:
    """The line's match type, else the supplier's level, else 2-way; three ways only where a receipt is required."""
    level = po_line.match_type or order.match_level or "2-way"
    return "2-way" if level in THREE_WAY and not po_line.receipt_required else level


def units_billed(invoice: Invoice) -> dict[int, Decimal]:
    """Units by PO line id that the document will count for, as `billed` of the next match; money alone counts for none."""
    units: dict[int, Decimal] = defaultdict(Decimal)
    for line in invoice.lines:
        if line.adjustment_type not in NO_UNITS:
            units[line.po_line_id] += line.quantity
    return dict(units)
