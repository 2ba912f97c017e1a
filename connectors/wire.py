"""One HTTP exchange: exactly one attempt, under a hard total time-out, with a limit on the size of the answer.

`requests` only bounds each wait for the socket, so a server that drips bytes could hold a call for hours. Here a
watchdog shuts the connection down when the time is over, whatever it is doing. The connections also note whether
anything of the request was handed to the network: if not, a write certainly did not happen.

Nothing is retried, no redirect followed, no cookie kept, no .netrc read; network failures come back as values.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError

from connectors.answers import Answer, read_answer, write_json

MOST_BYTES = 50_000_000
CHUNK = 65_536
CONNECTIONS = 16  # kept open per host

Query = Mapping[str, str | int]
Sign = Callable[[str], Mapping[str, str]]  # an access token as the headers of a vendor


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two bytes, and for the whole attempt."""

    connect: float = 10.0
    read: float = 60.0
    total: float = 90.0


USUAL_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    query: Query = field(default_factory=dict)
    body: object = None
    form: Mapping[str, str] | None = None  # instead of a JSON body: token calls
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire:
    """Sends requests of any number of threads through one pool of connections."""

    def __init__(self, *, timeouts: Timeouts, user_agent: str, most_bytes: int = MOST_BYTES) -> None:
        self._timeouts, self._most_bytes = timeouts, most_bytes
        self._session = requests.Session()
        self._session.cookies = _NoCookies()
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(pool_maxsize=CONNECTIONS, max_retries=0))

    def exchange(self, request: Request, *, signed: Mapping[str, str] | None = None) -> Answer:
        """One attempt; `signed` are the headers that carry the access token."""
        watch = _Watch(self._timeouts.total)
        try:
            with watch, self._send(request, signed or {}) as response:
                content = _read_content(response, self._most_bytes)
        except _TooLarge:
            return Answer(response.status_code, problem=f"the answer is larger than {self._most_bytes // 1_000_000} MB")
        except (requests.RequestException, HTTPError, OSError) as error:
            reached = watch.begun or not (watch.expired or _failed_to_connect(error))
            return Answer(None, problem=self._too_late() if watch.expired else _name(error), reached=reached)
        if watch.expired:  # cut short, what was read may look whole
            return Answer(None, problem=self._too_late())
        return read_answer(response.status_code, response.headers, content)

    def _too_late(self) -> str:
        return f"no answer within {self._timeouts.total:g} s"

    def _send(self, request: Request, signed: Mapping[str, str]) -> requests.Response:
        headers = dict(request.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return self._session.request(
            request.method,
            request.url,
            params=dict(request.query),
            data=write_json(request.body) if request.body is not None else request.form,
            headers=headers,
            auth=_Signature(signed),
            timeout=(self._timeouts.connect, self._timeouts.read),
            allow_redirects=False,
            stream=True,
        )


class _NoCookies(RequestsCookieJar):
    """Keeps nothing, so that a session can be shared by threads and no call depends on an earlier one."""

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        return None


class _Signature(requests.auth.AuthBase):
    """Adds the token's headers last. An `auth` of our own also keeps requests from reading ~/.netrc."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


class _TooLarge(Exception):
    pass


def _read_content(response: requests.Response, most: int) -> bytes:
    """The decoded body; _TooLarge beyond `most` bytes, so that no answer, compressed or not, fills the memory."""
    content = bytearray()
    chunks: Iterator[bytes] = response.iter_content(CHUNK)
    for chunk in chunks:
        content += chunk
        if len(content) > most:
            raise _TooLarge
    return bytes(content)


def _name(error: Exception) -> str:
    """The kind of failure in words; the library's text may quote addresses, so it is left out."""
    reason = _reason(error)
    return f"no answer ({type(reason).__name__})"


def _reason(error: Exception) -> Exception:
    """The failure beneath the wrappers of requests and urllib3."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    return reason if isinstance(reason, Exception) else error


def _failed_to_connect(error: Exception) -> bool:
    """DNS, refused connection, connect time-out, TLS or proxy: before any request was made."""
    before = (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError)
    return isinstance(error, requests.ConnectTimeout) or isinstance(_reason(error), before)


class _Watch:
    """The attempt of the current thread: ends it by force after `seconds`, knows whether sending has begun."""

    def __init__(self, seconds: float) -> None:
        self.begun = self.expired = False
        self._lock, self._over = threading.Lock(), False
        self._connection: HTTPConnection | None = None
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> None:
        _current.watch = self
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._over, _current.watch = True, None

    def guard(self, connection: HTTPConnection) -> None:
        """From now on `connection` is what expiry shuts down; raises TimeoutError if the time is already over."""
        with self._lock:
            self._connection = connection
            if self.expired:
                raise TimeoutError("the time of this attempt is over")

    def _expire(self) -> None:
        with self._lock:
            if self._over:
                return
            self.expired = True
            sock = getattr(self._connection, "sock", None)
            if sock is not None:
                with suppress(OSError):  # already closed by the other side: the reader notices by itself
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)  # beneath TLS, which would wait for its lock


class _Current(threading.local):
    watch: _Watch | None = None


_current = _Current()


class _Watched(HTTPConnection):
    def connect(self) -> None:
        watch = _current.watch
        if watch is not None:
            watch.guard(self)
        super().connect()
        if watch is not None:
            watch.guard(self)

    def send(self, data: Any) -> None:
        watch = _current.watch
        if watch is not None:
            if self.sock is None:
                self.connect()
            watch.guard(self)
            watch.begun = True
        super().send(data)


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class _Adapter(HTTPAdapter):
    """Direct and proxied connections alike are watched."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        _watch_pools(manager)
        return manager


def _watch_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
