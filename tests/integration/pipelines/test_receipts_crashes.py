"""Whatever breaks while receipts are sent, or whoever acts meanwhile: no unit is received twice, and none is lost."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.pipelines import amazon_deliveries_to_coupa_receipts as pipeline
from procurement.pipelines.windows import RunRequest
from tests.integration.pipelines.conftest import NOW, SandboxPair, StartSandbox, connect_coupa
from tests.integration.pipelines.receiving_runs import ReceiptRun, switched
from tests.integration.pipelines.test_crashes import PROGRAM, ROOT

pytestmark = pytest.mark.integration
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    """Two orders, delivered and charged today; nothing of them is received."""
    return start_sandbox("open_orders", orders="2", delivered="2")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> ReceiptRun:
    return ReceiptRun(pair, ledger, switched(mappings_directory, automatic_up_to=100_000))


def shipped(pair: SandboxPair) -> dict[str, int]:
    """Units by PO and line."""
    return {
        f"{one['purchaseOrderNumber']}/{one['purchaseOrderLineItemNumber']}": one["quantity"]
        for one in pair.state("amazon", "order_lines")
    }


def received(run: ReceiptRun) -> dict[str, int]:
    numbers = {key.split("/")[0] for key in shipped(run.pair)}
    return {
        f"{number}/{line}": int(units) for number in numbers for line, units in run.received(number).items()
    }  # fmt: skip


def place(receipt: Json) -> str:
    """PO and line of a receipt."""
    return f"{receipt['order-line']['order-header-number']}/{receipt['order-line']['line-num']}"


def receiver(run: ReceiptRun, number: str, line: str) -> str:
    [receipt] = [one for one in run.receipts() if place(one) == f"{number}/{line}"]
    return str(receipt["created-by"]["fullname"])


def key_of(run: ReceiptRun, number: str, line: str) -> str:
    """The shipped line of a PO line."""
    ids = {
        one["orderLineItemId"]
        for one in run.pair.state("amazon", "order_lines")
        if (one["purchaseOrderNumber"], one["purchaseOrderLineItemNumber"]) == (number, line)
    }
    [key] = [key for key in run.fates() if key.rsplit("/", 1)[1] in ids]
    return key


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "status_after", "malformed"])
def test_a_receipt_whose_answer_is_lost_is_asked_for_and_never_doubled(run: ReceiptRun, kind: str) -> None:
    more = {"status": 503} if kind == "status_after" else {}
    run.pair.post("coupa", "faults", kind=kind, operation="create_receiving_transaction", times=2, **more)
    run.later(hours=2)
    run()
    time.sleep(1.2)  # beyond the time-out: only then does "not found" count
    run.settle()
    assert received(run) == shipped(run.pair)
    names = [one["custom-fields"]["external-id"] for one in run.ours()]
    assert len(names) == len(set(names)) == len(shipped(run.pair))


def test_a_lost_comment_and_a_lost_word_are_said_once(run: ReceiptRun) -> None:
    for operation in ("create_purchase_order_comment", "update_purchase_order"):
        run.pair.post("coupa", "faults", kind="drop_after", operation=operation, times=1)
    run.later(hours=2)
    run()
    time.sleep(1.2)
    run.settle()
    numbers = {key.split("/")[0] for key in shipped(run.pair)}
    assert len(run.comments()) == len(numbers)
    assert {run.order(number)["custom-fields"]["ab-order-status"] for number in numbers} == {"Received"}


def test_what_was_planned_and_not_sent_gives_way_to_the_person_who_received_meanwhile(run: ReceiptRun) -> None:
    run.later(hours=2)
    run(load=False)
    number, line = next(iter(shipped(run.pair))).split("/")
    run.coupa("receive", po_number=number, line_num=line)
    run.settle()
    assert received(run) == shipped(run.pair)
    mine = [one for one in run.ours() if one["order-line"]["order-header-number"] == number]
    assert all(str(one["order-line"]["line-num"]) != line for one in mine)


def test_what_a_person_receives_between_plan_and_load_is_not_received_again(run: ReceiptRun) -> None:
    run.later(hours=2)
    number, line = next(iter(shipped(run.pair))).split("/")
    closed = run(before_load=lambda: run.coupa("receive", po_number=number, line_num=line))
    assert closed["load"]["stopped_at_gate"] >= 1
    assert [one for one in run.ours() if place(one) == f"{number}/{line}"] == []
    run.settle()
    assert received(run) == shipped(run.pair)
    fate = run.fates()[key_of(run, number, line)]
    assert fate == ("skipped", f"received by {receiver(run, number, line)}")


def test_a_part_that_a_person_receives_between_plan_and_load_leaves_the_rest_to_us(run: ReceiptRun) -> None:
    number, line = max(shipped(run.pair), key=lambda key: shipped(run.pair)[key]).split("/")
    run.later(hours=2)
    run(before_load=lambda: run.coupa("receive", po_number=number, line_num=line, quantity="1"))
    run.settle()
    assert received(run) == shipped(run.pair)


def test_the_gate_of_a_receipt_costs_one_read(run: ReceiptRun) -> None:
    run.later(hours=2)
    run()
    calls = run.pair.calls("coupa")["by_operation"]
    assert calls["list_purchase_order_lines"] == {"2xx": len(shipped(run.pair))}
    assert calls["create_receiving_transaction"] == {"2xx": len(shipped(run.pair))}


def test_a_persons_receipt_between_two_attempts_stops_the_second(run: ReceiptRun) -> None:
    run.later(hours=2)
    run.pair.post("coupa", "faults", kind="drop_before", operation="create_receiving_transaction", times=3)
    run()  # none of the three first attempts is answered
    number, line = next(iter(shipped(run.pair))).split("/")
    if run.received(number)[line] == 0:
        run.coupa("receive", po_number=number, line_num=line)
    time.sleep(1.2)
    run.settle()
    run.later(days=1)
    run()
    assert received(run) == shipped(run.pair)


def test_what_cannot_be_said_yet_is_said_once_it_is_true(run: ReceiptRun) -> None:
    """Before the load a person voids what the plan counted on: the word waits, though nothing at Amazon changes any more."""
    number = max((key.split("/")[0] for key in shipped(run.pair)), key=lambda po: len(run.received(po)))
    assert len(run.received(number)) > 1
    line = min(run.received(number))
    run.coupa("receive", po_number=number, line_num=line)
    [receipt] = run.receipts()
    run.later(hours=2)
    run(before_load=lambda: run.coupa("void_receipt", id=receipt["id"]))
    assert run.comments(number) == [] and run.order(number)["custom-fields"].get("ab-order-status") != "Received"
    run.settle()
    assert received(run) == shipped(run.pair)
    assert len(run.comments(number)) == 1
    assert run.order(number)["custom-fields"]["ab-order-status"] == "Received"


def test_running_again_writes_nothing(run: ReceiptRun) -> None:
    run.settle()
    before = run.writes()
    for _ in range(2):
        run.later(days=1)
        closed = run()
        assert closed["documents"]["seen"] == closed["documents"]["delivered"]
    assert run.writes() == before


def test_two_loads_at_once_share_the_queue_and_receive_each_line_once(run: ReceiptRun, database_url: str) -> None:
    run.later(hours=2)
    run(load=False)
    run.pair.post("coupa", "faults", kind="slow", operation="create_receiving_transaction", seconds=0.2, times=100)
    together = threading.Barrier(2)

    def load(name: str) -> Json:
        with Ledger.opened(database_url) as own:
            request = RunRequest(dag_id=pipeline.PIPELINE, run_id=name, kind="manual")
            this = pipeline.open_run(own, request, rules=run.rules, clock=FixedClock(NOW + run.passed))
            coupa = connect_coupa(run.pair, own)
            together.wait(30)
            return pipeline.load(coupa, own, run=this, rules=run.rules, workers=2, seconds=60)

    with ThreadPoolExecutor(2) as pool:
        loads = list(pool.map(load, ["one", "two"]))
    assert all(one["delivered"] > 0 for one in loads)
    assert received(run) == shipped(run.pair)
    assert len(run.ours()) == len(shipped(run.pair)) == run.writes()["create_receiving_transaction"]["2xx"]


@pytest.mark.parametrize(
    ("point", "count"), [("claim", 0), ("claim", 2), ("socket", 0), ("socket", 1), ("outcome", 0), ("outcome", 2)]
)
def test_a_process_killed_at_any_point_of_a_send_is_finished_by_the_next_run(
    run: ReceiptRun, ledger: Ledger, database_url: str, mappings_directory: Path, point: str, count: int
) -> None:
    run.later(hours=2)
    program = textwrap.dedent(PROGRAM).replace("pipelines.killed import", "pipelines.killed_receipts import")
    command = [
        sys.executable, "-c", program, point, str(count), str(ROOT), run.pair.amazon_url, run.pair.coupa_url, database_url,
        str(mappings_directory),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/plugins"}
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert received(run) != shipped(run.pair) or point == "outcome"
    time.sleep(1.2)  # beyond the time-out: only then does "not found" count
    run()
    run.settle()
    assert received(run) == shipped(run.pair)
    names = [one["custom-fields"]["external-id"] for one in run.ours()]
    assert len(names) == len(set(names)) == len(shipped(run.pair)) == len(run.receipts())
    assert len(run.comments()) == len({key.split("/")[0] for key in shipped(run.pair)})
    population = ledger.completeness.population(pipeline.PIPELINE)
    assert population.complete and population.documents.delivered == len(shipped(run.pair))
