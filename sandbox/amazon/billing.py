"""Charges, refunds and invoice numbers made by events: new rows of the Reconciliation feed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.amazon import ids
from sandbox.amazon.amounts import read_amount, read_quantity, scaled_line, text_money
from sandbox.amazon.state import AmazonState, line_key
from sandbox.clock import write_moment
from sandbox.seed import Json

CHARGE_PARTS = {
    "SUBTOTAL": "principalAmount",
    "SHIPPING_AND_HANDLING": "shippingCharge",
    "PROMOTION": "discount",
    "TAX": "tax",
}
MARKETPLACES = {
    "US": "ATVPDKIKX0DER", "CA": "A2EUQ1WTGCTBG2", "MX": "A1AM78C64UM0Y8", "UK": "A1F83G8C2ARO7P", "DE": "A1PA6795UKMFR9",
    "FR": "A13V1IB3VIYZZH", "IT": "APJ6JRA9NG5V4", "ES": "A1RKKUPIHCS9HS", "IN": "A21TJRUUN4KGV", "JP": "A1VC38T7YXB528",
    "AU": "A39IBJ37TRP1C6",
}  # fmt: skip
# Reconciliation names the same values as the administrator's form does.
LABELS = {"glCode": "GL code", "costCenter": "Cost center", "projectCode": "Project code", "department": "Department"}
PAY_BY_INVOICE = "Pay by Invoice"
PAYMENT_DAYS = 30
LEGAL_ENTITY = "Example Manufacturing Inc."  # where the world's own transactions name none
FRESH = "fresh"  # as an invoice number: one that was never used
KEPT_IN_REFUND = (
    "marketplaceId", "paymentInstrumentType", "paymentInstrumentLast4Digits", "legalEntityName",
    "purchasingCustomerGroupName", "buyer", "payer", "shipTaxRate",
)  # fmt: skip


def charge(state: AmazonState, body: Json) -> Json:
    """The body's own transaction as it is, or one built from an order line."""
    given = body.get("transaction")
    if given is not None:
        if not isinstance(given, dict):
            raise ValueError("transaction is an object in Reconciliation's form")
        return state.add_transaction({"feedDate": write_moment(state.feed_moment()), **given})
    if body.get("orderLineItemId") is None:
        return _charge_shipment(state, body)
    line = _order_line(state, body)
    quantity = read_quantity(body, line["quantity"])
    full = _transaction_line(state, line, str(body.get("shipmentId") or _shipment_of(state, line)))
    billed = scaled_line(full, Decimal(quantity) / Decimal(line["quantity"])) | {"itemQuantity": quantity}
    return _add_charge(state, body, [billed])


def _charge_shipment(state: AmazonState, body: Json) -> Json:
    """One transaction over all lines of a shipment (the order's last, if none is named), with what they cost there; over
    all lines of the order under a named shipment that is still to come. Units above what was ordered cost nothing."""
    order, wanted = str(body.get("orderId")), body.get("shipmentId")
    parts = [one for row in state.of_order("shipment_lines", order) if (one := row.at(state.now())) is not None]
    if wanted is None and parts:
        wanted = parts[-1]["shipmentMetadata"]["shipmentId"]
    lines = {
        one["orderLineItemId"]: one for row in state.of_order("order_lines", order) if (one := row.at(state.now()))
    }
    if wanted is not None and not parts:
        sent = list(lines.values())
    else:
        sent = [one for one in parts if one["shipmentMetadata"]["shipmentId"] == wanted]
    if not sent:
        raise LookupError(f"no shipment {wanted!r} of order {order!r}")
    billed = []
    for part in sent:
        line = lines[part["orderLineItemId"]]
        units = min(part["quantity"], line["quantity"])
        shipped = {**line, "charges": part["charges"], "quantity": units}
        billed.append(_transaction_line(state, shipped, str(wanted)))
    return _add_charge(state, body, billed)


def _add_charge(state: AmazonState, body: Json, lines: list[Json]) -> Json:
    """Its invoice number may be given, or `"fresh"`; a numbered Pay by Invoice charge is due after 30 days."""
    instrument = str(body.get("paymentInstrumentType", PAY_BY_INVOICE))
    transaction = _transaction(state, "CHARGE", lines) | {"paymentInstrumentType": instrument}
    transaction |= _parties(state, lines[0]["orderId"])
    return _number(state, state.add_transaction(transaction), body.get("invoiceNumber"), "STANDARD")


