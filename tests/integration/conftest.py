"""Real PostgreSQL for the integration tests: one server a session, one fresh database a test.

The tables are migrated once, into a template that each test's database is copied from.
"""

import itertools
import shutil
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from xdist.scheduler import LoadScopeScheduling

from local.postgres import EmbeddedPostgres
from procurement.ledger import Ledger, migrate

_TEMPLATE = "ledger_template"
_numbers = itertools.count(1)
SHARED_WORLDS = ("test_course.py", "test_amazon_invoices_to_coupa.py")


class _Scheduling(LoadScopeScheduling):
    """Each test goes to whoever is free, but all of a module whose tests look at one world to one worker, which plays it
    once. By file, and first; xdist's own groups do nothing under pytest 9.2 (pytest-xdist issue 1386)."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(SHARED_WORLDS) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    return _Scheduling(config, log)


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.URL]:
    """The server's own database, as its administrator; asked for once, because finding it out starts processes."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp(f"postgres-{uuid.uuid4().hex[:8]}"), durable=False)
    server.start(_TEMPLATE)
    migrate(server.url(_TEMPLATE))
    yield sa.make_url(server.url("postgres"))
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)  # as root it may lie outside the temporary folder


def _create(server_url: sa.URL, kind: str, options: str = "") -> str:
    """The URL of a new database."""
    name = f"{kind}_{next(_numbers)}"
    _administer(server_url, f'CREATE DATABASE "{name}" {options}')
    return server_url.set(database=name).render_as_string(hide_password=False)


def _administer(server_url: sa.URL, statement: str) -> None:
    engine = sa.create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def create_database(server_url: sa.URL) -> str:
    """The URL of a fresh database with the ledger's tables."""
    return _create(server_url, "ledger", f"TEMPLATE {_TEMPLATE} STRATEGY file_copy")


@pytest.fixture
def empty_database_url(server_url: sa.URL) -> str:
    """A database without any table."""
    return _create(server_url, "empty")


@pytest.fixture
def database_url(server_url: sa.URL) -> Iterator[str]:
    """A fresh database with the ledger's tables; gone after the test, before the disk has to take its ten megabytes."""
    url = create_database(server_url)
    yield url
    _administer(server_url, f'DROP DATABASE "{sa.make_url(url).database}" WITH (FORCE)')


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with Ledger.opened(database_url) as opened:
        yield opened
