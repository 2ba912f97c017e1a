"""The charges and refunds that the ledger holds of an order, as the rules of refunds see them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from procurement.ledger.transaction_lines import TransactionLine
from procurement.refunds import ZERO, Movement


class OrderTransactions(Protocol):
    """The transaction lines of these orders, oldest first."""

    def __call__(self, order_ids: Iterable[str]) -> Sequence[TransactionLine]: ...


def nothing_sold(order_ids: Iterable[str]) -> Sequence[TransactionLine]:
    """Where there is no ledger to ask."""
    return ()


def sold_with(sold: OrderTransactions, more: Iterable[TransactionLine]) -> OrderTransactions:
    """What the ledger has, and `more` where it does not have that transaction: a dry run keeps nothing of what it reads."""
    by_order: dict[str, list[TransactionLine]] = {}
    for line in more:
        by_order.setdefault(line.order_id, []).append(line)

    def ask(order_ids: Iterable[str]) -> Sequence[TransactionLine]:
        wanted = list(order_ids)
        read = list(sold(wanted))
        known = {line.key for line in read}
        return read + [line for order in wanted for line in by_order.get(order, ()) if line.key not in known]

    return ask


def movements(lines: Iterable[TransactionLine]) -> Iterator[Movement]:
    """Those that say which line they are about, and how much."""
    for line in lines:
        if line.order_line_id is not None and line.amount is not None and line.currency is not None:
            yield Movement(
                key=line.key, is_refund=line.subkind != "CHARGE", order_id=line.order_id, order_line_id=line.order_line_id,
                amount=line.amount, currency=line.currency, quantity=line.quantity or ZERO, shipment_id=line.shipment_id,
                at=line.dated_at, number=line.number, asin=line.asin, names=line.names,
            )  # fmt: skip


OrderLine = tuple[str, str]  # order id, order line id
Moved = Mapping[OrderLine, Sequence[Movement]]


def by_order_line(found: Iterable[Movement]) -> dict[OrderLine, list[Movement]]:
    lines: dict[OrderLine, list[Movement]] = {}
    for one in found:
        lines.setdefault((one.order_id, one.order_line_id), []).append(one)
    return lines
