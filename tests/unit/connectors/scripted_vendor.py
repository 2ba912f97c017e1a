"""A scripted vendor on a loopback port, and both clients connected to it.

The vendor answers each call with the next step of its script, or with `usual` when the script is empty. Steps can
answer, drop the connection, drip bytes or send rubbish: what a network does, done to real sockets. It hands out
tokens `secret-token-1`, `-2`, ... and records every call.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors.amazon_business import connection as amazon_connection
from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa import connection as coupa_connection
from connectors.coupa.client import Coupa
from connectors.limits import LocalLimiter
from connectors.retries import Patience
from connectors.wire import Timeouts

FAST = 100.0  # rates, and the seconds a new Coupa token needs, so that only tests about waiting wait
PATIENCE = Patience(attempts=4, seconds=5.0, first_pause=0.01, longest_pause=0.05)
TIMEOUTS = Timeouts(connect=1.0, read=0.4, total=0.8)
CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN = "the-client-id", "the-client-secret", "Atzr|the-refresh-token"

Step = Callable[["Handler"], None]


def answer(body: Any = None, *, status: int = 200, headers: dict[str, str] | None = None) -> Step:
    return raw(json.dumps(body).encode(), status=status, headers=headers)


def raw(
    content: bytes,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    kind: str = "application/json",
    length: int | None = None,
) -> Step:
    """`length` other than the content's: the connection breaks in the middle of the body."""

    def step(handler: "Handler") -> None:
        handler.send_response(status)
        given = {"Content-Type": kind, "Content-Length": str(length or len(content)), **(headers or {})}
        for name, value in given.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = length is not None

    return step


def html(status: int) -> Step:
    page = b"<!DOCTYPE html><html><body>Sorry, we are down</body></html>"
    return raw(page, status=status, kind="text/html")


def drop(handler: "Handler") -> None:
    """The request was read, then the connection closes without a word."""
    handler.close_connection = True
    handler.connection.close()


def silent(seconds: float) -> Step:
    def step(handler: "Handler") -> None:
        time.sleep(seconds)
        drop(handler)

    return step


def drip(seconds: float, *, headers: bool = False) -> Step:
    """One byte every 50 ms, never silent for long: of the headers, or of the body."""

    def step(handler: "Handler") -> None:
        text = b"HTTP/1.1 200 OK\r\nX-Long: " if headers else b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        end = time.monotonic() + seconds
        try:
            handler.wfile.write(text)
            while time.monotonic() < end:
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass
        handler.close_connection = True

    return step


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def token(self) -> str | None:
        return self.headers.get("x-amz-access-token") or self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class Vendor:
    url: str = ""
    script: deque[Step] = field(default_factory=deque)
    token_script: deque[Step] = field(default_factory=deque)
    calls: list[Call] = field(default_factory=list)
    token_calls: list[Call] = field(default_factory=list)
    usual: Callable[[Call], Any] = lambda call: {}
    refuses: Callable[[Call], int | None] = lambda call: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def then(self, *steps: Step) -> None:
        self.script.extend(steps)

    def token_then(self, *steps: Step) -> None:
        self.token_script.extend(steps)

    def step_for(self, call: Call) -> Step:
        with self.lock:
            if "/o2/token" in call.path or "/oauth2/token" in call.path:
                self.token_calls.append(call)
                body = {"access_token": f"secret-token-{len(self.token_calls)}", "expires_in": 3600 * FAST}
                return self.token_script.popleft() if self.token_script else answer(body)
            self.calls.append(call)
            if (status := self.refuses(call)) is not None:
                return answer({"errors": ["The access token has expired"]}, status=status)
            if self.script:
                return self.script.popleft()
        return answer(self.usual(call))  # outside the lock: calls run together


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    vendor: Vendor

    def handle_call(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type") or ""
        body = dict(parse_qsl(content.decode())) if "form" in kind else json.loads(content) if content else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        self.vendor.step_for(call)(self)

    do_GET = do_POST = do_PUT = handle_call  # noqa: N815 - the names http.server looks for

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 50

    def handle_error(self, *_: object) -> None:
        pass  # broken connections are what is being tested


@contextmanager
def serving() -> Iterator[Vendor]:
    vendor = Vendor()
    handler = type("ScriptedHandler", (Handler,), {"vendor": vendor})
    server = _Server(("127.0.0.1", 0), handler)
    vendor.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class RecordingLimiter(LocalLimiter):
    """The local limiter, with what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []
        self.pushed_back: list[tuple[str, float]] = []

    def take(self, bucket: str, *, max_wait: float) -> None:
        self.taken.append(bucket)
        super().take(bucket, max_wait=max_wait)

    def push_back(self, bucket: str, seconds: float) -> None:
        self.pushed_back.append((bucket, seconds))
        super().push_back(bucket, seconds)


def connect_amazon(url: str, limiter: LocalLimiter, *, speed: float = FAST) -> AmazonBusiness:
    settings = amazon_connection.AmazonBusinessSettings(
        base_url=url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        refresh_token=REFRESH_TOKEN,
        account="acme-us",
        region="US",
        user_email="buyer@example.com",
        token_url=f"{url}/auth/o2/token",
        rate_multiplier=speed,
    )
    return amazon_connection.connect(settings, limiter, timeouts=TIMEOUTS, patience=PATIENCE)


def connect_coupa(url: str, limiter: LocalLimiter, *, speed: float = FAST) -> Coupa:
    settings = coupa_connection.CoupaSettings(
        base_url=url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        scope="core.invoice.read core.invoice.write",
        instance="acme",
        rate_multiplier=speed,
    )
    return coupa_connection.connect(settings, limiter, timeouts=TIMEOUTS, patience=PATIENCE)
