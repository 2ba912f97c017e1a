"""What the tests of the match share: tolerances and matches in a line."""

from decimal import Decimal
from typing import Any

from procurement.documents import ChargeKind, GoodsReceipt, Invoice, InvoiceCharge, PurchaseOrder
from procurement.matching import Finding, MatchResult, three_way_match
from procurement.money import Money
from procurement.tolerances import Limits, Tolerances


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def tolerances(**limits: dict[str, str] | None) -> Tolerances:
    """Strict in everything, unless told otherwise; None switches a check off."""
    strict: dict[str, Any] = {
        "price": {"percent": "0"}, "received": {"absolute": "0"}, "ordered": {"absolute": "0"}, "tax": {"absolute": "0"},
        "shipping": {"absolute": "0"}, "total": {"absolute": "0"},
    }  # fmt: skip
    chosen = {name: limit for name, limit in (strict | limits).items() if limit is not None}
    return Tolerances(Limits.model_validate(chosen), {}, {})


def match(
    invoice: Invoice,
    order: PurchaseOrder,
    receipts: list[GoodsReceipt] | None = None,
    *,
    billed: dict[int, Decimal] | None = None,
    **limits: Any,
) -> MatchResult:
    return three_way_match(invoice, {order.number: order}, receipts or [], tolerances(**limits), billed=billed)


def only(result: MatchResult) -> Finding:
    (finding,) = result.findings
    return finding


def charge(kind: ChargeKind, amount: str) -> InvoiceCharge:
    return InvoiceCharge(kind=kind, total=usd(amount), description="x")
