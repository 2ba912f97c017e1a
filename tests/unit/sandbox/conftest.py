"""Amazon Business alone, served for real on a loopback port, over a world small enough to know by heart.

Two orders of January 2026: 112-1 (PO 4500123, two lines, one shipped) and 112-2 (no PO number, one line). Its feed:
tx-1 with a number, tx-2 whose number is consolidated (Pending for a week), tx-3 refunding a part of tx-1, tx-4 that
enters the feed on 12 February. The sandbox's date is 10 February 2026.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.amazon.vendor import create_vendor
from sandbox.recording import Recorder
from sandbox.seed import AmazonSeed, CoupaSeed, Timed, World
from sandbox.server import Running, running
from sandbox.system import Origin, Sandbox
from sandbox.tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

Json = dict[str, Any]
NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
FAST = 50.0  # rates and clock: enough that tests which are not about rates never meet one


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}T12:00:00+00:00")


def number(amount: float) -> Json:
    return {"currencyCode": "USD", "amount": amount}


def text(amount: str) -> Json:
    return {"currencyCode": "USD", "amount": amount}


def order(order_id: str, ordered: str, **fields: Any) -> Json:
    metadata = {"orderDate": f"2026-{ordered}T12:00:00Z", "orderId": order_id, "region": "US"}
    return {"orderMetadata": metadata, **fields}


def charges(subtotal: float, tax: float, net: float) -> list[Json]:
    amounts = {"SUBTOTAL": subtotal, "TAX": tax, "NET_TOTAL": net}
    return [{"type": kind, "amount": number(amount)} for kind, amount in amounts.items()]


PRODUCT = {
    "productCategory": "Office Product", "asin": "B0SAMPLE01", "title": "Gel pens", "unspsc": {"code": "44121704"},
    "productCondition": "New", "brandCode": "PEN01", "brandName": "PenCo", "manufacturerName": "PenCo Inc",
}  # fmt: skip
ADDRESS = {
    "fullName": "Receiving Dock", "addressLine1": "1 Example Way", "city": "Austin", "stateOrRegion": "TX",
    "postalCode": "78701", "countryCode": "US",
}  # fmt: skip


def order_line(order_id: str, ordered: str, line: str, **fields: Any) -> Json:
    money = charges(40.0, 3.3, 43.3)
    product = {**PRODUCT, "serialNumbers": []}
    whole = {"orderLineItemId": line, "productDetails": product, "quantity": 4, "unitPrice": number(10.0)}
    return order(order_id, ordered, **whole, charges=money, **fields)


def transaction(transaction_id: str, fed: str, order_id: str, line: str, total: str, **fields: Any) -> Json:
    item = {
        "orderId": order_id, "orderLineItemId": line, "shipmentId": f"S-{line}", "asin": "B0SAMPLE01", "itemQuantity": 4,
        "unitPrice": text("10.00"), "principalAmount": text("40.00"), "tax": text("3.30"), "totalAmount": text(total),
    }  # fmt: skip
    moment = f"2026-{fed}T12:00:00Z"
    head = {"transactionId": transaction_id, "transactionType": "CHARGE", "transactionDate": moment, "feedDate": moment}
    rest = {"amount": text(total), "paymentInstrumentType": "Pay by Invoice", "transactionLineItems": [item]}
    return {**head, **rest, **fields}


def details(order_id: str, line: str, number: str, **fields: Any) -> Json:
    key = {"orderId": order_id, "orderLineItemId": line, "shipmentId": f"S-{line}"}
    row = {"invoiceNumber": number, "invoiceDate": "2026-01-21T05:00:00Z", "invoiceType": "STANDARD", **fields}
    return {"orderLineItem": key, "invoiceDetails": [row]}


def small_seed() -> AmazonSeed:
    po = {"purchaseOrderNumber": "4500123"}
    orders = [
        Timed(order("112-1", "01-10", orderStatus="PENDING_FULFILLMENT", charges=charges(80.0, 6.6, 86.6), **po), day("01-10")),
        Timed(order("112-2", "01-20", orderStatus="PENDING", charges=charges(40.0, 3.3, 43.3)), day("01-20")),
    ]  # fmt: skip
    lines = [
        Timed(order_line("112-1", "01-10", "L1", purchaseOrderLineItemNumber="1", **po), day("01-10")),
        Timed(order_line("112-1", "01-10", "L2", purchaseOrderLineItemNumber="2", **po), day("01-10")),
        Timed(order_line("112-2", "01-20", "L3"), day("01-20")),
    ]
    shipped = {"shipmentMetadata": {"shipmentId": "S-L1", "shipmentDate": "2026-01-15T12:00:00Z"}, **po}
    delivery = {"expectedDeliveryDate": "2026-01-17T12:00:00Z", "status": "NOT_DELIVERED"}
    money: Json = {"charges": charges(40.0, 3.3, 43.3)}
    address = {"shippingAddress": ADDRESS, "shipmentStatus": "SHIPPED", "deliveryInfo": delivery}
    parcel = {"orderLineItemId": "L1", "productDetails": PRODUCT, "quantity": 4}
    pending = details("112-2", "L3", "Pending", consolidatedInvoiceDetails={"invoiceNumber": "Pending"})
    numbered = details("112-2", "L3", "CONS-7", consolidatedInvoiceDetails={"invoiceNumber": "CONS-7"})
    refund = transaction("tx-3", "02-05", "112-1", "L1", "-10.83", transactionType="REFUND", invoiceNumber="INV-1-CM")
    return AmazonSeed(
        orders=orders,
        order_lines=lines,
        shipments=[Timed(order("112-1", "01-10", **shipped, **money, **address), day("01-15"))],
        shipment_lines=[Timed(order("112-1", "01-10", **shipped, **money, **parcel), day("01-15"))],
        transactions=[
            Timed(transaction("tx-1", "01-20", "112-1", "L1", "43.30", invoiceNumber="INV-1"), day("01-20")),
            Timed(transaction("tx-2", "01-25", "112-2", "L3", "43.30"), day("01-25")),
            Timed(refund, day("02-05")),
            Timed(transaction("tx-4", "02-12", "112-1", "L2", "43.30"), day("02-12")),
        ],
        invoice_details=[
            Timed(details("112-1", "L1", "INV-1"), day("01-20")),
            Timed(pending, day("01-25"), [(day("02-11"), {"invoiceDetails": numbered["invoiceDetails"]})]),
        ],
        payments=[
            Timed({"invoiceId": "INV-1", "status": "Issued", "dueDate": "2026-02-20T23:59:59Z"}, day("01-20"),
                  [(day("02-21"), {"status": "Past Due"})]),
        ],
    )  # fmt: skip


def build_world(origin: Origin) -> World:
    if origin.scenario != "small":
        raise ValueError(f"no scenario {origin.scenario!r}")
    return World("small", origin.seed, NOW, small_seed(), CoupaSeed(), facts={"orders": 2})


class Amazon:
    """A client that holds a token and hides nothing: every method gives the bare response."""

    def __init__(self, url: str, sandbox: Sandbox) -> None:
        self.url, self.sandbox = url, sandbox
        self.http = requests.Session()
        self.headers: dict[str, str] = {}

    def ask_token(self, **changes: str) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}  # fmt: skip
        return self.http.post(f"{self.url}/auth/o2/token", data=form | changes)

    def sign_in(self) -> None:
        self.headers = {"x-amz-access-token": self.ask_token().json()["access_token"]}

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.http.get(self.url + path, params=query, headers=self.headers)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.http.post(self.url + path, json=body, headers=self.headers)

    def transactions(self, start: str = "01-01", end: str = "02-28", **query: Any) -> requests.Response:
        dates = {"feedStartDate": f"2026-{start}T00:00:00Z", "feedEndDate": f"2026-{end}T00:00:00Z"}
        return self.get("/reconciliation/2021-01-08/transactions", **dates, **query)

    def reports(self, name: str, **query: Any) -> requests.Response:
        dates = {"orderStartDate": "2026-01-01T00:00:00Z", "orderEndDate": "2026-02-01T00:00:00Z"}
        return self.get(f"/reports/2025-06-09/{name}", **(dates | query))

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.http.request(method, f"{self.url}/_sandbox/{path}", json=body)

    def fault(self, kind: str, operation: str = "getTransactions", **settings: Any) -> None:
        answer = self.control("POST", "faults", {"kind": kind, "operation": operation, **settings})
        assert answer.status_code == 201, answer.text

    def event(self, name: str, **body: Any) -> Any:
        answer = self.control("POST", f"events/{name}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def switch(self, **changes: Any) -> None:
        assert self.control("POST", "switches", changes).status_code == 200

    def advance(self, **duration: float) -> None:
        seconds = duration.get("days", 0) * 86400 + duration.get("seconds", 0)
        assert self.control("POST", "clock", {"advance": seconds}).status_code == 200

    def calls(self) -> Json:
        calls: Json = self.control("GET", "calls").json()
        return calls


StartAmazon = Callable[..., Amazon]


@pytest.fixture
def start_amazon() -> Iterator[StartAmazon]:
    """Starts a sandbox with these settings; several may run in one test."""
    with ExitStack() as stack:

        def start(*, speed: float = FAST, record: Path | None = None, snapshot: Json | None = None) -> Amazon:
            recorder = Recorder(record) if record else None
            origin = Origin("small")
            sandbox = Sandbox(origin, build_world, [create_vendor], speed=speed, recorder=recorder, snapshot=snapshot)
            started = stack.enter_context(running(sandbox))
            amazon = Amazon(started.urls[0], sandbox)
            stack.callback(amazon.http.close)
            return amazon

        yield start


@pytest.fixture(scope="session")
def _shared() -> Iterator[Running]:
    with running(Sandbox(Origin("small"), build_world, [create_vendor], speed=FAST)) as started:
        yield started


@pytest.fixture
def amazon(_shared: Running) -> Iterator[Amazon]:
    """One sandbox for the session, started over and signed in for each test."""
    client = Amazon(_shared.urls[0], _shared.sandbox)
    assert client.control("POST", "reset", {}).status_code == 200
    client.sign_in()
    yield client
    client.http.close()
