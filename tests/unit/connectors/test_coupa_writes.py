"""Coupa: what goes out, at which rate, and how many calls are in flight."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.coupa.bodies import InvoicePayload
from connectors.coupa.client import Coupa
from connectors.coupa.operations import (
    ALL_OPERATIONS,
    IN_FLIGHT,
    INVOICE_ACTIONS,
    OPERATIONS,
)
from connectors.errors import (
    RejectedError,
    TransientError,
    UncertainOutcome,
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
