"""Coupa: which reads are made, and how they are cut."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from connectors.coupa import fields
from connectors.coupa.client import Coupa
from connectors.errors import (
    NotFound,
    RejectedError,
    UnexpectedResponse,
)
from tests.unit.connectors.scripted_vendor import (
    Vendor,
    answer,
)


def names_of(wanted: Any) -> set[str]:
    return {name for entry in wanted for name in ([entry] if isinstance(entry, str) else entry)}


READS: dict[str, tuple[Callable[[Coupa], Any], str, dict[str, str]]] = {
    "purchase orders": (lambda c: c.purchase_orders(["A", "B"]), "purchase_orders", {"po_number[in]": "A,B"}),
    "purchase order lines": (lambda c: c.purchase_order_lines([1, 2]), "purchase_order_lines", {"id[in]": "1,2"}),
    "receipts": (lambda c: c.receipts([5, 6]), "receiving_transactions", {"order_line[id][in]": "5,6"}),
    "invoices": (
        lambda c: c.invoices("AMZN-US", ["1", "2"]),
        "invoices",
        {"supplier[number]": "AMZN-US", "invoice_number[in]": "1,2"},
    ),
    "invoices by id": (lambda c: c.invoices_by_id([7, 8]), "invoices", {"id[in]": "7,8"}),
    "invoices on PO lines": (
        lambda c: c.invoices_on_po_lines([7, 8], date(2026, 6, 1)),
        "invoices",
        {"invoice_lines[order_line_id][in]": "7,8", "invoice_date[gt_or_eq]": "2026-06-01"},
    ),
    "invoices by date": (
        lambda c: c.invoices_dated(["A", "B"], date(2026, 6, 1), date(2026, 7, 1)),
        "invoices",
        {"supplier[number][in]": "A,B", "invoice_date[gt_or_eq]": "2026-06-01", "invoice_date[lt]": "2026-07-01"},
    ),
    "suppliers by number": (lambda c: c.suppliers(["A"]), "suppliers", {"number": "A"}),
    "suppliers by name": (lambda c: c.suppliers(names=["A", "B"]), "suppliers", {"name[in]": "A,B"}),
    "budget lines": (lambda c: c.budget_lines(["FY26 Q2"]), "budget_lines", {"period[name]": "FY26 Q2"}),
    "adjustments": (
        lambda c: c.budget_line_adjustments([4, 5]),
        "budget_line_adjustments",
        {"budget_line[id][in]": "4,5"},
    ),
    "adjustments of a line": (
        lambda c: c.adjustments_of(616, described="AB/"),
        "budget_lines/616/budget_line_adjustments",
        {"description[starts_with]": "AB/"},
    ),
    "every supplier": (lambda c: c.every_supplier(), "suppliers", {}),
    "suppliers with diversities": (lambda c: c.suppliers_with_diversities([4, 5]), "suppliers", {"id[in]": "4,5"}),
    "suppliers by id": (lambda c: c.suppliers_by_id([4, 5]), "suppliers", {"id[in]": "4,5"}),
    "supplier information": (
        lambda c: c.supplier_information([4, 5]),
        "supplier_information",
        {"supplier_id[in]": "4,5"},
    ),
    "users by login": (lambda c: c.users(["jane"]), "users", {"login": "jane"}),
    "users by email": (lambda c: c.users(emails=["j@x.example"]), "users", {"email": "j@x.example"}),
    "accounts": (lambda c: c.accounts(["10-1", "10-2"]), "accounts", {"code[in]": "10-1,10-2"}),
    "account types": (lambda c: c.account_types(), "account_types", {}),
    "lookup values": (lambda c: c.lookup_values("Cost Center"), "lookup_values", {"lookup[name]": "Cost Center"}),
    "payment terms": (lambda c: c.payment_terms(), "payment_terms", {}),
    "currencies": (lambda c: c.currencies(), "currencies", {}),
    "approvals": (
        lambda c: c.approvals("InvoiceHeader", [7]),
        "approvals",
        {"approvable_type": "InvoiceHeader", "approvable_id": "7"},
    ),
    "comments": (lambda c: c.comments("invoices", 7), "invoices/7/comments", {}),
    "matching allocations": (
        lambda c: c.matching_allocations([7, 8]),
        "matching_allocations",
        {"invoice_line[invoice_header_id][in]": "7,8"},
    ),
    "exchange rates": (
        lambda c: c.exchange_rates("CAD", date(2026, 5, 1), date(2026, 6, 2)),
        "exchange_rates",
        {"from_currency[code]": "CAD", "rate_date[gt_or_eq]": "2026-05-01", "rate_date[lt]": "2026-06-02"},
    ),
    "contracts": (lambda c: c.contracts(["AMZN", "B"]), "contracts", {"supplier[number][in]": "AMZN,B"}),
    "contracts by number": (lambda c: c.contracts(numbers=["C-1"]), "contracts", {"number": "C-1"}),
    "items": (lambda c: c.items(["A", "B"]), "items", {"item_number[in]": "A,B"}),
    "waiting requisitions": (lambda c: c.waiting_requisitions(), "requisitions", {"status": "pending_approval"}),
    "items by id": (lambda c: c.items(ids=[7]), "items", {"id": "7"}),
    "supplier items": (lambda c: c.supplier_items("AMZN"), "supplier_items", {"supplier[number]": "AMZN"}),
    "supplier items by part": (
        lambda c: c.supplier_items("AMZN", ["B0A", "B0B"]),
        "supplier_items",
        {"supplier[number]": "AMZN", "supplier_part_num[in]": "B0A,B0B"},
    ),
    "supplier items of items": (lambda c: c.supplier_items_of_items([3, 4]), "supplier_items", {"item[id][in]": "3,4"}),
    "user groups": (lambda c: c.user_groups(["AP", "IT"]), "user_groups", {"name[in]": "AP,IT"}),
    "tasks": (lambda c: c.tasks(5), "user_groups/5/tasks", {}),
    "tasks by title": (lambda c: c.tasks(5, title="Invoice 1"), "user_groups/5/tasks", {"title": "Invoice 1"}),
    "runs": (lambda c: c.integration_runs(integration="AB"), "integration_runs", {"integration[code]": "AB"}),
    "all runs": (lambda c: c.integration_runs(), "integration_runs", {}),
    "errors": (
        lambda c: c.integration_errors(run_id=3, resolved=False),
        "integration_errors",
        {"integration_run_id": "3", "resolved": "false"},
    ),
    "all errors": (lambda c: c.integration_errors(), "integration_errors", {}),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_asks_for_what_we_use_in_order_of_id(coupa: Coupa, vendor: Vendor, name: str) -> None:
    read, path, query = READS[name]
    vendor.usual = lambda call: [{"id": 1}]
    assert list(read(coupa)) == [[{"id": 1}]]
    [call] = vendor.calls
    assert (call.method, call.path) == ("GET", f"/api/{path}")
    given = dict(call.query)
    assert "id" in names_of(json.loads(given.pop("fields")))
    assert given == query | {"order_by": "id", "dir": "asc", "limit": "50"}
    assert call.headers["authorization"] == "Bearer secret-token-1"


@pytest.mark.parametrize("wanted", [value for name, value in vars(fields).items() if isinstance(value, list)])
def test_fields_are_spelled_with_underscores(wanted: Any) -> None:
    assert "-" not in fields.written(wanted)


def test_an_in_filter_takes_50_values_a_call(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: []
    list(coupa.receipts(range(1, 121)))
    asked = [call.query["order_line[id][in]"].split(",") for call in vendor.calls]
    assert sorted(map(len, asked)) == [20, 50, 50]
    assert {int(one) for batch in asked for one in batch} == set(range(1, 121))


def test_values_are_asked_once_without_blanks(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: []
    list(coupa.purchase_orders(["A", " A ", "", "B", "  "]))
    assert [call.query["po_number[in]"] for call in vendor.calls] == ["A,B"]


def test_a_value_with_a_comma_is_asked_alone(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: []
    list(coupa.invoices("AMZN-US", ["1", "2,3", "4"]))
    assert {
        frozenset(call.query.items()) & {("invoice_number[in]", "1,4"), ("invoice_number", "2,3")}
        for call in vendor.calls
    } == {
        frozenset({("invoice_number[in]", "1,4")}),
        frozenset({("invoice_number", "2,3")}),
    }


def test_nothing_to_ask_is_no_call(coupa: Coupa, vendor: Vendor) -> None:
    assert list(coupa.purchase_orders([])) == list(coupa.users()) == list(coupa.suppliers()) == []
    assert vendor.calls == []


def test_pages_follow_by_id(coupa: Coupa, vendor: Vendor) -> None:
    vendor.then(answer([{"id": n} for n in range(1, 51)]), answer([{"id": 60}]))
    assert [len(page) for page in coupa.receipts([1])] == [50, 1]
    assert [call.query.get("id[gt]") for call in vendor.calls] == [None, "50"]


def test_fifty_unique_answers_to_fifty_numbers_need_no_second_call(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: [{"id": n} for n in range(1, 51)]
    assert [len(page) for page in coupa.purchase_orders(map(str, range(50)))] == [50]
    assert len(vendor.calls) == 1


def test_one_invoice_is_read_by_its_id(coupa: Coupa, vendor: Vendor) -> None:
    vendor.then(answer({"id": 7, "status": "draft"}), answer({"errors": ["none"]}, status=404), answer([]))
    assert coupa.get_invoice(7)["status"] == "draft"
    assert vendor.calls[0].path == "/api/invoices/7"
    with pytest.raises(NotFound):
        coupa.get_invoice(8)
    with pytest.raises(UnexpectedResponse):
        coupa.get_invoice(9)


def test_one_task_is_read_by_its_id(coupa: Coupa, vendor: Vendor) -> None:
    vendor.then(answer({"id": 9, "percentage": 100}), answer({"errors": ["none"]}, status=404))
    assert coupa.get_task(9)["percentage"] == 100
    assert vendor.calls[0].path == "/api/tasks/9"
    with pytest.raises(NotFound):
        coupa.get_task(8)


@pytest.mark.parametrize(
    "changes", [{}, {"price": "-1"}, {"price": 9.5}, {"contract": {"number": "C-2"}}, {"availability": "gone"}]
)
def test_a_change_of_a_supplier_item_that_coupa_could_not_take_is_never_sent(
    coupa: Coupa, vendor: Vendor, changes: Any
) -> None:
    with pytest.raises(RejectedError):
        coupa.update_supplier_item(9, changes, coupa.permit("update_supplier_item"))
    assert vendor.calls == []


@pytest.mark.parametrize("changes", [{}, {"percentage": 101}, {"title": "another"}])
def test_a_change_of_a_task_that_makes_no_sense_is_never_sent(coupa: Coupa, vendor: Vendor, changes: Any) -> None:
    with pytest.raises(RejectedError):
        coupa.update_task(9, changes, coupa.permit("update_task"))
    assert vendor.calls == []


def test_comments_are_read_only_where_coupa_has_them(coupa: Coupa) -> None:
    with pytest.raises(ValueError, match="'receipts' has no comments; known are contracts"):
        coupa.comments("receipts", 1)


def test_a_catalog_is_what_the_first_supplier_item_in_it_shows(coupa: Coupa, vendor: Vendor) -> None:
    shown = {"id": 1, "name": "AB", "status": "accepted"}
    vendor.then(answer([{"id": 7, "catalog": None}, {"id": 8, "catalog": shown}]))
    assert coupa.catalog("AMZN", "AB") == shown
    assert vendor.calls[-1].query["supplier[number]"] == "AMZN" and vendor.calls[-1].query["catalog[name]"] == "AB"
    vendor.then(answer([]))
    assert coupa.catalog("AMZN", "AB") is None
