"""How orders and their changes reach the supplier, and what does not: notes of ours, holds, orders marked not to be
sent."""

import pytest

METHODS = {
    "cxml": "sent_via_cxml",
    "xml": "sent_via_xml",
    "email": "sent_via_email",
    "prompt": "pending_manual",
    "mark_as_sent": "sent_manually",
    "buy_online": "awaiting_online_purchase",
}
REQUISITION = {
    "req-title": "Toner",
    "requested-by": {"login": "jane.doe"},
    "ship-to-address": {"location-code": "HQ-1"},
    "external-po-reference": "PO-77",
}
TONER = {
    "line-num": 1,
    "description": "Toner",
    "quantity": "1",
    "unit-price": "30",
    "currency": {"code": "USD"},
    "supplier": {"number": "AMZN-US"},
    "account": {"code": "10-4100-6100", "account-type": {"name": "US Chart"}},
}


def order_toner(company, **line):
    row = TONER | {name.replace("_", "-"): value for name, value in line.items()}
    status, made = company.call(
        "POST", "/requisitions/submit_for_approval", {**REQUISITION, "requisition-lines": [row]}
    )
    assert status == 201, made
    (order,) = company.read("/purchase_orders", ("po_number", "PO-77"))
    return order


def status_of(company, order=1):
    return company.read(f"/purchase_orders/{order}", fields=["transmission_status"])["transmission-status"]


@pytest.mark.parametrize(("method", "status"), [*METHODS.items(), (None, "created")])
def test_a_new_order_goes_out_by_the_suppliers_method(company, method, status):
    company.call("PUT", "/suppliers/1", {"po-method": method})
    assert order_toner(company)["transmission-status"] == status


@pytest.mark.parametrize(("override", "status"), [("email", "sent_via_email"), ("do_not_transmit", "created")])
def test_an_order_may_have_a_way_of_its_own(company, override, status):
    company.call("PUT", "/suppliers/1", {"po-method": "cxml"})
    assert order_toner(company, transmission_method_override=override)["transmission-status"] == status


@pytest.mark.parametrize(("method", "status"), [*METHODS.items(), (None, "created")])
@pytest.mark.parametrize("by", ["change request", "edit"])
def test_a_change_goes_out_by_the_suppliers_method_for_changes(company, method, status, by):
    company.call("PUT", "/suppliers/1", {"po-method": "cxml", "po-change-method": method})
    row = {"quantity": "3"}
    if by == "edit":
        company.call("PUT", "/purchase_orders/1", {"order-lines": [{"id": 1, **row}]})
    else:
        company.state.event("change_order", {"order-line-id": 1, **row})
    assert status_of(company) == status


def test_what_the_supplier_need_not_see_is_not_sent(company):
    company.call("PUT", "/suppliers/1", {"po-change-method": "cxml"})
    company.call("PUT", "/purchase_orders/1", {"custom-fields": {"amazon-order-id": "113-1"}})
    company.call("PUT", "/purchase_orders/1", {"order-lines": [{"id": 1, "supplier-order-number": "113-1"}]})
    assert status_of(company) == "created"
    assert company.read("/purchase_orders/1", fields=["version"]) == {"version": 1}


def test_an_order_on_hold_is_not_sent_for_being_changed(company):
    company.call("PUT", "/suppliers/1", {"po-method": "cxml", "po-change-method": "cxml", "buyer-hold": True})
    order = order_toner(company)
    company.state.event("change_order", {"po-number": "PO-77", "line-num": 1, "quantity": "2"})
    assert status_of(company, order["id"]) == "created"
    company.call("PUT", f"/purchase_orders/{order['id']}/release_from_buyer_hold")
    assert status_of(company, order["id"]) == "sent_via_cxml"


def test_issue_without_send_sends_nothing(company):
    company.call("PUT", "/suppliers/1", {"po-method": "cxml", "buyer-hold": True})
    order = order_toner(company)
    issued = company.call("PUT", f"/purchase_orders/{order['id']}/issue_without_send")[1]
    assert (issued["status"], issued["transmission-status"]) == ("issued", "created")


