"""The original of a credit memo, order line by order line: Amazon's invoice details say it, else the ledger's charges do.

The charges are asked where an order line has no standard invoice in the details, or several. The number is then the charge's;
its date is Amazon's, asked by the charge's own order line and shipment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

from connectors.amazon_business.payloads import InvoiceDetail, OrderLineKey
from procurement.pipelines.amazon_invoices_to_coupa.drafts import Draft
from procurement.pipelines.amazon_invoices_to_coupa.identity import (
    Details,
    Original,
    original_among,
    standard_invoices,
)
from procurement.pipelines.amazon_invoices_to_coupa.movements import OrderLine, OrderTransactions, movements
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import InvoiceSource, read_details
from procurement.refunds import ZERO, Movement, Pairing, pair


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why no original can be named: the reason people read. `final`: waiting will not help."""

    reason: str
    final: bool = False


NEVER_SEEN = Unknown("no original invoice is known for this refund")
NO_NUMBER = Unknown("the charge it refunds has no invoice number yet")


@dataclass(frozen=True, slots=True)
class Named:
    """By credit memo number: its original, and what it takes back beyond what was charged."""

    originals: dict[str, Original | Unknown] = field(default_factory=dict)
    over: dict[str, Decimal] = field(default_factory=dict)


def named_originals(
    drafts: Iterable[Draft], details: Details, *, sold: OrderTransactions, amazon: InvoiceSource
) -> Named:
    """What Amazon says, else what the pairing of refunds and charges says; one read of the ledger for all."""
    notes = [_Note.of(draft, details) for draft in drafts if draft.group.is_credit_note]
    if not notes:
        return Named()
    owner = {key: note for note in notes for key in note.refunds}
    for pairing in pair(movements(sold(sorted({order for note in notes for order, _ in note.said})))):
        if (note := owner.get(pairing.refund.key)) is not None:
            note.paired.setdefault(_line(pairing.refund), []).append(pairing)
    charges = [
        charge for note in notes for line in note.said if not note.settles(line) for charge in note.charges(line)
    ]
    dated = read_details(amazon, [key for charge in charges if (key := _key(charge)) is not None])
    return Named(
        {note.number: note.original({**details, **dated}) for note in notes},
        {note.number: over for note in notes if (over := note.over)},
    )


@dataclass(frozen=True, slots=True)
class _Note:
    """A credit memo: what Amazon said of its order lines, and the pairings of its refunds, both by order line."""

    number: str
    refunds: frozenset[str]
    said: Mapping[OrderLine, Sequence[InvoiceDetail]]
    paired: dict[OrderLine, list[Pairing]] = field(default_factory=dict)

    @classmethod
    def of(cls, draft: Draft, details: Details) -> Self:
        said: dict[OrderLine, list[InvoiceDetail]] = {}
        for key in dict.fromkeys(draft.group.line_keys):
            said.setdefault((key.order_id, key.order_line_id), []).extend(details.get(key, ()))
        refunds = frozenset(candidate.record.key for candidate in draft.group.candidates)
        return cls(draft.identity.number, refunds, said)

    @property
    def over(self) -> Decimal:
        return sum((pairing.over for pairings in self.paired.values() for pairing in pairings), ZERO)

    def settles(self, line: OrderLine) -> bool:
        """Amazon names the original (Japan), or the order line has one standard invoice only."""
        known = self.said[line]
        named = any(detail.associated_invoice_number and detail.associated_invoice_date for detail in known)
        return named or len({invoice.number for invoice in standard_invoices(known)}) == 1

    def charges(self, line: OrderLine) -> list[Movement]:
        return [pairing.charge for pairing in self.paired.get(line, ()) if pairing.charge is not None]

    def original(self, details: Details) -> Original | Unknown:
        """The one invoice that all its lines were billed on. Coupa's credit note names one: several are for a person."""
        found = [original for line in self.said for original in self._originals(line, details)]
        named = {one.number: one for one in found if isinstance(one, Original)}
        if len(named) > 1:
            return Unknown(
                f"It takes back lines of several invoices ({', '.join(sorted(named))}), and a credit note in Coupa names one. "
                "Enter it there by hand, a credit note for each, and discard this.",
                final=True,
            )
        waits = next((one for one in found if isinstance(one, Unknown) and one is not NEVER_SEEN), None)
        return waits or next(iter(named.values()), NEVER_SEEN)

    def _originals(self, line: OrderLine, details: Details) -> list[Original | Unknown]:
        said = original_among(self.said[line]) or NEVER_SEEN
        charges = self.charges(line)
        if self.settles(line) or not charges:
            return [said]
        found = [_original(charge, details) for charge in charges]
        return [one if isinstance(one, Original) or said is NEVER_SEEN else said for one in found]


def _line(movement: Movement) -> OrderLine:
    return movement.order_id, movement.order_line_id


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
