"""Three-way matching inside Coupa: waiting for receipts, going on when they come, falling back when they are voided."""

import pytest

LINE = {"order-line-id": 1, "quantity": "2", "price": "100.00"}


def allocations(company):
    fields = ["invoice_line_id", "inventory_transaction_id", "quantity", "amount", "status"]
    return [tuple(row.values()) for row in company.read("/matching_allocations", fields=fields)]


def test_an_invoice_without_receipts_waits_and_goes_on_when_they_arrive(company):
    invoice = company.submit("INV-1", LINE)
    assert invoice["status"] == "pending_receipt"
    assert [line["status"] for line in invoice["invoice-lines"]] == ["new"]
    company.receive("1")
    assert company.status(invoice) == "pending_receipt"
    company.receive("1")
    assert company.status(invoice) == "approved"
    assert allocations(company) == [(1, 1, "1.0", "100.00", "Matched"), (1, 2, "1.0", "100.00", "Matched")]


def test_waiting_invoices_are_served_oldest_first(company):
    first, second = company.submit("A", LINE), company.submit("B", LINE)
    company.receive("2")
    assert (company.status(first), company.status(second)) == ("approved", "pending_receipt")
    company.receive("2")
    assert company.status(second) == "approved"


def test_fifo_consumes_the_oldest_receipt_by_business_date(company):
    company.receive("2", transaction_date="2026-05-09")
    company.receive("2", transaction_date="2026-05-02")
    company.submit("A", LINE)
    assert [row[1] for row in allocations(company)] == [2]


def test_one_waiting_line_holds_the_whole_invoice_back(company):
    invoice = company.submit("A", {"order-line-id": 2, "quantity": "1", "price": "5"}, LINE)
    assert invoice["status"] == "pending_receipt"
    assert [line["status"] for line in invoice["invoice-lines"]] == ["matched", "new"]


@pytest.mark.parametrize("reference", ["TBA-2", None])
def test_direct_matching_needs_a_receipt_with_the_same_reference(company, reference):
    north = {"supplier": {"number": "NORTH"}, "remit_to_address": {"remit-to-code": "N-1"}}
    line = {"order-line-id": 4, "quantity": "1", "price": "250", "match-reference": "TBA-1"}
    invoice = company.submit("N-1", line, **north)
    company.state.event("change_quantity", {"po-number": "PO-2", "line-num": 1, "quantity": "2"})
    company.receive("1", 4, **({"match_reference": reference} if reference else {}))
    assert company.status(invoice) == "pending_receipt"
    company.receive("1", 4, match_reference="TBA-1")
    assert company.status(invoice) == "approved"


def test_a_line_that_needs_no_receipt_is_matched_at_once(company):
    company.state.instance.store["purchase_order_lines"].update(
        company.state.instance.get("purchase_order_lines", 1), {"receipt-required": False}
    )
    assert company.submit("A", LINE)["status"] == "approved"


def test_the_line_match_type_wins_over_the_supplier_level(company):
    company.call("PUT", "/suppliers/1", {"invoice-matching-level": "none"})
    assert company.submit("A", LINE)["status"] == "approved"
    company.call("PUT", "/purchase_orders/1", {"order-lines": [{"id": 1, "match-type": "3-way"}]})
    assert company.submit("B", LINE)["status"] == "pending_receipt"


def test_units_that_can_no_longer_arrive_are_a_breach_not_a_wait(company):
    company.receive("4")
    invoice = company.submit("A", {**LINE, "quantity": "5"})
    assert invoice["status"] == "on_hold"
    assert [(row["code"], row["breach-amount"]) for row in invoice["failed-tolerances"]] == [
        ("receipt_quantity", "25.00")
    ]


@pytest.mark.parametrize(("credited", "status"), [("-1", "approved"), ("-0.5", "on_hold")])
def test_units_that_a_credit_note_took_back_need_no_receipt_once_it_is_checked_again(company, credited, status):
    company.receive("4")
    invoice = company.submit("A", {**LINE, "quantity": "5"})
    original = {"is_credit_note": True, "original_invoice_number": "A", "original_invoice_date": "2026-05-08"}
    company.submit("CR", {**LINE, "quantity": credited}, **original)
    assert company.status(invoice) == "on_hold"
    assert company.act(invoice, "revalidate_tolerances")["status"] == status


def test_an_over_invoiced_quantity_within_the_receipt_tolerance_passes(company_with):
    company = company_with(tolerances={"default": {"receipt_quantity": "25"}})
    company.receive("4")
    assert company.submit("A", {**LINE, "quantity": "5"})["status"] == "approved"


def test_a_line_closed_for_receiving_leaves_nobody_waiting(company):
    company.receive("1")
    company.state.event("soft_close_for_receiving", {"po-number": "PO-1", "line-num": 1})
    assert company.submit("A", LINE)["status"] == "on_hold"


def test_a_voided_receipt_sends_an_invoice_in_approval_back_to_waiting(company_with):
    company = company_with(invoice_approvers=["ap.lead"])
    receipt = company.receive("2")
    invoice = company.submit("A", LINE)
    assert invoice["status"] == "pending_approval"
    company.call("PUT", f"/receiving_transactions/{receipt['id']}/void")
    assert company.status(invoice) == "pending_receipt"
    assert [row[4] for row in allocations(company)] == ["Void"]
    assert company.ids("/approvals", ("status", "pending_approval")) == []
    company.receive("2")
    assert company.status(invoice) == "pending_approval"


def test_a_voided_receipt_is_replaced_by_another_that_is_free(company_with):
    company = company_with(invoice_approvers=["ap.lead"])
    first = company.receive("2")
    company.receive("2")
    invoice = company.submit("A", LINE)
    company.call("PUT", f"/receiving_transactions/{first['id']}/void")
    assert company.status(invoice) == "pending_approval"
    assert [(row[1], row[4]) for row in allocations(company)] == [(1, "Void"), (2, "Matched")]


def test_a_voided_receipt_leaves_an_approved_invoice_approved_but_its_match_void(company):
    receipt = company.receive("2")
    invoice = company.submit("A", LINE)
    company.call("PUT", f"/receiving_transactions/{receipt['id']}/void")
    assert company.status(invoice) == "approved"
    assert [row[4] for row in allocations(company)] == ["Void"]


def test_a_voided_invoice_frees_its_receipts_for_the_next(company):
    company.receive("2")
    first, second = company.submit("A", LINE), company.submit("B", LINE)
    assert company.status(second) == "pending_receipt"
    company.act(first, "void")
    assert company.status(second) == "approved"


def test_allocations_can_be_asked_for_by_the_invoices_of_their_lines(company):
    company.receive("2")
    invoice = company.submit("A", LINE)
    query = ("invoice_line[invoice_header_id][in]", f"{invoice['id']},99")
    assert company.ids("/matching_allocations", query) == [1]
    assert company.ids("/matching_allocations", ("invoice_line[invoice_header_id]", "99")) == []
