"""People in the loop: approvals, comments with mentions, integration alerts, and the reference data they maintain."""

import pytest

PLACE = {"street1": "1 Main St", "city": "Seattle", "postal-code": "98101"}


@pytest.fixture
def chain(company_with):
    """An invoice that two people must approve, in order."""
    company = company_with(invoice_approvers=["ap.lead", "cfo"])
    company.receive("2")
    company.submit()
    return company


def approvals(company, *query):
    rows = company.read("/approvals", *query, fields=["position", "status", {"approver": ["login"]}])
    return [(row["position"], row["approver"]["login"], row["status"]) for row in rows]


def test_a_chain_is_walked_one_person_at_a_time(chain, refused):
    assert approvals(chain) == [(1, "ap.lead", "pending_approval"), (2, "cfo", "pending")]
    assert "Cannot approve an approval that is pending" in refused(chain.call("PUT", "/approvals/2/approve"))
    chain.call("PUT", "/approvals/1/approve", reason="fine")
    assert approvals(chain) == [(1, "ap.lead", "approved"), (2, "cfo", "pending_approval")]
    assert chain.read("/invoices/1", fields=["status"]) == {"status": "pending_approval"}
    chain.call("PUT", "/approvals/2/approve")
    assert chain.read("/invoices/1", fields=["status"]) == {"status": "approved"}
    assert "Cannot approve an approval that is approved" in refused(chain.call("PUT", "/approvals/1/approve"))
    assert chain.read("/approvals/1")["note"] == "fine"


def test_approvals_are_found_by_document_and_status(chain):
    query = (("approvable-type", "InvoiceHeader"), ("approvable-id", "1"), ("status", "pending_approval"))
    assert approvals(chain, *query) == [(1, "ap.lead", "pending_approval")]
    assert [row["status"] for row in chain.read("/invoices/1")["approvals"]] == ["pending_approval", "pending"]


def test_a_rejection_ends_the_chain(chain):
    _, row = chain.call("PUT", "/approvals/1/reject", reason="Price differs")
    assert (row["status"], row["note"]) == ("rejected", "Price differs")
    assert chain.read("/invoices/1", fields=["status"]) == {"status": "rejected"}
    assert approvals(chain) == [(1, "ap.lead", "rejected"), (2, "cfo", "cancelled")]


def test_a_held_approval_still_waits_for_its_person(chain):
    chain.call("PUT", "/approvals/1/hold", reason="on leave")
    assert approvals(chain)[0] == (1, "ap.lead", "on_hold")
    assert chain.call("PUT", "/approvals/1/approve")[1]["status"] == "approved"


def test_approvers_are_added_removed_and_told(chain):
    chain.act({"id": 1}, "add_approver", {"approver": {"login": "jane.doe"}})
    chain.act({"id": 1}, "remove_approval", {"approval": {"id": 1}})
    assert approvals(chain) == [(1, "ap.lead", "cancelled"), (2, "cfo", "pending_approval"), (3, "jane.doe", "pending")]
    assert [note["to"] for note in chain.state.instance.notifications] == ["ap.lead@example.com", "cfo@example.com"]


def test_removing_the_last_approval_approves(chain):
    chain.act({"id": 1}, "remove_approval")
    assert chain.act({"id": 1}, "remove_approval")["status"] == "approved"


def test_a_supplier_can_force_approval_by_the_requester(company):
    company.call("PUT", "/suppliers/1", {"send-invoices-to-approvals": True})
    company.receive("2")
    assert company.submit()["status"] == "pending_approval"
    assert approvals(company) == [(1, "jane.doe", "pending_approval")]


def test_a_mention_notifies_the_person_once(company):
    invoice = company.invoice()
    text = "@[User:2] price variance 5.00 on line 1, please decide @[User:2] @[User:99]"
    status, comment = company.call("POST", f"/invoices/{invoice['id']}/comments", {"comments": text})
    assert (status, comment["commentable-type"], comment["commentable-id"], comment["mentionees"]) == (
        201,
        "InvoiceHeader",
        1,
        "2",
    )
    [note] = company.state.parts()["notifications"]()
    assert (note["to"], note["document"], note["text"]) == ("ap.lead@example.com", "InvoiceHeader/1", text)


def test_comments_are_read_on_their_document_only(company, refused):
    company.invoice()
    company.call("POST", "/invoices/1/comments", {"comments": "about the invoice"})
    company.call("POST", "/purchase_orders/1/comments", {"comments": "about the order"})
    company.call("POST", "/comments", {"commentable-type": "InvoiceHeader", "commentable-id": 1, "comments": "again"})
    read = lambda path: [row["comments"] for row in company.read(path)]  # noqa: E731
    assert read("/invoices/1/comments") == ["about the invoice", "again"]
    assert read("/purchase_orders/1/comments") == ["about the order"]
    assert len(read("/comments")) == 3
    assert "Could not find Invoice" in refused(company.call("POST", "/invoices/9/comments", {"comments": "x"}), 404)
    assert "Comments can't be blank" in refused(company.call("POST", "/invoices/1/comments", {}))
    assert "Commentable type" in refused(company.call("POST", "/comments", {"comments": "x"}))


ERROR = {
    "integration-run-id": 1,
    "document-type": "InvoiceHeader",
    "document-id": 7,
    "contact-alert-type": "Functional",
    "external-id": "A",
    "responses": [{"response-code": "PRICE-VAR", "response-message": "Line 1"}],
}


