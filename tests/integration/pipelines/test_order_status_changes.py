"""Rules that change, cancel and close purchase orders, over real HTTP: with and without an approval, once and once more."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.amazon_order_status_to_coupa import PIPELINE
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.status_runs import StatusRun, switched

pytestmark = pytest.mark.integration
LIVE = "{mode: live, go_live: 2026-03-01}"
SOURCE, ORDER = "amazon_business/sandbox", "order"
RULES = """\
rules:
  - {when: {change: cancelled}, do: [%s]}
  - {when: {change: [cancelled_in_part, closed_short]}, do: [note, change_quantity]}
  - {when: {change: closed}, do: [close_order]}
examples:
  - {change: cancelled_in_part, expect: [note, change_quantity]}
"""
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("open_orders", orders="1", delivered="0")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> StatusRun:
    return ruled(pair, ledger, mappings_directory, "cancel_order")


def ruled(pair: SandboxPair, ledger: Ledger, directory: Path, cancelled: str) -> StatusRun:
    file = directory / "order_status.yml"
    text = file.read_text()
    file.write_text(text[: text.index("rules:\n")] + RULES % cancelled)
    run = StatusRun(pair, ledger, switched(directory, LIVE))
    run()
    return run


@pytest.fixture
def line(pair: SandboxPair) -> Json:
    """The order line with most units; at least three."""
    found = dict(max(pair.state("amazon", "order_lines"), key=lambda document: document["quantity"]))
    assert found["quantity"] >= 3
    return found


def names(line: Json) -> Json:
    return {"order": line["orderMetadata"]["orderId"], "orderLineItemId": line["orderLineItemId"]}


def po(pair: SandboxPair, number: str | None = None) -> Json:
    """The purchase order of that number, or the only one."""
    (found,) = [one for one in pair.state("coupa", "purchase_orders") if number in (None, one["po-number"])]
    return dict(found)


def asked(pair: SandboxPair, line: Json) -> Decimal:
    """Units that the PO line asks for."""
    number = line["purchaseOrderLineItemNumber"]
    lines = po(pair, line["purchaseOrderNumber"])["order-lines"]
    return next(Decimal(one["quantity"]) for one in lines if str(one["line-num"]) == number)


def changes(pair: SandboxPair) -> list[Json]:
    return list(pair.state("coupa", "purchase_order_changes"))


def cancel(run: StatusRun, line: Json, quantity: int) -> Json:
    run.amazon("cancel", **names(line), quantity=quantity)
    run.later(hours=1)
    return run()


def settled(run: StatusRun) -> bool:
    return run.ledger.records.to_plan(SOURCE, ORDER) == [] and run.ledger.dead_letters.list(pipeline=PIPELINE) == []


def test_units_that_amazon_cancelled_are_taken_off_the_order_once(run: StatusRun, line: Json) -> None:
    before = asked(run.pair, line)
    for _ in range(3):
        cancel(run, line, 1) if not changes(run.pair) else run()
        run.later(hours=1)
    assert asked(run.pair, line) == before - 1
    assert len(changes(run.pair)) == 1
    assert settled(run)


def test_two_changes_of_one_line_one_after_the_other_end_right(run: StatusRun, line: Json) -> None:
    before = asked(run.pair, line)
    cancel(run, line, 1)
    cancel(run, line, 1)
    for _ in range(2):
        run.later(hours=1)
        run()
    assert asked(run.pair, line) == before - 2
    assert [change["status"] for change in changes(run.pair)] == ["approved", "approved"]
    assert settled(run)


def test_a_change_that_waits_for_approval_is_not_asked_for_again_and_the_next_one_waits(
    run: StatusRun, line: Json
) -> None:
    run.coupa("settings", **{"order-change-approvers": ["ap.lead"]})
    before = asked(run.pair, line)
    cancel(run, line, 1)
    run.later(hours=1)
    run()
    (change,) = changes(run.pair)
    assert (change["status"], asked(run.pair, line)) == ("pending_approval", before)
    assert settled(run)
    closed = cancel(run, line, 1)
    assert len(changes(run.pair)) == 1
    assert closed["documents"]["waiting"] == 1 and not closed["dead_letters"]
    run.coupa("approve", **{"order-change-id": change["id"]})
    assert asked(run.pair, line) == before - 1
    run.later(hours=1)
    run()
    assert len(changes(run.pair)) == 2
    run.coupa("approve", **{"order-change-id": changes(run.pair)[-1]["id"]})
    run.later(hours=1)
    run()
    assert asked(run.pair, line) == before - 2
    assert settled(run)


def test_a_change_that_an_approver_rejected_stays_rejected_until_more_is_cancelled(run: StatusRun, line: Json) -> None:
    run.coupa("settings", **{"order-change-approvers": ["ap.lead"]})
    before = asked(run.pair, line)
    cancel(run, line, 1)
    run.coupa("reject", **{"order-change-id": changes(run.pair)[0]["id"], "reason": "no"})
    for _ in range(2):
        run.later(hours=1)
        run()
    assert len(changes(run.pair)) == 1 and settled(run)
    cancel(run, line, 1)
    run.coupa("approve", **{"order-change-id": changes(run.pair)[-1]["id"]})
    assert asked(run.pair, line) == before - 2, "what was rejected is still gone"


def test_units_that_nobody_has_ordered_yet_stay_on_the_order(run: StatusRun, line: Json) -> None:
    number = {"po-number": line["purchaseOrderNumber"], "line-num": line["purchaseOrderLineItemNumber"]}
    run.coupa("change_quantity", **number, quantity=line["quantity"] + 5)
    cancel(run, line, 1)
    assert asked(run.pair, line) == line["quantity"] + 4


def test_units_added_by_a_person_after_a_change_survive_the_next_one(run: StatusRun, line: Json) -> None:
    number = {"po-number": line["purchaseOrderNumber"], "line-num": line["purchaseOrderLineItemNumber"]}
    cancel(run, line, 1)
    run.coupa("change_quantity", **number, quantity=line["quantity"])
    cancel(run, line, 1)
    assert asked(run.pair, line) == line["quantity"] - 1


def test_what_a_person_took_off_already_is_not_taken_off_twice(run: StatusRun, line: Json) -> None:
    number = {"po-number": line["purchaseOrderNumber"], "line-num": line["purchaseOrderLineItemNumber"]}
    run.coupa("change_quantity", **number, quantity=line["quantity"] - 1)
    cancel(run, line, 1)
    assert asked(run.pair, line) == line["quantity"] - 1
    assert changes(run.pair) == []


def test_a_line_is_never_changed_below_what_was_received(run: StatusRun, line: Json) -> None:
    number = {"po-number": line["purchaseOrderNumber"], "line-num": line["purchaseOrderLineItemNumber"]}
    run.coupa("receive", **number, quantity=line["quantity"] - 1)
    cancel(run, line, 2)
    assert asked(run.pair, line) == line["quantity"] - 1
    assert settled(run)


@pytest.mark.parametrize("approvers", [[], ["ap.lead"]])
def test_changes_of_two_lines_of_one_order_are_made_one_after_the_other(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, approvers: list[str]
) -> None:
    run = ruled(start_sandbox("open_orders", orders="8", delivered="0"), ledger, mappings_directory, "cancel_order")
    run.coupa("settings", **{"order-change-approvers": approvers})
    several = [dict(one) for one in run.pair.state("amazon", "order_lines") if one["quantity"] > 1]
    orders = [one["orderMetadata"]["orderId"] for one in several]
    lines = [one for one in several if orders.count(one["orderMetadata"]["orderId"]) > 1]
    assert len(lines) > 1
    before = [asked(run.pair, line) for line in lines]
    for line in lines:
        run.amazon("cancel", **names(line), quantity=1)
    for _ in range(len(lines) + 1):
        run.later(hours=1)
        assert not run()["dead_letters"]
        for change in changes(run.pair):
            if change["status"] == "pending_approval":
                run.coupa("approve", **{"order-change-id": change["id"]})
    assert [asked(run.pair, line) for line in lines] == [units - 1 for units in before]
    assert settled(run)


def test_an_order_of_which_nothing_comes_is_cancelled(run: StatusRun, line: Json) -> None:
    run.amazon("cancel", line["orderMetadata"]["orderId"])
    for _ in range(2):
        run.later(hours=1)
        run()
    assert po(run.pair)["status"] == "cancelled"
    assert settled(run)


def test_an_order_is_not_cancelled_once_something_was_received(run: StatusRun, line: Json) -> None:
    number = {"po-number": line["purchaseOrderNumber"], "line-num": line["purchaseOrderLineItemNumber"]}
    run.coupa("receive", **number, quantity=1)
    run.amazon("cancel", line["orderMetadata"]["orderId"])
    run.later(hours=1)
    run()
    assert po(run.pair)["status"] == "issued"


def test_an_order_that_amazon_closed_is_closed_once_all_was_received(run: StatusRun, line: Json) -> None:
    order = line["orderMetadata"]["orderId"]
    run.amazon("ship", order)
    run.amazon("deliver", order)
    run.later(hours=1)
    closed = run()
    assert closed["documents"]["waiting"] == 1
    assert po(run.pair)["status"] == "issued"
    for one in run.pair.state("amazon", "order_lines"):
        run.coupa(
            "receive", **{"po-number": one["purchaseOrderNumber"], "line-num": one["purchaseOrderLineItemNumber"]}
        )
    for _ in range(2):
        run.later(hours=1)
        run()
    assert po(run.pair)["status"] in ("soft_closed", "closed")
    assert settled(run)
