"""The tables: one way to bring them up to date, and no program works on others than its own."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from procurement.errors import ConfigurationError, LedgerUnreachable
from procurement.ledger import Ledger, migrate, schema
from procurement.ledger.__main__ import main
from procurement.ledger.tables import metadata

pytestmark = pytest.mark.integration


def test_the_migrations_create_exactly_the_tables_that_the_code_declares(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": schema.VERSION_TABLE, "compare_type": True, "compare_server_default": False},
        )
        assert compare_metadata(context, metadata) == []


def test_a_database_without_tables_is_refused_with_the_command_that_helps(empty_database_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"revision none.*python -m procurement\.ledger migrate"):
        Ledger.open(empty_database_url)


def test_migrating_twice_is_harmless(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == migrate(empty_database_url) == schema.head()
    Ledger.open(empty_database_url).close()


def test_an_older_revision_is_refused(ledger: Ledger, database_url: str) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {schema.VERSION_TABLE} SET version_num = 'older'"))
    with pytest.raises(ConfigurationError, match="revision older"):
        Ledger.open(database_url)


def test_the_command_migrates_and_checks(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEDGER_URL", empty_database_url)
    assert main(["check"]) == 2
    assert main(["migrate"]) == 0
    assert main(["check"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(LedgerUnreachable, match="cannot be reached") as refused:
        Ledger.open("postgresql://someone:geheim@127.0.0.1:1/ledger")
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(("url", "said"), [("sqlite:///x.db", "needs PostgreSQL"), ("not a url", "no database URL")])
def test_a_url_of_anything_but_postgresql_is_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Ledger.open(url)


def test_without_ledger_url_the_command_says_what_to_write(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LEDGER_URL", raising=False)
    assert main(["check"]) == 2
    assert "LEDGER_URL is not set" in capsys.readouterr().err
