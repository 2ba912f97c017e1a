"""A process that is killed while it tells Coupa: every comment is there once, every line is closed once, none is lost."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.amazon_order_status_to_coupa import PIPELINE
from procurement.policy_files import Sending
from tests.integration.pipelines.conftest import StartSandbox
from tests.integration.pipelines.killed_status import LIVE
from tests.integration.pipelines.status_runs import StatusRun, switched
from tests.integration.pipelines.test_crashes import PROGRAM, ROOT

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> StatusRun:
    """Two orders were seen, and Amazon has cancelled both since; asking is allowed at once."""
    run = StatusRun(start_sandbox("open_orders", orders="2", delivered="0"), ledger, switched(mappings_directory, LIVE))
    impatient = Sending(timeout=1, ask_again_after=0, retry_not_sent_after=0.1, patience=5, outage_after=50)
    run.rules = replace(run.rules, policies=run.rules.policies.model_copy(update={"sending": impatient}))
    run()
    for order in run.pair.state("amazon", "orders"):
        run.amazon("cancel", order["orderMetadata"]["orderId"])
    run.later(hours=1)
    return run


@pytest.mark.parametrize(
    ("point", "count"), [("claim", 0), ("socket", 0), ("socket", 3), ("outcome", 0), ("outcome", 2)]
)
def test_a_process_killed_at_any_point_of_a_send_is_finished_by_the_next_run(
    run: StatusRun, ledger: Ledger, database_url: str, mappings_directory: Path, point: str, count: int
) -> None:
    program = textwrap.dedent(PROGRAM).replace("pipelines.killed import", "pipelines.killed_status import")
    command = [
        sys.executable, "-c", program, point, str(count), str(ROOT), run.pair.amazon_url, run.pair.coupa_url, database_url,
        str(mappings_directory),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/plugins"}
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run.runs = 2
    for _ in range(3):
        time.sleep(1.1)  # beyond the time-out: only then does "not found" count
        run.later(hours=1)
        if not run()["load"]["unanswered"]:
            break
    lines = run.pair.state("amazon", "order_lines")
    said = run.comments()
    assert len(said) == len(set(said)) == len(lines)
    closings = run.pair.calls("coupa")["by_operation"]["soft_close_for_receiving_purchase_order_line"]
    assert closings == {"2xx": len(lines)}
    assert ledger.completeness.population(PIPELINE).complete
