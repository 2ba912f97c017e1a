"""A small buying company in a Coupa of its own: one supplier, two orders, people who approve.

`company` talks to the instance through the same table of calls the HTTP edge uses, without HTTP.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.coupa.calls import Call
from sandbox.coupa.routes import answer, find_operation
from sandbox.coupa.state import CoupaState
from sandbox.seed import CoupaRecord, CoupaSeed

START = datetime(2026, 5, 1, 8, tzinfo=UTC)
Json = Any


class Clock:
    def __init__(self) -> None:
        self.moment = START + timedelta(days=10)

    def now(self) -> datetime:
        return self.moment


class Timeline:
    def __init__(self) -> None:
        self.waiting: list[tuple[datetime, Callable[[], object]]] = []

    def add(self, at: datetime, happening: Callable[[], object]) -> None:
        self.waiting.append((at, happening))

    def run_due(self, now: datetime) -> None:
        due = [entry for entry in self.waiting if entry[0] <= now]
        self.waiting = [entry for entry in self.waiting if entry[0] > now]
        for _, happening in due:
            happening()


def records() -> list[CoupaRecord]:
    """What the company had set up before the test begins; PO-1 has a 3-way, a 2-way and an amount line."""
    chart, dollars = {"name": "US Chart"}, {"code": "USD"}
    place = {
        "street1": "1 Main St",
        "city": "Seattle",
        "state": "WA",
        "postal-code": "98101",
        "country": {"code": "US"},
    }
    account = {"code": "10-4100-6100", "account-type": chart}
    line = {"uom": {"code": "EA"}, "account": account}
    bodies: list[tuple[str, Json]] = [
        ("currencies", {"code": "USD", "name": "US Dollar", "decimals": 2}),
        ("currencies", {"code": "JPY", "name": "Yen", "decimals": 0}),
        ("uoms", {"code": "EA", "name": "Each"}),
        ("payment_terms", {"code": "Net 30", "days-for-net-payment": 30}),
        ("account_types", {"name": "US Chart", "currency": dollars}),
        (
            "accounts",
            {"name": "Facilities", "segment-1": "10", "segment-2": "4100", "segment-3": "6100", "account-type": chart},
        ),
        (
            "accounts",
            {"name": "Freight", "segment-1": "10", "segment-2": "4100", "segment-3": "6800", "account-type": chart},
        ),
        ("commodities", {"name": "Office Equipment"}),
        ("commodities", {"name": "Food"}),
        ("departments", {"name": "Facilities"}),
        ("tax_codes", {"code": "WA", "country": {"code": "US"}, "percentage": "9.1"}),
        ("lookups", {"name": "Cost Center"}),
        ("lookup_values", {"name": "4100 Facilities", "external-ref-num": "4100", "lookup": {"name": "Cost Center"}}),
        ("addresses", {"name": "Headquarters", "location-code": "HQ-1", **place}),
        ("users", {"login": "jane.doe", "email": "jane.doe@example.com", "firstname": "Jane", "lastname": "Doe"}),
        ("users", {"login": "ap.lead", "email": "ap.lead@example.com", "firstname": "Ann", "lastname": "Lee"}),
        ("users", {"login": "cfo", "email": "cfo@example.com", "firstname": "Kim", "lastname": "Roe", "active": False}),
        (
            "suppliers",
            {
                "name": "Amazon Business (US)",
                "number": "AMZN-US",
                "status": "active",
                "invoice-matching-level": "3-way",
                "payment-term": {"code": "Net 30"},
                "primary-contact": {"email": "billing@example.com"},
                "remit-to-addresses": [{"remit-to-code": "AMZN-RT1", **place}],
            },
        ),
        (
            "suppliers",
            {
                "name": "Northside",
                "number": "NORTH",
                "status": "active",
                "remit-to-addresses": [{"remit-to-code": "N-1", **place}],
            },
        ),
        (
            "integrations",
            {
                "code": "AB_INVOICES",
                "name": "Invoices",
                "direction": "to_coupa",
                "end-system": "AB",
                "end-system-type": "other",
            },
        ),
        (
            "integration_contacts",
            {
                "integration": {"code": "AB_INVOICES"},
                "contact-alert-type": "Functional",
                "contactable": {"login": "ap.lead"},
            },
        ),
        ("periods", {"name": "FY26 Q2", "start-date": "2026-04-01", "end-date": "2026-06-30"}),
        ("periods", {"name": "FY26 Q1", "start-date": "2026-01-01", "end-date": "2026-03-31", "is-open": False}),
        (
            "purchase_orders",
            {
                "po-number": "PO-1",
                "supplier": {"number": "AMZN-US"},
                "currency": dollars,
                "payment-term": {"code": "Net 30"},
                "ship-to-address": {"location-code": "HQ-1"},
                "requisition-header": {
                    "req-title": "Printers",
                    "requested-by": {"login": "jane.doe"},
                    "status": "ordered",
                },
                "order-lines": [
                    {
                        **line,
                        "description": "Label printer",
                        "quantity": "4",
                        "price": "100.00",
                        "commodity": {"name": "Office Equipment"},
                        "source-part-num": "B0EXAMPLE1",
                    },
                    {
                        **line,
                        "description": "Cookies",
                        "quantity": "10",
                        "price": "5.00",
                        "match-type": "2-way",
                        "commodity": {"name": "Food"},
                    },
                    {
                        **line,
                        "type": "OrderAmountLine",
                        "description": "Service",
                        "price": "300.00",
                        "match-type": "2-way",
                    },
                ],
            },
        ),
        (
            "purchase_orders",
            {
                "po-number": "PO-2",
                "supplier": {"number": "NORTH"},
                "currency": dollars,
                "order-lines": [
                    {**line, "description": "Desk", "quantity": "1", "price": "250.00", "match-type": "direct_matching"}
                ],
            },
        ),
    ]
    return [CoupaRecord(resource, body, START) for resource, body in bodies]


class Company:
    def __init__(self, extra: list[CoupaRecord] | None = None, **seed: Any) -> None:
        self.clock, self.timeline, self.state = Clock(), Timeline(), CoupaState()
        self.exchanges: list[Json] = []
        self.state.load(CoupaSeed([*records(), *(extra or [])], **seed), self.clock, self.timeline)

    def call(self, method: str, path: str, body: Json = None, **query: str) -> tuple[int, Json]:
        return self.ask(method, path, list(query.items()), body)

    def ask(self, method: str, path: str, query: list[tuple[str, str]], body: Json = None) -> tuple[int, Json]:
        found = find_operation(method, f"/api{path}")
        assert found, f"no call {method} {path}"
        operation, ids = found
        status, result = answer(self.state.instance, self.state.serialiser, operation, Call(ids, query, body))
        result = json.loads(json.dumps(result))
        self.exchanges.append(
            {
                "service": "coupa",
                "method": method,
                "path": f"/api{path}",
                "query": dict(query),
                "request": body,
                "status": status,
                "response": result,
            }
        )
        return status, result

    def read(self, path: str, *query: tuple[str, str], fields: Json = None) -> Json:
        """The records a GET gives; fails on anything but 200."""
        status, result = self.ask(
            "GET", path, [*query, *([("fields", json.dumps(fields))] if fields is not None else [])]
        )
        assert status == 200, result
        return result

    def ids(self, path: str, *query: tuple[str, str]) -> list[int]:
        return [record["id"] for record in self.read(path, *query, fields=["id"])]

    def invoice(self, number: str = "INV-1", *lines: Json, **header: Any) -> Json:
        """Creates a draft; fails unless Coupa takes it."""
        status, result = self.call("POST", "/invoices", self.body(number, *lines, **header))
        assert status == 201, result
        return result

    def body(self, number: str, *lines: Json, **header: Any) -> Json:
        given = lines or ({"order-line-id": 1, "quantity": "2", "price": "100.00"},)
        rows = [{"line-num": n, "description": "Item", **line} for n, line in enumerate(given, start=1)]
        return {
            "invoice-number": number,
            "invoice-date": "2026-05-08",
            "supplier": {"number": "AMZN-US"},
            "invoice-lines": rows,
            "bill-to-address": {"location-code": "HQ-1"},
            "remit-to-address": {"remit-to-code": "AMZN-RT1"},
            **{name.replace("_", "-"): value for name, value in header.items()},
        }

    def act(self, invoice: Json, action: str, body: Json = None) -> Json:
        status, result = self.call("PUT", f"/invoices/{invoice['id']}/{action}", body)
        assert status == 200, result
        return result

    def submit(self, number: str = "INV-1", *lines: Json, **header: Any) -> Json:
        return self.act(self.invoice(number, *lines, **header), "submit")

    def status(self, invoice: Json) -> str:
        return str(self.read(f"/invoices/{invoice['id']}", fields=["status"])["status"])

    def receive(self, quantity: str = "2", line: int = 1, **more: Any) -> Json:
        body = {"type": "ReceivingQuantityConsumption", "quantity": quantity, "order-line": {"id": line}}
        status, result = self.call(
            "POST", "/receiving_transactions", {**body, **{k.replace("_", "-"): v for k, v in more.items()}}
        )
        assert status == 201, result
        return result

    def order_line(self, line: int = 1) -> Json:
        return self.read(f"/purchase_order_lines/{line}", fields=["received", "invoiced", "total_invoiced", "status"])


def sentences(answered: tuple[int, Json], status: int = 400) -> str:
    """The refusal's sentences, joined; fails unless it is a refusal with that status."""
    assert answered[0] == status, answered
    errors = answered[1]["errors"]
    return " ".join(errors if isinstance(errors, list) else next(iter(errors.values())))


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def company_with() -> type[Company]:
    """To build a company with tolerances, approvers or further records of its own."""
    return Company


@pytest.fixture
def refused() -> Callable[..., str]:
    return sentences


@pytest.fixture
def seed() -> CoupaSeed:
    """The company as a scenario would hand it over."""
    return CoupaSeed(records())
