"""What stands on a budget line while Coupa counts it by now, on a purchase order or with an invoice, and so counts twice.

Taken back only where nothing is open to doubt: a purchase order of Amazon's supplier that commits the line's money, or
one submitted invoice of Amazon's number that comes to what Amazon charged under it; and a budget line that can still be
adjusted. Anything else is a person's to decide.
"""

from decimal import Decimal

from procurement.ledger.types import PlannedFinding
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.counting import Counted
from procurement.pipelines.amazon_spend_to_coupa_budgets.postings import Postings
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Line, Purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine, Surroundings

TO_DO = "Adjust the budget line by {amount} by hand and discard this letter, or {undo} in Coupa."


def counted_later(
    purchase: Purchase, line: Line, posted: Postings, counted: Counted, around: Surroundings, *, then: str
) -> BudgetLine | PlannedFinding:
    """The budget line to take the line back from, or the finding for a person."""
    target = around.budget_line_of(posted.sent[-1].target)
    doubt = _doubt(purchase, line, counted, around, then=then)
    if doubt is None and isinstance(target, BudgetLine):
        return target
    return _finding(purchase, line, posted, counted, doubt or str(target), around)


def _doubt(purchase: Purchase, line: Line, counted: Counted, around: Surroundings, *, then: str) -> str | None:
    """Why nobody but a person may decide."""
    if then != "take_back":
        return "spend.yml leaves it to a person"
    if not counted.invoices:
        return None
    if not counted.by_number:
        return f"the invoice carries Amazon's order id {line.order_id}, not its invoice number"
    if len(counted.invoices) > 1:
        return f"Coupa has {len(counted.invoices)} invoices of this number"
    charged = around.charged.get(purchase.invoice_number or "")
    if charged is None:
        return "Amazon charged several currencies under this number"
    own = charged.refunds if purchase.is_refund else charged.charges
    return None if counted.invoices[0].total in (own, charged.net) else f"Amazon charged {own} under this number"


def _finding(
    purchase: Purchase, line: Line, posted: Postings, counted: Counted, doubt: str, around: Surroundings
) -> PlannedFinding:
    amount = Money.of(posted.amount, line.amount.currency)
    target = around.budget_line_of(posted.sent[-1].target)
    name = target.name if isinstance(target, BudgetLine) else f"budget line {posted.sent[-1].target}"
    invoices = ", ".join(f"{one.number} ({one.total}, {one.status})" for one in counted.invoices)
    counts = f"has invoice {invoices}" if invoices else f"commits it on purchase order {line.po_number}"
    undo = "void the invoice" if invoices else "close the line of the purchase order"
    sentence = (
        f"Line {line.number} of {purchase.record.key} (order {line.order_id or 'unknown'}) stands on {name} with {amount}, "
        f"and Coupa {counts}: {doubt}. {TO_DO.format(amount=amount, undo=undo)}"
    )
    return PlannedFinding(
        kind="counted_twice", sentence=sentence, record_id=purchase.record.id, line=str(line.number), rule="spend.yml: counted_later",
        expected=str(Decimal(0)), actual=str(amount.amount), difference=str(amount.amount), money=amount,
    )  # fmt: skip
