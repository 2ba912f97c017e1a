"""What people do with requisitions in Coupa's pages, at once or at their moments, and what a seed may say of one."""

from datetime import timedelta

import pytest

from sandbox.seed import CoupaEvent, CoupaRecord
from tests.unit.sandbox.coupa.requisition_story import (
    ANOTHER,
    LINE,
    approvals,
    body,
    orders_of,
    submit,
    with_managers,
)


@pytest.fixture
def chain(company):
    return with_managers(company)


def test_people_ask_decide_and_withdraw_by_event(chain):
    happen = chain.state.event
    title = {"req-title": "Printers for the lab"}
    numberless = [{name: value for name, value in row.items() if name != "line-num"} for row in (LINE, ANOTHER)]
    asked = happen("submit_requisition", body(*numberless, external_po_reference="4600001"))
    assert asked == {"requisition": asked["requisition"], "status": "pending_approval", "po-numbers": []}
    assert happen("hold", {**title, "reason": "later"})["status"] == "pending_approval"
    assert happen("approve", title)["status"] == "pending_approval"
    assert happen("approve", title) == {**asked, "status": "ordered", "po-numbers": ["4600001"]}
    people = [row["approved-by"]["login"] for row in chain.read("/approvals")]
    assert people == ["ap.lead", "cfo"]
    other = happen("submit_requisition", body(req_title="Other"))["requisition"]
    assert happen("reject", {"requisition-id": other, "reason": "no"})["status"] == "draft"
    assert happen("resubmit_requisition", {"req-title": "Other"})["status"] == "pending_approval"
    assert happen("withdraw_requisition", {"req-title": "Other"})["status"] == "withdrawn"
    assert approvals(chain, other) == []
    with pytest.raises(ValueError, match="Cannot withdraw a requisition that is withdrawn"):
        happen("withdraw_requisition", {"req-title": "Other"})


def test_an_approval_may_stand_open_beside_an_order_that_exists(company):
    made = submit(company)
    happened = company.state.event("add_approver", {"requisition-id": made["id"], "approver": "ap.lead"})
    assert (happened["status"], approvals(company, made["id"])) == ("ordered", [("ap.lead", "pending_approval")])
    assert company.state.event("withdraw_requisition", {"requisition-id": made["id"]})["status"] == "withdrawn"
    assert orders_of(company, made["id"])[0]["status"] == "issued"


def test_a_seed_gives_a_requisition_any_status_and_an_order_that_refers_to_it(company_with, at):
    approved = [{"approver": {"login": "ap.lead"}, "approval-date": "2026-05-01T09:00:00Z"}]
    seeded = {**body(LINE), "id": 900, "status": "ordered", "approvals": approved}
    order = {
        "po-number": "PO-900", "supplier": {"number": "AMZN-US"}, "requisition-header": {"id": 900},
        "order-lines": [{"description": "Label printer", "quantity": "2", "price": "89.50", "currency": {"code": "USD"}}],
    }  # fmt: skip
    company = company_with([CoupaRecord("requisitions", seeded, at), CoupaRecord("purchase_orders", order, at)])
    shown = company.read("/requisitions/900")
    made = orders_of(company, 900)[0]
    assert (shown["status"], approvals(company, 900)) == ("ordered", [("ap.lead", "approved")])
    assert shown["requisition-lines"][0]["order-line-id"] == made["order-lines"][0]["id"]
    assert made["order-lines"][0]["requisition-line-id"] == str(shown["requisition-lines"][0]["id"])


@pytest.fixture
def at(company):
    return company.clock.now() - timedelta(days=1)


def test_what_people_do_later_happens_when_the_clock_gets_there_and_survives_a_snapshot(company_with, at):
    manager = {"manager": {"login": "ap.lead"}}
    seed = [CoupaRecord("users", {"login": "new", "email": "new@example.com", "firstname": "New", **manager}, at)]
    events = [
        CoupaEvent("submit_requisition", body(requested_by={"login": "new"}), at),
        CoupaEvent("approve", {"req-title": "Printers for the lab"}, at + timedelta(days=3)),
        CoupaEvent("transmit_order", {"po-number": "1001"}, at + timedelta(days=4)),
        CoupaEvent("cancel", {"po-number": "no such order"}, at + timedelta(days=4)),
    ]
    company = company_with(seed, events=events)
    number = max(company.ids("/requisitions"))
    assert company.read(f"/requisitions/{number}")["status"] == "pending_approval"
    company.timeline.run_due(at + timedelta(days=3))
    kept = company.state.snapshot()
    later = company_with(seed, events=events)
    later.state.restore(kept)
    assert later.read(f"/requisitions/{number}") == company.read(f"/requisitions/{number}")
    assert later.read(f"/requisitions/{number}")["status"] == "ordered"
    later.timeline.run_due(at + timedelta(days=4))
    assert orders_of(later, number)[0]["transmission-status"] == "sent_manually"
    assert approvals(later, number) == [("ap.lead", "approved")]
    assert later.state.problems == [
        f"seeded record {len(kept['done']) + 1} (event cancel): Purchase order can't be found by po-number 'no such order'"
    ]
    assert later.state.event("settings", {})["next-po-number"] == 1002
