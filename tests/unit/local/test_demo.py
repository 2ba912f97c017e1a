"""The demo's command line says what is wrong before anything starts, and two demos never share a folder."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from local.demo import claim_folder, end, read_arguments, stopped_after
from local.postgres import free_port
from local.processes import StartError
from local.stack import Stack

pytestmark = pytest.mark.unit


def test_a_report_that_is_not_there_is_refused_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        read_arguments(["--orders-report", str(tmp_path / "missing.csv")])
    assert "there is no file" in capsys.readouterr().err


def test_the_default_is_the_quarter_and_nothing_stays_running() -> None:
    options = read_arguments([])
    assert (options.scenario, options.orders_report, options.keep) == ("quarter", None, False)


def test_a_second_demo_in_the_same_folder_is_told_to_wait(tmp_path: Path) -> None:
    """The claim is the process's own, so it takes another process to hold it."""
    script = f"from pathlib import Path; from local.demo import claim_folder; claim_folder(Path({str(tmp_path)!r})); print('mine', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ, text=True
    ) as first:
        assert first.stdout is not None and first.stdout.readline() == "mine\n"
        with pytest.raises(StartError, match="another `make demo` is at work"):
            claim_folder(tmp_path)
        first.communicate("\n")
    claim_folder(tmp_path)


def test_a_wanted_port_is_used_where_it_is_free_and_another_where_it_is_not() -> None:
    wanted = free_port()
    assert free_port(wanted) == wanted
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", wanted))
        taken.listen()
        assert free_port(wanted) != wanted


class CountedStops:
    def __init__(self) -> None:
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1


@pytest.mark.parametrize(("keep", "stops"), [(False, 1), (True, 0)])
def test_a_demo_that_worked_is_stopped_unless_it_is_to_be_kept(keep: bool, stops: int) -> None:
    stack = CountedStops()
    with stopped_after(cast("Stack", stack), keep=keep):
        pass
    assert stack.stops == stops


@pytest.mark.parametrize("keep", [False, True])
def test_a_demo_that_failed_or_was_interrupted_leaves_nothing_running(keep: bool) -> None:
    stack = CountedStops()
    with pytest.raises(StartError), stopped_after(cast("Stack", stack), keep=keep):
        raise StartError("no port")
    with pytest.raises(KeyboardInterrupt), stopped_after(cast("Stack", stack), keep=keep):
        end(15, None)  # what SIGTERM does
    assert stack.stops == 2
