"""Change requests of purchase orders: what may be asked for, who decides, what the order and its supplier see of it."""

import pytest

ORDER, LINE, COOKIES, SERVICE = (
    1,
    1,
    2,
    3,
)  # PO-1 with its 4 printers at 100.00, 10 cookies at 5.00, a service of 300.00


def ask(company, *rows, order=ORDER):
    return company.call("POST", "/purchase_order_changes", {"order-header-id": order, "order-line-changes": list(rows)})


def change(company, *rows):
    status, made = ask(company, *rows)
    assert status == 201, made
    return made


def order(company, *fields):
    return company.read("/purchase_orders/1", fields=list(fields))


def line(company, number=LINE):
    return company.read(f"/purchase_order_lines/{number}")


@pytest.fixture
def careful(company_with):
    """A company in which Ann approves every change of an order."""
    company = company_with()
    company.state.event("settings", {"order-change-approvers": ["ap.lead"]})
    return company


def test_a_change_takes_effect_at_once_where_nobody_need_approve(company):
    company.call("PUT", "/purchase_orders/1", None, exported="true")
    made = change(company, {"order-line-id": LINE, "quantity": "3", "price": "99.5"})
    assert (made["status"], made["version"], made["order-header-id"], made["po-number"]) == ("approved", 2, 1, "PO-1")
    assert (line(company)["quantity"], line(company)["price"], line(company)["version"]) == ("3.0", "99.50", 2)
    assert order(company, "version", "exported", "change_type") == {
        "version": 2,
        "exported": False,
        "change-type": "change",
    }


def test_a_change_shows_the_whole_order_as_it_would_be(careful):
    made = change(careful, {"order-line-id": COOKIES, "pending-delete": True}, {"order-line-id": LINE, "quantity": "3"})
    rows = {row["order-line-id"]: row for row in made["order-line-changes"]}
    assert rows.keys() == {LINE, COOKIES, SERVICE}
    assert (rows[LINE]["quantity"], rows[LINE]["price"], rows[LINE]["total"]) == ("3.0", "100.00", "300.00")
    assert (rows[COOKIES]["pending-delete"], rows[SERVICE]["pending-delete"]) == (True, False)
    assert (made["total"], made["lines-count"], made["lines-pending-delete-count"]) == ("600.00", 3, 1)
    assert line(careful)["quantity"] == "4.0"


def test_lines_are_added_and_deleted(company):
    new = {"description": "Toner", "quantity": "2", "price": "30", "uom": {"code": "EA"}}
    made = change(company, new, {"order-line-id": COOKIES, "pending-delete": True})
    assert made["lines-pending-add-count"] == 1
    rows = order(company, {"order-lines": ["description", "type", "line_num"]})["order-lines"]
    assert [(row["description"], row["type"], row["line-num"]) for row in rows] == [
        ("Label printer", "OrderQuantityLine", "1"),
        ("Service", "OrderAmountLine", "3"),
        ("Toner", "OrderQuantityLine", "4"),
    ]


def test_a_split_replaces_the_split_that_was_there(company):
    account = {"code": "10-4100-6100", "account-type": {"name": "US Chart"}}
    for shares in (("60", "40"), ("100",)):
        change(
            company,
            {"order-line-id": LINE, "account-allocations": [{"account": account, "pct": pct} for pct in shares]},
        )
        assert [row["pct"] for row in line(company)["account-allocations"]] == [f"{pct}.0" for pct in shares]
    assert order(company, "version") == {"version": 1}  # coding is no business of the supplier's


def test_asking_for_what_is_so_already_raises_no_version(company):
    assert change(company, {"order-line-id": LINE, "quantity": "4"})["version"] == 1


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"order-line-id": LINE, "quantity": "1"}, "Line 1: quantity 1 is less than what is received or invoiced (2)"),
        ({"order-line-id": LINE, "pending-delete": True}, "Line 1: has receipts or invoices and cannot be deleted"),
        ({"order-line-id": COOKIES, "quantity": "0"}, "Line 2: quantity must be greater than 0"),
        ({"order-line-id": SERVICE, "price": "-1"}, "Line 3: price must be greater than 0"),
        ({"order-line-id": 4, "quantity": "2"}, "Order line with id 4 is not a line of this purchase order"),
        ({"order-line-id": COOKIES, "price": "cheap"}, "Price is not a number"),
        ({"quantity": "1"}, "A new line needs a description and a price"),
    ],
)
def test_what_the_lines_do_not_allow_is_refused_and_nothing_changes(company, refused, row, sentence):
    company.receive("2")
    before = company.read("/purchase_orders/1")
    assert sentence in refused(ask(company, row))
    assert company.read("/purchase_orders/1") == before
    assert company.ids("/purchase_order_changes") == []


def test_a_change_asks_for_something_once_and_leaves_something(company, refused):
    assert "Order line changes can't be blank" in refused(ask(company))
    assert "Order line id has already been taken" in refused(
        ask(company, {"order-line-id": LINE, "quantity": "3"}, {"order-line-id": LINE, "price": "9"})
    )
    gone = [{"order-line-id": number, "pending-delete": True} for number in (LINE, COOKIES, SERVICE)]
    assert "cancel it instead" in refused(ask(company, *gone))


