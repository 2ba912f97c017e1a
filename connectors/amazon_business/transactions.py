"""Transactions counted from the raw page: key, amount and currency, before any model sees them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from connectors.payload_types import read_exact
from connectors.tally import Json, Tally, content_key

KIND = "transaction"


def count_transactions(tally: Tally, page: Sequence[Json], kind: str = KIND) -> None:
    tally.pages += 1
    for transaction in page:
        amount, currency = amount_of(transaction)
        tally.count(kind, key_of(transaction), amount, currency)


def key_of(transaction: Json) -> str:
    """Its id, or the hash of its content where it has none. PostgreSQL cannot keep NUL, so keys have none."""
    given = transaction.get("transactionId")
    named = given.strip().replace("\0", "") if isinstance(given, str) else ""
    return named or content_key(transaction)


def amount_of(transaction: Json) -> tuple[Decimal | None, str | None]:
    """The sum of its lines' totalAmount, or its own amount where it has no lines; (None, None) if it cannot be read.

    Its own amount is no more than authorised until Amazon settles it; whoever builds on the sum holds the two together.
    """
    lines = transaction.get("transactionLineItems")
    if not isinstance(lines, list) or not lines:
        return _read(transaction.get("amount"))
    total, currency = Decimal(0), None
    for line in lines:
        amount, of = _read(line.get("totalAmount") if isinstance(line, Mapping) else None)
        if amount is None or of != (currency or of):
            return None, None
        total, currency = total + amount, of
    return total, currency


def _read(money: object) -> tuple[Decimal | None, str | None]:
    if not isinstance(money, Mapping) or not isinstance(money.get("currencyCode"), str):
        return None, None
    try:
        return read_exact(money.get("amount")), money["currencyCode"]
    except ValueError:
        return None, None
