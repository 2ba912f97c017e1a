"""What a purchase is held against: its PO, the contracts, and what was bought beside it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from procurement.compliance.contracts import Agreements
from procurement.compliance.purchases import Purchase
from procurement.compliance.terms import Terms
from procurement.money import minor_unit, round_to
from procurement.order_changes import PO_CANCELLED
from procurement.sellers.identity import Party, Recognition, Verdict

Limit = tuple[str, str, Decimal]  # contract, ASIN (empty: the contract's money), and the most that was agreed on


@dataclass(frozen=True, slots=True)
class PoFacts:
    """A PO as far as it tells whether it came first, and whether an Amazon order may be placed on it. `approved_at`: the last
    approval of its requisition; `other_supplier`: the number of its supplier, where that one does not stand for Amazon."""

    number: str
    created_at: datetime | None
    approved_at: datetime | None = None
    status: str = ""
    other_supplier: str = ""

    @property
    def flaw(self) -> str | None:
        """Why an Amazon order is not covered by it, in words that follow its number; None: it is."""
        if self.other_supplier:
            return f"which Coupa issued to supplier {self.other_supplier}"
        return "which is cancelled in Coupa" if self.status in PO_CANCELLED else None

    @property
    def since(self) -> datetime | None:
        """When it was there and approved."""
        return max((one for one in (self.created_at, self.approved_at) if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class Bought:
    """A line of another purchase, cancelled ones left out. `seller` is normalised; `order` names its purchase, `po_number` the PO
    that covers it: several orders of one PO were approved together. Empty: none does, whatever number was typed."""

    order: str
    ordered_at: datetime
    buyer: str
    cost_center: str
    seller: str
    commodity: str
    asin: str
    quantity: Decimal
    amount: Decimal
    currency: str
    po_number: str = ""

    @property
    def approved_as(self) -> str:
        return self.po_number or self.order


@dataclass(frozen=True, slots=True)
class Taken:
    """What an order takes of what a contract bounds over all orders: `size` in units of an article, or in money, when so much was
    taken `before` it. `amount` is its money either way."""

    order: str
    ordered_at: datetime
    size: Decimal
    amount: Decimal
    before: Decimal

    @property
    def reached(self) -> Decimal:
        return self.before + self.size

    def beyond(self, most: Decimal, currency: str) -> "Taken | None":
        """Its part beyond `most`; None where it stays within."""
        if self.size <= 0 or self.reached <= most:
            return None
        size = min(self.size, self.reached - most)
        amount = round_to(self.amount * size / self.size, minor_unit(currency))
        return Taken(self.order, self.ordered_at, size, amount, self.reached - size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a purchase is held against. `po` None: Coupa has none of its number. `others`: lines of the buyer's and the
    cost centers' other purchases of the last days. `units` and `money`: bought before on (contract, ASIN), and on contracts.
    `taken`: all orders that took more than a limit which this one breaks."""

    agreements: Agreements = field(default_factory=Agreements)
    recognise: Callable[[Party], Recognition] = lambda seller: Recognition(Verdict.DIFFERENT)
    po: PoFacts | None = None
    others: Sequence[Bought] = ()
    units: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    money: Mapping[str, Decimal] = field(default_factory=dict)
    taken: Mapping[Limit, Sequence[Taken]] = field(default_factory=dict)

    @property
    def terms(self) -> Terms:
        return Terms(self.agreements, self.recognise)


def po_of(purchase: Purchase, po: PoFacts | None) -> str:
    """The number of the PO that covers it; empty: it names none, or one that covers no Amazon order. What is not placed yet is
    Coupa's own document."""
    covered = not purchase.placed or (po is not None and po.flaw is None)
    return (purchase.po_number or "") if covered else ""


def approved_as(purchase: Purchase, at: Surroundings) -> str:
    """What it was approved as: its PO, else it stands by itself."""
    return po_of(purchase, at.po) or purchase.key
