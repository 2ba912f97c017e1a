"""Taking on a supplier in Coupa: one call creates information and supplier, people decide, a mail address invites."""

import pytest

from sandbox.coupa.errors import Refused

ACME = {
    "name": "Acme Books", "status": "draft", "supplier-number": "ABS-1", "buyer-hold": True, "federal-tax-num": "T1",
    "diversities": [{"diversity-category": {"code": "WOSB"}, "country": {"code": "US"}}],
    "supplier-information-addresses": [
        {"kind": "Primary", "street-address": "1 Main St", "city": "Austin", "state-region": "TX", "postal-code": "78701",
         "country": {"code": "US"}}],
}  # fmt: skip


@pytest.fixture
def acme(company):
    status, made = company.call("POST", "/supplier_information", ACME)
    assert status == 201
    return made


def supplier_of(company, made):
    return company.call("GET", f"/suppliers/{made['supplier-id']}")[1]


def test_information_without_a_supplier_creates_the_supplier_too(company, acme):
    supplier = supplier_of(company, acme)
    assert (supplier["name"], supplier["number"], supplier["status"]) == ("Acme Books", "ABS-1", "draft")
    assert (supplier["buyer-hold"], supplier["tax-id"]) == (True, "T1")
    assert supplier["primary-address"]["street1"] == "1 Main St"
    assert supplier["diversities"][0]["diversity-category"] == {"code": "WOSB"}


def test_what_is_empty_is_left_out_and_what_goes_in_only_is_not_shown(company, acme):
    assert "po-email" not in acme and "supplier-number" not in acme
    assert all(value is not None for value in acme.values())
    found = company.call("GET", "/supplier_information", supplier_id=str(acme["supplier-id"]))[1]
    assert [one["id"] for one in found] == [acme["id"]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"supplier-number": "ABS-2"}, "Name has already been taken"),
        ({"name": "Other"}, "Number has already been taken"),
        ({"name": None}, "Name can't be blank"),
        ({"name": "X" * 101}, "Name is too long (maximum is 100 characters)"),
        ({"status": "fresh"}, "Status is not included in the list"),
        ({"diversities": [{"diversity-category": {"code": "XX"}, "country": {"code": "US"}}]}, "Diversity category XX is invalid"),
        ({"diversities": [{"diversity-category": {"code": "WOSB"}}]}, "Country can't be blank"),
        ({"supplier-information-addresses": [{"city": "Austin"}]}, "Kind is not included in the list"),
        ({"supplier-id": 999}, "Supplier is invalid"),
        ({"nonsense": 1}, "Nonsense is not an attribute of supplier information"),
    ],
)  # fmt: skip
def test_what_coupa_refuses_creates_nothing(company, acme, change, sentence):
    before = len(company.call("GET", "/suppliers")[1])
    status, refused = company.call("POST", "/supplier_information", ACME | change)
    assert status == 400 and sentence in str(refused)
    assert len(company.call("GET", "/suppliers")[1]) == before


@pytest.mark.parametrize(
    ("event", "status", "after"),
    [("approve_supplier", "approved", "active"), ("reject_supplier", "rejected", "inactive")],
)
def test_people_decide(company, acme, event, status, after):
    assert company.state.event(event, {"number": "ABS-1"})["status"] == after
    assert company.call("GET", f"/supplier_information/{acme['id']}")[1]["status"] == status
    assert supplier_of(company, acme)["status"] == after


def test_an_invitation_needs_an_address_and_goes_there(company, acme):
    body = {"id": acme["supplier-id"]}
    status, refused = company.call("POST", "/supplier_invites", body)
    assert status == 400 and "Primary contact email can't be blank" in str(refused)
    company.state.event("enter_supplier_email", {"number": "ABS-1", "email": "ann@acme.example"})
    status, job = company.call("POST", "/supplier_invites", body)
    assert (status, job["status"]) == (201, "completed")
    assert company.call("GET", f"/supplier_invites/{job['id']}")[1]["id"] == job["id"]
    assert [mail["to"] for mail in company.state.instance.mails] == ["ann@acme.example"]


def test_a_supplier_that_nobody_knows_cannot_be_decided_on(company):
    with pytest.raises((ValueError, Refused)):
        company.state.event("approve_supplier", {"number": "NOBODY"})