def refund(state: AmazonState, body: Json) -> Json:
    """Every line of the charge, negative: `quantity` units of each, or `share` of its money with the units kept at 0."""
    original = state.find_transaction(str(body.get("transactionId"))).document
    wanted = body.get("orderLineItemId")
    lines = [one for one in original["transactionLineItems"] if wanted in (None, one["orderLineItemId"])]
    if not lines:
        raise LookupError(f"no order line {wanted!r} in that charge")
    reason = {"refundReason": str(body["refundReason"])} if body.get("refundReason") else {}
    refunded = [scaled_line(line, -_share(body, line)) | _units(body, line) | reason for line in lines]
    kind = str(body.get("transactionType", "REFUND"))
    if kind not in ("REFUND", "OVERREFUND"):
        raise ValueError(f"transactionType is {kind!r}; a refund is REFUND or OVERREFUND")
    transaction = {name: original[name] for name in KEPT_IN_REFUND if name in original} | _transaction(
        state, kind, refunded
    )
    transaction["associatedTransactionDetails"] = [{"associatedTransactionId": original["transactionId"]}]
    return _number(state, state.add_transaction(transaction), body.get("invoiceNumber"), "CREDIT_MEMO")


def issue_invoice(state: AmazonState, body: Json) -> Json:
    row = state.find_transaction(str(body.get("transactionId")))
    number = _fresh(state, row.document, body.get("invoiceNumber"))
    if not number:
        raise ValueError("invoiceNumber is missing")
    kind = "STANDARD" if row.document["transactionType"] == "CHARGE" else "CREDIT_MEMO"
    _add_details(state, row.document, number, kind)
    _add_payment(state, row.document, number)
    return state.change(row, invoiceNumber=number)


def _number(state: AmazonState, transaction: Json, given: Any, kind: str) -> Json:
    number = _fresh(state, transaction, given)
    if number:
        transaction["invoiceNumber"] = number
        _add_details(state, transaction, number, kind)
        _add_payment(state, transaction, number)
    return transaction


def _fresh(state: AmazonState, transaction: Json, given: Any) -> str:
    return ids.invoice_number(state, transaction["transactionId"]) if given == FRESH else str(given or "")


def _add_payment(state: AmazonState, transaction: Json, number: str) -> None:
    """What getBatchInvoicePaymentDetails says of a charge."""
    by_invoice = transaction.get("paymentInstrumentType") == PAY_BY_INVOICE
    if transaction["transactionType"] == "CHARGE" and by_invoice and state.payment(number, state.now()) is None:
        due = state.now() + timedelta(days=PAYMENT_DAYS)
        document = {"invoiceId": number, "status": "Issued", "dueDate": write_moment(due)}
        state.add_payment(document, (due, {"status": "Past Due"}))


def _add_details(state: AmazonState, transaction: Json, number: str, kind: str) -> None:
    detail = {"invoiceNumber": number, "invoiceDate": write_moment(state.now()), "invoiceType": kind}
    for key in dict.fromkeys(line_key(line) for line in transaction["transactionLineItems"]):
        state.add_invoice_detail(key, detail)


def _transaction(state: AmazonState, kind: str, lines: list[Json]) -> Json:
    now = write_moment(state.now())
    total = sum((Decimal(line["totalAmount"]["amount"]) for line in lines), Decimal(0))
    return {
        "transactionId": _transaction_id(state, lines[0]["orderId"]),
        "transactionType": kind,
        "transactionDate": now,
        "feedDate": write_moment(state.feed_moment()),
        "marketplaceId": MARKETPLACES.get(state.seed.region, MARKETPLACES["US"]),
        "amount": text_money(total, lines[0]["totalAmount"]["currencyCode"]),
        "transactionLineItems": lines,
    }


def _transaction_id(state: AmazonState, order: str) -> str:
    if state.placed_order(order) is None:
        return f"sandbox-{len(state.seed.transactions) + 1:06d}"
    return ids.transaction_id(state, order)


