"""The state as a whole: seeded in order, with a future; saved and restored; described; nudged by events."""

import json
from datetime import timedelta

import pytest

from sandbox.coupa.state import SeedError
from sandbox.seed import CoupaRecord
from sandbox.service import UnknownEvent

LINE = {"order-header-number": "PO-1", "line-num": "1"}


@pytest.fixture
def at(company):
    return lambda days: company.clock.now() + timedelta(days=days)


def written(company):
    return {name: write() for name, write in company.state.parts().items()}


def receipt(moment, quantity="2", line=LINE):
    return CoupaRecord(
        "receiving_transactions",
        {"type": "ReceivingQuantityConsumption", "quantity": quantity, "order-line": line},
        moment,
    )


def test_a_seeded_record_carries_the_moment_it_was_made(company_with, at):
    company = company_with([receipt(at(-2))])
    made = company.read("/receiving_transactions/1")
    assert made["created-at"] == made["transaction-date"] == "2026-05-09T01:00:00-07:00"
    assert company.order_line()["received"] == "2.0"


def test_a_future_receipt_happens_when_the_clock_gets_there_and_releases_the_invoice(company_with, at):
    company = company_with([receipt(at(3))])
    invoice = company.submit()
    assert invoice["status"] == "pending_receipt"
    company.timeline.run_due(at(2))
    assert company.status(invoice) == "pending_receipt"
    company.clock.moment = at(4)
    company.timeline.run_due(at(4))
    assert company.status(invoice) == "approved"
    assert company.read("/receiving_transactions/1")["created-at"] == "2026-05-14T01:00:00-07:00"


def test_records_are_made_in_the_order_of_their_moments(company_with, at):
    order = {
        "po-number": "PO-3",
        "supplier": {"number": "NORTH"},
        "currency": {"code": "USD"},
        "order-lines": [{"description": "x", "quantity": "2", "price": "1"}],
    }
    late = receipt(at(-1), line={"order-header-number": "PO-3", "line-num": "1"})
    company = company_with([late, CoupaRecord("purchase_orders", order, at(-2))])
    assert company.order_line(5)["status"] == "received"


def test_a_seed_may_set_what_only_coupa_sets(company_with, at):
    order = {
        "id": 4711,
        "po-number": "PO-9",
        "status": "buyer_hold",
        "version": 3,
        "supplier": {"number": "NORTH"},
        "currency": {"code": "USD"},
        "order-lines": [{"id": 2949, "line-num": "10", "description": "x", "quantity": "2", "price": "1"}],
        "requisition-header": {"id": 9001, "requested-by": {"login": "cfo"}, "status": "ordered"},
    }
    company = company_with([CoupaRecord("purchase_orders", order, at(-1))])
    shown = company.read("/purchase_orders/4711")
    assert (shown["status"], shown["version"], shown["requisition-header"]["id"]) == ("buyer_hold", 3, 9001)
    assert shown["order-lines"][0]["requester"]["login"] == "cfo"
    assert company.state.instance.table("purchase_order_lines").next_id == 2950


def test_a_seeded_invoice_beyond_draft_is_matched_and_counted(company_with, at):
    body = {
        "invoice-number": "X-1",
        "invoice-date": "2026-05-01",
        "supplier": {"number": "AMZN-US"},
        "channel": "cxml",
        "status": "pending_approval",
        "bill-to-address": {"location-code": "HQ-1"},
        "remit-to-address": {"remit-to-code": "AMZN-RT1"},
        "invoice-lines": [{"order-line": LINE, "description": "Item", "quantity": "1", "price": "100"}],
    }
    company = company_with([receipt(at(-3)), CoupaRecord("invoices", body, at(-1))])
    assert company.read("/invoices/1", fields=["status", "channel"]) == {
        "status": "pending_approval",
        "channel": "cxml",
    }
    assert company.order_line()["invoiced"] == "1.0"
    assert len(company.read("/matching_allocations")) == 1


def test_a_seeded_record_that_breaks_a_rule_is_named(company_with, at):
    with pytest.raises(
        SeedError, match=r"seeded record \d+ \(receiving_transactions\): Order line can't be found by .*PO-77"
    ):
        company_with([receipt(at(-1), line={"order-header-number": "PO-77", "line-num": "1"})])


def test_a_future_record_that_cannot_be_made_is_kept_as_a_problem(company_with, at):
    company = company_with([receipt(at(1), line={"id": 99})])
    company.timeline.run_due(at(2))
    [problem] = company.state.parts()["problems"]()
    assert "Order line can't be found by id 99" in problem


def test_an_event_can_be_seeded(company_with, at):
    company = company_with([CoupaRecord("events/close", {"po-number": "PO-1"}, at(1))])
    company.timeline.run_due(at(2))
    assert company.read("/purchase_orders/1", fields=["status"]) == {"status": "soft_closed"}


def test_a_snapshot_restores_everything_and_repeats_nothing(company_with, at):
    seed = [receipt(at(1)), receipt(at(5))]
    company = company_with(seed, tolerances={"default": {"price_percent": "5"}}, invoice_approvers=["ap.lead"])
    company.receive("1", 2)
    company.submit("A", {"order-line-id": 1, "quantity": "2", "price": "110"}, custom_fields={"a": 1})
    company.call("POST", "/invoices/1/comments", {"comments": "@[User:2] look"})
    company.timeline.run_due(at(2))
    saved, described = json.loads(json.dumps(company.state.snapshot())), written(company)

    other = company_with(seed)
    other.state.restore(saved)
    assert written(other) == described
    other.timeline.run_due(at(3))
    assert written(other) == described
    assert other.act({"id": 1}, "dispute", {"dispute-reason": {"code": "DUPLICATE"}})["status"] == "disputed"
    other.timeline.run_due(at(6))
    assert other.order_line()["received"] == "4.0"


