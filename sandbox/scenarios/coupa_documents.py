"""Purchase orders and receipts as Coupa would hold them, each to be created at its own moment.

A PO was approved and issued before its Amazon order was placed; receipts are dated the day somebody posted them and
carry Amazon's shipment id as match reference and an outside key in the custom field `external-id`.
"""

from datetime import datetime, timedelta

from sandbox.scenarios.catalog import Article
from sandbox.scenarios.coding import CHART, commodity_for
from sandbox.scenarios.purchases import OrderLine, Purchase, PurchaseOrder, Receipt, Transaction
from sandbox.scenarios.reference_data import BILL_TO, PAYMENT_TERM, REMIT_TO, SHIP_TO, SUPPLIER
from sandbox.seed import CoupaRecord, Json

DESCRIPTION_SIZE = 255


def order_record(order: PurchaseOrder) -> CoupaRecord:
    login = {"login": order.requester.login}
    body: Json = {
        "po-number": order.number, "status": "issued", "supplier": {"number": SUPPLIER},
        "currency": {"code": order.currency},
        "payment-term": {"code": PAYMENT_TERM}, "payment-method": order.payment_method, "ship-to-user": login,
        "ship-to-address": {"location-code": SHIP_TO}, "transmission-status": "sent_via_cxml",
        "requisition-header": {
            "req-title": f"Supplies for {order.requester.department}"[:50], "status": "ordered", "requested-by": login,
            "submitted-at": _text(order.issued_at - timedelta(hours=5)),
        },
        "order-lines": [_order_line(order, line) for line in order.lines],
    }  # fmt: skip
    return CoupaRecord("purchase_orders", body, order.issued_at)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _order_line(order: PurchaseOrder, line: OrderLine) -> Json:
    body: Json = {
        "line-num": line.number, "type": "OrderQuantityLine", "description": line.article.title[:DESCRIPTION_SIZE],
        "quantity": str(line.quantity),
        "price": str(line.price), "currency": {"code": order.currency}, "uom": {"code": line.article.unit},
        "source-part-num": line.article.asin,
        "commodity": {"name": commodity_for(line.article.unspsc)},
        "account": {"code": line.account, "account-type": {"name": CHART}},
        "account-type": {"name": CHART}, "department": {"name": order.requester.department},
        "manufacturer-name": _maker(line.article),
    }  # fmt: skip
    if line.without_part_number:
        del body["source-part-num"]
    if line.match_type:
        body["match-type"] = line.match_type
        body["receipt-required"] = line.match_type not in ("2-way", "none")
    return body


def _maker(article: Article) -> str:
    return article.seller.name[:255]


def receipt_record(order: PurchaseOrder, receipt: Receipt) -> CoupaRecord:
    body: Json = {
        "type": "ReceivingQuantityConsumption",
        "quantity": str(receipt.quantity),
        "order-line": {"order-header-number": order.number, "line-num": receipt.po_line.number},
        "uom": {"code": receipt.po_line.article.unit},
        "transaction-date": _text(receipt.at),
        "match-reference": receipt.shipment_id,
        "custom-fields": {"external-id": receipt.external_id},
    }
    if receipt.last:
        body["soft-close-for-receiving"] = True
    return CoupaRecord("receiving_transactions", body, receipt.at)


def keyed_invoice_record(purchase: Purchase, charge: Transaction, at: datetime) -> CoupaRecord:
    """The same invoice as an accounts-payable clerk keyed it from paper: another channel, no id of ours."""
    order, invoice = purchase.po, charge.invoice
    if order is None or invoice is None:
        raise ValueError(f"order {purchase.order_id} has no PO or no invoice number: no clerk could key its invoice")
    lines = [
        {
            "line-num": number, "type": "InvoiceQuantityLine", "description": parcel.line.article.title,
            "quantity": str(parcel.quantity), "price": str(parcel.line.unit_price),
            "currency": {"code": order.currency}, "tax-amount": str(parcel.amounts.tax),
            "order-line": {"order-header-number": order.number, "line-num": parcel.line.po_line.number},
        }
        for number, parcel in enumerate(charge.parcels, start=1)
        if parcel.line.po_line
    ]  # fmt: skip
    body: Json = {
        "invoice-number": invoice.number, "invoice-date": f"{invoice.dated_at:%Y-%m-%d}",
        "supplier": {"number": SUPPLIER},
        "account-type": {"name": CHART}, "currency": {"code": order.currency}, "payment-term": {"code": PAYMENT_TERM},
        "channel": "manual",
        "bill-to-address": {"location-code": BILL_TO}, "remit-to-address": {"remit-to-code": REMIT_TO},
        "line-level-taxation": True,
        "supplier-total": str(charge.total), "invoice-lines": lines, "status": "approved",
    }  # fmt: skip
    return CoupaRecord("invoices", body, at)
