"""Orders with their lines counted from the raw pages: key and goods, before any model or rule sees them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from connectors.payload_types import read_exact
from connectors.tally import Json, Tally

KIND = "purchase"
CENT, WHOLE = Decimal("0.01"), Decimal(1)


def order_id_of(raw: Json) -> str:
    """Every row of every report names its order."""
    return str((raw.get("orderMetadata") or {}).get("orderId") or "")


def by_order(rows: Iterable[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for row in rows:
        found.setdefault(order_id_of(row), []).append(row)
    return found


def count_purchases(tally: Tally, orders: Iterable[Json], lines: Mapping[str, Sequence[Json]]) -> None:
    """Each order under its id, with quantity x unit price of its lines; None where a price cannot be read."""
    for order in orders:
        key = order_id_of(order)
        tally.count(KIND, key, *_goods(lines.get(key, ())))


def _goods(lines: Sequence[Json]) -> tuple[Decimal | None, str | None]:
    total, currency = Decimal(0), None
    for line in lines:
        amount, of = _line(line)
        if amount is None or of != (currency or of):
            return None, None
        total, currency = total + amount, of
    return (total, currency) if currency else (None, None)


def _line(line: Json) -> tuple[Decimal | None, str | None]:
    price = line.get("unitPrice")
    subtotals = [one.get("amount") for one in line.get("charges") or () if one.get("type") == "SUBTOTAL"]
    money = price if isinstance(price, Mapping) else subtotals[0] if subtotals else None
    if not isinstance(money, Mapping) or not isinstance(money.get("currencyCode"), str):
        return None, None
    try:
        amount = read_exact(money.get("amount"))
        amount = amount * read_exact(line.get("quantity")) if money is price else amount
    except ValueError:
        return None, None
    step = WHOLE if money["currencyCode"] == "JPY" else CENT
    return amount.quantize(step, ROUND_HALF_UP), money["currencyCode"]
