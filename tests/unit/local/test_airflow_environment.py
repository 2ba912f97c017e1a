"""What a local Airflow and the pipelines in it are told: everything they need, and nothing of the caller's own Airflow."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.airflow_processes import POOLS, LocalAirflow
from local.stack import Stack, bypass_proxies
from local.world import World

pytestmark = pytest.mark.unit


@pytest.fixture
def airflow(tmp_path: Path) -> LocalAirflow:
    return LocalAirflow(tmp_path, "postgresql+psycopg2://here/airflow", {"LEDGER_URL": "postgresql+psycopg2://here/l"})


@pytest.fixture
def told(tmp_path: Path) -> dict[str, str]:
    world = World("tiny", "tiny", None, "2026-11-24T10:00:00+00:00", "2025-11-01", tmp_path / "world")
    return Stack(tmp_path, speed=20)._environment(
        world, "postgresql+psycopg2://here/l", amazon_url="http://a", coupa_url="http://c", smtp_port=2525
    )


def test_nothing_of_the_callers_own_airflow_comes_in(airflow: LocalAirflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_COUPA_DEFAULT", "coupa://production")
    environment = airflow._environment(8080)
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW_CONN_COUPA_DEFAULT" not in environment


def test_what_the_pipelines_need_reaches_them(airflow: LocalAirflow) -> None:
    environment = airflow._environment(8080)
    assert environment["LEDGER_URL"] == "postgresql+psycopg2://here/l"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql+psycopg2://here/airflow"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8080/execution/"


def test_secrets_are_made_once_and_are_for_the_owner_only(airflow: LocalAirflow, tmp_path: Path) -> None:
    first = airflow._environment(8080)
    again = LocalAirflow(tmp_path, "postgresql+psycopg2://here/airflow", {})._environment(8081)
    for name in ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET"):
        assert first[name] == again[name] != ""
    for name in ("secrets.json", "passwords.json"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_the_page_listens_on_this_machine_only(airflow: LocalAirflow) -> None:
    assert airflow._environment(8080)["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_the_pools_are_written_as_airflow_imports_them(airflow: LocalAirflow) -> None:
    pools = json.loads(airflow._write_pools().read_text())
    assert {name: pool["slots"] for name, pool in pools.items()} == POOLS
    assert all(pool["description"] for pool in pools.values())


@pytest.mark.parametrize(
    ("variable", "kind", "host"),
    [
        ("AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT", "amazon_business", "http://a"),
        ("AIRFLOW_CONN_COUPA_DEFAULT", "coupa", "http://c"),
    ],
)
def test_a_connection_leads_to_the_sandbox_at_its_speed_and_is_never_production(
    told: dict[str, str], variable: str, kind: str, host: str
) -> None:
    connection: dict[str, Any] = json.loads(told[variable])
    assert (connection["conn_type"], connection["host"]) == (kind, host)
    assert connection["extra"]["rate_multiplier"] == 20
    assert connection["extra"]["environment"] == "test"


def test_business_time_and_rules_are_those_of_the_world(told: dict[str, str], tmp_path: Path) -> None:
    assert told["PROCUREMENT_NOW"] == f"@{tmp_path / 'world' / 'now'}"
    assert told["PROCUREMENT_MAPPINGS"] == str(tmp_path / "world" / "mappings")
    assert ":2525" in told["AIRFLOW_CONN_SMTP_DEFAULT"]


def test_a_companys_proxy_is_not_asked_for_what_runs_on_this_machine() -> None:
    environment = {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "intranet.example.com"}
    bypass_proxies(environment)
    bypass_proxies(environment)
    assert environment["NO_PROXY"] == "intranet.example.com,127.0.0.1,localhost"
    assert environment["no_proxy"] == "127.0.0.1,localhost"
