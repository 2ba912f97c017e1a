"""The gate's judgement: may this purchase order be placed with Amazon in this moment?

Pure: what was planned, the PO and its requisition as Coupa shows them now, and the policies go in; every reason against
it comes out, each a finished sentence. Nothing means yes. Where Coupa does not say, the answer is no. The same judgement
serves the plan, so that nobody waits for the gate to hear what is known already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from procurement.buying_policies import SENT_MANUALLY, OrderPolicies
from procurement.errors import MoneyError
from procurement.money import to_decimal

Json = Mapping[str, Any]

APPROVED_REQUISITION = ("ordered", "partially_received", "received")  # or later
ON_THE_WAY = ("pending_approval", "pending_buyer_action", "approved", "backgrounded")
ISSUED = "issued"
ENDED = ("cancelled", "canceled", "closed", "soft_closed", "expensed")
APPROVED, ESCALATED = "approved", "escalated"
# Coupa has given the order to the supplier, or is about to: whoever orders it here orders it twice.
OTHER_CHANNEL = (
    "sent_via_email", "sent_via_cxml", "sent_via_xml", "sent_manually", "purchased_online", "scheduled_for_email",
    "scheduled_for_cxml", "scheduled_for_xml", "awaiting_online_purchase", "deferred_processing",
)  # fmt: skip
OVERRIDE_BY_EMAIL = "email"


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
        "id": order.get("id"), "number": _text(order.get("po-number")), "version": order.get("version"),
        "created-at": order.get("created-at"), "supplier": _at(order, "supplier.number"),
        "requisition": _at(order, "requisition-header.id"),
        "requester": _at(order, "requisition-header.requested-by.email"),
        "ship-to": _at(order, "ship-to-address.location-code") or _at(order, "ship-to-address.id"),
        "currency": _at(order, "currency.code"), "payment-method": order.get("payment-method"),
        "lines": [line_substance(line) for line in order.get("order-lines") or ()],
    }  # fmt: skip


def line_substance(line: Json) -> dict[str, Any]:
    """Decimals as plain text without trailing zeros, so that Coupa's own rewriting is no change."""
    return {
        "id": line.get("id"), "number": _text(line.get("line-num")), "type": line.get("type"),
        "quantity": _plain(line.get("quantity")), "price": _plain(line.get("price")), "uom": _at(line, "uom.code"),
        "part": _text(line.get("source-part-num")), "auxiliary": _text(line.get("supp-aux-part-num")),
        "currency": _at(line, "currency.code"), "need-by": line.get("need-by-date"), "account": _at(line, "account.code"),
        "split": [
            {"account": _at(share, "account.code"), "pct": _plain(share.get("pct")), "amount": _plain(share.get("amount"))}
            for share in line.get("account-allocations") or ()
        ],
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the gate compares, frozen with the plan: id, version and lines of the PO, and the requisition behind it."""

    po_id: int
    po_number: str
    version: int
    requisition_id: int
    lines: tuple[Json, ...]

    @classmethod
    def of(cls, order: Json) -> "Judged":
        """Of the PO as it was planned; it has a requisition."""
        planned = substance(order)
        return cls(
            po_id=int(planned["id"]), po_number=str(planned["number"]), version=int(planned["version"] or 1),
            requisition_id=int(planned["requisition"]), lines=tuple(planned["lines"]),
        )  # fmt: skip

    def write(self) -> dict[str, Any]:
        return {
            "po_id": self.po_id, "po_number": self.po_number, "version": self.version, "requisition_id": self.requisition_id,
            "lines": list(self.lines),
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
        "it is not what was approved": line_problems(order, requisition),
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
    if status in ENDED:
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
                if _text(person.get(name)):
                    return str(person[name])
    return f"approver {approval.get('approver-id') or 'unknown'}"


def approved_by(requisition: Json) -> list[str]:
    """Who approved, in the order of the chain: kept with the order."""
    return [who(one) for one in approvals_of(requisition) if one.get("status") == APPROVED]


def channel_alarms(order: Json, policies: OrderPolicies, *, mark_as_sent: bool) -> list[str]:
    """The alarm, where Coupa has given the PO to the supplier by another channel or is about to."""
    status = _text(order.get("transmission-status"))
    if status in policies.transmission_statuses or (status == SENT_MANUALLY and mark_as_sent):
        return []
    if status not in OTHER_CHANNEL:
        return []
    other = "the purchase order reaches Amazon by another channel and must not be ordered a second time"
    return [f"ALARM: Coupa shows transmission status {status}: {other}."]


def _channel_problems(order: Json, policies: OrderPolicies, alarms: Sequence[str]) -> list[str]:
    problems = []
    status = _text(order.get("transmission-status"))
    allowed = (*policies.transmission_statuses, SENT_MANUALLY)
    if not alarms and status not in allowed:
        problems.append(
            f"The transmission status is {status or 'not shown'}; policies.yml allows {', '.join(policies.transmission_statuses)}."
        )
    supplier = order.get("supplier") or {}
    site = order.get("supplier-site") or {}
    for field, what in (("po-method", "purchase orders"), ("po-change-method", "changes of them")):
        method = _text(site.get(field)) or _text(supplier.get(field))
        if method is None:
            problems.append(f"Coupa does not show how it sends {what} to the supplier ({field}).")
        elif method not in policies.silent_methods:
            problems.append(
                f"Coupa sends {what} to the supplier by {method} ({field}): the order would be placed twice."
            )
    if _text(order.get("transmission-method-override")) == OVERRIDE_BY_EMAIL:
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
    if _at(order, "requisition-header.id") != planned.requisition_id:
        problems.append("The purchase order belongs to another requisition now.")
    if not problems and [dict(line) for line in planned.lines] != substance(order)["lines"]:
        problems.append("Lines of the purchase order were changed since it was planned.")
    return problems


def line_problems(order: Json, requisition: Json) -> list[str]:
    """Where a PO line is not the requisition line that was approved. Lines of other POs of the requisition are none of ours."""
    approved = [line for line in requisition.get("requisition-lines") or () if isinstance(line, Mapping)]
    problems: list[str] = []
    for line in order.get("order-lines") or ():
        twin = _twin(line, approved)
        if twin is None:
            problems.append(f"Line {line.get('line-num')} is on no approved requisition line.")
        else:
            problems += [
                f"Line {line.get('line-num')}: {what} is {mine or 'empty'}, and {theirs or 'empty'} was approved."
                for what, mine, theirs in _compared(line, twin)
                if mine != theirs
            ]
    return problems


def _twin(line: Json, approved: Sequence[Json]) -> Json | None:
    """The requisition line that Coupa made the PO line from: by either one's reference, else by the line number."""
    refers = [row for row in approved if _same(row.get("order-line-id"), line.get("id"))]
    referred = [row for row in approved if _same(line.get("requisition-line-id"), row.get("id"))]
    alike = [
        row for row in approved if row.get("order-line-id") is None and _same(row.get("line-num"), line.get("line-num"))
    ]
    return next((found[0] for found in (refers, referred, alike) if len(found) == 1), None)


def _same(one: Any, other: Any) -> bool:
    """Coupa writes the same number as number here and as text there."""
    return one is not None and str(one) == str(other)


def _compared(line: Json, twin: Json) -> list[tuple[str, str | None, str | None]]:
    return [
        ("the line number", _plain(line.get("line-num")), _plain(twin.get("line-num"))),
        ("the part number", _text(line.get("source-part-num")), _text(twin.get("source-part-num"))),
        ("the quantity", _plain(line.get("quantity")), _plain(twin.get("quantity"))),
        ("the price", _plain(line.get("price")), _plain(twin.get("unit-price"))),
        ("the unit", _at(line, "uom.code"), _at(twin, "uom.code")),
    ]


def _at(raw: Json, path: str) -> Any:
    value: Any = raw
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return None if value == "" else value


def _text(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None


def _plain(value: Any) -> str | None:
    """A number as plain text, equal for equal numbers; anything else as its text."""
    text = _text(value)
    if text is None:
        return None
    try:
        number: Decimal = to_decimal(text)
    except MoneyError:
        return text
    return format(number.normalize(), "f") if number else "0"
