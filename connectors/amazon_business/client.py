"""Amazon Business, one method per call: the transaction feed, invoice and payment details, orders and shipments.

Lists come as pages of raw objects, so that a record is kept whole whatever the models know of it; the tally counts
them before anything else touches them. What buying needs, and the only write, is in `ordering`.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, TypeVar

from pydantic import ValidationError

from connectors.amazon_business.catalog import CatalogProducts
from connectors.amazon_business.operations import (
    GET_INVOICE_DETAILS,
    GET_ORDER_LINES,
    GET_ORDERS,
    GET_ORDERS_BY_PO,
    GET_PAYMENT_DETAILS,
    GET_SHIPMENT_LINES,
    GET_SHIPMENTS,
    GET_TRANSACTIONS,
)
from connectors.amazon_business.payloads import InvoiceDetails, OrderLineKey, PaymentDetails
from connectors.amazon_business.transactions import KIND, count_transactions
from connectors.concurrency import batched, in_order
from connectors.errors import UnexpectedResponse
from connectors.operations import Operation
from connectors.paging import by_token, read_rows
from connectors.payload_types import AmazonPayload
from connectors.tally import Json, Tally
from connectors.wire import Query

Payload = TypeVar("Payload", bound=AmazonPayload)

logger = logging.getLogger(__name__)

LONGEST_FEED = timedelta(days=30)
LONGEST_REPORT = timedelta(days=366)
LINES_A_CALL = 25  # order lines, and invoice numbers
ORDERS_A_CALL = 30
WORKERS = 4  # calls in the air that keep two a second busy


class AmazonBusiness(CatalogProducts):
    """The calls of one AB account. Safe to share between threads."""

    def transaction_pages(
        self, feed_from: datetime, feed_to: datetime, *, tally: Tally | None = None, kind: str = KIND
    ) -> Iterator[list[Json]]:
        """Charges and refunds that became visible in [feed_from, feed_to), at most 30 days; ValueError beyond.

        With `tally`, each is counted as a `transaction` (or `kind`) under its id, or its content's hash where it has none.
        """
        query = _window("feedStartDate", "feedEndDate", feed_from, feed_to, longest=LONGEST_FEED)
        pages = self._pages(GET_TRANSACTIONS, query, rows="transactions")
        return _counted(pages, tally, kind) if tally is not None else pages

    def invoice_details(self, order_lines: Iterable[OrderLineKey]) -> Iterator[InvoiceDetails]:
        """Invoice numbers and dates of order lines, 25 a call, matched by their three ids; unknown ones are absent."""

        def ask(keys: tuple[OrderLineKey, ...]) -> list[InvoiceDetails]:
            asked = [
                {"orderId": key.order_id, "orderLineItemId": key.order_line_id, "shipmentId": key.shipment_id}
                for key in keys
            ]
            body = self._edge.read(GET_INVOICE_DETAILS, json={"orderLineItems": asked})
            found = _read_all(GET_INVOICE_DETAILS, InvoiceDetails, body, rows="invoiceDetailsByOrderLineItems")
            wanted = set(keys)
            if strangers := sum(details.order_line.key not in wanted for details in found):
                logger.warning("operation=%s order_lines_not_asked_for=%d", GET_INVOICE_DETAILS.name, strangers)
            return [details for details in found if details.order_line.key in wanted]

        return chain.from_iterable(in_order(ask, batched(dict.fromkeys(order_lines), LINES_A_CALL), workers=WORKERS))

    def payment_details(self, invoice_numbers: Iterable[str]) -> Iterator[PaymentDetails]:
        """Payment status and due date by invoice, 25 a call; an invoice Amazon does not know comes with its `error`."""

        def ask(numbers: tuple[str, ...]) -> list[PaymentDetails]:
            body = self._edge.read(GET_PAYMENT_DETAILS, json={"invoiceIds": list(numbers)})
            return _read_all(GET_PAYMENT_DETAILS, PaymentDetails, body, rows="invoicePaymentDetailsResults")

        numbers = dict.fromkeys(number for number in invoice_numbers if number)
        return chain.from_iterable(in_order(ask, batched(numbers, LINES_A_CALL), workers=WORKERS))

    def order_pages(
        self, order_from: datetime, order_to: datetime, *, statuses: Sequence[str] = ()
    ) -> Iterator[list[Json]]:
        """Orders placed in [order_from, order_to), at most 366 days."""
        query = self._report(order_from, order_to) | _listed("orderStatuses", statuses)
        return self._pages(GET_ORDERS, query, rows="ordersReport")

    def order_line_pages(
        self, order_from: datetime, order_to: datetime, *, order_ids: Iterable[str] = ()
    ) -> Iterator[list[Json]]:
        """Lines of the orders placed in the range, or of those `order_ids` that were, 30 a call."""
        return self._by_orders(GET_ORDER_LINES, order_from, order_to, order_ids, rows="orderLineItemsReport")

    def shipment_pages(
        self, order_from: datetime, order_to: datetime, *, order_ids: Iterable[str] = ()
    ) -> Iterator[list[Json]]:
        """Shipments of orders placed in the range (the dates are order dates), or of those `order_ids`, 30 a call."""
        return self._by_orders(GET_SHIPMENTS, order_from, order_to, order_ids, rows="shipmentsReport")

    def shipment_line_pages(
        self, order_from: datetime, order_to: datetime, *, order_ids: Iterable[str] = ()
    ) -> Iterator[list[Json]]:
        """Shipped lines, by the same ranges and ids as `shipment_pages`."""
        return self._by_orders(GET_SHIPMENT_LINES, order_from, order_to, order_ids, rows="shipmentLineItemsReport")

    def order_pages_by_po(self, po_number: str) -> Iterator[list[Json]]:
        """Orders that carry the PO number; Amazon looks back two years."""
        path = GET_ORDERS_BY_PO.at(purchaseOrderNumber=po_number)
        return self._pages(GET_ORDERS_BY_PO, self._region(), rows="ordersReport", path=path)

    def _by_orders(
        self, operation: Operation, order_from: datetime, order_to: datetime, order_ids: Iterable[str], *, rows: str
    ) -> Iterator[list[Json]]:
        query = self._report(order_from, order_to)
        batches = list(batched(dict.fromkeys(order_ids), ORDERS_A_CALL))
        if not batches:
            return self._pages(operation, query, rows=rows)

        def ask(ids: tuple[str, ...]) -> list[list[Json]]:
            return list(self._pages(operation, query | _listed("orderIds", ids), rows=rows))

        return chain.from_iterable(in_order(ask, batches, workers=WORKERS))

    def _report(self, order_from: datetime, order_to: datetime) -> dict[str, str | int]:
        window = _window("orderStartDate", "orderEndDate", order_from, order_to, longest=LONGEST_REPORT)
        return window | self._region()

    def _region(self) -> dict[str, str | int]:
        return {"region": self.region} if self.region else {}

    def _pages(self, operation: Operation, query: Query, *, rows: str, path: str | None = None) -> Iterator[list[Json]]:
        """The token goes with the same parameters: the model says alone, the guides and working clients resend."""

        def fetch(token: str | None) -> Any:
            following: Query = {**query, "nextPageToken": token} if token else query
            return self._edge.read(operation, path=path, query=following)

        return by_token(operation, fetch, rows=rows)


def _counted(pages: Iterator[list[Json]], tally: Tally, kind: str) -> Iterator[list[Json]]:
    for page in pages:
        count_transactions(tally, page, kind)
        yield page


def _window(
    start_name: str, end_name: str, start: datetime, end: datetime, *, longest: timedelta
) -> dict[str, str | int]:
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("a window needs aware moments")
    if not start < end or end - start > longest:
        raise ValueError(f"a window ends after it begins and spans at most {longest.days} days, not {end - start}")
    return {start_name: _moment(start), end_name: _moment(end)}


def _moment(moment: datetime) -> str:
    """Amazon's form: UTC, seconds or finer, always with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _listed(name: str, values: Sequence[str]) -> dict[str, str | int]:
    """Amazon separates by commas and does not repeat keys."""
    return {name: ",".join(values)} if values else {}


def _read_all(operation: Operation, model: type[Payload], body: object, *, rows: str) -> list[Payload]:
    if not isinstance(body, dict):
        raise UnexpectedResponse("the answer is not an object", operation=operation.name)
    try:
        return [model.model_validate(row) for row in read_rows(operation, body.get(rows) or [])]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UnexpectedResponse(f"{where}: {first['msg']}", operation=operation.name) from None
