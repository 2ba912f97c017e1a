"""Processes of a local run are found again, stopped cleanly, and never mistaken for somebody else's."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import processes

pytestmark = pytest.mark.unit
SLEEPS = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
WITH_CHILD = [sys.executable, "-c", CHILD]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "run"
    processes.stop([path.stem for path in (tmp_path / "run").glob("*.pid")], tmp_path / "run")


def start(command: list[str], folder: Path) -> int:
    """Started and past its first line, so that its signal handlers are set."""
    pid = processes.start("one", command, folder=folder, environment=os.environ)
    processes.wait_until(
        lambda: bool((folder / "one.log").read_text()), what="one", seconds=10, name="one", folder=folder
    )
    return pid


def test_a_started_process_is_found_again_by_its_name_and_gone_after_stop(folder: Path) -> None:
    pid = start(SLEEPS, folder)
    assert processes.running("one", folder) == pid
    processes.stop(["one"], folder)
    assert processes.running("one", folder) is None
    assert not (folder / "one.pid").exists()


def test_stopping_takes_the_children_along(folder: Path) -> None:
    start(WITH_CHILD, folder)
    child = int((folder / "one.log").read_text())
    processes.stop(["one"], folder)
    deadline = time.monotonic() + 5
    while processes.started_at(child) is not None and time.monotonic() < deadline and not is_zombie(child):
        time.sleep(0.05)
    assert processes.started_at(child) is None or is_zombie(child)


def is_zombie(pid: int) -> bool:
    """Ended, and only waiting for its new parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_ignores_the_request_is_ended_after_the_grace(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    start(STUBBORN, folder)
    processes.stop(["one"], folder)
    assert processes.running("one", folder) is None


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "one.pid").write_text(json.dumps({"pid": os.getpid(), "started": "1"}))
    assert processes.running("one", folder) is None
    processes.stop(["one"], folder)  # would have ended this test run


def test_stopping_what_never_ran_is_harmless(folder: Path) -> None:
    processes.stop(["never"], folder)
    assert processes.running("never", folder) is None


def test_a_process_that_dies_while_we_wait_is_reported_with_the_end_of_its_log(folder: Path) -> None:
    processes.start(
        "one", [sys.executable, "-c", "import sys; sys.exit('port taken')"], folder=folder, environment=os.environ
    )
    with pytest.raises(processes.StartError, match=r"the thing did not get ready(?s:.*)port taken"):
        processes.wait_until(lambda: False, what="the thing", seconds=10, name="one", folder=folder)


def test_waiting_ends_with_the_time_allowed(folder: Path) -> None:
    start(SLEEPS, folder)
    with pytest.raises(processes.StartError, match="did not get ready"):
        processes.wait_until(lambda: False, what="one", seconds=0.1, name="one", folder=folder)


def test_the_log_of_a_failed_start_tells_of_this_start_only(folder: Path) -> None:
    for word in ("first", "second"):
        processes.start(
            "one", [sys.executable, "-c", f"print('{word} failure')"], folder=folder, environment=os.environ
        )
        with pytest.raises(processes.StartError) as failed:
            processes.wait_until(lambda: False, what="one", seconds=10, name="one", folder=folder)
    assert "second failure" in str(failed.value)
    assert "first failure" not in str(failed.value)
