"""What Amazon charged outside Coupa's purchase orders and invoices becomes adjustments of Coupa's budget lines.

    open_run → extract → transform → load → watch_budgets → close

`extract` stages charges and refunds of the run's feed window. `transform` categorises every line, leaves to Coupa what
Coupa counts itself, and plans one adjustment a budget line and period for what is new. `load` posts them; adjustments
are only ever added. `watch_budgets` compares budgets with what was spent, committed and forecast, and tells people once
a crossing, with a burn-down chart. `close` accounts for every transaction and every cent.
"""

from procurement.pipelines.amazon_spend_to_coupa_budgets.names import PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.steps import close, extract, load, open_run, transform
from procurement.pipelines.amazon_spend_to_coupa_budgets.watching import watch_budgets

__all__ = ["PIPELINE", "close", "extract", "load", "open_run", "transform", "watch_budgets"]
