"""Test and production never meet in one ledger."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from procurement.errors import ConfigurationError
from procurement.ledger import Ledger

pytestmark = pytest.mark.integration


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
