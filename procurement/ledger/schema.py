"""The version of the ledger's tables: `migrate` brings them to this program's, `check` refuses any other.

Alembic is imported where it is used: it takes a third of the time that Airflow needs to parse a DAG file.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from procurement.errors import ConfigurationError

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "ledger_version"
_MIGRATION_LOCK = 0x1ED6E7  # two processes migrating at once take turns


def alembic_config(connection: sa.Connection | None = None) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", (Path(__file__).parent / "migrations").as_posix().replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this program needs."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def current(connection: sa.Connection) -> str | None:
    """The revision of the database; None when it holds no ledger."""
    from alembic.migration import MigrationContext  # noqa: PLC0415

    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def migrate(engine: sa.Engine) -> str:
    """Brings the tables to this program's revision; safe to repeat and to run twice at once. Returns the revision."""
    from alembic import command  # noqa: PLC0415

    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        command.upgrade(alembic_config(connection), "head")
    return head()


def check(engine: sa.Engine) -> None:
    """Raises ConfigurationError, saying what to do, unless the tables are at this program's revision."""
    with engine.connect() as connection:
        found, needed = current(connection), head()
    if found != needed:
        raise ConfigurationError(
            f"the ledger's tables are at revision {found or 'none'}, this program needs {needed}: "
            "run `python -m procurement.ledger migrate` with the same LEDGER_URL, then try again"
        )
