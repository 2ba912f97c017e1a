"""A long story through every call of the sandbox's Coupa, held against Coupa's own published models.

The models are not part of this repository; where they are not at hand beside it, the check is skipped and says so.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.coupa.calls import OPERATIONS

CHECK = Path(__file__).resolve().parents[5] / "shared" / "contract" / "contract_check.py"
PLACE = {"street1": "1 Main St", "city": "Seattle", "postal-code": "98101", "country": {"code": "US"}}
CHART = {"name": "US Chart"}
ACCOUNT = {"code": "10-4100-6100", "account-type": CHART}
NEW = {
    "suppliers": {
        "name": "Acme",
        "number": "ACME",
        "status": "active",
        "po-method": "email",
        "primary-address": PLACE,
        "primary-contact": {"email": "a@example.com", "name-given": "A"},
        "payment-term": {"code": "Net 30"},
    },
    "users": {
        "login": "new",
        "email": "new@example.com",
        "firstname": "New",
        "lastname": "Person",
        "manager": {"login": "cfo"},
        "department": {"name": "Facilities"},
        "roles": [{"id": 1, "name": "User"}],
    },
    "accounts": {
        "name": "Rounding",
        "segment-1": "10",
        "segment-2": "4100",
        "segment-3": "6810",
        "account-type": CHART,
    },
    "account_types": {"name": "DE Chart", "currency": {"code": "USD"}},
    "lookups": {"name": "GL Account"},
    "lookup_values": {"name": "6100", "external-ref-num": "6100", "lookup": {"name": "Cost Center"}},
    "payment_terms": {"code": "Net 45", "days-for-net-payment": 45},
    "commodities": {"name": "Books", "category": "goods"},
    "departments": {"name": "Engineering"},
    "addresses": {"name": "Lab", "location-code": "LAB", **PLACE},
    "tax_codes": {"code": "CA", "country": {"code": "US"}, "percentage": "8.5"},
    "purchase_orders": {
        "type": "ExternalOrderHeader",
        "po-number": "EXT-1",
        "supplier": {"number": "NORTH"},
        "currency": {"code": "USD"},
        "ship-to-user": {"login": "jane.doe"},
        "order-lines": [
            {"description": "Chair", "quantity": "3", "price": "80", "uom": {"code": "EA"}, "account": ACCOUNT}
        ],
    },
    "comments": {"commentable-type": "OrderHeader", "commentable-id": 1, "comments": "@[User:2] please look"},
    "integrations": {
        "code": "AB_ORDERS",
        "name": "Orders",
        "business-object": "OrderHeader",
        "direction": "from_coupa",
        "end-system": "AB",
        "end-system-type": "other",
    },
    "integration_contacts": {
        "integration": {"code": "AB_INVOICES"},
        "contactable-type": "User",
        "contactable-id": 1,
        "contact-alert-type": "Both",
    },
    "integration_runs": {"integration": {"code": "AB_INVOICES"}},
    "supplier_information": {
        "name": "Acme Books",
        "status": "draft",
        "supplier-number": "ABS-1",
        "comment-source": "here",
        "hold-payment-indicator": True,
        "diversities": [
            {
                "diversity-category": {"code": "WOSB"},
                "country": {"code": "US"},
                "sim-diversity-certificate-artifacts": [
                    {"description": "Council", "expiry-date": "2030-06-30T00:00:00+00:00"}
                ],
            }
        ],
        "supplier-information-addresses": [
            {"kind": "Primary", "street-address": "1 Main St", "city": "Austin", "country": {"code": "US"}}
        ],
        "supplier-information-contacts": [{"kind": "Primary", "email": "a@acme.example"}],
    },
    "supplier_invites": {"id": 1},
    "exchange_rates": {
        "from-currency": {"code": "JPY"},
        "to-currency": {"code": "USD"},
        "rate": "0.0064",
        "rate-date": "2026-05-01",
    },
    "contracts": {
        "name": "Amazon Business 2026",
        "number": "C-2026-01",
        "status": "published",
        "supplier": {"number": "AMZN-US"},
        "currency": {"code": "USD"},
        "start-date": "2026-01-01T00:00:00-08:00",
        "end-date": "2026-12-31T00:00:00-08:00",
        "no-of-renewals": 1,
        "renewal-length-unit": "years",
        "renewal-length-value": 1,
        "content-groups": [],
        "reason-insight-events": [],
    },
    "items": {
        "name": "Label printer",
        "description": "Label printer",
        "item-number": "ITM-1",
        "active": True,
        "uom": {"code": "EA"},
        "manufacturer-name": "Acme",
    },
    "supplier_items": {
        "item": {"item-number": "ITM-1"},
        "supplier": {"number": "AMZN-US"},
        "supplier-part-num": "B0EXAMPLE1",
        "price": "84.50",
        "currency": {"code": "USD"},
        "contract": {"number": "C-2026-01"},
        "availability": "in_stock",
    },
    "user_groups": {"name": "Accounts payable", "users": [{"login": "ap.lead"}]},
    "tasks": {
        "title": "Invoice C-1",
        "description": "Too dear",
        "due-date": "2026-05-20",
        "owner": {"login": "ap.lead"},
        "linkable-type": "UserGroup",
        "linkable-id": 1,
    },
    "integration_errors": {
        "integration-run-id": 1,
        "document-type": "InvoiceHeader",
        "document-id": 1,
        "contact-alert-type": "Functional",
        "responses": [{"response-code": "PRICE-VAR", "response-message": "Line 1"}],
    },
}

REQUISITION = {
    "req-title": "Toner",
    "requested-by": {"login": "jane.doe"},
    "department": {"name": "Facilities"},
    "ship-to-address": {"location-code": "HQ-1"},
    "justification": "Nothing left",
    "custom-fields": {"project": "P-7"},
    "requisition-lines": [
        {
            "line-num": 1,
            "line-type": "RequisitionQuantityLine",
            "description": "Toner",
            "source-part-num": "B0EXAMPLE2",
            "supp-aux-part-num": "OFFER-2",
            "quantity": "2",
            "unit-price": "30.00",
            "uom": {"code": "EA"},
            "currency": {"code": "USD"},
            "supplier": {"number": "AMZN-US"},
            "commodity": {"name": "Office Equipment"},
            "account": ACCOUNT,
            "need-by-date": "2026-05-20T00:00:00-07:00",
        }
    ],
}
UNMODELLED = (
    "/tax_codes",
    "/remit_to_addresses",
    "/matching_allocations/",
    "/users/1/comments",
)  # documented in words, missing from the R39 models


def story(company):
    """Calls every operation at least once with success."""
    instance = company.state.instance

    def ok(method, path, body=None, **query):
        status, result = company.call(method, path, body, **query)
        assert status in (200, 201), (method, path, result)
        return result

    for resource, body in NEW.items():
        made = ok("POST", f"/{resource}", body)
        ok("GET", f"/{resource}/{made['id']}")
    for resource in (
        "suppliers",
        "users",
        "accounts",
        "lookups",
        "lookup_values",
        "payment_terms",
        "commodities",
        "departments",
        "addresses",
        "tax_codes",
        "integrations",
        "integration_contacts",
        "integration_runs",
        "integration_errors",
        "supplier_information",
        "exchange_rates",
        "user_groups",
        "tasks",
        "contracts",
        "items",
        "supplier_items",
    ):
        for method in ("PUT", "PATCH"):
            ok(method, f"/{resource}/1", {"custom-fields": {"checked": "yes"}})
    ok("POST", "/contracts/1/contract_terms", {"name": "Volume", "tier-1-upper-bound": "9", "tier-2-upper-bound": "99"})
    ok("GET", "/contracts/1/contract_terms")
    task = ok("POST", "/user_groups/1/tasks", {"title": "Look", "owner-id": 1})
    ok("GET", f"/user_groups/1/tasks/{task['id']}")
    ok("PUT", f"/user_groups/1/tasks/{task['id']}", {"percentage": 100})
    ok("GET", "/user_groups/1/tasks")
    for word in ("addresses", "remit_to_addresses"):
        made = ok("POST", f"/suppliers/1/{word}", {"remit-to-code": f"RT-{word}", **PLACE})
        ok("PUT", f"/suppliers/1/{word}/{made['id']}", {"name": "Remit"})
        ok("GET", f"/suppliers/1/{word}/{made['id']}")
        ok("GET", f"/suppliers/1/{word}")
    budgets(ok)
    orders(company, ok)
    invoices(company, ok, instance)
    buying(company, ok)
    ok("PUT", "/integration_errors/1/resolve")
    ok("PUT", "/integration_errors/1/unresolve")
    ok("POST", "/integration_errors/create_alert", NEW["integration_errors"])
    runs(ok)
    for operation in OPERATIONS:
        if operation.method == "GET" and "{" not in operation.path:
            ok("GET", operation.path)
    for path in (
        "currencies",
        "uoms",
        "requisitions",
        "purchase_order_lines",
        "receiving_transactions",
        "approvals",
        "invoices",
        "matching_allocations",
    ):
        ok("GET", f"/{path}/1")
    ok(
        "GET",
        "/invoices",
        None,
        fields=json.dumps(
            ["id", "status", {"invoice_lines": ["id", {"failed_tolerances": ["code"]}]}, {"approvals": ["id"]}]
        ),
    )
    ok("GET", "/invoices", None, return_object="shallow")


def budgets(ok):
    body = {"period": {"name": "FY26 Q2"}, "segment-1": "10", "segment-2": "4100", "segment-3": "6100",
            "amount": "50000", "currency": {"code": "USD"}, "owner": {"login": "jane.doe"}, "error-on-overrun": False}  # fmt: skip
    line = ok("POST", "/budget_lines", body)
    path = f"/budget_lines/{line['id']}"
    ok("GET", path)
    for method in ("PUT", "PATCH"):
        ok(method, path, {"notes": "checked"})
    spent = {"adjustment-amount": "-120.45", "currency": {"code": "USD"}, "description": "AB 113-0000000-0000009"}
    ok("PUT", f"{path}/adjust", spent)
    ok("POST", f"{path}/budget_line_adjustments", {"adjustment-amount": "5", "description": "given back"})
    for row in ok("GET", f"{path}/budget_line_adjustments"):
        ok("GET", f"{path}/budget_line_adjustments/{row['id']}")
        ok("GET", f"/budget_line_adjustments/{row['id']}")
    ok("GET", "/budget_lines", None, **{"period[name]": "FY26 Q2", "segment_2": "4100"})


def orders(company, ok):
    ok(
        "PUT",
        "/purchase_orders/1",
        {"order-lines": [{"id": 1, "supplier-order-number": "113-1"}], "custom-fields": {"amazon-order-id": "113-1"}},
    )
    ok("PATCH", "/purchase_orders/1", {"acknowledged-flag": True}, fields='["id"]')
    ok("PUT", "/purchase_orders/1", None, exported="true")
    for name in (
        "soft_close_for_receiving",
        "reopen_for_receiving",
        "soft_close_for_invoicing",
        "reopen_for_invoicing",
    ):
        ok("PUT", f"/purchase_order_lines/1/{name}")
    for status, event in (
        ("buyer_hold", "issue"),
        ("buyer_hold", "release_from_buyer_hold"),
        ("draft", "issue_without_send"),
        ("supplier_window_hold", "ignore_window_and_issue"),
        ("issued", "cancel"),
    ):
        company.state.instance.change(
            "purchase_orders", company.state.instance.get("purchase_orders", 3), status=status
        )
        ok("PUT", f"/purchase_orders/3/{event}")
    ok("POST", "/purchase_orders/1/comments", {"comments": "seen"})
    ok("POST", "/requisitions/1/comments", {"comments": "seen"})
    ok("GET", "/purchase_orders/1/comments")
    ok("GET", "/requisitions/1/comments")
    ok("POST", "/users/1/comments", {"comments": "seen"})
    ok("GET", "/users/1/comments")
    receipt = ok(
        "POST",
        "/receiving_transactions",
        {
            "type": "ReceivingQuantityConsumption",
            "quantity": "1",
            "order-line": {"id": 1},
            "transaction-date": "2026-05-05",
            "match-reference": "TBA1",
            "custom-fields": {"external-id": "AB-1"},
        },
    )
    for method in ("PUT", "PATCH"):
        ok(method, f"/receiving_transactions/{receipt['id']}", None, exported="true")
    ok("PUT", f"/receiving_transactions/{receipt['id']}/void", {})


def buying(company, ok):
    """From a draft to the order that is made of it and changed."""
    company.state.event("settings", {"requisition-approvers": ["ap.lead"], "order-change-approvers": ["cfo"]})
    draft = ok("POST", "/requisitions", REQUISITION)
    path = f"/requisitions/{draft['id']}"
    ok("PATCH", path, {"justification": "The old one broke"})
    ok("PUT", path, {"requisition-lines": [{"id": draft["requisition-lines"][0]["id"], "quantity": "3"}]})
    ok("PUT", f"{path}/update_and_submit_for_approval", {"buyer-note": "urgent"})
    ok("PUT", f"{path}/add_approver", {"approver": {"login": "jane.doe"}})
    ok("PUT", f"{path}/remove_approval")
    decide(company, ok, "RequisitionHeader", draft["id"], "reject")
    other = ok("POST", "/requisitions/submit_for_approval", {**REQUISITION, "external-po-reference": "EXT-77"})
    ok("POST", f"/requisitions/{other['id']}/comments", {"comments": "@[User:1] look"})
    decide(company, ok, "RequisitionHeader", other["id"], "hold")
    decide(company, ok, "RequisitionHeader", other["id"], "approve")
    order = ok("GET", "/purchase_orders", None, **{"requisition_header[id]": str(other["id"])})[0]
    row = {"order-line-id": order["order-lines"][0]["id"], "quantity": "1", "price": "29.90"}
    change = ok("POST", "/purchase_order_changes", {"order-header-id": order["id"], "order-line-changes": [row]})
    decide(company, ok, "OrderHeaderChange", change["id"], "reject")
    ok("PUT", f"/purchase_order_changes/{change['id']}/submit_for_approval")
    decide(company, ok, "OrderHeaderChange", change["id"], "approve")
    ok("GET", f"/purchase_order_changes/{change['id']}")
    ok("GET", "/purchase_order_changes", None, **{"order_header_id[in]": str(order["id"])})
    ok("GET", path)


def decide(company, ok, kind, document, event):
    query = {"approvable_type": kind, "approvable_id[in]": str(document), "status[in]": "pending_approval,on_hold"}
    ok("PUT", f"/approvals/{ok('GET', '/approvals', None, **query)[0]['id']}/{event}", None, reason="because")


def invoices(company, ok, instance):
    instance.invoice_approvers = ["ap.lead", "cfo"]
    company.receive("4")
    full = {
        "supplier_total": "221.30",
        "custom_fields": {"seller": "Acme"},
        "transaction_uuid": "d-1",
        "invoice_charges": [
            {
                "type": "InvoiceShippingCharge",
                "line-num": 1,
                "total": "5.00",
                "account": ACCOUNT,
                "tax-lines": [{"amount": "0.40"}],
            }
        ],
    }
    line = {
        "order-line-id": 1,
        "quantity": "2",
        "price": "100",
        "tax-lines": [{"amount": "16.30", "rate": "9.1", "tax-code": {"code": "WA"}}],
    }
    first = company.invoice("C-1", line, **full)
    ok("PATCH", f"/invoices/{first['id']}", {"delivery-number": "D"})
    company.act(
        first, "update_line_accounts", {"invoice-lines": [{"id": first["invoice-lines"][0]["id"], "account": ACCOUNT}]}
    )
    company.act(first, "submit")
    ok("POST", f"/invoices/{first['id']}/comments", {"comments": "@[User:1] look"})
    ok("GET", f"/invoices/{first['id']}/comments")
    company.act(first, "add_approver", {"approver": {"login": "jane.doe"}})
    company.act(first, "remove_approval", {"approval": {"id": 3}})
    company.act(first, "restart_approvals")
    ok("PUT", "/approvals/4/hold", None, reason="wait")
    ok("PATCH", "/approvals/4/approve")
    company.act(first, "bypass_current_approval")
    ok(
        "PUT",
        f"/invoices/{first['id']}",
        {"paid": True, "payment-date": "2026-06-20", "payments": [{"amount-paid": "10", "notes": "ACH"}]},
    )
    ok("PUT", f"/invoices/{first['id']}", None, exported="true")
    instance.tolerances = {"default": {"price_percent": "1", "invoice_total_vs_po": "0"}}
    held = company.submit("C-2", {"order-line-id": 1, "quantity": "1", "price": "150"})
    company.act(held, "revalidate_tolerances")
    company.act(held, "dispute", {"dispute-reason": {"code": "INCORRECT-PRICE"}, "comment": "too high"})
    company.act(held, "withdraw_dispute")
    ok("PATCH", "/approvals/6/reject")
    company.act(held, "abandon")
    instance.tolerances = {}
    third = company.submit("C-3", {"order-line-id": 2, "quantity": "1", "price": "5"})
    ok("PUT", "/approvals/8/approve")
    company.act(third, "bypass_approvals")
    company.act(third, "void")
    company.submit(
        "CR-1",
        {"order-line-id": 1, "quantity": "-1", "price": "100", "adjustment-type": "quantity"},
        is_credit_note=True,
        original_invoice_number="C-1",
        original_invoice_date="2026-05-08",
    )
    last = max(company.ids("/approvals", ("status", "pending_approval")))
    ok("PATCH", f"/approvals/{last}/hold")
    ok("PUT", f"/approvals/{last}/reject")


def runs(ok):
    ok("PUT", "/integration_runs/1/run", {"total_records": 42})
    for action in ("pause", "pending", "run", "fail"):
        ok("PUT", f"/integration_runs/1/{action}")
    ok("PUT", "/integration_runs/1/max_updated_at", {"max_updated_at": "2026-05-01T00:00:00Z"})
    for action in ("success", "finish"):
        made = ok("POST", "/integration_runs", {"integration": {"code": "AB_INVOICES"}})
        ok("PUT", f"/integration_runs/{made['id']}/{action}")


def test_every_operation_is_reached_with_success(company):
    story(company)
    reached = {(one["method"], one["path"]) for one in company.exchanges if one["status"] in (200, 201)}
    pending = [
        f"{operation.method} {operation.path}"
        for operation in OPERATIONS
        if not any(method == operation.method and operation.pattern.match(path) for method, path in reached)
    ]
    # a closed order has a status the models do not list, so closing is told elsewhere
    assert pending == ["PUT /purchase_orders/{id}/close", "PUT /purchase_orders/{id}/reopen"]


def test_every_exchange_of_the_story_keeps_to_the_published_models(company, tmp_path):
    if not CHECK.exists():
        pytest.skip(f"SKIPPED CONTRACT CHECK: the published models are not at {CHECK}")
    story(company)
    recording = tmp_path / "exchanges.ndjson"
    modelled = [one for one in company.exchanges if not any(part in one["path"] for part in UNMODELLED)]
    recording.write_text("".join(json.dumps(one) + "\n" for one in modelled))
    done = subprocess.run([sys.executable, str(CHECK), str(recording)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
