"""Real PostgreSQL for the integration tests: one server a session, one fresh database a test.

The tables are migrated once, into a template that each test's database is copied from.
"""

import itertools
import shutil
import uuid
from collections.abc import Iterator

import psycopg2
import pytest

from local.postgres import EmbeddedPostgres
from procurement.ledger import Ledger, migrate

_TEMPLATE = "ledger_template"
_numbers = itertools.count(1)


def _execute(server: EmbeddedPostgres, statement: str) -> None:
    connection = psycopg2.connect(
        host="127.0.0.1", port=server.port(), user="postgres", password=server.password, dbname="postgres"
    )
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp(f"postgres-{uuid.uuid4().hex[:8]}"), durable=False)
    server.start(_TEMPLATE)
    migrate(server.url(_TEMPLATE))
    yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)  # as root it may lie outside the temporary folder


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> str:
    """A database without any table."""
    name = f"empty_{next(_numbers)}"
    _execute(postgres, f'CREATE DATABASE "{name}"')
    return postgres.url(name)


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> str:
    """A fresh database with the ledger's tables."""
    name = f"ledger_{next(_numbers)}"
    _execute(postgres, f'CREATE DATABASE "{name}" TEMPLATE {_TEMPLATE}')
    return postgres.url(name)


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with Ledger.opened(database_url) as opened:
        yield opened
