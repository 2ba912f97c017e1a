"""Requisitions: what must hold before one is kept, how it is submitted and approved, and what the end of its approval
does.

A requisition must be fit to be submitted even to be saved as a draft. Submitted, it waits for the buyer where supplier,
price or coding is missing, else for its approvers; nobody to ask means it is ordered at once. The last approval makes
the purchase orders (`order_generation.py`); a rejection sends it back to draft with the reason.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.coupa import approvals, chains
from sandbox.coupa.approvals import REQUISITION
from sandbox.coupa.errors import invalid
from sandbox.coupa.incoming import all_or_nothing, create, read_document, remove, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.order_generation import generate_orders
from sandbox.coupa.references import find_reference
from sandbox.coupa.schema import Record, round_half_up

MODEL = "requisition_header"
EDITABLE = ("draft", "cart", "pending_buyer_action")
LATER = {"custom-fields", "buyer-note"}
# What the requester takes back. From `ordered` on it changes the requisition only; its purchase orders stay.
WITHDRAWABLE = ("pending_buyer_action", "pending_approval", "approved", "ordered")
QUANTITY_LINE, AMOUNT_LINE = "RequisitionQuantityLine", "RequisitionAmountLine"


def create_requisition(instance: Instance, body: Any) -> Record:
    """A draft. A seed may give a status of its own, leave the lines out, and say who approved (`approvals`)."""
    given = _read(instance, body)
    seeded = given.pop("approvals", None) if instance.trusted else None
    if not given.get("requisition-lines") and not instance.trusted:
        raise invalid(MODEL, "Requisition lines can't be blank")
    _check_reference_free(instance, given)
    requisition = create(instance, "requisitions", given)
    instance.table("requisitions").update(requisition, {"requester": requisition["requested-by"]})
    try:
        if requisition["requisition-lines"]:
            _complete(instance, requisition)
        approvals.seed_approvals(instance, REQUISITION, requisition, seeded)
    except Exception:
        remove(instance, "requisitions", requisition)
        raise
    if requisition["status"] == "pending_approval" and seeded is None:
        approvals.start(instance, REQUISITION, requisition, chains.of_requisition(instance, requisition))
    return requisition


def submit_new(instance: Instance, body: Any) -> Record:
    """Creates and submits in one call; what cannot be submitted is not created."""
    requisition = create_requisition(instance, body)
    try:
        return submit(instance, requisition)
    except Exception:
        remove(instance, "requisitions", requisition)
        raise


def update_requisition(instance: Instance, requisition: Record, body: Any) -> Record:
    """Before it is submitted all may change; later custom fields and the buyer's note."""
    given = _read(instance, body)
    if requisition["status"] not in EDITABLE and given.keys() - LATER:
        name = min(given.keys() - LATER).replace("-", " ").capitalize()
        raise invalid(MODEL, f"{name} cannot be changed while the requisition is {requisition['status']}")
    _check_reference_free(instance, given)
    with all_or_nothing(instance, "requisitions", requisition):
        update(instance, "requisitions", requisition, given)
        if requisition["status"] in EDITABLE:
            _complete(instance, requisition)
    return requisition


def update_and_submit(instance: Instance, requisition: Record, body: Any) -> Record:
    _check_submittable(requisition)
    return submit(instance, update_requisition(instance, requisition, body))


def submit(instance: Instance, requisition: Record) -> Record:
    _check_submittable(requisition)
    instance.change("requisitions", requisition, submitted_at=instance.now(), reject_reason_comment=None)
    if any(_needs_buyer(line) for line in requisition["requisition-lines"]):
        set_status(instance, requisition, "pending_buyer_action")
    elif approvals.start(instance, REQUISITION, requisition, chains.of_requisition(instance, requisition)):
        set_status(instance, requisition, "pending_approval")
    else:
        settle(instance, requisition, "approved", None)
    return requisition


def settle(instance: Instance, requisition: Record, verdict: str, reason: str | None) -> None:
    """The chain has spoken: `approved` makes the orders, `rejected` gives the draft back. An approval added to a
    requisition that is ordered already decides nothing."""
    if requisition["status"] not in ("pending_approval", *EDITABLE):
        return
    if verdict == "rejected":
        instance.change("requisitions", requisition, reject_reason_comment=reason)
        set_status(instance, requisition, "draft")
    else:
        generate_orders(instance, requisition)
        set_status(instance, requisition, "ordered")


def withdraw(instance: Instance, requisition: Record) -> Record:
    """The requester takes it back in Coupa's pages; nobody is asked any longer."""
    if requisition["status"] not in WITHDRAWABLE:
        raise invalid(MODEL, f"Cannot withdraw a requisition that is {requisition['status']}")
    approvals.cancel(instance, REQUISITION, requisition)
    set_status(instance, requisition, "withdrawn")
    return requisition


def add_approver(instance: Instance, requisition: Record, body: Any) -> Record:
    """One more person at the end of the chain."""
    if requisition["status"] != "pending_approval":
        raise invalid(MODEL, f"Cannot add an approver to a requisition that is {requisition['status']}")
    try:
        person = find_reference(instance, "users", _read(instance, body).get("approver"))
    except ValueError as problem:
        raise invalid(MODEL, f"Approver {problem}") from None
    approvals.add(instance, REQUISITION, requisition, approvals.Step(person, approvals.BY_HAND))
    return requisition


