"""Exact arithmetic on wire amounts: text in Reconciliation, numbers in Reporting. Rounded half up to the cent (yen: to one)."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.seed import Json

MONEY_OF_LINE = (
    "principalAmount", "shippingCharge", "giftWrappingCharge", "regulatoryFee", "discount", "tax", "totalAmount",
)  # fmt: skip


def read_amount(value: Any, what: str) -> Decimal:
    """A JSON number or text as Decimal; ValueError names `what`."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{what} is {value!r}, not an amount") from None
    if not amount.is_finite():
        raise ValueError(f"{what} is {value!r}, not an amount")
    return amount


def read_quantity(body: Json, otherwise: int) -> int:
    """The body's `quantity`, `otherwise` when it has none; ValueError when it is no whole number above 0."""
    quantity = body.get("quantity", otherwise)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity <= 0:
        raise ValueError(f"quantity is {quantity!r}; it must be a whole number above 0")
    return quantity


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1) if currency == "JPY" else Decimal("0.01"), rounding=ROUND_HALF_UP)


def text_money(amount: Decimal, currency: str) -> Json:
    return {"currencyCode": currency, "amount": str(rounded(amount, currency))}


def number_money(amount: Decimal, currency: str) -> Json:
    return {"currencyCode": currency, "amount": float(rounded(amount, currency))}


def scaled_charges(charges: list[Json], share: Decimal) -> list[Json]:
    """Reporting's charges times `share`; the net total is the sum of the rounded parts."""
    parts, total = [], Decimal(0)
    currency = charges[0]["amount"]["currencyCode"] if charges else "USD"
    for charge in charges:
        if charge["type"] == "NET_TOTAL":
            continue
        money = number_money(read_amount(charge["amount"]["amount"], charge["type"]) * share, currency)
        parts.append({**charge, "amount": money})
        total += Decimal(str(money["amount"]))
    return [*parts, {"type": "NET_TOTAL", "amount": number_money(total, currency)}]


def charges_between(charges: list[Json], before: int, after: int, *, whole: int) -> list[Json]:
    """What units `before` to `after` of `whole` cost: the parts of all units add up to the whole, to the cent."""
    if not before:
        return scaled_charges(charges, Decimal(after) / Decimal(whole))
    until = scaled_charges(charges, Decimal(after) / Decimal(whole))
    passed = scaled_charges(charges, Decimal(before) / Decimal(whole))
    return [
        {**one, "amount": _difference(one["amount"], other["amount"])}
        for one, other in zip(until, passed, strict=True)
    ]  # fmt: skip


def _difference(one: Json, other: Json) -> Json:
    amount = read_amount(one["amount"], "amount") - read_amount(other["amount"], "amount")
    return number_money(amount, one["currencyCode"])


def scaled_line(line: Json, share: Decimal) -> Json:
    """A transaction line with every money part times `share`; its total is the sum of the rounded parts."""
    scaled, total = dict(line), Decimal(0)
    for name in MONEY_OF_LINE[:-1]:
        if name in line:
            scaled[name] = text_money(read_amount(line[name]["amount"], name) * share, line[name]["currencyCode"])
            total += Decimal(scaled[name]["amount"])
    scaled["totalAmount"] = text_money(total, line["totalAmount"]["currencyCode"])
    return scaled
