"""A ledger belongs to one environment, test or production, from the first time a vendor is connected to it.

Kept as the ledger's own first event: append-only like every other, and unique, so that two processes cannot decide
differently at once.
"""

import sqlalchemy as sa

from procurement.errors import ConfigurationError

_DOCUMENT = "ledger"  # without a slash, so never the name of a delivery or a record


class Environment:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def bind(self, environment: str) -> None:
        """Binds the ledger to `environment`, once and for all; ConfigurationError when it belongs to the other one."""
        if self.bound() is None:
            self._begin(environment)
        self.check(environment)

    def check(self, environment: str) -> None:
        """As `bind`, but leaves an unbound ledger unbound."""
        bound = self.bound()
        if bound not in (None, environment):
            raise ConfigurationError(
                f"this ledger belongs to the environment {bound!r} and a connection says {environment!r}: give each its "
                "own database (LEDGER_URL), or correct the connection; documents of the two must never meet"
            )

    def bound(self) -> str | None:
        """None as long as nothing was connected."""
        query = sa.text("SELECT sentence FROM events WHERE document = :document ORDER BY id LIMIT 1")
        with self._engine.begin() as connection:
            return connection.execute(query, {"document": _DOCUMENT}).scalar_one_or_none()

    def _begin(self, environment: str) -> None:
        """The chain's unique constraint lets one of two at once in."""
        query = sa.text(
            "INSERT INTO events (document, kind, sentence) SELECT :document, 'environment', :environment "
            "WHERE NOT EXISTS (SELECT FROM events WHERE document = :document) ON CONFLICT DO NOTHING"
        )
        with self._engine.begin() as connection:
            connection.execute(query, {"document": _DOCUMENT, "environment": environment})
