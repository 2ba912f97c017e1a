"""The calls below a document or a person: comments, remit-to addresses, tasks of a group."""

from sandbox.coupa import catalog_items, comments, integrations, scopes, suppliers, teamwork
from sandbox.coupa.calls import Call, add, find, singular
from sandbox.coupa.filters import select
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Record


def register_nested() -> None:
    for kind, resource in comments.COMMENTABLE.items():

        def rows(instance: Instance, call: Call, kind: str = kind, resource: str = resource) -> list[Record]:
            document = find(instance, resource, call.ids["document"])["id"]
            return select(
                instance, "comments", [*call.query, ("commentable_id", str(document)), ("commentable_type", kind)]
            )

        def make(instance: Instance, call: Call, kind: str = kind) -> Record:
            return comments.create_comment(instance, call.body, kind=kind, document_id=call.ids["document"])

        path, one = f"/{resource}/{{document}}/comments", singular(resource)
        add(f"list_{one}_comments", "GET", path, "comments", rows, needs=scopes.needed("comments", writes=False))
        add(
            f"create_{one}_comment",
            "POST",
            path,
            "comments",
            make,
            needs=scopes.needed("comments", writes=True),
            status=201,
        )
    _register_remit_to()
    _register_group_tasks()
    _register_contract_terms()
    add(
        "get_supplier_invite", "GET", "/supplier_invites/{id}", "supplier_invites",
        lambda instance, call: find(instance, "supplier_invites", call.ids["id"]),
        needs=scopes.needed("supplier_invites", writes=False),
    )  # fmt: skip
    add(
        "create_alert_integration_error", "POST", "/integration_errors/create_alert", "integration_errors",
        lambda instance, call: integrations.create_integration_error(instance, call.body, alert=True),
        needs=scopes.needed("integration_errors", writes=True), status=201,
    )  # fmt: skip


def _register_remit_to() -> None:
    reads, writes = scopes.needed("suppliers", writes=False), scopes.needed("suppliers", writes=True)

    def rows(instance: Instance, call: Call) -> list[Record]:
        find(instance, "suppliers", call.ids["supplier"])
        return select(instance, "remit_to_addresses", [*call.query, ("supplier_id", str(call.ids["supplier"]))])

    def one(instance: Instance, call: Call) -> Record:
        return suppliers.find_remit_to(instance, call.ids["supplier"], call.ids["id"])

    def make(instance: Instance, call: Call) -> Record:
        return suppliers.create_remit_to(instance, find(instance, "suppliers", call.ids["supplier"]), call.body)

    def change(instance: Instance, call: Call) -> Record:
        return suppliers.update_remit_to(instance, one(instance, call), call.body)

    for word in ("addresses", "remit_to_addresses"):
        path = f"/suppliers/{{supplier}}/{word}"
        add("list_supplier_addresses", "GET", path, "remit_to_addresses", rows, needs=reads)
        add("get_supplier_address", "GET", f"{path}/{{id}}", "remit_to_addresses", one, needs=reads)
        add("create_supplier_address", "POST", path, "remit_to_addresses", make, needs=writes, status=201)
        add("update_supplier_address", "PUT", f"{path}/{{id}}", "remit_to_addresses", change, needs=writes)


def _register_group_tasks() -> None:
    reads, writes = scopes.needed("tasks", writes=False), scopes.needed("tasks", writes=True)
    path = "/user_groups/{group}/tasks"

    def rows(instance: Instance, call: Call) -> list[Record]:
        group = teamwork.find_group(instance, call.ids["group"])["id"]
        linked = [("linkable_id", str(group)), ("linkable_type", teamwork.USER_GROUP)]
        return select(instance, "tasks", [*call.query, *linked])

    def one(instance: Instance, call: Call) -> Record:
        return teamwork.find_task_of(instance, call.ids["group"], call.ids["id"])

    def make(instance: Instance, call: Call) -> Record:
        return teamwork.create_task(instance, call.body, group_id=call.ids["group"])

    def change(instance: Instance, call: Call) -> Record:
        return teamwork.update_task(instance, one(instance, call), call.body)

    add("list_user_group_tasks", "GET", path, "tasks", rows, needs=reads)
    add("get_user_group_task", "GET", f"{path}/{{id}}", "tasks", one, needs=reads)
    add("create_user_group_task", "POST", path, "tasks", make, needs=writes, status=201)
    add("update_user_group_task", "PUT", f"{path}/{{id}}", "tasks", change, needs=writes)


def _register_contract_terms() -> None:
    reads, writes = scopes.needed("contracts", writes=False), scopes.needed("contracts", writes=True)
    path = "/contracts/{contract}/contract_terms"

    def rows(instance: Instance, call: Call) -> list[Record]:
        return list(find(instance, "contracts", call.ids["contract"])["contract-terms"])

    def make(instance: Instance, call: Call) -> Record:
        return catalog_items.create_term(instance, find(instance, "contracts", call.ids["contract"]), call.body)

    add("list_contract_terms", "GET", path, "contract_terms", rows, needs=reads)
    add("create_contract_term", "POST", path, "contract_terms", make, needs=writes, status=201)
