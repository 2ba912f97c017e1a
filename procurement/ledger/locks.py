"""Advisory locks: one holder at a time, over all processes that share the database."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def session_lock(engine: sa.Engine, name: str) -> Iterator[None]:
    """Waits for its turn. Holds a connection, not a transaction; a process that dies gives it back."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": name})
        try:
            yield
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": name})
