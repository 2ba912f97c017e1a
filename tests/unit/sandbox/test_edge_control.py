"""`/_sandbox`: what can be seen and moved from outside, and what starting over means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Amazon, StartAmazon


def test_the_state_is_the_whole_world_as_it_reads_now(amazon: Amazon) -> None:
    state = amazon.control("GET", "state").json()
    assert [len(state[part]) for part in ("orders", "order_lines", "shipments", "transactions")] == [2, 3, 1, 3]
    assert state["waiting"]["transactions"] == 1
    assert amazon.control("GET", "state?part=orders").json() == {"orders": state["orders"]}
    assert amazon.control("GET", "state?part=nothing").status_code == 404


def test_calls_are_counted_by_operation_and_status_class(amazon: Amazon) -> None:
    amazon.control("DELETE", "calls")
    amazon.transactions()
    amazon.transactions()
    amazon.reports("orderReports", region="?")
    amazon.fault("rate_limit")
    amazon.transactions()
    amazon.get("/nowhere")
    assert amazon.calls() == {
        "calls": 5,
        "by_status": {"2xx": 2, "429": 1, "4xx": 2},
        "writes_accepted": 0,
        "writes": {},
        "by_operation": {"?": {"4xx": 1}, "getOrderReports": {"4xx": 1}, "getTransactions": {"2xx": 2, "429": 1}},
    }


def test_a_read_only_post_is_no_write(amazon: Amazon) -> None:
    amazon.post("/reconciliation/2021-01-08/invoices/batch/paymentDetails", {"invoiceIds": ["INV-1"]})
    assert amazon.calls()["writes_accepted"] == 0


def test_the_world_says_what_was_planted(amazon: Amazon) -> None:
    world = amazon.control("GET", "world").json()
    assert world == {"name": "small", "seed": 1, "now": "2026-02-10T12:00:00Z", "facts": {"orders": 2}, "refused": []}


def test_the_clock_can_be_set_and_only_forward(amazon: Amazon) -> None:
    assert amazon.control("POST", "clock", {"set": "2026-03-01T00:00:00Z"}).json()["now"].startswith("2026-03-01T00:00")
    assert amazon.control("POST", "clock", {"set": "2026-02-01T00:00:00Z"}).status_code == 400


@pytest.mark.parametrize("body", [{}, {"advance": 5, "set": "2026-03-01T00:00:00Z"}])
def test_a_clock_request_says_exactly_one_thing(amazon: Amazon, body: dict[str, Any]) -> None:
    assert amazon.control("POST", "clock", body).status_code == 400


def test_what_is_due_happens_before_the_next_request_is_looked_at(amazon: Amazon) -> None:
    seen: list[str] = []
    amazon.sandbox.timeline.add(amazon.sandbox.clock.now(), lambda: seen.append("happened"))
    amazon.get("/nowhere")
    assert seen == ["happened"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"reporting_page_size": 7}, 200),
        ({"reporting_page_size": "7"}, 400),
        ({"retry_after": 1}, 400),
        ({"page_size": 7}, 400),
    ],
)
def test_a_switch_keeps_its_type_and_unknown_ones_are_refused(
    amazon: Amazon, changes: dict[str, Any], status: int
) -> None:
    assert amazon.control("POST", "switches", changes).status_code == status


def test_a_refused_change_of_switches_changes_none(amazon: Amazon) -> None:
    amazon.control("POST", "switches", {"reporting_page_size": 7, "unknown": 1})
    assert amazon.control("GET", "switches").json()["reporting_page_size"] == 100


def test_reset_starts_everything_over(amazon: Amazon) -> None:
    amazon.event("cancel", orderId="112-2")
    amazon.event("duplicate", transactionId="tx-1")
    amazon.fault("status")
    amazon.switch(reporting_page_size=1)
    amazon.advance(days=30)
    assert amazon.control("POST", "reset").json()["now"] == "2026-02-10T12:00:00Z"
    assert amazon.transactions().status_code == 403, "tokens are gone too"
    amazon.sign_in()
    assert [row["transactionId"] for row in amazon.transactions().json()["transactions"]] == ["tx-1", "tx-2", "tx-3"]
    orders = amazon.reports("orderReports").json()
    assert [row["orderStatus"] for row in orders["ordersReport"]] == ["PENDING_FULFILLMENT", "PENDING"]
    assert amazon.calls()["by_operation"]["getTransactions"] == {"2xx": 1, "4xx": 1}


def test_reset_takes_another_seed_and_refuses_a_world_that_does_not_exist(start_amazon: StartAmazon) -> None:
    amazon = start_amazon()
    assert amazon.control("POST", "reset", {"seed": 5}).json()["seed"] == 5
    assert amazon.control("POST", "reset", {"scenario": "nowhere"}).status_code == 400
    assert amazon.control("GET", "world").json()["seed"] == 5, "a refused reset changes nothing"


def test_the_control_routes_describe_themselves_with_events_and_faults(amazon: Amazon) -> None:
    page = amazon.control("GET", "openapi.json").json()
    assert {"/_sandbox/state", "/_sandbox/faults", "/_sandbox/events/{name}", "/_sandbox/clock"} <= page["paths"].keys()
    for word in ("issue_invoice", "drop_after"):
        assert word in page["info"]["description"]


def test_the_page_that_describes_the_control_routes_needs_nothing_from_the_network(amazon: Amazon) -> None:
    paths = amazon.control("GET", "openapi.json").json()["paths"]
    page = amazon.control("GET", "docs").text
    assert [path for path in paths if path not in page] == []
    assert "<script" not in page
    assert "https://" not in page
    assert "<code>retry_after</code>" in page, "the fields of a body are explained"


def test_control_needs_no_token_and_meets_no_fault(amazon: Amazon) -> None:
    amazon.headers = {}
    amazon.fault("status", operation="*")
    assert amazon.control("GET", "health").json()["status"] == "ok"
