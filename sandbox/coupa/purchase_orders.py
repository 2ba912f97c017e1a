"""Purchase orders: creation, changes with their version rules, the header's state machine, and the line gates.

A change that the supplier must see (lines added, deleted, or materially edited) raises `version`, clears `exported` and
sets `change-type`; any change raises `internal-revision`. Custom fields and references of ours never do the former.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.coupa import transmission
from sandbox.coupa.approvals import REQUISITION, seed_approvals
from sandbox.coupa.errors import invalid
from sandbox.coupa.incoming import all_or_nothing, create, read_body, read_document, remove, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.references import find_reference
from sandbox.coupa.schema import Record, round_half_up

MODEL = "order_header"
MATERIAL = {
    "quantity",
    "price",
    "item",
    "uom",
    "source-part-num",
    "supp-aux-part-num",
    "description",
    "need-by-date",
    "_added",
    "_deleted",
}
# event -> {status before: status after}
ORDER_TRANSITIONS: Mapping[str, Mapping[str, str]] = {
    "issue": {"draft": "issued", "buyer_hold": "issued", "supplier_hold": "issued", "currency_hold": "issued"},
    "issue_without_send": {
        "draft": "issued",
        "buyer_hold": "issued",
        "supplier_hold": "issued",
        "currency_hold": "issued",
    },
    "release_from_buyer_hold": {"buyer_hold": "issued"},
    "ignore_window_and_issue": {"supplier_window_hold": "issued"},
    "cancel": {
        "draft": "cancelled",
        "issued": "cancelled",
        "buyer_hold": "cancelled",
        "supplier_hold": "cancelled",
        "supplier_window_hold": "cancelled",
    },
    "close": {"issued": "soft_closed", "soft_closed": "closed"},
    "reopen": {"soft_closed": "issued"},
}
LINE_GATES: Mapping[str, tuple[str, bool]] = {
    "soft_close_for_receiving": ("_receiving-closed", True),
    "soft_close_for_invoicing": ("_invoicing-closed", True),
    "reopen_for_receiving": ("_receiving-closed", False),
    "reopen_for_invoicing": ("_invoicing-closed", False),
}
SENDING = ("issue", "release_from_buyer_hold", "ignore_window_and_issue")
REASON_KEYS = ("reason-insight-id", "reason-insight-code")


def create_purchase_order(instance: Instance, body: Any) -> Record:
    """An external order; only Coupa itself (a seed) makes any other."""
    given = read_document(instance, "purchase_orders", body)
    if not instance.trusted and given.get("type") != "ExternalOrderHeader":
        raise invalid(MODEL, "Type must be ExternalOrderHeader: other orders come from approved requisitions")
    if not given.get("order-lines"):
        raise invalid(MODEL, "Order lines can't be blank")
    if not given.get("po-number"):
        raise invalid(MODEL, "Po number can't be blank")
    requisition = given.pop("requisition-header", None)
    extra = {"requisition-header": _requisition(instance, requisition)["id"]} if requisition else {}
    order = create(instance, "purchase_orders", given, extra=extra)
    complete_order(instance, order)
    _link_lines(instance, order)
    return order


def complete_order(instance: Instance, order: Record) -> None:
    """Fills what header and lines know of each other; an order that cannot be is taken out again."""
    try:
        for line in order["order-lines"]:
            _complete_line(instance, order, line)
    except Exception:
        remove(instance, "purchase_orders", order)
        raise
    if order["currency"] is None:
        instance.table("purchase_orders").update(order, {"currency": order["order-lines"][0]["currency"]})


def link(instance: Instance, order_line: Record, requisition_line: Record) -> None:
    """Each shows the other from now on."""
    instance.table("purchase_order_lines").update(order_line, {"requisition-line-id": str(requisition_line["id"])})
    instance.table("requisition_lines").update(requisition_line, {"order-line-id": order_line["id"]})


def _link_lines(instance: Instance, order: Record) -> None:
    """A seeded order's lines are those of its requisition that have their numbers."""
    requisition = instance.get("requisitions", order["requisition-header"]) or {}
    free = {
        str(line["line-num"]): line for line in requisition.get("requisition-lines", []) if not line["order-line-id"]
    }
    for line in order["order-lines"]:
        if line["line-num"] in free:
            link(instance, line, free[line["line-num"]])