def _parties(state: AmazonState, order: str) -> Json:
    """Who bought and who pays, as other transactions of the account say it; only for orders placed here."""
    placed = state.placed_order(order)
    if placed is None:
        return {}
    document = state.of_order("orders", order)[0].document
    customer = document["buyingCustomer"]
    known = next((row.document for row in state.seed.transactions if "legalEntityName" in row.document), {})
    return {
        "shipTaxRate": placed["taxRate"],
        "legalEntityName": known.get("legalEntityName", LEGAL_ENTITY),
        "purchasingCustomerGroupName": document["buyerGroup"]["name"],
        "buyer": {"id": f"amzn1.account.{customer['email']}", **customer},
        "payer": known.get("payer", {"id": "amzn1.account.payer"}),
        "associatedTransactionDetails": [],
    }


def _order_line(state: AmazonState, body: Json) -> Json:
    for row in state.of_order("order_lines", str(body.get("orderId"))):
        document = row.at(state.now())
        if document is not None and document["orderLineItemId"] == body.get("orderLineItemId"):
            return document
    raise LookupError(f"no order line {body.get('orderId')!r} {body.get('orderLineItemId')!r}")


def _shipment_of(state: AmazonState, line: Json) -> str:
    """The line's last shipment as Reporting names it."""
    for row in reversed(state.of_order("shipment_lines", line["orderMetadata"]["orderId"])):
        if row.document["orderLineItemId"] == line["orderLineItemId"]:
            return str(row.document["shipmentMetadata"]["shipmentId"])
    raise LookupError("that line has no shipment; name a shipmentId")


def _transaction_line(state: AmazonState, line: Json, shipment_id: str) -> Json:
    currency = line["unitPrice"]["currencyCode"]
    money = {
        CHARGE_PARTS[one["type"]]: text_money(read_amount(one["amount"]["amount"], one["type"]), currency)
        for one in line["charges"]
        if one["type"] in CHARGE_PARTS
    }
    total = sum((Decimal(part["amount"]) for part in money.values()), Decimal(0))
    order = line["orderMetadata"]["orderId"]
    references = {
        "purchaseOrderNumber": "purchaseOrderNumber",
        "purchaseOrderLineItemNumber": "purchaseOrderLineItemId",
    }
    return {
        "orderId": order,
        "orderLineItemId": state.other_id(order, line["orderLineItemId"]),
        "shipmentId": state.other_id(order, shipment_id),
        **{wire: line[name] for name, wire in references.items() if line.get(name)},
        "asin": line["productDetails"]["asin"],
        "productTitle": line["productDetails"]["title"],
        "unspsc": line["productDetails"]["unspsc"]["code"],
        "itemQuantity": line["quantity"],
        "unitPrice": text_money(read_amount(line["unitPrice"]["amount"], "unitPrice"), currency),
        **money,
        "totalAmount": text_money(total, currency),
        **({"merchantLegalName": line["seller"]["name"]} if "seller" in line else {}),
        **_of_order(state, order, shipment_id),
    }


def _of_order(state: AmazonState, order: str, shipment_id: str) -> Json:
    """What a line takes from its order and its shipment; only for orders placed here."""
    placed = state.placed_order(order)
    if placed is None:
        return {}
    info = state.of_order("orders", order)[0].document.get("businessOrderInfo", {})
    names = {LABELS.get(name, name): value for name, value in info.items()}
    shipments = [row.document["shipmentMetadata"] for row in state.of_order("shipments", order)]
    dates = [one["shipmentDate"] for one in shipments if one["shipmentId"] == shipment_id]
    found = {"taxRate": placed["taxRate"], "businessOrderInfo": names or None, "shipmentDate": next(iter(dates), None)}
    return {name: value for name, value in found.items() if value is not None}


def _share(body: Json, line: Json) -> Decimal:
    if "share" in body:
        share = read_amount(body["share"], "share")
    else:
        share = Decimal(read_quantity(body, line["itemQuantity"])) / Decimal(line["itemQuantity"])
    if not 0 < share <= 1:
        raise ValueError(f"a refund is more than nothing and at most the whole charge, not {share} of it")
    return share


def _units(body: Json, line: Json) -> Json:
    return {"itemQuantity": 0 if "share" in body else read_quantity(body, line["itemQuantity"])}
