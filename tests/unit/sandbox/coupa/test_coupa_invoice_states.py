"""The state machine of invoices: every action in every status is allowed exactly where Coupa's own machine has it."""

import pytest

from sandbox.coupa.invoice_actions import ACTIONS

STATUSES = (
    "draft",
    "ap_hold",
    "pending_receipt",
    "on_hold",
    "pending_approval",
    "approved",
    "disputed",
    "rejected",
    "abandoned",
    "voided",
)
IN_APPROVAL = ("pending_approval", "on_hold", "ap_hold")
MACHINE = {
    "submit": ("draft", "ap_hold"),
    "void": ("draft", "pending_receipt", "approved"),
    "abandon": ("draft", "ap_hold", "on_hold", "disputed", "rejected"),
    "dispute": ("ap_hold", "on_hold", "pending_approval", "pending_receipt", "rejected"),
    "withdraw_dispute": ("disputed",),
    "revalidate_tolerances": ("on_hold", "pending_receipt"),
    "restart_approvals": ("pending_approval",),
    "add_approver": IN_APPROVAL,
    "remove_approval": IN_APPROVAL,
    "bypass_approvals": ("pending_approval", "on_hold"),
    "bypass_current_approval": ("pending_approval",),
    "update_line_accounts": ("draft", "ap_hold", "on_hold", "pending_receipt", "pending_approval"),
}
BODIES = {
    "dispute": {"dispute-reason": {"code": "INCORRECT-PRICE"}, "comment": "PO price is 100.00"},
    "add_approver": {"approver": {"login": "ap.lead"}},
    "update_line_accounts": {
        "invoice-lines": [{"id": 1, "account": {"code": "10-4100-6800", "account-type": {"name": "US Chart"}}}]
    },
}


def invoice_in(company, status):
    """An invoice brought to `status` by calls alone."""
    north = {"supplier": {"number": "AMZN-US"}}
    invoice = company.invoice("INV-1", **north)
    instance = company.state.instance
    if status == "draft":
        return invoice
    if status == "ap_hold":
        company.call("PUT", "/suppliers/1", {"hold-invoices-for-ap-review": True})
        company.act(invoice, "submit")
        company.call("PUT", "/suppliers/1", {"hold-invoices-for-ap-review": False})
    elif status == "pending_receipt":
        company.act(invoice, "submit")
    else:
        company.receive("2")
        instance.invoice_approvers = [] if status in ("approved", "voided") else ["ap.lead"]
        if status == "on_hold":
            instance.tolerances = {"default": {"price_percent": "-1"}}
        company.act(invoice, "submit")
        if status in ("disputed", "abandoned"):
            company.act(invoice, "dispute", BODIES["dispute"])
        if status == "rejected":
            company.call("PUT", "/approvals/1/reject")
        if status == "abandoned":
            company.act(invoice, "abandon")
        if status == "voided":
            company.act(invoice, "void")
    assert company.status(invoice) == status
    return invoice


def test_no_action_is_without_a_row_in_the_machine():
    assert set(MACHINE) == set(ACTIONS)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", sorted(MACHINE))
def test_an_action_is_allowed_in_a_status_exactly_where_the_machine_has_it(company, status, action):
    invoice = invoice_in(company, status)
    answered, body = company.call("PUT", f"/invoices/{invoice['id']}/{action}", BODIES.get(action))
    if status in MACHINE[action]:
        needs_an_approval = action in ("remove_approval", "bypass_current_approval") and status != "pending_approval"
        assert answered == (400 if needs_an_approval else 200), body
    else:
        assert answered == 400
        assert f"an invoice that is {status}" in body["errors"]["invoice_header"][0]
        assert company.status(invoice) == status


@pytest.mark.parametrize(
    ("status", "action", "after"),
    [
        ("draft", "submit", "pending_receipt"),
        ("ap_hold", "submit", "pending_receipt"),
        ("draft", "void", "voided"),
        ("pending_receipt", "void", "voided"),
        ("approved", "void", "voided"),
        ("ap_hold", "abandon", "abandoned"),
        ("on_hold", "abandon", "abandoned"),
        ("rejected", "abandon", "abandoned"),
        ("pending_receipt", "dispute", "disputed"),
        ("rejected", "dispute", "disputed"),
        ("disputed", "withdraw_dispute", "pending_approval"),
        ("on_hold", "revalidate_tolerances", "on_hold"),
        ("on_hold", "bypass_approvals", "approved"),
        ("pending_approval", "bypass_approvals", "approved"),
        ("pending_approval", "bypass_current_approval", "approved"),
        ("pending_approval", "restart_approvals", "pending_approval"),
    ],
)
def test_where_an_action_leads(company, status, action, after):
    invoice = invoice_in(company, status)
    assert company.act(invoice, action, BODIES.get(action))["status"] == after


def test_an_invoice_of_a_supplier_on_ap_hold_waits_for_accounts_payable_first(company):
    company.call("PUT", "/suppliers/1", {"hold-invoices-for-ap-review": True})
    assert company.submit()["status"] == "ap_hold"


def test_a_draft_without_a_remit_to_address_cannot_be_submitted(company, refused):
    invoice = company.invoice("INV-1", remit_to_address=None)
    assert "Remit to address can't be blank" in refused(company.call("PUT", f"/invoices/{invoice['id']}/submit"))


def test_an_invoice_that_no_longer_counts_gives_its_quantity_back_to_the_order_line(company):
    company.receive("2")
    invoice = company.submit()
    assert company.order_line() == {
        "received": "2.0",
        "invoiced": "2.0",
        "total-invoiced": "200.00",
        "status": "partially_received",
    }
    company.act(invoice, "void")
    assert company.order_line()["invoiced"] == "0.0"


def test_a_dispute_tells_the_supplier_why_and_needs_a_known_reason(company, refused):
    invoice = company.submit()
    path = f"/invoices/{invoice['id']}/dispute"
    assert "Dispute reason can't be found" in refused(
        company.call("PUT", path, {"dispute-reason": {"code": "NO-SUCH"}})
    )
    disputed = company.act(invoice, "dispute", BODIES["dispute"])
    assert disputed["dispute-reasons"] == ["INCORRECT-PRICE"]
    assert [(note["to"], note["text"]) for note in company.state.instance.notifications] == [
        ("billing@example.com", "PO price is 100.00")
    ]