def remove_approval(instance: Instance, requisition: Record, body: Any) -> Record:
    """The last one removed approves."""
    given = read_document(instance, "requisitions", body).get("approval")
    approvals.remove(instance, REQUISITION, requisition, approvals.find_open(instance, REQUISITION, requisition, given))
    if requisition["status"] == "pending_approval" and requisition["current-approval"] is None:
        settle(instance, requisition, "approved", None)
    return requisition


def set_status(instance: Instance, requisition: Record, status: str) -> None:
    """Of header and lines alike."""
    instance.change("requisitions", requisition, status=status)
    for line in requisition["requisition-lines"]:
        instance.change("requisition_lines", line, status=status)


def _read(instance: Instance, body: Any) -> Record:
    """`requester` is the older name of `requested-by`; of lines with one number the first is kept, as Coupa does."""
    given = read_document(instance, "requisitions", body)
    older = given.pop("requester", None)
    if older and not given.get("requested-by"):
        given["requested-by"] = older
    rows, taken = given.get("requisition-lines"), set[str]()
    if rows is not None:
        given["requisition-lines"] = [row for row in rows if not _taken(row, taken)]
    return given


def _taken(row: Mapping[str, Any], taken: set[str]) -> bool:
    number = row.get("line-num")
    known = number is not None and str(number) in taken
    taken.add(str(number))
    return known


def _check_reference_free(instance: Instance, given: Mapping[str, Any]) -> None:
    """The number asked for must be no order's yet; among requisitions it is unique like any other."""
    number = given.get("external-po-reference")
    if number and instance.table("purchase_orders").by("po-number", str(number)):
        raise invalid(MODEL, "External po reference has already been taken")


def _check_submittable(requisition: Record) -> None:
    if requisition["status"] not in EDITABLE:
        raise invalid(MODEL, f"Cannot submit a requisition that is {requisition['status']}")


def _needs_buyer(line: Record) -> bool:
    coded = line["account"] is not None or line["account-allocations"]
    return line["supplier"] is None or line["unit-price"] is None or not coded


def _complete(instance: Instance, requisition: Record) -> None:
    """Fills what the requester and the suppliers know, checks everything, computes the totals."""
    person = instance.get("users", requisition["requested-by"]) or {}
    lines = requisition["requisition-lines"]
    instance.table("requisitions").update(requisition, {
        "requester": requisition["requested-by"],
        "department": requisition["department"] or person.get("department"),
        "ship-to-address": requisition["ship-to-address"] or person.get("default-address"),
    })  # fmt: skip
    problems = _header_problems(requisition, person)
    for position, line in enumerate(lines, start=1):
        _complete_line(instance, requisition, line, position)
        problems += _line_problems(instance, line)
    numbers = [line["line-num"] for line in lines]
    problems += [f"Line num {number} has already been taken" for number in set(numbers) if numbers.count(number) > 1]
    if problems:
        raise invalid(MODEL, *problems)
    instance.table("requisitions").update(requisition, {
        "line-count": len(lines), "currency": lines[0]["currency"],
        "total": sum(line["total"] or 0 for line in lines),
    })  # fmt: skip


def _header_problems(requisition: Record, person: Record) -> list[str]:
    problems = [
        f"{name.replace('-', ' ').capitalize()} can't be blank"
        for name in ("requested-by", "ship-to-address")
        if requisition[name] is None
    ]
    if not requisition["requisition-lines"]:
        problems.append("Requisition lines can't be blank")
    if person and not person["active"]:
        problems.append("Requested by is not active")
    return problems


def _complete_line(instance: Instance, requisition: Record, line: Record, position: int) -> None:
    item = line["item"] if isinstance(line["item"], dict) else {}
    supplier = instance.get("suppliers", line["supplier"]) or {}
    kind = line["line-type"] or (AMOUNT_LINE if line["quantity"] is None else QUANTITY_LINE)
    price, quantity = line["unit-price"], line["quantity"]
    total = None if price is None else round_half_up(price * (quantity or 0) if kind == QUANTITY_LINE else price, 4)
    instance.table("requisition_lines").update(line, {
        "line-num": position if line["line-num"] is None and instance.trusted else line["line-num"],
        "line-type": kind, "description": line["description"] or item.get("name"), "total": total,
        "payment-term": line["payment-term"] or supplier.get("payment-term"), "status": requisition["status"],
    })  # fmt: skip


def _line_problems(instance: Instance, line: Record) -> list[str]:
    if line["line-num"] is None:
        return ["Line num can't be blank"]
    problems = [f"{name} can't be blank" for name in ("description", "currency") if line[name] in (None, "")]
    if line["line-type"] == QUANTITY_LINE and not line["quantity"]:
        problems.append("quantity can't be blank or 0")
    if line["line-type"] == AMOUNT_LINE and line["quantity"] is not None:
        problems.append("quantity belongs on quantity lines only")
    supplier, currency = instance.get("suppliers", line["supplier"]), instance.get("currencies", line["currency"])
    if supplier and supplier["status"] != "active":
        problems.append("supplier is not active")
    if currency and not currency["enabled"]:
        problems.append("currency is not active")
    return [f"Line {line['line-num']}: {problem}" for problem in problems]
