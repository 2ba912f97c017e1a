"""Amazon Business charges and refunds become Coupa invoices and credit notes, three-way matched.

    open_run → extract → transform → rematch → follow_up → load → watch_due_dates → close

`extract` stages the transactions of the run's feed window. `transform` groups those that still need a plan by invoice
number, asks both systems for what surrounds them, maps and matches, and keeps the plan. `rematch` looks again at the
invoices that waited for a receipt. `follow_up` closes the exceptions that are settled, and escalates what waits too
long. `load` sends what is planned: create, submit, and what routing.yml wants done about exceptions. `watch_due_dates`
looks for unapproved invoices that Amazon wants paid soon, and compares Coupa's verdicts with ours. `close` accounts
for every document and every cent, and tells people what needs them. Each returns ids and counts only; running any of
them again changes nothing.
"""

from procurement.pipelines.amazon_invoices_to_coupa.drafts import PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.due_dates import watch_due_dates
from procurement.pipelines.amazon_invoices_to_coupa.following_up import follow_up
from procurement.pipelines.amazon_invoices_to_coupa.owed import watch_owed
from procurement.pipelines.amazon_invoices_to_coupa.rematching import rematch
from procurement.pipelines.amazon_invoices_to_coupa.steps import close, extract, load, open_run, transform

__all__ = [
    "PIPELINE",
    "close",
    "extract",
    "follow_up",
    "load",
    "open_run",
    "rematch",
    "transform",
    "watch_due_dates",
    "watch_owed",
]
