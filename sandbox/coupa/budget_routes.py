"""The calls about budget lines and their adjustments. Every read shows what orders and invoices consumed until now."""

from sandbox.coupa import budgets, scopes
from sandbox.coupa.calls import Call, Handler, add, find
from sandbox.coupa.errors import not_found
from sandbox.coupa.filters import select
from sandbox.coupa.incoming import read_body
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Record

LINES, ADJUSTMENTS = "budget_lines", "budget_line_adjustments"


def register_budgets() -> None:
    reads, writes = scopes.needed(LINES, writes=False), scopes.needed(LINES, writes=True)
    one, below = f"/{LINES}/{{id}}", f"/{LINES}/{{line}}/{ADJUSTMENTS}"
    for resource in (LINES, ADJUSTMENTS):
        add(f"list_{resource}", "GET", f"/{resource}", resource, _list(resource), needs=reads)
        add(f"get_{resource[:-1]}", "GET", f"/{resource}/{{id}}", resource, _get(resource), needs=reads)
    add("create_budget_line", "POST", f"/{LINES}", LINES, _create, needs=writes, status=201)
    for method in ("PUT", "PATCH"):
        add("update_budget_line", method, one, LINES, _update, needs=writes)
    add("adjust_budget_line", "PUT", f"{one}/adjust", LINES, _adjust, needs=writes)
    add("list_adjustments_of_budget_line", "GET", below, ADJUSTMENTS, _list_below, needs=reads)
    add("get_adjustment_of_budget_line", "GET", f"{below}/{{id}}", ADJUSTMENTS, _get_below, needs=reads)
    add("create_budget_line_adjustment", "POST", below, ADJUSTMENTS, _create_below, needs=writes, status=201)


def _list(resource: str) -> Handler:
    def handle(instance: Instance, call: Call) -> list[Record]:
        budgets.settle(instance)
        return select(instance, resource, call.query)

    return handle


def _get(resource: str) -> Handler:
    def handle(instance: Instance, call: Call) -> Record:
        budgets.settle(instance)
        return find(instance, resource, call.ids["id"])

    return handle


def _create(instance: Instance, call: Call) -> Record:
    return budgets.create_budget_line(instance, call.body)


def _update(instance: Instance, call: Call) -> Record:
    return budgets.update_budget_line(instance, find(instance, LINES, call.ids["id"]), call.body)


def _adjust(instance: Instance, call: Call) -> Record:
    line = find(instance, LINES, call.ids["id"])
    budgets.adjust(instance, line, read_body(call.body, "budget_line_adjustment"))
    return line


def _create_below(instance: Instance, call: Call) -> Record:
    line = find(instance, LINES, call.ids["line"])
    return budgets.adjust(instance, line, read_body(call.body, "budget_line_adjustment"))


def _list_below(instance: Instance, call: Call) -> list[Record]:
    budgets.settle(instance)
    line = find(instance, LINES, call.ids["line"])
    return select(instance, ADJUSTMENTS, [*call.query, ("budget_line[id]", str(line["id"]))])


def _get_below(instance: Instance, call: Call) -> Record:
    budgets.settle(instance)
    row = find(instance, ADJUSTMENTS, call.ids["id"])
    if row["budget-line"] != call.ids["line"]:
        raise not_found("Budget line adjustment", call.ids["id"])
    return row
