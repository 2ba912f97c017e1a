"""Reading sellers from Amazon: the transaction feed, and the order lines of the orders in it.

Transactions are read by whole days, from midnight of the window's first to the end of its last or to now, because a day's
purchases replace what was read of that day before.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.payloads import OrderLineKey
from connectors.amazon_business.sellers import counted_order_lines, counted_transactions, text_of
from connectors.concurrency import batched
from connectors.tally import Tally
from procurement.ledger.types import Window
from procurement.pipelines.amazon_suppliers_to_coupa.observing import (
    MOMENT,
    Observed,
    Sale,
    fold,
    midnight,
    order_id_of,
    read_sales,
    sellers_of_sales,
)
from procurement.pipelines.windows import pieces

Json = dict[str, Any]
LONGEST_FEED = timedelta(days=30)
ORDERED_BEFORE = timedelta(days=300)  # how long before its charge an order is looked for first
LONGEST_REPORT = timedelta(
    days=366
)  # of order dates in one call; what is not found is looked for once more before that
SPREAD = timedelta(days=60)  # of the transactions whose order lines are asked for together
ORDERS_A_BATCH = 300
JAPAN = "JP"


def whole_days(window: Window | None, *, now: datetime) -> Window | None:
    if window is None:
        return None
    end = midnight((window.end.astimezone(UTC) - MOMENT).date()) + timedelta(days=1)
    return Window(midnight(window.start.astimezone(UTC).date()), max(window.end, min(end, now)))


def observe(
    amazon: AmazonBusiness, window: Window | None, tally: Tally, *, country: str, now: datetime
) -> Iterator[Observed]:
    """What each month of the window says; raises IncompleteRun where a line that was read counts for nobody."""
    for piece in pieces(whole_days(window, now=now), LONGEST_FEED):
        pages = counted_transactions(amazon.transaction_pages(piece.start, piece.end), tally)
        sales = [sale for page in pages for raw in page for sale in read_sales(raw)]
        order_lines = read_order_lines(amazon, sales, tally, until=piece.end)
        numbers = _registrations(amazon, sales, order_lines) if country == JAPAN else {}
        yield fold(sales, order_lines, window=piece, registrations=numbers)


def read_order_lines(amazon: AmazonBusiness, sales: Sequence[Sale], tally: Tally, *, until: datetime) -> list[Json]:
    """The order lines of the sales' orders, 30 orders a call, grouped by date so that a call's dates suffice; orders that are
    older are asked for once more, a year further back."""
    first: dict[str, date] = {}
    for sale in sales:
        if sale.order_id and sale.dated != date.min:
            first[sale.order_id] = min(first.get(sale.order_id, sale.dated), sale.dated)
    found: list[Json] = []
    for orders in _spans(sorted(first.items(), key=lambda pair: (pair[1], pair[0]))):
        start = midnight(orders[0][1]) - ORDERED_BEFORE
        end = min(midnight(orders[-1][1]) + timedelta(days=2), until)  # Amazon refuses dates to come
        for ids in batched((order_id for order_id, _ in orders), ORDERS_A_BATCH):
            rows = _lines_of(amazon, start, end, ids, tally)
            found += rows
            if older := sorted(set(ids) - set(map(order_id_of, rows))):
                found += _lines_of(amazon, start - LONGEST_REPORT, start, older, tally)
    return found


def _lines_of(
    amazon: AmazonBusiness, start: datetime, end: datetime, order_ids: Sequence[str], tally: Tally
) -> list[Json]:
    pages = counted_order_lines(amazon.order_line_pages(start, end, order_ids=order_ids), tally)
    return [row for page in pages for row in page]


def _spans(orders: Sequence[tuple[str, date]]) -> Iterator[list[tuple[str, date]]]:
    some: list[tuple[str, date]] = []
    for one in orders:
        if some and one[1] - some[0][1] > SPREAD:
            yield some
            some = []
        some.append(one)
    if some:
        yield some


def _registrations(amazon: AmazonBusiness, sales: Sequence[Sale], order_lines: Sequence[Json]) -> dict[str, str]:
    """Japanese registration numbers by spelling, from the invoice of one line of each."""
    named = sellers_of_sales(sales, order_lines)
    asked: dict[OrderLineKey, str] = {}
    for sale in sales:
        key = named.get(sale)
        if key and sale.shipment_id and key not in asked.values():
            asked[OrderLineKey(sale.order_id, sale.order_line_id, sale.shipment_id)] = key
    found: dict[str, str] = {}
    for details in amazon.invoice_details(asked):
        for invoice in details.invoice_details:
            seller = (invoice.model_extra or {}).get("sellerInformation")
            number = text_of(seller.get("registrationNumber")) if isinstance(seller, Mapping) else ""
            if number:
                found[asked[details.order_line.key]] = number
    return found
