"""Requisitions from the request to the purchase orders that come of it: what is refused, who decides, what is made."""

import pytest

from tests.unit.sandbox.coupa.requisition_story import (
    ANOTHER,
    LINE,
    approvals,
    body,
    current,
    line,
    orders_of,
    submit,
    with_managers,
)


@pytest.fixture
def chain(company):
    return with_managers(company)


def test_a_draft_is_kept_with_its_lines_and_totals(company):
    status, made = company.call("POST", "/requisitions", body(LINE, ANOTHER))
    assert (status, made["status"], made["total"], made["line-count"]) == (201, "draft", "220.00", 2)
    assert made["currency"]["code"] == "USD"
    first = made["requisition-lines"][0]
    assert (first["line-type"], first["total"], first["status"]) == ("RequisitionQuantityLine", "179.00", "draft")
    assert (first["supplier"]["number"], first["payment-term"]["code"]) == ("AMZN-US", "Net 30")
    assert first["custom-fields"] == {"seller": "Acme"}
    assert made["requested-by"]["login"] == made["requester"]["login"] == "jane.doe"
    assert orders_of(company, made["id"]) == []


def test_requester_is_the_older_name_of_requested_by(company):
    given = body()
    given["requester"] = given.pop("requested-by")
    assert company.call("POST", "/requisitions", given)[1]["requested-by"]["login"] == "jane.doe"


def test_a_line_without_quantity_is_an_amount_line(company):
    service = {name: value for name, value in LINE.items() if name != "quantity"}
    made = submit(company, service | {"unit-price": "300"})
    kept = made["requisition-lines"][0]
    assert (kept["line-type"], kept["quantity"], kept["total"]) == ("RequisitionAmountLine", None, "300.00")
    ordered = orders_of(company, made["id"])[0]["order-lines"][0]
    assert (ordered["type"], ordered["price"], ordered["quantity"]) == ("OrderAmountLine", "300.00", None)


def test_of_lines_with_one_number_the_first_is_kept(company):
    _, made = company.call("POST", "/requisitions", body(LINE, line(description="Again"), ANOTHER))
    assert [row["description"] for row in made["requisition-lines"]] == ["Label printer", "Paper"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"requisition-lines": []}, "Requisition lines can't be blank"),
        ({"requested-by": None}, "Requested by can't be blank"),
        ({"requested-by": {"login": "cfo"}}, "Requested by is not active"),
        ({"ship-to-address": None}, "Ship to address can't be blank"),
        ({"req-title": "x" * 51}, "Req title is too long (maximum is 50 characters)"),
        ({"external-po-reference": "PO-1"}, "External po reference has already been taken"),
        ({"requisition-lines": [line(description=None)]}, "Line 1: description can't be blank"),
        ({"requisition-lines": [line(currency=None)]}, "Line 1: currency can't be blank"),
        ({"requisition-lines": [line(line_num=None)]}, "Line num can't be blank"),
        (
            {"requisition-lines": [line(line_type="RequisitionQuantityLine", quantity=None)]},
            "Line 1: quantity can't be blank or 0",
        ),
        (
            {"requisition-lines": [line(line_type="RequisitionAmountLine")]},
            "Line 1: quantity belongs on quantity lines only",
        ),
        ({"requisition-lines": [line(supplier={"number": "NOBODY"})]}, "Supplier can't be found"),
    ],
)
def test_what_could_not_be_submitted_is_not_even_kept_as_a_draft(company, refused, change, sentence):
    before = company.ids("/requisitions")
    for path in ("/requisitions", "/requisitions/submit_for_approval"):
        assert sentence in refused(company.call("POST", path, {**body(), **change}))
    assert company.ids("/requisitions") == before


def test_a_supplier_that_is_not_active_sells_nothing(company, refused):
    company.call("PUT", "/suppliers/1", {"status": "inactive"})
    assert "Line 1: supplier is not active" in refused(company.call("POST", "/requisitions", body()))


