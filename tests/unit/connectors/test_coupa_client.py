"""Coupa: which calls are made, how they are cut, and what goes out."""

import json
import threading
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.coupa import fields
from connectors.coupa.bodies import InvoicePayload
from connectors.coupa.client import Coupa
from connectors.coupa.operations import (
    ALL_OPERATIONS,
    IN_FLIGHT,
    INVOICE_ACTIONS,
    OPERATIONS,
)
from connectors.errors import (
    NotFound,
    RejectedError,
    TransientError,
    UncertainOutcome,
    UnexpectedResponse,
)
from connectors.limits import Bucket, LocalLimiter
from tests.unit.connectors.scripted_vendor import (
    RecordingLimiter,
    Vendor,
    answer,
    connect_coupa,
    silent,
)

INVOICE: dict[str, Any] = {
    "invoice-number": "1AB2",
    "invoice-date": "2026-05-21",
    "supplier": {"number": "AMZN-US"},
    "currency": {"code": "USD"},
    "line-level-taxation": True,
    "invoice-lines": [{"type": "InvoiceQuantityLine", "quantity": "2", "price": "89.50", "order-line-id": 2949}],
}


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


# Writes


WRITES: dict[str, tuple[str, Callable[[Coupa, Any], Any], str, str, Any]] = {
    "create invoice": ("create_invoice", lambda c, p: c.create_invoice(INVOICE, p), "POST", "invoices", INVOICE),
    "update invoice": (
        "update_invoice", lambda c, p: c.update_invoice(7, {"internal-note": "x"}, p),
        "PUT", "invoices/7", {"internal-note": "x"},
    ),
    "submit": ("act_on_invoice", lambda c, p: c.act_on_invoice(7, "submit", p), "PUT", "invoices/7/submit", None),
    "dispute": (
        "act_on_invoice",
        lambda c, p: c.act_on_invoice(7, "dispute", p, {"dispute-reason": {"code": "PRICE"}, "comment": "x"}),
        "PUT", "invoices/7/dispute", {"dispute-reason": {"code": "PRICE"}, "comment": "x"},
    ),
    "comment": (
        "create_comment", lambda c, p: c.create_comment("invoices", 7, "@[User:2] look", p),
        "POST", "invoices/7/comments", {"comments": "@[User:2] look"},
    ),
    "receipt": (
        "create_receipt",
        lambda c, p: c.create_receipt(
            {"type": "ReceivingQuantityConsumption", "quantity": Decimal("2"), "order-line": {"id": 1},
             "transaction-date": "2026-05-22T00:00:00Z"}, p),
        "POST", "receiving_transactions",
        {"type": "ReceivingQuantityConsumption", "quantity": "2", "order-line": {"id": 1},
         "transaction-date": "2026-05-22T00:00:00+00:00"},
    ),
    "void receipt": ("void_receipt", lambda c, p: c.void_receipt(9, p), "PUT", "receiving_transactions/9/void", {}),
    "reject": (
        "act_on_approval", lambda c, p: c.act_on_approval(5, "reject", p, "too dear"),
        "PUT", "approvals/5/reject", None,
    ),
    "item": (
        "create_item",
        lambda c, p: c.create_item({"item-number": "A1", "name": "Pen", "description": "Pen", "manufacturer-name": "Acme"}, p),
        "POST", "items", {"item-number": "A1", "name": "Pen", "description": "Pen", "manufacturer-name": "Acme"},
    ),
    "item changed": (
        "update_item", lambda c, p: c.update_item(7, {"active": False}, p), "PUT", "items/7", {"active": False},
    ),
    "supplier item": (
        "create_supplier_item",
        lambda c, p: c.create_supplier_item({
            "item": {"item-number": "A1"}, "supplier": {"number": "AMZN"}, "supplier-part-num": "B0A", "price": "84.50",
            "currency": {"code": "USD"}, "contract": {"number": "C-1"}, "price-tier-2": "80.00",
        }, p),
        "POST", "supplier_items",
        {"item": {"item-number": "A1"}, "supplier": {"number": "AMZN"}, "supplier-part-num": "B0A", "price": "84.50",
         "currency": {"code": "USD"}, "contract": {"number": "C-1"}, "price-tier-2": "80.00"},
    ),
    "supplier item changed": (
        "update_supplier_item",
        lambda c, p: c.update_supplier_item(55, {"price": "83.00", "availability": "out_of_stock", "preferred": False}, p),
        "PUT", "supplier_items/55", {"price": "83.00", "availability": "out_of_stock", "preferred": False},
    ),
    "adjust a budget line": (
        "adjust_budget_line",
        lambda c, p: c.adjust_budget_line(
            616, {"adjustment-amount": Decimal("-120.45"), "currency": {"code": "USD"}, "description": "AB 1"}, p
        ),
        "PUT", "budget_lines/616/adjust",
        {"adjustment-amount": "-120.45", "currency": {"code": "USD"}, "description": "AB 1"},
    ),
    "task": (
        "create_task",
        lambda c, p: c.create_task(5, {"title": "T", "description": "d", "due-date": "2026-05-22T00:00:00Z", "owner-id": 2}, p),
        "POST", "user_groups/5/tasks",
        {"title": "T", "description": "d", "due-date": "2026-05-22T00:00:00+00:00", "owner-id": 2},
    ),
    "task done": (
        "update_task", lambda c, p: c.update_task(9, {"status": "completed", "percentage": 100}, p),
        "PUT", "tasks/9", {"status": "completed", "percentage": 100},
    ),
    "run": (
        "create_integration_run", lambda c, p: c.create_integration_run("AB", p),
        "POST", "integration_runs", {"integration": {"code": "AB"}},
    ),
    "start run": (
        "act_on_integration_run", lambda c, p: c.act_on_integration_run(3, "run", p, total_records=42),
        "PUT", "integration_runs/3/run", {"total_records": 42},
    ),
    "finish run": (
        "act_on_integration_run", lambda c, p: c.act_on_integration_run(3, "success", p),
        "PUT", "integration_runs/3/success", None,
    ),
    "alert": (
        "create_integration_error",
        lambda c, p: c.create_integration_error(
            {"integration-run-id": 3, "document-type": "InvoiceHeader", "contact-alert-type": "Both",
             "responses": [{"response-code": "A", "response-message": "b"}]}, p),
        "POST", "integration_errors/create_alert",
        {"integration-run-id": 3, "document-type": "InvoiceHeader", "contact-alert-type": "Both", "status": "Error",
         "responses": [{"response-code": "A", "response-message": "b"}]},
    ),
    "error": (
        "create_integration_error",
        lambda c, p: c.create_integration_error(
            {"integration-run-id": 3, "document-type": "InvoiceHeader", "contact-alert-type": "Both"}, p, alert=False),
        "POST", "integration_errors",
        {"integration-run-id": 3, "document-type": "InvoiceHeader", "contact-alert-type": "Both", "status": "Error",
         "responses": []},
    ),
    "take on a supplier": (
        "create_supplier_information",
        lambda c, p: c.create_supplier_information(
            {"name": "Acme", "status": "draft", "supplier-number": "ABS-1",
             "diversities": [{"diversity-category": {"code": "WOSB"}, "country": {"code": "US"},
                              "sim-diversity-certificate-artifacts": [{"expiry-date": "2030-06-30T00:00:00Z"}]}],
             "supplier-information-addresses": [{"kind": "Primary", "street-address": "1 Main St"}]}, p),
        "POST", "supplier_information",
        {"name": "Acme", "status": "draft", "supplier-number": "ABS-1",
         "diversities": [{"diversity-category": {"code": "WOSB"}, "country": {"code": "US"},
                          "sim-diversity-certificate-artifacts": [{"expiry-date": "2030-06-30T00:00:00+00:00"}]}],
         "supplier-information-addresses": [{"kind": "Primary", "street-address": "1 Main St"}]},
    ),
    "invite a supplier": (
        "create_supplier_invite", lambda c, p: c.create_supplier_invite(12, p), "POST", "supplier_invites", {"id": 12},
    ),
    "say otherwise": (
        "update_integration_error",
        lambda c, p: c.update_integration_error(4, {"responses": [{"response-code": "A", "response-message": "b"}]}, p),
        "PUT", "integration_errors/4", {"responses": [{"response-code": "A", "response-message": "b"}]},
    ),
    "resolve": (
        "resolve_integration_error", lambda c, p: c.resolve_integration_error(4, p),
        "PUT", "integration_errors/4/resolve", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_one_call_with_exactly_this_body(coupa: Coupa, vendor: Vendor, name: str) -> None:
    operation, write, method, path, body = WRITES[name]
    vendor.usual = lambda call: {"id": 7, "status": "draft"}
    assert write(coupa, coupa.permit(operation))["id"] == 7
    [call] = vendor.calls
    assert (call.method, call.path, call.body) == (method, f"/api/{path}", body)


def test_the_reason_of_an_approval_travels_in_the_query(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"id": 5}
    coupa.act_on_approval(5, "reject", coupa.permit("act_on_approval"), "Price differs & more")
    assert vendor.calls[0].query == {"reason": "Price differs & more"}


def test_a_ready_payload_is_taken_as_it_is(coupa: Coupa, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"id": 7}
    coupa.create_invoice(InvoicePayload.model_validate(INVOICE), coupa.permit("create_invoice"))
    assert vendor.calls[0].body == INVOICE


def test_a_body_that_breaks_our_model_is_refused_with_every_problem_and_never_sent(
    coupa: Coupa, vendor: Vendor
) -> None:
    broken = INVOICE | {"invoice-number": "", "supplier-total": 1.5, "invoice-dat": "x"}
    for _ in range(IN_FLIGHT + 1):  # each gives its permit back
        with pytest.raises(RejectedError) as caught:
            coupa.create_invoice(broken, coupa.permit("create_invoice"))
        assert len(caught.value.reasons) == 3
        assert caught.value.operation == "create_invoice"
    assert vendor.calls == []


@pytest.mark.parametrize("body", [[], {}, {"id": None}, {"id": "7"}, "created", None])
def test_a_success_that_names_no_record_leaves_the_write_uncertain(coupa: Coupa, vendor: Vendor, body: Any) -> None:
    vendor.usual = lambda call: body
    with pytest.raises(UncertainOutcome, match=r"^create_invoice: "):
        coupa.create_invoice(INVOICE, coupa.permit("create_invoice"))


@pytest.mark.parametrize("action", ["bypass_approvals", "bypass_current_approval", "delete", ""])
def test_actions_that_nobody_may_take_do_not_exist(coupa: Coupa, vendor: Vendor, action: str) -> None:
    with pytest.raises(ValueError, match="no action here"):
        coupa.act_on_invoice(7, action, coupa.permit("act_on_invoice"))
    with pytest.raises(ValueError, match="no action here"):
        coupa.act_on_approval(7, action, coupa.permit("act_on_approval"))
    with pytest.raises(ValueError, match="no action here"):
        coupa.act_on_integration_run(7, action, coupa.permit("act_on_integration_run"))
    assert vendor.calls == []


# Rates and places in flight


def test_all_calls_of_an_instance_share_one_bucket(vendor: Vendor, limiter: RecordingLimiter) -> None:
    declared: list[Bucket] = []

    class Listening(LocalLimiter):
        def declare(self, buckets: Any) -> None:
            declared.extend(buckets)

    connect_coupa(vendor.url, Listening(), speed=1.0)
    assert declared == [Bucket("coupa/acme", 25, 20)]
    assert len(ALL_OPERATIONS) > 20


def test_no_more_than_five_calls_are_in_flight(coupa: Coupa, vendor: Vendor) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def count(call: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return {"id": 7}

    vendor.usual = count
    threads = [threading.Thread(target=coupa.get_invoice, args=(7,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == IN_FLIGHT


def test_a_permit_holds_its_place_until_it_is_used_or_dropped(coupa: Coupa, vendor: Vendor) -> None:
    coupa._edge._longest_wait = 0.2
    permits = [coupa.permit("create_invoice") for _ in range(IN_FLIGHT)]
    with pytest.raises(TransientError, match="in flight"):
        coupa.permit("create_invoice")
    vendor.usual = lambda call: {"id": 7}
    coupa.create_invoice(INVOICE, permits.pop())
    permits.append(coupa.permit("create_invoice"))
    permits.pop()  # dropped unused: the claim was lost to somebody else
    coupa.permit("create_invoice").release()


def test_a_write_that_fails_gives_its_place_back(coupa: Coupa, vendor: Vendor) -> None:
    coupa._edge._longest_wait = 0.2
    for step in (answer({"errors": ["no"]}, status=400), silent(0.5), answer({}, status=500)):
        for _ in range(IN_FLIGHT):
            given = coupa.permit("create_invoice")
            vendor.then(step)
            with pytest.raises((RejectedError, UncertainOutcome)):
                coupa.create_invoice(INVOICE, given)


def test_a_permit_that_cannot_be_had_gives_its_place_back(coupa: Coupa, vendor: Vendor) -> None:
    coupa._edge._longest_wait = 0.2
    coupa._edge._limiter.push_back("coupa/acme", 30)
    for _ in range(IN_FLIGHT + 1):
        with pytest.raises(TransientError, match="rate limit"):
            coupa.permit("create_invoice")


# The table of operations


def test_every_write_and_read_is_named_once_and_has_a_path_below_api() -> None:
    assert len(OPERATIONS) == len(ALL_OPERATIONS)
    assert all(operation.path.startswith("/api/") for operation in ALL_OPERATIONS)
    assert all(operation.read == (operation.method == "GET") for operation in ALL_OPERATIONS)
    assert not any("bypass" in action for action in INVOICE_ACTIONS)


def test_a_catalog_is_what_the_first_supplier_item_in_it_shows(coupa: Coupa, vendor: Vendor) -> None:
    shown = {"id": 1, "name": "AB", "status": "accepted"}
    vendor.then(answer([{"id": 7, "catalog": None}, {"id": 8, "catalog": shown}]))
    assert coupa.catalog("AMZN", "AB") == shown
    assert vendor.calls[-1].query["supplier[number]"] == "AMZN" and vendor.calls[-1].query["catalog[name]"] == "AB"
    vendor.then(answer([]))
    assert coupa.catalog("AMZN", "AB") is None
