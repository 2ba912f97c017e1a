"""Processes that die and runs that overlap: real processes, killed for real, against one ledger."""

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from procurement.ledger import Ledger
from procurement.ledger.types import Window
from procurement.sending import SendPolicy, send_due
from tests.integration.ledger.documents import (
    CREATE,
    KIND,
    PIPELINE,
    SOURCE,
    SUBMIT,
    Target,
    charge,
    count,
    invoice_plan,
    open_run,
    pending,
    plan_invoices,
    state_of,
    targets,
)

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
AT_ONCE = SendPolicy(timeout=0, ask_again_after=0)

# A load whose target writes a file per document and then dies, before (or after) the file, between the two commits.
DYING_LOAD = """
    import os, signal, sys
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from procurement.ledger import Ledger
    from procurement.sending import SendPolicy, send_due
    from tests.integration.ledger.documents import CREATE, PIPELINE, FreePermit

    url, folder, moment = sys.argv[1:]

    class Dying:
        def permit(self):
            return FreePermit()
        def send(self, delivery, permit):
            if moment == "after":
                Path(folder, delivery.business_key).write_text(str(delivery.attempt))
            os.kill(os.getpid(), signal.SIGKILL)
        def ask(self, delivery):
            raise AssertionError("nothing to ask")

    stop_at = datetime.now(UTC) + timedelta(minutes=1)
    send_due(Ledger.open(url), PIPELINE, {CREATE: Dying()}, policy=SendPolicy(), stop_at=stop_at)
"""


def die_between_the_commits(database_url: str, folder: Path, moment: str) -> None:
    script = textwrap.dedent(DYING_LOAD)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", script, database_url, str(folder), moment]
    done = subprocess.run(arguments, env=environment, cwd=ROOT, capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(("moment", "sends"), [("after", 0), ("before", 1)])
def test_a_process_killed_between_the_two_commits_of_a_send_doubles_and_loses_nothing(
    ledger: Ledger, database_url: str, tmp_path: Path, moment: str, sends: int
) -> None:
    run = plan_invoices(ledger, "T1")
    die_between_the_commits(database_url, tmp_path, moment)
    assert state_of(ledger) == "sending"
    assert ledger.deliveries.due(PIPELINE, 9) == []

    create = Target(CREATE, documents={path.name: "77" for path in tmp_path.iterdir()})
    stop_at = datetime.now(UTC) + timedelta(minutes=1)
    counts = send_due(ledger, PIPELINE, targets(create=create), policy=AT_ONCE, stop_at=stop_at)
    assert (create.asks, len(create.sends)) == (["N1"], sends)
    assert counts.delivered + counts.found == 2
    assert len(create.documents) == 1
    settled = ledger.completeness.settle(run)
    settled.require()
    assert settled.documents.delivered == 1


def test_a_process_killed_while_planning_leaves_the_records_to_the_next_run(ledger: Ledger, database_url: str) -> None:
    script = textwrap.dedent("""
        import os, signal, sys
        from procurement.ledger import Ledger
        from tests.integration.ledger.documents import PIPELINE, charge, open_run, read
        ledger = Ledger.open(sys.argv[1])
        with ledger.planning.planning_lock(PIPELINE):
            read(ledger, open_run(ledger), [charge("T1")])
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", script, database_url]
    done = subprocess.run(arguments, env=environment, cwd=ROOT, capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with ledger.planning.planning_lock(PIPELINE):  # the dead process's lock went with its connection
        assert ledger.planning.keep(open_run(ledger, "second"), invoice_plan(pending(ledger))).planned == 2


def test_two_runs_at_once_on_overlapping_windows_send_every_invoice_once(ledger: Ledger, database_url: str) -> None:
    create, submit = Target(CREATE), Target(SUBMIT)
    start = datetime(2026, 6, 1, tzinfo=UTC)

    def run_all(number: int) -> None:
        window = Window(start + timedelta(days=5 * number), start + timedelta(days=5 * number + 10))
        with Ledger.opened(database_url) as own:
            run = open_run(own, f"run {number}", window=window)
            rows = [charge(f"T{n}", invoice=f"N{n // 2}") for n in range(10 * number, 10 * number + 20)]
            own.records.stage(run, SOURCE, KIND, rows)
            own.coverage.cover(PIPELINE, window)
            with own.planning.planning_lock(PIPELINE):
                own.planning.keep(run, invoice_plan(pending(own)))
            stop_at = datetime.now(UTC) + timedelta(minutes=1)
            actions = targets(create=create, submit=submit)
            send_due(own, PIPELINE, actions, policy=SendPolicy(), stop_at=stop_at, workers=2)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run_all, range(2)))
    assert sorted(create.sends) == sorted(submit.sends) == sorted(f"N{n}" for n in range(15))
    assert ledger.coverage.covered(PIPELINE) == [Window(start, start + timedelta(days=15))]
    population = ledger.completeness.population(PIPELINE)
    population.require()
    assert population.documents.delivered == 30
    assert count(ledger, "SELECT count(*) FROM source_versions") == 30
