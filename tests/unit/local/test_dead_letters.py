"""`make dead-letters` asks the ledger that is configured, and says what to do where there is none."""

from pathlib import Path

import pytest

from local import dead_letters
from local.processes import StartError
from local.world import newest_world, open_world

pytestmark = pytest.mark.unit


def test_a_ledger_that_is_set_is_asked_and_no_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setenv("LEDGER_URL", "postgresql+psycopg2://somewhere/ledger")
    monkeypatch.setattr(dead_letters.dead_letters, "main", lambda arguments: asked.append(arguments) or 0)
    monkeypatch.setattr(dead_letters, "demo_ledger", lambda root: pytest.fail("the demo's ledger was opened"))
    assert dead_letters.main(["list"]) == 0
    assert asked == [["list"]]


def test_without_a_ledger_and_without_a_demo_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEDGER_URL", " ")
    monkeypatch.setattr(dead_letters, "ROOT", tmp_path)
    assert dead_letters.main(["list"]) == 2
    assert "set it, or run `make demo` first" in capsys.readouterr().err


def test_a_world_that_never_started_has_no_dead_letters_to_show(tmp_path: Path) -> None:
    open_world(tmp_path / "demo" / "worlds", scenario="quarter", orders_report=None)
    with pytest.raises(StartError), dead_letters.demo_ledger(tmp_path):
        pass


def test_the_newest_world_is_the_one_that_started_last_not_the_one_made_last(tmp_path: Path) -> None:
    quarter = open_world(tmp_path, scenario="quarter", orders_report=None)
    tiny = open_world(tmp_path, scenario="tiny", orders_report=None)
    tiny.write_mappings()
    quarter.write_mappings()
    assert newest_world(tmp_path) == quarter