def test_ship_to_and_department_come_from_the_requester(company):
    company.call(
        "PUT", "/users/1", {"default-address": {"location-code": "HQ-1"}, "department": {"name": "Facilities"}}
    )
    made = submit(company, ship_to_address=None)
    assert made["ship-to-address"]["location-code"] == "HQ-1"
    assert made["department"]["name"] == "Facilities"


def test_without_anybody_to_ask_a_requisition_is_ordered_at_once(company):
    made = submit(company)
    assert (made["status"], made["approvals"], made["current-approval"]) == ("ordered", [], None)


def test_managers_decide_in_turn_and_the_last_one_makes_the_order(chain):
    made = submit(chain)
    number = made["id"]
    assert made["status"] == "pending_approval"
    assert made["current-approval"]["approver"]["login"] == "ap.lead"
    assert made["approvals"][0]["type"] == "ManagementHierarchyApproval"
    assert approvals(chain, number) == [("ap.lead", "pending_approval"), ("cfo", "pending")]
    chain.call("PUT", f"/approvals/{current(chain, number)['id']}/approve", reason="fine")
    assert chain.read(f"/requisitions/{number}")["status"] == "pending_approval"
    assert orders_of(chain, number) == []
    chain.call("PUT", f"/approvals/{current(chain, number)['id']}/approve")
    shown = chain.read(f"/requisitions/{number}")
    assert (shown["status"], shown["current-approval"]) == ("ordered", None)
    assert approvals(chain, number) == [("ap.lead", "approved"), ("cfo", "approved")]
    assert len(orders_of(chain, number)) == 1


def test_a_chain_that_was_set_up_goes_before_the_hierarchy(chain):
    chain.state.event("settings", {"requisition-approvers": ["cfo"]})
    made = submit(chain, approver={"login": "ap.lead"})
    assert [(row["type"], row["approver"]["login"]) for row in made["approvals"]] == [
        ("UserApproval", "ap.lead"),
        ("ApprovalChainApproval", "cfo"),
    ]


def test_managers_who_manage_each_other_are_each_asked_once(chain):
    chain.call("PUT", "/users/2", {"manager": {"login": "jane.doe"}})
    assert approvals(chain, submit(chain)["id"]) == [("ap.lead", "pending_approval")]


def test_a_rejection_gives_the_draft_back_and_it_can_be_submitted_again(chain):
    number = submit(chain)["id"]
    chain.call("PUT", f"/approvals/{current(chain, number)['id']}/reject", reason="We have these in stock")
    shown = chain.read(f"/requisitions/{number}")
    assert (shown["status"], shown["reject-reason-comment"]) == ("draft", "We have these in stock")
    assert approvals(chain, number) == [("ap.lead", "rejected")]
    path = f"/requisitions/{number}/update_and_submit_for_approval"
    row = {"id": shown["requisition-lines"][0]["id"], "quantity": "1"}
    status, again = chain.call("PUT", path, {"requisition-lines": [row]})
    assert (status, again["status"], again["total"]) == (200, "pending_approval", "89.50")
    assert again["reject-reason-comment"] is None
    assert approvals(chain, number) == [("ap.lead", "pending_approval"), ("cfo", "pending")]


def test_a_held_approval_keeps_the_requisition_waiting(chain):
    made = submit(chain)
    status, row = chain.call("PUT", f"/approvals/{made['current-approval']['id']}/hold", reason="on leave")
    assert (status, row["status"], row["note"]) == (200, "on_hold", "on leave")
    assert chain.read(f"/requisitions/{made['id']}")["status"] == "pending_approval"
    assert chain.call("PUT", f"/approvals/{row['id']}/approve")[0] == 200


def test_approvers_are_added_and_removed_and_the_last_removal_approves(chain):
    number = submit(chain)["id"]
    path = f"/requisitions/{number}"
    assert chain.call("PUT", f"{path}/add_approver", {"approver": {"login": "jane.doe"}})[0] == 200
    for person in ("ap.lead", "cfo"):
        assert approvals(chain, number)[0] == (person, "pending_approval")
        assert chain.call("PUT", f"{path}/remove_approval")[1]["status"] == "pending_approval"
    assert chain.call("PUT", f"{path}/remove_approval")[1]["status"] == "ordered"
    assert approvals(chain, number) == []


