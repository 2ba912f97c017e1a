"""Which receipts an invoice line uses up: the oldest first, or those of its own shipment; never one twice.

Returns take from the receipts of their shipment, else from the newest. What earlier documents used up is gone: by their
shipment where lines are matched directly, else the oldest first.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from procurement.documents import GoodsReceipt
from procurement.matching.levels import DIRECT
from procurement.matching.positions import ZERO, Position
from procurement.matching.result import Allocation


class _Lot:
    """What is left of one receipt."""

    __slots__ = ("left", "receipt_id", "reference")

    def __init__(self, receipt: GoodsReceipt) -> None:
        self.receipt_id, self.reference, self.left = receipt.id, receipt.match_reference, receipt.quantity


class _Stock:
    """The receipts of a PO line, the oldest first."""

    def __init__(self, receipts: Sequence[GoodsReceipt]) -> None:
        self.lots = [_Lot(one) for one in receipts if one.quantity > 0]
        for gone in receipts:
            if gone.quantity < 0:
                rest = _take(reversed(self.of(gone.match_reference)), -gone.quantity)[1]
                _take(reversed(self.lots), rest)

    def of(self, reference: str | None) -> list[_Lot]:
        return [lot for lot in self.lots if lot.reference == reference]


def _take(lots: Iterable[_Lot], units: Decimal) -> tuple[list[tuple[int, Decimal]], Decimal]:
    """(receipt id, units) as far as there is something left, and what there was not."""
    taken: list[tuple[int, Decimal]] = []
    for lot in lots:
        if units <= 0:
            break
        share = min(units, lot.left)
        if share > 0:
            lot.left -= share
            units -= share
            taken.append((lot.receipt_id, share))
    return taken, units


def allocations(position: Position) -> list[Allocation]:
    """None where no receipt is asked for, or where only Coupa's own count of received units is known."""
    if position.open_received is None or not position.receipts or position.units <= 0:
        return []
    stock = _Stock(position.receipts)
    own = _direct(stock, position) if position.level in DIRECT else _fifo(stock, position)
    left, found = max(ZERO, position.open_received), list[Allocation]()
    for measured in position.counted:
        for receipt_id, units in _take(own(measured.line.match_reference), min(measured.units, left))[0]:
            left -= units
            found.append(
                Allocation(
                    line=measured.line.number, po_line_id=position.po_line.id, receipt_id=receipt_id, units=units
                )
            )
    return found


Lots = Callable[[str | None], Iterable[_Lot]]


def _fifo(stock: _Stock, position: Position) -> Lots:
    _take(stock.lots, position.earlier.total)
    return lambda reference: stock.lots


def _direct(stock: _Stock, position: Position) -> Lots:
    """What was billed before for no shipment that is known is taken from other shipments first."""
    earlier = position.earlier
    for reference, units in earlier.by_reference.items():
        if reference:
            _take(stock.of(reference), units)
    billed = {measured.line.match_reference for measured in position.counted}
    others_first = sorted(stock.lots, key=lambda lot: lot.reference in billed)
    _take(others_first, earlier.untied)
    return lambda reference: stock.of(reference) if reference else ()
