"""Money that comes back: returns, price adjustments, more than was paid, and refunds of what no charge ever showed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from sandbox.scenarios.amounts import Amounts, to_cents
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.purchases import Parcel, Purchase, Shipment

AFTER = timedelta(days=12)
PRICE_ADJUSTMENT = Decimal("0.15")
GOODWILL = Decimal("5.00")


def _refundable(purchase: Purchase) -> tuple[Shipment, Parcel]:
    shipment = purchase.shipments[0]
    return shipment, max(shipment.parcels, key=lambda parcel: parcel.quantity)


def returned(draft: Draft, purchase: Purchase) -> None:
    """All units of a line come back: one REFUND, one credit memo."""
    shipment, parcel = _refundable(purchase)
    refund = draft.refund(purchase, shipment, [parcel], shipment.shipped_at + AFTER)
    draft.state("returned", purchase, credit_memo=_memo(refund.invoice), amount=str(refund.total))


def partly_returned(draft: Draft, purchase: Purchase) -> None:
    """One unit of several comes back."""
    shipment, parcel = _refundable(purchase)
    one = Parcel(parcel.line, 1, Amounts(parcel.line.unit_price).taxed(_rate(purchase, parcel)))
    refund = draft.refund(purchase, shipment, [one], shipment.shipped_at + AFTER)
    draft.state("partly_returned", purchase, credit_memo=_memo(refund.invoice), amount=str(refund.total))


def price_refund(draft: Draft, purchase: Purchase) -> None:
    """The goods stay, part of the price comes back; the units are given as charged, or as 0, in turn."""
    shipment, parcel = _refundable(purchase)
    units = 0 if len(draft.situations.get("price_refund", ())) % 2 else parcel.quantity
    part = Amounts(to_cents(parcel.amounts.principal * PRICE_ADJUSTMENT)).taxed(_rate(purchase, parcel))
    adjusted = [replace(parcel, quantity=units, amounts=part)]
    refund = draft.refund(purchase, shipment, adjusted, shipment.shipped_at + AFTER, reason="Pricing adjustment")
    draft.state("price_refund", purchase, credit_memo=_memo(refund.invoice), amount=str(refund.total))


def overrefund(draft: Draft, purchase: Purchase) -> None:
    """A full refund of a line, and a few dollars on top as OVERREFUND."""
    shipment, parcel = _refundable(purchase)
    refund = draft.refund(purchase, shipment, [parcel], shipment.shipped_at + AFTER)
    more = Parcel(parcel.line, parcel.quantity, Amounts(GOODWILL))
    extra = draft.refund(
        purchase, shipment, [more], shipment.shipped_at + AFTER + timedelta(days=1), kind="OVERREFUND",
        reason="Goodwill"
    )  # fmt: skip
    extra.associated.append(refund.id)
    draft.state("overrefund", purchase, credit_memo=_memo(extra.invoice), amount=str(extra.total), refund=refund.id)


def refund_never_invoiced(draft: Draft, purchase: Purchase) -> None:
    """Lost on the way and refunded at once: the feed shows a REFUND and no CHARGE, nothing was received."""
    shipment, parcel = _refundable(purchase)
    shipment.transactions.clear()
    for one in purchase.shipments:
        one.receipts.clear()
    refund = draft.refund(purchase, shipment, [parcel], shipment.shipped_at + AFTER, reason="Undelivered shipment")
    draft.state("refund_never_invoiced", purchase, credit_memo=_memo(refund.invoice), amount=str(refund.total))


def _rate(purchase: Purchase, parcel: Parcel) -> Decimal:
    return Decimal(0) if parcel.line.tax_exempt else purchase.marketplace.tax_rate


def _memo(invoice: object) -> str:
    return str(getattr(invoice, "number", ""))
