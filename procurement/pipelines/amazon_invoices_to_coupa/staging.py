"""A raw Amazon transaction as the ledger keeps it: its key, its money, and the few columns that group and pair it.

Tolerant on purpose: whatever cannot be read stays None and the record is kept whole; `candidates` says later what is
wrong with it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.tally import content_key
from procurement.errors import MoneyError
from procurement.ledger.types import RecordLine, Staged
from procurement.money import MINOR_UNITS, to_decimal

KIND = "transaction"

Json = dict[str, Any]


def source_of(account: str) -> str:
    """Source keys begin with the Amazon Business account."""
    return f"amazon_business/{account}"


def staged(raw: Json) -> Staged:
    """The transaction with the sum of its lines' totalAmount (or `amount` where it has no lines), in its currency."""
    lines = [line for line in raw.get("transactionLineItems") or () if isinstance(line, Mapping)]
    amounts = [read_amount(line.get("totalAmount")) for line in lines] or [read_amount(raw.get("amount"))]
    known = [(amount, currency) for amount, currency in amounts if amount is not None]
    currency = known[0][1] if known else None
    return Staged(
        key=_word(raw.get("transactionId")) or content_key(raw),
        raw=raw,
        amount=sum((amount for amount, _ in known), Decimal(0)) if known else None,
        currency=currency,
        group_key=_word(raw.get("invoiceNumber")),
        dated_at=_moment(raw.get("feedDate")),
        subkind=_word(raw.get("transactionType")),
        lines=tuple(
            RecordLine(
                order_id=_word(line.get("orderId")),
                order_line_id=_word(line.get("orderLineItemId")),
                shipment_id=_word(line.get("shipmentId")),
                quantity=line.get("itemQuantity") if isinstance(line.get("itemQuantity"), int) else None,
                amount=read_amount(line.get("totalAmount"))[0],
            )
            for line in lines
        ),
    )


def read_amount(money: object) -> tuple[Decimal | None, str | None]:
    """Amazon's {"currencyCode", "amount"} as exact amount and known currency; (None, None) when it is not that."""
    if not isinstance(money, Mapping) or money.get("currencyCode") not in MINOR_UNITS:
        return None, None
    try:
        return to_decimal(money.get("amount")), str(money["currencyCode"])  # type: ignore[arg-type]
    except MoneyError:
        return None, None


def _word(value: object) -> str | None:
    """Non-empty text; anything else is None. NUL cannot be stored in PostgreSQL text."""
    return value.strip().replace("\0", "") or None if isinstance(value, str) else None


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
