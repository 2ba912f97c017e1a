"""Every call of the Core API the sandbox answers: one row of `OPERATIONS` each, and `answer`, which runs it.

A handler takes the instance and the call and gives records; the serialiser turns those into what the caller asked for.
Operation names are `list_`, `get_`, `create_`, `update_` and `<action>_` with the resource's word: `submit_invoice`.
"""

from collections.abc import Callable
from typing import Any

from sandbox.coupa import (
    budgets,
    catalog_items,
    comments,
    decisions,
    integrations,
    invoice_actions,
    invoices,
    order_changes,
    purchase_orders,
    receipts,
    requisitions,
    scopes,
    supplier_information,
    suppliers,
    teamwork,
)
from sandbox.coupa.budget_routes import register_budgets
from sandbox.coupa.calls import OPERATIONS, Call, Handler, Operation, Result, add, find, singular
from sandbox.coupa.errors import Refused
from sandbox.coupa.filters import select
from sandbox.coupa.incoming import read_body, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.nested_routes import register_nested
from sandbox.coupa.schema import Record
from sandbox.coupa.serialise import Serialiser

Json = Any
EXPORTABLE = ("requisitions", "purchase_orders", "invoices", "receiving_transactions")


def _lister(resource: str) -> Handler:
    return LISTERS.get(resource) or (lambda instance, call: select(instance, resource, call.query))


def _getter(resource: str) -> Handler:
    return lambda instance, call: find(instance, resource, call.ids["id"])


def _updater(resource: str, change: Callable[[Instance, Record, Json], Record]) -> Handler:
    """PUT: `exported` in the query marks the record and sets everything else aside, as Coupa does by default."""

    def handle(instance: Instance, call: Call) -> Result:
        record = find(instance, resource, call.ids["id"])
        exported = call.option("exported")
        if exported is not None and resource in EXPORTABLE:
            changes = {"exported": exported == "true"} | (
                {"last_exported_at": instance.now()} if exported == "true" else {}
            )
            instance.change(resource, record, **changes)
            return record
        return change(instance, record, call.body)

    return handle


def _actor(resource: str, act: Callable[[Instance, Record, Json], Record]) -> Handler:
    return lambda instance, call: act(instance, find(instance, resource, call.ids["id"]), call.body)


def _plain_update(resource: str) -> Callable[[Instance, Record, Json], Record]:
    def change(instance: Instance, record: Record, body: Json) -> Record:
        update(
            instance,
            resource,
            record,
            suppliers.spell(resource, read_body(body, instance.table(resource).resource.model)),
        )
        suppliers.complete(instance, resource, record)
        return record

    return change


def _plain_create(resource: str) -> Callable[[Instance, Json], Record]:
    return lambda instance, body: suppliers.create_record(instance, resource, body)


CREATORS: dict[str, Callable[[Instance, Json], Record]] = {
    "requisitions": requisitions.create_requisition,
    "purchase_order_changes": order_changes.create_order_change,
    "purchase_orders": purchase_orders.create_purchase_order,
    "receiving_transactions": receipts.create_receipt,
    "invoices": invoices.create_invoice,
    "comments": comments.create_comment,
    "integration_errors": integrations.create_integration_error,
    "contracts": catalog_items.create_contract,
    "supplier_items": catalog_items.create_supplier_item,
    "supplier_information": supplier_information.create_information,
    "supplier_invites": supplier_information.create_invite,
    "budget_lines": budgets.create_budget_line,
    "tasks": teamwork.create_task,
    "user_groups": teamwork.create_user_group,
}
UPDATERS: dict[str, Callable[[Instance, Record, Json], Record]] = {
    "requisitions": requisitions.update_requisition,
    "purchase_orders": purchase_orders.update_purchase_order,
    "receiving_transactions": receipts.update_receipt,
    "invoices": invoices.update_invoice,
    "contracts": catalog_items.update_contract,
    "supplier_items": catalog_items.update_supplier_item,
    "supplier_information": supplier_information.update_information,
    "tasks": teamwork.update_task,
    "user_groups": teamwork.update_user_group,
}
READABLE = (
    "suppliers", "users", "accounts", "account_types", "lookups", "lookup_values", "payment_terms", "currencies",
    "uoms", "commodities", "departments",
    "addresses", "tax_codes", "requisitions", "purchase_orders", "purchase_order_lines", "purchase_order_changes",
    "receiving_transactions", "invoices", "approvals", "comments",
    "matching_allocations", "integrations", "integration_contacts", "integration_runs", "integration_errors",
    "contracts", "items", "supplier_items", "supplier_information",
    "exchange_rates", "tasks", "user_groups",
)  # fmt: skip
CREATABLE = (
    "suppliers", "users", "accounts", "account_types", "lookups", "lookup_values", "payment_terms", "commodities",
    "departments", "addresses", "tax_codes",
    "requisitions", "purchase_orders", "purchase_order_changes", "receiving_transactions", "invoices", "comments",
    "integrations", "integration_contacts", "integration_runs", "integration_errors",
    "contracts", "items", "supplier_items", "supplier_information", "supplier_invites",
    "exchange_rates", "tasks", "user_groups",
)  # fmt: skip
NOT_UPDATABLE = ("account_types", "comments", "integration_runs", "purchase_order_changes", "supplier_invites")
UPDATABLE = (
    *(name for name in CREATABLE if name not in NOT_UPDATABLE),
    "integration_runs",
)


