"""What a ledger belongs to from the first time a vendor is connected to it: one environment, and one Amazon account.

Test and production never meet. Amazon accounts do not share a ledger either: what was read of Amazon (`coverage`) and which
orders are open are kept without the account, so that a second one would be taken for read.

Kept as the first event of a document of the ledger's own: append-only like every other, and unique, so that two processes
cannot decide differently at once.
"""

from typing import ClassVar

import sqlalchemy as sa

from procurement.errors import ConfigurationError


class Belonging:
    document: ClassVar[str]  # without a slash, so never the name of a delivery or a record
    kind: ClassVar[str]

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def bind(self, value: str) -> None:
        """Binds the ledger to `value`, once and for all; ConfigurationError when it belongs to another one."""
        if self.bound() is None:
            self.check(value)
            self._begin(value)
        self.check(value)

    def check(self, value: str) -> None:
        """As `bind`, but leaves an unbound ledger unbound."""
        if (bound := self._owner(value)) not in (None, value):
            raise ConfigurationError(self._refusal(str(bound), value))

    def bound(self) -> str | None:
        """None as long as nothing was connected."""
        query = sa.text("SELECT sentence FROM events WHERE document = :document ORDER BY id LIMIT 1")
        with self._engine.begin() as connection:
            return connection.execute(query, {"document": self.document}).scalar_one_or_none()

    def _owner(self, value: str) -> str | None:
        return self.bound()

    def _refusal(self, bound: str, value: str) -> str:
        raise NotImplementedError

    def _begin(self, value: str) -> None:
        """The chain's unique constraint lets one of two at once in."""
        query = sa.text(
            "INSERT INTO events (document, kind, sentence) SELECT :document, :kind, :value "
            "WHERE NOT EXISTS (SELECT FROM events WHERE document = :document) ON CONFLICT DO NOTHING"
        )
        with self._engine.begin() as connection:
            connection.execute(query, {"document": self.document, "kind": self.kind, "value": value})


class Environment(Belonging):
    """`test` or `production`."""

    document, kind = "ledger", "environment"

    def _refusal(self, bound: str, value: str) -> str:
        return (
            f"this ledger belongs to the environment {bound!r} and a connection says {value!r}: give each its "
            "own database (LEDGER_URL), or correct the connection; documents of the two must never meet"
        )


class AmazonSource(Belonging):
    """The source whose records the ledger holds: `amazon_business/<account>`."""

    document, kind = "ledger source", "amazon account"

    def _owner(self, value: str) -> str | None:
        """Of a ledger that was filled before it was bound, the account whose records it has."""
        return self.bound() or self._recorded(value)

    def _recorded(self, value: str) -> str | None:
        values = {"own": value, "kin": f"{value.partition('/')[0]}/%"}
        with self._engine.begin() as connection:
            return connection.execute(_RECORDED, values).scalar_one_or_none()

    def _refusal(self, bound: str, value: str) -> str:
        return (
            f"this ledger belongs to the Amazon account {_account(bound)!r} and the connection says {_account(value)!r}: a second "
            "account has a deployment and a database (LEDGER_URL) of its own, see docs/runbook.md, Several Amazon accounts; "
            "or correct the connection's account"
        )


def _account(source: str) -> str:
    return source.rpartition("/")[2]


_RECORDED = sa.text("""
    SELECT coalesce(
        (SELECT source FROM source_records WHERE source = :own LIMIT 1), (SELECT source FROM source_records WHERE source LIKE :kin LIMIT 1)
    )
""")
