"""What stands on a budget line while Coupa has an invoice of it by now, and so would count twice.

Taken back only where nothing is open to doubt: one submitted invoice of Amazon's number, which comes to what Amazon
charged under that number, and a budget line that can still be adjusted. Anything else is a person's to decide.
"""

from collections.abc import Sequence
from decimal import Decimal

from procurement.ledger.types import PlannedFinding
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.postings import Postings
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Line, Purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import BudgetLine, Entered, Surroundings

TO_DO = "Adjust the budget line by {amount} by hand and discard this letter, or void the invoice in Coupa."


def invoiced_later(
    purchase: Purchase, line: Line, posted: Postings, around: Surroundings, *, then: str
) -> BudgetLine | PlannedFinding | None:
    """The budget line to take the line back from, or the finding for a person; None where no invoice counts it."""
    numbered = around.counting(purchase.invoice_number)
    entered = numbered or around.counting(line.order_id)
    if not entered:
        return None
    target = around.budget_line_of(posted.sent[-1].target)
    doubt = _doubt(purchase, line, entered, around, by_number=bool(numbered), then=then)
    if doubt is None and isinstance(target, BudgetLine):
        return target
    return _finding(purchase, line, posted, entered, doubt or str(target), around)


def _doubt(
    purchase: Purchase, line: Line, entered: Sequence[Entered], around: Surroundings, *, by_number: bool, then: str
) -> str | None:
    """Why nobody but a person may decide."""
    if then != "take_back":
        return "spend.yml leaves it to a person"
    if not by_number:
        return f"the invoice carries Amazon's order id {line.order_id}, not its invoice number"
    if len(entered) > 1:
        return f"Coupa has {len(entered)} invoices of this number"
    charged = around.charged.get(purchase.invoice_number or "")
    if charged != entered[0].total:
        return f"Amazon charged {charged or 'several currencies'} under this number"
    return None


def _finding(
    purchase: Purchase, line: Line, posted: Postings, entered: Sequence[Entered], doubt: str, around: Surroundings
) -> PlannedFinding:
    amount = Money.of(posted.amount, line.amount.currency)
    target = around.budget_line_of(posted.sent[-1].target)
    name = target.name if isinstance(target, BudgetLine) else f"budget line {posted.sent[-1].target}"
    invoices = ", ".join(f"{one.number} ({one.total}, {one.status})" for one in entered)
    sentence = (
        f"Line {line.number} of {purchase.record.key} (order {line.order_id or 'unknown'}) stands on {name} with {amount}, "
        f"and Coupa has invoice {invoices}: {doubt}. {TO_DO.format(amount=amount)}"
    )
    return PlannedFinding(
        kind="counted_twice", sentence=sentence, record_id=purchase.record.id, line=str(line.number), rule="spend.yml: invoiced_later",
        expected=str(Decimal(0)), actual=str(amount.amount), difference=str(amount.amount), money=amount,
    )  # fmt: skip
