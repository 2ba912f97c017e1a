"""Whatever breaks while orders are sent: each is at Amazon at most once, and none is lost."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from procurement.ledger import Ledger
from tests.integration.pipelines.buying import PIPELINE, OrderRun, switched
from tests.integration.pipelines.conftest import StartSandbox
from tests.integration.pipelines.test_crashes import PROGRAM, ROOT

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    return OrderRun(start_sandbox("buying_plain", orders="4"), ledger, switched(mappings_directory))


def ordered(run: OrderRun) -> dict[str, int]:
    """Units at Amazon by PO line, over all orders that exist there."""
    units: dict[str, int] = {}
    for line in run.pair.state("amazon", "order_lines"):
        key = f"{line['purchaseOrderNumber']}/{line['purchaseOrderLineItemNumber']}"
        units[key] = units.get(key, 0) + int(line["quantity"])
    return units


def wanted(run: OrderRun) -> dict[str, int]:
    return {
        f"{order['po-number']}/{line['line-num']}": int(float(line["quantity"]))
        for order in run.pair.state("coupa", "purchase_orders")
        for line in order["order-lines"]
    }


def assert_each_once(run: OrderRun, ledger: Ledger) -> None:
    assert ordered(run) == wanted(run) != {}
    assert {row.state for row in run.placed()} == {"delivered"}
    assert {row.state for row in run.of("write_back_order")} == {"delivered"}
    comments = [
        one["comments"].rsplit("[", 1)[1] for one in run.pair.state("coupa", "comments") if "[46" in one["comments"]
    ]
    assert len(comments) == len(set(comments)) == 4
    assert ledger.completeness.population(PIPELINE).complete


def run_until_answered(run: OrderRun, *names: str) -> None:
    """Further runs, each beyond the time-out of what has no answer: only then does "not found" count."""
    for name in names:
        if not run(name)["load"]["unanswered"]:
            return
        time.sleep(1.1)
    raise AssertionError(f"still without an answer after {len(names)} runs")


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("placeOrder", "drop_before"),
        ("placeOrder", "drop_after"),
        ("placeOrder", "status_after"),
        ("placeOrder", "malformed"),
        ("update_purchase_order", "drop_after"),
        ("create_purchase_order_comment", "drop_after"),
    ],
)
def test_a_write_whose_answer_is_lost_is_asked_for_and_never_doubled(
    run: OrderRun, ledger: Ledger, operation: str, kind: str
) -> None:
    vendor = "amazon" if operation == "placeOrder" else "coupa"
    more = {"status": 503} if kind == "status_after" else {}
    run.pair.post(vendor, "faults", kind=kind, operation=operation, times=2, **more)
    run_until_answered(run, "first", "second", "third", "fourth")
    assert_each_once(run, ledger)


def test_two_runs_at_once_order_each_purchase_order_once(run: OrderRun, ledger: Ledger) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            OrderRun(run.pair, ledger, run.rules)(name)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert_each_once(run, ledger)
    assert run.writes()["placeOrder"] == 4


@pytest.mark.parametrize(
    ("point", "count"), [("claim", 0), ("socket", 0), ("socket", 2), ("outcome", 0), ("outcome", 5)]
)
def test_a_process_killed_at_any_point_of_a_send_is_finished_by_the_next_run(
    run: OrderRun, ledger: Ledger, database_url: str, mappings_directory: Path, point: str, count: int
) -> None:
    program = textwrap.dedent(PROGRAM).replace("pipelines.killed import", "pipelines.killed_orders import")
    command = [
        sys.executable, "-c", program, point, str(count), str(ROOT), run.pair.amazon_url, run.pair.coupa_url, database_url,
        str(mappings_directory),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/plugins"}
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    time.sleep(1.1)
    run_until_answered(run, "after the kill", "and again", "and once more")
    assert_each_once(run, ledger)
