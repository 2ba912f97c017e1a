"""One real Airflow for the session: embedded PostgreSQL, the sandbox with a small world, an SMTP server that keeps mails."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import pytest
import requests

from local.acts import Theatre
from local.mail_catcher import read_mails
from local.stack import Running, Stack
from local.world import INVOICES, open_world

DAG = INVOICES
A_DEAD_WORKER_IS_NOTICED_SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
}


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
    stack = Stack(stack_root, speed=20, settings=A_DEAD_WORKER_IS_NOTICED_SOON)
    world = open_world(stack_root / "worlds", scenario="tiny", orders_report=None)
    try:
        yield stack.start(world, record=recording, say=lambda _: None)
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def theatre(running: Running) -> Theatre:
    """Starts and follows runs as the demo does; a run that fails raises with its failed tasks' logs."""
    return Theatre(running, lambda _: None)


@pytest.fixture(scope="session")
def unapproved(running: Running) -> str:
    """A PO whose requisition got one more approver after Coupa had made the order; it is held until they approve."""
    number = str(purchase(running, "returned_goods")["po"])
    requisition = purchase_order(running, number)["requisition-header"]["id"]
    happen(running.coupa_url, "add_approver", {"requisition-id": requisition, "approver": "buyer"})
    return number


def control(url: str, path: str) -> Any:
    return requests.get(f"{url}/_sandbox/{path}", timeout=30).json()


def happen(url: str, event: str, body: dict[str, Any]) -> None:
    """Something that people, or time, do in the vendor's own pages."""
    answer = requests.post(f"{url}/_sandbox/events/{event}", json=body, timeout=30)
    assert answer.ok, answer.text


def purchase(running: Running, situation: str) -> dict[str, Any]:
    """What the world says of its open purchase in this situation: `po`, `requisition` (its title)."""
    facts = control(running.amazon_url, "world")["facts"]["buying"]
    return next(fact for fact in facts if fact["situation"] == situation)


def orders_placed(running: Running) -> dict[str, str]:
    """The PO number of every order that Amazon took from us, by the key under which it was sent."""
    placed = control(running.amazon_url, "state?part=placed")["placed"]
    return {key: row["purchaseOrderNumber"] for key, row in placed.items()}


def order_lines(running: Running, po_number: str) -> list[dict[str, Any]]:
    """The lines of all orders that Amazon has for a PO."""
    lines = control(running.amazon_url, "state?part=order_lines")["order_lines"]
    return [line for line in lines if line.get("purchaseOrderNumber") == po_number]


def purchase_order(running: Running, po_number: str) -> dict[str, Any]:
    orders = control(running.coupa_url, "state?part=purchase_orders")["purchase_orders"]
    return next(order for order in orders if order["po-number"] == po_number)


def comments(running: Running, po_number: str) -> list[str]:
    """What stands in Coupa below a purchase order."""
    where = ("OrderHeader", purchase_order(running, po_number)["id"])
    rows = control(running.coupa_url, "state?part=comments")["comments"]
    return [row["comments"] for row in rows if (row["commentable-type"], row["commentable-id"]) == where]


def mails(running: Running, subject: str) -> list[dict[str, str]]:
    """The mails with this in their subject. One that was sent again counts once: a repeat keeps its Message-ID."""
    found = {mail["message_id"]: mail for mail in read_mails(running.mails) if subject in mail["subject"]}
    return list(found.values())


def until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = monotonic() + seconds
    while not condition() and monotonic() < deadline:
        sleep(0.5)
    return condition()


def task(running: Running, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
    """A task instance of a run, of a mapped task its only one."""
    return next(one for one in running.rest.tasks(dag_id, run_id) if one["task_id"] == task_id)


def whole_log(running: Running, run_id: str, task: dict[str, Any]) -> str:
    """Everything a task instance's last try logged, exceptions with their words included."""
    path = f"dags/{DAG}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
    return json.dumps(running.rest.get(path, {"map_index": task["map_index"], "full_content": "true"})["content"])


def failed_logs(running: Running, run_id: str) -> str:
    """What the failed tasks of a run said, for the message of an assertion."""
    tasks = [task for task in running.rest.tasks(DAG, run_id) if task["state"] == "failed"]
    return "\n".join(f"{task['task_id']}: {whole_log(running, run_id, task)[-3000:]}" for task in tasks) or str(tasks)
