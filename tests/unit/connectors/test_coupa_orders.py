"""Coupa's purchase orders and requisitions: what is read of them, and the little that is written."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.coupa import fields
from connectors.coupa.client import Coupa
from connectors.coupa.operations import IN_FLIGHT, OPERATIONS, ORDER_ACTIONS
from connectors.coupa.order_bodies import PurchaseOrderChangePayload
from connectors.coupa.payloads import PurchaseOrder, PurchaseOrderChange, Requisition
from connectors.errors import NotFound, RejectedError, UncertainOutcome, UnexpectedResponse
from tests.unit.connectors.scripted_vendor import Vendor, answer

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, 12, tzinfo=timezone(timedelta(hours=2)))

READS: dict[str, tuple[Callable[[Coupa], Any], str, dict[str, str]]] = {
    "updated orders": (
        lambda c: c.purchase_orders_updated(["AMZN-US", "AMZN-DE"], SINCE, UNTIL),
        "purchase_orders",
        {
            "supplier[number][in]": "AMZN-US,AMZN-DE",
            "updated_at[gt_or_eq]": "2026-05-01T00:00:00+00:00",
            "updated_at[lt]": "2026-05-02T10:00:00+00:00",
        },
    ),
    "orders by id": (lambda c: c.purchase_orders_by_id([4711, 4712]), "purchase_orders", {"id[in]": "4711,4712"}),
    "order changes": (
        lambda c: c.purchase_order_changes([4711, 4712]),
        "purchase_order_changes",
        {"order_header_id[in]": "4711,4712"},
    ),
    "requisitions": (lambda c: c.requisitions([90]), "requisitions", {"id": "90"}),
    "requisitions in approval": (
        lambda c: c.requisitions_in("pending_approval", ["AMZN-US", "AMZN-DE"]),
        "requisitions",
        {"status": "pending_approval", "requisition_lines[supplier][number][in]": "AMZN-US,AMZN-DE"},
    ),
    "comments on an order": (lambda c: c.comments("purchase_orders", 4711), "purchase_orders/4711/comments", {}),
}


def flat(wanted: Any, prefix: str = "") -> set[str]:
    """The wanted fields by dotted path."""
    paths: set[str] = set()
    for entry in wanted:
        if isinstance(entry, str):
            paths.add(prefix + entry)
        else:
            for name, within in entry.items():
                paths |= {prefix + name} | flat(within, f"{prefix}{name}.")
    return paths


@pytest.mark.parametrize("name", READS)
def test_a_read_asks_for_exactly_this_in_order_of_id(coupa: Coupa, vendor: Vendor, name: str) -> None:
    read, path, query = READS[name]
    vendor.usual = lambda call: [{"id": 1}]
    assert list(read(coupa)) == [[{"id": 1}]]
    [call] = vendor.calls
    given = dict(call.query)
    assert "id" in json.loads(given.pop("fields"))
    assert (call.method, call.path) == ("GET", f"/api/{path}")
    assert given == query | {"order_by": "id", "dir": "asc", "limit": "50"}


def test_orders_of_one_supplier_may_fill_many_pages(coupa: Coupa, vendor: Vendor) -> None:
    vendor.then(answer([{"id": n} for n in range(1, 51)]), answer([{"id": 60}]))
    pages = list(coupa.purchase_orders_updated(["AMZN-US"], SINCE, UNTIL))
    assert [len(page) for page in pages] == [50, 1]
    assert [call.query["supplier[number]"] for call in vendor.calls] == ["AMZN-US"] * 2
    assert vendor.calls[1].query["id[gt]"] == "50"


def test_orders_that_changed_can_be_asked_for_by_their_status(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: []
    list(coupa.purchase_orders_updated(["AMZN-US"], SINCE, UNTIL, statuses=["canceled", "cancelled"]))
    assert vendor.calls[0].query["status[in]"] == "canceled,cancelled"


def test_a_window_of_orders_needs_aware_moments(coupa: Coupa, vendor: Vendor) -> None:
    for window in ((SINCE.replace(tzinfo=None), UNTIL), (SINCE, UNTIL.replace(tzinfo=None))):
        with pytest.raises(ValueError, match="aware"):
            coupa.purchase_orders_updated(["AMZN-US"], *window)
    assert vendor.calls == []


@pytest.mark.parametrize(("method", "path"), [("purchase_order", "purchase_orders"), ("requisition", "requisitions")])
def test_one_record_is_read_by_its_id(coupa: Coupa, vendor: Vendor, method: str, path: str) -> None:
    get = getattr(coupa, f"get_{method}")
    vendor.then(answer({"id": 7, "status": "issued"}), answer({"errors": ["none"]}, status=404), answer([]))
    assert get(7)["status"] == "issued"
    assert vendor.calls[0].path == f"/api/{path}/7"
    assert set(vendor.calls[0].query) == {"fields"}
    with pytest.raises(NotFound):
        get(8)
    with pytest.raises(UnexpectedResponse):
        get(9)


ORDER_NEEDS = """
    version internal_revision transmission_status transmission_method_override confirmation_status ship_to_attention
    ship_to_address.street1 ship_to_address.street2 ship_to_address.city ship_to_address.state
    ship_to_address.postal_code ship_to_address.country.code ship_to_address.country.name ship_to_address.location_code
    supplier.number supplier.po_method supplier.po_change_method supplier_site.po_method requisition_header.id
    requisition_header.requested_by.email custom_fields order_lines.custom_fields
    order_lines.requisition_line_id order_lines.receipt_required order_lines.manufacturer_name
    order_lines.external_reference_number order_lines.service_type order_lines.supplier_order_number
    order_lines.source_part_num order_lines.supp_aux_part_num order_lines.quantity order_lines.price order_lines.uom.code
    order_lines.received order_lines.invoiced order_lines.match_type order_lines.commodity.name
    order_lines.account.code order_lines.account.account_type.name order_lines.account.segment_2
    order_lines.account_allocations.pct order_lines.account_allocations.account.segment_2
