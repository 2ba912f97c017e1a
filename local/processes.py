"""Processes that outlive the command which started them: pid files, logs, readiness, a clean stop.

A process is stopped by its recorded id and only if it still is what was started (its start time is kept with the id).
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 20.0


class StartError(RuntimeError):
    """A process did not get ready; the message ends with the last lines of its log."""


def start(name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> int:
    """Starts `command` in a session of its own, its output (since this start) in folder/name.log, its id in folder/name.pid."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=dict(environment)
        )
    process.returncode = 0  # it outlives this handle on purpose: no warning when the handle goes
    (folder / f"{name}.pid").write_text(json.dumps({"pid": process.pid, "started": started_at(process.pid)}))
    return process.pid


def started_at(pid: int) -> str | None:
    """The kernel's start time of a process (Linux), to tell it from a later one with the same id; None where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (FileNotFoundError, IndexError, ProcessLookupError):
        return "unknown" if not Path("/proc").exists() and _exists(pid) else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def running(name: str, folder: Path) -> int | None:
    """The id of the process started under this name, if it still runs."""
    try:
        kept = json.loads((folder / f"{name}.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    _reap(kept["pid"])
    now = started_at(kept["pid"])
    return int(kept["pid"]) if now is not None and now == kept["started"] else None


def _reap(pid: int) -> None:
    """Where we are its parent, a finished process stays as a zombie until it is waited for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except (ChildProcessError, OSError):
        return


def stop(names: Sequence[str], folder: Path) -> None:
    """SIGTERM to each process group, then SIGKILL to what is left after the grace; pid files are removed."""
    pids = {name: pid for name in names if (pid := running(name, folder)) is not None}
    for pid in pids.values():
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(running(name, folder) for name in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    for name, pid in pids.items():
        if running(name, folder) is not None:
            _signal(pid, signal.SIGKILL)
    for name in names:
        (folder / f"{name}.pid").unlink(missing_ok=True)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def wait_until(ready: Callable[[], bool], *, what: str, seconds: float, name: str, folder: Path) -> None:
    """Polls `ready`; StartError when the process dies or the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if running(name, folder) is None or time.monotonic() > deadline:
            raise StartError(
                f"{what} did not get ready; the end of {folder / name}.log:\n{tail(folder / f'{name}.log')}"
            )
        time.sleep(0.2)


def tail(path: Path, lines: int = 15) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"
