"""Coupa over HTTP: tokens and scopes, formats, limits, and refusals in Coupa's own shape."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from sandbox.clock import SandboxClock, Timeline
from sandbox.coupa import create_vendor
from sandbox.coupa.scopes import GRANTED
from sandbox.limits import RateLimits
from sandbox.seed import AmazonSeed, World
from sandbox.service import Service
from sandbox.tokens import CLIENT_ID, CLIENT_SECRET, TokenStore

FORM = {
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "grant_type": "client_credentials",
    "scope": "core.invoice.read",
}


class Http:
    """The service behind its ASGI door, time and rate under the test's control."""

    def __init__(self, seed):
        self.ticks = 0.0
        self.clock = SandboxClock(datetime(2026, 5, 11, tzinfo=UTC), monotonic=lambda: self.ticks)
        tokens = TokenStore(self.clock)
        self.vendor = create_vendor(self.clock, tokens)
        timeline = Timeline()
        self.vendor.load(World("test", 1, self.clock.now(), AmazonSeed(), seed), timeline)
        limits = RateLimits(monotonic=lambda: self.ticks)
        self.service = Service(self.vendor, clock=self.clock, timeline=timeline, tokens=tokens, limits=limits)

    def send(self, method, path, body=b"", **headers):
        path, _, query = path.partition("?")
        names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": names,
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        asyncio.run(self.service(scope, receive, send))
        self.headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        text = sent[1]["body"].decode()
        return sent[0]["status"], json.loads(text) if "json" in self.headers.get("content-type", "") else text

    def token(self, scope="core.invoice.read"):
        status, answer = self.send("POST", "/oauth2/token", urlencode({**FORM, "scope": scope}).encode())
        assert status == 200, answer
        return answer["access_token"]

    def call(self, method, path, body=None, token=None, **headers):
        headers = {"accept": "application/json", "content_type": "application/json", **headers}
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(
            method, path, sent, authorization=f"Bearer {token or self.token(' '.join(sorted(GRANTED)))}", **headers
        )


@pytest.fixture
def http(seed):
    return Http(seed)


def basic(client_id, secret):
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/access_tokens"])
def test_a_token_is_given_for_form_query_and_basic(http, path):
    without_client = urlencode({"grant_type": "client_credentials", "scope": "core.invoice.read"}).encode()
    answers = [
        http.send("POST", path, urlencode(FORM).encode()),
        http.send("POST", f"{path}?{urlencode(FORM)}"),
        http.send("POST", path, without_client, authorization=basic(CLIENT_ID, CLIENT_SECRET)),
    ]
    for status, answer in answers:
        assert status == 200
        assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("bearer", 86399, "core.invoice.read")
        assert answer["access_token"].count(".") == 2
    assert len({answer["access_token"] for _, answer in answers}) == 3


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"scope": "core.invoices.read"}, 400, "invalid_scope"),
        ({"scope": "core.invoice.read core.everything.write"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_token_request_that_does_not_fit_is_refused(http, change, status, error):
    answered, body = http.send("POST", "/oauth2/token", urlencode({**FORM, **change}).encode())
    assert (answered, body["error"]) == (status, error)


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/api/invoices", ("core.invoice.read",)),
        ("GET", "/api/matching_allocations", ("core.invoice.read",)),
        ("POST", "/api/invoices", ("core.invoice.create", "core.invoice.write")),
        ("PUT", "/api/invoices/1", ("core.invoice.write",)),
        ("PUT", "/api/invoices/1/submit", ("core.invoice.create", "core.invoice.write")),
        ("PUT", "/api/invoices/1/dispute", ("core.invoice.write",)),
        ("PUT", "/api/invoices/1/void", ("core.invoice.delete",)),
        ("PUT", "/api/invoices/1/abandon", ("core.invoice.delete",)),
        ("PUT", "/api/invoices/1/add_approver", ("core.invoice.approval.write",)),
        ("PUT", "/api/invoices/1/bypass_approvals", ("core.invoice.approval.bypass",)),
        ("GET", "/api/suppliers", ("core.supplier.read",)),
        ("GET", "/api/accounts", ("core.accounting.read",)),
        ("GET", "/api/currencies", ("core.common.read",)),
        ("GET", "/api/lookup_values", ("core.common.read",)),
        ("GET", "/api/uoms", ("core.uom.read",)),
        ("GET", "/api/purchase_order_lines", ("core.purchase_order.read",)),
        ("PUT", "/api/purchase_orders/1", ("core.purchase_order.write",)),
        ("POST", "/api/receiving_transactions", ("core.inventory.receiving.write",)),
        ("PUT", "/api/approvals/1/approve", ("core.approval.write",)),
        ("POST", "/api/invoices/1/comments", ("core.comment.write",)),
        ("GET", "/api/users", ("core.user.read",)),
        ("POST", "/api/integration_errors/create_alert", ("core.integration.write",)),
    ],
)
def test_a_call_is_open_to_its_scopes_and_to_no_other(http, method, path, scopes):
    for scope in scopes:
        assert http.call(method, path, token=http.token(scope))[0] != 403
    others = " ".join(sorted(GRANTED - set(scopes)))
    status, body = http.call(method, path, token=http.token(others))
    assert status == 403
    assert scopes[0] in body["errors"][0]


