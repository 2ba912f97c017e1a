"""Writes to Coupa that several pipelines make, and how Coupa is asked whether one already happened.

Comments and tasks have no key, so each carries a marker; changes of an order are compared with the wanted state; an
order's or line's status tells whether an action was taken. A payload names its document by `id`, or leaves it to the
delivery it follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.coupa.client import Coupa
from connectors.errors import NotFound
from connectors.http import Permit
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop

Json = dict[str, Any]

# Where a purchase order or a line stands once the action was taken.
ORDER_STATUS_AFTER: Mapping[str, frozenset[str]] = {
    "cancel": frozenset({"cancelled", "canceled"}),
    "close": frozenset({"soft_closed", "closed"}),
    "reopen": frozenset({"issued"}),
}
LINE_STATUS_AFTER: Mapping[str, frozenset[str]] = {
    "soft_close_for_receiving": frozenset({"soft_closed_for_receiving", "closed"}),
    "soft_close_for_invoicing": frozenset({"soft_closed_for_invoicing", "closed"}),
}
LINE_STATUS_GONE: Mapping[str, frozenset[str]] = {
    "reopen_for_receiving": LINE_STATUS_AFTER["soft_close_for_receiving"],
    "reopen_for_invoicing": LINE_STATUS_AFTER["soft_close_for_invoicing"],
}

UNDECIDED = frozenset({"draft", "pending_approval"})  # of a change of a purchase order


def document_id(delivery: Claimed) -> int:
    """The document that the payload names, else the one that an earlier delivery of the chain made."""
    named = delivery.payload.get("id")
    if named is not None:
        return int(named)
    assert delivery.after_target_id is not None  # the ledger claims a follower only once its predecessor is delivered
    return int(delivery.after_target_id)


@dataclass(frozen=True, slots=True)
class Comment:
    """Payload: {document, text, marker, id?}; `document` is Coupa's word: invoices, purchase_orders, requisitions."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("create_comment")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        payload = delivery.payload
        raw = self.coupa.create_comment(payload["document"], document_id(delivery), payload["text"], permit)
        return Sent(target_id=str(raw["id"]))

    def ask(self, delivery: Claimed) -> Found | None:
        for page in self.coupa.comments(delivery.payload["document"], document_id(delivery)):
            for raw in page:
                if delivery.payload["marker"] in str(raw.get("comments")):
                    return Found(target_id=str(raw["id"]), ours=True)
        return None


@dataclass(frozen=True, slots=True)
class UpdateOrder:
    """Payload: {id, body, wanted}: `body` is what is sent, `wanted` the part of Coupa's order that then holds."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("update_purchase_order")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.update_purchase_order(document_id(delivery), delivery.payload["body"], permit)
        return Sent(target_id=str(raw["id"]), facts={"version": raw.get("version")})

    def ask(self, delivery: Claimed) -> Found | None:
        raw = self.coupa.get_purchase_order(document_id(delivery))
        if not holds(delivery.payload["wanted"], raw):
            return None
        return Found(target_id=str(raw["id"]), ours=True, facts={"version": raw.get("version")})


@dataclass(frozen=True, slots=True)
class ActOnOrder:
    """Payload: {id, action, body?}: cancel, close or reopen a purchase order."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("act_on_purchase_order")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        payload = delivery.payload
        raw = self.coupa.act_on_purchase_order(document_id(delivery), payload["action"], permit, payload.get("body"))
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        raw = self.coupa.get_purchase_order(document_id(delivery))
        if raw.get("status") not in ORDER_STATUS_AFTER[delivery.payload["action"]]:
            return None
        return Found(target_id=str(raw["id"]), ours=True, facts={"status": raw.get("status")})