def test_a_run_goes_through_its_states_and_succeeds_only_without_open_errors(company, refused):
    run = company.call("POST", "/integration_runs", {"integration": {"code": "AB_INVOICES"}})[1]
    assert (run["status"], run["integration"]["code"]) == ("pending", "AB_INVOICES")
    started = company.call("PUT", "/integration_runs/1/run", {"total_records": 42})[1]
    assert (started["status"], started["total-records"], started["end-time"]) == ("running", 42, None)
    company.call("POST", "/integration_errors", ERROR)
    assert "errors are unresolved" in refused(company.call("PUT", "/integration_runs/1/success"))
    company.call("PUT", "/integration_errors/1/resolve")
    done = company.call("PUT", "/integration_runs/1/success")[1]
    assert (done["status"], done["end-time"] is not None, len(done["integration-errors"])) == ("successful", True, 1)
    assert "Cannot fail a run that is successful" in refused(company.call("PUT", "/integration_runs/1/fail"))


@pytest.mark.parametrize(("kind", "mails"), [("Functional", 1), ("Both", 1), ("Technical", 0)])
def test_an_alert_is_mailed_to_the_contacts_it_concerns(company, kind, mails):
    company.call("POST", "/integration_runs", {"integration": {"code": "AB_INVOICES"}})
    company.call("POST", "/integration_errors", ERROR)
    assert company.state.instance.mails == []
    company.call("POST", "/integration_errors/create_alert", {**ERROR, "contact-alert-type": kind})
    sent = company.state.parts()["mails"]()
    assert len(sent) == mails
    assert [(mail["to"], mail["text"], mail["external-id"]) for mail in sent] == [
        ("ap.lead@example.com", "PRICE-VAR: Line 1", "A")
    ] * mails


def test_errors_are_found_by_external_id_and_can_be_reopened(company):
    company.call("POST", "/integration_runs", {"integration": {"code": "AB_INVOICES"}})
    company.call("POST", "/integration_errors", ERROR)
    assert company.ids("/integration_errors", ("external_id", "A"), ("resolved", "false")) == [1]
    company.call("PUT", "/integration_errors/1/resolve")
    assert company.ids("/integration_errors", ("external_id", "A"), ("resolved", "false")) == []
    assert company.call("PUT", "/integration_errors/1/unresolve")[1]["resolved"] is False


@pytest.mark.parametrize(
    ("resource", "body", "sentence"),
    [
        ("suppliers", {"name": "Northside", "number": "N2"}, "Name has already been taken"),
        ("suppliers", {"name": "New", "number": "NORTH"}, "Number has already been taken"),
        ("users", {"login": "cfo", "email": "x@example.com"}, "Login has already been taken"),
        ("users", {"login": "x", "email": "cfo@example.com"}, "Email has already been taken"),
        (
            "lookup_values",
            {"name": "x", "external-ref-num": "4100", "lookup": {"name": "Cost Center"}},
            "External ref code has already been taken",
        ),
        (
            "accounts",
            {"segment-1": "10", "segment-2": "4100", "segment-3": "6100", "account-type": {"name": "US Chart"}},
            "Code has already been taken",
        ),
        ("accounts", {"account-type": {"name": "US Chart"}}, "Segment 1 can't be blank"),
        ("addresses", {**PLACE, "location-code": "HQ-1"}, "Location code has already been taken"),
        ("integrations", {"code": "AB_INVOICES", "name": "Other"}, "Code has already been taken"),
    ],
)
def test_what_identifies_a_record_is_used_once(company, refused, resource, body, sentence):
    assert sentence in refused(company.call("POST", f"/{resource}", body))


def test_coupa_derives_codes_and_full_names(company):
    account = company.call(
        "POST", "/accounts", {"segment_1": "20", "segment_2": "1", "account_type": {"name": "US Chart"}}
    )[1]
    assert (account["code"], account["active"]) == ("20-1", True)
    child = {
        "name": "4100.1",
        "external-ref-num": "1",
        "lookup": {"name": "Cost Center"},
        "parent": {"external-ref-num": "4100"},
    }
    assert company.call("POST", "/lookup_values", child)[1]["external-ref-code"] == "4100-1"
    assert company.call("PUT", "/users/1", {"lastname": "Roe"})[1]["fullname"] == "Jane Roe"
    assert company.call("POST", "/suppliers", {"name": "Acme", "supplier-status": "active"})[1]["status"] == "active"
    assert company.call("POST", "/suppliers", {"name": "Acme 2"})[1]["status"] == "draft"


def test_remit_to_addresses_belong_to_their_supplier(company, refused):
    status, address = company.call("POST", "/suppliers/2/addresses", {**PLACE, "remit-to-code": "N-2"})
    assert (status, company.ids("/suppliers/2/addresses")) == (201, [2, address["id"]])
    assert company.ids("/suppliers/1/remit_to_addresses") == [1]
    assert "Could not find Remit to address" in refused(
        company.call("GET", f"/suppliers/1/addresses/{address['id']}"), 404
    )
    company.call("PUT", f"/suppliers/2/addresses/{address['id']}", {"active": False})
    assert "Inactive addresses cannot be updated" in refused(
        company.call("PUT", f"/suppliers/2/addresses/{address['id']}", {"city": "Reno"})
    )
