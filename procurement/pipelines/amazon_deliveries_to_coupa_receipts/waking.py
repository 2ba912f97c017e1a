"""Whether a run received anything that an invoice may wait for."""

from procurement.ledger import Ledger
from procurement.ledger.types import Run
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.names import CREATE


def new_receipts(ledger: Ledger, *, run: Run) -> int:
    """How many goods receipts Coupa confirmed since the run was opened."""
    return 0 if run.dry_run else ledger.deliveries.delivered_in(run, [CREATE])
