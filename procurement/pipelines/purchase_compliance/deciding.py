"""What follows a violation in Coupa, and what follows its end.

Report-only, nobody is written to. After that, what the rule tells at once is a comment on the PO; where there is no PO, an
integration error, which its contacts are alerted of, and a mail to the buyer. The rest waits for the weekly digest. What was
told is settled where it was told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from procurement.compliance.judging import Violation
from procurement.compliance.purchases import Purchase
from procurement.compliance.rules import ComplianceFile
from procurement.ledger.compliance import KeptViolation
from procurement.ledger.types import Known, PlannedDelivery
from procurement.pipelines.compliance_surroundings import Order
from procurement.pipelines.purchase_compliance import wording
from procurement.pipelines.purchase_compliance.names import (
    ALERT,
    AT_ONCE,
    CLOSE_ORDER,
    COMMENT,
    OPEN_RUN,
    REPORT_ONLY,
    RESOLVE,
    WEEKLY,
)

Json = dict[str, Any]
TOLD_BY = (COMMENT, ALERT)
Told = Mapping[tuple[str, str], Known]  # by action and business key


@dataclass(frozen=True, slots=True)
class People:
    """Coupa's users by mail address: id and whether they are still there."""

    ids: Mapping[str, int] = field(default_factory=dict)
    active: frozenset[str] = frozenset()

    @classmethod
    def read(cls, pages: Any) -> "People":
        rows = [raw for page in pages for raw in page if raw.get("email")]
        ids = {str(raw["email"]).lower(): int(raw["id"]) for raw in rows}
        return cls(ids, frozenset(str(raw["email"]).lower() for raw in rows if raw.get("active") is not False))

    def reachable(self, email: str) -> int | None:
        return self.ids.get(email.lower()) if email.lower() in self.active else None

    def why_not(self, email: str) -> str:
        if not email:
            return "Amazon names no buyer."
        return f"Coupa has no user {email}." if email.lower() not in self.ids else f"{email} is inactive in Coupa."


def telling(violation: Violation, file: ComplianceFile, *, report_only: bool) -> str:
    """How a new violation is told."""
    rule = file.rule(violation.rule)
    if report_only:
        return REPORT_ONLY
    return AT_ONCE if rule is not None and rule.tell == AT_ONCE else WEEKLY


def deliveries(
    violation: Violation,
    order: Order | None,
    people: People,
    *,
    integration: str | None,
    day: date,
    scope: Json,
    versions: Json,
) -> Iterator[PlannedDelivery]:
    """The writes that tell of a violation at once. `scope`: by which rollout.yml is asked again before each is sent."""
    key = violation.key
    if order is not None:
        emails = dict.fromkeys(email for email in (order.requester_email, violation.buyer) if email)
        mentions = [user for email in emails if (user := people.reachable(email)) is not None]
        payload = wording.comment(violation, "purchase_orders", order.id, mentions=mentions) | {"scope": scope}
        yield PlannedDelivery(action=COMMENT, business_key=key, payload=payload, **versions)
        return
    if integration is not None:
        opened = f"{integration}/{day}"
        yield PlannedDelivery(
            action=OPEN_RUN, business_key=opened, payload={"integration": integration}, required=False
        )
        payload = wording.error(violation) | {"scope": scope}
        yield PlannedDelivery(action=ALERT, business_key=key, payload=payload, after=(OPEN_RUN, opened), **versions)


def unreachable(violation: Violation, order: Order | None, people: People) -> str | None:
    """Why nobody would hear of it in person; then it goes to the queue."""
    emails = [email for email in (violation.buyer, order.requester_email if order else "") if email]
    if any(people.reachable(email) is not None for email in emails):
        return None
    return people.why_not(emails[0] if emails else "")


def why_closed(kept: KeptViolation, purchase: Purchase, order: Order | None, waived: bool) -> str:
    """In words, for the register and for whoever was told."""
    if purchase.cancelled:
        return "the order was cancelled"
    if waived:
        return "a waiver allows it"
    if kept.kind == "no_po" and order is not None and not order.facts.flaw:
        return f"Coupa has PO {order.facts.number} for it"
    return "it is not found any more"


def settlements(
    kept: KeptViolation, reason: str, told: Mapping[str, Known], payloads: Mapping[int, Json]
) -> Iterator[PlannedDelivery]:
    """What is written about its end, where its beginning was written. `told` by action."""
    comment = told.get(COMMENT)
    if comment is not None and comment.state == "delivered":
        before = payloads[comment.id]
        payload = wording.closing_comment(kept, reason, before["document"], int(before["id"]))
        payload |= {"scope": before.get("scope")}
        yield PlannedDelivery(action=CLOSE_ORDER, business_key=kept.delivery_key, payload=payload, required=False)
    error = told.get(ALERT)
    if error is not None and error.state == "delivered" and error.target_id is not None:
        payload = {
            "error": int(error.target_id),
            "run": int(error.facts["run"]),
            "scope": payloads[error.id].get("scope"),
        }
        yield PlannedDelivery(action=RESOLVE, business_key=kept.delivery_key, payload=payload, required=False)


def was_told(row: KeptViolation, before: Told) -> bool:
    """Whether something about it is out, or may be."""
    rows = (before.get((action, row.delivery_key)) for action in TOLD_BY)
    return any(one is not None and one.claimed for one in rows)


def not_told(writes: Sequence[PlannedDelivery], before: Told) -> list[PlannedDelivery]:
    """What is still to be written. A violation that was told is not told a second time by another way; what was planned beside a
    write that is out already stays planned."""
    about = {key for (_, key), row in before.items() if row.claimed}

    def is_open(write: PlannedDelivery) -> bool:
        row = before.get((write.action, write.business_key))
        return not row.claimed if row is not None else write.business_key not in about

    still = [write for write in writes if write.action != OPEN_RUN and is_open(write)]
    runs = {write.after for write in still}
    return [*(write for write in writes if write.action == OPEN_RUN and write.name in runs), *still]