def test_the_description_counts_and_shows_every_document(company):
    company.submit()
    company.receive("1")
    shown = written(company)
    assert (shown["counts"]["invoices"], shown["counts"]["purchase_order_lines"]) == (1, 4)
    assert shown["invoices"][0]["invoice-number"] == "INV-1"
    assert [order["po-number"] for order in shown["purchase_orders"]] == ["PO-1", "PO-2"]
    assert shown["receiving_transactions"][0]["quantity"] == "1.0"
    json.dumps(shown)


@pytest.mark.parametrize(
    ("name", "body", "result"),
    [
        (
            "receive",
            {"po_number": "PO-1", "line_num": 1, "quantity": "3", "external_id": "E"},
            {"receipt": 1, "received": "3.000000"},
        ),
        ("receive", {"po-number": "PO-1", "line-num": "1"}, {"receipt": 1, "received": "4"}),
        ("receive", {"order-line-id": 3}, {"receipt": 1, "received": "300"}),
        ("close", {"po-number": "PO-1"}, {"purchase-order": 1, "status": "soft_closed"}),
        ("cancel", {"id": 2}, {"purchase-order": 2, "status": "cancelled"}),
        ("soft_close_for_receiving", {"order-line-id": 1}, {"order-line": 1, "status": "soft_closed_for_receiving"}),
        (
            "change_price",
            {"po-number": "PO-1", "line-num": 1, "price": "99.50"},
            {"order-line": 1, "price": "99.50", "version": 2},
        ),
        (
            "change_quantity",
            {"po-number": "PO-1", "line-num": 1, "quantity": "8"},
            {"order-line": 1, "quantity": "8", "version": 2},
        ),
        ("comment", {"commentable-type": "OrderHeader", "commentable-id": 1, "comments": "x"}, {"comment": 1}),
    ],
)
def test_what_people_do_in_coupa_can_be_made_to_happen(company, name, body, result):
    happened = company.state.event(name, body)
    assert happened.keys() == result.keys()
    assert all(
        str(happened[key]).rstrip("0") == str(result[key]).rstrip("0") or happened[key] == result[key]
        for key in result
        if key != "received"
    )
    if "received" in result:
        assert float(happened["received"]) == float(result["received"])


def test_a_clerk_enters_an_invoice_and_a_person_decides(company_with):
    company = company_with(invoice_approvers=["ap.lead"])
    company.receive("2")
    assert company.state.event("enter_invoice", company.body("X")) == {"invoice": 1, "status": "pending_approval"}
    assert company.read("/invoices/1", fields=["channel"]) == {"channel": "manual"}
    assert company.state.event("hold", {"invoice-number": "X"})["status"] == "pending_approval"
    assert company.state.event("approve", {"invoice-number": "X"}) == {"invoice": 1, "status": "approved"}
    assert company.state.event("act_on_invoice", {"invoice-number": "X", "action": "void"})["status"] == "voided"
    assert company.state.event("void_receipt", {"id": 1}) == {"receipt": 1, "status": "voided"}


def test_an_unknown_event_and_a_bad_body_say_so(company):
    with pytest.raises(UnknownEvent):
        company.state.event("explode", {})
    with pytest.raises(ValueError, match="Purchase order can't be found by po-number 'PO-7'"):
        company.state.event("close", {"po-number": "PO-7"})
    with pytest.raises(ValueError, match="Unknown tolerance"):
        company.state.event("settings", {"tolerances": {"default": {"nonsense": "1"}}})


def test_settings_change_what_the_instance_checks(company):
    given = {"tolerances": {"default": {"price_percent": "5"}}, "invoice_approvers": ["cfo"], "required_to_submit": []}
    assert company.state.event("settings", given)["invoice-approvers"] == ["cfo"]
    company.receive("2")
    assert company.submit("A", remit_to_address=None)["status"] == "pending_approval"
    assert company.submit("B", {"order-line-id": 2, "quantity": "1", "price": "9"})["status"] == "on_hold"


def test_a_seeded_receipt_finds_its_line_among_thousands(company_with, at):
    lines = [{"description": "x", "quantity": "2", "price": "10"} for _ in range(3)]
    order = {"supplier": {"number": "AMZN-US"}, "currency": {"code": "USD"}, "order-lines": lines}
    many = [CoupaRecord("purchase_orders", {**order, "po-number": f"P{n}"}, at(-2)) for n in range(1000)]
    many += [receipt(at(-1), "1", {"order-header-number": f"P{n}", "line-num": "2"}) for n in range(1000)]
    orders = company_with(many).state.parts()["purchase_orders"]()
    received = {
        one["po-number"]: [str(line["received"]) for line in one["order-lines"]]
        for one in orders
        if one["po-number"].startswith("P") and one["po-number"][1:].isdigit()
    }
    assert len(received) == 1000
    assert {tuple(map(float, each)) for each in received.values()} == {(0.0, 1.0, 0.0)}
