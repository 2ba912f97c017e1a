"""Reporting API 2025-06-09: orders, their lines, shipments and shipment lines, all filtered by order date.

Amounts are numbers. Rules kept: at most 366 days, no end in the future, at most 30 ids, pages are asked for with the
same parameters; ids outside the range, and regions the account does not use, give an empty list.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote

from sandbox.amazon import paging
from sandbox.amazon.errors import INVALID, INVALID_INPUT, invalid
from sandbox.amazon.parameters import read_list, read_range, read_region
from sandbox.amazon.state import AmazonState
from sandbox.exchange import Answer, Call, Operation
from sandbox.limits import Bucket
from sandbox.seed import Json, Timed

BASE = "/reports/2025-06-09"
ROLE = "Amazon Business Analytics"
RATE, BURST = 0.5, 10
MOST_DAYS = 366
MOST_IDS = 30
BY_NUMBER_DAYS = 730  # a PO number finds orders of the last two years
ORDER_STATUSES = ("PENDING_APPROVAL", "PAYMENT_CONFIRMED", "PENDING_FULFILLMENT", "PENDING", "CANCELLED", "CLOSED")
SHIPMENT_STATUSES = ("SHIPPED", "PENDING_PAYMENT", "SHIPPING_SOON", "SHIPPED_PLANNED")
BY_PO = "getOrderReportsByPurchaseOrderNumber"

# operation, path, the state's list, the answer's list, the code for a start after the end
REPORTS = (
    ("getOrderReports", "/orderReports", "orders", "ordersReport", INVALID),
    ("getOrderLineItemReports", "/orderLineItemReports", "order_lines", "orderLineItemsReport", INVALID),
    ("getShipmentReports", "/shipmentReports", "shipments", "shipmentsReport", INVALID_INPUT),
    ("getShipmentLineItemReports", "/shipmentLineItemReports", "shipment_lines", "shipmentLineItemsReport", INVALID),
)


class Reporting:
    def __init__(self, state: AmazonState, switches: Mapping[str, Any]) -> None:
        self._state, self._switches = state, switches

    def operations(self) -> list[Operation]:
        rows = [
            Operation(
                name, "GET", BASE + path,
                partial(self._list, operation=name, kind=kind, key=key, order_code=code),
                Bucket(name, RATE, BURST), needs=(ROLE,),
            )
            for name, path, kind, key, code in REPORTS
        ]  # fmt: skip
        by_po = partial(Operation, BY_PO, "GET", bucket=Bucket(BY_PO, RATE, BURST), needs=(ROLE,))
        path = BASE + "/purchaseOrders/{purchaseOrderNumber}/orderReports"
        return [
            *rows,
            by_po(path, handler=self.get_orders_by_po_number),
            by_po(BASE + "/purchaseOrders//orderReports", handler=self.get_orders_by_po_number),
        ]

    def _list(self, call: Call, *, operation: str, kind: str, key: str, order_code: str) -> Answer:
        position = self._position(call, operation)
        start, end = read_range(call, "orderStartDate", "orderEndDate", code=order_code)
        self._check_range(start, end)
        wanted = {"region": read_region(call)}
        order_ids = read_list(call, "orderIds", most=MOST_IDS) if kind != "orders" else None
        numbers = read_list(call, "purchaseOrderNumbers", most=MOST_IDS) if kind == "shipment_lines" else None
        statuses = _read_statuses(call, kind)
        rows = [
            document
            for document in self._seen(self._state.reports(kind, start, end, order_ids), position, wanted["region"])
            if (numbers is None or document.get("purchaseOrderNumber") in numbers)
            and (statuses is None or document.get(_status_key(kind)) in statuses)
        ]
        return self._page(key, rows, position, operation)

    def get_orders_by_po_number(self, call: Call) -> Answer:
        position = self._position(call, BY_PO)
        number = unquote(call.params.get("purchaseOrderNumber", "")).strip()
        if not number:
            raise invalid("purchaseOrderNumber must not be empty.")
        region = read_region(call)
        oldest = position.seen_at - timedelta(days=BY_NUMBER_DAYS)
        orders = self._state.reports("orders", oldest, position.seen_at, None)
        rows = [row for row in self._seen(orders, position, region) if row.get("purchaseOrderNumber") == number]
        return self._page("ordersReport", rows, position, BY_PO)

    def _position(self, call: Call, operation: str) -> paging.Position:
        """The first page, or the one a token names; 400 when anything but the token differs from the first call."""
        parameters = (*paging.as_parameters(call.query), ("", call.path))
        token = call.argument("nextPageToken")
        if not token:
            return paging.Position(self._state.clock.now(), 0, parameters)
        position = paging.read_token(operation, token)
        if position.parameters != parameters:
            raise invalid("The parameters differ from those nextPageToken was made for.")
        return position

    def _check_range(self, start: datetime, end: datetime) -> None:
        if end - start > timedelta(days=MOST_DAYS):
            raise invalid(f"The range from orderStartDate to orderEndDate is longer than {MOST_DAYS} days.")
        if end > self._state.clock.now():
            raise invalid("orderEndDate is in the future.")

    def _seen(self, rows: Sequence[Timed], position: paging.Position, region: str | None) -> list[Json]:
        documents = (row.at(position.seen_at) for row in rows)
        return [
            document
            for document in documents
            if document is not None
            and (region is None or document["orderMetadata"].get("region", self._state.seed.region) == region)
        ]

    def _page(self, key: str, rows: Sequence[Json], position: paging.Position, operation: str) -> Answer:
        size = self._switches["reporting_page_size"]
        answer, shown = paging.page(key, rows, position, size=size, operation=operation)
        return Answer(200, answer | {"size": len(shown)})


def _status_key(kind: str) -> str:
    return "orderStatus" if kind == "orders" else "shipmentStatus"


def _read_statuses(call: Call, kind: str) -> list[str] | None:
    if kind == "orders":
        return read_list(call, "orderStatuses", most=len(ORDER_STATUSES), known=ORDER_STATUSES)
    if kind == "shipments":
        return read_list(call, "shipmentStatuses", most=len(SHIPMENT_STATUSES), known=SHIPMENT_STATUSES)
    return None
