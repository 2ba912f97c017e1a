"""Approvals of a document: a chain of people, in order, one at a time.

Three kinds of documents are approved: invoices, requisitions, changes of purchase orders. Who is asked is told in
`chains.py`, what a decision does to the document in `decisions.py`. An invoice keeps every row it ever had; the other
two show the present chain only: approvals nobody gave go when the chain ends, all of them when a new one begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.coupa.errors import invalid
from sandbox.coupa.incoming import create
from sandbox.coupa.instance import API_USER_ID, Instance
from sandbox.coupa.schema import Record

MODEL = "approval"
CURRENT, LATER, HELD, APPROVED, REJECTED, CANCELLED = (
    "pending_approval",
    "pending",
    "on_hold",
    "approved",
    "rejected",
    "cancelled",
)
OPEN = (CURRENT, LATER, HELD)
BY_CHAIN, BY_HAND, BY_HIERARCHY = "ApprovalChainApproval", "UserApproval", "ManagementHierarchyApproval"


@dataclass(frozen=True, slots=True)
class Approvable:
    """A kind of document. `name_column` is what people call one by; `keeps_all`: its rows never go."""

    resource: str
    kind: str
    noun: str
    name_column: str
    keeps_all: bool = False

    def document(self, instance: Instance, document_id: Any) -> Record:
        return instance.table(self.resource).rows[document_id]


INVOICE = Approvable("invoices", "InvoiceHeader", "Invoice", "invoice-number", keeps_all=True)
REQUISITION = Approvable("requisitions", "RequisitionHeader", "Requisition", "req-title")
ORDER_CHANGE = Approvable("purchase_order_changes", "OrderHeaderChange", "Change of purchase order", "po-number")
BY_KIND: Mapping[str, Approvable] = {one.kind: one for one in (INVOICE, REQUISITION, ORDER_CHANGE)}


@dataclass(frozen=True, slots=True)
class Step:
    """One person to be asked; `kind` is the approval's `type`."""

    person: Record
    kind: str = BY_CHAIN


def of_document(instance: Instance, approvable: Approvable, document: Record, *statuses: str) -> list[Record]:
    """The rows of one document in the order of their turns."""
    rows = instance.table("approvals").by("approvable-id", document["id"])
    wanted = [
        row for row in rows if row["approvable-type"] == approvable.kind and (not statuses or row["status"] in statuses)
    ]
    return sorted(wanted, key=lambda row: (row["position"], row["id"]))


def start(instance: Instance, approvable: Approvable, document: Record, steps: Sequence[Step]) -> bool:
    """Begins the chain anew; False when nobody need approve."""
    cancel(instance, approvable, document)
    if not approvable.keeps_all:
        for row in of_document(instance, approvable, document):
            instance.table("approvals").remove(row)
    for step in steps:
        add(instance, approvable, document, step)
    return bool(steps)


def add(instance: Instance, approvable: Approvable, document: Record, step: Step) -> Record:
    """One more approval at the end; it is that person's turn when nobody stands before them."""
    waiting = of_document(instance, approvable, document, *OPEN)
    before = waiting if approvable.keeps_all else of_document(instance, approvable, document)
    now, person = instance.now(), step.person
    row = instance.table("approvals").add({
        "created-at": now, "updated-at": now, "created-by": API_USER_ID, "updated-by": API_USER_ID,
        "approvable-id": document["id"], "approvable-type": approvable.kind,
        "approval-chain-id": 1 if step.kind == BY_CHAIN else None, "approval-date": None, "approved-by": None,
        "approver": person["id"], "approver-id": person["id"], "approver-type": "User", "holdable": True, "note": None,
        "position": (before[-1]["position"] if before else 0) + 1, "status": LATER if waiting else CURRENT,
        "type": step.kind,
    })  # fmt: skip
    if not waiting:
        _tell(instance, approvable, document, row)
    _point(instance, approvable, document)
    return row


def cancel(instance: Instance, approvable: Approvable, document: Record) -> None:
    """Nobody is asked any longer."""
    for row in of_document(instance, approvable, document, *OPEN):
        _drop(instance, approvable, row)
    _point(instance, approvable, document)


def remove(instance: Instance, approvable: Approvable, document: Record, row: Record) -> None:
    _drop(instance, approvable, row)
    next_turn(instance, approvable, document)


def _drop(instance: Instance, approvable: Approvable, row: Record) -> None:
    if approvable.keeps_all:
        instance.change("approvals", row, status=CANCELLED)
    else:
        instance.table("approvals").remove(row)


def next_turn(instance: Instance, approvable: Approvable, document: Record) -> bool:
    """Hands the turn on; False when the chain is at its end."""
    waiting = of_document(instance, approvable, document, *OPEN)
    if waiting and waiting[0]["status"] == LATER:
        instance.change("approvals", waiting[0], status=CURRENT)
        _tell(instance, approvable, document, waiting[0])
    _point(instance, approvable, document)
    return bool(waiting)


def _point(instance: Instance, approvable: Approvable, document: Record) -> None:
    """Keeps `current-approval` of documents that show it."""
    table = instance.table(approvable.resource)
    if "current-approval" in table.resource.columns:
        waiting = of_document(instance, approvable, document, *OPEN)
        table.update(document, {"current-approval": waiting[0]["id"] if waiting else None})


def _tell(instance: Instance, approvable: Approvable, document: Record, row: Record) -> None:
    person = instance.table("users").rows[row["approver"]]
    name = document[approvable.name_column] or document["id"]
    instance.notify(
        person,
        f"{approvable.noun} {name} awaits your approval",
        "Please approve or reject.",
        document=f"{approvable.kind}/{document['id']}",
    )


def find_open(instance: Instance, approvable: Approvable, document: Record, given: Any) -> Record:
    """The open approval a body names by id, or the current one; 400 when there is none."""
    wanted = given.get("id") if isinstance(given, dict) else given
    for row in of_document(instance, approvable, document, *OPEN):
        if wanted is None or row["id"] == wanted:
            return row
    noun = approvable.noun.lower()
    raise invalid(MODEL, f"Approval can't be found among the open approvals of this {noun}")


def seed_approvals(instance: Instance, approvable: Approvable, document: Record, rows: Any) -> None:
    """Approvals from before the sandbox began: `approver`, and whatever differs from one that was given."""
    for position, row in enumerate(rows or [], start=1):
        approval = create(instance, "approvals", {
            "approvable-type": approvable.kind, "approvable-id": document["id"], "position": position,
            "status": APPROVED, "approver-type": "User", "holdable": True, "type": BY_CHAIN, **row,
        })  # fmt: skip
        instance.table("approvals").update(approval, {"approver-id": approval["approver"]})
    _point(instance, approvable, document)
