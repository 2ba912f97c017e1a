"""What Amazon refuses between plan and order, over real HTTP: it is told, and ordered again only by name and only as far as refused."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.coupa.client import Coupa
from connectors.errors import UncertainOutcome
from procurement.ledger import Ledger
from procurement.order_results import shipping_spent
from tests.integration.pipelines.buying import OrderRun, switched
from tests.integration.pipelines.conftest import StartSandbox

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    return OrderRun(start_sandbox("buying_plain", orders="1", lines="3"), ledger, switched(mappings_directory))


def purchase_order(run: OrderRun) -> dict[str, Any]:
    (order,) = run.pair.state("coupa", "purchase_orders")
    return dict(order)


def dearer(run: OrderRun) -> None:
    """The offer of line 1 costs far more from now on."""
    line = purchase_order(run)["order-lines"][0]
    run.amazon("reprice_offer", offerId=line["supp-aux-part-num"], price=str(float(line["price"]) * 2))


def switch(run: OrderRun, **values: object) -> None:
    answer = requests.post(run.pair.control("amazon", "switches"), json=values, timeout=30)
    assert answer.ok, answer.text


def units(run: OrderRun) -> dict[str, tuple[int, int]]:
    """(asked, accepted) by line, over all orders."""
    found: dict[str, tuple[int, int]] = {}
    for row in run.placed():
        for line in row.facts.get("lines", ()):
            asked, accepted = found.get(line["number"], (0, 0))
            found[line["number"]] = (asked + line["asked"], accepted + sum(part["units"] for part in line["accepted"]))
    return found


def test_a_price_that_rose_after_the_plan_is_refused_by_its_ceiling_and_the_rest_is_ordered(run: OrderRun) -> None:
    run("one", between=lambda: dearer(run))
    number = purchase_order(run)["po-number"]
    (row,) = run.placed()
    assert row.state == "delivered" and row.facts["lines"][0]["accepted"] == []
    (sentence,) = run.findings(number)
    assert "a unit costs USD" in sentence and "is allowed" in sentence
    (report,) = run.of("report_rejection", number)
    assert sentence in str(run.ledger.deliveries.payloads([report.id])[report.id]["text"])


def test_once_the_price_is_back_only_the_refused_line_is_ordered_again(run: OrderRun) -> None:
    run("one", between=lambda: dearer(run))
    line = purchase_order(run)["order-lines"][0]
    run.amazon("reprice_offer", offerId=line["supp-aux-part-num"], price=str(line["price"]))
    run("two", po_numbers=[purchase_order(run)["po-number"]])
    first, second = run.placed()
    assert [line["number"] for line in second.facts["lines"]] == ["1"]
    assert {number: accepted for number, (_, accepted) in units(run).items()} == {
        one["line-num"]: int(float(one["quantity"])) for one in purchase_order(run)["order-lines"]
    }
    written = purchase_order(run)["custom-fields"]
    assert written["ab-order-status"] == "Order Placed"
    assert set(written["ab-order-ids"].split(", ")) == {*first.facts["orders"], *second.facts["orders"]}
    run("three", po_numbers=[purchase_order(run)["po-number"]])
    assert len(run.placed()) == 2


def test_an_order_again_may_cost_only_the_shipping_that_the_first_one_left(run: OrderRun) -> None:
    run("one", between=lambda: dearer(run))
    line = purchase_order(run)["order-lines"][0]
    run.amazon("reprice_offer", offerId=line["supp-aux-part-num"], price=str(line["price"]))
    run("two", po_numbers=[purchase_order(run)["po-number"]])
    payloads = run.ledger.deliveries.payloads(row.id for row in run.placed())
    first, second = (payloads[row.id]["request"]["expectations"][0]["amount"]["amount"] for row in run.placed())
    charged = shipping_spent(run.placed()[0].facts, "USD")
    assert charged is not None and Decimal(second) == Decimal(first) - charged.amount


def test_where_the_group_rejects_the_whole_order_nothing_is_ordered_and_nothing_written_back(run: OrderRun) -> None:
    switch(run, safeguard="reject_order")
    run("one", between=lambda: dearer(run))
    (row,) = run.placed()
    assert (row.state, row.outcome) == ("held", "refused")
    assert run.of("write_back_order") == [] and len(run.of("report_rejection")) == 1
    assert run.pair.state("amazon", "order_lines") == []


def test_a_group_in_test_mode_orders_nothing_for_sure_so_a_person_must_look(run: OrderRun) -> None:
    switch(run, test_mode=True)
    run("one")
    run("two")
    (row,) = run.placed()
    assert row.state in ("sending", "held", "planned", "dead") and row.facts == {}
    assert run.of("write_back_order") == [] and run.of("tell_requester") == []


def test_an_offer_that_is_withdrawn_after_the_plan_is_refused_line_by_line(run: OrderRun) -> None:
    line = purchase_order(run)["order-lines"][0]
    run("one", between=lambda: run.amazon("withdraw_offer", offerId=line["supp-aux-part-num"]))
    (row,) = run.placed()
    assert row.state == "delivered"
    assert [part["units"] for part in row.facts["lines"][0]["rejected"]] == [int(float(line["quantity"]))]


@pytest.mark.parametrize(
    ("action", "delivery"),
    [("soft_close", "close_rejected_line"), ("integration_error", "alert_rejection"), ("leave", None)],
)
def test_policy_decides_what_is_done_in_coupa_about_refused_units(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, action: str, delivery: str | None
) -> None:
    rules = switched(mappings_directory, rejections={"price": action})
    run = OrderRun(start_sandbox("buying_plain", orders="1", lines="3"), ledger, rules)
    run("one", between=lambda: dearer(run))
    assert run.of("report_rejection") == []
    if delivery is None:
        return
    assert [row.state for row in run.of(delivery)] == ["delivered"]
    if action == "soft_close":
        assert "closed" in purchase_order(run)["order-lines"][0]["status"]
    else:
        (error,) = run.pair.state("coupa", "integration_errors")
        assert error["external-id"] == f"{purchase_order(run)['po-number']}-1-1"


def refused_twice(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    rules = switched(mappings_directory, rejections={"other": "integration_error", "quantity": "integration_error"})
    run = OrderRun(start_sandbox("buying_plain", orders="2", lines="1"), ledger, rules)
    lines = [line for order in run.pair.state("coupa", "purchase_orders") for line in order["order-lines"]]

    def withdraw() -> None:
        for offer in {line["supp-aux-part-num"] for line in lines}:
            run.amazon("withdraw_offer", offerId=offer)

    run("one", between=withdraw)
    return run


def test_all_that_is_refused_on_a_day_is_reported_under_one_integration_run(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path
) -> None:
    run = refused_twice(start_sandbox, ledger, mappings_directory)
    assert [row.state for row in run.of("alert_rejection")] == ["delivered", "delivered"]
    (opened,) = run.pair.state("coupa", "integration_runs")
    assert {error["integration-run-id"] for error in run.pair.state("coupa", "integration_errors")} == {opened["id"]}
    assert [row.business_key for row in run.of("open_integration_run")] == ["AB_ORDERS/2026-06-30"]


def test_an_integration_run_whose_answer_was_lost_is_not_opened_twice(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Coupa.create_integration_run

    def lost(self: Coupa, integration: str, permit: Any) -> dict[str, Any]:
        create(self, integration, permit)
        raise UncertainOutcome("the connection broke", operation="create_integration_run")

    monkeypatch.setattr(Coupa, "create_integration_run", lost)
    run = refused_twice(start_sandbox, ledger, mappings_directory)
    run("two")
    assert len(run.pair.state("coupa", "integration_runs")) == 1
    assert [row.state for row in run.of("alert_rejection")] == ["delivered", "delivered"]


def test_the_requester_reads_what_to_do_and_whom_to_ask(run: OrderRun) -> None:
    run("one", between=lambda: dearer(run))
    (report,) = run.of("report_rejection")
    text = str(run.ledger.deliveries.payloads([report.id])[report.id]["text"])
    assert (
        "Tell Procurement (procurement@example.com), who can order them again under this PO, or close the lines."
        in text
    )
    assert "pipeline" not in text and "ledger" not in text
