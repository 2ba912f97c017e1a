"""The demo's ledger can be asked after the demo has stopped, and nothing is left running by the question."""

from pathlib import Path

import pytest

from local.dead_letters import demo_ledger
from local.postgres import EmbeddedPostgres
from local.world import open_world
from procurement.dead_letters import listed
from procurement.ledger import Ledger, migrate

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path: Path) -> EmbeddedPostgres:
    world = open_world(tmp_path / "demo" / "worlds", scenario="tiny", orders_report=None)
    world.write_mappings()
    server = EmbeddedPostgres(tmp_path / "pg")
    server.start(world.ledger_database)
    migrate(server.url(world.ledger_database))
    return server


def test_a_stopped_server_is_started_for_the_question_and_a_running_one_is_left_alone(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    try:
        with demo_ledger(tmp_path) as url, Ledger.opened(url) as ledger:
            assert listed(ledger.dead_letters.list()) == "No dead letters."
        assert server.port() is not None
        server.stop()
        with demo_ledger(tmp_path) as url, Ledger.opened(url) as ledger:
            assert listed(ledger.dead_letters.list()) == "No dead letters."
        assert server.port() is None
    finally:
        server.stop()
