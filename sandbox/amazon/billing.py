"""Charges, refunds and invoice numbers made by events: new rows of the Reconciliation feed."""

from decimal import Decimal
from typing import Any

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
    line = _order_line(state, body)
    quantity = read_quantity(body, line["quantity"])
    full = _transaction_line(line, str(body.get("shipmentId") or _shipment_of(state, line)))
    billed = scaled_line(full, Decimal(quantity) / Decimal(line["quantity"])) | {"itemQuantity": quantity}
    transaction = _transaction(state, "CHARGE", [billed]) | {
        "paymentInstrumentType": body.get("paymentInstrumentType", "Pay by Invoice")
    }
    return _number(state, state.add_transaction(transaction), body.get("invoiceNumber"), "STANDARD")


def refund(state: AmazonState, body: Json) -> Json:
    """Every line of the charge, negative: `quantity` units of each, or `share` of its money with the units kept at 0."""
    original = state.find_transaction(str(body.get("transactionId"))).document
    lines = original["transactionLineItems"]
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
    number = str(body.get("invoiceNumber") or "")
    if not number:
        raise ValueError("invoiceNumber is missing")
    kind = "STANDARD" if row.document["transactionType"] == "CHARGE" else "CREDIT_MEMO"
    _add_details(state, row.document, number, kind)
    return state.change(row, invoiceNumber=number)


def _number(state: AmazonState, transaction: Json, number: Any, kind: str) -> Json:
    if number:
        transaction["invoiceNumber"] = str(number)
        _add_details(state, transaction, str(number), kind)
    return transaction


def _add_details(state: AmazonState, transaction: Json, number: str, kind: str) -> None:
    detail = {"invoiceNumber": number, "invoiceDate": write_moment(state.now()), "invoiceType": kind}
    for key in dict.fromkeys(line_key(line) for line in transaction["transactionLineItems"]):
        state.add_invoice_detail(key, detail)


def _transaction(state: AmazonState, kind: str, lines: list[Json]) -> Json:
    now = write_moment(state.now())
    total = sum((Decimal(line["totalAmount"]["amount"]) for line in lines), Decimal(0))
    return {
        "transactionId": f"sandbox-{len(state.seed.transactions) + 1:06d}",
        "transactionType": kind,
        "transactionDate": now,
        "feedDate": write_moment(state.feed_moment()),
        "marketplaceId": MARKETPLACES.get(state.seed.region, MARKETPLACES["US"]),
        "amount": text_money(total, lines[0]["totalAmount"]["currencyCode"]),
        "transactionLineItems": lines,
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


def _transaction_line(line: Json, shipment_id: str) -> Json:
    currency = line["unitPrice"]["currencyCode"]
    money = {
        CHARGE_PARTS[one["type"]]: text_money(read_amount(one["amount"]["amount"], one["type"]), currency)
        for one in line["charges"]
        if one["type"] in CHARGE_PARTS
    }
    total = sum((Decimal(part["amount"]) for part in money.values()), Decimal(0))
    references = {
        "purchaseOrderNumber": "purchaseOrderNumber",
        "purchaseOrderLineItemNumber": "purchaseOrderLineItemId",
    }
    return {
        "orderId": line["orderMetadata"]["orderId"],
        "orderLineItemId": line["orderLineItemId"],
        "shipmentId": shipment_id,
        **{wire: line[name] for name, wire in references.items() if line.get(name)},
        "asin": line["productDetails"]["asin"],
        "productTitle": line["productDetails"]["title"],
        "unspsc": line["productDetails"]["unspsc"]["code"],
        "itemQuantity": line["quantity"],
        "unitPrice": text_money(read_amount(line["unitPrice"]["amount"], "unitPrice"), currency),
        **money,
        "totalAmount": text_money(total, currency),
        **({"merchantLegalName": line["seller"]["name"]} if "seller" in line else {}),
    }


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
