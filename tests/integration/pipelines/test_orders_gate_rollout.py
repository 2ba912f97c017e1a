"""rollout.yml counts when an order is sent, not only when it was planned; what shadow planned is never ordered later; alarms
are heard; what was only turned away is still open."""

from datetime import timedelta
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from procurement.ledger import Ledger
from tests.integration.pipelines.buying import OrderRun, switched
from tests.integration.pipelines.conftest import StartSandbox
from tests.integration.pipelines.test_orders import purchase_order
from tests.integration.pipelines.test_orders_gate import numbers, requisition_id

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    return OrderRun(
        start_sandbox("buying_plain", orders="2", lines="2"), ledger, switched(mappings_directory), workers=1
    )


def later(run: OrderRun, **passed: float) -> None:
    run.now += timedelta(**passed)
    run.pair.post("amazon", "clock", set=run.now.isoformat())


def cost_center(run: OrderRun, number: str) -> str:
    return str(purchase_order(run.pair, number)["order-lines"][0]["account"]["segment-2"])


AT_THE_GATE = ("waiting", "switched off in rollout.yml")
FROZEN = ("planned", None)  # the whole account is off: its rows are not even looked at


@pytest.mark.parametrize(
    ("scope", "fate"),
    [
        ("suppliers: {AMZN-US: {mode: off}}", AT_THE_GATE),
        ("accounts: {sandbox: {mode: off}}", FROZEN),
        ("cost_centers", AT_THE_GATE),
    ],
)
def test_what_is_switched_off_after_it_was_planned_stays_and_is_ordered_once_it_is_on_again(
    run: OrderRun, mappings_directory: Path, scope: str, fate: tuple[str, str | None]
) -> None:
    number = numbers(run)[0]
    entry = scope if ":" in scope else f"cost_centers: {{'{cost_center(run, number)}': {{mode: off}}}}"

    def switch_off() -> None:
        run.rules = switched(mappings_directory, f"{{mode: live, go_live: 2026-06-01, {entry}}}")

    run("one", between=switch_off)
    assert [(row.state, row.reason) for row in run.placed(number)] == [fate]
    run("two")
    assert number not in str(run.pair.state("amazon", "placed"))
    run.rules = switched(mappings_directory)
    run("three")
    assert [row.state for row in run.placed(number)] == ["delivered"]
    assert run.writes()["placeOrder"] == 2


@pytest.mark.parametrize(
    ("rollout", "reason"),
    [
        ("{mode: live, go_live: 2026-06-01, suppliers: {AMZN-US: {mode: shadow}}}", "shadow: planned, not sent"),
        ("{mode: live, go_live: 2026-12-01}", "before go-live"),
    ],
)
def test_what_is_put_in_shadow_or_before_go_live_after_it_was_planned_is_never_sent(
    run: OrderRun, mappings_directory: Path, rollout: str, reason: str
) -> None:
    def careful() -> None:
        run.rules = switched(mappings_directory, rollout)

    run("one", between=careful)
    assert {(row.state, row.reason) for row in run.placed()} == {("skipped", reason)}
    run.rules = switched(mappings_directory)
    run("two")
    assert run.writes().get("placeOrder", 0) == 0


def edit(run: OrderRun, number: str) -> None:
    later(run, hours=1)
    run.coupa("change_order", po_number=number, line_num="1", description="typo corrected")
    later(run, hours=1)


def test_what_shadow_planned_is_not_ordered_later_though_it_is_edited_until_a_person_names_it(
    run: OrderRun, mappings_directory: Path
) -> None:
    named, other = numbers(run)
    run.rules = switched(mappings_directory, "{mode: shadow, go_live: 2026-06-01}")
    run("shadow")
    run.rules = switched(mappings_directory)
    edit(run, named)
    summary = run("live")
    assert summary["extract"]["seen"] >= 1 and run.placed() == []
    assert summary["reasons"]["skipped: shadow: planned, not sent"] >= 1
    run("named", po_numbers=[named])
    assert [row.state for row in run.placed(named)] == ["delivered"] and run.placed(other) == []


def test_what_shadow_planned_stays_skipped_whatever_happened_to_it_in_between(
    run: OrderRun, mappings_directory: Path
) -> None:
    number = numbers(run)[0]
    run.rules = switched(mappings_directory, "{mode: shadow, go_live: 2026-06-01}")
    run("shadow")
    run.coupa("add_approver", requisition_id=requisition_id(run, number), approver="buyer")
    edit(run, number)
    run("held meanwhile")
    run.rules = switched(mappings_directory)
    run.coupa("approve", requisition_id=requisition_id(run, number))
    edit(run, number)
    run("live")
    assert run.placed() == []


def test_a_dry_run_still_shows_what_shadow_planned(run: OrderRun, mappings_directory: Path) -> None:
    run.rules = switched(mappings_directory, "{mode: shadow, go_live: 2026-06-01}")
    run("shadow")
    assert run("dry", dry_run=True, **{"from": "2026-06-01"})["transform"]["would_order"] == 2


def test_an_alarm_at_the_gate_is_a_finding_and_one_mail(run: OrderRun, ledger: Ledger) -> None:
    number = numbers(run)[0]
    run("one", between=lambda: run.coupa("transmit_order", po_number=number, transmission_status="sent_via_email"))
    (row,) = run.placed(number)
    (mail,) = [mail for mail in run.mails if mail.kind == "alarm"]
    assert row.state == "held"
    assert mail.body["subject"] == f"ALARM: {number} was stopped before it was ordered"
    assert "Coupa shows transmission status sent_via_email" in mail.body["text"]
    assert [sentence[:6] for sentence in run.findings(number)] == ["ALARM:"]
    ledger.dead_letters.replay(row.business_key)
    run("two")
    assert len([mail for mail in run.mails if mail.kind == "alarm"]) == 1 and len(run.findings(number)) == 1


def test_what_stops_at_the_gate_for_an_ordinary_reason_is_no_alarm(run: OrderRun) -> None:
    number = numbers(run)[0]
    run("one", between=lambda: run.coupa("cancel", po_number=number))
    assert [mail for mail in run.mails if mail.kind == "alarm"] == []


def test_an_order_that_was_only_turned_away_and_then_held_is_ordered_when_a_person_names_it(
    run: OrderRun, ledger: Ledger
) -> None:
    number = numbers(run)[0]
    run.pair.post("amazon", "switches", retry_after=True)
    run.pair.post("amazon", "faults", kind="rate_limit", operation="placeOrder", times=1000, retry_after=3600)
    run("turned away", po_numbers=[number])
    requests.delete(run.pair.control("amazon", "faults"), timeout=30)
    forget_the_wait(run, ledger)
    run.coupa("add_approver", requisition_id=requisition_id(run, number), approver="buyer")
    run("held")
    assert [row.state for row in run.placed(number)] == ["held"]
    run.coupa("approve", requisition_id=requisition_id(run, number))
    run("named", po_numbers=[number])
    assert [(row.business_key, row.state) for row in run.placed(number)] == [(f"{number}-1-1", "delivered")]


def forget_the_wait(run: OrderRun, ledger: Ledger) -> None:
    later(run, hours=8)
    with ledger.engine.begin() as connection:
        connection.execute(sa.text("UPDATE deliveries SET due_at = clock_timestamp()"))
        connection.execute(sa.text("UPDATE rate_buckets SET next_slot = clock_timestamp() - interval '1 hour'"))
