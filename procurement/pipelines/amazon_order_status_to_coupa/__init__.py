"""What happens to open Amazon orders reaches their Coupa purchase orders.

Read `steps.py` first (what a run does), then `planning.py` (one fate for every order), `deciding.py` (which action a change
asks for) and `wording.py` (what people read). Rules: `mappings/order_status.yml`.
"""

from procurement.pipelines.amazon_order_status_to_coupa.planning import PIPELINE
from procurement.pipelines.amazon_order_status_to_coupa.steps import close, extract, load, open_run, transform

__all__ = ["PIPELINE", "close", "extract", "load", "open_run", "transform"]
