"""Who counts a line of spend: Coupa on its purchase order, Coupa with an invoice, a budget line, or nobody yet.

Pure, and the same question whatever became of the line before: while it is new, stands on a budget line, or was left to
Coupa. So every run can ask it again, and what Coupa counts no more, or counts by now, moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from procurement.pipelines.amazon_spend_to_coupa_budgets.postings import Postings
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Line, Purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import Entered, Surroundings
from procurement.spend.categorising import SpendRules
from procurement.spend.spend_rules import Count

BY_ORDER, BY_INVOICE = "counted by Coupa on its purchase order", "counted by Coupa with its invoice"
LEFT_TO_COUPA = (BY_ORDER, BY_INVOICE)
NO_INVOICE = "no invoice of it in Coupa yet, which will count it"
NO_RULE = "no rule of spend.yml says whether Coupa counts it"
OWN_INVOICE = "our own invoice of it is on its way to Coupa, or waits for a person: settled first"


@dataclass(frozen=True, slots=True)
class Counted:
    """`reason`: why a budget line does not count it. `invoices`: those that do, `by_number` under Amazon's number, else under
    an order id that somebody typed instead."""

    count: Count
    reason: str | None = None
    invoices: Sequence[Entered] = ()
    by_number: bool = True


def who_counts(
    purchase: Purchase, line: Line, around: Surroundings, rules: SpendRules, *, posted: bool = False
) -> Counted:
    """By the rules of `outside`. `posted`: it stands on a budget line, so an invoice under its order id is looked for, too.

    An invoice that the ledger has of the transaction is settled first, whatever the rules have become: never both."""
    invoices = around.invoices_of(purchase)
    by_number = bool(invoices)
    if posted and not invoices:
        invoices = around.counting(line.order_id, refund=purchase.is_refund)
    po = around.po(line)
    count = rules.count(po=po, paid_by=purchase.paid_by, invoiced=bool(invoices))
    if count == "coupa":
        return Counted(count, BY_ORDER) if po == "known" else Counted(count, BY_INVOICE, invoices, by_number)
    if count == "wait":
        return Counted(count, NO_INVOICE)
    if count == "hold":
        return Counted(count, f"{NO_RULE}: PO {po}, paid by {purchase.paid_by}")
    return _own_invoice(purchase, around) or Counted(count)


def _own_invoice(purchase: Purchase, around: Surroundings) -> Counted | None:
    own = around.own_invoices.get(purchase.record.key)
    if own is None:
        return None
    entered = around.entered.get(own.number, ())
    if own.state != "delivered" or (entered and not any(one.counts for one in entered)):
        return Counted("wait", OWN_INVOICE)
    return Counted("coupa", BY_INVOICE, entered) if entered else None


def counted_otherwise(purchase: Purchase, lines: dict[int, Postings], around: Surroundings, rules: SpendRules) -> bool:
    """Whether Coupa counts by now what stands on a budget line, or no more, or otherwise, what was left to it."""
    return any(
        _otherwise(who_counts(purchase, line, around, rules, posted=lines[line.number].on_budget), lines[line.number])
        for line in purchase.lines
        if line.number in lines
    )


def _otherwise(now: Counted, before: Postings) -> bool:
    if before.on_budget:
        return before.delivered and now.count == "coupa"
    if before.cancels_out:
        return now.count != "budget"
    left = [part.reason for part in before.rest if part.reason in LEFT_TO_COUPA]
    return bool(left) and left != [now.reason]
