"""Promises that move or pass, packages that do not arrive, and what Package Tracking is asked."""

from pathlib import Path

import pytest

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.status_runs import StatusRun, switched

pytestmark = pytest.mark.integration
TRACKING = "getPackageTrackingDetails"


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("open_orders", orders="1", delivered="0")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path, order: str) -> StatusRun:
    """The one order has shipped whole and was seen so; it is promised for that very day."""
    run = StatusRun(pair, ledger, switched(mappings_directory, "{mode: live, go_live: 2026-03-01}"))
    run.amazon("ship", order)
    run.later(hours=1)
    run()
    return run


@pytest.fixture
def order(pair: SandboxPair) -> str:
    return str(pair.state("amazon", "orders")[0]["orderMetadata"]["orderId"])


def test_a_shipped_order_that_is_on_time_has_nothing_to_report(run: StatusRun, pair: SandboxPair) -> None:
    assert run.comments() == []
    assert run.calls(TRACKING) == 0


def test_a_promise_that_moved_is_told_once_a_line(run: StatusRun, pair: SandboxPair, order: str) -> None:
    run.amazon("delay", order)
    for _ in range(3):
        run.later(hours=1)
        run()
    lines = pair.state("amazon", "order_lines")
    assert len(run.comments()) == len(lines)
    assert all("promised for" in said and ", now for" in said and "at stake" in said for said in run.comments())


def test_a_promise_that_passed_asks_package_tracking_once_a_day(run: StatusRun, pair: SandboxPair) -> None:
    run.later(days=1, hours=1)
    for _ in range(3):
        run()
        run.later(hours=1)
    said = run.comments()
    assert said and all("and not delivered" in one for one in said)
    assert run.calls(TRACKING) == 1
    run.later(days=1)
    run()
    assert run.calls(TRACKING) == 2
    assert run.comments() == said


def test_what_package_tracking_says_is_undeliverable(run: StatusRun, pair: SandboxPair, order: str) -> None:
    run.amazon("undeliverable", order)
    run.later(days=1, hours=1)
    run()
    run.later(hours=1)
    run()
    said = [one for one in run.comments() if "could not be delivered" in one]
    assert len(said) == len(pair.state("amazon", "order_lines"))


def test_an_order_that_arrived_is_read_daily_and_finished_after_its_days(
    run: StatusRun, ledger: Ledger, order: str
) -> None:
    run.amazon("deliver", order)
    run.later(hours=1)
    run()
    run.later(hours=2)
    assert run()["extract"]["due"] == 0
    run.later(days=1)
    assert run()["extract"]["due"] == 1
    run.later(days=10)  # the scenario's own shipment has arrived by now, too
    run()
    run.later(days=61)
    assert run()["extract"]["finished"] == 1
    run.later(days=2)
    closed = run()
    assert (closed["extract"]["due"], closed["extract"]["new"]) == (0, 0)


def test_the_form_reads_an_order_although_it_is_finished(run: StatusRun, order: str) -> None:
    assert run(order_ids=[order])["extract"]["orders"] == 1
