"""Reconciliation API 2021-01-08: the transaction feed, invoice numbers of order lines, payment status of invoices.

Amounts are strings. The feed is filtered by feedDate and by nothing else. Amazon publishes no page size, so it is a
switch; both paging forms known from clients are accepted (the token alone, and the token with both dates).
"""

from collections.abc import Mapping
from typing import Any

from sandbox.amazon import paging
from sandbox.amazon.errors import INVALID, envelope, invalid
from sandbox.amazon.parameters import read_body_list, read_range
from sandbox.amazon.state import AmazonState, line_key
from sandbox.exchange import Answer, Call, Operation
from sandbox.limits import Bucket
from sandbox.seed import Json

BASE = "/reconciliation/2021-01-08"
ROLE = "Business Purchase Reconciliation"
RATE, BURST = 2.0, 10
BATCH = 25  # order lines, and invoice ids, of one call


class Reconciliation:
    def __init__(self, state: AmazonState, switches: Mapping[str, Any]) -> None:
        self._state, self._switches = state, switches

    def operations(self) -> list[Operation]:
        rows = [
            ("getTransactions", "GET", "/transactions", self.get_transactions),
            ("getInvoiceDetailsByOrderLineItems", "POST", "/invoices", self.get_invoice_details),
            ("getBatchInvoicePaymentDetails", "POST", "/invoices/batch/paymentDetails", self.get_payment_details),
        ]
        return [
            Operation(name, method, BASE + path, handler, Bucket(name, RATE, BURST), needs=(ROLE,))
            for name, method, path, handler in rows
        ]

    def get_transactions(self, call: Call) -> Answer:
        operation = "getTransactions"
        token = call.argument("nextPageToken")
        if token:
            position = paging.read_token(operation, token)
            given = paging.as_parameters(call.query)
            if given and given != position.parameters:
                raise invalid("The parameters differ from those nextPageToken was made for.")
            call = Call(call.method, call.path, list(position.parameters), call.headers, b"")
        else:
            position = paging.Position(self._state.clock.now(), 0, paging.as_parameters(call.query))
        start, end = read_range(call, "feedStartDate", "feedEndDate")
        rows = list(self._state.feed(start, end, position.seen_at))
        size = self._switches["reconciliation_page_size"]
        answer, _ = paging.page("transactions", rows, position, size=size, operation=operation)
        return Answer(200, answer)

    def get_invoice_details(self, call: Call) -> Answer:
        """In the reverse order of the request: the published sample shows that the order need not be kept."""
        lines = read_body_list(call, "orderLineItems", most=BATCH)
        for line in lines:
            if not isinstance(line, dict) or not all(
                isinstance(line.get(name), str) and line[name] for name in ("orderId", "orderLineItemId", "shipmentId")
            ):
                raise invalid("Every entry of orderLineItems needs orderId, orderLineItemId and shipmentId.")
        now = self._state.clock.now()
        distinct: dict[Any, Json] = {line_key(line): line for line in lines}
        results = [
            {
                "orderLineItem": {name: line[name] for name in ("orderId", "orderLineItemId", "shipmentId")},
                "invoiceDetails": self._state.invoice_details(key, now),
            }
            for key, line in reversed(distinct.items())
        ]
        return Answer(200, {"invoiceDetailsByOrderLineItems": results})

    def get_payment_details(self, call: Call) -> Answer:
        """One result per id, in the order asked; an unknown id fails alone."""
        content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            return envelope(415, INVALID, "Content-Type must be application/json.")
        ids = read_body_list(call, "invoiceIds", most=BATCH)
        if not all(isinstance(entry, str) and 1 <= len(entry) <= 255 for entry in ids):
            raise invalid("Every entry of invoiceIds is a text of 1 to 255 characters.")
        return Answer(200, {"invoicePaymentDetailsResults": [self._payment(entry) for entry in ids]})

    def _payment(self, invoice_id: str) -> Json:
        found = self._state.payment(invoice_id, self._state.clock.now())
        if found is None:
            error = {"code": INVALID, "message": "Invoice not found", "details": ""}
            return {"invoiceId": invoice_id, "resultType": "ERROR", "error": error}
        details = {"status": found["status"], "dueDate": found["dueDate"]}
        return {"invoiceId": invoice_id, "resultType": "SUCCESS", "paymentDetails": details}
