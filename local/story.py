"""One purchase as a timeline: what happened in Coupa and at Amazon, and what the pipelines did, in the order of the business's clock.

The facts come from both sandboxes' own state; nothing is told that is not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import requests

from local.stack import Running
from procurement.ledger import Ledger
from procurement.ledger.types import Known

Json = Mapping[str, Any]
Event = dict[str, str]
INVOICES = "amazon_invoices_to_coupa"


def tell(po_number: str, running: Running, ledger: Ledger) -> list[Event]:
    """{at, what} by moment; empty where the PO does not exist (yet)."""
    coupa, amazon = (
        requests.get(f"{url}/_sandbox/state", timeout=60).json() for url in (running.coupa_url, running.amazon_url)
    )
    outcomes = {
        known.business_key.rsplit("/", 1)[-1]: known
        for outcome in ("matched", "within_tolerance", "waiting_for_receipt", "exception")
        for known in ledger.deliveries.list_by_outcome(INVOICES, outcome)
    }
    return timeline(po_number, coupa, amazon, outcomes)


def timeline(po_number: str, coupa: Json, amazon: Json, outcomes: Mapping[str, Known]) -> list[Event]:
    """From the two states as `/_sandbox/state` shows them; `outcomes` are our matches by invoice number."""
    order = next((row for row in coupa["purchase_orders"] if row["po-number"] == po_number), None)
    if order is None:
        return []
    events = [
        *_requisition(order, coupa),
        *_order(order),
        *_amazon(po_number, amazon),
        *_receipts(order, coupa),
        *_invoices(order, coupa, outcomes),
    ]
    return [{"at": at.isoformat(), "what": what} for at, what in sorted(events, key=lambda event: event[0])]


Happening = tuple[datetime, str]


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(UTC)


def _name(value: object) -> str:
    return str(value.get("fullname") or value.get("login") or value.get("id")) if isinstance(value, Mapping) else ""


def _id(value: object) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


def _requisition(order: Json, coupa: Json) -> Iterator[Happening]:
    wanted = _id(order.get("requisition-header"))
    for requisition in coupa["requisitions"]:
        if requisition["id"] != wanted:
            continue
        who = _name(requisition.get("requested-by"))
        if requisition.get("submitted-at"):
            yield (
                _moment(requisition["submitted-at"]),
                f"Coupa: requisition {wanted} submitted{f' by {who}' if who else ''}",
            )
        for approval in coupa.get("approvals", ()):
            theirs = (approval.get("approvable-type"), approval.get("approvable-id")) == ("RequisitionHeader", wanted)
            if theirs and approval.get("approval-date"):
                by = _name(approval.get("approved-by")) or _name(approval.get("approver"))
                yield _moment(approval["approval-date"]), f"Coupa: {approval['status']} by {by}"


def _order(order: Json) -> Iterator[Happening]:
    total = sum(Decimal(str(line.get("total") or 0)) for line in order["order-lines"])
    yield (
        _moment(order["created-at"]),
        f"Coupa: purchase order {order['po-number']}, {len(order['order-lines'])} lines, {total:,.2f}",
    )


def _amazon(po_number: str, amazon: Json) -> Iterator[Happening]:
    for order in _shown(amazon, "orders", po_number):
        yield (
            _moment(order["orderMetadata"]["orderDate"]),
            f"Amazon: order {order['orderMetadata']['orderId']} accepted",
        )
    for shipment in _shown(amazon, "shipments", po_number):
        number = shipment["shipmentMetadata"]["shipmentId"]
        yield _moment(shipment["shipmentMetadata"]["shipmentDate"]), f"Amazon: shipment {number} left"
    for transaction in amazon["transactions"]:
        lines = [row for row in transaction["transactionLineItems"] if row.get("purchaseOrderNumber") == po_number]
        if lines:
            amount = transaction["amount"]
            number = transaction.get("invoiceNumber") or "a number to come"
            what = f"Amazon: {transaction['transactionType'].lower()} of {amount['currencyCode']} {amount['amount']}, {number}"
            yield _moment(transaction["transactionDate"]), what


def _shown(amazon: Json, kind: str, po_number: str) -> Sequence[Json]:
    return [row for row in amazon[kind] if row.get("purchaseOrderNumber") == po_number]


def _receipts(order: Json, coupa: Json) -> Iterator[Happening]:
    lines = {line["id"]: line["line-num"] for line in order["order-lines"]}
    for receipt in coupa["receiving_transactions"]:
        line = _id(receipt.get("order-line"))
        if line in lines:
            what = f"Coupa: goods receipt {receipt['id']}, line {lines[line]}, {receipt.get('quantity')} received"
            yield _moment(receipt["created-at"]), what


def _invoices(order: Json, coupa: Json, outcomes: Mapping[str, Known]) -> Iterator[Happening]:
    lines = {line["id"] for line in order["order-lines"]}
    for invoice in coupa["invoices"]:
        if not lines & {row.get("order-line-id") for row in invoice.get("invoice-lines") or ()}:
            continue
        known = outcomes.get(str(invoice["invoice-number"]))
        ours = f", {str(known.outcome).replace('_', ' ')}" if known else ""
        what = f"Coupa: invoice {invoice['invoice-number']}, {invoice['status'].replace('_', ' ')}{ours}"
        yield _moment(invoice["created-at"]), what
