"""The gate's judgement, case by case: what passes, what does not, and the sentence that says why."""

import json
from copy import deepcopy
from typing import Any

import pytest

from procurement.approved_lines import line_problems
from procurement.buying_policies import OrderPolicies
from procurement.order_gate import Judged, approved_by, awaits_approval, judge, standing, substance

Json = dict[str, Any]
POLICIES = OrderPolicies()


def purchase_order() -> Json:
    return {
        "id": 4711, "po-number": "4600001", "status": "issued", "version": 1, "created-at": "2026-06-29T10:00:00-07:00",
        "transmission-status": "created", "currency": {"code": "USD"},
        "supplier": {"number": "AMZN-US", "po-method": "prompt", "po-change-method": "prompt"},
        "requisition-header": {"id": 91, "requested-by": {"id": 611, "email": "jane.doe@example.com", "fullname": "Jane Doe"}},
        "ship-to-attention": "Dock 4", "ship-to-user": {"email": "jane.doe@example.com"},
        "ship-to-address": {"id": 3, "location-code": "AUS-01", "street1": "1 Example Way", "country": {"code": "US"}},
        "order-lines": [
            {"id": 213, "line-num": "1", "type": "OrderQuantityLine", "quantity": "3.000000", "price": "19.990000",
             "source-part-num": "B0SAMPLE01", "supp-aux-part-num": "offer-abc", "uom": {"code": "EA"}, "currency": {"code": "USD"},
             "account": {"code": "10-4100"}, "requisition-line-id": "5"},
        ],
    }  # fmt: skip


def requisition() -> Json:
    return {
        "id": 91, "status": "ordered",
        "approvals": [{"id": 1, "position": 1, "status": "approved", "approver": {"login": "helen.osei"}}],
        "requisition-lines": [
            {"id": 5, "line-num": 1, "order-line-id": 213, "quantity": "3.0", "unit-price": "19.99", "source-part-num": "B0SAMPLE01",
             "supp-aux-part-num": "offer-abc", "uom": {"code": "EA"}, "currency": {"code": "USD"}, "account": {"code": "10-4100"}},
            {"id": 6, "line-num": 2, "order-line-id": 999, "quantity": "1", "unit-price": "1", "uom": {"code": "EA"}},
        ],
    }  # fmt: skip


def put(raw: Json, path: str, value: Any) -> Json:
    changed = deepcopy(raw)
    *steps, last = path.split(".")
    at: Any = changed
    for step in steps:
        at = at[int(step)] if step.isdigit() else at[step]
    at[int(last) if last.isdigit() else last] = value
    return changed


def approval(status: str, **more: Any) -> Json:
    return {"id": 2, "position": 2, "status": status, "approver": {"login": "viktor.lind"}, **more}


def verdict(order: Json, req: Json, *, mark_as_sent: bool = False) -> Any:
    return judge(Judged.of(purchase_order()), order, req, POLICIES, mark_as_sent=mark_as_sent)


PASSING: dict[str, tuple[str, str, Any]] = {
    "as it was planned": ("order", "acknowledged-flag", True),
    "partly received": ("requisition", "status", "partially_received"),
    "received": ("requisition", "status", "received"),
    "an empty chain": ("requisition", "approvals", []),
    "a group approved": ("requisition", "approvals.0", approval("approved", approver={"name": "Buyers"}, **{"approved-by": {"login": "buyer"}})),
    "a delegate approved": ("requisition", "approvals.0", approval("approved", **{"approved-by": {"login": "deputy"}})),
    "deferred": ("order", "transmission-status", "deferred"),
    "left to a person": ("order", "transmission-status", "pending_manual"),
    "Coupa rewrites numbers": ("order", "order-lines.0.price", "19.99"),
    "Coupa counts a revision": ("order", "internal-revision", 7),
    "numbered anew": ("requisition", "requisition-lines.0.line-num", 4),
    "one account written as a split": ("requisition", "requisition-lines.0.account-allocations", [{"account": {"code": "10-4100"}, "pct": "100"}]),
    "our own write-back": ("order", "order-lines.0.supplier-order-number", "112-1"),
    "the supplier marks as sent": ("order", "supplier.po-method", "mark_as_sent"),
}  # fmt: skip


@pytest.mark.parametrize("case", PASSING)
def test_these_may_be_ordered(case: str) -> None:
    side, path, value = PASSING[case]
    order, req = purchase_order(), requisition()
    changed = (put(order, path, value), req) if side == "order" else (order, put(req, path, value))
    assert verdict(*changed) is None


def test_an_approval_that_was_escalated_passes_once_somebody_gave_it() -> None:
    escalated = put(requisition(), "approvals", [approval("escalated"), approval("approved", id=3, position=3)])
    assert verdict(purchase_order(), escalated) is None
    alone = verdict(purchase_order(), put(requisition(), "approvals", [approval("escalated")]))
    assert alone.errors == ("The approval of viktor.lind is escalated.",)


