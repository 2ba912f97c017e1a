"""What people read about a violation: comments, errors, mails. Each comment carries its violation's key in brackets: by it a
comment is asked for before it is ever posted again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procurement.compliance.judging import NO_CANCEL, Violation, who_must_act
from procurement.ledger.compliance import KeptViolation
from procurement.money import Money

Json = dict[str, Any]
MOST_LISTED = 100
EXTERNAL_ID = 255
AMAZON = "amazon_business/"  # begins the source of a violation of an order that is placed


def marker(key: str) -> str:
    return f"[{key}]"


def closing_marker(key: str) -> str:
    return f"[settled {key}]"


def sentences(violation: Violation) -> str:
    """What is wrong, with the money at stake, and who must act by when."""
    return f"{violation.severity.capitalize()}: {violation.sentence} {who_must_act(violation)}"


def comment(violation: Violation, document: str, id: int, *, mentions: Sequence[int]) -> Json:
    """Payload of a comment on a Coupa document; mentions notify."""
    about = f"Amazon order {violation.purchase}, rule {violation.rule}."
    return _comment(document, id, mentions, f"{about} {sentences(violation)}", marker(violation.key))


def screened(violation: Violation | KeptViolation, id: int, *, mentions: Sequence[int], marker: str) -> Json:
    """Of a requisition that waits for approval: nothing is ordered yet, and whoever approves can still stop it."""
    wanted = "must not be approved" if violation.action == "block" else "needs one more approval"
    text = f"Rule {violation.rule}: {violation.sentence} The requisition {wanted}; Amazon gets no order before."
    return _comment("requisitions", id, mentions, text, marker)


def _comment(document: str, id: int, mentions: Sequence[int], text: str, marker: str) -> Json:
    people = " ".join(f"@[User:{user}]" for user in dict.fromkeys(mentions))
    return {"document": document, "id": id, "text": f"{people} {text} {marker}".strip(), "marker": marker}


def closing_comment(violation: KeptViolation, reason: str, document: str, id: int) -> Json:
    mark = closing_marker(violation.key)
    text = f"Settled: {reason}. Rule {violation.rule}, Amazon order {violation.purchase}. {mark}"
    return {"document": document, "id": id, "text": text, "marker": mark}


def error(violation: Violation) -> Json:
    """Body of the integration error of an order without a PO: no document stands in Coupa for it."""
    return {
        "body": {
            "document-type": "OrderHeader", "document-status": "missing", "contact-alert-type": "Functional", "status": "Error",
            "external-id": external_id(violation.key),
            "responses": [{"response-code": violation.kind.upper(), "response-message": sentences(violation)}],
        }
    }  # fmt: skip


def external_id(key: str) -> str:
    return key[-EXTERNAL_ID:]


def line(violation: KeptViolation) -> str:
    return f"{facts(violation)}; somebody acts by {violation.act_by}{_evidence(violation)}"


def overdue_line(violation: KeptViolation) -> str:
    return f"{facts(violation)}; somebody had to act by {violation.act_by}{_evidence(violation)}"


def _evidence(violation: KeptViolation) -> str:
    return "".join(f"\n    {one}" for one in violation.evidence)


def facts(violation: KeptViolation) -> str:
    money = Money.of(violation.amount, violation.currency)
    about = ", ".join(
        part
        for part in (
            violation.buyer,
            violation.cost_center and f"cost center {violation.cost_center}",
            violation.seller,
        )
        if part
    )
    return (
        f"{violation.purchase}  {money}  {violation.severity}, {violation.rule}\n    {violation.sentence}\n    {about}"
    )


def listed(violations: Sequence[KeptViolation], line: Callable[[KeptViolation], str] = line) -> str:
    lines = [line(one) for one in violations[:MOST_LISTED]]
    more = len(violations) - MOST_LISTED
    return "\n\n".join([*lines, *([f"... and {more} more"] if more > 0 else [])])


def totals(violations: Sequence[KeptViolation]) -> str:
    sums: dict[str, Money] = {}
    for one in violations:
        money = Money.of(one.amount, one.currency)
        sums[one.currency] = sums[one.currency] + money if one.currency in sums else money
    return ", ".join(str(sums[currency]) for currency in sorted(sums))


def overdue_mail(violations: Sequence[KeptViolation], recipients: Sequence[str], *, escalated: bool) -> Json:
    """Of an order that is placed, what nobody can undo by a call is said again."""
    placed = any(one.action != "flag" and one.source.startswith(AMAZON) for one in violations)
    said = (
        "Whoever had to act was reminded, and they are open still"
        if escalated
        else "The day to act is over, and they are open"
    )
    cancel = f" {NO_CANCEL}: its buyer cancels it on Amazon's order page, or returns it." if placed else ""
    plural = "" if len(violations) == 1 else "s"
    return {
        "to": list(recipients), "subject": f"Overdue: {len(violations)} compliance violation{plural}, {totals(violations)}",
        "text": f"{said}.{cancel}\n\n{listed(violations, overdue_line)}",
    }  # fmt: skip


def buyer_mail(violation: Violation) -> Json:
    """Of an order without a PO: no document stands in Coupa on which its buyer could be mentioned."""
    return {
        "to": [violation.buyer], "subject": f"Amazon order {violation.purchase}: {violation.rule.replace('_', ' ')}",
        "text": f"{sentences(violation)}\n\n{marker(violation.key)}",
    }  # fmt: skip


def queue_mail(violations: Sequence[Violation], recipients: Sequence[str], why: Mapping[str, str]) -> Json:
    """About people who left or whom Coupa does not know: nobody else would hear of these."""
    rows = [f"{one.purchase}: {sentences(one)}\n    {why[one.key]}" for one in violations]
    plural = "" if len(rows) == 1 else "s"
    return {
        "to": list(recipients), "subject": f"{len(rows)} violation{plural} of people whom Coupa cannot tell",
        "text": "\n\n".join(rows),
    }  # fmt: skip
