"""`make backtest` asks the running demo where no ledger is named, and says what to do where none runs."""

import json
from pathlib import Path

import pytest

from local import backtest, processes
from local.postgres import EmbeddedPostgres
from local.processes import StartError
from local.world import open_world


def test_without_ledger_and_demo_it_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LEDGER_URL", raising=False)
    monkeypatch.setattr(backtest, "ROOT", tmp_path)
    assert backtest.main(["any.yml"]) == 2
    assert "make up" in capsys.readouterr().err


def test_a_demo_that_stopped_is_not_asked_because_its_coupa_is_gone(tmp_path: Path) -> None:
    open_world(tmp_path / "demo" / "worlds", scenario="tiny", orders_report=None).write_mappings()
    with pytest.raises(StartError, match="no demo runs"):
        backtest.demo_environment(tmp_path)


def test_a_running_demo_gives_its_own_ledger_coupa_and_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = open_world(tmp_path / "demo" / "worlds", scenario="tiny", orders_report=None)
    world.write_mappings()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "sandbox.json").write_text(json.dumps({"coupa_url": "http://127.0.0.1:8102"}))
    monkeypatch.setattr(processes, "running", lambda name, folder: 1)
    monkeypatch.setattr(EmbeddedPostgres, "port", lambda self: 5432)
    monkeypatch.setattr(EmbeddedPostgres, "url", lambda self, database: f"postgresql://demo/{database}")
    told = backtest.demo_environment(tmp_path)
    assert told["LEDGER_URL"] == f"postgresql://demo/{world.ledger_database}"
    assert json.loads(told["AIRFLOW_CONN_COUPA_DEFAULT"])["host"] == "http://127.0.0.1:8102"
    assert Path(told["PROCUREMENT_MAPPINGS"], "rollout.yml").exists()
