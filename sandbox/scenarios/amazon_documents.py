"""Purchases in Amazon Business's wire form: Reporting 2025-06-09 and Reconciliation 2021-01-08 documents.

Each document appears at its moment and changes as the purchase goes on: an order closes when its last package is
delivered, an invoice number may become known days after the charge. What many documents say alike (a product, a
seller, a person) is one dict in all of them: nobody changes a document in place.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from sandbox.scenarios.amounts import WIRE_NAMES, Amounts, add_up, number_money, reporting_charges, text_money, to_cents
from sandbox.scenarios.catalog import Article, Seller
from sandbox.scenarios.people import MANAGERS, Person
from sandbox.scenarios.purchases import InvoiceNumber, Line, Parcel, Purchase, Shipment, Transaction
from sandbox.seed import AmazonSeed, Json, Timed

PAYMENT_DAYS = 30
SETTLED_AFTER = timedelta(hours=12)  # within the day that an invoice is given to be complete
RATE_STEP = Decimal("0.0001")
LEGAL_ENTITY = "Example Manufacturing Inc."
SHIP_TO: Json = {
    "fullName": "Receiving", "addressLine1": "1 Example Way", "city": "Austin", "stateOrRegion": "TX",
    "postalCode": "78701", "countryCode": "US",
}  # fmt: skip


def utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def write_purchase(seed: AmazonSeed, purchase: Purchase) -> None:
    """Adds every document of one Amazon order to the seed."""
    metadata: Json = {
        "orderDate": utc(purchase.ordered_at),
        "orderId": purchase.order_id,
        "region": purchase.marketplace.region,
    }
    seed.orders.append(_order(purchase, metadata))
    seed.order_lines += [_order_line(purchase, line, metadata) for line in purchase.lines]
    for shipment in purchase.shipments:
        seed.shipments.append(_shipment(purchase, shipment, metadata))
        seed.shipment_lines += [_shipment_line(purchase, shipment, parcel, metadata) for parcel in shipment.parcels]
        for charge in shipment.transactions:
            _write_transaction(seed, purchase, shipment, charge)
    for shipment, refund in purchase.refunds:
        _write_transaction(seed, purchase, shipment, refund)
    _write_invoice_details(seed, purchase)


@cache
def _customer(person: Person) -> Json:
    return {"name": person.name, "email": person.email}


def _without_none(document: Json) -> Json:
    return {key: value for key, value in document.items() if value is not None}


def _order(purchase: Purchase, metadata: Json) -> Timed:
    boss = next((one for one in MANAGERS if one.login == purchase.requester.manager), MANAGERS[0])
    document = _without_none({
        "orderMetadata": metadata,
        "purchaseOrderNumber": purchase.po_number,
        "orderStatus": "CANCELLED" if purchase.cancelled else "PENDING_FULFILLMENT",
        "charges": reporting_charges(purchase.amounts, purchase.marketplace.currency),
        "buyingCustomer": _customer(purchase.requester),
        "buyerGroup": {"name": purchase.group},
        "businessOrderInfo": {
            "glCode": purchase.lines[0].gl_account, "costCenter": purchase.coded_to,
            "department": purchase.requester.department,
        },
        "approverDetails": {"lastOrderApproverCustomer": _customer(boss)},
    })  # fmt: skip
    complete = sum(parcel.quantity for one in purchase.shipments for parcel in one.parcels) >= sum(
        line.quantity for line in purchase.lines
    )
    closing = (
        [(max(one.delivered_at for one in purchase.shipments), {"orderStatus": "CLOSED"})]
        if purchase.shipments and complete
        else []
    )
    return Timed(document, purchase.ordered_at, closing)


@cache
def _seller(seller: Seller) -> Json:
    return seller.to_wire()


@cache
def _product(article: Article) -> Json:
    return {
        "productCategory": article.category, "asin": article.asin, "title": article.title,
        "unspsc": {"code": article.unspsc},
        "productCondition": article.condition, "brandCode": "GEN01", "brandName": "Generic",
        "manufacturerName": article.seller.name,
    }  # fmt: skip


def _order_line(purchase: Purchase, line: Line, metadata: Json) -> Timed:
    currency = purchase.marketplace.currency
    money = [parcel.amounts for shipment in purchase.shipments for parcel in shipment.parcels if parcel.line is line]
    return Timed(_without_none({
        "orderMetadata": metadata,
        "orderLineItemId": line.reporting_id,
        "purchaseOrderNumber": purchase.po_number,
        "purchaseOrderLineItemNumber": line.po_line_number,
        "productDetails": {**_product(line.article), "serialNumbers": []},
        "quantity": line.quantity,
        "unitPrice": number_money(line.unit_price, currency),
        "charges": reporting_charges(add_up(money), currency),
        "taxExemption": {"applied": line.tax_exempt, "type": "Resale" if line.tax_exempt else "None", "optOut": False},
        "seller": _seller(line.article.seller),
    }), purchase.ordered_at)  # fmt: skip


def _shipment(purchase: Purchase, shipment: Shipment, metadata: Json) -> Timed:
    expected = utc(shipment.shipped_at + timedelta(days=2))
    document = _without_none({
        "orderMetadata": metadata,
        "shipmentMetadata": {"shipmentId": shipment.reporting_id, "shipmentDate": utc(shipment.shipped_at)},
        "purchaseOrderNumber": purchase.po_number,
        "shipmentStatus": "SHIPPED",
        "deliveryInfo": {"expectedDeliveryDate": expected, "status": "NOT_DELIVERED"},
        "charges": reporting_charges(shipment.amounts, purchase.marketplace.currency),
        "shippingAddress": purchase.ship_to or SHIP_TO,
    })  # fmt: skip
    delivered = {"deliveryInfo": {"expectedDeliveryDate": expected, "status": "DELIVERED"}}
    return Timed(document, shipment.shipped_at, [(shipment.delivered_at, delivered)])


def _shipment_line(purchase: Purchase, shipment: Shipment, parcel: Parcel, metadata: Json) -> Timed:
    return Timed(_without_none({
        "orderMetadata": metadata,
        "shipmentMetadata": {"shipmentId": shipment.reporting_id, "shipmentDate": utc(shipment.shipped_at)},
        "purchaseOrderNumber": purchase.po_number,
        "orderLineItemId": parcel.line.reporting_id,
        "purchaseOrderLineItemNumber": parcel.line.po_line_number,
        "productDetails": _product(parcel.line.article),
        "quantity": parcel.quantity,
        "charges": reporting_charges(parcel.amounts, purchase.marketplace.currency),
        "carrierName": shipment.carrier,
        "packages": [{"trackingId": one, "packageId": str(n)} for n, one in enumerate(shipment.tracking, start=1)],
        "receivingInfo": {"customer": _customer(purchase.requester), "status": "PENDING", "quantity": 0},
    }), shipment.shipped_at)  # fmt: skip


def _write_transaction(seed: AmazonSeed, purchase: Purchase, shipment: Shipment, transaction: Transaction) -> None:
    market, invoice = purchase.marketplace, transaction.invoice
    total = transaction.total if transaction.authorised is None else transaction.authorised
    document: Json = {
        "transactionId": transaction.id, "transactionType": transaction.kind, "transactionDate": utc(transaction.at),
        "feedDate": utc(transaction.feed_at),
        "marketplaceId": market.id, "amount": text_money(total, market.currency),
        "chargeIdentifier": f"P{transaction.id}",
        "paymentInstrumentType": transaction.instrument.type, "shipTaxRate": str(market.tax_rate),
        "legalEntityName": LEGAL_ENTITY,
        "purchasingCustomerGroupName": purchase.group,
        "buyer": {"id": f"amzn1.account.{purchase.requester.id}", **_customer(purchase.requester)},
        "payer": {"id": "amzn1.account.payer"},
        "associatedTransactionDetails": [{"associatedTransactionId": one} for one in transaction.associated],
        "transactionLineItems": [_transaction_line(purchase, shipment, transaction, p) for p in transaction.parcels],
    }  # fmt: skip
    if transaction.instrument.last_digits:
        document["paymentInstrumentLast4Digits"] = transaction.instrument.last_digits
    if any(parcel.amounts.gift_wrap for parcel in transaction.parcels):
        document["giftWrapTaxRate"] = str(market.tax_rate)
    changes: list[tuple[datetime, Json]] = []
    if invoice and invoice.known_at:
        changes.append((invoice.known_at, {"invoiceNumber": invoice.number}))
    elif invoice:
        document["invoiceNumber"] = invoice.number
    if transaction.authorised is not None:
        charged = text_money(transaction.total, market.currency)
        changes.append((transaction.feed_at + SETTLED_AFTER, {"amount": charged}))
    seed.transactions.append(Timed(document, transaction.feed_at, changes))


def _transaction_line(purchase: Purchase, shipment: Shipment, transaction: Transaction, parcel: Parcel) -> Json:
    line, amounts, currency = parcel.line, parcel.amounts, purchase.marketplace.currency
    document: Json = {
        "orderId": purchase.order_id, "orderLineItemId": line.reconciliation_id,
        "shipmentId": shipment.reconciliation_id,
        "shipmentDate": utc(shipment.shipped_at), "asin": line.article.asin, "productTitle": line.article.title,
        "unspsc": line.article.unspsc,
        "itemQuantity": parcel.quantity, "unitPrice": text_money(line.unit_price, currency),
        "principalAmount": text_money(amounts.principal, currency),
    }  # fmt: skip
    if purchase.po_number:
        document["purchaseOrderNumber"] = purchase.po_number
    if line.po_line_number:
        document["purchaseOrderLineItemId"] = line.po_line_number
    for part in ("shipping", "gift_wrap", "regulatory_fee", "discount"):
        if getattr(amounts, part):
            document[WIRE_NAMES[part]] = text_money(getattr(amounts, part), currency)
    document["tax"] = text_money(amounts.tax, currency)
    document["taxRate"] = _tax_rate(purchase, amounts)
    document["totalAmount"] = text_money(amounts.total, currency)
    document["merchantLegalName"] = line.article.seller.name
    document["businessOrderInfo"] = {"GL code": line.gl_account, "Cost center": purchase.coded_to}
    if transaction.refund_reason:
        document["refundReason"] = transaction.refund_reason
    return document


def _tax_rate(purchase: Purchase, amounts: Amounts) -> str:
    """The marketplace's rate where it explains the tax, else the rate that the tax comes to, four places."""
    rate = purchase.marketplace.tax_rate
    if not amounts.tax:
        return "0"
    if to_cents(amounts.taxable * rate) == amounts.tax or not amounts.taxable:
        return str(rate)
    return str((amounts.tax / amounts.taxable).quantize(RATE_STEP))


