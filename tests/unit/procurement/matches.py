"""What the tests of the match share: tolerances and matches in a line."""

from decimal import Decimal
from typing import Any

from procurement.documents import ChargeKind, GoodsReceipt, Invoice, InvoiceCharge, PurchaseOrder
from procurement.matching import Finding, MatchResult, three_way_match
from procurement.money import Money
from procurement.tolerances import Limits, Tolerances

NAMED = {"over", "under", "valid_from", "account"}


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def limits(**checks: Any) -> Limits:
    """{"absolute": "1"} is the limit of both sides for tax, of the upper one elsewhere."""
    return Limits.model_validate({name: _sides(name, given) for name, given in checks.items() if given is not None})


def _sides(name: str, given: Any) -> Any:
    if isinstance(given, list) or NAMED & given.keys():
        return given
    bound = {"combine": "both", **given} if len(given) == 2 else given
    return {"over": bound, "under": bound} if name == "tax" else {"over": bound}


def tolerances(**checks: Any) -> Tolerances:
    """Strict in everything, unless told otherwise; None switches a check off."""
    strict: dict[str, Any] = {
        "price": {"percent": "0"}, "received": {"absolute": "0"}, "ordered": {"absolute": "0"}, "tax": {"absolute": "0"},
        "shipping": {"absolute": "0"}, "total": {"absolute": "0"},
    }  # fmt: skip
    return Tolerances(limits(**(strict | checks)), {}, {})


def match(
    invoice: Invoice,
    order: PurchaseOrder,
    receipts: list[GoodsReceipt] | None = None,
    *,
    billed: dict[int, Decimal] | None = None,
    earlier: Any = (),
    conversions: Any = None,
    rates: Any = None,
    **checks: Any,
) -> MatchResult:
    more: dict[str, Any] = {"conversions": conversions} if conversions is not None else {}
    return three_way_match(
        invoice, {order.number: order}, receipts or [], tolerances(**checks), billed=billed, earlier=earlier, rates=rates, **more
    )  # fmt: skip


def only(result: MatchResult) -> Finding:
    (finding,) = result.findings
    return finding


def charge(kind: ChargeKind, amount: str, description: str = "x", *, is_rounding: bool = False) -> InvoiceCharge:
    return InvoiceCharge(kind=kind, total=usd(amount), description=description, is_rounding=is_rounding)
