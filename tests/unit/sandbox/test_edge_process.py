"""`python -m sandbox` as a process: two servers, a ready file, a clean stop, a state file that survives it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.__main__ import main, read_arguments

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def process(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Both servers on free ports; killed if the test has not stopped it."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "sandbox", "--scenario", "tiny", "--amazon-port", "0", "--coupa-port", "0"]
    command += ["--ready-file", str(ready), *arguments]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert started.poll() is None, started.communicate()[0]
            assert time.monotonic() < deadline, "no ready file within 30 s"
            time.sleep(0.05)
        yield started, json.loads(ready.read_text(encoding="utf-8"))
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


def _stop(started: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> int:
    started.send_signal(number)
    return started.wait(15)


def test_the_ready_file_appears_when_both_servers_answer_and_a_signal_stops_them(tmp_path: Path) -> None:
    with process(tmp_path) as (started, ready):
        assert ready["pid"] == started.pid
        for url, service in ((ready["amazon_url"], "amazon_business"), (ready["coupa_url"], "coupa")):
            assert requests.get(f"{url}/_sandbox/health").json()["service"] == service
        assert _stop(started) == 0


def test_both_vendors_share_one_clock(tmp_path: Path) -> None:
    with process(tmp_path, "--now", "2026-05-01T00:00:00Z") as (_, ready):
        requests.post(f"{ready['amazon_url']}/_sandbox/clock", json={"set": "2026-06-01T00:00:00Z"})
        assert requests.get(f"{ready['coupa_url']}/_sandbox/health").json()["now"].startswith("2026-06-01T00:00")


def test_a_stopped_sandbox_goes_on_from_its_state_file(tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    with process(tmp_path, "--state", state) as (started, ready):
        url = f"{ready['amazon_url']}/_sandbox"
        transactions = requests.get(f"{url}/state").json()["transactions"]
        refund = requests.post(f"{url}/events/refund", json={"transactionId": transactions[0]["transactionId"]}).json()
        requests.post(f"{url}/clock", json={"advance": 86400})
        before = requests.get(f"{url}/clock").json()["now"]
        assert _stop(started, signal.SIGINT) == 0
    with process(tmp_path, "--state", state) as (started, ready):
        url = f"{ready['amazon_url']}/_sandbox"
        assert requests.get(f"{url}/clock").json()["now"] >= before
        assert refund in requests.get(f"{url}/state").json()["transactions"]
        assert _stop(started) == 0


def test_the_state_file_is_kept_while_running_so_that_a_kill_loses_little(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with process(tmp_path, "--state", str(state)) as (started, ready):
        requests.post(f"{ready['amazon_url']}/_sandbox/events/reorder")
        deadline = time.monotonic() + 15
        while not (state.exists() and '"reversed": true' in state.read_text(encoding="utf-8")):
            assert time.monotonic() < deadline, "the event never reached the state file"
            time.sleep(0.1)
        started.kill()


def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with process(tmp_path) as (_, ready):
        port = ready["amazon_url"].rpartition(":")[2]
        assert main(["--scenario", "tiny", "--amazon-port", port, "--coupa-port", "0"]) == 2
    assert f"port {port} of 127.0.0.1 cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scenario", "nowhere"], "no scenario 'nowhere'"),
        (["--orders-report", "missing.csv"], "missing.csv"),
        (["--option", "colour=blue"], "no option colour"),
    ],
)
def test_a_world_that_cannot_be_built_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--now", "yesterday"], ["--speed", "0"], ["--speed", "fast"], ["--option", "ids"], ["--scenario", "tiny", "--orders-report", "x"]],
)  # fmt: skip
def test_an_argument_that_means_nothing_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        read_arguments(arguments)
    assert refused.value.code == 2
