"""Purchase orders with their versions and states, and the receipts that move them."""

import pytest

PATH = "/purchase_orders/1"
COUNTERS = ["version", "internal_revision", "exported", "change_type"]


def counters(company):
    return tuple(company.read(PATH, fields=COUNTERS).values())


def set_status(company, status):
    instance = company.state.instance
    instance.change("purchase_orders", instance.get("purchase_orders", 1), status=status)


MACHINE = {
    "issue": {"draft": "issued", "buyer_hold": "issued", "supplier_hold": "issued", "currency_hold": "issued"},
    "issue_without_send": {
        "draft": "issued",
        "buyer_hold": "issued",
        "supplier_hold": "issued",
        "currency_hold": "issued",
    },
    "release_from_buyer_hold": {"buyer_hold": "issued"},
    "ignore_window_and_issue": {"supplier_window_hold": "issued"},
    "cancel": dict.fromkeys(("draft", "issued", "buyer_hold", "supplier_hold", "supplier_window_hold"), "cancelled"),
    "close": {"issued": "soft_closed", "soft_closed": "closed"},
    "reopen": {"soft_closed": "issued"},
}
STATUSES = (
    "draft",
    "buyer_hold",
    "supplier_hold",
    "currency_hold",
    "supplier_window_hold",
    "issued",
    "soft_closed",
    "closed",
    "cancelled",
)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("event", sorted(MACHINE))
def test_an_order_moves_exactly_as_its_machine_says(company, status, event):
    set_status(company, status)
    answered, _ = company.call("PUT", f"{PATH}/{event}", {"reason-insight-code": "LATE"})
    after = MACHINE[event].get(status)
    assert answered == (200 if after else 400)
    assert company.read(PATH, fields=["status"])["status"] == (after or status)


def test_an_order_is_reopened_only_for_a_reason(company, refused):
    set_status(company, "soft_closed")
    assert "Reason insight can't be blank" in refused(company.call("PUT", f"{PATH}/reopen", {}))


def test_an_order_with_receipts_cannot_be_cancelled(company, refused):
    company.receive("1")
    assert "with receipts or invoices" in refused(company.call("PUT", f"{PATH}/cancel"))


def test_the_older_flags_cancel_and_close(company):
    assert company.call("PUT", PATH, {"_close": True})[1]["status"] == "soft_closed"
    assert company.call("PUT", "/purchase_orders/2", {"_cancel": True})[1]["status"] == "cancelled"


def test_custom_fields_and_references_change_no_version_and_keep_exported(company):
    company.call("PUT", PATH, None, exported="true")
    company.call("PUT", PATH, {"custom-fields": {"amazon-order-id": "113-1"}})
    company.call("PUT", PATH, {"order-lines": [{"id": 1, "supplier-order-number": "113-1"}]})
    assert counters(company) == (1, 3, True, None)
    assert company.ids("/purchase_order_lines", ("supplier_order_number", "113-1")) == [1]


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1, "quantity": "5"},
        {"id": 1, "price": "99"},
        {"id": 2, "_delete": True},
        {"description": "Freight", "quantity": "1", "price": "9.99"},
    ],
)
def test_what_the_supplier_must_see_raises_the_version_and_clears_exported(company, row):
    company.call("PUT", PATH, None, exported="true")
    status, order = company.call("PUT", PATH, {"order-lines": [row]})
    assert status == 200, order
    assert counters(company) == (2, 2, False, "change")


def test_a_line_sent_with_the_values_it_has_changes_nothing(company):
    company.call("PUT", PATH, {"order-lines": [{"id": 1, "quantity": "4.0"}]})
    assert counters(company) == (1, 1, False, None)


def test_a_line_that_was_received_cannot_be_deleted(company, refused):
    company.receive("1")
    assert "has receipts or invoices" in refused(
        company.call("PUT", PATH, {"order-lines": [{"id": 1, "_delete": True}]})
    )


