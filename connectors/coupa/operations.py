"""The Coupa calls we make. All draw from one bucket per instance: 25 a second with a queue of 20."""

from connectors.limits import Bucket
from connectors.operations import OWNER, Operation, by_name

CALLS = Bucket(f"coupa/{OWNER}", rate=25, burst=20)
IN_FLIGHT = 5  # Coupa publishes no figure; large documents take many seconds, so more would only queue

INVOICE_ACTIONS = frozenset({
    "submit", "void", "abandon", "dispute", "withdraw_dispute", "revalidate_tolerances", "restart_approvals",
    "add_approver", "remove_approval", "update_line_accounts",
})  # fmt: skip
ORDER_ACTIONS = frozenset({"cancel", "close", "reopen"})  # never issue: that would send the order a second time
ORDER_LINE_ACTIONS = frozenset({
    "soft_close_for_receiving", "soft_close_for_invoicing", "reopen_for_receiving", "reopen_for_invoicing",
})  # fmt: skip
REQUISITION_ACTIONS = frozenset({"add_approver", "remove_approval"})
APPROVAL_ACTIONS = frozenset({"approve", "reject", "hold"})
RUN_ACTIONS = frozenset({"run", "pause", "pending", "success", "fail", "max_updated_at"})
COMMENTED = frozenset({"invoices", "purchase_orders", "requisitions", "expense_reports", "contracts", "users"})


def _read(name: str, path: str) -> Operation:
    return Operation(name, "GET", f"/api/{path}", CALLS, read=True)


def _write(name: str, method: str, path: str) -> Operation:
    return Operation(name, method, f"/api/{path}", CALLS, read=False)


ALL_OPERATIONS = (
    _read("list_purchase_orders", "purchase_orders"),
    _read("get_purchase_order", "purchase_orders/{id}"),
    _read("list_purchase_order_changes", "purchase_order_changes"),
    _read("list_requisitions", "requisitions"),
    _read("get_requisition", "requisitions/{id}"),
    _read("list_purchase_order_lines", "purchase_order_lines"),
    _read("list_receipts", "receiving_transactions"),
    _read("list_invoices", "invoices"),
    _read("get_invoice", "invoices/{id}"),
    _read("list_budget_lines", "budget_lines"),
    _read("list_budget_line_adjustments", "budget_line_adjustments"),
    _read("list_adjustments_of_budget_line", "budget_lines/{line}/budget_line_adjustments"),
    _read("list_suppliers", "suppliers"),
    _read("list_supplier_information", "supplier_information"),
    _read("list_users", "users"),
    _read("list_accounts", "accounts"),
    _read("list_account_types", "account_types"),
    _read("list_lookup_values", "lookup_values"),
    _read("list_payment_terms", "payment_terms"),
    _read("list_currencies", "currencies"),
    _read("list_approvals", "approvals"),
    _read("list_comments", "{document}/{id}/comments"),
    _read("list_matching_allocations", "matching_allocations"),
    _read("list_exchange_rates", "exchange_rates"),
    _read("list_user_groups", "user_groups"),
    _read("list_group_tasks", "user_groups/{group}/tasks"),
    _read("get_task", "tasks/{id}"),
    _read("list_contracts", "contracts"),
    _read("list_items", "items"),
    _read("list_supplier_items", "supplier_items"),
    _read("list_integration_runs", "integration_runs"),
    _read("list_integration_errors", "integration_errors"),
    _write("create_invoice", "POST", "invoices"),
    _write("update_invoice", "PUT", "invoices/{id}"),
    _write("act_on_invoice", "PUT", "invoices/{id}/{action}"),
    _write("update_purchase_order", "PUT", "purchase_orders/{id}"),
    _write("act_on_purchase_order", "PUT", "purchase_orders/{id}/{action}"),
    _write("act_on_purchase_order_line", "PUT", "purchase_order_lines/{id}/{action}"),
    _write("create_purchase_order_change", "POST", "purchase_order_changes"),
    _write("adjust_budget_line", "PUT", "budget_lines/{id}/adjust"),
    _write("create_comment", "POST", "{document}/{id}/comments"),
    _write("create_task", "POST", "user_groups/{group}/tasks"),
    _write("update_task", "PUT", "tasks/{id}"),
    _write("create_item", "POST", "items"),
    _write("update_item", "PUT", "items/{id}"),
    _write("create_supplier_item", "POST", "supplier_items"),
    _write("update_supplier_item", "PUT", "supplier_items/{id}"),
    _write("create_receipt", "POST", "receiving_transactions"),
    _write("void_receipt", "PUT", "receiving_transactions/{id}/void"),
    _write("act_on_requisition", "PUT", "requisitions/{id}/{action}"),
    _write("act_on_approval", "PUT", "approvals/{id}/{action}"),
    _write("create_integration_run", "POST", "integration_runs"),
    _write("act_on_integration_run", "PUT", "integration_runs/{id}/{action}"),
    _write("create_integration_error", "POST", "integration_errors"),
    _write("alert_integration_error", "POST", "integration_errors/create_alert"),
    _write("update_integration_error", "PUT", "integration_errors/{id}"),
    _write("resolve_integration_error", "PUT", "integration_errors/{id}/resolve"),
    _write("create_supplier_information", "POST", "supplier_information"),
    _write("create_supplier_invite", "POST", "supplier_invites"),
)
OPERATIONS = by_name(ALL_OPERATIONS)
