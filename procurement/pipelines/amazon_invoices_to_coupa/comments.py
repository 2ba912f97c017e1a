"""What people read about an exception in Coupa: one comment that asks, one that closes.

Comments cannot be edited in Coupa and have no key, so each carries a marker by which it is asked for before it is
ever posted again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from procurement.documents import Invoice, PurchaseOrder
from procurement.matching import Finding, MatchResult, Variance
from procurement.money import Money
from procurement.routing import REQUESTER, Route, RoutingRules

Json = dict[str, Any]
DOCUMENT = "invoices"
MOST_SENTENCES = 5


class Directory(Protocol):
    """The part of the Coupa client that knows users."""

    def users(self, logins: Iterable[str]) -> Iterable[Sequence[Json]]: ...


def read_owners(coupa: Directory, routing: RoutingRules) -> dict[str, int]:
    """Coupa user ids of the owners that routing.yml names by login: one call, none when all are requesters."""
    logins = sorted(routing.owner_logins)
    return {str(raw["login"]): int(raw["id"]) for page in coupa.users(logins) for raw in page} if logins else {}


def exception_text(
    invoice: Invoice,
    match: MatchResult,
    *,
    orders: Sequence[PurchaseOrder],
    route: Route,
    user_ids: Mapping[str, int],
    due: date,
    message: str | None,
    marker: str,
) -> str:
    """Mentions the owners, the one of the gravest difference first, and says by when and what differs.

    `message`: what a person can send on to the supplier.
    """
    mentions = " ".join(dict.fromkeys(_mention(owner, orders, user_ids) for owner in route.owners))
    parts = [
        f"{mentions} {_titled(invoice)} ({invoice.total}) needs a decision by {due.isoformat()}.",
        *what_differs(match),
        *([f"To send on to the supplier: “{message}”"] if message else []),
        f"[{marker}]",
    ]
    return " ".join(parts)


def difference_text(
    number: str,
    sentence: str,
    *,
    orders: Sequence[PurchaseOrder],
    route: Route,
    user_ids: Mapping[str, int],
    due: date,
    marker: str,
) -> str:
    """What differs about an invoice in Coupa that no match of ours speaks of."""
    mentions = " ".join(dict.fromkeys(_mention(owner, orders, user_ids) for owner in route.owners))
    return f"{mentions} Invoice {number} needs a decision by {due.isoformat()}. {sentence} [{marker}]"


def task_title(invoice: Invoice) -> str:
    return f"{_titled(invoice)} ({invoice.total}) needs a decision"


def task_description(invoice: Invoice, match: MatchResult, *, marker: str) -> str:
    """What a team reads on its task: the same differences as in the comment, and where to decide."""
    where = f"Decide on the invoice itself{_on_orders(invoice)}; this task closes when that is settled."
    return " ".join([*what_differs(match), where, f"[{marker}]"])


def what_differs(match: MatchResult) -> list[str]:
    """The gravest differences, what they come to in all, and the rules that decided."""
    breached = [finding for finding in match.findings if finding.breached]
    sentences = [finding.sentence for finding in breached[:MOST_SENTENCES]]
    if len(breached) > MOST_SENTENCES:
        sentences.append(f"{len(breached) - MOST_SENTENCES} more differences are listed in the ledger.")
    return [*sentences, *in_all(match.variance), *decided_by(breached)]


def in_all(variance: Variance) -> list[str]:
    """The whole difference by its causes, where it has several."""
    parts, difference = variance.parts, variance.difference
    if len(parts) < 2:
        return []
    causes = ", ".join(f"{name} {money}" for name, money in parts.items())
    side = "too little" if difference.amount < 0 else "too much"
    return [f"In all {Money(abs(difference.amount), difference.currency)} {side}: {causes}."]


def decided_by(findings: Iterable[Finding]) -> list[str]:
    """Where the limits stand that these go beyond, for whoever would change one."""
    places = list(dict.fromkeys(finding.rule for finding in findings if finding.rule))
    return [f"Decided by {'; '.join(places)}."] if places else []


def ruled(sentence: str, rule: str | None) -> str:
    """The sentence with the place of the rule that decided."""
    return f"{sentence} ({rule})" if rule else sentence


def closing_text(number: str, status: str, *, by_receipt: bool = False, marker: str) -> str:
    """What became of the exception; `status` is Coupa's, `by_receipt`: it matches by now."""
    end = "it matches by now" if by_receipt else f"Coupa shows it as {status.replace('_', ' ')}"
    return f"Settled: invoice {number} needs no decision any more, {end}. [{marker}]"


def supplier_message(invoice: Invoice, findings: Iterable[Finding]) -> str:
    """A complaint in words for the supplier: what was billed and what was agreed, without our limits."""
    sentences = " ".join(dict.fromkeys(_complaint(invoice, finding) for finding in findings))
    return (
        f"About your invoice {invoice.number} of {invoice.date.isoformat()} over {invoice.total}{_on_orders(invoice)}: {sentences} "
        "Please send a credit for the difference, or tell us why it is right."
    )


def _complaint(invoice: Invoice, finding: Finding) -> str:
    where = f"Line {finding.line}" if finding.line is not None else "The invoice"
    if finding.expected is None or finding.actual is None:
        return f"{where} cannot be matched with our purchase order."
    if finding.kind in ("received", "ordered"):
        return f"{where} bills {finding.actual:f} where {finding.expected:f} could be billed."
    billed, agreed = Money(finding.actual, invoice.currency), Money(finding.expected, invoice.currency)
    word = {"price": "a unit price of", "tax": "tax of"}.get(finding.kind, finding.kind)
    return f"{where} has {word} {billed} where {agreed} was agreed."


def _on_orders(invoice: Invoice) -> str:
    orders = ", ".join(sorted({line.po_number for line in invoice.lines if line.po_number}))
    return f" (PO {orders})" if orders else ""


def _titled(invoice: Invoice) -> str:
    return f"{'Credit note' if invoice.is_credit_note else 'Invoice'} {invoice.number}"


def owner_id(owner: str, orders: Sequence[PurchaseOrder], user_ids: Mapping[str, int]) -> int | None:
    """Coupa's id of an owner of a route; None for whom Coupa does not know."""
    if owner == REQUESTER:
        return next((order.requester_id for order in orders if order.requester_id), None)
    return user_ids.get(owner)


def _mention(owner: str, orders: Sequence[PurchaseOrder], user_ids: Mapping[str, int]) -> str:
    """Coupa's mention of a user id; a login Coupa does not know is named in words, so that the comment still says whose it is."""
    found = owner_id(owner, orders, user_ids)
    if found is not None:
        return f"@[User:{found}]"
    return "Requester:" if owner == REQUESTER else f"{owner}:"
