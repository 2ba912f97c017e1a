"""What the gate stops stands in the register of violations, once a cause, until it is over; the last word of an approver counts."""

import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation
from procurement.ledger.deliveries import Deliveries
from procurement.ledger.types import Claimed
from procurement.pipelines import coupa_requisitions_to_amazon_orders as orders
from procurement.pipelines.purchase_compliance.digest import open_by_rule
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from tests.integration.pipelines.buying import PIPELINE, OrderRun
from tests.integration.pipelines.compliance_runs import ComplianceRun
from tests.integration.pipelines.conftest import NOW, StartSandbox, connect_amazon, connect_coupa
from tests.integration.pipelines.test_orders import purchase_order
from tests.integration.pipelines.test_orders_gate import numbers
from tests.integration.pipelines.test_orders_gate_compliance import (
    asin_of,
    comments,
    orders_of_one_buyer,
    switched,
    totals,
)
from tests.integration.pipelines.test_orders_gate_rollout import cost_center, later

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    return OrderRun(start_sandbox("buying_plain", orders="1", lines="1"), ledger, read_rules(mappings_directory))


def violation(ledger: Ledger) -> KeptViolation:
    """The only one of the register, open or closed."""
    (row,) = ledger.compliance._read("true", {})
    return row


def say(run: OrderRun, number: str, text: str, by: str = "catalog.admin") -> None:
    order = purchase_order(run.pair, number)["id"]
    run.coupa("comment", commentable_type="OrderHeader", commentable_id=order, by=by, comments=text)


def with_policies(rules: Rules, of: Rules) -> Rules:
    object.__setattr__(rules, "policies", of.policies)
    return rules


def waive(run: OrderRun, directory: Path, number: str) -> None:
    file = directory / "compliance.yml"
    waiver = f'waivers:\n  - {{rule: restricted_goods, po: "{number}", by: compliance officer, reason: range day}}\n'
    file.write_text(file.read_text().replace("waivers: []", waiver, 1))
    run.rules = with_policies(read_rules(directory), run.rules)


def test_what_is_blocked_is_one_violation_with_money_and_cost_center_until_a_waiver_lets_it_go(
    run: OrderRun, ledger: Ledger, mappings_directory: Path
) -> None:
    (number,) = numbers(run)
    run.rules = switched(mappings_directory, [asin_of(run, number)])
    run("one")
    found = violation(ledger)
    assert (found.purchase, found.po_number, found.rule, found.action) == (number, number, "restricted_goods", "block")
    assert (found.amount, found.currency) == (totals(run, number), "USD")
    assert (found.cost_center, found.closed_at, found.told) == (cost_center(run, number), None, "at_once")
    assert "may not be bought" in found.sentence and found.buyer
    (told,) = [text for text in comments(run) if "blocks it" in text]
    assert f"by {found.act_by}" in told
    (counted,) = open_by_rule(ledger.compliance.open())
    assert counted["stopped_before_order"] and counted["money"] == f"USD {found.amount}"
    (row,) = run.placed(number)
    later(run, hours=1)
    ledger.dead_letters.replay(f"D-{row.id}")
    run("again")
    assert violation(ledger) == found, "looked at again it stays the same row"
    assert len([text for text in comments(run) if "blocks it" in text]) == 1
    waive(run, mappings_directory, number)
    ledger.dead_letters.replay(f"D-{row.id}")
    run("two")
    closed = violation(ledger)
    assert [one.state for one in run.placed(number)] == ["delivered"]
    assert (closed.closed_at, closed.times) == (run.now, 1) and closed.closed_because
    assert len([text for text in comments(run) if text.startswith("Settled: ")]) == 1


@pytest.mark.parametrize("how", ["cancelled", "discarded"])
def test_what_is_withdrawn_is_no_violation_any_more(
    run: OrderRun, ledger: Ledger, mappings_directory: Path, how: str
) -> None:
    (number,) = numbers(run)
    run.rules = switched(mappings_directory, [asin_of(run, number)])
    run("one")
    if how == "cancelled":
        later(run, hours=1)
        run.coupa("cancel", po_number=number)
        later(run, hours=1)
    else:
        ledger.dead_letters.discard(f"D-{run.placed(number)[0].id}", "not needed")
    run("two")
    run("three")
    why = "the purchase order is cancelled" if how == "cancelled" else "discarded: not needed"
    assert violation(ledger).closed_because == f"it is not ordered: {why}"
    assert ledger.dead_letters.list(states=("held", "dead")) == [] and run.writes().get("placeOrder", 0) == 0


