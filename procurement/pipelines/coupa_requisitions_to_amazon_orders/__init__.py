"""An approved requisition's purchase order becomes an Amazon order, once; what Amazon answers goes back to Coupa.

    open_run → extract → transform → load → close

`extract` stages the purchase orders of the configured suppliers that changed in the run's window. `transform` reads what
surrounds those that still need a plan and keeps the plan, or the reason why there is none. `load` sends: before each order
is claimed the gate looks at Coupa once more. Then it plans and sends what follows an answer: the order numbers back to
the PO, a word to the requester, the policy's action on what Amazon refused. A write-back that fails never sends the order
again. Each step returns ids and counts only; running any of them again changes nothing.
"""

from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import PIPELINE
from procurement.pipelines.coupa_requisitions_to_amazon_orders.steps import close, extract, load, open_run, transform

__all__ = ["PIPELINE", "close", "extract", "load", "open_run", "transform"]
