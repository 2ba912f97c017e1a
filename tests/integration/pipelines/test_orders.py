"""Approved purchase orders become Amazon orders, once, and what Amazon answers goes back: real servers, real PostgreSQL."""

from pathlib import Path
from typing import Any

import pytest
import requests

from procurement.ledger import Ledger
from tests.integration.pipelines.buying import LIVE, PIPELINE, OrderRun, switched
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox

pytestmark = pytest.mark.integration


@pytest.fixture
def run_orders(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> Any:
    def start(
        scenario: str = "buying", *, rollout: str = LIVE, policies: dict[str, object] | None = None, **options: str
    ) -> OrderRun:
        return OrderRun(
            start_sandbox(scenario, **options), ledger, switched(mappings_directory, rollout, **(policies or {}))
        )

    return start


def planted(pair: SandboxPair) -> dict[str, dict[str, Any]]:
    """The situations of the world by name; of one that stands several times, the first."""
    facts = requests.get(pair.control("coupa", "world"), timeout=30).json()["facts"]["buying"]
    found: dict[str, dict[str, Any]] = {}
    for fact in facts:
        found.setdefault(fact["situation"], fact)
    return found


def purchase_order(pair: SandboxPair, number: str) -> dict[str, Any]:
    orders = pair.state("coupa", "purchase_orders")
    return dict(next(order for order in orders if order["po-number"] == number))


def order_numbers(pair: SandboxPair) -> list[str]:
    """The externalIds under which the sandbox placed an order."""
    return sorted(pair.state("amazon", "placed"))


def test_every_situation_ends_as_it_should(run_orders: Any, ledger: Ledger) -> None:
    run: OrderRun = run_orders()
    summary = run("one")
    world = planted(run.pair)
    reasons = summary["reasons"]
    assert summary["documents"] == {"seen": 39, "delivered": 30, "waiting": 0, "held": 7, "skipped": 2, "dead": 0}
    assert reasons["held: ALARM: it reaches Amazon by another channel, too"] == 1
    assert reasons["held: it is not approved"] == 1
    assert reasons["held: it is not what was approved"] == 1
    assert reasons["held: a line cannot be ordered as it stands"] == 3
    assert reasons["skipped: the purchase order is cancelled"] == 1
    expected = world["ordered_elsewhere"]["order"]
    assert reasons[f"skipped: Amazon already shows order {expected} for it"] == 1
    for situation in (
        "approver_missing",
        "changed_after_approval",
        "already_transmitted",
        "ordered_elsewhere",
        "pack_mismatch",
    ):
        assert run.placed(world[situation]["po"]) == []
    letters = next(mail for mail in run.mails if mail.kind == "dead_letters")
    assert "On offer now: Voltline Supply at USD 24.99." in letters.body["text"]
    assert "Line 1 asks for EA, and Amazon sells" in letters.body["text"]


def test_a_placed_order_is_written_back_told_and_watched(run_orders: Any, ledger: Ledger) -> None:
    run: OrderRun = run_orders()
    run("one")
    number = planted(run.pair)["several_sellers"]["po"]
    (row,) = run.placed(number)
    order_ids = row.facts["orders"]
    assert len(order_ids) == 2
    order = purchase_order(run.pair, number)
    assert order["custom-fields"]["ab-order-ids"] == ", ".join(order_ids)
    assert order["custom-fields"]["ab-order-status"] == "Order Placed"
    assert row.facts["approved_by"] != []
    watched = {document.key for document in ledger.open_documents.due("amazon_order", run.now)}
    assert set(order_ids) <= watched
    (told,) = run.of("tell_requester", number)
    text = ledger.deliveries.payloads([told.id])[told.id]["text"]
    assert str(text).startswith("@[User:") and all(order_id in str(text) for order_id in order_ids)


def test_a_rerun_writes_nothing(run_orders: Any) -> None:
    run: OrderRun = run_orders()
    run("one")
    before, placed = run.writes(), order_numbers(run.pair)
    run("two")
    run("three", po_numbers=[planted(run.pair)["plain_purchase"]["po"]])
    assert run.writes() == before
    assert order_numbers(run.pair) == placed != []


def test_fifty_one_lines_become_two_orders_with_all_ids_on_the_purchase_order(run_orders: Any, ledger: Ledger) -> None:
    run: OrderRun = run_orders()
    run("one")
    number = planted(run.pair)["fifty_one_lines"]["po"]
    assert [row.business_key for row in run.placed(number)] == [f"{number}-1-1", f"{number}-2-1"]
    assert [len(row.facts["lines"]) for row in run.placed(number)] == [50, 1]
    written = purchase_order(run.pair, number)["custom-fields"]["ab-order-ids"]
    ids = {order_id for row in run.placed(number) for order_id in row.facts["orders"]}
    assert len(ids) >= 2 and set(written.split(", ")) <= ids
    (last,) = run.placed(number)[1].facts["orders"]
    assert last in written


def test_refused_units_are_findings_and_ordered_again_only_when_a_person_names_the_po(
    run_orders: Any, ledger: Ledger
) -> None:
    run: OrderRun = run_orders()
    run("one")
    number = planted(run.pair)["short_units"]["po"]
    (first,) = run.placed(number)
    assert first.state == "delivered"
    (sentence,) = run.findings(number)
    assert "3 of 4 units are not ordered, USD 74.97: 3 are not available" in sentence
    assert purchase_order(run.pair, number)["custom-fields"]["ab-order-status"] == "Partly Ordered"
    assert len(run.of("report_rejection", number)) == 1
    run("two")
    assert len(run.placed(number)) == 1
    run("three", po_numbers=[number])
    again = run.placed(number)
    assert [row.business_key for row in again] == [f"{number}-1-1", f"{number}-1-2"]
    lines = [line for row in again for line in row.facts["lines"] if line["number"] == "1"]
    assert [line["asked"] for line in lines] == [4, 3]
    assert sum(part["units"] for line in lines for part in line["accepted"]) <= 4


def test_a_refusal_of_everything_is_held_until_it_is_ordered_again(run_orders: Any, ledger: Ledger) -> None:
    run: OrderRun = run_orders()
    run("one")
    number = planted(run.pair)["all_refused"]["po"]
    (row,) = run.placed(number)
    assert (row.state, row.outcome) == ("held", "refused")
    assert run.of("write_back_order", number) == []
    run("two", po_numbers=[number])
    first, second = run.placed(number)
    assert (first.state, first.reason) == ("skipped", "its units are ordered again as attempt 2")
    assert second.business_key == f"{number}-1-2"


def test_two_hundred_old_purchase_orders_are_never_ordered(run_orders: Any) -> None:
    run: OrderRun = run_orders("old_pos")
    summary = run("one", **{"from": "2025-06-01"})
    assert summary["documents"]["seen"] == 200
    assert summary["reasons"] == {"skipped: before go-live": 200}
    number = run.pair.state("coupa", "purchase_orders")[0]["po-number"]
    run("named by a person", po_numbers=[number])
    assert run.writes() == {} and run.placed() == []


def test_shadow_plans_and_sends_nothing_then_or_later(
    run_orders: Any, ledger: Ledger, mappings_directory: Path
) -> None:
    run: OrderRun = run_orders("buying_plain", rollout="{mode: shadow, go_live: 2026-06-01}", orders="3")
    summary = run("one")
    assert summary["reasons"] == {"skipped: shadow: planned, not sent": 3}
    run.rules = switched(mappings_directory)
    run("two")
    assert run.writes() == {}


def test_a_dry_run_shows_the_orders_and_keeps_nothing(run_orders: Any, ledger: Ledger) -> None:
    run: OrderRun = run_orders("buying_plain", rollout="{mode: off}", orders="3")
    summary = run("dry", dry_run=True, **{"from": "2026-06-01"})
    assert summary["transform"]["would_order"] == 3
    assert run.placed() == [] and run.writes() == {}
    assert ledger.records.to_plan("coupa/acme", "purchase_order") == []


def test_a_failing_write_back_never_sends_the_order_again(run_orders: Any, ledger: Ledger) -> None:
    run: OrderRun = run_orders("buying_plain", orders="2")
    run.pair.post("coupa", "faults", kind="status", status=400, operation="update_purchase_order", times=2)
    run("one")
    assert [row.state for row in run.of("write_back_order")] == ["dead", "dead"]
    placed = order_numbers(run.pair)
    run("two")
    assert order_numbers(run.pair) == placed and len(placed) == 2
    assert run.writes()["placeOrder"] == 2
    for letter in ledger.dead_letters.list(pipeline=PIPELINE):
        ledger.dead_letters.replay(letter.key)
    run("three")
    assert [row.state for row in run.of("write_back_order")] == ["delivered", "delivered"]
    assert run.writes()["placeOrder"] == 2


def test_what_a_person_wrote_on_the_purchase_order_is_left_alone_and_found(run_orders: Any, ledger: Ledger) -> None:
    run: OrderRun = run_orders("buying_plain", orders="1")
    (raw,) = run.pair.state("coupa", "purchase_orders")
    coupa = requests.put(
        f"{run.pair.coupa_url}/api/purchase_orders/{raw['id']}",
        json={"custom-fields": {"ab-order-status": "Called the supplier"}},
        headers=signed(run.pair),
        timeout=30,
    )
    assert coupa.ok, coupa.text
    run("one", po_numbers=[raw["po-number"]])
    order = purchase_order(run.pair, raw["po-number"])
    assert order["custom-fields"]["ab-order-status"] == "Called the supplier"
    assert order["custom-fields"]["ab-order-ids"]
    (row,) = run.of("write_back_order")
    assert "'Called the supplier'" in ledger.findings.of_deliveries([row.id])[0].sentence


def signed(pair: SandboxPair) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret",
        "scope": "core.purchase_order.write core.purchase_order.read",
    }  # fmt: skip
    token = requests.post(f"{pair.coupa_url}/oauth2/token", data=form, timeout=30).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}


def test_the_trial_goes_first_and_its_refusal_stops_the_order(run_orders: Any) -> None:
    run: OrderRun = run_orders(policies={"trial_mode": "always"})
    summary = run("one")
    world = planted(run.pair)
    plain, refused = world["plain_purchase"]["po"], world["all_refused"]["po"]
    assert [row.state for row in run.placed(plain)] == ["delivered"]
    assert [row.target_id for row in run.of("trial_order", plain)] == [f"{plain}-1-1-T"]
    assert [(row.state, row.reason) for row in run.placed(refused)] == [("held", "Amazon's trial refused some of it")]
    assert summary["load"]["stopped_at_gate"] == 3