SPLIT = [{"account": {"code": "10-9900"}, "pct": "40.0"}, {"account": {"code": "10-4100"}, "pct": "60.0"}]
STOPPED: dict[str, tuple[str, str, Any, str]] = {
    "withdrawn": ("requisition", "status", "withdrawn", "The requisition is withdrawn, not ordered."),
    "only approved": ("requisition", "status", "approved", "The requisition is approved, not ordered."),
    "an approval pending": ("requisition", "approvals.0", approval("pending_approval"), "The approval of viktor.lind is pending_approval."),
    "an approval held": ("requisition", "approvals.0", approval("on_hold"), "The approval of viktor.lind is on_hold."),
    "an approval rejected": ("requisition", "approvals.0", approval("rejected"), "The approval of viktor.lind is rejected."),
    "an unknown word": ("requisition", "approvals.0", approval("maybe"), "The approval of viktor.lind is maybe."),
    "an approval without status": ("requisition", "approvals.0", approval(""), "The approval of viktor.lind is without a status."),
    "cancelled": ("order", "status", "cancelled", "The purchase order is cancelled, not issued."),
    "closed": ("order", "status", "soft_closed", "The purchase order is soft_closed, not issued."),
    "changed": ("order", "version", 2, "The purchase order was changed: it is version 2 now, and version 1 was planned."),
    "another requisition": ("order", "requisition-header", {"id": 92}, "The purchase order belongs to another requisition now."),
    "changed without a version": ("order", "order-lines.0.source-part-num", "B0OTHER", "Lines of the purchase order were changed since it was planned."),
    "more than approved": ("requisition", "requisition-lines.0.quantity", "2", "Line 1: the quantity is 3, and 2 was approved."),
    "dearer than approved": ("requisition", "requisition-lines.0.unit-price", "19.98", "Line 1: the price is 19.99, and 19.98 was approved."),
    "another part": ("requisition", "requisition-lines.0.source-part-num", "B0OTHER", "Line 1: the part number is B0SAMPLE01, and B0OTHER was approved."),
    "another unit": ("requisition", "requisition-lines.0.uom", {"code": "PK"}, "Line 1: the unit is EA, and PK was approved."),
    "another currency": ("requisition", "requisition-lines.0.currency", {"code": "EUR"}, "Line 1: the currency is USD, and EUR was approved."),
    "no currency shown": ("requisition", "requisition-lines.0.currency", None, "Line 1: the currency is USD, and empty was approved."),
    "another offer": ("requisition", "requisition-lines.0.supp-aux-part-num", "offer-def", "Line 1: the auxiliary part number is offer-abc, and offer-def was approved."),
    "another account": ("requisition", "requisition-lines.0.account", {"code": "10-9900"}, "Line 1: the accounting is 10-4100, and 10-9900 was approved."),
    "coded afterwards": ("requisition", "requisition-lines.0.account", None, "Line 1: the accounting is 10-4100, and empty was approved."),
    "another split": ("requisition", "requisition-lines.0.account-allocations", SPLIT, "Line 1: the accounting is 10-4100, and 10-4100 60 %, 10-9900 40 % was approved."),
    "made of another line": ("order", "order-lines.0.requisition-line-id", "6", "Line 1 is on no approved requisition line."),
    "another address": ("order", "ship-to-address.location-code", "CHI-01", "The ship-to address of the purchase order was changed since it was planned."),
    "another street": ("order", "ship-to-address.street1", "2 Example Way", "The ship-to address of the purchase order was changed since it was planned."),
    "another attention": ("order", "ship-to-attention", "Dock 5", "The ship-to attention of the purchase order was changed since it was planned."),
    "another receiver": ("order", "ship-to-user.email", "joe@example.com", "The ship-to user of the purchase order was changed since it was planned."),
    "another requester": ("order", "requisition-header.requested-by.email", "joe@example.com", "The requester of the purchase order was changed since it was planned."),
    "another supplier": ("order", "supplier.number", "OTHER", "The supplier of the purchase order was changed since it was planned."),
    "not approved at all": ("requisition", "requisition-lines", [], "Line 1 is on no approved requisition line."),
    "by cXML": ("order", "supplier.po-method", "cxml", "Coupa sends purchase orders to the supplier by cxml (po-method): the order would be placed twice."),
    "changes by xml": ("order", "supplier.po-change-method", "xml", "Coupa sends changes of them to the supplier by xml (po-change-method): the order would be placed twice."),
    "bought online": ("order", "supplier.po-method", "buy_online", "Coupa sends purchase orders to the supplier by buy_online (po-method): the order would be placed twice."),
    "no method shown": ("order", "supplier.po-method", None, "Coupa does not show how it sends purchase orders to the supplier (po-method)."),
    "by email for once": ("order", "transmission-method-override", "email", "Coupa sends this purchase order by email (transmission-method-override)."),
    "failed to transmit": ("order", "transmission-status", "transmission_failure", "The transmission status is transmission_failure; policies.yml allows created, deferred, pending_manual."),
    "no status shown": ("order", "transmission-status", None, "The transmission status is not shown; policies.yml allows created, deferred, pending_manual."),
}  # fmt: skip


