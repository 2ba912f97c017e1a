"""The types of receiving transactions, which way each counts, and what of a record is still valid."""

from decimal import Decimal

from sandbox.coupa.schema import Record

ARRIVALS = ("InventoryReceipt", "ReceivingQuantityConsumption", "ReceivingAmountConsumption")
DEPARTURES = ("ReceivingQuantityReturnToSupplier", "ReceivingAmountReturnToSupplier")
NEUTRAL = ("ReceivingQuantityDisposal", "ReceivingAmountDisposal")
TYPES = (*ARRIVALS, *DEPARTURES, *NEUTRAL, *(f"Void{name}" for name in (*ARRIVALS, *DEPARTURES, *NEUTRAL)))


def sign(kind: str) -> int:
    """+1 for what adds to the received quantity, -1 for what takes from it, 0 for what leaves it alone."""
    if kind.startswith("Void"):
        return -sign(kind.removeprefix("Void"))
    return 1 if kind in ARRIVALS else -1 if kind in DEPARTURES else 0


def measured(receipt: Record) -> Decimal:
    """Units, or money for receipts of amount lines."""
    value = receipt["total"] if "Amount" in receipt["type"] else receipt["quantity"]
    return Decimal(value or 0)


def remaining(receipt: Record) -> Decimal:
    """What of a receipt is still valid."""
    return Decimal(0) if receipt["status"] == "voided" else measured(receipt) - (receipt["voided-value"] or 0)
