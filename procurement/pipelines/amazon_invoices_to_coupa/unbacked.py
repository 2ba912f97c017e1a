"""Documents of purchases without a PO: what must hold before one goes to Coupa coded, and how its refunds are coded.

Only where policies.yml says `no_po: coded_invoice`. The mapping sees to it that each line has an account; a refund takes the
coding of the invoice it takes back, and only of one that this pipeline made without a PO.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from procurement.ledger.types import Known, Plan
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Verdict
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, Draft, delivery_id
from procurement.pipelines.amazon_invoices_to_coupa.lines import Line, without_order
from procurement.pipelines.amazon_invoices_to_coupa.payloads import DELIVERY_FIELD

Json = Mapping[str, Any]
ORDER_LINE = (
    "ab-order-line-id"  # custom field of a sent line, where the mapping fills it: the surest sign of its refund
)
STANDS = frozenset({"planned", "waiting", "sending", "delivered"})
Payloads = Callable[[Iterable[int]], Mapping[int, Json]]  # what was, or will be, sent, by delivery id
Budgeted = Callable[[Iterable[str]], frozenset[str]]  # those of these transaction ids that were posted to a budget line


def nothing_sent(ids: Iterable[int]) -> Mapping[int, Json]:
    """Where there is no ledger to ask."""
    return {}


def nothing_budgeted(transactions: Iterable[str]) -> frozenset[str]:
    """Where there is no ledger to ask."""
    return frozenset()


def transactions_of(drafts: Iterable[Draft]) -> list[str]:
    """Ids of the transactions that would be billed without a PO."""
    return [candidate.record.key for draft in drafts if not draft.ordered for candidate in draft.group.candidates]


@dataclass(frozen=True, slots=True)
class Unbacked:
    """`budgeted`: transactions that stand on a budget line; `released`: numbers that a person lets pass all the same."""

    payloads: Payloads = nothing_sent
    budgeted: frozenset[str] = frozenset()
    released: frozenset[str] = frozenset()
    _read: dict[int, Json] = field(default_factory=dict)

    def counted(self, draft: Draft) -> Verdict | None:
        """Held where Coupa counts the money already: what is on a budget line is never an invoice, too."""
        posted = [one.record.key for one in draft.group.candidates if one.record.key in self.budgeted]
        number = draft.identity.number
        if draft.ordered or not posted or number in self.released:
            return None
        sentence = (
            f"The spend of {', '.join(posted)} was posted to a budget line. Release {number} by its number, and the next run of "
            "spend takes it off that line or asks about it (spend.yml, counted_later); or discard it."
        )
        return Verdict("held", "its spend is on a budget line already", (sentence,))

    def codings(
        self, plan: Plan, draft: Draft, *, key: str, known: Known | None, found: Json | None
    ) -> Sequence[Json] | Verdict:
        """How Coupa codes the original, line by line of the draft. `key`: the original's; `found`: it, as Coupa shows it.

        An original that we did not make, or made of a PO, leaves its refund what it is without this policy: a dead letter."""
        sent = self._sent(plan, key, known)
        theirs = found is not None and (found.get("custom-fields") or {}).get(DELIVERY_FIELD) != delivery_id(key)
        if sent is None or theirs or any("order-line-id" in line for line in sent["invoice-lines"]):
            return without_order(draft.lines)
        codings = [_coding(line, sent["invoice-lines"]) for line in draft.lines]
        lost = [line.label for line, one in zip(draft.lines, codings, strict=True) if one is None]
        if not lost:
            return [one for one in codings if one is not None]
        sentences = tuple(
            f"{label}: none of the lines of invoice {sent['invoice-number']} is this one." for label in lost
        )
        return Verdict("held", "it refunds lines that its invoice does not have", sentences)

    def _sent(self, plan: Plan, key: str, known: Known | None) -> Json | None:
        planned = (one.payload for one in plan.deliveries if (one.action, one.business_key) == (CREATE, key))
        if (payload := next(planned, None)) is not None or known is None or known.state not in STANDS:
            return payload
        if known.id not in self._read:
            self._read.update(self.payloads([known.id]))
        return self._read.get(known.id)


def _coding(line: Line, sent: Sequence[Json]) -> Json | None:
    """Account and commodity of the line it takes back: the same order line, else the one coding of the same article. Empty
    where that line is split over accounts: charges.yml splits the refund by the same rule."""
    order_line, asin = line.line.order_line_item_id, line.line.asin
    same = [one for one in sent if order_line and (one.get("custom-fields") or {}).get(ORDER_LINE) == order_line]
    alike = same or [one for one in sent if asin and one.get("source-part-num") == asin]
    codings = [_coded(one) for one in alike]
    return codings[0] if codings and codings.count(codings[0]) == len(codings) else None


def _coded(line: Json) -> Json:
    return {"account": (line.get("account") or {}).get("code"), "commodity": (line.get("commodity") or {}).get("name")}
