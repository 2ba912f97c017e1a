"""A staged transaction as spend: when it happened where the marketplace is, how it was paid, what each line came to.

Amounts come from the lines' `totalAmount`, as the connector's tally counts them; a charge that names no lines is one
line of its own. Whatever cannot be read is a dead letter that says everything wrong with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from connectors.amazon_business.payloads import Transaction
from procurement.ledger.types import Record
from procurement.money import MINOR_UNITS, Money
from procurement.policies import Policies
from procurement.spend.spend_rules import PaidBy

Json = dict[str, Any]
KNOWN_TYPES = frozenset({"CHARGE", "REFUND", "OVERREFUND"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a transaction; `number` counts from 1 and names its part in the ledger."""

    number: int
    raw: Json
    amount: Money
    po_number: str | None
    po_line: str | None
    order_id: str | None
    order_line: str | None


@dataclass(frozen=True, slots=True)
class Purchase:
    """`unsettled`: what the transaction says it comes to beside its lines, where the two differ."""

    record: Record
    raw: Json
    spent_on: date
    paid_by: PaidBy
    invoice_number: str | None
    lines: tuple[Line, ...]
    unsettled: Money | None = None

    @property
    def is_refund(self) -> bool:
        return (self.record.amount or 0) < 0


@dataclass(frozen=True, slots=True)
class Unreadable:
    record: Record
    problems: tuple[str, ...]


def read_purchase(record: Record, policies: Policies) -> Purchase | Unreadable:
    """The record as spend, or everything that is wrong with it."""
    try:
        transaction = Transaction.model_validate(record.raw)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        return Unreadable(
            record, tuple(f"{'.'.join(map(str, one['loc'])) or 'transaction'}: {one['msg']}." for one in problems)
        )
    problems_found = tuple(_problems(record, transaction, policies))
    if problems_found:
        return Unreadable(record, problems_found)
    assert transaction.transaction_date is not None
    assert record.amount is not None
    assert record.currency is not None
    zone = ZoneInfo(policies.zones[transaction.marketplace_id or ""])
    total = Money.of(record.amount, record.currency)
    stated = transaction.amount
    unsettled = Money.of(stated.amount, stated.currency_code) if stated is not None else total
    return Purchase(
        record=record,
        raw=record.raw,
        spent_on=transaction.transaction_date.astimezone(zone).date(),
        paid_by=paid_by(transaction.payment_instrument_type, policies),
        invoice_number=transaction.invoice_number,
        lines=tuple(_lines(record, transaction, total)),
        unsettled=unsettled if unsettled != total else None,
    )


def _problems(record: Record, transaction: Transaction, policies: Policies) -> Iterator[str]:
    if transaction.transaction_type not in KNOWN_TYPES:
        yield f"transactionType is {transaction.transaction_type!r}; known are {', '.join(sorted(KNOWN_TYPES))}."
    if transaction.transaction_date is None:
        yield "It has no transactionDate, so no budget period."
    if transaction.marketplace_id not in policies.zones:
        yield f"policies.yml does not know the marketplace {transaction.marketplace_id!r}, so nobody can tell its day."
    if record.amount is None or record.currency is None:
        yield "Its amounts cannot be added up: one is missing, no number, or of another currency."
    elif record.currency not in MINOR_UNITS:
        yield f"The currency {record.currency!r} is not known."
    else:
        stated, finest = transaction.amount, Decimal(1).scaleb(-MINOR_UNITS[record.currency])
        if stated is not None and stated.currency_code != record.currency:
            yield f"It says {stated.amount} {stated.currency_code}, its lines are in {record.currency}."
        if not transaction.lines and record.amount % finest:
            yield f"It comes to {record.amount} {record.currency}, finer than the currency."
        for number, line in enumerate(transaction.lines, 1):
            if line.total_amount is not None and line.total_amount.amount % finest:
                yield f"Line {number} comes to {line.total_amount.amount} {record.currency}, finer than the currency."


def _lines(record: Record, transaction: Transaction, total: Money) -> Iterator[Line]:
    if not transaction.lines:
        yield Line(1, {}, total, None, None, None, None)
        return
    for number, (line, raw) in enumerate(zip(transaction.lines, record.raw["transactionLineItems"], strict=True), 1):
        assert line.total_amount is not None  # else the record had no amount
        amount = Money.of(line.total_amount.amount, line.total_amount.currency_code)
        po_number, po_line = (
            (text or "").strip() or None for text in (line.purchase_order_number, line.purchase_order_line_item_id)
        )
        yield Line(number, raw, amount, po_number, po_line, line.order_id, line.order_line_item_id)


def paid_by(instrument: str | None, policies: Policies) -> PaidBy:
    if instrument in policies.invoice_instruments:
        return "invoice"
    return "card" if instrument in policies.card_instruments else "other"
