"""What planning a batch of invoices needs from the two systems, read in as few calls as the APIs allow.

Amazon Business: invoice details, 25 order lines a call (one line of an invoice suffices: all its lines carry its number
and date). Coupa: purchase orders and goods receipts, 50 a call (`existing` reads the invoices).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from connectors.amazon_business.payloads import InvoiceDetail, InvoiceDetails, OrderLineKey
from procurement.documents import GoodsReceipt, PurchaseOrder
from procurement.errors import RecordError
from procurement.ledger.types import Known
from procurement.purchase_orders import read_goods_receipts, read_purchase_order

Json = dict[str, Any]


class InvoiceSource(Protocol):
    """The part of the Amazon Business client that planning reads."""

    account: str

    def invoice_details(self, order_lines: Iterable[OrderLineKey]) -> Iterable[InvoiceDetails]: ...


class InvoiceTarget(Protocol):
    """The part of the Coupa client that planning reads."""

    instance: str

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[Json]]: ...
    def receipts(self, order_line_ids: Iterable[int]) -> Iterable[Sequence[Json]]: ...
    def invoices(self, supplier: str, numbers: Iterable[str]) -> Iterable[Sequence[Json]]: ...
    def invoices_on_po_lines(self, order_line_ids: Iterable[int], since: date) -> Iterable[Sequence[Json]]: ...


class KnownDeliveries(Protocol):
    """What the ledger has of the create deliveries with these business keys; unknown keys are absent."""

    def __call__(self, business_keys: Iterable[str]) -> Mapping[str, Known]: ...


@dataclass(slots=True)
class Orders:
    """Purchase orders by number: as documents for the rules, as Coupa's JSON for the mapping, or why one cannot be read."""

    documents: dict[str, PurchaseOrder] = field(default_factory=dict)
    raw: dict[str, Json] = field(default_factory=dict)
    raw_lines: dict[int, Json] = field(default_factory=dict)
    unreadable: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_details(amazon: InvoiceSource, keys: Iterable[OrderLineKey]) -> dict[OrderLineKey, list[InvoiceDetail]]:
    """Amazon's invoice numbers and dates by order line; a line Amazon knows nothing of is absent."""
    wanted = list(dict.fromkeys(keys))
    return (
        {details.order_line.key: list(details.invoice_details) for details in amazon.invoice_details(wanted)}
        if wanted
        else {}
    )


def read_orders(coupa: InvoiceTarget, numbers: Iterable[str]) -> Orders:
    """The purchase orders that exist; a number Coupa does not know is absent."""
    orders = Orders()
    wanted = sorted({number for number in numbers if number})
    for page in coupa.purchase_orders(wanted) if wanted else ():
        for raw in page:
            try:
                order = read_purchase_order(raw)
            except RecordError as error:
                orders.unreadable[str(raw.get("po-number"))] = error.problems
                continue
            orders.documents[order.number] = order
            orders.raw[order.number] = raw
            orders.raw_lines.update({int(line["id"]): line for line in raw.get("order-lines") or ()})
    return orders


def read_receipts(coupa: InvoiceTarget, line_ids: Iterable[int]) -> dict[int, list[GoodsReceipt]]:
    """Goods receipts by PO line id."""
    receipts: dict[int, list[GoodsReceipt]] = {}
    wanted = sorted(set(line_ids))
    rows = (raw for page in coupa.receipts(wanted) for raw in page) if wanted else ()
    for receipt in read_goods_receipts(rows):
        receipts.setdefault(receipt.po_line_id, []).append(receipt)
    return receipts
