"""What people read about a change: a comment on the purchase order, or a mail about compliance.

A comment carries its change's id in brackets: Coupa's comments have no key, and by it a comment is asked for before it is
ever posted again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from procurement.documents import PurchaseOrder
from procurement.order_changes import OrderChange
from procurement.order_facts import OrderFacts

Json = dict[str, Any]

# What the pipeline does beside the comment, so that nobody does it twice.
FOLLOWS: Mapping[str, str] = {
    "soft_close_line": "The line is closed for receiving once what still comes has been received.",
    "change_quantity": "A change of the line's quantity is requested.",
    "cancel_order": "The purchase order is cancelled.",
    "close_order": "The purchase order is closed once all has been received.",
    "flag_compliance": "Compliance was told.",
}


def marker(change: OrderChange) -> str:
    return f"[{change.id}]"


def comment(
    change: OrderChange, facts: OrderFacts, order: PurchaseOrder, *, actions: Sequence[str], buyers: Mapping[str, int]
) -> Json:
    """Payload of the comment: whom it concerns, what happened with the money at stake, what follows from it."""
    people = []
    if "notify_requester" in actions:
        people.append(f"@[User:{order.requester_id}]" if order.requester_id else "Requester:")
    if "notify_buyer" in actions:
        people += buyer_mentions(facts, order, buyers)
    follows = [FOLLOWS[action] for action in actions if action in FOLLOWS]
    text = " ".join(
        [*dict.fromkeys(people), f"Amazon order {facts.order_id}: {change.sentence}", *follows, marker(change)]
    )
    return {"document": "purchase_orders", "id": order.id, "text": text, "marker": marker(change)}


def buyer_mentions(facts: OrderFacts, order: PurchaseOrder, buyers: Mapping[str, int]) -> list[str]:
    """Who ordered at Amazon; where Coupa does not know them, who asked for the goods, and the buyer by name."""
    email = (facts.buyer_email or "").lower()
    if email in buyers:
        return [f"@[User:{buyers[email]}]"]
    requester = [f"@[User:{order.requester_id}]"] if order.requester_id else []
    return [*requester, f"Buyer {facts.buyer_email}:" if email else "Buyer:"]


def compliance_mail(change: OrderChange, facts: OrderFacts, order: PurchaseOrder, recipients: Sequence[str]) -> Json:
    stake = f", {change.at_stake} at stake" if change.at_stake is not None else ""
    return {
        "to": list(recipients),
        "subject": f"PO {order.number}: {change.kind.replace('_', ' ')} at Amazon{stake}",
        "text": f"Amazon order {facts.order_id} of {facts.ordered_at:%Y-%m-%d}, purchase order {order.number}.\n\n"
        f"{change.sentence}\n\n{marker(change)}",
    }