def test_what_is_decided_is_no_longer_edited(chain, refused):
    number = submit(chain)["id"]
    path = f"/requisitions/{number}"
    assert "Justification cannot be changed while the requisition is pending_approval" in refused(
        chain.call("PUT", path, {"justification": "other"})
    )
    assert "Cannot submit a requisition that is pending_approval" in refused(
        chain.call("PUT", f"{path}/update_and_submit_for_approval", {"justification": "other"})
    )
    status, changed = chain.call("PUT", path, {"custom-fields": {"amazon-order-id": "113-1"}})
    assert (status, changed["custom-fields"]) == (200, {"project": "P-7", "amazon-order-id": "113-1"})
    assert chain.call("PUT", path, None, exported="true")[1]["exported"] is True


@pytest.mark.parametrize("missing", ["supplier", "unit-price", "account"])
def test_what_lacks_supplier_price_or_coding_waits_for_the_buyer(company, missing):
    made = submit(company, {name: value for name, value in LINE.items() if name != missing})
    assert (made["status"], made["approvals"]) == ("pending_buyer_action", [])
    row = {"id": made["requisition-lines"][0]["id"], missing: LINE[missing]}
    path = f"/requisitions/{made['id']}/update_and_submit_for_approval"
    assert company.call("PUT", path, {"requisition-lines": [row]})[1]["status"] == "ordered"


def test_the_order_is_what_was_approved_line_by_line(company):
    split = [
        {"account": LINE["account"], "pct": "60"},
        {"account": {"code": "10-4100-6800", "account-type": {"name": "US Chart"}}, "pct": "40"},
    ]
    shared = {name: value for name, value in ANOTHER.items() if name != "account"} | {"account-allocations": split}
    made = submit(company, LINE, shared)
    (order,) = orders_of(company, made["id"])
    assert (order["status"], order["version"], order["exported"]) == ("issued", 1, False)
    assert (order["transmission-status"], order["supplier"]["number"]) == ("created", "AMZN-US")
    assert (order["payment-term"]["code"], order["ship-to-user"]["login"]) == ("Net 30", "jane.doe")
    assert order["ship-to-address"]["location-code"] == "HQ-1"
    assert order["requisition-header"]["requested-by"]["login"] == "jane.doe"
    assert order["custom-fields"] == {"project": "P-7"}
    for asked, got in zip(made["requisition-lines"], order["order-lines"], strict=True):
        assert (got["requisition-line-id"], asked["order-line-id"]) == (str(asked["id"]), got["id"])
        assert (got["price"], got["type"]) == (asked["unit-price"], "OrderQuantityLine")
        assert got["requester"]["login"] == "jane.doe"
        for name in ("description", "quantity", "source-part-num", "supp-aux-part-num", "need-by-date", "total"):
            assert got[name] == asked[name], name
        for name in ("uom", "commodity", "account", "currency"):
            assert got[name] == asked[name], name
        assert got["custom-fields"] == {"seller": "Acme"}
    assert [row["pct"] for row in order["order-lines"][1]["account-allocations"]] == ["60.0", "40.0"]


def test_each_supplier_gets_an_order_of_its_own(company):
    made = submit(company, LINE, {**ANOTHER, "supplier": {"number": "NORTH"}}, {**LINE, "line-num": 3})
    orders = orders_of(company, made["id"])
    told = [(one["supplier"]["number"], [row["line-num"] for row in one["order-lines"]]) for one in orders]
    assert told == [("AMZN-US", ["1", "2"]), ("NORTH", ["1"])]
    numbers = {row["order-line-id"] for row in made["requisition-lines"]}
    assert numbers == {row["id"] for one in orders for row in one["order-lines"]}


