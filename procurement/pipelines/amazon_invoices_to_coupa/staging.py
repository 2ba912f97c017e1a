"""A raw Amazon transaction as the ledger keeps it: its key, its money, and the few columns that group and pair it.

Tolerant on purpose: whatever cannot be read stays None and the record is kept whole; `candidates` says later what is
wrong with it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.amazon_business.transactions import amount_of, key_of
from procurement.ledger.transaction_lines import TransactionLine
from procurement.ledger.types import RecordLine, Staged

Json = dict[str, Any]


def staged(raw: Json) -> Staged:
    """The transaction under the key and with the amount that the connector's tally counted it by."""
    lines = raw.get("transactionLineItems")
    amount, currency = amount_of(raw)
    return Staged(
        key=key_of(raw),
        raw=raw,
        amount=amount,
        currency=currency,
        group_key=_word(raw.get("invoiceNumber")),
        dated_at=_moment(raw.get("feedDate")),
        subkind=_word(raw.get("transactionType")),
        lines=tuple(map(staged_line, filter(_is_object, lines))) if isinstance(lines, list) else (),
    )


def staged_line(line: Json) -> RecordLine:
    """The order line that is charged or refunded, for pairing refunds with charges."""
    quantity = line.get("itemQuantity")
    return RecordLine(
        order_id=_word(line.get("orderId")),
        order_line_id=_word(line.get("orderLineItemId")),
        shipment_id=_word(line.get("shipmentId")),
        quantity=quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else None,
        amount=amount_of({"amount": line.get("totalAmount")})[0],
    )


def transaction_lines(row: Staged) -> Iterator[TransactionLine]:
    """The lines as the ledger gives them once it has the record."""
    named = row.raw.get("associatedTransactionDetails")
    names = [one.get("associatedTransactionId") for one in named if _is_object(one)] if isinstance(named, list) else []
    raw_lines = filter(_is_object, row.raw.get("transactionLineItems") or ())
    for raw, line in zip(raw_lines, row.lines, strict=True):
        if line.order_id is not None:
            yield TransactionLine(
                key=row.key, subkind=row.subkind or "", order_id=line.order_id, order_line_id=line.order_line_id,
                shipment_id=line.shipment_id, quantity=None if line.quantity is None else Decimal(line.quantity),
                dated_at=row.dated_at, po_line_number=_word(raw.get("purchaseOrderLineItemId")), asin=_word(raw.get("asin")),
                reason=_word(raw.get("refundReason")), amount=line.amount, currency=row.currency, number=row.group_key,
                names=tuple(name for name in map(_word, names) if name),
            )  # fmt: skip


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _word(value: object) -> str | None:
    """Non-empty text; anything else is None. NUL cannot be stored in PostgreSQL text."""
    return value.strip().replace("\0", "") or None if isinstance(value, str) else None


def _moment(value: object) -> datetime | None:
    """An aware moment in UTC; text without an offset is UTC already, anything unreadable is None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