def _requisition(instance: Instance, given: Any) -> Record:
    """The requisition a seed names: an existing one, or a new one with its requester and status."""
    body = read_body(given, "requisition_header")
    known = instance.get("requisitions", body.get("id"))
    if known:
        return known
    who = body.get("requested-by") or body.get("requester")
    people = {"requested-by": who, "requester": who} if who else {}
    given = body.pop("approvals", None)
    requisition = create(instance, "requisitions", {"status": "ordered", **body, **people})
    seed_approvals(instance, REQUISITION, requisition, given)
    return requisition


def _complete_line(instance: Instance, order: Record, line: Record) -> None:
    lines = instance.table("purchase_order_lines")
    number = line["line-num"] or _free_number(order, line)
    if any(other is not line and other["line-num"] == number for other in order["order-lines"]):
        raise invalid(MODEL, f"Line num {number} has already been taken")
    requisition = instance.get("requisitions", order["requisition-header"]) or {}
    lines.update(line, {
        "line-num": number,
        "order-header-id": order["id"],
        "order-header-number": order["po-number"],
        "currency": line["currency"] or order["currency"],
        "supplier": line["supplier"] or order["supplier"],
        "requester": line["requester"] or requisition.get("requested-by") or order["requester"],
        "received": line["received"] or Decimal(0),
        "invoiced": line["invoiced"] or Decimal(0),
        "total-invoiced": line["total-invoiced"] or Decimal(0),
        "total": line_total(line),
    })  # fmt: skip
    if line["currency"] is None:
        raise invalid(MODEL, f"Line {number}: currency can't be blank")
    if is_quantity_line(line) and line["quantity"] is None:
        raise invalid(MODEL, f"Line {number}: quantity can't be blank")


def _free_number(order: Record, line: Record) -> str:
    """The line's position or, where that number is taken since others were deleted, the next after the highest."""
    taken = {other["line-num"] for other in order["order-lines"]}
    position = str(order["order-lines"].index(line) + 1)
    if position not in taken:
        return position
    return str(max(int(number) for number in taken if number and number.isdecimal()) + 1)


def is_quantity_line(line: Mapping[str, Any]) -> bool:
    return bool(line["type"] != "OrderAmountLine")


def line_total(line: Mapping[str, Any]) -> Decimal | None:
    """Quantity times price for quantity lines, the price itself for amount lines; four places."""
    if line["price"] is None:
        return None
    return round_half_up(line["price"] * (line["quantity"] or 0) if is_quantity_line(line) else line["price"], 4)


def ordered(line: Mapping[str, Any]) -> Decimal:
    """What may be received and invoiced on the line: units, or money for amount lines."""
    return Decimal(line["quantity"] or 0) if is_quantity_line(line) else Decimal(line["price"] or 0)


def order_of(instance: Instance, line: Mapping[str, Any]) -> Record:
    return instance.table("purchase_orders").rows[line["_parent"]]


def update_purchase_order(instance: Instance, order: Record, body: Any) -> Record:
    given = read_document(instance, "purchase_orders", body)
    for flag, event in (("_cancel", "cancel"), ("_close", "close")):
        if given.pop(flag, False):
            act_on_purchase_order(instance, order, event, {})
    if given.get("order-lines") and order["status"] in ("closed", "cancelled"):
        raise invalid(MODEL, f"Order lines of a {order['status']} purchase order cannot be changed")
    _check_deletions(order, given.get("order-lines") or [])
    with all_or_nothing(instance, "purchase_orders", order):
        changed = update(instance, "purchase_orders", order, given)
        for line in order["order-lines"]:
            _complete_line(instance, order, line)
    _count_change(instance, order, changed)
    return order