"""
REQUISITION_NEEDS = """
    status requested_by.email approvals.status approvals.approver.login approvals.delegate.login approvals.position
    approvals.approved_by.login requisition_lines.order_line_id requisition_lines.quantity requisition_lines.unit_price
    requisition_lines.source_part_num requisition_lines.supp_aux_part_num requisition_lines.line_num
    requisition_lines.uom.code requisition_lines.supplier.number requisition_lines.currency.code custom_fields
"""


@pytest.mark.parametrize(
    ("wanted", "needs"), [(fields.PURCHASE_ORDER, ORDER_NEEDS), (fields.REQUISITION, REQUISITION_NEEDS)]
)
def test_the_fields_hold_what_ordering_and_invoicing_need(wanted: Any, needs: str) -> None:
    assert set(needs.split()) <= flat(wanted)


def test_what_the_gate_judges_is_read() -> None:
    raw = {
        "id": 4711,
        "status": "issued",
        "transmission-status": "pending_manual",
        "supplier": {"id": 1, "po-method": "prompt", "po-change-method": "email"},
        "ship-to-address": {"id": 3, "street1": "1 Example Way", "country": {"code": "US", "name": "United States"}},
        "order-lines": [{"id": 213, "requisition-line-id": 88, "account-allocations": [{"pct": "40.0"}]}],
    }
    order = PurchaseOrder.model_validate(raw)
    assert order.supplier is not None
    assert order.ship_to_address is not None
    assert order.ship_to_address.country is not None
    assert (order.transmission_status, order.supplier.po_change_method) == ("pending_manual", "email")
    assert order.ship_to_address.country.code == "US"
    assert (order.order_lines[0].requisition_line_id, order.order_lines[0].account_allocations[0].pct) == ("88", 40)


def test_a_requisition_is_read_with_its_approvals_by_persons_and_groups() -> None:
    approvals = [
        {"id": 1, "status": "approved", "approver": {"id": 3, "login": "ap.lead"}},
        {"id": 2, "status": "pending_approval", "approver": {"id": 9, "name": "Lab heads"}},
    ]
    lines = [{"id": 88, "line-num": 1, "order-line-id": 213, "quantity": "3.0", "unit-price": "19.990000"}]
    requisition = Requisition.model_validate({"id": 90, "approvals": approvals, "requisition-lines": lines})
    assert [one.status for one in requisition.approvals] == ["approved", "pending_approval"]
    assert requisition.requisition_lines[0].unit_price == Decimal("19.99")


def test_a_change_request_is_read() -> None:
    raw = {"id": 501, "order-header-id": 4711, "status": "approved", "order-line-changes": [{"id": 1, "quantity": "4"}]}
    assert PurchaseOrderChange.model_validate(raw).order_line_changes[0].quantity == 4


# Writes


CHANGE = {"order-header-id": 4711, "order-line-changes": [{"order-line-id": 213, "quantity": "4"}]}
NOTES: dict[str, Any] = {
    "custom-fields": {"amazon-order-id": "113-0000000-0000001"},
    "order-lines": [{"id": 213, "supplier-order-number": "113-0000000-0000001", "custom-fields": {"promised": "x"}}],
}
REOPEN = {"reason-insight-code": "LATE-INVOICE", "reason-insight-event-comment": "second shipment"}
WRITES: dict[str, tuple[str, Callable[[Coupa, Any], Any], str, str, Any]] = {
    "notes": (
        "update_purchase_order", lambda c, p: c.update_purchase_order(4711, NOTES, p),
        "PUT", "purchase_orders/4711", NOTES,
    ),
    "cancel": (
        "act_on_purchase_order", lambda c, p: c.act_on_purchase_order(4711, "cancel", p),
        "PUT", "purchase_orders/4711/cancel", {},
    ),
    "close": (
        "act_on_purchase_order", lambda c, p: c.act_on_purchase_order(4711, "close", p),
        "PUT", "purchase_orders/4711/close", {},
    ),
    "reopen": (
        "act_on_purchase_order", lambda c, p: c.act_on_purchase_order(4711, "reopen", p, REOPEN),
        "PUT", "purchase_orders/4711/reopen", REOPEN,
    ),
    "soft close a line": (
        "act_on_purchase_order_line", lambda c, p: c.act_on_purchase_order_line(213, "soft_close_for_receiving", p),
        "PUT", "purchase_order_lines/213/soft_close_for_receiving", {},
    ),
    "reopen a line": (
        "act_on_purchase_order_line", lambda c, p: c.act_on_purchase_order_line(213, "reopen_for_invoicing", p),
        "PUT", "purchase_order_lines/213/reopen_for_invoicing", {},
    ),
    "change": (
        "create_purchase_order_change", lambda c, p: c.create_purchase_order_change(CHANGE, p),
        "POST", "purchase_order_changes", CHANGE,
    ),
    "comment on an order": (
        "create_comment", lambda c, p: c.create_comment("purchase_orders", 4711, "@[User:2] ordered", p),
        "POST", "purchase_orders/4711/comments", {"comments": "@[User:2] ordered"},
    ),
    "one more approver": (
        "act_on_requisition", lambda c, p: c.act_on_requisition(90, "add_approver", p, {"approver": {"login": "helen.osei"}}),
        "PUT", "requisitions/90/add_approver", {"approver": {"login": "helen.osei"}},
    ),
    "comment on a requisition": (
        "create_comment", lambda c, p: c.create_comment("requisitions", 90, "Order placed", p),
        "POST", "requisitions/90/comments", {"comments": "Order placed"},
    ),
    "receipt of a shipment": (
        "create_receipt",
        lambda c, p: c.create_receipt(
            {"type": "ReceivingQuantityConsumption", "quantity": 2, "order-line": {"id": 2949},
             "transaction-date": "2026-05-22T00:00:00-07:00", "match-reference": "401000000000001",
             "notes": "Sample Carrier TBA000000001", "custom-fields": {"external-id": "112-1/401/1"}}, p),
        "POST", "receiving_transactions",
        {"type": "ReceivingQuantityConsumption", "quantity": "2", "order-line": {"id": 2949},
         "transaction-date": "2026-05-22T07:00:00+00:00", "match-reference": "401000000000001",
         "notes": "Sample Carrier TBA000000001", "custom-fields": {"external-id": "112-1/401/1"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_one_call_with_exactly_this_body(coupa: Coupa, vendor: Vendor, name: str) -> None:
    operation, write, method, path, body = WRITES[name]
    vendor.usual = lambda call: {"id": 7, "status": "issued"}
    assert write(coupa, coupa.permit(operation))["id"] == 7
    [call] = vendor.calls
    assert (call.method, call.path, call.body) == (method, f"/api/{path}", body)
    assert set(call.query) == {"fields"}


def test_decimals_of_a_change_leave_as_text(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"id": 501}
    line = {"order_line_id": 213, "quantity": Decimal("1E+1"), "price": Decimal("19.990")}
    payload = PurchaseOrderChangePayload.model_validate({"order_header_id": 4711, "order_line_changes": [line]})
    coupa.create_purchase_order_change(payload, coupa.permit("create_purchase_order_change"))
    assert vendor.calls[0].body["order-line-changes"] == [{"order-line-id": 213, "quantity": "10", "price": "19.990"}]


BROKEN: list[tuple[str, Callable[[Coupa, Any], Any], str]] = [
    ("update_purchase_order", lambda c, p: c.update_purchase_order(4711, {}, p), "what is to change"),
    (
        "update_purchase_order",
        lambda c, p: c.update_purchase_order(4711, {"order-lines": [{"supplier-order-number": "1"}]}, p),
        "order-lines.0.id",
    ),
    (
        "update_purchase_order",
        lambda c, p: c.update_purchase_order(4711, {"order-lines": [{"id": 213, "quantity": "5"}]}, p),
        "order-lines.0.quantity: Extra inputs",
    ),
    (
        "act_on_purchase_order",
        lambda c, p: c.act_on_purchase_order(4711, "reopen", p, {"reason": "late"}),
        "reason: Extra inputs",
    ),
    (
        "create_purchase_order_change",
        lambda c, p: c.create_purchase_order_change(CHANGE | {"order-line-changes": []}, p),
        "at least 1 item",
    ),
    (
        "create_purchase_order_change",
        lambda c, p: c.create_purchase_order_change(CHANGE | {"order-line-changes": CHANGE["order-line-changes"] * 2}, p),  # type: ignore[operator]
        "changed once",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "write", "problem"), BROKEN)
def test_a_body_coupa_could_misread_is_refused_and_never_sent(
    coupa: Coupa, vendor: Vendor, operation: str, write: Callable[[Coupa, Any], Any], problem: str
) -> None:
    for _ in range(IN_FLIGHT + 1):  # each gives its permit back
        with pytest.raises(RejectedError, match=problem):
            write(coupa, coupa.permit(operation))
    assert vendor.calls == []


@pytest.mark.parametrize(
    "line",
    [
        {"order-line-id": 213},
        {"order-line-id": 213, "pending-delete": False},
        {"order-line-id": 213, "pending-delete": True, "quantity": "1"},
        {"order-line-id": 213, "quantity": "-1"},
        {"order-line-id": 213, "price": 1.5},
        {"quantity": "1"},
    ],
)
def test_a_line_change_says_one_thing(line: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        PurchaseOrderChangePayload.model_validate({"order-header-id": 4711, "order-line-changes": [line]})


@pytest.mark.parametrize("line", [{"quantity": "0"}, {"price": "1", "quantity": "2"}, {"pending-delete": True}])
def test_a_line_may_change_its_quantity_its_price_or_go(line: dict[str, Any]) -> None:
    changed = {"order-header-id": 4711, "order-line-changes": [{"order-line-id": 213, **line}]}
    assert PurchaseOrderChangePayload.model_validate(changed).body() == changed


@pytest.mark.parametrize("action", ["issue", "issue_without_send", "ignore_window_and_issue", "delete", ""])
def test_nothing_here_issues_an_order_or_deletes_a_line(coupa: Coupa, vendor: Vendor, action: str) -> None:
    with pytest.raises(ValueError, match="no action here"):
        coupa.act_on_purchase_order(4711, action, coupa.permit("act_on_purchase_order"))
    with pytest.raises(ValueError, match="no action here"):
        coupa.act_on_purchase_order_line(213, action, coupa.permit("act_on_purchase_order_line"))
    assert vendor.calls == []
    assert not any("issue" in word for word in ORDER_ACTIONS)


def test_a_change_whose_answer_names_no_record_is_uncertain(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"order-header-id": 4711}
    with pytest.raises(UncertainOutcome, match=r"^create_purchase_order_change: "):
        coupa.create_purchase_order_change(CHANGE, coupa.permit("create_purchase_order_change"))


@pytest.mark.parametrize("status", [400, 422])
def test_what_coupa_refuses_says_why(coupa: Coupa, vendor: Vendor, status: int) -> None:
    vendor.then(answer({"errors": {"order_header": ["Order is closed"]}}, status=status))
    with pytest.raises(RejectedError, match="Order is closed"):
        coupa.act_on_purchase_order(4711, "cancel", coupa.permit("act_on_purchase_order"))


def test_reads_only_get_and_writes_never_do() -> None:
    names = ["get_purchase_order", "get_requisition", "list_requisitions", "list_purchase_order_changes"]
    assert all(OPERATIONS[name].read for name in names)
    assert not any(OPERATIONS[operation].read for operation, *_ in WRITES.values())
