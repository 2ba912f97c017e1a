"""The sandbox in a process of its own, and what it counted."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import requests


@contextmanager
def sandbox_process(now: datetime, scenario: str, *, speed: float = 1.0, **options: int) -> Iterator[tuple[str, str]]:
    """Amazon's and Coupa's address; rates and clock run `speed` times as fast as published."""
    ready = Path("var/bench/sandbox.json")
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.unlink(missing_ok=True)
    chosen = [word for name, value in options.items() for word in ("--option", f"{name}={value}")]
    command = [
        sys.executable, "-m", "sandbox", "--scenario", scenario, *chosen, "--now", now.isoformat(), "--speed", str(speed),
        "--amazon-port", "0", "--coupa-port", "0", "--ready-file", str(ready),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not ready.exists():
            if process.poll() is not None:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.1)
        urls = json.loads(ready.read_text())
        yield urls["amazon_url"], urls["coupa_url"]
    finally:
        process.terminate()
        process.wait(20)


def calls(url: str) -> dict[str, Any]:
    return dict(requests.get(f"{url}/_sandbox/calls", timeout=60).json())


def forget_calls(url: str) -> None:
    requests.delete(f"{url}/_sandbox/calls", timeout=60).raise_for_status()


def count(counted: dict[str, Any], operation: str) -> int:
    """Calls of one operation, whatever was answered."""
    return sum(int(number) for number in counted["by_operation"].get(operation, {}).values())


def total(counted: dict[str, Any]) -> int:
    """All calls but those for a token."""
    return sum(count(counted, name) for name in counted["by_operation"] if "token" not in name.lower())


def refused(*counted: dict[str, Any]) -> int:
    """Answers 4xx, 429 among them."""
    return sum(
        int(answers.get(status, 0))
        for one in counted
        for answers in one["by_operation"].values()
        for status in ("4xx", "429")
    )
