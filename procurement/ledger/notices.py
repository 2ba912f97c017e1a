"""Three small lists: notices to people, plans of dry runs, and documents that are read until they are finished."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from procurement.ledger.encoding import dump_json
from procurement.ledger.tables import notices, open_documents
from procurement.ledger.types import Json, Notice, OpenDocument, Run


class Notices:
    """Each is sent at least once; its key, which the message carries as a stable id, makes a repeat recognisable."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, key: str, kind: str, body: Json) -> bool:
        """False when a notice of this key exists already, sent or not."""
        with self._engine.begin() as connection:
            return add_notice(connection, key, kind, body)

    def pending(self) -> list[Notice]:
        query = sa.select(notices).where(notices.c.sent_at.is_(None)).order_by(notices.c.created_at, notices.c.key)
        with self._engine.begin() as connection:
            return [Notice(row.key, row.kind, row.body, row.created_at) for row in connection.execute(query)]

    def sent(self, key: str) -> None:
        query = sa.text("UPDATE notices SET sent_at = clock_timestamp() WHERE key = :key AND sent_at IS NULL")
        with self._engine.begin() as connection:
            connection.execute(query, {"key": key})


def add_notice(connection: sa.Connection, key: str, kind: str, body: Json) -> bool:
    """As `Notices.add`, in the transaction of whatever makes it necessary."""
    query = sa.text(
        "INSERT INTO notices (key, kind, body) VALUES (:key, :kind, CAST(:body AS json)) ON CONFLICT DO NOTHING"
    )
    return connection.execute(query, {"key": key, "kind": kind, "body": dump_json(body)}).rowcount == 1


class Plans:
    """What a dry run would write, for people to read; no later run sends it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep(self, run: Run, rows: Sequence[Json]) -> None:
        """Replaces what an earlier try of the run kept."""
        values = [{"run": run.id, "n": n, "row": dump_json(row)} for n, row in enumerate(rows, 1)]
        with self._engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM plans WHERE run_id = :run"), {"run": run.id})
            if values:
                connection.execute(
                    sa.text("INSERT INTO plans (run_id, n, row) VALUES (:run, :n, CAST(:row AS json))"), values
                )

    def of(self, run: Run) -> list[Json]:
        with self._engine.begin() as connection:
            rows = connection.execute(
                sa.text('SELECT "row" FROM plans WHERE run_id = :run ORDER BY n'), {"run": run.id}
            )
            return [row[0] for row in rows]


class OpenDocuments:
    """Orders and the like that the source changes without telling: read again when `next_read` comes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def watch(self, kind: str, next_reads: Mapping[str, tuple[str, datetime]]) -> None:
        """By key: state and the business moment of the next read; known keys take the new values."""
        query = sa.text(
            "INSERT INTO open_documents (kind, key, state, next_read) VALUES (:kind, :key, :state, :next_read) "
            "ON CONFLICT (kind, key) DO UPDATE SET state = excluded.state, next_read = excluded.next_read"
        )
        rows = [
            {"kind": kind, "key": key, "state": state, "next_read": moment}
            for key, (state, moment) in sorted(next_reads.items())
        ]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(query, rows)

    def due(self, kind: str, now: datetime) -> list[OpenDocument]:
        columns = open_documents.c
        query = (
            sa.select(open_documents)
            .where(columns.kind == kind, columns.next_read <= now)
            .order_by(columns.next_read, columns.key)
        )
        with self._engine.begin() as connection:
            return [OpenDocument(**row._asdict()) for row in connection.execute(query)]

    def close(self, kind: str, keys: Iterable[str]) -> None:
        """Finished: never read again."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.text("DELETE FROM open_documents WHERE kind = :kind AND key = ANY(:keys)"),
                {"kind": kind, "keys": sorted(keys)},
            )