def _check_deletions(order: Record, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        line = next((one for one in order["order-lines"] if one["id"] == row.get("id")), None)
        if line and row.get("_delete") and (line["received"] or line["invoiced"]):
            raise invalid(MODEL, f"Line {line['line-num']} has receipts or invoices and cannot be deleted")


def _count_change(instance: Instance, order: Record, changed: Record) -> None:
    if not changed:
        return
    changes: Record = {"internal_revision": order["internal-revision"] + 1}
    material = [row for row in changed.get("order-lines", []) if MATERIAL & row.keys()]
    if material:
        changes |= {"version": order["version"] + 1, "exported": False, "change_type": "change"}
        for row in material:
            line = instance.get("purchase_order_lines", row["id"])
            if line:
                instance.table("purchase_order_lines").update(line, {"version": changes["version"]})
    instance.change("purchase_orders", order, **changes)
    if material:
        transmission.send_change(instance, order)


def act_on_purchase_order(instance: Instance, order: Record, event: str, body: Any) -> Record:
    """One transition of the header; refuses with 400 where the state machine has none."""
    given = read_body(body, MODEL)
    after = ORDER_TRANSITIONS[event].get(order["status"])
    if after is None:
        raise invalid(MODEL, f"Cannot {event.replace('_', ' ')} a purchase order that is {order['status']}")
    if event == "cancel" and any(line["received"] or line["invoiced"] for line in order["order-lines"]):
        raise invalid(MODEL, "Cannot cancel a purchase order with receipts or invoices")
    if event == "reopen":
        _keep_reason(instance, order, given)
    instance.change("purchase_orders", order, status=after, internal_revision=order["internal-revision"] + 1)
    if event in SENDING:
        transmission.send_order(instance, order)
    return order


def _keep_reason(instance: Instance, order: Record, given: Record) -> None:
    """Why the order was reopened; the code and the comment are what a caller gave."""
    if not any(given.get(key) for key in REASON_KEYS):
        raise invalid(MODEL, "Reason insight can't be blank")
    reason = {name: given[key] for name, key in (("id", REASON_KEYS[0]), ("code", REASON_KEYS[1])) if given.get(key)}
    event = {
        "comment": given.get("reason-insight-event-comment"), "reason-insight": reason,
        "created-at": instance.now().isoformat(),
    }  # fmt: skip
    events = [*(order["reason-insight-events"] or []), event]
    instance.table("purchase_orders").update(order, {"reason-insight-events": events})


def act_on_line(instance: Instance, line: Record, event: str, body: Any) -> Record:
    gate, closed = LINE_GATES[event]
    instance.table("purchase_order_lines").update(line, {gate: closed, "updated-at": instance.now()})
    refresh_line(instance, line)
    return line


def refresh_line(instance: Instance, line: Record) -> None:
    """Line, requisition and (where the company closes by itself) header status after a receipt, invoice or gate."""
    if line.get("_receiving-closed") and line.get("_invoicing-closed"):
        status = "closed"
    elif line.get("_receiving-closed"):
        status = "soft_closed_for_receiving"
    elif line.get("_invoicing-closed"):
        status = "soft_closed_for_invoicing"
    else:
        status = _progress(line, "partially_received", "received", "created")
    instance.table("purchase_order_lines").update(line, {"status": status, "updated-at": instance.now()})
    order = order_of(instance, line)
    _refresh_requisition(instance, order, line)
    complete = all(one["received"] >= ordered(one) and one["invoiced"] >= ordered(one) for one in order["order-lines"])
    if complete and instance.switches["soft_close_when_complete"] and order["status"] == "issued":
        instance.change("purchase_orders", order, status="soft_closed")


def _progress(line: Mapping[str, Any], partial: str, full: str, none: str) -> str:
    if not line["received"]:
        return none
    return full if line["received"] >= ordered(line) else partial


def _refresh_requisition(instance: Instance, order: Record, line: Record) -> None:
    requisition = instance.get("requisitions", order["requisition-header"])
    if not requisition or requisition["status"] not in ("ordered", "partially_received", "received"):
        return
    source = instance.get("requisition_lines", int(line["requisition-line-id"] or 0))
    if source:
        progress_of_line = _progress(line, "partially_received", "received", "ordered")
        instance.change("requisition_lines", source, status=progress_of_line)
    siblings = instance.table("purchase_orders").by("requisition-header", requisition["id"])
    progress = {
        _progress(line, "partially_received", "received", "ordered") for one in siblings for line in one["order-lines"]
    }
    status = progress.pop() if len(progress) == 1 else "partially_received"
    if status != requisition["status"]:
        instance.change("requisitions", requisition, status=status)


def change_line(instance: Instance, order: Record, line: Record, **changes: Any) -> Record:
    """A buyer edits one line in Coupa's own pages (an event of the sandbox)."""
    return update_purchase_order(instance, order, {"order-lines": [{"id": line["id"], **changes}]})


def find_order_line(instance: Instance, given: Any) -> Record:
    """By id, or by PO number and line number; raises ValueError like any reference."""
    return find_reference(instance, "purchase_order_lines", given)
