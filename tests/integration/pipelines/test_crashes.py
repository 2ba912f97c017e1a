"""Whatever breaks while invoices are sent: each is in Coupa at most once, and none is lost."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from procurement.ledger import Ledger
from procurement.policies import Rules
from procurement.policy_files import Sending
from tests.integration.pipelines.conftest import InvoiceRun, SandboxPair, StartSandbox

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]


@pytest.fixture
def rules(rules: Rules) -> Rules:
    """Asking is allowed at once, so that a test need not wait ten minutes."""
    impatient = Sending(timeout=1, ask_again_after=0, retry_not_sent_after=0.1, patience=5, outage_after=50)
    return replace(rules, policies=rules.policies.model_copy(update={"sending": impatient}))


def numbers(pair: SandboxPair) -> list[str]:
    return sorted(
        invoice["invoice-number"]
        for invoice in pair.invoices()
        if (invoice.get("custom-fields") or {}).get("ab-delivery-id")
    )


def planned_numbers(ledger: Ledger) -> list[str]:
    with ledger.engine.begin() as connection:
        rows = connection.execute(
            sa.text("SELECT business_key FROM deliveries WHERE action = 'create_invoice' AND state = 'delivered'")
        )
        return sorted(row[0].rsplit("/", 1)[1] for row in rows)


def drafts(pair: SandboxPair) -> list[str]:
    return [invoice["invoice-number"] for invoice in pair.invoices() if invoice["status"] == "draft"]


@pytest.mark.parametrize("operation", ["create_invoice", "submit_invoice", "create_invoice_comment"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "status_after", "malformed"])
def test_a_write_whose_answer_is_lost_is_asked_for_and_never_doubled(
    start_sandbox: StartSandbox, run_invoices: Any, ledger: Ledger, operation: str, kind: str
) -> None:
    pair = start_sandbox("tiny")
    run: InvoiceRun = run_invoices(pair)
    more = {"status": 503} if kind == "status_after" else {}
    pair.post("coupa", "faults", kind=kind, operation=operation, times=2, **more)
    run("first")
    time.sleep(1.2)  # beyond the time-out: only then does "not found" count
    run("second")
    assert numbers(pair) == planned_numbers(ledger) != []
    assert len(numbers(pair)) == len(set(numbers(pair)))
    assert drafts(pair) == []
    comments = [
        comment["comments"].rsplit("[", 1)[1]
        for comment in pair.state("coupa", "comments")
        if "[" in comment["comments"]
    ]
    assert len(comments) == len(set(comments))


@pytest.mark.parametrize("kind", ["status", "html", "slow"])
def test_a_storm_of_refusals_delays_and_loses_nothing(
    start_sandbox: StartSandbox, run_invoices: Any, ledger: Ledger, kind: str
) -> None:
    pair = start_sandbox("tiny")
    run: InvoiceRun = run_invoices(pair)
    more: dict[str, Any] = {"status": {"status": 429}, "html": {}, "slow": {"seconds": 0.3}}[kind]
    pair.post("coupa", "faults", kind=kind, operation="create_invoice", times=3, **more)
    run("first")
    time.sleep(1.2)
    run("second")
    assert numbers(pair) == planned_numbers(ledger) != []
    assert ledger.completeness.population("amazon_invoices_to_coupa").complete


def test_two_runs_at_once_over_the_same_window_deliver_each_invoice_once(
    start_sandbox: StartSandbox, run_invoices: Any, ledger: Ledger
) -> None:
    pair = start_sandbox("quarter", orders="80")
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            run_invoices(pair)(name)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert len(numbers(pair)) == len(set(numbers(pair))) > 20
    assert numbers(pair) == planned_numbers(ledger)
    calls = pair.calls("coupa")["by_operation"]
    assert calls["create_invoice"] == {"2xx": len(numbers(pair))}


PROGRAM = """
import json, os, signal, sys
from connectors.http import Edge
from procurement.ledger.deliveries import Deliveries

point, count = sys.argv[1], int(sys.argv[2])
def die_before(owner, name):
    kept, left = getattr(owner, name), [count]
    def wrapped(self, *args, **more):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept(self, *args, **more)
    setattr(owner, name, wrapped)

die_before(*{"claim": (Deliveries, "claim"), "socket": (Edge, "write"), "outcome": (Deliveries, "_deliver")}[point])
sys.path.insert(0, sys.argv[3])
from tests.integration.pipelines.killed import run_once
run_once(*sys.argv[4:])
"""


@pytest.mark.parametrize("count", [0, 1, 4])
@pytest.mark.parametrize("point", ["claim", "socket", "outcome"])
def test_a_process_killed_at_any_point_of_a_send_is_finished_by_the_next_run(
    start_sandbox: StartSandbox,
    run_invoices: Any,
    ledger: Ledger,
    database_url: str,
    mappings_directory: Path,
    point: str,
    count: int,
) -> None:
    pair = start_sandbox("tiny")
    command = [
        sys.executable, "-c", textwrap.dedent(PROGRAM), point, str(count), str(ROOT), pair.amazon_url, pair.coupa_url, database_url, str(mappings_directory),
    ]  # fmt: skip
    killed = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/plugins"},
        cwd=ROOT,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run: InvoiceRun = run_invoices(pair)
    time.sleep(1.2)
    run("after the kill")
    assert numbers(pair) == planned_numbers(ledger) != []
    assert drafts(pair) == []
    population = ledger.completeness.population("amazon_invoices_to_coupa")
    assert population.complete and population.documents.delivered > 0
