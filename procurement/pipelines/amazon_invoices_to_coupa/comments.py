"""The one comment an exception needs: whom it concerns, and the reason in plain sentences.

Comments cannot be edited in Coupa and have no key, so each carries a marker by which it is asked for before it is
ever posted again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from procurement.documents import Invoice, PurchaseOrder
from procurement.matching import MatchResult
from procurement.policies import Policies

Json = dict[str, Any]
MOST_SENTENCES = 5


class Directory(Protocol):
    """The part of the Coupa client that knows users."""

    def users(self, logins: Iterable[str]) -> Iterable[Sequence[Json]]: ...


def read_reviewers(coupa: Directory, policies: Policies) -> dict[str, int]:
    """Coupa user ids of the reviewers that policies.yml names by login: one call, none when all are requesters."""
    logins = sorted(policies.reviewer_logins)
    return {str(raw["login"]): int(raw["id"]) for page in coupa.users(logins) for raw in page} if logins else {}


def exception_comment(
    invoice: Invoice,
    match: MatchResult,
    *,
    orders: Sequence[PurchaseOrder],
    policies: Policies,
    user_ids: Mapping[str, int],
    marker: str,
) -> Json:
    """{"document", "text", "marker"}: mentions the reviewer of the gravest finding, then says what differs."""
    breached = [finding for finding in match.findings if finding.breached]
    reviewer = policies.reviewer_of(breached[0].kind)
    mention = _mention(reviewer, orders, user_ids)
    sentences = [finding.sentence for finding in breached[:MOST_SENTENCES]]
    if len(breached) > MOST_SENTENCES:
        sentences.append(f"{len(breached) - MOST_SENTENCES} more differences are listed in the ledger.")
    document = "Credit note" if invoice.is_credit_note else "Invoice"
    return {
        "document": "invoices",
        "text": f"{mention} {document} {invoice.number} ({invoice.total}) needs a decision. {' '.join(sentences)} [{marker}]",
        "marker": marker,
    }


def _mention(reviewer: str, orders: Sequence[PurchaseOrder], user_ids: Mapping[str, int]) -> str:
    """Coupa's mention of a user id; a login Coupa does not know is named in words, so that the comment still says whose it is."""
    if reviewer == "requester":
        requester = next((order.requester_id for order in orders if order.requester_id), None)
        return f"@[User:{requester}]" if requester else "Requester:"
    return f"@[User:{user_ids[reviewer]}]" if reviewer in user_ids else f"{reviewer}:"
