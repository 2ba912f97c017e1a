"""Sellers as Amazon's raw rows name them, counted from the page before anything else touches it.

There is no seller id: an order line (getOrderLineItemReports) gives `seller {name, primaryAddress, credentials}`, a
transaction line its `merchantLegalName` alone. Each distinct spelling is one document, of which nothing may be lost on
the way.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.tally import Json, Tally

KIND = "seller"
NOBODY = "(no seller named)"
ADDRESS_PARTS = ("addressLine1", "addressLine2", "city", "stateOrRegion", "postalCode", "countryCode")


def text_of(value: Any) -> str:
    """Trimmed, without the NUL that PostgreSQL cannot keep; empty for what is no text."""
    return " ".join(value.replace("\0", "").split()) if isinstance(value, str) else ""


def key_of(name: Any, address: Any = None) -> str:
    """What identifies a spelling: the name and, where there is one, the address, as written."""
    spelled = text_of(name)
    parts = [text_of(address.get(part)) for part in ADDRESS_PARTS] if isinstance(address, Mapping) else []
    place = ", ".join(part for part in parts if part)
    return f"{spelled} | {place}" if spelled and place else spelled or NOBODY


def order_line_key(row: Json) -> str:
    seller = row.get("seller")
    return key_of(seller.get("name"), seller.get("primaryAddress")) if isinstance(seller, Mapping) else NOBODY


def transaction_line_key(line: Json) -> str:
    return key_of(line.get("merchantLegalName"))


def lines_of(transaction: Json) -> list[Json]:
    """Its lines; a transaction without any is a line of its own, with its own amount."""
    lines = [line for line in transaction.get("transactionLineItems") or () if isinstance(line, Mapping)]
    return [dict(line) for line in lines] or [{"totalAmount": transaction.get("amount")}]


def counted_transactions(pages: Iterable[list[Json]], tally: Tally) -> Iterator[list[Json]]:
    """The pages as they are, their sellers counted."""
    for page in pages:
        tally.pages += 1
        _count(tally, [transaction_line_key(line) for transaction in page for line in lines_of(transaction)])
        yield page


def counted_order_lines(pages: Iterable[list[Json]], tally: Tally) -> Iterator[list[Json]]:
    for page in pages:
        tally.pages += 1
        _count(tally, [order_line_key(row) for row in page])
        yield page


def _count(tally: Tally, keys: Sequence[str]) -> None:
    for key in keys:
        tally.count(KIND, key)
