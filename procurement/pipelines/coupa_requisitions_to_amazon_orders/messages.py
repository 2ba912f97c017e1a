"""What people read about an order: comments in Coupa, findings, alarms by mail."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from procurement.buying_policies import OrderPolicies
from procurement.ledger.types import PlannedFinding
from procurement.money import Money
from procurement.order_results import LineResult, OrderOutcome, Rejected

Json = dict[str, Any]
MOST_SENTENCES = 20  # in a comment
DOCUMENT = "purchase_orders"


def mention(order: Mapping[str, Any]) -> str:
    """Coupa's mention of whoever asked for the goods; words where Coupa shows nobody."""
    person = (order.get("requisition-header") or {}).get("requested-by") or order.get("ship-to-user") or {}
    return f"@[User:{person['id']}]" if person.get("id") is not None else "Requester:"


def ordered_comment(order: Mapping[str, Any], number: str, outcome: OrderOutcome, *, marker: str) -> Json:
    """That it is ordered: Amazon's order ids, units, money at the prices that Amazon accepted, and when it comes."""
    parts = [one for line in outcome.lines for one in line.accepted]
    asked = sum(line.asked.units for line in outcome.lines)
    named = ", ".join(outcome.order_ids) or "without an order number"
    word = "order" if len(outcome.order_ids) <= 1 else "orders"
    days = sorted(one.promised_until.date().isoformat() for one in parts if one.promised_until is not None)
    arrival = (
        ""
        if not days
        else f" It comes by {days[0]}."
        if days[0] == days[-1]
        else f" It comes between {days[0]} and {days[-1]}."
    )
    text = f"PO {number} is ordered at Amazon, {word} {named}: {outcome.accepted_units} of {asked} units, {_goods(outcome)}.{arrival}"
    return _comment(order, text, marker)


def _goods(outcome: OrderOutcome) -> Money:
    """At Amazon's prices, at the PO's where Amazon shows none or another currency."""
    currency = outcome.lines[0].asked.price.currency
    total = Money.zero(currency)
    for line in outcome.lines:
        for one in line.accepted:
            price = one.price if one.price is not None and one.price.currency == currency else line.asked.price
            total += price * one.units
    return total.rounded()


def refused_comment(
    order: Mapping[str, Any], number: str, rejections: Sequence[Rejected], *, contact: str, marker: str
) -> Json:
    """What Amazon did not order, line by line, and what the requester can do; `contact` orders again or closes lines."""
    sentences = [one.sentence for one in rejections[:MOST_SENTENCES]]
    if len(rejections) > MOST_SENTENCES:
        sentences.append(f"{len(rejections) - MOST_SENTENCES} more were refused; {contact} can tell you which.")
    advice = (
        f"Do you still need them? Tell {contact}, who can order them again under this PO, or close the lines. Nothing is "
        "ordered again by itself."
    )
    return _comment(order, f"PO {number}: Amazon did not order everything. {' '.join(sentences)} {advice}", marker)


def _comment(order: Mapping[str, Any], text: str, marker: str) -> Json:
    return {
        "document": DOCUMENT,
        "id": int(order["id"]),
        "text": f"{mention(order)} {text} [{marker}]",
        "marker": f"[{marker}]",
    }


def result_findings(outcome: OrderOutcome) -> list[PlannedFinding]:
    """A finding for each refused part and each alarm, with units."""
    found = [
        PlannedFinding(
            kind=f"refused_{one.kind}", sentence=one.sentence, line=line.asked.number, expected=str(line.asked.units),
            actual=str(line.accepted_units), difference=str(one.units),
        )
        for line in outcome.lines
        for one in line.rejected
    ]  # fmt: skip
    return [*found, *(PlannedFinding(kind="alarm", sentence=sentence) for sentence in outcome.alarms)]


def alarm_mail(key: str, alarms: Iterable[str], recipients: Sequence[str]) -> Json:
    """Recipients, subject, text: somebody must look at Amazon now."""
    return {
        "to": list(recipients),
        "subject": f"ALARM: Amazon's answer to order {key}",
        "text": "\n\n".join([*alarms, f"The order's key at Amazon (externalId) is {key}."]),
    }


def by_action(outcome: OrderOutcome, policies: OrderPolicies) -> dict[str, list[tuple[LineResult, Rejected]]]:
    """Refused parts by what policy does about them. A line of which something is ordered is never closed: a comment instead."""
    found: dict[str, list[tuple[LineResult, Rejected]]] = {}
    for line in outcome.lines:
        for one in line.rejected:
            action = policies.action_on(one.kind)
            if action == "soft_close" and line.taken:
                action = "comment"
            if action == "integration_error" and policies.integration is None:
                action = "comment"
            found.setdefault(action, []).append((line, one))
    return found