@dataclass(frozen=True, slots=True)
class ActOnOrderLine:
    """Payload: {id, action}: a gate of a purchase order line."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("act_on_purchase_order_line")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.act_on_purchase_order_line(document_id(delivery), delivery.payload["action"], permit)
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        action = delivery.payload["action"]
        for page in self.coupa.purchase_order_lines([document_id(delivery)]):
            for raw in page:
                status = str(raw.get("status"))
                gone = action in LINE_STATUS_GONE and status not in LINE_STATUS_GONE[action]
                if gone or status in LINE_STATUS_AFTER.get(action, ()):
                    return Found(target_id=str(raw["id"]), ours=True, facts={"status": status})
        return None


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """Payload: {order_id, body, wanted}: a change request on a purchase order, compared with what the order says by then.

    A change that waits for approval counts as made: asking again finds it among the order's changes, by what it asks for.
    Anybody else's change of the same order is not ours.
    """

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("create_purchase_order_change")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.create_purchase_order_change(delivery.payload["body"], permit)
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        order_id = int(delivery.payload["order_id"])
        raw = self.coupa.get_purchase_order(order_id)
        if holds(delivery.payload["wanted"], raw):
            return Found(target_id=str(raw["id"]), ours=True, facts={"status": "approved"})
        for page in self.coupa.purchase_order_changes([order_id]):
            for change in page:
                if change.get("status") in UNDECIDED and asks_for(change, delivery.payload["body"]):
                    return Found(target_id=str(change["id"]), ours=True, facts={"status": change.get("status")})
        return None


@dataclass(frozen=True, slots=True)
class CreateTask:
    """A task for a user group. Payload: {group, title, description, marker, due?, owner_id?}; `description` holds `marker`.

    `group` is the group's name, `due` a plain date. The gate finds the group; where Coupa has none of that name, the task
    is held. Asking looks for the marker among the group's tasks of this title, done ones included.
    """

    coupa: Coupa
    _groups: dict[str, int] = field(default_factory=dict)  # ids by name, as the gate found them

    def permit(self) -> Permit:
        return self.coupa.permit("create_task")

    def gate(self, delivery: Peeked) -> Stop | None:
        name = delivery.payload["group"]
        if self._group_id(name) is None:
            return Stop("held", f"Coupa has no active user group {name}")
        return None

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        given = delivery.payload
        optional = {"due-date": given.get("due"), "owner-id": given.get("owner_id")}
        body = {"title": given["title"], "description": given["description"]}
        body |= {name: value for name, value in optional.items() if value is not None}
        raw = self.coupa.create_task(self._groups[given["group"]], body, permit)
        return Sent(target_id=str(raw["id"]))

    def ask(self, delivery: Claimed) -> Found | None:
        group = self._group_id(delivery.payload["group"])
        if group is None:
            return None  # renamed or closed since: what was sent to it is looked for by nobody, and the gate holds the rest
        for page in self.coupa.tasks(group, title=delivery.payload["title"]):
            for raw in page:
                if delivery.payload["marker"] in str(raw.get("description")):
                    return Found(target_id=str(raw["id"]), ours=True)
        return None

    def _group_id(self, name: str) -> int | None:
        if name not in self._groups:
            found = [raw for page in self.coupa.user_groups([name]) for raw in page if raw.get("active") is not False]
            self._groups.update((name, int(raw["id"])) for raw in found)
        return self._groups.get(name)


@dataclass(frozen=True, slots=True)
class CloseTask:
    """All of a task is done. Payload: {task, status}: its id, and the customer's word for a task that is done.

    Skipped where a person closed or deleted it already.
    """

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("update_task")

    def gate(self, delivery: Peeked) -> Stop | None:
        task = int(delivery.payload["task"])
        try:
            raw = self.coupa.get_task(task)
        except NotFound:
            return Stop("skipped", f"task {task} was deleted in Coupa")
        return Stop("skipped", f"task {task} was closed in Coupa already") if is_done(raw) else None

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        changes = {"status": delivery.payload["status"], "percentage": 100}
        return Sent(target_id=str(self.coupa.update_task(int(delivery.payload["task"]), changes, permit)["id"]))

    def ask(self, delivery: Claimed) -> Found | None:
        task = int(delivery.payload["task"])
        return Found(target_id=str(task), ours=True) if is_done(self.coupa.get_task(task)) else None


def is_done(task: Mapping[str, Any]) -> bool:
    """Whatever its status is called in this instance."""
    return bool(task.get("resolved-at")) or task.get("percentage") == 100


def asks_for(change: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a change request asks for all that `body` asked for, line by line."""
    wanted, shown = (
        [{**row, "id": row.get("order-line-id")} for row in one.get("order-line-changes") or ()]
        for one in (body, change)
    )
    return bool(wanted) and holds(wanted, shown)


def holds(wanted: Any, actual: Any) -> bool:
    """Whether everything `wanted` says is so in Coupa's record; rows of lists are found by their `id`, numbers by value."""
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(holds(value, actual.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        rows = {row.get("id"): row for row in actual or () if isinstance(row, Mapping)}
        return all(holds(row, rows.get(row.get("id"))) for row in wanted)
    return _comparable(wanted) == _comparable(actual)


def _comparable(value: Any) -> str:
    """Coupa writes decimals as text with places of its own choosing."""
    text = "" if value is None else str(value).strip()
    whole, point, places = text.partition(".")
    plain = whole.removeprefix("-").isdigit() and (not point or places.isdigit())
    return f"{whole}.{places.rstrip('0')}".rstrip(".") if plain else text
