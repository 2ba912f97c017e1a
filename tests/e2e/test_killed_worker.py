"""A worker dies in the middle of an order: at Amazon the order exists, and nobody is left who heard so."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from local.acts import Theatre
from local.stack import Running
from local.world import BUYING
from procurement.ledger import Ledger
from procurement.ledger.types import Known
from tests.e2e.conftest import (
    comments,
    control,
    happen,
    order_lines,
    orders_placed,
    purchase,
    purchase_order,
    task,
    until,
)

pytestmark = pytest.mark.e2e

ORDERS = BUYING[0]
ANSWERS_AFTER = 15  # seconds in which the worker waits for Amazon, and is killed


@pytest.fixture(scope="module")
def impatient(running: Running) -> Iterator[None]:
    """What has no answer is asked for half a minute after it was sent, not after eleven: the dead worker is noticed sooner."""
    policies = running.world.mappings / "policies.yml"
    shipped = policies.read_text()
    changed = shipped.replace("\n  timeout: 60\n", "\n  timeout: 20\n").replace(
        "ask_again_after: 600 ", "ask_again_after: 10 "
    )
    assert changed.count("timeout: 20\n") == changed.count("ask_again_after: 10 ") == 1
    policies.write_text(changed)
    yield
    policies.write_text(shipped)


@pytest.fixture(scope="module")
def approved_at_last(running: Running, theatre: Theatre, unapproved: str) -> str:
    """The PO that was held for an approval, once it has it: nothing else is left to be ordered."""
    if not running.rest.runs(ORDERS):
        theatre.follow({ORDERS: theatre.start(ORDERS)})
    happen(running.coupa_url, "approve", {"req-title": purchase(running, "returned_goods")["requisition"]})
    return unapproved


@dataclass(frozen=True, slots=True)
class Killed:
    """The run whose worker was killed, and how things stood before the next try: the order in the ledger, calls of
    placeOrder and orderDetails."""

    run_id: str
    po_number: str
    key: str
    in_ledger: str
    sent: int
    asked: int


def calls(running: Running, operation: str) -> int:
    answers = control(running.amazon_url, "calls")["by_operation"].get(operation, {})
    return int(sum(answers.values()))


def order_of(running: Running, po_number: str) -> Known:
    with Ledger.opened(running.ledger_url) as ledger:
        (row,) = ledger.deliveries.of_keys_like(ORDERS, "place_order", [f"{po_number}-"])
    return row


def kill(process: int) -> None:
    """The task's process and the supervisor above it, the supervisor first: nobody reports what happened."""
    supervisor = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    for one in (supervisor, process):
        assert b"airflow worker" in Path(f"/proc/{one}/cmdline").read_bytes()
    for one in (supervisor, process):
        os.kill(one, signal.SIGKILL)


@pytest.fixture(scope="module")
def killed(running: Running, approved_at_last: str, impatient: None) -> Killed:
    """Amazon takes the order and is slow to say so; the worker dies meanwhile, and the task is tried again."""
    fault = {"kind": "slow_after", "operation": "placeOrder", "seconds": ANSWERS_AFTER}
    requests.post(f"{running.amazon_url}/_sandbox/faults", json=fault, timeout=30).raise_for_status()
    before = set(orders_placed(running))
    run_id = running.rest.trigger(ORDERS, {"po_numbers": [approved_at_last]})
    assert until(lambda: bool(set(orders_placed(running)) - before), 60)
    (key,) = set(orders_placed(running)) - before
    kill(task(running, ORDERS, run_id, "load")["pid"])
    assert until(lambda: task(running, ORDERS, run_id, "load")["state"] == "up_for_retry", 60)
    killed = Killed(
        run_id, approved_at_last, key, order_of(running, approved_at_last).state,
        sent=calls(running, "placeOrder"), asked=calls(running, "orderDetails"),
    )  # fmt: skip
    again = {
        "dag_run_id": run_id,
        "task_ids": ["load"],
        "only_failed": False,
        "reset_dag_runs": False,
        "dry_run": False,
    }
    running.rest.post(f"dags/{ORDERS}/clearTaskInstances", again)  # the next try, without the minute before it
    return killed


def test_an_order_whose_worker_died_is_asked_for_and_not_sent_again(
    running: Running, theatre: Theatre, killed: Killed
) -> None:
    theatre.follow({ORDERS: killed.run_id})
    assert killed.in_ledger == "sending"
    assert task(running, ORDERS, killed.run_id, "load")["try_number"] == 2
    assert calls(running, "placeOrder") == killed.sent
    assert calls(running, "orderDetails") == killed.asked + 1
    assert list(orders_placed(running).values()).count(killed.po_number) == 1
    row = order_of(running, killed.po_number)
    assert (row.state, row.business_key) == ("delivered", killed.key)


def test_an_order_that_was_found_is_written_back_and_told_like_any_other(
    running: Running, theatre: Theatre, killed: Killed
) -> None:
    theatre.follow({ORDERS: killed.run_id})
    row = order_of(running, killed.po_number)
    order, lines = purchase_order(running, killed.po_number), order_lines(running, killed.po_number)
    assert {line["orderMetadata"]["orderId"] for line in lines} == set(str(row.target_id).split(", "))
    assert sum(line["quantity"] for line in lines) == sum(float(line["quantity"]) for line in order["order-lines"])
    assert order["custom-fields"]["ab-order-ids"] == row.target_id
    said = [text for text in comments(running, killed.po_number) if "is ordered at Amazon" in text]
    assert len(said) == 1 and str(row.target_id) in said[0]


def test_the_next_run_for_the_same_purchase_order_orders_nothing(
    running: Running, theatre: Theatre, killed: Killed
) -> None:
    theatre.follow({ORDERS: killed.run_id})
    before = orders_placed(running)
    theatre.follow({ORDERS: running.rest.trigger(ORDERS, {"po_numbers": [killed.po_number]})})
    assert orders_placed(running) == before
    assert calls(running, "placeOrder") == killed.sent
