"""What is written off, on its way to its GL account.

The invoice's prices and total never change. What a line is billed too much becomes a split of its account, a charge goes to
that account whole. What neither can say (taxes have no account, a split has no negative share) people must code: the
invoice's internal note says all of it, what and where.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from procurement.documents import AccountShare, ChargeKind, Invoice, InvoiceCharge, InvoiceLine, PurchaseOrder
from procurement.matching import Written, WrittenShare
from procurement.money import Money, round_to

WHOLE = Decimal(100)
PERCENT_STEP = Decimal("0.0000000001")  # Coupa takes ten decimals
CHARGES: Mapping[str, frozenset[ChargeKind]] = {
    "shipping": frozenset({ChargeKind.SHIPPING, ChargeKind.HANDLING}),
    "charges": frozenset({ChargeKind.MISC}),
}


@dataclass(frozen=True, slots=True)
class Coded:
    """`note`: for people, what is written off where; None where nothing is. `by_hand`: of it, what they must code themselves."""

    invoice: Invoice
    note: str | None = None
    by_hand: tuple[str, ...] = ()


def coded(
    invoice: Invoice,
    written: Written | None,
    *,
    orders: Iterable[PurchaseOrder],
    accounts: Mapping[str, Mapping[str, str]],
    is_sent: bool = False,
) -> Coded:
    """The document with what is `written` off at its account; `accounts`: by chart and name. Nothing reaches one that `is_sent`."""
    if written is None:
        return Coded(invoice)
    account = accounts.get(invoice.chart_of_accounts or "", {}).get(written.account)
    ordered = {line.id: line.account for order in orders for line in order.lines}
    said, by_hand = list[str](), list[str]()
    for share in written.shares:
        where = f"{_named(share)} to the account {account or 'of that name'} ({written.account})"
        found = _with(invoice, share, account, ordered) if account and not is_sent else None
        if found is None:
            by_hand.append(f"To be coded by hand, as it is written off: {where}.")
        else:
            invoice = found
            said.append(f"Written off: {where}.")
    return Coded(invoice, " ".join((*said, *by_hand)), tuple(by_hand))


def _named(share: WrittenShare) -> str:
    cause = {"line": "price", "charges": "other charges"}.get(share.cause, share.cause)
    return f"{share.money} ({cause}{f' of line {share.line}' if share.line is not None else ''})"


def _with(invoice: Invoice, share: WrittenShare, account: str, ordered: Mapping[int, str | None]) -> Invoice | None:
    """None where the document cannot carry the share."""
    if share.cause == "line":
        lines = [
            _split(line, share.money, account, ordered) if line.number == share.line else line for line in invoice.lines
        ]
        return None if None in lines else replace(invoice, lines=tuple(filter(None, lines)))
    kinds = CHARGES.get(share.cause, frozenset())
    moved = [charge for charge in invoice.charges if charge.kind in kinds and not charge.is_rounding]
    if not moved or any((charge.total.amount > 0) is not (share.money.amount > 0) for charge in moved):
        return None
    return replace(invoice, charges=tuple(_charges(invoice.charges, moved, account)))


def _charges(charges: Iterable[InvoiceCharge], moved: list[InvoiceCharge], account: str) -> Iterator[InvoiceCharge]:
    for charge in charges:
        yield replace(charge, account=account, allocations=()) if charge in moved else charge


def _split(line: InvoiceLine, money: Money, account: str, ordered: Mapping[int, str | None]) -> InvoiceLine | None:
    """Its own account, or its PO line's, less the share. None where that has no one account, or keeps nothing."""
    own = line.account or ordered.get(line.po_line_id or 0)
    if own is None or line.allocations or not line.total or not 0 < money.amount / line.total.amount < 1:
        return None
    percent = round_to(money.amount * WHOLE / line.total.amount, PERCENT_STEP).normalize()
    shares = AccountShare(own, WHOLE - percent, line.total - money), AccountShare(account, percent, money)
    return replace(line, account=None, allocations=shares)
