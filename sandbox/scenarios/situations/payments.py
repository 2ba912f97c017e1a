"""How a purchase is paid when not simply by invoice: cards, several instruments at once, instruments nobody knows."""

from sandbox.scenarios.amounts import add_up
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.purchases import Instrument, Purchase, Transaction
from sandbox.scenarios.situations.references import drop_po

CARDS = (Instrument("Visa", "4242"), Instrument("MasterCard", "5100"), Instrument("AmericanExpress", "1005"))
UNKNOWN = Instrument("Corporate Wallet")


def _pay_with(purchase: Purchase, instrument: Instrument) -> None:
    purchase.instrument = instrument
    for charge in purchase.charges:
        charge.instrument = instrument


def paid_by_card(draft: Draft, purchase: Purchase) -> None:
    """Every second one on the website without a PO, the others on a PO that says it is paid by card."""
    _pay_with(purchase, draft.random.choice(CARDS))
    if len(draft.situations.get("paid_by_card", ())) % 2:
        drop_po(purchase)
    elif purchase.po:
        purchase.po.payment_method = "pcard"
    draft.state("paid_by_card", purchase, instrument=purchase.instrument.type)


def card_on_invoice_po(draft: Draft, purchase: Purchase) -> None:
    """A card was charged although the PO is to be paid by invoice."""
    _pay_with(purchase, CARDS[0])
    draft.state("card_on_invoice_po", purchase, instrument=purchase.instrument.type)


def unknown_instrument(draft: Draft, purchase: Purchase) -> None:
    _pay_with(purchase, UNKNOWN)
    draft.state("unknown_instrument", purchase, instrument=UNKNOWN.type)


def split_instruments(draft: Draft, purchase: Purchase) -> None:
    """One shipment charged in two associated parts: some lines by invoice, the others to a card."""
    shipment = purchase.shipments[0]
    whole = shipment.transactions[0]
    middle = len(whole.parcels) // 2
    part = Transaction(
        draft.transaction_id(), "CHARGE", whole.at, whole.feed_at, whole.parcels[middle:], whole.invoice, CARDS[0],
        [whole.id]
    )  # fmt: skip
    whole.parcels = whole.parcels[:middle]
    whole.associated.append(part.id)
    shipment.transactions.append(part)
    draft.state("split_instruments", purchase, card_part=str(add_up([one.amounts for one in part.parcels]).total))