def _write_invoice_details(seed: AmazonSeed, purchase: Purchase) -> None:
    """What getInvoiceDetailsByOrderLineItems answers per order line and shipment, as the numbers become known."""
    known: dict[tuple[str, str], list[tuple[datetime, InvoiceNumber, str]]] = {}
    sellers: dict[str, Json] = {}
    documents = [(one, charge) for one in purchase.shipments for charge in one.transactions] + purchase.refunds
    for shipment, transaction in documents:
        for parcel in transaction.parcels if transaction.invoice else ():
            key = (parcel.line.reconciliation_id, shipment.reconciliation_id)
            sellers[parcel.line.reconciliation_id] = _seller_information(parcel.line.article.seller)
            kind = "STANDARD" if transaction.kind == "CHARGE" else "CREDIT_MEMO"
            assert transaction.invoice
            known.setdefault(key, []).append((transaction.feed_at, transaction.invoice, kind))
    for (line_id, shipment_id), entries in known.items():
        key_wire = {"orderId": purchase.order_id, "orderLineItemId": line_id, "shipmentId": shipment_id}
        moments = sorted(
            {moment for feed_at, invoice, _ in entries for moment in (feed_at, invoice.known_at) if moment}
        )
        states = [(moment, {"invoiceDetails": _details(entries, moment, sellers[line_id])}) for moment in moments]
        seed.invoice_details.append(Timed({"orderLineItem": key_wire, **states[0][1]}, moments[0], states[1:]))


