"""How far the pipeline may go: off, shadow, a dry run, before go-live."""

from pathlib import Path

import pytest

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.receiving_runs import ReceiptRun, switched

pytestmark = pytest.mark.integration


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    """Two orders, delivered today; nothing of them is received."""
    return start_sandbox("open_orders", orders="2", delivered="2")


def runner(pair: SandboxPair, ledger: Ledger, directory: Path, rollout: str) -> ReceiptRun:
    run = ReceiptRun(pair, ledger, switched(directory, rollout, automatic_up_to=100_000))
    run.later(hours=2)
    return run


def test_switched_off_it_reads_and_writes_nothing(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> None:
    run = runner(pair, ledger, mappings_directory, "{mode: off}")
    closed = run()
    assert closed["documents"]["seen"] == 0
    assert run.writes() == {}


def test_in_shadow_it_shows_what_it_would_do_and_never_sends_it_later(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path
) -> None:
    run = runner(pair, ledger, mappings_directory, "{mode: shadow, go_live: 2026-03-01}")
    closed = run()
    assert closed["documents"]["skipped"] == closed["documents"]["seen"] > 0
    assert {reason for _, reason in run.fates().values()} == {"shadow: planned, not sent"}
    rows = ledger.plans.of(ledger.runs.get("amazon_deliveries_to_coupa_receipts", "run-1"))
    assert "create_receipt" in {row["action"] for row in rows}
    run.rules = switched(mappings_directory, automatic_up_to=100_000)
    run.later(hours=25)
    run()
    assert run.writes() == {}


def test_a_dry_run_shows_its_plan_and_keeps_nothing(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path
) -> None:
    run = runner(pair, ledger, mappings_directory, "{mode: off}")
    window = {"from": "2026-06-20", "to": "2026-06-30T12:00:00Z"}
    closed = run(dry_run=True, **window)
    assert closed["transform"]["would_write"] > 0
    assert closed["plans"] > 0
    assert run.writes() == {} and run.fates() == {}


def test_what_was_delivered_before_go_live_is_skipped_unless_a_person_releases_its_po(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path
) -> None:
    run = runner(pair, ledger, mappings_directory, "{mode: live, go_live: 2026-08-01}")
    orders = {one["orderMetadata"]["orderId"] for one in pair.state("amazon", "order_lines")}
    run(order_ids=sorted(orders))
    assert {reason for _, reason in run.fates().values()} == {"delivered before go-live"}
    number = pair.state("amazon", "order_lines")[0]["purchaseOrderNumber"]
    run.later(hours=1)
    run(po_numbers=[number])
    assert {one["order-line"]["order-header-number"] for one in run.ours()} == {number}


@pytest.mark.parametrize(("mode", "reason"), [("off", "switched off"), ("shadow", "shadow")])
def test_a_line_goes_no_further_than_the_most_careful_of_its_cost_centers(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path, mode: str, reason: str
) -> None:
    lines = {
        f"{order['po-number']}/{line['line-num']}": str(line["account"]["segment-2"])
        for order in pair.state("coupa", "purchase_orders")
        for line in order["order-lines"]
    }
    careful = min(lines.values())
    assert set(lines.values()) > {careful}
    rollout = f'{{mode: live, go_live: 2026-03-01, cost_centers: {{"{careful}": {{mode: {mode}}}}}}}'
    run = runner(pair, ledger, mappings_directory, rollout)
    run.settle()
    mine = {f"{one['order-line']['order-header-number']}/{one['order-line']['line-num']}" for one in run.ours()}
    assert mine == {place for place, center in lines.items() if center != careful}
    kept = [why for state, why in run.fates().values() if state == "skipped" and why.startswith(reason)]
    assert len(kept) == len(lines) - len(mine)