def test_what_is_routed_is_a_violation_until_its_approver_agreed_and_found_again_it_is_open_again(
    run: OrderRun, ledger: Ledger, mappings_directory: Path
) -> None:
    (number,) = numbers(run)
    run.rules = switched(mappings_directory, [asin_of(run, number)], action="route")
    run("one")
    assert violation(ledger).closed_at is None
    say(run, number, "Approved")
    run("two")
    assert violation(ledger).closed_because == "catalog.admin approved it"
    assert run.writes()["placeOrder"] == 1
    assert not [text for text in comments(run) if "blocks it" in text or text.startswith("Settled")]


@pytest.mark.parametrize("last", ["Rejected, we have them in stock", "No, wait", "Approval withdrawn"])
def test_a_later_no_of_the_approver_holds_and_a_yes_after_it_too(
    run: OrderRun, ledger: Ledger, mappings_directory: Path, last: str
) -> None:
    (number,) = numbers(run)
    run.rules = switched(mappings_directory, [asin_of(run, number)], action="route")
    run("one")
    say(run, number, "Approved for the range day")
    say(run, number, last)
    say(run, number, "Rejected", by="jane.doe")
    run("two")
    run("three")
    (row,) = run.placed(number)
    assert (row.state, row.reason) == ("waiting", "compliance: restricted_goods was refused by catalog.admin")
    (mail,) = [one for one in run.mails if "/refused/" in one.key]
    assert number in mail.body["subject"] and violation(ledger).closed_at is None
    assert run.writes().get("placeOrder", 0) == 0
    say(run, number, "Approved after all")
    run("four")
    assert [one.state for one in run.placed(number)] == ["delivered"]


def test_a_no_on_the_order_counts_though_the_same_person_approved_its_requisition(
    run: OrderRun, ledger: Ledger, mappings_directory: Path
) -> None:
    (number,) = numbers(run)
    run.rules = switched(mappings_directory, [asin_of(run, number)], action="route", approver=approver(run, number))
    say(run, number, "Rejected: the budget is gone", by=approver(run, number))
    run("one")
    assert [row.state for row in run.placed(number)] == ["waiting"] and violation(ledger).closed_at is None
    say(run, number, "Approved", by=approver(run, number))
    run("two")
    assert [row.state for row in run.placed(number)] == ["delivered"]


def approver(run: OrderRun, number: str) -> str:
    id = purchase_order(run.pair, number)["requisition-header"]["id"]
    rows = run.pair.state("coupa", "approvals")
    return next(
        str(row["approver"]["login"]) for row in rows if row["approvable-id"] == id and row["status"] == "approved"
    )


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_the_most_careful_rollout_of_its_cost_center_and_supplier_decides_whether_an_order_is_asked_about(
    run: OrderRun, ledger: Ledger, mappings_directory: Path, mode: str
) -> None:
    (number,) = numbers(run)
    narrow(run, mappings_directory, f"cost_centers: {{'{cost_center(run, number)}': {{mode: {mode}}}}}")
    run("one")
    assert [row.state for row in run.placed(number)] == ["delivered"]
    assert ledger.compliance.open() == []


def test_a_narrower_rollout_that_is_live_is_asked_though_the_pipeline_is_not(
    run: OrderRun, mappings_directory: Path
) -> None:
    (number,) = numbers(run)
    narrow(run, mappings_directory, "suppliers: {AMZN-US: {mode: live, go_live: 2026-06-01}}", mode="shadow")
    run("one")
    assert [row.state for row in run.placed(number)] == ["held"]


def narrow(run: OrderRun, directory: Path, entry: str, mode: str = "live") -> None:
    run.rules = switched(directory, [asin_of(run, numbers(run)[0])])
    file = directory / "rollout.yml"
    old = "purchase_compliance: {mode: live, go_live: 2026-06-01}"
    assert old in file.read_text()
    file.write_text(
        file.read_text().replace(old, f"purchase_compliance: {{mode: {mode}, go_live: 2026-06-01, {entry}}}")
    )
    run.rules = with_policies(read_rules(directory), run.rules)