def _seller_information(seller: Seller) -> Json:
    """Amazon gives it in Japan only: the seller's registration for consumption tax."""
    if not seller.registration:
        return {}
    return {"sellerInformation": {"name": seller.name, "registrationNumber": seller.registration}}


def _details(entries: list[tuple[datetime, InvoiceNumber, str]], moment: datetime, seller: Json) -> list[Json]:
    rows: dict[str, Json] = {}
    for feed_at, invoice, kind in entries:
        if moment < feed_at:
            continue
        pending = invoice.known_at is not None and moment < invoice.known_at
        if pending and not invoice.consolidated:
            continue
        number = "Pending" if pending else invoice.number
        row: Json = {"invoiceNumber": number, "invoiceDate": utc(invoice.dated_at), "invoiceType": kind, **seller}
        if invoice.consolidated:
            row["consolidatedInvoiceDetails"] = {"invoiceNumber": number}
        rows.setdefault(number, row)
    return list(rows.values())


def write_payments(seed: AmazonSeed, purchases: list[Purchase], now: datetime) -> None:
    """Payment status of every Pay by Invoice number, as getBatchInvoicePaymentDetails knows it at its moment."""
    written: set[str] = set()
    for purchase in purchases:
        for charge in purchase.charges:
            invoice = charge.invoice
            if invoice is None or charge.instrument.type != "Pay by Invoice" or invoice.number in written:
                continue
            written.add(invoice.number)
            due = invoice.dated_at + timedelta(days=PAYMENT_DAYS)
            paid = (due - timedelta(days=3), {"status": "Closed"})
            late = (due, {"status": "Past Due"})
            change = late if len(written) % 9 == 0 else paid
            seen = invoice.known_at or charge.feed_at
            document = {"invoiceId": invoice.number, "status": "Issued", "dueDate": utc(due)}
            seed.payments.append(Timed(document, seen, [change] if change[0] > seen else []))
