"""One HTTP exchange: bounded in time and size, without memory of earlier ones."""

import gzip
import socket
import threading
import time
from pathlib import Path

import pytest

from connectors.wire import Request, Timeouts, Wire
from tests.unit.connectors.scripted_vendor import Step, Vendor, answer, drip, raw, silent

TIMEOUTS = Timeouts(connect=0.5, read=0.4, total=0.8)


@pytest.fixture
def wire() -> Wire:
    return Wire(timeouts=TIMEOUTS, user_agent="test", most_bytes=100_000)


def test_a_call_carries_query_body_agent_and_token(wire: Wire, vendor: Vendor) -> None:
    request = Request("PUT", f"{vendor.url}/x", query={"a[in]": "1,2", "limit": 50}, body={"name": "Ünïcode"})
    assert wire.exchange(request, signed={"Authorization": "Bearer t"}).status == 200
    call = vendor.calls[0]
    assert (call.method, call.path, call.query) == ("PUT", "/x", {"a[in]": "1,2", "limit": "50"})
    assert call.body == {"name": "Ünïcode"}
    assert call.headers["authorization"] == "Bearer t"
    assert call.headers["accept"] == call.headers["content-type"] == "application/json"
    assert call.headers["user-agent"] == "test"


def test_a_call_without_body_says_nothing_of_its_type(wire: Wire, vendor: Vendor) -> None:
    wire.exchange(Request("PUT", f"{vendor.url}/x"))
    assert "content-type" not in vendor.calls[0].headers
    assert vendor.calls[0].body is None


@pytest.mark.parametrize("step", [drip(5.0), drip(5.0, headers=True), silent(5.0)], ids=["body", "headers", "silence"])
def test_no_server_can_hold_a_call_beyond_its_time(wire: Wire, vendor: Vendor, step: Step) -> None:
    vendor.then(step)
    began = time.monotonic()
    outcome = wire.exchange(Request("GET", f"{vendor.url}/x"))
    assert time.monotonic() - began < 1.2
    assert outcome.status is None
    assert outcome.reached


def test_time_that_is_over_is_named(wire: Wire, vendor: Vendor) -> None:
    vendor.then(drip(5.0))
    assert wire.exchange(Request("GET", f"{vendor.url}/x")).problem == "no answer within 0.8 s"


def test_a_call_that_ended_leaves_the_connection_to_the_next(wire: Wire, vendor: Vendor) -> None:
    vendor.then(silent(0.3))
    wire.exchange(Request("GET", f"{vendor.url}/x"))
    time.sleep(0.6)  # the first call's time runs out here, in vain
    assert all(wire.exchange(Request("GET", f"{vendor.url}/x")).status == 200 for _ in range(3))


def test_a_server_that_never_accepts_was_not_reached(wire: Wire) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        outcome = wire.exchange(Request("POST", f"http://127.0.0.1:{port}/", body={}))
        for one in waiting:
            one.close()
    assert (outcome.status, outcome.reached) == (None, False)


def test_a_refused_connection_was_not_reached(wire: Wire) -> None:
    outcome = wire.exchange(Request("POST", "http://127.0.0.1:1/", body={}))
    assert (outcome.status, outcome.reached) == (None, False)


def test_a_name_that_nobody_knows_was_not_reached(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = wire.exchange(Request("POST", "http://vendor.invalid/", body={}))
    assert (outcome.status, outcome.reached) == (None, False)


def test_time_that_runs_out_while_connecting_keeps_the_request_from_being_sent(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def slowly(*args: object, **options: object) -> object:
        time.sleep(0.3)
        return resolve(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    hurried = Wire(timeouts=Timeouts(connect=1.0, read=1.0, total=0.1), user_agent="test")
    outcome = hurried.exchange(Request("POST", f"{vendor.url}/x", body={}))
    assert (outcome.problem, outcome.reached) == ("no answer within 0.1 s", False)
    assert vendor.calls == []


def test_a_failed_tls_handshake_was_not_reached(wire: Wire, vendor: Vendor) -> None:
    outcome = wire.exchange(Request("POST", vendor.url.replace("http:", "https:"), body={}))
    assert (outcome.status, outcome.reached) == (None, False)
    assert vendor.calls == []


def test_a_tls_handshake_that_never_ends_is_cut(wire: Wire) -> None:
    with socket.socket() as silent_server:
        silent_server.bind(("127.0.0.1", 0))
        silent_server.listen()
        began = time.monotonic()
        outcome = wire.exchange(Request("POST", f"https://127.0.0.1:{silent_server.getsockname()[1]}/", body={}))
    assert outcome.status is None
    assert time.monotonic() - began < 1.2


def test_an_answer_over_the_limit_is_not_read_on(wire: Wire, vendor: Vendor) -> None:
    vendor.then(answer({"title": "x" * 200_000}))
    outcome = wire.exchange(Request("GET", f"{vendor.url}/x"))
    assert (outcome.status, outcome.is_json) == (200, False)
    assert "larger than" in (outcome.problem or "")


def test_a_compressed_answer_is_measured_unpacked(wire: Wire, vendor: Vendor) -> None:
    bomb = gzip.compress(b'"' + b"x" * 5_000_000 + b'"')
    assert len(bomb) < 100_000
    vendor.then(raw(bomb, headers={"Content-Encoding": "gzip"}))
    assert "larger than" in (wire.exchange(Request("GET", f"{vendor.url}/x")).problem or "")


def test_cookies_are_not_kept(wire: Wire, vendor: Vendor) -> None:
    vendor.then(answer({}, headers={"Set-Cookie": "session=abc; Path=/"}))
    for _ in range(2):
        wire.exchange(Request("GET", f"{vendor.url}/x"))
    assert all("cookie" not in call.headers for call in vendor.calls)


def test_netrc_cannot_replace_the_token(
    wire: Wire, vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    wire.exchange(Request("GET", f"{vendor.url}/x"), signed={"Authorization": "Bearer ours"})
    wire.exchange(Request("GET", f"{vendor.url}/x"))
    assert [call.headers.get("authorization") for call in vendor.calls] == ["Bearer ours", None]


def test_calls_through_a_proxy_are_bounded_too(wire: Wire, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", vendor.url)
    monkeypatch.setenv("no_proxy", "")
    vendor.then(drip(5.0))
    began = time.monotonic()
    outcome = wire.exchange(Request("POST", "http://vendor.invalid/x", body={}))
    assert time.monotonic() - began < 1.2
    assert (outcome.status, outcome.reached) == (None, True)


def test_threads_share_one_wire(wire: Wire, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"n": int(call.query["n"])}
    seen: dict[int, object] = {}

    def ask(n: int) -> None:
        seen[n] = wire.exchange(Request("GET", f"{vendor.url}/x", query={"n": n})).body

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {n: {"n": n} for n in range(12)}
