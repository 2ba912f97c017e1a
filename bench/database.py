"""A fresh ledger database on the embedded PostgreSQL of var/pg."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from local.postgres import EmbeddedPostgres
from procurement.ledger import Ledger, migrate
from procurement.ledger.ledger import create_engine


@contextmanager
def fresh_ledger(name: str) -> Iterator[Ledger]:
    """An empty ledger called `name`; what an earlier run left there is dropped. The server is stopped if we started it."""
    server = EmbeddedPostgres(Path("var/pg"))
    was_running = server.port() is not None
    server.start("postgres")
    admin = create_engine(server.url("postgres")).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    migrate(server.url(name))
    try:
        with Ledger.opened(server.url(name)) as ledger:
            yield ledger
    finally:
        if not was_running:
            server.stop()
