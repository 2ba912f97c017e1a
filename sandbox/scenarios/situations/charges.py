"""What a charge can be made of, and how a price can stray from its purchase order."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from sandbox.scenarios.amounts import CENT, Amounts, to_cents
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.purchases import Parcel, Purchase

SHIPPING = (Decimal("6.99"), Decimal("29.99"))  # usual, and dear: a matter of opinion
FREE_SHIPPING = Decimal("5.99")
GIFT_WRAP = Decimal("3.99")
FEE_PER_UNIT = Decimal("4.00")
PROMOTION = Decimal("0.10")
OVER_PO = (Decimal("1.01"), Decimal("1.04"), Decimal("1.12"))  # within any tolerance, a matter of opinion, over any
UNDER_PO = Decimal("0.95")
AUTHORISED_MORE = Decimal("5.00")


def _change(purchase: Purchase, parcel: Parcel, change: Callable[[Amounts], Amounts]) -> Amounts:
    """New amounts for the parcel, taxed again unless the line is exempt."""
    amounts = change(replace(parcel.amounts, tax=to_cents(Decimal(0))))
    parcel.amounts = amounts if parcel.line.tax_exempt else amounts.taxed(purchase.marketplace.tax_rate)
    return parcel.amounts


def _first(purchase: Purchase) -> Parcel:
    return purchase.shipments[0].parcels[0]


def promotion(draft: Draft, purchase: Purchase) -> None:
    saved = to_cents(_first(purchase).amounts.principal * PROMOTION)
    _change(purchase, _first(purchase), lambda amounts: replace(amounts, discount=amounts.discount - saved))
    draft.state("promotion", purchase, discount=str(-saved))


def free_shipping(draft: Draft, purchase: Purchase) -> None:
    """Amazon shows free shipping as a charge and an equal discount."""
    free = {"shipping": FREE_SHIPPING, "discount": -FREE_SHIPPING}
    _change(purchase, _first(purchase), lambda amounts: replace(amounts, **free))
    draft.state("free_shipping", purchase, shipping=str(FREE_SHIPPING))


def paid_shipping(draft: Draft, purchase: Purchase) -> None:
    """Now usual, now dear."""
    shipping = SHIPPING[len(draft.situations.get("paid_shipping", ())) % len(SHIPPING)]
    _change(purchase, _first(purchase), lambda amounts: replace(amounts, shipping=shipping))
    draft.state("paid_shipping", purchase, shipping=str(shipping))


def gift_wrap(draft: Draft, purchase: Purchase) -> None:
    _change(purchase, _first(purchase), lambda amounts: replace(amounts, gift_wrap=GIFT_WRAP))
    draft.state("gift_wrap", purchase, gift_wrap=str(GIFT_WRAP))


def regulatory_fee(draft: Draft, purchase: Purchase) -> None:
    """A fee per unit; it carries no tax."""
    parcel = _first(purchase)
    fee = FEE_PER_UNIT * parcel.quantity
    _change(purchase, parcel, lambda amounts: replace(amounts, regulatory_fee=fee))
    draft.state("regulatory_fee", purchase, fee=str(fee))


def tax_exempt(draft: Draft, purchase: Purchase) -> None:
    for line in purchase.lines:
        line.tax_exempt = True
    for shipment in purchase.shipments:
        for parcel in shipment.parcels:
            _change(purchase, parcel, lambda amounts: amounts)
    draft.state("tax_exempt", purchase)


def rounding_cent(draft: Draft, purchase: Purchase) -> None:
    """The principal is a cent off unit price x quantity, now up, now down."""
    cent = CENT if len(draft.situations.get("rounding_cent", ())) % 2 else -CENT
    _change(purchase, _first(purchase), lambda amounts: replace(amounts, principal=amounts.principal + cent))
    draft.state("rounding_cent", purchase, difference=str(cent))


def price_over_po(draft: Draft, purchase: Purchase) -> None:
    """Amazon's price stays; the PO says less, by 1, 4 or 12 percent in turn."""
    factor = OVER_PO[len(draft.situations.get("price_over_po", ())) % len(OVER_PO)]
    _reprice_order(draft, "price_over_po", purchase, factor)


def price_under_po(draft: Draft, purchase: Purchase) -> None:
    _reprice_order(draft, "price_under_po", purchase, UNDER_PO)


def _reprice_order(draft: Draft, situation: str, purchase: Purchase, factor: Decimal) -> None:
    line = purchase.lines[0]
    assert line.po_line
    line.po_line.price = to_cents(line.unit_price / factor)
    draft.state(
        situation, purchase, line=line.po_line.number, po_price=str(line.po_line.price), charged=str(line.unit_price)
    )


def authorised_amount(draft: Draft, purchase: Purchase) -> None:
    """Until it settles the transaction shows what was authorised, more than its lines come to."""
    charge = purchase.charges[0]
    charge.authorised = charge.total + AUTHORISED_MORE
    draft.state(
        "authorised_amount", purchase, transaction=charge.id, amount=str(charge.authorised), lines=str(charge.total)
    )