@pytest.mark.parametrize("case", STOPPED)
def test_these_are_held_and_say_why(case: str) -> None:
    side, path, value, sentence = STOPPED[case]
    order, req = purchase_order(), requisition()
    found = verdict(*((put(order, path, value), req) if side == "order" else (order, put(req, path, value))))
    assert found.state == "held" and sentence in found.errors and not found.alarm


@pytest.mark.parametrize(
    "status",
    [
        "sent_via_cxml",
        "sent_via_email",
        "sent_via_xml",
        "scheduled_for_cxml",
        "purchased_online",
        "awaiting_online_purchase",
        "sent_manually",
    ],
)
def test_another_channel_is_an_alarm(status: str) -> None:
    found = verdict(put(purchase_order(), "transmission-status", status), requisition())
    assert found.alarm and found.reason.startswith("ALARM") and f"transmission status {status}" in found.errors[0]


def test_sent_manually_passes_for_a_supplier_that_only_marks_as_sent() -> None:
    marked = put(purchase_order(), "transmission-status", "sent_manually")
    assert verdict(marked, requisition(), mark_as_sent=True) is None


def test_every_reason_is_told_at_once() -> None:
    order = put(put(purchase_order(), "status", "cancelled"), "supplier.po-method", "cxml")
    assert len(verdict(order, put(requisition(), "status", "draft")).errors) == 3


def test_a_line_is_matched_by_the_pos_own_reference_where_the_requisition_has_none() -> None:
    req = put(put(requisition(), "requisition-lines.0.order-line-id", None), "requisition-lines.0.line-num", 4)
    assert verdict(purchase_order(), req) is None


def test_a_line_without_any_reference_is_matched_by_its_number_alone() -> None:
    order, req = bare("1"), put(requisition(), "requisition-lines.0.order-line-id", None)
    assert line_problems(order, req) == []
    assert line_problems(order, put(req, "requisition-lines.0.line-num", 4)) == [
        "Line 1 is on no approved requisition line."
    ]


def bare(number: str) -> Json:
    order = put(purchase_order(), "order-lines.0.line-num", number)
    return put(order, "order-lines.0.requisition-line-id", None)


def test_two_lines_made_of_one_approved_line_are_told() -> None:
    order, req = purchase_order(), put(requisition(), "requisition-lines.0.order-line-id", None)
    order["order-lines"].append({**order["order-lines"][0], "id": 214, "line-num": "2"})
    assert line_problems(order, req) == ["Line 2 is on the same approved requisition line as line 1."]
    of_another = requisition()  # Coupa says that it made the first of them of it
    assert line_problems(order, of_another) == ["Line 2 is on no approved requisition line."]


@pytest.mark.parametrize(
    ("part", "path", "value"),
    [
        ("account", "requisition-lines.0.account", None),
        ("auxiliary", "requisition-lines.0.supp-aux-part-num", "cart-1"),
    ],
)
def test_policy_may_let_the_accounting_or_the_auxiliary_part_number_differ(part: Any, path: str, value: Any) -> None:
    req = put(requisition(), path, value)
    policies = OrderPolicies(may_differ=(part,))
    assert verdict(purchase_order(), req) is not None
    assert judge(Judged.of(purchase_order()), purchase_order(), req, policies, mark_as_sent=False) is None


def test_a_plan_that_kept_no_header_does_not_pass() -> None:
    planned = Judged.read({**Judged.of(purchase_order()).write(), "header": {}})
    assert judge(planned, purchase_order(), requisition(), POLICIES, mark_as_sent=False) is not None


def test_what_is_judged_reads_back_from_the_ledger() -> None:
    planned = Judged.of(purchase_order())
    assert Judged.read(json.loads(json.dumps(planned.write()))) == planned


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("issued", None),
        ("cancelled", "skipped"),
        ("closed", "skipped"),
        ("buyer_hold", "waiting"),
        ("supplier_window_hold", "waiting"),
    ],
)
def test_only_an_issued_po_is_ordered_and_one_on_hold_waits(status: str, state: str | None) -> None:
    found = standing({"status": status})
    assert (found.state if found else None) == state


def test_approval_that_is_on_its_way_waits_and_names_who_is_asked() -> None:
    pending = {"status": "pending_approval", "approvals": [approval("pending_approval")]}
    assert awaits_approval(pending) == "approval is pending: the requisition is pending_approval, with viktor.lind"
    assert awaits_approval({"status": "ordered", "approvals": [approval("pending_approval")]}) is None


def test_who_approved_is_kept_in_the_order_of_the_chain() -> None:
    rows = [approval("approved"), {"position": 1, "status": "approved", "approved-by": {"login": "deputy"}}]
    assert approved_by({"approvals": rows}) == ["deputy", "viktor.lind"]


@pytest.mark.parametrize(
    "field", ["status", "updated-at", "internal-revision", "custom-fields", "transmission-status", "exported"]
)
def test_counters_and_what_we_write_back_are_no_substance(field: str) -> None:
    assert substance({**purchase_order(), field: "changed"}) == substance(purchase_order())
