"""Pages fetched once from the sandbox and kept in var/bench/, so that planning is measured without any HTTP.

`python -m bench.recorded ORDERS LINES FOLDER` fetches them in a process of its own, as a world of 20,000 invoices is
large. `RecordedAmazon` and `RecordedCoupa` answer as the clients do, from bytes, so that parsing the JSON counts.
"""

import json
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.clients import connect_amazon, connect_coupa
from connectors.amazon_business.payloads import InvoiceDetails, OrderLineKey
from connectors.amazon_business.transactions import count_transactions
from connectors.limits import LocalLimiter
from connectors.tally import Tally
from sandbox.amazon.vendor import create_vendor as create_amazon
from sandbox.coupa.vendor import create_vendor as create_coupa
from sandbox.server import running
from sandbox.system import Origin, Sandbox
from sandbox.worlds import build_world

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
SPEED = 5000.0
PAGE = 50  # Coupa's page


def read_json(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def dump(value: object) -> bytes:
    return json.dumps(value, default=str, separators=(",", ":")).encode()


def fetched(orders: int, lines: int) -> Path:
    """The folder with the pages, fetched if it is not there yet."""
    folder = Path("var/bench") / f"pages-{orders}x{lines}"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "bench.recorded", str(orders), str(lines), str(folder)], check=True)
    return folder


def fetch(orders: int, lines: int, folder: Path) -> None:
    """Reads everything that planning will ask for, by the real clients, and writes it down."""
    origin = Origin("clean", seed=1, now=NOW.isoformat(), options={"orders": str(orders), "lines": str(lines)})
    with running(Sandbox(origin, build_world, [create_amazon, create_coupa], speed=SPEED)) as pair:
        amazon = connect_amazon(pair.urls[0], LocalLimiter(), multiplier=SPEED)
        coupa = connect_coupa(pair.urls[1], LocalLimiter(), multiplier=SPEED)
        pages = [
            page
            for n in range(5)
            for page in amazon.transaction_pages(NOW - timedelta(days=30 * (n + 1)), NOW - timedelta(days=30 * n))
        ]
        rows = [line for page in pages for transaction in page for line in transaction["transactionLineItems"]]
        keys = [OrderLineKey(row["orderId"], row["orderLineItemId"], row["shipmentId"]) for row in rows]
        details = {
            details.order_line.key: dump(details.model_dump(mode="json", by_alias=True))
            for details in amazon.invoice_details(keys)
        }
        orders_by_number = {
            raw["po-number"]: raw
            for page in coupa.purchase_orders({row["purchaseOrderNumber"] for row in rows})
            for raw in page
        }
        receipts: dict[int, list[Any]] = {}
        line_ids = [line["id"] for raw in orders_by_number.values() for line in raw["order-lines"]]
        for page in coupa.receipts(line_ids):
            for raw in page:
                receipts.setdefault(raw["order-line"]["id"], []).append(raw)
    parts = {
        "pages": [dump(page) for page in pages],
        "details": details,
        "orders": {number: dump(raw) for number, raw in orders_by_number.items()},
        "receipts": {line_id: dump(found) for line_id, found in receipts.items()},
    }
    for name, part in parts.items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(part))
    (folder / "done").write_text("")


def load(folder: Path, name: str) -> Any:
    return pickle.loads((folder / f"{name}.pickle").read_bytes())  # our own file, written by fetch()


class RecordedAmazon:
    """The Amazon Business client's part that the pipeline uses."""

    account = "sandbox"

    def __init__(self, folder: Path) -> None:
        self._pages: list[bytes] = load(folder, "pages")
        self._details: dict[OrderLineKey, bytes] = load(folder, "details")

    def transaction_pages(
        self, feed_from: datetime, feed_to: datetime, *, tally: Tally | None = None, kind: str = "transaction"
    ) -> Iterator[list[Any]]:
        del feed_from, feed_to, kind
        for text in self._pages:
            page = read_json(text)
            if tally is not None:
                count_transactions(tally, page)
            yield page

    def invoice_details(self, order_lines: Iterable[OrderLineKey]) -> Iterator[InvoiceDetails]:
        for key in order_lines:
            yield InvoiceDetails.model_validate(read_json(self._details[key]))


class RecordedCoupa:
    """The Coupa client's part that planning uses."""

    instance = "acme"

    def __init__(self, folder: Path) -> None:
        self._orders: dict[str, bytes] = load(folder, "orders")
        self._receipts: dict[int, bytes] = load(folder, "receipts")

    def purchase_orders(self, numbers: Iterable[str]) -> Iterator[list[Any]]:
        yield [read_json(self._orders[number]) for number in numbers if number in self._orders]

    def receipts(self, order_line_ids: Iterable[int]) -> Iterator[list[Any]]:
        for line_id in order_line_ids:
            if line_id in self._receipts:
                yield read_json(self._receipts[line_id])

    def invoices(self, supplier: str, numbers: Iterable[str]) -> Iterator[list[Any]]:
        del supplier, numbers
        yield []

    def invoices_on_po_lines(self, order_line_ids: Iterable[int], since: date) -> Iterator[list[Any]]:
        del order_line_ids, since
        yield []

    def users(self, logins: Iterable[str]) -> Iterator[list[Any]]:
        yield [{"id": n, "login": login} for n, login in enumerate(logins, 1)]


if __name__ == "__main__":
    fetch(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
