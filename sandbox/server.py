"""The process around the sandbox: one loop, one uvicorn server a vendor, on 127.0.0.1 unless told otherwise.

Promises: the ports are bound before anything is announced; a stop (SIGTERM, SIGINT) finishes the requests under way
and writes the state file; the state file is also written every few seconds while something changes.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from sandbox.control import control_app
from sandbox.service import TRANSPORT
from sandbox.system import Sandbox, write_snapshot

HOST = "127.0.0.1"
SNAPSHOT_EVERY_SECONDS = 3.0


class _OpenProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's protocol, which also tells the application its connection, so that a fault can drop it."""

    app: Any

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        serve = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope[TRANSPORT] = transport
            await serve(scope, receive, send)

        self.app = with_transport


class _Server(uvicorn.Server):
    """Leaves signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(host: str, port: int) -> socket.socket:
    # Named, because asyncio turns off Nagle only for sockets that say TCP; with it every keep-alive answer waits 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as problem:
        bound.close()
        raise OSError(f"port {port} of {host} cannot be used: {problem.strerror}") from problem
    return bound


def _server(sandbox: Sandbox, index: int) -> _Server:
    service = sandbox.services[index]
    service.control = control_app(sandbox, service)
    config = uvicorn.Config(
        service,
        http=_OpenProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )
    return _Server(config)


async def serve(
    sandbox: Sandbox,
    ports: Sequence[int],
    *,
    ready: Callable[[list[str]], None],
    stop: asyncio.Event,
    state_file: Path | None = None,
    host: str = HOST,
) -> None:
    """Serves until `stop` is set; calls `ready` with the addresses, in the order of the services. OSError for a taken port."""
    sockets: list[socket.socket] = []
    with contextlib.ExitStack() as opened:
        for port in ports:
            sockets.append(opened.enter_context(contextlib.closing(_bind(host, port))))
        servers = [_server(sandbox, index) for index in range(len(sandbox.services))]
        tasks = [
            asyncio.create_task(server.serve(sockets=[bound])) for server, bound in zip(servers, sockets, strict=True)
        ]
        while not all(server.started for server in servers):
            await asyncio.sleep(0.01)
        ready([f"http://{host}:{bound.getsockname()[1]}" for bound in sockets])
        keeper = asyncio.create_task(_keep_state(sandbox, state_file)) if state_file else None
        await stop.wait()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        if keeper and state_file:
            keeper.cancel()
            write_snapshot(sandbox.snapshot(), state_file)


async def _keep_state(sandbox: Sandbox, state_file: Path) -> None:
    while True:
        await asyncio.sleep(SNAPSHOT_EVERY_SECONDS)
        if sandbox.changed:
            write_snapshot(sandbox.snapshot(), state_file)


def run(
    sandbox: Sandbox,
    ports: Sequence[int],
    *,
    ready: Callable[[list[str]], None],
    state_file: Path | None,
    host: str = HOST,
) -> None:
    """Serves in the foreground until SIGTERM or SIGINT."""

    async def main() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serve(sandbox, ports, ready=ready, stop=stop, state_file=state_file, host=host)

    asyncio.run(main())


def write_ready_file(path: Path, urls: Sequence[str]) -> None:
    """`{"amazon_url", "coupa_url", "pid"}`, appearing whole, once both servers answer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"amazon_url": urls[0], "coupa_url": urls[1], "pid": os.getpid()}), encoding="utf-8")
    part.replace(path)


@dataclass(frozen=True, slots=True)
class Running:
    sandbox: Sandbox
    urls: list[str]


@contextmanager
def running(sandbox: Sandbox, *, state_file: Path | None = None) -> Iterator[Running]:
    """The sandbox served from a thread on free ports, for tests and notebooks; stopped on leaving."""
    urls: list[str] = []
    failures: list[BaseException] = []
    up, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    def announce(addresses: list[str]) -> None:
        urls.extend(addresses)
        up.set()

    def work() -> None:
        try:
            ports = [0] * len(sandbox.services)
            loop.run_until_complete(serve(sandbox, ports, ready=announce, stop=stop, state_file=state_file))
        except BaseException as failure:  # noqa: BLE001 - raised again by the thread that waits
            failures.append(failure)
        finally:
            up.set()
            loop.close()

    thread = threading.Thread(target=work, name="sandbox", daemon=True)
    thread.start()
    up.wait(30)
    if failures:
        raise failures[0]
    try:
        yield Running(sandbox, urls)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(15)
    if failures:
        raise failures[0]