def test_only_external_orders_are_posted_and_their_number_is_unique(company, refused):
    line = {"description": "Chair", "quantity": "1", "price": "80", "currency": {"code": "USD"}}
    order = {"po-number": "EXT-1", "supplier": {"number": "NORTH"}, "order-lines": [line]}
    assert "must be ExternalOrderHeader" in refused(company.call("POST", "/purchase_orders", order))
    order["type"] = "ExternalOrderHeader"
    status, made = company.call("POST", "/purchase_orders", order)
    assert (status, made["status"], made["currency"]["code"]) == (201, "issued", "USD")
    assert "Po number has already been taken" in refused(company.call("POST", "/purchase_orders", order))
    assert "Order lines can't be blank" in refused(
        company.call("POST", "/purchase_orders", {**order, "order-lines": []})
    )


def test_receipts_move_line_and_requisition_together(company):
    requisition = lambda: company.read("/requisitions/1", fields=["status"])["status"]  # noqa: E731
    assert (company.order_line()["status"], requisition()) == ("created", "ordered")
    company.receive("3")
    assert (company.order_line()["received"], company.order_line()["status"], requisition()) == (
        "3.0",
        "partially_received",
        "partially_received",
    )
    company.receive("1")
    company.receive("10", 2)
    company.call(
        "POST",
        "/receiving_transactions",
        {"type": "ReceivingAmountConsumption", "total": "300", "order-line": {"id": 3}},
    )
    assert [company.order_line(n)["status"] for n in (1, 2, 3)] == ["received"] * 3
    assert requisition() == "received"


def test_a_receipt_knows_price_total_and_unit_of_its_line(company):
    receipt = company.receive(
        "2", match_reference="TBA-1", custom_fields={"external-id": "AB-1"}, transaction_date="2026-05-09"
    )
    assert (receipt["price"], receipt["total"], receipt["uom"]["code"], receipt["status"]) == (
        "100.00",
        "200.00",
        "EA",
        "created",
    )
    assert receipt["order-line"]["order-header-number"] == "PO-1"
    for query in (("match_reference", "TBA-1"), ("custom_fields[external-id]", "AB-1"), ("order_line[id]", "1")):
        assert company.ids("/receiving_transactions", query) == [receipt["id"]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"type": "Parcel"}, "Type is not included in the list"),
        ({"type": None}, "Type can't be blank"),
        ({"quantity": "0"}, "Quantity must be greater than 0"),
        ({"quantity": "-1"}, "Quantity must be greater than 0"),
        ({"order-line": {"id": 99}}, "Order line can't be found"),
        ({"order-line": None}, "Order line can't be blank"),
        ({"type": "ReceivingAmountConsumption"}, "does not fit an order line of type OrderQuantityLine"),
        ({"order-line": {"id": 3}}, "does not fit an order line of type OrderAmountLine"),
        ({"type": "ReceivingQuantityReturnToSupplier"}, "more than what was received"),
        ({"type": "VoidReceivingQuantityConsumption"}, "more than what was received"),
    ],
)
def test_a_receipt_that_cannot_be_is_refused(company, refused, change, sentence):
    body = {"type": "ReceivingQuantityConsumption", "quantity": "1", "order-line": {"id": 1}, **change}
    assert sentence in refused(company.call("POST", "/receiving_transactions", body))
    assert company.order_line()["received"] == "0.0"
    assert company.ids("/receiving_transactions") == []


def test_a_void_takes_the_receipt_back_once(company, refused):
    receipt = company.receive("3")
    status, voided = company.call("PUT", f"/receiving_transactions/{receipt['id']}/void", {})
    assert (status, voided["status"], voided["voided-value"]) == (200, "voided", "3.0")
    assert company.order_line() == {"received": "0.0", "invoiced": "0.0", "total-invoiced": "0.00", "status": "created"}
    assert "already been voided" in refused(company.call("PUT", f"/receiving_transactions/{receipt['id']}/void", {}))