def test_somebody_sends_an_order_by_another_way(company):
    happened = company.state.event("transmit_order", {"po-number": "PO-1", "transmission-status": "sent_via_cxml"})
    assert happened == {"purchase-order": 1, "transmission-status": "sent_via_cxml"}
    assert company.state.event("transmit_order", {"id": 2})["transmission-status"] == "sent_manually"
    assert company.read("/purchase_orders/1", fields=["version"]) == {"version": 1}
    with pytest.raises(ValueError, match="Transmission status is not included in the list"):
        company.state.event("transmit_order", {"id": 2, "transmission-status": "by pigeon"})


def test_a_supplier_is_set_up_by_event(company):
    given = {"number": "AMZN-US", "po-method": "prompt", "po-change-method": "mark_as_sent"}
    assert company.state.event("set_supplier", given) == {
        "supplier": 1,
        "po-method": "prompt",
        "po-change-method": "mark_as_sent",
    }
    assert order_toner(company)["transmission-status"] == "pending_manual"
    with pytest.raises(ValueError, match="Po method is not included in the list"):
        company.state.event("set_supplier", {"number": "AMZN-US", "po-method": "fax"})


def test_open_orders_are_found_as_a_client_looks_for_them(company):
    order = order_toner(company)
    found = lambda *query: company.ids("/purchase_orders", *query, ("order_by", "id"))  # noqa: E731
    assert found(("status", "issued"), ("supplier[number][in]", "AMZN-US,NORTH")) == [1, 2, order["id"]]
    assert found(("supplier[number][in]", "NORTH")) == [2]
    moment = company.clock.now().isoformat()
    assert found(("updated_at[gt_or_eq]", moment)) == [order["id"]]
    assert found(("updated-at[gt]", moment)) == []
    assert found(("id[in]", f"1,{order['id']}"), ("transmission_status[in]", "created,deferred")) == [1, order["id"]]


def test_a_reason_for_reopening_is_kept(company):
    company.call("PUT", "/purchase_orders/1/close")
    reason = {"reason-insight-code": "LATE", "reason-insight-event-comment": "second shipment"}
    assert company.call("PUT", "/purchase_orders/1/reopen", reason)[1]["status"] == "issued"
    (kept,) = company.read("/purchase_orders/1", fields=["reason_insight_events"])["reason-insight-events"]
    assert (kept["reason-insight"], kept["comment"]) == ({"code": "LATE"}, "second shipment")


def test_receipts_are_found_by_line_shipment_and_outside_key(company):
    first = company.receive("1", match_reference="TBA-1", custom_fields={"external-id": "113-1/S1/L1"})["id"]
    second = company.receive("1", 2, match_reference="TBA-2")["id"]
    path = "/receiving_transactions"
    assert company.ids(path, ("order_line[id][in]", "1,2,3")) == [first, second]
    assert company.ids(path, ("order_line[id][in]", "2")) == [second]
    assert company.ids(path, ("match_reference", "TBA-1")) == [first]
    assert company.ids(path, ("custom_fields[external-id]", "113-1/S1/L1")) == [first]
    assert company.ids(path, ("custom_fields[external-id][in]", "113-1/S1/L1,other")) == [first]


def test_a_closed_line_takes_no_receipts_and_what_is_returned_may_come_again(company, refused):
    company.receive("4")
    company.receive("1", type="ReceivingQuantityReturnToSupplier")
    assert company.order_line()["status"] == "partially_received"
    company.receive("1")
    assert company.order_line() | {"invoiced": None, "total-invoiced": None} == {
        "received": "4.0",
        "status": "received",
        "invoiced": None,
        "total-invoiced": None,
    }
    company.call("PUT", "/purchase_order_lines/1/soft_close_for_receiving")
    body = {"type": "ReceivingQuantityConsumption", "quantity": "1", "order-line": {"id": 1}}
    assert "soft closed for receiving" in refused(company.call("POST", "/receiving_transactions", body))
    company.call("PUT", "/purchase_order_lines/1/reopen_for_receiving")
    assert company.call("POST", "/receiving_transactions", body)[0] == 201
