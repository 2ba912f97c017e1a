"""What stands between a task's context and a pipeline's step."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk.exceptions import AirflowFailException

from procurement.clock import SystemClock
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import Window
from procurement.pipelines.windows import RunRequest
from procurement.policies import read_rules
from procurement_airflow import tasks

pytestmark = pytest.mark.dags
DAG = "amazon_invoices_to_coupa"


class KnownStates:
    """A task instance as the task's process sees it: states come from the API server."""

    task_id = "close"

    def __init__(self, states: Mapping[str, str | None]) -> None:
        self.states = states

    def get_task_states(self, *, dag_id: str, run_ids: list[str]) -> dict[str, Mapping[str, str | None]]:
        return {run_ids[0]: self.states}


def context(states: Mapping[str, str | None]) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(dag_id=DAG, run_id="manual__1"), "ti": KnownStates(states)}


def test_what_failed_or_never_ran_because_of_it_is_named_and_close_itself_is_not() -> None:
    states = {"extract": "success", "transform": "failed", "load": "upstream_failed", "close": "failed"}
    assert tasks.failed_upstream(context(states)) == ["load", "transform"]


def test_one_failed_instance_of_a_mapped_task_counts() -> None:
    states = {"extract": "success", "load_0": "success", "load_1": "failed", "close": None}
    assert tasks.failed_upstream(context(states)) == ["load_1"]


def test_a_run_whose_tasks_all_went_well_is_green() -> None:
    states = {"extract": "success", "transform": "success", "load_0": "success", "close": "running"}
    assert tasks.failed_upstream(context(states)) == []
    assert tasks.unless_failed([], {"run": 1}) == {"run": 1}


def test_an_account_does_not_turn_a_failed_run_green() -> None:
    with pytest.raises(AirflowFailException, match="transform failed"):
        tasks.unless_failed(["transform"], {"run": 1})


def test_a_run_without_an_interval_has_none_and_a_scheduled_one_has_its_own() -> None:
    run = SimpleNamespace(dag_id=DAG, run_id="r", run_type=SimpleNamespace(value="scheduled"), conf=None)
    dag = SimpleNamespace(params={"dry_run": False})
    start, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    asked = tasks.read_request({"dag": dag, "dag_run": run, "params": {"dry_run": True}})
    assert (asked.interval, asked.dry_run, asked.kind) == (None, True, "scheduled")
    scheduled = tasks.read_request(
        {"dag": dag, "dag_run": run, "params": {}, "data_interval_start": start, "data_interval_end": end}
    )
    assert scheduled.interval == Window(start, end)


def test_a_misspelled_dry_run_does_not_run_for_real() -> None:
    run = SimpleNamespace(dag_id=DAG, run_id="r", run_type=SimpleNamespace(value="manual"), conf={"dryrun": True})
    dag = SimpleNamespace(params={"dry_run": False, "from": None})
    with pytest.raises(ConfigurationError, match="no field 'dryrun'; did you mean 'dry_run'"):
        tasks.read_request({"dag": dag, "dag_run": run, "params": {"dry_run": False, "dryrun": True}})


class Belongings:
    """What the ledger belongs to, kept in memory."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def bind(self, value: str) -> None:
        self.calls.append(("bind", value))

    def check(self, value: str) -> None:
        self.calls.append(("check", value))


def bench(owners: Belongings, **params: object) -> tasks.Workbench:
    ledger = SimpleNamespace(limiter=None, environment=owners, amazon_source=owners)
    request = RunRequest(dag_id=DAG, run_id="r", params=params)
    return tasks.Workbench(request, cast(Ledger, ledger), read_rules(), SystemClock())


def amazon(account: str) -> str:
    extra = {"refresh_token": "r", "account": account}
    return json.dumps(
        {"conn_type": "amazon_business", "host": "https://x.example", "login": "id", "password": "p", "extra": extra}
    )


def coupa(**extra: object) -> str:
    return json.dumps(
        {"conn_type": "coupa", "host": "https://x.example", "login": "id", "password": "p", "extra": extra}
    )


def test_connecting_binds_the_ledger_to_the_connections_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = Belongings()
    monkeypatch.setenv("AIRFLOW_CONN_COUPA_DEFAULT", coupa(environment="production"))
    assert bench(owners).coupa is not None
    assert bench(owners, dry_run=True).coupa is not None
    monkeypatch.setenv("AIRFLOW_CONN_COUPA_DEFAULT", coupa())
    assert bench(owners).coupa is not None
    assert owners.calls == [("bind", "production"), ("check", "production"), ("bind", "test")]


def test_an_incomplete_connection_or_an_unknown_environment_binds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = Belongings()
    monkeypatch.setenv("AIRFLOW_CONN_COUPA_DEFAULT", coupa(environment="prod"))
    with pytest.raises(ConfigurationError, match="environment is 'prod'; write test or production"):
        _ = bench(owners).coupa
    monkeypatch.setenv("AIRFLOW_CONN_COUPA_DEFAULT", json.dumps({"conn_type": "coupa", "host": "https://x.example"}))
    with pytest.raises(ConfigurationError, match="login"):
        _ = bench(owners).coupa
    assert owners.calls == []


def test_connecting_to_amazon_binds_the_ledger_to_the_account_too(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = Belongings()
    monkeypatch.setenv("AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT", amazon("sandbox"))
    assert bench(owners).amazon.account == "sandbox"
    assert owners.calls == [("bind", "test"), ("bind", "amazon_business/sandbox")]


def test_an_account_that_nobody_listed_is_refused_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = Belongings()
    monkeypatch.setenv("AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT", amazon("sandbx"))
    with pytest.raises(
        ConfigurationError, match=r"account 'sandbx', which accounts.yml does not list; did you mean 'sandbox'"
    ):
        _ = bench(owners).amazon
    assert owners.calls == []