def test_two_processes_at_once_do_not_let_through_both_halves_of_a_split(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has connections of its own, and both have looked before one of them claims, if they can."""
    run = OrderRun(start_sandbox("buying_plain", orders="8", lines="1"), ledger, read_rules(mappings_directory))
    first, second = orders_of_one_buyer(run)
    limit = max(totals(run, first), totals(run, second)) + Decimal("0.01")
    rule = (
        "rules:\n  - name: in_parts\n    kind: split_order\n    same: buyer\n    action: block\n    before_order: true\n"
        f"    limit: {limit}\n"
    )
    run.rules = switched(mappings_directory, [], rules=rule)
    together = threading.Barrier(2)
    other = Ledger.open(ledger.engine.url.render_as_string(hide_password=False))
    monkeypatch.setattr(Deliveries, "claim", after(together, Deliveries.claim))
    due = other.deliveries.due
    monkeypatch.setattr(other.deliveries, "due", lambda *one, **how: due(*one, **how)[::-1])  # begins at the other end
    failures: list[BaseException] = []

    def load(ledger: Ledger) -> None:
        try:
            request = RunRequest(dag_id=PIPELINE, run_id="one")
            opened = orders.open_run(ledger, request, rules=run.rules, clock=FixedClock(run.now))
            amazon, coupa = connect_amazon(run.pair, ledger), connect_coupa(run.pair, ledger)
            orders.load(amazon, coupa, ledger, run=opened, rules=run.rules, workers=1, seconds=60)
        except BaseException as error:
            failures.append(error)

    def both() -> None:
        threads = [threading.Thread(target=load, args=(one,)) for one in (ledger, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run("one", between=both, po_numbers=[first, second])
    other.close()
    assert failures == []
    rows = [row for number in (first, second) for row in run.placed(number)]
    assert sorted((row.state, row.reason) for row in rows) == [
        ("delivered", None),
        ("held", "compliance: in_parts blocks it"),
    ]
    assert run.writes()["placeOrder"] == 1


def after(together: threading.Barrier, claim: Callable[..., Claimed | None]) -> Callable[..., Claimed | None]:
    """A claim that waits some seconds for the other process's first one."""

    def waiting(self: Deliveries, id: int, **how: Any) -> Claimed | None:
        try:
            together.wait(timeout=3)
        except threading.BrokenBarrierError:
            pass
        return claim(self, id, **how)

    return waiting


def test_where_coupa_takes_no_comment_of_ours_other_orders_go_on_and_people_hear_which_right_is_missing(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path
) -> None:
    run = OrderRun(start_sandbox("buying_plain", orders="2", lines="1"), ledger, read_rules(mappings_directory))
    number, other = numbers(run)
    run.rules = switched(mappings_directory, [asin_of(run, number)], action="route")
    run.pair.post("coupa", "faults", operation="create_purchase_order_comment", kind="status", status=403, times=1)
    run("one")
    (letter,) = [one for one in ledger.dead_letters.list() if "ask_compliance_approver" in one.document]
    assert letter.error_class == "permission" and "core.comment.write" in str(letter.reason)
    assert [row.state for row in run.placed(other)] == ["delivered"]
    run("two")
    (row,) = run.placed(number)
    assert (row.state, row.reason) == ("held", "compliance: restricted_goods cannot ask catalog.admin")
    assert "replay that dead letter first" in " ".join(
        error for one in ledger.dead_letters.list(states=("held",)) for error in one.errors
    )
    ledger.dead_letters.replay(letter.key)  # the right was given
    run("three")
    ledger.dead_letters.replay(f"D-{row.id}")
    say(run, number, "Approved")
    run("four")
    assert [one.state for one in run.placed(number)] == ["delivered"]


def test_what_the_approver_agreed_to_before_the_order_is_no_violation_after_it(
    run: OrderRun, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    (number,) = numbers(run)
    run.rules = switched(mappings_directory, [asin_of(run, number)], action="route")
    run("one")
    say(run, number, "Approved")
    run("two")
    later(run, hours=1)
    judged = ComplianceRun(run.pair, ledger, run.rules, tmp_path, passed=run.now - NOW)
    assert judged()["documents"]["seen"] == 1
    assert [row.rule for row in ledger.compliance.open() if row.rule == "restricted_goods"] == []
    with ledger.engine.begin() as connection:  # as if nobody had ever agreed
        connection.exec_driver_sql("UPDATE violations SET closed_because = 'it is not found any more'")
    order_id = str(run.placed(number)[0].target_id)
    ledger.records.plan_again([ledger.records.find("amazon_business/sandbox", "purchase", [order_id])[order_id].id])
    judged()
    assert [row.po_number for row in ledger.compliance.open() if row.rule == "restricted_goods"] == [number]
