"""Match levels, as Coupa names them, and what a document counts for."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from procurement.documents import Invoice, InvoiceLine, PurchaseOrder, PurchaseOrderLine
from procurement.tolerances import Tolerances
from procurement.units_of_measure import NO_CONVERSIONS, Conversions

DIRECT = frozenset({"direct_matching", "3-way-direct"})
FIFO = frozenset({"3-way", "3-way-fifo"})
THREE_WAY = FIFO | DIRECT
LEVELS = THREE_WAY | {"2-way", "none"}
BY_RECEIPT = frozenset({"3-way-fifo"}) | DIRECT  # receipts are used up one by one: all of them must be read
NO_UNITS = frozenset({"price", "other"})  # adjustment types that change money, not units


def match_level(order: PurchaseOrder, po_line: PurchaseOrderLine) -> str:
    """The line's match type, else the supplier's level, else 2-way; three ways only where a receipt is required. A word that
    Coupa's reference does not have is three ways, too: nothing is paid without its receipt for want of a name."""
    level = po_line.match_type or order.match_level or "2-way"
    level = level if level in LEVELS else "3-way"
    return "2-way" if level in THREE_WAY and not po_line.receipt_required else level


def reads_receipts(order: PurchaseOrder, po_line: PurchaseOrderLine, tolerances: Tolerances) -> bool:
    """Whether its receipts must be read one by one: the level asks for it, or a limit on how late an invoice may come.
    Elsewhere the PO line's own count of received units will do."""
    level = match_level(order, po_line)
    if level in BY_RECEIPT:
        return True
    return level != "none" and tolerances.ever_checks(
        "date", "over", commodity=po_line.commodity, supplier=order.supplier
    )


def units_billed(
    invoice: Invoice, orders: Iterable[PurchaseOrder] = (), conversions: Conversions = NO_CONVERSIONS
) -> dict[int, Decimal]:
    """Units by PO line id that the document will count for, as `billed` of the next match; price adjustments count for none.

    In the unit of the PO line where `orders` has it, and in money on its amount lines.
    """
    po_lines = {line.id: line for order in orders for line in order.lines}
    units: dict[int, Decimal] = defaultdict(Decimal)
    for line in invoice.lines:
        if line.po_line_id is not None and line.adjustment_type not in NO_UNITS:
            units[line.po_line_id] += _counted(line, po_lines.get(line.po_line_id), conversions)
    return dict(units)


def _counted(line: InvoiceLine, po_line: PurchaseOrderLine | None, conversions: Conversions) -> Decimal:
    if po_line is None:
        return line.quantity
    if po_line.quantity is None:
        return line.total.amount
    factor = conversions.factor(line.unit_of_measure, po_line.unit_of_measure, item=po_line.part_number)
    return line.quantity if factor is None else factor.units(line.quantity)
