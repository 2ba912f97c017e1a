"""A raw Amazon transaction as this pipeline keeps it: under its own kind, without the lines that pair invoices."""

from typing import Any

from connectors.amazon_business.transactions import amount_of, key_of
from procurement.ledger.types import Staged

Json = dict[str, Any]


def staged(raw: Json) -> Staged:
    """The transaction under the key and with the amount that the connector's tally counted it by."""
    amount, currency = amount_of(raw)
    number, kind = raw.get("invoiceNumber"), raw.get("transactionType")
    return Staged(
        key=key_of(raw),
        raw=raw,
        amount=amount,
        currency=currency,
        group_key=number.strip().replace("\0", "") or None if isinstance(number, str) else None,
        subkind=kind.strip().replace("\0", "") or None if isinstance(kind, str) else None,
    )
