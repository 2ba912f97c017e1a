"""The gate's judgement: may this purchase order be placed with Amazon in this moment?

Pure: what was planned, the PO and its requisition as Coupa shows them now, and the policies go in; every reason against
it comes out, each a finished sentence. Nothing means yes. Where Coupa does not say, the answer is no. The same judgement
serves the plan, so that nobody waits for the gate to hear what is known already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from procurement.approved_lines import at, line_problems, plain_number, text_of
from procurement.buying_policies import SENT_MANUALLY, OrderPolicies
from procurement.documents import ENDED_ORDERS

Json = Mapping[str, Any]

APPROVED_REQUISITION = ("ordered", "partially_received", "received")  # or later
ON_THE_WAY = ("pending_approval", "pending_buyer_action", "approved", "backgrounded")
ISSUED = "issued"
APPROVED, ESCALATED = "approved", "escalated"
# Coupa has given the order to the supplier, or is about to: whoever orders it here orders it twice.
OTHER_CHANNEL = (
    "sent_via_email", "sent_via_cxml", "sent_via_xml", "sent_manually", "purchased_online", "scheduled_for_email",
    "scheduled_for_cxml", "scheduled_for_xml", "awaiting_online_purchase", "deferred_processing",
)  # fmt: skip
OVERRIDE_BY_EMAIL = "email"
SHIP_TO = (
    "location-code", "id", "name", "attention", "street1", "street2", "street3", "street4", "city", "state", "postal-code",
    "country.code",
)  # fmt: skip
# What is said of a changed header field; of the others only that something was changed.
SAID = {
    "ship-to": "ship-to address", "ship-to-attention": "ship-to attention", "ship-to-user": "ship-to user", "requester": "requester",
    "requester-name": "requester's name", "supplier": "supplier", "currency": "currency", "payment-method": "payment method",
    "number": "number", "created-at": "date",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """`waiting`: it may come right by itself. `held`: a person must act. `skipped`: it will never be ordered.

    `alarm`: it was seen on another channel, and may be ordered twice."""

    state: Literal["waiting", "held", "skipped"]
    reason: str
    errors: tuple[str, ...] = ()
    alarm: bool = False


def substance(order: Json) -> dict[str, Any]:
    """What of a PO is ordered: what makes it another order when it changes. No status, counters or fields we write back."""
    return {
        "id": order.get("id"), "number": text_of(order.get("po-number")), "version": order.get("version"),
        "created-at": order.get("created-at"), "supplier": at(order, "supplier.number"),
        "requisition": at(order, "requisition-header.id"),
        "requester": at(order, "requisition-header.requested-by.email"),
        "requester-name": at(order, "requisition-header.requested-by.fullname"),
        "ship-to": {name: at(order, f"ship-to-address.{name}") for name in SHIP_TO},
        "ship-to-attention": text_of(order.get("ship-to-attention")),
        "ship-to-user": {name: at(order, f"ship-to-user.{name}") for name in ("email", "fullname")},
        "currency": at(order, "currency.code"), "payment-method": order.get("payment-method"),
        "lines": [line_substance(line) for line in order.get("order-lines") or ()],
    }  # fmt: skip


def line_substance(line: Json) -> dict[str, Any]:
    """Decimals as plain text without trailing zeros, so that Coupa's own rewriting is no change."""
    return {
        "id": line.get("id"), "number": text_of(line.get("line-num")), "type": line.get("type"),
        "quantity": plain_number(line.get("quantity")), "price": plain_number(line.get("price")), "uom": at(line, "uom.code"),
        "part": text_of(line.get("source-part-num")), "auxiliary": text_of(line.get("supp-aux-part-num")),
        "currency": at(line, "currency.code"), "need-by": line.get("need-by-date"), "account": at(line, "account.code"),
        "split": [
            {"account": at(share, "account.code"), "pct": plain_number(share.get("pct")), "amount": plain_number(share.get("amount"))}
            for share in line.get("account-allocations") or ()
        ],
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the gate compares, frozen with the plan: the whole substance of the PO, and the requisition behind it.

    `header` is the substance without the lines; of a plan that kept none, nothing is known, and it does not pass.
    """

    po_id: int
    po_number: str
    version: int
    requisition_id: int
    lines: tuple[Json, ...]
    header: Json = field(default_factory=dict)

    @classmethod
    def of(cls, order: Json) -> "Judged":
        """Of the PO as it was planned; it has a requisition."""
        planned = substance(order)
        return cls(
            po_id=int(planned["id"]), po_number=str(planned["number"]), version=int(planned["version"] or 1),
            requisition_id=int(planned["requisition"]), lines=tuple(planned["lines"]), header=_header(planned),
        )  # fmt: skip

    def write(self) -> dict[str, Any]:
        return {
            "po_id": self.po_id, "po_number": self.po_number, "version": self.version, "requisition_id": self.requisition_id,
            "lines": list(self.lines), "header": dict(self.header),
        }  # fmt: skip

    @classmethod
    def read(cls, raw: Json) -> "Judged":
        return cls(**{**raw, "lines": tuple(raw["lines"])})


def judge(
    planned: Judged, order: Json, requisition: Json, policies: OrderPolicies, *, mark_as_sent: bool
) -> Verdict | None:
    """None: it may be placed now. Otherwise held with every reason at once; on another channel it is an alarm."""
    alarms = channel_alarms(order, policies, mark_as_sent=mark_as_sent)
    found = {
        "ALARM: it reaches Amazon by another channel, too": alarms,
        "Coupa sends it by another channel": _channel_problems(order, policies, alarms),
        "it was changed since it was planned": _order_problems(planned, order),
        "it is not approved": approval_problems(requisition),
        "it is not what was approved": line_problems(order, requisition, may_differ=policies.may_differ),
    }
    problems = [sentence for sentences in found.values() for sentence in sentences]
    if not problems:
        return None
    reason = next(reason for reason, sentences in found.items() if sentences)
    return Verdict("held", reason, tuple(problems), alarm=bool(alarms))


def standing(order: Json) -> Verdict | None:
    """Whether the PO is one to order at all: issued now, perhaps later, or never."""
    status = str(order.get("status") or "")
    if status == ISSUED:
        return None
    if status in ENDED_ORDERS:
        return Verdict("skipped", f"the purchase order is {status}")
    return Verdict("waiting", f"the purchase order is not issued yet, it is {status or 'without a status'}")


def awaits_approval(requisition: Json) -> str | None:
    """The sentence, while approval is still on its way; None when it is there or will not come.

    A requisition that is ordered although an approval of it is missing does not wait: somebody has to look at it.
    """
    if (status := str(requisition.get("status") or "")) not in ON_THE_WAY:
        return None
    pending = [who(one) for one in approvals_of(requisition) if one.get("status") == "pending_approval"]
    return f"approval is pending: the requisition is {status}{', with ' if pending else ''}{', '.join(pending)}"


def approval_problems(requisition: Json) -> list[str]:
    """Why the requisition is not approved. Empty chains pass; so do delegates and groups, whose approval is an approval, and
    an approval that was escalated to somebody who gave it."""
    problems = []
    status = str(requisition.get("status") or "")
    if status not in APPROVED_REQUISITION:
        problems.append(f"The requisition is {status or 'without a status'}, not ordered.")
    approvals = approvals_of(requisition)
    given = any(one.get("status") == APPROVED for one in approvals)
    for one in approvals:
        word = str(one.get("status") or "without a status")
        if word == APPROVED or (word == ESCALATED and given):
            continue
        problems.append(f"The approval of {who(one)} is {word}.")
    return problems


def approvals_of(requisition: Json) -> list[Json]:
    """The approvals in the order of the chain; those without a place come last."""
    rows = [one for one in requisition.get("approvals") or () if isinstance(one, Mapping)]
    return sorted(rows, key=lambda one: (one.get("position") is None, one.get("position") or 0, one.get("id") or 0))


def who(approval: Json) -> str:
    """Who approved, else who is to: a login, or a group's name."""
    for person in (approval.get("approved-by"), approval.get("approver"), approval.get("delegate")):
        if isinstance(person, Mapping):
            for name in ("login", "fullname", "name", "email"):
                if text_of(person.get(name)):
                    return str(person[name])
    return f"approver {approval.get('approver-id') or 'unknown'}"


def approved_by(requisition: Json) -> list[str]:
    """Who approved, in the order of the chain: kept with the order."""
    return [who(one) for one in approvals_of(requisition) if one.get("status") == APPROVED]


def channel_alarms(order: Json, policies: OrderPolicies, *, mark_as_sent: bool) -> list[str]:
    """The alarm, where Coupa has given the PO to the supplier by another channel or is about to."""
    status = text_of(order.get("transmission-status"))
    if status in policies.transmission_statuses or (status == SENT_MANUALLY and mark_as_sent):
        return []
    if status not in OTHER_CHANNEL:
        return []
    other = "the purchase order reaches Amazon by another channel and must not be ordered a second time"
    return [f"ALARM: Coupa shows transmission status {status}: {other}."]


def _channel_problems(order: Json, policies: OrderPolicies, alarms: Sequence[str]) -> list[str]:
    problems = []
    status = text_of(order.get("transmission-status"))
    allowed = (*policies.transmission_statuses, SENT_MANUALLY)
    if not alarms and status not in allowed:
        problems.append(
            f"The transmission status is {status or 'not shown'}; policies.yml allows {', '.join(policies.transmission_statuses)}."
        )
    supplier = order.get("supplier") or {}
    site = order.get("supplier-site") or {}
    for name, what in (("po-method", "purchase orders"), ("po-change-method", "changes of them")):
        method = text_of(site.get(name)) or text_of(supplier.get(name))
        if method is None:
            problems.append(f"Coupa does not show how it sends {what} to the supplier ({name}).")
        elif method not in policies.silent_methods:
            problems.append(
                f"Coupa sends {what} to the supplier by {method} ({name}): the order would be placed twice."
            )
    if text_of(order.get("transmission-method-override")) == OVERRIDE_BY_EMAIL:
        problems.append("Coupa sends this purchase order by email (transmission-method-override).")
    return problems


def _order_problems(planned: Judged, order: Json) -> list[str]:
    problems = []
    if order.get("status") != ISSUED:
        problems.append(f"The purchase order is {order.get('status') or 'without a status'}, not issued.")
    if (version := int(order.get("version") or 1)) != planned.version:
        problems.append(
            f"The purchase order was changed: it is version {version} now, and version {planned.version} was planned."
        )
    if at(order, "requisition-header.id") != planned.requisition_id:
        problems.append("The purchase order belongs to another requisition now.")
    if problems:
        return problems
    now = substance(order)
    if [dict(line) for line in planned.lines] != now["lines"]:
        problems.append("Lines of the purchase order were changed since it was planned.")
    header = _header(now)
    changed = [SAID.get(name, "header") for name, value in header.items() if planned.header.get(name) != value]
    problems += [
        f"The {what} of the purchase order was changed since it was planned." for what in dict.fromkeys(changed)
    ]
    return problems


def _header(planned: Json) -> dict[str, Any]:
    return {name: value for name, value in planned.items() if name != "lines"}