def test_the_order_takes_the_number_asked_for_or_the_next_of_the_series(company, refused):
    company.state.event("settings", {"po-number-prefix": "PO-", "next-po-number": 1})
    asked = submit(company, external_po_reference="A-NUMBER-LONGER-THAN-A-POSTED-ORDER-MAY-HAVE")
    assert orders_of(company, asked["id"])[0]["po-number"] == "A-NUMBER-LONGER-THAN-A-POSTED-ORDER-MAY-HAVE"
    assert "external-po-reference" not in asked
    # PO-1 and PO-2 are orders already
    assert [one["po-number"] for one in orders_of(company, submit(company)["id"])] == ["PO-3"]
    assert "has already been taken" in refused(
        company.call(
            "POST", "/requisitions", body(external_po_reference="A-NUMBER-LONGER-THAN-A-POSTED-ORDER-MAY-HAVE")
        )
    )


def test_an_approval_whose_order_cannot_be_made_is_refused_and_stays_pending(chain, refused):
    number = submit(chain, external_po_reference="EXT-9")["id"]
    chain.call("PUT", f"/approvals/{current(chain, number)['id']}/approve")
    order = {"type": "ExternalOrderHeader", "po-number": "EXT-9", "supplier": {"number": "NORTH"}}
    rows = [{"description": "Chair", "quantity": "1", "price": "80", "currency": {"code": "USD"}}]
    assert chain.call("POST", "/purchase_orders", {**order, "order-lines": rows})[0] == 201
    last = current(chain, number)["id"]
    assert "Po number has already been taken" in refused(chain.call("PUT", f"/approvals/{last}/approve"))
    assert chain.read(f"/requisitions/{number}")["status"] == "pending_approval"
    assert current(chain, number)["id"] == last
    assert approvals(chain, number) == [("ap.lead", "approved"), ("cfo", "pending_approval")]


@pytest.mark.parametrize(
    ("supplier", "settings", "status"),
    [
        ({"on-hold": True}, {}, "supplier_hold"),
        ({"buyer-hold": True}, {}, "buyer_hold"),
        ({}, {"currencies-without-rate": ["USD"]}, "currency_hold"),
    ],
)
def test_an_order_on_hold_is_not_sent_before_it_is_issued(company, supplier, settings, status):
    company.call("PUT", "/suppliers/1", {**supplier, "po-method": "cxml"})
    company.state.event("settings", settings)
    (order,) = orders_of(company, submit(company)["id"])
    assert (order["status"], order["transmission-status"]) == (status, "created")
    issued = company.call("PUT", f"/purchase_orders/{order['id']}/issue")[1]
    assert (issued["status"], issued["transmission-status"]) == ("issued", "sent_via_cxml")


def test_receipts_move_the_requisition_and_its_lines(company):
    made = submit(company, LINE, ANOTHER)
    first, second = (row["order-line-id"] for row in made["requisition-lines"])

    def statuses():
        shown = company.read(f"/requisitions/{made['id']}")
        return [shown["status"], *(row["status"] for row in shown["requisition-lines"])]

    assert statuses() == ["ordered"] * 3
    company.receive("2", first)
    assert statuses() == ["partially_received", "received", "ordered"]
    company.receive("10", second)
    assert statuses() == ["received"] * 3


def test_requisitions_are_found_by_id_status_and_title(chain):
    first, second = submit(chain)["id"], submit(chain, req_title="Other")["id"]
    assert chain.ids("/requisitions", ("id[in]", f"{first},{second}")) == [first, second]
    assert chain.ids("/requisitions", ("status", "pending_approval"), ("req_title", "Other")) == [second]
    assert chain.ids("/requisitions", ("requisition_lines[source_part_num]", "B0EXAMPLE1")) == [first, second]


def test_a_mention_on_a_requisition_notifies_the_person(company):
    number = submit(company)["id"]
    text = "@[User:1] one unit is not available"
    assert company.call("POST", f"/requisitions/{number}/comments", {"comments": text})[0] == 201
    last = company.state.instance.notifications[-1]
    assert (last["to"], last["document"]) == ("jane.doe@example.com", f"RequisitionHeader/{number}")
