"""One real Airflow for the session: embedded PostgreSQL, the sandbox with a small world, an SMTP server that keeps mails."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from local.stack import Running, Stack
from local.world import open_world

DAG = "amazon_invoices_to_coupa"


@pytest.fixture(scope="session")
def stack_root() -> Iterator[Path]:
    """Outside pytest's own temporary folder: PostgreSQL's unprivileged account must be able to enter it."""
    folder = Path(tempfile.mkdtemp(prefix="e2e-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def recording(stack_root: Path) -> Path:
    return stack_root / "exchanges.ndjson"


@pytest.fixture(scope="session")
def running(stack_root: Path, recording: Path) -> Iterator[Running]:
    stack = Stack(stack_root, speed=20)
    world = open_world(stack_root / "worlds", scenario="tiny", orders_report=None)
    try:
        yield stack.start(world, record=recording, say=lambda _: None)
    finally:
        stack.stop()


def control(url: str, path: str) -> Any:
    return requests.get(f"{url}/_sandbox/{path}", timeout=30).json()


def whole_log(running: Running, run_id: str, task: dict[str, Any]) -> str:
    """Everything a task instance's last try logged, exceptions with their words included."""
    path = f"dags/{DAG}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
    return json.dumps(running.rest.get(path, {"map_index": task["map_index"], "full_content": "true"})["content"])


def failed_logs(running: Running, run_id: str) -> str:
    """What the failed tasks of a run said, for the message of an assertion."""
    tasks = [task for task in running.rest.tasks(DAG, run_id) if task["state"] == "failed"]
    return "\n".join(f"{task['task_id']}: {whole_log(running, run_id, task)[-3000:]}" for task in tasks) or str(tasks)
