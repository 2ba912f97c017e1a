"""Open orders: read again and again until they are finished, once for both pipelines that follow them.

Amazon tells no changes, so the orders that are due are read whole: their headers by date, the rest by order id. What was
read is joined into what the ledger knows and staged as `order` and `shipment_line`; whichever pipeline runs first reads,
the other then finds nothing due and plans what was staged.
"""

import logging
from datetime import timedelta
from typing import Any

STATUS = "amazon_order_status_to_coupa"
RECEIPTS = "amazon_deliveries_to_coupa_receipts"
OPEN = "amazon_order"  # kind of open document; its key is Amazon's order id
ORDER = "order"
SHIPMENT_LINE = "shipment_line"
LONGEST_REPORT = timedelta(days=366)
PUNCTUAL = timedelta(minutes=1)  # a run that starts seconds early still finds its orders due
BATCH = 900  # orders joined at a time: bounds memory, and fills Amazon's 30 a call

Json = dict[str, Any]
logger = logging.getLogger(__name__)
