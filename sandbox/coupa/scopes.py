"""OAuth scopes: which one opens which call. Names are Coupa's, singular: `core.invoice.read`."""

from collections.abc import Iterable

READ_WRITE = (
    "core.accounting", "core.approval", "core.comment", "core.common", "core.integration",
    "core.inventory.receiving", "core.invoice",
    "core.purchase_order", "core.requisition", "core.supplier", "core.user", "core.uom",
)  # fmt: skip
FURTHER = (
    "core.invoice.create", "core.invoice.delete", "core.invoice.approval.write", "core.invoice.approval.bypass",
    "core.invoice.assignment.read",
    "core.invoice.assignment.write", "core.budget.read", "core.budget.write", "core.catalog.read",
    "core.catalog.write", "core.item.read", "core.item.write",
    "core.contract.read", "core.contract.write", "core.order_header_confirmations.read",
    "core.order_header_confirmations.write",
    "core.inventory.asn.read", "core.inventory.asn.write", "core.inventory.transaction.read",
    "core.user_group.read", "core.user_group.write",
    "core.project.read", "core.project.write", "openid", "profile", "email", "login", "offline_access",
)  # fmt: skip
GRANTED = frozenset({f"{scope}.{right}" for scope in READ_WRITE for right in ("read", "write")} | set(FURTHER))

# What each resource's calls ask for: (to read, to write); any one scope of a group opens the call.
BY_RESOURCE: dict[str, tuple[str, str]] = {
    "accounts": ("core.accounting.read", "core.accounting.write"),
    "account_types": ("core.accounting.read", "core.accounting.write"),
    "approvals": ("core.approval.read", "core.approval.write"),
    "budget_lines": ("core.budget.read", "core.budget.write"),
    "comments": ("core.comment.read", "core.comment.write"),
    "contracts": ("core.contract.read", "core.contract.write"),
    "integrations": ("core.integration.read", "core.integration.write"),
    "integration_contacts": ("core.integration.read", "core.integration.write"),
    "integration_runs": ("core.integration.read", "core.integration.write"),
    "integration_errors": ("core.integration.read", "core.integration.write"),
    "invoices": ("core.invoice.read", "core.invoice.write"),
    "matching_allocations": ("core.invoice.read", "core.invoice.write"),
    "purchase_orders": ("core.purchase_order.read", "core.purchase_order.write"),
    "purchase_order_changes": ("core.purchase_order.read", "core.purchase_order.write"),
    "purchase_order_lines": ("core.purchase_order.read", "core.purchase_order.write"),
    "receiving_transactions": ("core.inventory.receiving.read", "core.inventory.receiving.write"),
    "requisitions": ("core.requisition.read", "core.requisition.write"),
    "supplier_items": ("core.catalog.read", "core.catalog.write"),
    "suppliers": ("core.supplier.read", "core.supplier.write"),
    "supplier_information": ("core.supplier.read", "core.supplier.write"),
    "supplier_invites": ("core.supplier.read", "core.supplier.write"),
    "remit_to_addresses": ("core.supplier.read", "core.supplier.write"),
    "tasks": ("core.project.read", "core.project.write"),
    "user_groups": ("core.user_group.read", "core.user_group.write"),
    "uoms": ("core.uom.read", "core.uom.write"),
    "users": ("core.user.read", "core.user.write"),
}
ITEMS = {False: ("core.item.read", "core.catalog.read"), True: ("core.item.write", "core.catalog.write")}
COMMON = ("core.common.read", "core.common.write")
INVOICE_ACTIONS: dict[str, tuple[str, ...]] = {
    "submit": ("core.invoice.create", "core.invoice.write"),
    "void": ("core.invoice.delete",),
    "abandon": ("core.invoice.delete",),
    "restart_approvals": ("core.invoice.approval.write",),
    "add_approver": ("core.invoice.approval.write",),
    "remove_approval": ("core.invoice.approval.write",),
    "bypass_approvals": ("core.invoice.approval.bypass",),
    "bypass_current_approval": ("core.invoice.approval.bypass",),
}


def needed(resource: str, *, writes: bool) -> tuple[str, ...]:
    """Any one of them opens the call."""
    if resource == "items":
        return ITEMS[writes]
    return (BY_RESOURCE.get(resource, COMMON)[1 if writes else 0],)


def not_granted(requested: Iterable[str]) -> list[str]:
    """Scopes a client asks for that it may not have."""
    return [scope for scope in requested if scope not in GRANTED]
