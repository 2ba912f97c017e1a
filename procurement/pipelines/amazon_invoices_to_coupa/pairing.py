"""The original of a credit memo where Amazon's invoice details do not settle it: the ledger's charges do.

Asked only for refunds whose order line has no standard invoice in the details, or several. The number is the charge's;
its date is Amazon's, asked by the charge's own order line and shipment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.amazon_business.payloads import InvoiceDetail, OrderLineKey
from procurement.pipelines.amazon_invoices_to_coupa.drafts import Draft
from procurement.pipelines.amazon_invoices_to_coupa.identity import (
    Details,
    Original,
    details_of,
    original_of,
    standard_invoices,
)
from procurement.pipelines.amazon_invoices_to_coupa.movements import OrderTransactions, movements
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import InvoiceSource, read_details
from procurement.refunds import Movement, Pairing, pair


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why no original can be named yet: the reason people read."""

    reason: str


NEVER_SEEN = Unknown("no original invoice is known for this refund")
NO_NUMBER = Unknown("the charge it refunds has no invoice number yet")


def named_originals(
    drafts: Iterable[Draft], details: Details, *, sold: OrderTransactions, amazon: InvoiceSource
) -> dict[str, Original | Unknown]:
    """By credit memo number: what Amazon says, else what the pairing of refunds and charges says."""
    notes = [draft for draft in drafts if draft.group.is_credit_note]
    found: dict[str, Original | Unknown] = {
        draft.identity.number: original_of(draft.group, details) or NEVER_SEEN for draft in notes
    }
    unsettled = [draft for draft in notes if not _is_settled(details_of(draft.group, details))]
    if not unsettled:
        return found
    orders = sorted({key.order_id for draft in unsettled for key in draft.group.line_keys})
    paired: dict[str, Pairing] = {}
    for pairing in pair(movements(sold(orders))):
        paired.setdefault(pairing.refund.key, pairing)
    charges = {draft.identity.number: charge for draft in unsettled if (charge := _charge(draft, paired)) is not None}
    dated = read_details(amazon, [key for charge in charges.values() if (key := _key(charge)) is not None])
    for draft in unsettled:
        number = draft.identity.number
        if (charge := charges.get(number)) is not None:
            named = _original(charge, {**details, **dated})
            if isinstance(named, Original) or found[number] is NEVER_SEEN:
                found[number] = named
    return found


def _is_settled(known: Sequence[InvoiceDetail]) -> bool:
    """Amazon names the original (Japan), or the order line has one standard invoice only."""
    named = any(detail.associated_invoice_number and detail.associated_invoice_date for detail in known)
    return named or len(standard_invoices(known)) == 1


def _charge(draft: Draft, paired: Mapping[str, Pairing]) -> Movement | None:
    """The charge of the draft's first refund that has one."""
    keys: Sequence[str] = [candidate.record.key for candidate in draft.group.candidates]
    return next((charge for key in keys if key in paired and (charge := paired[key].charge) is not None), None)


def _key(charge: Movement) -> OrderLineKey | None:
    if charge.shipment_id is None:
        return None
    return OrderLineKey(charge.order_id, charge.order_line_id, charge.shipment_id)


def _original(charge: Movement, details: Details) -> Original | Unknown:
    known = details.get(key, ()) if (key := _key(charge)) is not None else ()
    fitting = [one for one in known if charge.number in (None, one.invoice_number, one.final_number)]
    issued = standard_invoices(fitting)
    if issued and (charge.number is not None or len(issued) == 1):
        return issued[0]
    if charge.number is None:
        return NO_NUMBER
    return Unknown(f"Amazon gives no date for its original invoice {charge.number} yet")