def test_no_token_a_made_up_token_and_an_old_api_key_are_refused(http):
    assert http.send("GET", "/api/invoices", accept="application/json")[0] == 401
    assert http.call("GET", "/api/invoices", token="eyJ.made.up")[0] == 401
    status, body = http.send("GET", "/api/invoices", accept="application/json", x_coupa_api_key="k" * 40)
    assert (status, "no longer supported" in body["errors"][0]) == (401, True)


def test_a_token_dies_after_its_24_hours_and_with_the_switch_is_born_late(http):
    token = http.token()
    http.clock.advance(86398)
    assert http.call("GET", "/api/invoices", token=token)[0] == 200
    http.clock.advance(2)
    status, body = http.call("GET", "/api/invoices", token=token)
    assert (status, body) == (401, {"errors": ["Unauthorized: the access token has expired"]})
    http.vendor.switches["token_activation_seconds"] = 5.0
    token = http.token()
    assert http.call("GET", "/api/invoices", token=token)[0] == 401
    http.clock.advance(5)
    assert http.call("GET", "/api/invoices", token=token)[0] == 200


@pytest.mark.parametrize("accept", ["", "*/*", "application/xml"])
def test_who_does_not_ask_for_json_is_told_so_in_xml(http, accept):
    status, body = http.call("GET", "/api/invoices", accept=accept)
    assert status == 406
    assert body.startswith("<?xml") and "send Accept: application/json" in body
    assert http.headers["content-type"].startswith("application/xml")


def test_a_body_must_be_json_and_say_so(http):
    assert http.call("POST", "/api/invoices", {}, content_type="application/x-www-form-urlencoded")[0] == 415
    assert http.call("POST", "/api/invoices", b"{") == (400, {"errors": ["The body is not JSON"]})


def test_numbers_in_a_body_lose_nothing(http):
    line = {"description": "x", "order-line-id": 1, "quantity": 3, "price": 33.333333}
    header = {"invoice-number": "A", "invoice-date": "2026-05-08", "supplier": {"number": "AMZN-US"}}
    body = {**header, "invoice-lines": [line]}
    status, invoice = http.call("POST", "/api/invoices", body)
    assert (status, invoice["invoice-lines"][0]["price"], invoice["gross-total"]) == (201, "33.333333", "100.00")


@pytest.mark.parametrize(
    ("method", "path", "sentence"),
    [
        ("GET", "/api/invoices/77", "Could not find Invoice with id 77"),
        ("GET", "/api/invoices/x1", "No route matches GET /api/invoices/x1"),
        ("GET", "/api/invoice_lines", "No route matches GET /api/invoice_lines"),
        ("DELETE", "/api/invoices/1", "No route matches DELETE /api/invoices/1"),
    ],
)
def test_what_is_not_there_is_a_404(http, method, path, sentence):
    assert http.call(method, path) == (404, {"errors": [sentence]})


def test_a_validation_error_names_its_model(http):
    status, body = http.call("POST", "/api/users", {"login": "cfo", "email": "cfo@example.com"})
    assert (status, body) == (
        400,
        {"errors": {"user": ["Login has already been taken", "Email has already been taken"]}},
    )


def test_the_queue_holds_20_calls_then_429_says_how_long(http):
    token = http.token()
    statuses = [http.call("GET", "/api/invoices?limit=1", token=token)[0] for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert float(http.headers["Retry-After"]) > 0
    http.ticks += 1
    statuses = [http.call("GET", "/api/invoices?limit=1", token=token)[0] for _ in range(21)]
    assert statuses.count(200) == 20
    http.vendor.switches["retry_after"] = False
    assert http.call("GET", "/api/invoices", token=token)[0] == 429
    assert "Retry-After" not in http.headers


def test_brackets_and_commas_of_a_query_may_be_encoded(http):
    query = (
        "supplier%5Bnumber%5D=AMZN-US&invoice_number%5Bin%5D=A%2CB&updated_at%5Bgt%5D=2026-05-01T00%3A00%3A00%2B02%3A00"
    )
    assert http.call("GET", f"/api/invoices?{query}") == (200, [])