def _list_exchange_rates(instance: Instance, call: Call) -> list[Record]:
    """Two conditions on currencies find nothing, as on a real instance."""
    asked = {name.replace("-", "_").partition("[")[0] for name, _ in call.query}
    return [] if {"from_currency", "to_currency"} <= asked else select(instance, "exchange_rates", call.query)


LISTERS: dict[str, Handler] = {"exchange_rates": _list_exchange_rates}


def creator(resource: str) -> Callable[[Instance, Json], Record]:
    return CREATORS.get(resource) or _plain_create(resource)


def _creating(resource: str) -> Handler:
    make = creator(resource)
    return lambda instance, call: make(instance, call.body)


def _register_resources() -> None:
    for resource in READABLE:
        reads, one = scopes.needed(resource, writes=False), singular(resource)
        add(f"list_{resource}", "GET", f"/{resource}", resource, _lister(resource), needs=reads)
        add(f"get_{one}", "GET", f"/{resource}/{{id}}", resource, _getter(resource), needs=reads)
    for resource in CREATABLE:
        needs = scopes.needed(resource, writes=True) + (("core.invoice.create",) if resource == "invoices" else ())
        add(
            f"create_{singular(resource)}",
            "POST",
            f"/{resource}",
            resource,
            _creating(resource),
            needs=needs,
            status=201,
        )
    for resource in UPDATABLE:
        handler = _updater(resource, UPDATERS.get(resource) or _plain_update(resource))
        for method in ("PUT", "PATCH"):
            add(
                f"update_{singular(resource)}",
                method,
                f"/{resource}/{{id}}",
                resource,
                handler,
                needs=scopes.needed(resource, writes=True),
            )


def _register_actions() -> None:
    def action(
        resource: str, name: str, act: Callable[[Instance, Record, Json], Record], needs: tuple[str, ...] = ()
    ) -> None:
        needs = needs or scopes.needed(resource, writes=True)
        add(
            f"{name}_{singular(resource)}",
            "PUT",
            f"/{resource}/{{id}}/{name}",
            resource,
            _actor(resource, act),
            needs=needs,
        )

    add(
        "submit_for_approval_requisition", "POST", "/requisitions/submit_for_approval", "requisitions",
        lambda instance, call: requisitions.submit_new(instance, call.body),
        needs=scopes.needed("requisitions", writes=True), status=201,
    )  # fmt: skip
    action("requisitions", "update_and_submit_for_approval", requisitions.update_and_submit)
    action("requisitions", "add_approver", requisitions.add_approver)
    action("requisitions", "remove_approval", requisitions.remove_approval)
    action(
        "purchase_order_changes",
        "submit_for_approval",
        lambda instance, change, body: order_changes.submit(instance, change),
    )
    for name in purchase_orders.ORDER_TRANSITIONS:
        action("purchase_orders", name, _event(purchase_orders.act_on_purchase_order, name))
    for name in purchase_orders.LINE_GATES:
        action("purchase_order_lines", name, _event(purchase_orders.act_on_line, name))
    for name in invoice_actions.ACTIONS:
        needs = scopes.INVOICE_ACTIONS.get(name, ())
        action("invoices", name, _event(invoice_actions.act_on_invoice, name), needs)
    for name in (*integrations.RUN_TRANSITIONS, "max_updated_at"):
        action("integration_runs", name, _event(integrations.act_on_run, name))
    action("receiving_transactions", "void", receipts.void_receipt)
    action(
        "integration_errors",
        "resolve",
        lambda instance, error, body: integrations.resolve(instance, error, resolved=True),
    )
    action(
        "integration_errors",
        "unresolve",
        lambda instance, error, body: integrations.resolve(instance, error, resolved=False),
    )
    for name in ("approve", "reject", "hold"):
        for method in ("PUT", "PATCH"):
            add(
                f"{name}_approval",
                method,
                f"/approvals/{{id}}/{name}",
                "approvals",
                _approval(name),
                needs=scopes.needed("approvals", writes=True),
            )


def _event(
    act: Callable[[Instance, Record, str, Json], Record], event: str
) -> Callable[[Instance, Record, Json], Record]:
    return lambda instance, record, body: act(instance, record, event, body)


def _approval(event: str) -> Handler:
    def handle(instance: Instance, call: Call) -> Result:
        reason = call.option("reason") or read_body(call.body, "approval").get("reason")
        return decisions.act(instance, find(instance, "approvals", call.ids["id"]), event, reason)

    return handle


_register_resources()
_register_actions()
register_nested()
register_budgets()


def find_operation(method: str, path: str) -> tuple[Operation, dict[str, int]] | None:
    """The operation a method and path mean, with the ids in the path."""
    for operation in OPERATIONS:
        if operation.method == method and (match := operation.pattern.match(path)):
            return operation, {name: int(value) for name, value in match.groupdict().items()}
    return None


def answer(instance: Instance, serialiser: Serialiser, operation: Operation, call: Call) -> tuple[int, Json]:
    """Runs one call: status and JSON body (None: empty). Refusals come back as Coupa's error bodies."""
    try:
        fields, shape = call.option("fields"), call.option("return_object")
        if fields is not None:
            serialiser.check(operation.resource, fields)
        result = operation.handler(instance, call)
        if isinstance(result, list):
            return operation.status, [
                serialiser.show(operation.resource, record, fields=fields, return_object=shape) for record in result
            ]
        assert result is not None
        shape = shape if operation.method != "GET" or shape != "none" else None
        return operation.status, serialiser.show(operation.resource, result, fields=fields, return_object=shape)
    except Refused as refusal:
        return refusal.status, refusal.body