@pytest.mark.parametrize("status", ["draft", "cancelled", "soft_closed", "closed"])
def test_only_an_order_that_lives_is_changed(company, refused, status):
    instance = company.state.instance
    instance.change("purchase_orders", instance.get("purchase_orders", ORDER), status=status)
    sentence = f"Cannot change purchase order PO-1: it is {status}"
    assert sentence in refused(ask(company, {"order-line-id": LINE, "quantity": "3"}))


def test_an_order_nobody_knows_is_not_changed(company, refused):
    assert "Order header can't be found by id 99" in refused(ask(company, {"order-line-id": 1}, order=99))
    assert "Order header can't be blank" in refused(ask(company, {"order-line-id": 1}, order=None))


def test_a_change_waits_for_its_approver_and_another_waits_for_it(careful, refused):
    made = change(careful, {"order-line-id": LINE, "quantity": "3"})
    assert (made["status"], made["current-approval"]["approver"]["login"]) == ("pending_approval", "ap.lead")
    assert order(careful, "version") == {"version": 1}
    assert "has a change that is pending approval" in refused(ask(careful, {"order-line-id": COOKIES, "quantity": "9"}))
    query = (("approvable_type", "OrderHeaderChange"), ("approvable_id", str(made["id"])))
    (approval,) = careful.ids("/approvals", *query)
    assert careful.call("PUT", f"/approvals/{approval}/approve")[0] == 200
    shown = careful.read(f"/purchase_order_changes/{made['id']}")
    assert (shown["status"], shown["version"], line(careful)["quantity"]) == ("approved", 2, "3.0")
    assert change(careful, {"order-line-id": COOKIES, "quantity": "9"})["status"] == "pending_approval"


def test_a_rejected_change_says_why_and_can_be_submitted_again(careful, refused):
    made = change(careful, {"order-line-id": LINE, "quantity": "3"})
    path = f"/purchase_order_changes/{made['id']}"
    assert "Cannot submit a change that is pending_approval" in refused(
        careful.call("PUT", f"{path}/submit_for_approval")
    )
    careful.call("PUT", f"/approvals/{made['current-approval']['id']}/reject", reason="Keep all four")
    shown = careful.read(path)
    assert (shown["status"], shown["reject-reason"], line(careful)["quantity"]) == ("rejected", "Keep all four", "4.0")
    again = careful.call("PUT", f"{path}/submit_for_approval")[1]
    assert (again["status"], again["reject-reason"]) == ("pending_approval", None)


def test_an_approval_that_comes_too_late_is_refused_and_stays_pending(careful, refused):
    made = change(careful, {"order-line-id": LINE, "quantity": "1"})
    careful.receive("2")
    approve = f"/approvals/{made['current-approval']['id']}/approve"
    assert "less than what is received" in refused(careful.call("PUT", approve))
    shown = careful.read(f"/purchase_order_changes/{made['id']}")
    assert (shown["status"], shown["current-approval"]["status"]) == ("pending_approval", "pending_approval")
    assert line(careful)["quantity"] == "4.0"


def test_changes_are_found_by_their_orders(company):
    made = change(company, {"order-line-id": LINE, "quantity": "3"})
    assert company.ids("/purchase_order_changes", ("order_header_id[in]", "1,2"), ("status", "approved")) == [
        made["id"]
    ]
    assert company.ids("/purchase_order_changes", ("order_header_id[in]", "2")) == []


@pytest.mark.parametrize(
    "body",
    [
        {"po-number": "PO-1", "line-num": 1, "quantity": "3"},
        {"order-line-id": LINE, "quantity": "3"},
        {"po-number": "PO-1", "order-line-changes": [{"line-num": "1", "quantity": "3"}]},
        {"id": ORDER, "order-line-changes": [{"order-line-id": LINE, "quantity": "3"}]},
    ],
)
def test_a_buyer_changes_an_order_by_event(company, body):
    assert company.state.event("change_order", body) == {"order-change": 1, "status": "approved", "version": 2}
    assert line(company)["quantity"] == "3.0"


def test_a_buyer_changes_are_decided_on_by_event(careful):
    careful.state.event("change_order", {"po-number": "PO-1", "line-num": "1", "price": "120"})
    assert careful.state.event("approve", {"order-change-id": 1})["status"] == "approved"
    assert (line(careful)["price"], careful.read("/approvals/1")["approved-by"]["login"]) == ("120.00", "ap.lead")


def test_a_pending_change_survives_a_snapshot(careful, company_with):
    made = change(careful, {"order-line-id": LINE, "quantity": "3"})
    later = company_with()
    later.state.restore(careful.state.snapshot())
    later.call("PUT", f"/approvals/{made['current-approval']['id']}/approve")
    assert line(later)["quantity"] == "3.0"
    assert change(later, {"order-line-id": LINE, "quantity": "2"})["status"] == "pending_approval"
