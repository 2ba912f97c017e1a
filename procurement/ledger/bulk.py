"""Many rows at once: COPY into a temporary table, then set-based SQL.

The driver's cursor is used underneath SQLAlchemy's connection, in the same transaction.
"""

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

import sqlalchemy as sa

from procurement.ledger.encoding import copy_text

CHUNK = 2_000  # rows rendered to text at a time: bounds memory
COPY_SIZE = (
    1 << 22
)  # bytes the driver asks for at a time: its own 8 KB hand control to and fro between threads hundreds of times


def script(*statements: sa.TextClause) -> sa.TextClause:
    """The statements as one, run in this order in a single round trip; what comes back is the last one's result."""
    return sa.text(";\n".join(statement.text.strip() for statement in statements))


def copy_rows(connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Appends `rows` to `table`; returns how many. Names come from code, never from data."""
    count = 0
    for chunk in _chunks(rows):
        copy_rendered(connection, table, columns, copy_text(chunk))
        count += len(chunk)
    return count


def copy_rendered(connection: sa.Connection, table: str, columns: Sequence[str], text: StringIO) -> None:
    """Appends rows that `copy_text` rendered."""
    raw = connection.connection.cursor()
    try:
        raw.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", text, COPY_SIZE)
    finally:
        raw.close()


def _chunks(rows: Iterable[Sequence[object]]) -> Iterator[list[Sequence[object]]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def create_temporary(connection: sa.Connection, table: str, columns: str) -> None:
    """A table that lives until the transaction ends; one of the same name from an earlier call is replaced."""
    connection.exec_driver_sql(temporary(table, columns))


def temporary(table: str, columns: str) -> str:
    return f"DROP TABLE IF EXISTS pg_temp.{table};\nCREATE TEMPORARY TABLE {table} ({columns}) ON COMMIT DROP"


def analyze(connection: sa.Connection, *tables: str) -> None:
    """Row counts for the planner: without them a join of 60,000 rows may become a nested loop."""
    for table in tables:
        connection.exec_driver_sql(f"ANALYZE {table}")


def analyze_once(connection: sa.Connection, *tables: str) -> None:
    """The same for tables of the ledger that no ANALYZE has seen yet: a first run fills them faster than autovacuum looks,
    and what the planner guesses of an unknown table makes each batch slower than the one before."""
    query = sa.text(
        "SELECT relname FROM pg_class WHERE oid = ANY(CAST(:tables AS regclass[])) AND reltuples < 0 ORDER BY 1"
    )
    analyze(connection, *connection.scalars(query, {"tables": list(tables)}))
