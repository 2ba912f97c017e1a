"""Whether a purchase order is received: Coupa has no such status of its own. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.matching import match_level

NO_RECEIPT = frozenset({"2-way", "none"})
ZERO = Decimal(0)


def needs_receipt(order: PurchaseOrder, line: PurchaseOrderLine) -> bool:
    """Lines matched two ways or not at all need none, nor those on which Coupa says so."""
    return line.receipt_required and match_level(order, line) not in NO_RECEIPT


def all_received(order: PurchaseOrder, coming: Mapping[int, Decimal]) -> bool:
    """Every line that needs a receipt has all its units (an amount line all its money), `coming` by PO line id included.

    False where no line needs any: there is nothing to tell of.
    """
    lines = [line for line in order.lines if needs_receipt(order, line)]
    return bool(lines) and all(
        line.received + coming.get(line.id, ZERO) >= (line.total.amount if line.quantity is None else line.quantity)
        for line in lines
    )
