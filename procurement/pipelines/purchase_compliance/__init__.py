"""Amazon's orders, and Coupa's requisitions that wait for approval, held against the company's rules.

    open_run → extract → screen → transform → load → report → close

Read `steps.py` first (what a run does), then `planning.py` (one fate for every order), `deciding.py` (what follows a
violation, and its end), `wording.py` (what people read). The rules themselves are pure (`procurement/compliance/`) and asked
again by the gate of `coupa_requisitions_to_amazon_orders` before an order is sent. Rules: `mappings/compliance.yml`.
"""

from procurement.pipelines.purchase_compliance.names import PIPELINE
from procurement.pipelines.purchase_compliance.steps import (
    close,
    extract,
    load,
    open_run,
    report,
    screen,
    transform,
)

__all__ = ["PIPELINE", "close", "extract", "load", "open_run", "report", "screen", "transform"]
