"""Amazon Business charges and refunds become Coupa invoices and credit notes, three-way matched.

    open_run → extract → transform → rematch → load → watch_due_dates → close

`extract` stages the transactions of the run's feed window. `transform` groups those that still need a plan by invoice
number, asks both systems for what surrounds them, maps and matches, and keeps the plan. `rematch` looks again at the
invoices that waited for a receipt. `load` sends what is planned:
create, submit, and a comment where the match failed. `watch_due_dates` looks for unapproved invoices that Amazon wants
paid soon. `close` accounts for every document and every cent, and tells
people what needs them. Each returns ids and counts only; running any of them again changes nothing.
"""

from procurement.pipelines.amazon_invoices_to_coupa.drafts import PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.due_dates import watch_due_dates
from procurement.pipelines.amazon_invoices_to_coupa.rematching import rematch
from procurement.pipelines.amazon_invoices_to_coupa.steps import close, extract, load, open_run, transform

__all__ = ["PIPELINE", "close", "extract", "load", "open_run", "rematch", "transform", "watch_due_dates"]
