"""Change requests of purchase orders: what may be asked, who approves it, and how it takes effect.

A change shows the whole order as it would be, one row per line; only what was asked is applied. It takes effect at once
unless the instance has `order_change_approvers`, by the rules of any edit of an order: `version` rises, `exported` is
cleared, and the supplier hears of it by its `po-change-method`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.coupa import approvals, chains
from sandbox.coupa.approvals import ORDER_CHANGE
from sandbox.coupa.errors import invalid
from sandbox.coupa.incoming import create, read_document, remove
from sandbox.coupa.instance import Instance
from sandbox.coupa.purchase_orders import is_quantity_line, line_total, update_purchase_order
from sandbox.coupa.schema import Record, Ref

MODEL = "order_header_change"
CHANGEABLE = ("issued", "buyer_hold", "supplier_hold", "currency_hold", "supplier_window_hold")
OWN = ("id", "order-line-id", "pending-delete", "custom-fields")


def create_order_change(instance: Instance, body: Any) -> Record:
    """Applied at once (`approved`) or `pending_approval`; 400 for what the order or its lines do not allow."""
    given = read_document(instance, "purchase_order_changes", body)
    order = _order(instance, given.get("order-header-id"))
    rows = [dict(row) for row in given.get("order-line-changes") or []]
    if not rows:
        raise invalid(MODEL, "Order line changes can't be blank")
    lines = {line["id"]: line for line in order["order-lines"]}
    complete = [_proposed(instance, lines, row) for row in rows]
    named = [row["order-line-id"] for row in complete if row.get("order-line-id") is not None]
    if len(named) > len(set(named)):
        raise invalid(MODEL, "Order line id has already been taken")
    complete += [_shown(instance, line) for line in order["order-lines"] if line["id"] not in named]
    change = create(instance, "purchase_order_changes", {**given, "order-line-changes": complete}, extra=_header(order))
    for row, asked in zip(change["order-line-changes"], rows, strict=False):
        row["_asked"] = sorted(asked.keys() - {*OWN})
    try:
        _complete(instance, order, change)
        return submit(instance, change)
    except Exception:
        remove(instance, "purchase_order_changes", change)
        raise


def submit(instance: Instance, change: Record) -> Record:
    """Asks the approvers, or applies the change where there are none. A rejected one may be submitted again."""
    if change["status"] not in ("draft", "rejected"):
        raise invalid(MODEL, f"Cannot submit a change that is {change['status']}")
    order = _order(instance, change["order-header-id"])
    _check(order, change)
    if approvals.start(instance, ORDER_CHANGE, change, chains.of_order_change(instance)):
        instance.change("purchase_order_changes", change, status="pending_approval", reject_reason=None)
    else:
        settle(instance, change, "approved", None)
    return change


def settle(instance: Instance, change: Record, verdict: str, reason: str | None) -> None:
    """What the order meanwhile forbids (units received, the order closed) is refused and changes nothing."""
    if verdict == "rejected":
        instance.change("purchase_order_changes", change, status="rejected", reject_reason=reason)
        return
    order = _order(instance, change["order-header-id"], apart_from=change)
    _check(order, change)
    edits = [_edit(instance, row) for row in _asked(change)]
    update_purchase_order(instance, order, {"order-lines": [edit for edit in edits if edit is not None]})
    instance.change("purchase_order_changes", change, status="approved", version=order["version"], reject_reason=None)


def _order(instance: Instance, order_id: Any, *, apart_from: Record | None = None) -> Record:
    """The order to be changed; 400 unless it may be and no other change of it is pending."""
    if order_id is None:
        raise invalid(MODEL, "Order header can't be blank")
    order = instance.get("purchase_orders", int(order_id) if str(order_id).isdecimal() else None)
    if order is None:
        raise invalid(MODEL, f"Order header can't be found by id {order_id!r}")
    if order["status"] not in CHANGEABLE:
        raise invalid(MODEL, f"Cannot change purchase order {order['po-number']}: it is {order['status']}")
    for other in instance.table("purchase_order_changes").by("order-header-id", order["id"]):
        if other["status"] == "pending_approval" and other is not apart_from:
            raise invalid(MODEL, f"Purchase order {order['po-number']} has a change that is pending approval")
    return order


def _header(order: Record) -> Record:
    return {
        "po-number": order["po-number"], "requisition-header-id": order["requisition-header"],
        "version": order["version"], "supplier": order["supplier"], "currency": order["currency"], "status": "draft",
    }  # fmt: skip


def _proposed(instance: Instance, lines: Mapping[int, Record], row: Record) -> Record:
    """One row as asked, its gaps filled from the line it names."""
    number = row.get("order-line-id")
    if number is None:
        return row
    line = lines.get(int(number)) if str(number).isdecimal() else None
    if line is None:
        raise invalid(MODEL, f"Order line with id {number} is not a line of this purchase order")
    return {**_shown(instance, line), **row, "order-line-id": line["id"]}


def _shown(instance: Instance, line: Record) -> Record:
    """A line as a row of a change."""
    row: Record = {"order-line-id": line["id"]}
    for name, column in instance.table("order_line_changes").resource.columns.items():
        if name in line and not column.output and name not in OWN and line[name] is not None:
            row[name] = {"id": line[name]} if isinstance(column, Ref) else line[name]
    return {**row, "account-allocations": _split(line)}


def _complete(instance: Instance, order: Record, change: Record) -> None:
    rows, lines = change["order-line-changes"], {line["id"]: line for line in order["order-lines"]}
    for row in rows:
        line = lines.get(row["order-line-id"])
        kind = line["type"] if line else "OrderQuantityLine" if row["quantity"] is not None else "OrderAmountLine"
        instance.table("order_line_changes").update(row, {
            "order-header-change-id": change["id"], "line-num": line["line-num"] if line else None,
            "currency": row["currency"] or order["currency"], "total": line_total({**row, "type": kind}), "_type": kind,
        })  # fmt: skip
    kept = [row for row in rows if not row["pending-delete"]]
    instance.table("purchase_order_changes").update(change, {
        "lines-count": len(rows), "lines-pending-add-count": sum(row["order-line-id"] is None for row in rows),
        "lines-pending-delete-count": len(rows) - len(kept), "total": sum(row["total"] or 0 for row in kept),
    })  # fmt: skip


def _asked(change: Record) -> list[Record]:
    return [row for row in change["order-line-changes"] if row.get("_asked") is not None]


def _check(order: Record, change: Record) -> None:
    """Every row against what its line has received and been invoiced for; every problem is named."""
    lines, problems = {line["id"]: line for line in order["order-lines"]}, list[str]()
    for row in _asked(change):
        line = lines.get(row["order-line-id"])
        if row["order-line-id"] is not None and line is None:
            problems.append(f"Line {row['line-num']} is no longer on the purchase order")
        elif line is not None:
            problems += [f"Line {line['line-num']}: {problem}" for problem in _line_problems(line, row)]
        elif row["price"] is None or not row["description"]:
            problems.append("A new line needs a description and a price")
    if all(row["pending-delete"] for row in change["order-line-changes"]):
        problems.append("A purchase order keeps at least one line: cancel it instead")
    if problems:
        raise invalid(MODEL, *problems)


def _line_problems(line: Record, row: Record) -> list[str]:
    done = max(line["received"], line["invoiced"])
    if row["pending-delete"]:
        return ["has receipts or invoices and cannot be deleted"] if done else []
    unit = "quantity" if is_quantity_line(line) else "price"
    size = Decimal(row[unit] or 0)
    if size <= 0:
        return [f"{unit} must be greater than 0"]
    return [f"{unit} {size} is less than what is received or invoiced ({done})"] if size < done else []


def _edit(instance: Instance, row: Record) -> Record | None:
    """From a row of a change to a row of the order's own edit; None where nothing of the line was asked to change."""
    if row["pending-delete"]:
        return {"id": row["order-line-id"], "_delete": True}
    columns = instance.table("order_line_changes").resource.columns
    edit: Record = {"custom-fields": row["custom-fields"]} if row.get("custom-fields") else {}
    for name in row["_asked"]:
        if name == "account-allocations":
            edit[name] = _replaced(instance, row)
        elif name in columns and not columns[name].output:
            kept = row[name]
            edit[name] = {"id": kept} if isinstance(columns[name], Ref) and kept is not None else kept
    if row["order-line-id"] is None:
        return {"type": row["_type"], **edit}
    return {"id": row["order-line-id"], **edit} if edit else None


def _replaced(instance: Instance, row: Record) -> list[Record]:
    """The split that was asked for in place of the line's own."""
    line = instance.get("purchase_order_lines", row["order-line-id"]) or {"account-allocations": []}
    gone = [{"id": one["id"], "_delete": True} for one in line["account-allocations"]]
    return [*gone, *_split(row)]


def _split(line: Record) -> list[Record]:
    return [
        {"account": {"id": one["account"]}, "pct": one["pct"], "amount": one["amount"]}
        for one in line["account-allocations"]
    ]
