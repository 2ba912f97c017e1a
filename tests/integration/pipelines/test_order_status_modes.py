"""Off, shadow, dry run, go-live; what cannot be read or is refused; many orders in few calls; a comment without an answer."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from procurement.ledger import Ledger
from procurement.pipelines.amazon_order_status_to_coupa import PIPELINE
from procurement.policy_files import Sending
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.status_runs import StatusRun, switched

pytestmark = pytest.mark.integration
LIVE = "{mode: live, go_live: 2026-03-01}"
REPORTS = ("getOrderReports", "getOrderLineItemReports", "getShipmentReports", "getShipmentLineItemReports")


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("open_orders", orders="2", delivered="0")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> StatusRun:
    return StatusRun(pair, ledger, switched(mappings_directory, LIVE))


@pytest.fixture
def order(pair: SandboxPair) -> str:
    return str(pair.state("amazon", "orders")[0]["orderMetadata"]["orderId"])


def test_switched_off_it_reads_and_writes_nothing(run: StatusRun, mappings_directory: Path) -> None:
    run.rules = switched(mappings_directory, "{mode: off}")
    assert run()["documents"]["seen"] == 0
    assert sum(run.calls(operation) for operation in REPORTS) == 0


def test_in_shadow_the_plan_is_shown_and_never_sent(
    run: StatusRun, ledger: Ledger, order: str, mappings_directory: Path
) -> None:
    run.rules = switched(mappings_directory, "{mode: shadow, go_live: 2026-03-01}")
    run.amazon("cancel", order)
    closed = run()
    (row,) = [row for row in ledger.plans.of(ledger.runs.get(PIPELINE, "run-1")) if row["actions"]]
    assert row["document"] == order and "cancelled all" in row["changes"][0]
    assert closed["reasons"]["skipped: shadow: planned, not sent"] == 2
    assert run.comments() == []


def test_a_dry_run_shows_the_plan_and_keeps_nothing(run: StatusRun, ledger: Ledger, order: str) -> None:
    run.amazon("cancel", order)
    assert run(dry_run=True, **{"from": "2026-06-01"})["transform"]["would_act"] == 1
    assert ledger.records.to_plan("amazon_business/sandbox", "order") == []
    assert ledger.open_documents.due("amazon_order", ledger.runs.get(PIPELINE, "run-1").now) == []
    (row,) = [row for row in ledger.plans.of(ledger.runs.get(PIPELINE, "run-1")) if row["actions"]]
    assert row["document"] == order
    assert run.comments() == []


def test_orders_from_before_go_live_are_left_alone(run: StatusRun, mappings_directory: Path) -> None:
    run.rules = switched(mappings_directory, "{mode: live, go_live: 2026-06-30}")
    closed = run(**{"from": "2026-06-01"})
    assert closed["extract"]["ignored"] == 2
    assert closed["documents"]["seen"] == 0


def test_a_report_that_cannot_be_read_is_a_dead_letter_until_it_can(
    run: StatusRun, pair: SandboxPair, order: str
) -> None:
    broken = {"ordersReport": [{**row, "charges": "none"} for row in pair.state("amazon", "orders")]}
    pair.post("amazon", "faults", kind="patch", operation="getOrderReports", times=1, patch=broken)
    closed = run()
    assert closed["documents"]["dead"] == 2
    run.later(hours=1)
    assert run()["reasons"] == {"skipped: nothing went otherwise than promised": 2}


def test_what_coupa_refuses_is_a_dead_letter_that_says_what_to_do(
    run: StatusRun, pair: SandboxPair, ledger: Ledger, order: str
) -> None:
    run()
    run.amazon("cancel", order)
    pair.post(
        "coupa", "faults", kind="status", operation="soft_close_for_receiving_purchase_order_line", status=400, times=9
    )
    run.later(hours=1)
    run()
    letters = ledger.dead_letters.list(pipeline=PIPELINE)
    assert letters and all(letter.errors and letter.to_do for letter in letters)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_comment_without_an_answer_is_asked_for_and_never_doubled(
    run: StatusRun, pair: SandboxPair, order: str, kind: str
) -> None:
    impatient = Sending(timeout=1, ask_again_after=0, retry_not_sent_after=0.1, patience=5, outage_after=50)
    run.rules = replace(run.rules, policies=run.rules.policies.model_copy(update={"sending": impatient}))
    run()
    run.amazon("cancel", order)
    pair.post("coupa", "faults", kind=kind, operation="create_purchase_order_comment", times=1)
    for _ in range(2):
        run.later(hours=1)
        run()
    said = run.comments()
    lines = [row for row in pair.state("amazon", "order_lines") if row["orderMetadata"]["orderId"] == order]
    assert len(said) == len(set(said)) == len(lines)


def test_a_thousand_open_orders_take_thirty_ids_a_call(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path
) -> None:
    pair = start_sandbox("open_orders", orders="1000", delivered="100")
    run = StatusRun(pair, ledger, switched(mappings_directory, LIVE))
    assert run()["documents"]["seen"] == 1000
    run.later(hours=1)
    requests.delete(pair.control("amazon", "calls"), timeout=30)
    requests.delete(pair.control("coupa", "calls"), timeout=30)
    assert run()["documents"]["seen"] == 900, "what arrived is read daily"
    assert [run.calls(operation) for operation in REPORTS[1:]] == [30, 30, 30]
    assert run.calls("getOrderReports") == 10, "pages of a hundred"
    assert pair.calls("coupa")["by_operation"]["list_purchase_orders"] == {"2xx": 18}
    assert run.comments() == []


def test_what_was_shown_in_shadow_stays_unsent_when_the_pipeline_goes_live(
    run: StatusRun, mappings_directory: Path
) -> None:
    live = run.rules
    run.rules = switched(mappings_directory, "{mode: shadow, go_live: 2026-03-01}")
    run()
    run.later(hours=1)
    line = max(run.pair.state("amazon", "order_lines"), key=lambda one: one["quantity"])
    order = line["orderMetadata"]["orderId"]
    run.amazon("cancel", order, orderLineItemId=line["orderLineItemId"], quantity=1)
    for _ in range(2):
        assert run()["transform"]["planned"] == 0
        run.later(hours=1)
    run.rules = live
    run.amazon("ship", order)  # the facts change, so that the order is planned again
    (other,) = {one["orderMetadata"]["orderId"] for one in run.pair.state("amazon", "orders")} - {order}
    run.amazon("cancel", other)
    closed = run()
    said = run.comments()
    assert said and all(f"Amazon order {other}" in one for one in said)
    assert closed["reasons"]["skipped: shown in shadow, never sent"] == 1
    run.coupa("receive", **{
        "po-number": line["purchaseOrderNumber"], "line-num": line["purchaseOrderLineItemNumber"],
        "quantity": line["quantity"] - 1,
    })  # fmt: skip
    run.amazon("deliver", order)
    run.later(hours=1)
    run()
    lines = [one for one in run.pair.state("amazon", "order_lines") if one["orderMetadata"]["orderId"] == other]
    closings = run.pair.calls("coupa")["by_operation"]["soft_close_for_receiving_purchase_order_line"]
    assert closings == {"2xx": len(lines)}
    assert run.comments() == said


def test_a_po_cancelled_by_a_person_in_shadow_is_not_told_later(
    run: StatusRun, pair: SandboxPair, order: str, mappings_directory: Path
) -> None:
    live = run.rules
    run()
    run.rules = switched(mappings_directory, "{mode: shadow, go_live: 2026-03-01}")
    run.coupa("cancel", **{"po-number": pair.state("amazon", "orders")[0]["purchaseOrderNumber"]})
    run.later(hours=1)
    run()
    run.rules = live
    run.later(hours=1)
    run()
    assert run.comments() == []
