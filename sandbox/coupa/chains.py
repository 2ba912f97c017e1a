"""Who is asked to approve: what an administrator set up as approval chains.

An invoice asks the instance's `invoice_approvers`; a supplier whose invoices must be approved gets the requester when
that chain is empty. A requisition asks the person its requester named first, then the `requisition_approvers` or, where
there are none, the requester's managers, `requisition_approval_levels` of them. A change of a purchase order asks the
`order_change_approvers`.
"""

from collections.abc import Iterable, Iterator

from sandbox.coupa.approvals import BY_HAND, BY_HIERARCHY, Step
from sandbox.coupa.instance import API_USER_ID, Instance
from sandbox.coupa.schema import Record


def of_invoice(instance: Instance, invoice: Record, *, forced: bool = False) -> list[Step]:
    """`forced` finds somebody in any case."""
    users = instance.table("users")
    people = _by_login(instance, instance.invoice_approvers)
    supplier = instance.get("suppliers", invoice["supplier"]) or {}
    if not people and (forced or supplier.get("send-invoices-to-approvals")):
        people = [Step(users.rows[invoice["requested-by"] or API_USER_ID])]
    return people


def of_requisition(instance: Instance, requisition: Record) -> list[Step]:
    first = instance.get("users", requisition["approver"])
    named = [Step(first, BY_HAND)] if first else []
    if instance.requisition_approvers:
        return named + _by_login(instance, instance.requisition_approvers)
    levels = instance.requisition_approval_levels
    managers = list(_managers(instance, requisition["requested-by"]))[:levels]
    return named + [Step(person, BY_HIERARCHY) for person in managers]


def of_order_change(instance: Instance) -> list[Step]:
    return _by_login(instance, instance.order_change_approvers)


def _by_login(instance: Instance, logins: Iterable[str]) -> list[Step]:
    return [Step(row) for login in logins for row in instance.table("users").by("login", login)]


def _managers(instance: Instance, user_id: int | None) -> Iterator[Record]:
    """The manager, the manager's manager and so on, each once: a hierarchy that runs in a circle ends."""
    person, seen = instance.get("users", user_id), {user_id}
    while person and person.get("manager") not in (None, *seen):
        seen.add(person["manager"])
        person = instance.get("users", person["manager"])
        if person:
            yield person
