"""What happened to each document, append-only: the database refuses to change it and chains the entries by hash.

A document is a delivery, `pipeline/action/business key`, or a source record, `source/kind/key`. Writers hold the lock of
that delivery's or record's row, so a chain grows in order; a fork is refused by a unique constraint.
"""

import hashlib
from datetime import UTC

import sqlalchemy as sa

from procurement.ledger.tables import events
from procurement.ledger.types import Event

_SEPARATOR = "\x1f"


def add_event(connection: sa.Connection, *, delivery_id: int, kind: str, sentence: str) -> None:
    """One event about a delivery, in the caller's transaction."""
    connection.execute(
        sa.text(
            "INSERT INTO events (document, kind, sentence) "
            "SELECT pipeline || '/' || action || '/' || business_key, :kind, :sentence FROM deliveries WHERE id = :id"
        ),
        {"id": delivery_id, "kind": kind, "sentence": sentence},
    )


def chain_hash(event: Event) -> str:
    """The hash that the event must carry: over the one before it and its own content."""
    at = event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    text = _SEPARATOR.join((event.prev_hash, event.document, at, event.kind, event.sentence))
    return hashlib.sha256(text.encode()).hexdigest()


class Events:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of(self, document: str) -> list[Event]:
        """The document's story, oldest first."""
        query = sa.select(events).where(events.c.document == document).order_by(events.c.id)
        with self._engine.begin() as connection:
            return [Event(**row._asdict()) for row in connection.execute(query)]

    def of_key(self, business_key: str) -> list[Event]:
        """The story of all deliveries with this business key, oldest first."""
        query = sa.text("""
            SELECT e.* FROM events e JOIN deliveries d ON e.document = d.pipeline || '/' || d.action || '/' || d.business_key
            WHERE d.business_key = :key ORDER BY e.id
        """)
        with self._engine.begin() as connection:
            return [Event(**row._asdict()) for row in connection.execute(query, {"key": business_key})]

    def verify(self, document: str) -> bool:
        """Whether the chain is whole: every entry as written, none taken out or put between."""
        previous = ""
        for event in self.of(document):
            if event.prev_hash != previous or event.hash != chain_hash(event):
                return False
            previous = event.hash
        return True
