"""What Amazon delivered becomes goods receipts in Coupa, and what went back reverses them.

    open_run → extract → transform → load → close

`extract` reads the open orders that are due (whichever of the two pipelines that follow them comes first) and stages their
shipped lines. `transform` plans the purchase orders whose shipped lines changed or wait: what to receive, to void, to return,
whom to ask. `load` sends it, `close` accounts for every shipped line. Read `steps.py` first, then `planning.py`; the rules
are in `procurement/receiving.py` and `mappings/policies.yml` (`receipts`).
"""

from procurement.pipelines.amazon_deliveries_to_coupa_receipts.names import PIPELINE
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.steps import close, extract, load, open_run, transform
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.waking import new_receipts

__all__ = ["PIPELINE", "close", "extract", "load", "new_receipts", "open_run", "transform"]
