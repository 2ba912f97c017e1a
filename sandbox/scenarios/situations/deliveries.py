"""What can happen on the way: several shipments, packages, and receipts that come short, late or never."""

from datetime import timedelta
from decimal import Decimal

from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.purchases import Line, Purchase, Receipt

FIVE_DAYS = timedelta(days=5)


def halves(purchase: Purchase) -> tuple[list[tuple[Line, int]], list[tuple[Line, int]]]:
    """The units in two loads: by lines where there are several, else by units of the one line."""
    lines = purchase.lines
    if len(lines) > 1:
        middle = len(lines) // 2
        return [(line, line.quantity) for line in lines[:middle]], [(line, line.quantity) for line in lines[middle:]]
    line, first = lines[0], lines[0].quantity // 2
    return [(line, first)], [(line, line.quantity - first)]


def has_two_units(purchase: Purchase) -> bool:
    return len(purchase.lines) > 1 or purchase.lines[0].quantity > 1


def has_line_of_several(purchase: Purchase) -> bool:
    return any(line.quantity > 1 for line in purchase.lines)


def split_over_two_invoices(draft: Draft, purchase: Purchase) -> None:
    """Two shipments more than five days apart: two charges, two invoice numbers."""
    first, second = halves(purchase)
    draft.restage(purchase, purchase.ordered_at)
    draft.ship(purchase, purchase.ordered_at + timedelta(days=1), first)
    draft.ship(purchase, purchase.ordered_at + FIVE_DAYS + timedelta(days=3), second)
    draft.state("split_over_two_invoices", purchase)


def one_invoice_over_two_shipments(draft: Draft, purchase: Purchase) -> None:
    """Two shipments within five days: two charges under one invoice number."""
    first, second = halves(purchase)
    draft.restage(purchase, purchase.ordered_at)
    shipment = draft.ship(purchase, purchase.ordered_at + timedelta(days=1), first)
    draft.ship(purchase, purchase.ordered_at + timedelta(days=3), second, invoice=shipment.transactions[0].invoice)
    draft.state("one_invoice_over_two_shipments", purchase)


def two_packages(draft: Draft, purchase: Purchase) -> None:
    purchase.shipments[0].tracking.append(draft.fresh("TBA############"))
    draft.state("two_packages", purchase)


def _of_several(purchase: Purchase) -> Receipt:
    return next(one for shipment in purchase.shipments for one in shipment.receipts if one.quantity > 1)


def partial_receipt(draft: Draft, purchase: Purchase) -> None:
    """One unit fewer received than charged, and the line stays open for the rest."""
    receipt = _of_several(purchase)
    receipt.quantity -= 1
    draft.state("partial_receipt", purchase, line=receipt.po_line.number, received=str(receipt.quantity))


def quantity_over_receipt(draft: Draft, purchase: Purchase) -> None:
    """One unit fewer received than charged, and receiving is closed: nothing more will come."""
    receipt = _of_several(purchase)
    receipt.quantity -= 1
    receipt.last = True
    draft.state("quantity_over_receipt", purchase, line=receipt.po_line.number, received=str(receipt.quantity))


def late_receipt(draft: Draft, purchase: Purchase) -> None:
    """Nobody has posted the receipts yet; they come one to three days after `now`."""
    later = draft.now + timedelta(days=draft.random.choice((1, 2, 3)))
    for shipment in purchase.shipments:
        for receipt in shipment.receipts:
            receipt.at = later
    draft.state("late_receipt", purchase, received_at=later.isoformat())


def quantity_over_order(draft: Draft, purchase: Purchase) -> None:
    """One unit more shipped, charged and received than the PO asks for."""
    line = next(line for line in purchase.lines if line.quantity > 1)
    assert line.po_line
    line.po_line.quantity = Decimal(line.quantity - 1)
    draft.state("quantity_over_order", purchase, line=line.po_line.number, ordered=str(line.po_line.quantity))


def cancelled(draft: Draft, purchase: Purchase) -> None:
    """Cancelled before anything shipped: no charge, an open PO."""
    draft.restage(purchase, purchase.ordered_at)
    purchase.cancelled = True
    draft.state("cancelled", purchase)
