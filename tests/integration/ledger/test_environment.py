"""Test and production never meet in one ledger, nor do two Amazon accounts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import Staged

pytestmark = pytest.mark.integration
NOW = datetime(2026, 6, 30, tzinfo=UTC)


def test_a_ledger_belongs_to_the_first_environment_that_is_connected_and_stays_there(ledger: Ledger) -> None:
    ledger.environment.check("production")
    assert ledger.environment.bound() is None
    ledger.environment.bind("test")
    ledger.environment.bind("test")
    assert ledger.environment.bound() == "test"
    with pytest.raises(ConfigurationError, match=r"belongs to the environment 'test'.*says 'production'.*LEDGER_URL"):
        ledger.environment.bind("production")
    assert ledger.environment.bound() == "test"


def test_it_is_told_once_and_cannot_be_rewritten(ledger: Ledger) -> None:
    ledger.environment.bind("production")
    ledger.environment.bind("production")
    assert [(event.kind, event.sentence) for event in ledger.events.of("ledger")] == [("environment", "production")]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.engine.begin() as connection:
        connection.execute(sa.text("UPDATE events SET sentence = 'test' WHERE document = 'ledger'"))


def test_two_environments_at_once_are_not_both_let_in(ledger: Ledger) -> None:
    def bound(environment: str) -> str:
        try:
            ledger.environment.bind(environment)
        except ConfigurationError:
            return "refused"
        return environment

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(bound, ["test", "production"] * 20))
    first = ledger.environment.bound()
    assert set(answers) == {first, "refused"}
    assert answers.count("refused") == 20


def read(ledger: Ledger, *sources: str) -> None:
    """Records of these sources, as a ledger has them that was filled before it was bound."""
    run = ledger.runs.open("amazon_invoices_to_coupa", "run-1", now=NOW, window=None)
    for source in sources:
        ledger.records.stage(run, source, "transaction", [Staged(key="t-1", raw={})])


def test_a_ledger_belongs_to_one_amazon_account(ledger: Ledger) -> None:
    read(ledger, "coupa/acme")
    ledger.amazon_source.check("amazon_business/de")
    ledger.amazon_source.bind("amazon_business/us")
    ledger.environment.bind("test")
    ledger.amazon_source.bind("amazon_business/us")
    refused = pytest.raises(ConfigurationError, match=r"Amazon account 'us'.*says 'de'.*LEDGER_URL.*docs/runbook.md")
    with refused:
        ledger.amazon_source.bind("amazon_business/de")
    with refused:
        ledger.amazon_source.check("amazon_business/de")
    assert (ledger.amazon_source.bound(), ledger.environment.bound()) == ("amazon_business/us", "test")


def test_a_ledger_that_was_filled_before_belongs_to_the_account_of_its_records(ledger: Ledger) -> None:
    read(ledger, "coupa/acme", "amazon_business/us")
    with pytest.raises(ConfigurationError, match="Amazon account 'us'"):
        ledger.amazon_source.bind("amazon_business/de")
    assert ledger.amazon_source.bound() is None
    ledger.amazon_source.bind("amazon_business/us")


def test_one_that_was_filled_by_two_goes_on_with_the_first_that_is_connected(ledger: Ledger) -> None:
    read(ledger, "amazon_business/de", "amazon_business/us")
    ledger.amazon_source.bind("amazon_business/us")
    with pytest.raises(ConfigurationError, match="Amazon account 'us'"):
        ledger.amazon_source.bind("amazon_business/de")
