"""Differences that no match finds, put before the owner that routing.yml names: one comment on Coupa's invoice.

A component that came after its invoice was sent (`late_component`), and an invoice that stands in Coupa by another hand with
another total than Amazon's (`amount_differs`). No invoice of ours waits for the decision, so of a route only the comment is
written, and nothing closes it: a late component is held and escalated as such, another total is a difference of every
reconciliation until one side is put right.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from procurement.ledger.types import PlannedDelivery, PlannedFinding
from procurement.pipelines.amazon_invoices_to_coupa.comments import DOCUMENT, difference_text
from procurement.pipelines.amazon_invoices_to_coupa.drafts import COMMENT_ON_DIFFERENCE, SUBMIT, Draft, delivery_id
from procurement.routing import Case, RoutingRules


def difference_comment(
    finding: PlannedFinding,
    draft: Draft,
    *,
    key: str,
    record: str | None,
    invoice_id: int | None,
    routing: RoutingRules,
    user_ids: Mapping[str, int],
    now: datetime,
) -> PlannedDelivery:
    """One for each `record` (the transaction concerned), or for the whole invoice, whose business key is `key`. Without
    `invoice_id` the invoice is ours, and the comment follows its submission."""
    route = routing.route(_case(finding.kind, draft))
    name = "/".join(filter(None, (key, finding.kind, record)))
    marker = delivery_id(name)
    text = difference_text(
        draft.identity.number, finding.sentence, orders=list(draft.orders.values()), route=route, user_ids=user_ids,
        due=(now + timedelta(days=route.due_days)).date(), marker=marker,
    )  # fmt: skip
    payload: dict[str, Any] = {"document": DOCUMENT, "text": text, "marker": marker}
    if invoice_id is not None:
        payload["id"] = invoice_id
    after = (SUBMIT, key) if invoice_id is None else None
    return PlannedDelivery(
        action=COMMENT_ON_DIFFERENCE, business_key=name, payload=payload, after=after, required=False
    )


def _case(kind: str, draft: Draft) -> Case:
    billed = [line.po_line for line in draft.ordered]
    return Case(
        kind=kind, amount=abs(draft.total.amount), supplier=draft.supplier,
        cost_centers=frozenset(center for line in billed for center in line.cost_centers),
        commodities=frozenset(line.commodity for line in billed if line.commodity),
        requester=next((order.requester_email for order in draft.orders.values() if order.requester_email), None),
    )  # fmt: skip
