"""The acts of a demo: in order, each once, receipts waking the invoices that wait."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import responses

from local import acts
from local.acts import ACTS, ORDERS, RECEIPTS, STATUS, FailedRun, Theatre
from local.stack import Running
from local.world import CATALOG, GOVERNING, INVOICES, OF_A_REPORT, RECONCILIATION, World, open_world, read_world

pytestmark = pytest.mark.unit
COUPA = "http://127.0.0.1:1"


class FakeRest:
    """An Airflow whose runs end at once; `red` names the DAGs that fail, `announces` whether receipts are new."""

    def __init__(self, *, red: str = "", failing: str = "load", announces: bool = True) -> None:
        self.red, self.failing, self.announces = red, failing, announces
        self.made: dict[str, list[str]] = {}
        self.log_of: list[str] = []
        self.typed: list[tuple[str, object]] = []

    def runs(self, dag_id: str) -> list[str]:
        return list(reversed(self.made.get(dag_id, [])))

    def unpause(self, dag_id: str) -> bool:
        if dag_id in self.made:
            return False
        self._make(dag_id, "scheduled")
        return True

    def trigger(self, dag_id: str, conf: object) -> str:
        if conf:
            self.typed.append((dag_id, conf))
        return self._make(dag_id, "manual")

    def state(self, dag_id: str, run_id: str) -> str:
        return "failed" if dag_id == self.red else "success"

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        if dag_id == self.red:
            return [{"task_id": self.failing, "state": "failed"}]
        return [{"task_id": "announce", "state": "success" if self.announces else "skipped"}]

    def log(self, dag_id: str, run_id: str, task: object) -> str:
        return "Coupa refused the token"

    def _make(self, dag_id: str, kind: str) -> str:
        run_id = f"{kind}__{len(self.log_of)}"
        self.made.setdefault(dag_id, []).append(run_id)
        self.log_of.append(f"{kind} {dag_id}")
        if dag_id == RECEIPTS and self.announces:
            self._make(INVOICES, "asset_triggered")
        return run_id


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_world(tmp_path, scenario="quarter", orders_report=None)


@pytest.fixture
def clock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as vendor:
        vendor.post(f"{COUPA}/_sandbox/clock", json={})
        yield vendor


def play(world: World, rest: FakeRest) -> list[str]:
    said: list[str] = []
    running = Running(world, cast("Any", rest), "", "", COUPA, world.mails, "")
    Theatre(running, said.append).play(world)
    return said


def test_all_acts_are_played_in_order_and_the_clock_moves_with_them(
    world: World, clock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts.time, "sleep", lambda seconds: None)
    rest = FakeRest()
    play(world, rest)
    assert rest.log_of[:2] == [f"scheduled {ORDERS}", f"scheduled {INVOICES}"]
    assert rest.log_of.count(f"asset_triggered {INVOICES}") == 2
    assert rest.log_of.index(f"scheduled {STATUS}") < rest.log_of.index(f"scheduled {RECEIPTS}")
    assert len(clock.calls) == 2
    assert read_world(world.folder).played == len(ACTS)
    assert world.moment is not None and world.now is not None and world.moment > world.now


def test_a_world_that_is_over_runs_once_more_without_moving_its_clock(
    world: World, clock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts.time, "sleep", lambda seconds: None)
    world.keep_played(len(ACTS))
    rest = FakeRest(announces=False)
    play(read_world(world.folder), rest)
    assert len(clock.calls) == 0
    assert sorted(rest.made) == sorted([ORDERS, STATUS, RECEIPTS, INVOICES, *GOVERNING, RECONCILIATION])


def test_the_catalog_is_compared_whole_by_its_first_run_and_later_by_hand_because_its_schedule_does_so_only_at_night(
    world: World, clock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts.time, "sleep", lambda seconds: None)
    rest = FakeRest()
    play(world, rest)
    assert rest.typed == [(CATALOG, {"scope": "full"})]
    assert rest.log_of.index(f"scheduled {CATALOG}") < rest.log_of.index(f"manual {CATALOG}")


def test_a_red_run_ends_the_demo_with_what_its_task_said(
    world: World, clock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts.time, "sleep", lambda seconds: None)
    with pytest.raises(FailedRun, match="Coupa refused the token"):
        play(world, FakeRest(red=ORDERS))
    assert read_world(world.folder).played == 0


def test_a_reconciliation_that_is_red_ends_the_demo_well_and_one_that_broke_does_not(
    world: World, clock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts.time, "sleep", lambda seconds: None)
    play(world, FakeRest(red=RECONCILIATION, failing="close"))
    with pytest.raises(FailedRun, match="Coupa refused the token"):
        play(world, FakeRest(red=RECONCILIATION, failing="compare"))


def test_a_report_runs_what_needs_no_requisitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts.time, "sleep", lambda seconds: None)
    (tmp_path / "a.csv").write_text("one")
    rest = FakeRest()
    play(open_world(tmp_path / "worlds", scenario="quarter", orders_report=tmp_path / "a.csv"), rest)
    assert rest.log_of == [f"scheduled {name}" for name in (*OF_A_REPORT, RECONCILIATION)]