def test_a_part_of_a_receipt_is_voided_by_its_own_record(company, refused):
    receipt = company.receive("3")
    part = {
        "type": "VoidReceivingQuantityConsumption",
        "quantity": "2",
        "order-line": {"id": 1},
        "original-transaction": {"id": receipt["id"]},
    }
    status, void = company.call("POST", "/receiving_transactions", part)
    assert (status, void["original-transaction-id"], company.order_line()["received"]) == (201, receipt["id"], "1.0")
    company.receive("3")
    assert "more than what is left" in refused(company.call("POST", "/receiving_transactions", part))
    company.call("PUT", f"/receiving_transactions/{receipt['id']}/void", {})
    assert company.order_line()["received"] == "3.0"


def test_a_return_takes_units_off_the_line(company):
    company.receive("3")
    company.receive("1", type="ReceivingQuantityReturnToSupplier")
    assert company.order_line()["received"] == "2.0"


def test_nothing_is_received_or_voided_on_a_closed_order(company, refused):
    receipt = company.receive("1")
    company.call("PUT", f"{PATH}/close")
    body = {"type": "ReceivingQuantityConsumption", "quantity": "1", "order-line": {"id": 1}}
    assert "PO-1 is soft_closed" in refused(company.call("POST", "/receiving_transactions", body))
    assert "PO-1 is soft_closed" in refused(company.call("PUT", f"/receiving_transactions/{receipt['id']}/void", {}))


def test_a_receipt_changes_in_nothing_but_its_export_flag_and_custom_fields(company, refused):
    receipt = company.receive("1")
    path = f"/receiving_transactions/{receipt['id']}"
    assert "Quantity cannot be changed" in refused(company.call("PUT", path, {"quantity": "2"}))
    assert company.call("PUT", path, None, exported="true")[1]["exported"] is True
    assert company.call("PUT", path, {"custom-fields": {"external-id": "x"}})[1]["custom-fields"] == {
        "external-id": "x"
    }


@pytest.mark.parametrize(
    ("gates", "status"),
    [
        (["soft_close_for_receiving"], "soft_closed_for_receiving"),
        (["soft_close_for_invoicing"], "soft_closed_for_invoicing"),
        (["soft_close_for_receiving", "soft_close_for_invoicing"], "closed"),
        (["soft_close_for_receiving", "reopen_for_receiving"], "created"),
        (["soft_close_for_invoicing", "reopen_for_invoicing"], "created"),
    ],
)
def test_the_gates_of_a_line(company, gates, status):
    for gate in gates:
        company.call("PUT", f"/purchase_order_lines/1/{gate}")
    assert company.order_line()["status"] == status


def test_a_closed_gate_refuses_receipts_and_invoices(company, refused):
    company.call("PUT", "/purchase_order_lines/1/soft_close_for_receiving")
    company.call("PUT", "/purchase_order_lines/1/soft_close_for_invoicing")
    receipt = {"type": "ReceivingQuantityConsumption", "quantity": "1", "order-line": {"id": 1}}
    assert "soft closed for receiving" in refused(company.call("POST", "/receiving_transactions", receipt))
    assert "closed for invoicing" in refused(company.call("POST", "/invoices", company.body("A")))


@pytest.mark.parametrize(("switched_on", "status"), [(True, "soft_closed"), (False, "issued")])
def test_a_complete_order_closes_by_itself_where_the_company_wants_it(company, switched_on, status):
    company.state.instance.switches["soft_close_when_complete"] = switched_on
    company.receive("1", 4, match_reference="M")
    north = {"supplier": {"number": "NORTH"}, "remit_to_address": {"remit-to-code": "N-1"}}
    company.submit("N", {"order-line-id": 4, "quantity": "1", "price": "250", "match-reference": "M"}, **north)
    assert company.read("/purchase_orders/2", fields=["status"])["status"] == status
