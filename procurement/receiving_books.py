"""The account of one PO line: per shipped line what should be received, what we received, and what others did.

What we booked stays booked when a person voids or returns it in Coupa: their decision stands, and is not made good by a
new receipt. What others received covers delivered units that nobody of us received, the same shipment first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from procurement.documents import PurchaseOrderLine
from procurement.receipt_policies import ReceiptPolicies
from procurement.receiving_facts import Receipt, Shipment, arrived

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """`whole`: nothing of the receipt is matched yet, so it is voided; otherwise `units` of it are returned."""

    receipt_id: int
    units: Decimal
    whole: bool


@dataclass(slots=True, kw_only=True)
class Account:
    """One shipped line. `went_back`: at least what we reversed, whatever Amazon says by now; `target`: units to be received
    in the end; `booked`: what we received and did not reverse; `theirs`: what others received of it."""

    delivered: Decimal
    went_back: Decimal
    booked: Decimal
    ours: list[Receipt]
    taken_back: bool = False  # by a person
    theirs: Decimal = ZERO
    by: tuple[str, ...] = ()
    reversals: tuple[Reversal, ...] = ()
    theirs_to_return: Decimal = ZERO

    @property
    def target(self) -> Decimal:
        return max(ZERO, self.delivered - self.went_back)

    @property
    def open(self) -> Decimal:
        return max(ZERO, self.target - self.booked - self.theirs)

    @property
    def standing(self) -> Decimal:
        """What of the target somebody has received."""
        return min(self.target, self.booked + self.theirs)

    @property
    def receivers(self) -> str:
        return " and ".join(dict.fromkeys(self.by)) or "somebody"

    @property
    def story(self) -> str:
        """Why nothing is to be received."""
        if self.taken_back:
            return "our receipt was taken back by a person in Coupa: it is not posted again"
        if self.booked > 0:
            return f"received, partly by {self.receivers}" if self.theirs > 0 else "received"
        if self.theirs > 0:
            return f"received by {self.receivers}"
        if self.went_back > 0:
            return "went back to Amazon before it was received"
        return "the PO line already shows as much received as Amazon delivered"


@dataclass(slots=True)
class Books:
    """`receivable`: units that may be posted now over all shipped lines; `reversing`: units being taken back;
    `booked`: what we received on the PO line."""

    accounts: dict[str, Account]
    receivable: Decimal = ZERO
    reversing: Decimal = ZERO
    booked: Decimal = ZERO

    @classmethod
    def of(
        cls,
        line: PurchaseOrderLine,
        shipments: Sequence[Shipment],
        receipts: Iterable[Receipt],
        policies: ReceiptPolicies,
    ) -> "Books":
        known = list(receipts)
        books = cls({shipment.key: _account(shipment, known, policies) for shipment in shipments})
        books._share_out(
            [one for one in known if one.arrives and one.live > 0 and not _ours(one, shipments)], shipments
        )
        books._reverse(line, shipments, known)
        books._limit(line)
        return books

    def _share_out(self, theirs: Sequence[Receipt], shipments: Sequence[Shipment]) -> None:
        """What others received: of the same shipment, of any that lacks it, and last of what went back."""
        left = {one.id: one.live for one in theirs}
        for named, limit in ((True, "target"), (False, "target"), (False, "delivered")):
            for shipment in shipments:
                account = self.accounts[shipment.key]
                ids = {shipment.facts.shipment_id, shipment.match_reference}
                for one in theirs:
                    if named and one.match_reference not in ids:
                        continue
                    missing = getattr(account, limit) - account.booked - account.theirs
                    taken = min(left[one.id], missing)
                    if taken > 0:
                        left[one.id] -= taken
                        account.theirs += taken
                        account.by += (one.by,)

    def _reverse(self, line: PurchaseOrderLine, shipments: Sequence[Shipment], receipts: Sequence[Receipt]) -> None:
        """Takes back of our own receipts what went back and still stands as received."""
        surplus = max(ZERO, line.received - sum((one.standing for one in self.accounts.values()), ZERO))
        for shipment in shipments:
            account = self.accounts[shipment.key]
            if account.went_back <= 0:
                continue
            wanted = min(max(ZERO, account.booked - account.target), surplus)
            account.reversals = tuple(_reversals(account.ours, receipts, wanted, invoiced=line.invoiced > 0))
            reversed_units = sum((one.units for one in account.reversals), ZERO)
            surplus -= reversed_units
            self.reversing += reversed_units
        for account in self.accounts.values():
            over = min(account.theirs, max(ZERO, account.booked + account.theirs - account.target), surplus)
            if account.went_back > 0 and not account.reversals and over > 0:
                account.theirs_to_return = over
                surplus -= over

    def _limit(self, line: PurchaseOrderLine) -> None:
        wanted = sum((one.target for one in self.accounts.values()), ZERO)
        delivered = sum((one.delivered for one in self.accounts.values()), ZERO)
        standing = line.received - self.reversing
        self.receivable = max(ZERO, min(wanted - standing, delivered - line.received))
        self.booked = sum((one.booked for one in self.accounts.values()), ZERO)


def _account(shipment: Shipment, receipts: Sequence[Receipt], policies: ReceiptPolicies) -> Account:
    mine = [one for one in receipts if one.is_of(shipment.key)]
    arrivals = [one for one in mine if one.arrives]
    voided = shipment.history.voided
    reversed_by_us = sum((one.quantity for one in arrivals if one.id in voided), ZERO)
    reversed_by_us += sum((one.quantity for one in mine if one.departs), ZERO)
    return Account(
        delivered=Decimal(shipment.facts.quantity) if arrived(shipment.facts, policies) else ZERO,
        went_back=max(Decimal(shipment.went_back), reversed_by_us),
        booked=sum((one.quantity for one in arrivals), ZERO) - reversed_by_us,
        ours=arrivals,
        taken_back=any(one.voided > 0 and one.id not in voided for one in arrivals),
    )


def _ours(receipt: Receipt, shipments: Sequence[Shipment]) -> bool:
    return any(receipt.is_of(shipment.key) for shipment in shipments)


def _reversals(
    ours: Sequence[Receipt], receipts: Sequence[Receipt], wanted: Decimal, *, invoiced: bool
) -> Iterable[Reversal]:
    """The newest receipts first. A whole one is voided unless the PO line is invoiced or part of it was returned."""
    for receipt in reversed(ours):
        returned = sum((one.live for one in receipts if one.departs and one.original_id == receipt.id), ZERO)
        units = min(wanted, receipt.live - returned)
        if units <= 0:
            continue
        wanted -= units
        yield Reversal(receipt_id=receipt.id, units=units, whole=not invoiced and units == receipt.quantity)
