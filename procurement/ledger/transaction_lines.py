"""Lines of the transactions that the invoice pipeline staged, by Amazon order: what ties its ids to those of the reports.

Amazon's feed of transactions and its reports may number shipments and order lines differently; the order id, the PO
line and the article are the same in both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionLine:
    """One line of a CHARGE, REFUND or OVERREFUND (`subkind`); `reason` is a refund's. `names`: the transactions that Amazon
    associates with it."""

    key: str
    subkind: str
    order_id: str
    order_line_id: str | None
    shipment_id: str | None
    quantity: Decimal | None
    dated_at: datetime | None
    po_line_number: str | None
    asin: str | None
    reason: str | None
    amount: Decimal | None = None  # as Amazon signs it: a refund's is negative
    currency: str | None = None
    number: str | None = None  # of the document that it stands on: as the feed says it, else as we made it
    names: tuple[str, ...] = ()


def read_transaction_lines(engine: sa.Engine, source: str, order_ids: Iterable[str]) -> list[TransactionLine]:
    """Of these orders, oldest first."""
    values = {"source": source, "orders": sorted(set(order_ids))}
    with engine.begin() as connection:
        rows = [row._asdict() for row in connection.execute(_LINES, values)]
    return [TransactionLine(**{**row, "names": tuple(map(str, row["names"]))}) for row in rows]


_LINES = sa.text("""
    SELECT r.key, r.subkind, l.order_id, l.order_line_id, l.shipment_id, l.quantity, r.dated_at,
        l.amount, r.currency, coalesce(r.group_key, (
            SELECT split_part(d.business_key, '/', 3) FROM allocations a JOIN deliveries d ON d.id = a.delivery_id
            WHERE a.record_id = r.id AND a.role = 'bills' AND d.action = 'create_invoice' AND d.state <> 'skipped' LIMIT 1
        )) AS number,
        coalesce(
            jsonb_path_query_array((v.raw -> 'associatedTransactionDetails')::jsonb, '$[*].associatedTransactionId'), '[]'
        ) AS names,
        v.raw -> 'transactionLineItems' -> (l.n - 1) ->> 'purchaseOrderLineItemId' AS po_line_number,
        v.raw -> 'transactionLineItems' -> (l.n - 1) ->> 'asin' AS asin,
        v.raw -> 'transactionLineItems' -> (l.n - 1) ->> 'refundReason' AS reason
    FROM record_lines l JOIN source_records r ON r.id = l.record_id
    JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash
    WHERE r.source = :source AND r.subkind IN ('CHARGE', 'REFUND', 'OVERREFUND') AND l.order_id = ANY(:orders)
    ORDER BY r.dated_at NULLS FIRST, r.id, l.n
""")
