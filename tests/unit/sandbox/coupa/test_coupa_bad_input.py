"""However odd the body, Coupa answers 400 in whole sentences, changes nothing, and never falls over."""

import re

import pytest

from sandbox.coupa.calls import OPERATIONS

ODD = [
    [],
    "text",
    7,
    True,
    {"nonsense": 1},
    {"id": "x"},
    {"invoice-lines": "x"},
    {"order-lines": [1]},
    {"payments": {"payment": 3}},
]
ODD_VALUES = [
    "",
    "x" * 300,
    "NaN",
    "1e999",
    -1,
    0,
    1.5,
    True,
    [],
    [1],
    {},
    {"id": "x"},
    {"number": None},
    {"_delete": True},
    None,
]
WRITES = [operation for operation in OPERATIONS if operation.method in ("POST", "PUT")]


def path_of(operation):
    return re.sub(r"\{\w+\}", "1", operation.path)


def counts(company):
    return {name: len(table) for name, table in company.state.instance.store.tables.items()}


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: f"{operation.method} {operation.path}")
def test_no_body_makes_a_write_fall_over(company, operation):
    company.submit()
    company.receive("2")
    columns = company.state.instance.table(operation.resource).resource.columns
    bodies = [*ODD, *({name: value} for name in columns for value in ODD_VALUES)]
    for body in bodies:
        before = counts(company)
        status, answered = company.call(operation.method, path_of(operation), body)
        if status in (400, 404):
            assert answered["errors"], body
            assert counts(company) == before, f"{body} was refused but left rows behind"
        else:
            assert status in (200, 201), body


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"invoice-number": None}, "Invoice number can't be blank"),
        ({"invoice-number": "x" * 41}, "Invoice number is too long (maximum is 40 characters)"),
        ({"invoice-date": "31/12/2026"}, "Invoice date is not a date"),
        ({"invoice-date": "0001-01-01"}, "Invoice date is not a date"),
        ({"supplier": {"number": "NOBODY"}}, "Supplier can't be found by number 'NOBODY'"),
        ({"supplier": {"number": "AMZN-US", "name": "Northside"}}, "Supplier can't be found"),
        ({"currency": {"code": "XXX"}}, "Currency can't be found by code 'XXX'"),
        ({"no-such-thing": 1}, "No such thing is not an attribute of invoice"),
        ({"supplier-total": "12,50"}, "Supplier total is not a number"),
        ({"remit-to-address": {"remit-to-code": "N-1"}}, "Remit to address belongs to another supplier"),
    ],
)
def test_a_bad_header_is_refused_in_a_sentence(company, refused, change, sentence):
    assert sentence in refused(company.call("POST", "/invoices", {**company.body("INV-1"), **change}))
    assert company.ids("/invoices") == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"quantity": None}, "Line 1: quantity can't be blank or 0"),
        ({"quantity": "0"}, "Line 1: quantity can't be blank or 0"),
        ({"price": None}, "Price can't be blank"),
        ({"description": "x" * 1551}, "Description is too long (maximum is 1550 characters)"),
        ({"order-line-id": 999}, "Order line with id 999 can't be found"),
        ({"order-line-id": 4}, "Order line with id 4 belongs to another supplier"),
        (
            {"type": "InvoiceAmountLine"},
            "type must be InvoiceQuantityLine, as the order line is of type OrderQuantityLine",
        ),
        ({"order-line-id": 3, "type": "InvoiceQuantityLine"}, "type must be InvoiceAmountLine"),
        ({"currency": {"code": "JPY"}}, "currency differs from the invoice's"),
        ({"uom": {"code": "BOX"}}, "Uom can't be found"),
    ],
)
def test_a_bad_line_is_refused_in_a_sentence_and_leaves_no_invoice(company, refused, change, sentence):
    body = company.body("INV-1", {"order-line-id": 1, "quantity": "2", "price": "100.00", **change})
    assert sentence in refused(company.call("POST", "/invoices", body))
    assert company.ids("/invoices") == []


def test_all_problems_of_a_body_are_named_at_once(company, refused):
    said = refused(company.call("POST", "/users", {"login": "x" * 300, "manager": {"login": "nobody"}, "what": 1}))
    assert "Login is too long" in said
    assert "Manager can't be found" in said
    assert "What is not an attribute of user" in said


def test_a_refused_update_leaves_the_draft_as_it_was(company, refused):
    draft = company.invoice()
    line = draft["invoice-lines"][0]["id"]
    change = {
        "supplier-note": "new",
        "invoice-lines": [{"id": line, "quantity": "3"}, {"description": "Fee", "quantity": "0", "price": "1"}],
    }
    refused(company.call("PUT", f"/invoices/{draft['id']}", change))
    after = company.read(f"/invoices/{draft['id']}")
    assert {**after, "updated-at": None} == {**draft, "updated-at": None}
    assert company.ids("/invoices", ("invoice_lines[order_line_id]", "1")) == [draft["id"]]


def test_an_unknown_optional_reference_is_passed_over_where_the_switch_says_so(company):
    company.state.instance.switches["ignore_unknown_references"] = True
    assert company.invoice("INV-1", requested_by={"login": "nobody"})["requested-by"]["login"] == "jane.doe"
