"""Orders that keep every rule are looked at again, too, while they are young: Amazon cancels orders and people cancel purchase
orders without a word, and what is cancelled must neither leak nor accuse its neighbors.

Once every `recheck_hours`: Amazon's headers of the last `reread_days` (`staging`, which reads whole what changed), and Coupa's
purchase orders that were cancelled since the last look. Their Amazon orders are read again by the next run before they are
judged: a purchase order is often cancelled because Amazon cancelled the order.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from procurement.ledger import Ledger
from procurement.ledger.types import Run
from procurement.order_changes import PO_CANCELLED
from procurement.pipelines.compliance_surroundings import countries
from procurement.pipelines.purchase_compliance.names import LOOK, PURCHASE, RECHECK
from procurement.pipelines.sources import coupa_source
from procurement.policies import Rules

EVER = timedelta(days=3660)  # beyond any next look


class PurchaseOrders(Protocol):
    """The part of the Coupa client that is read here."""

    instance: str

    def purchase_orders_updated(
        self, suppliers: Sequence[str], since: datetime, until: datetime, *, statuses: Iterable[str] = ()
    ) -> Iterable[Sequence[dict[str, Any]]]: ...


def last_look(ledger: Ledger, name: str, *, run: Run) -> datetime | None:
    """When what has this name was looked through last, if it is time again."""
    known = {one.key: one for one in ledger.open_documents.due(LOOK, run.now + EVER)}
    row = known.get(name)
    return datetime.fromisoformat(row.state) if row is not None and row.next_read <= run.now else None


def looked(ledger: Ledger, name: str, *, run: Run, rules: Rules, through: bool) -> None:
    """`through` it just now. What never was is new in the books: its first look is still to come."""
    is_new = all(one.key != name for one in ledger.open_documents.due(LOOK, run.now + EVER))
    if through or is_new:
        later = run.now + timedelta(hours=rules.compliance.reading.recheck_hours)
        ledger.open_documents.watch(LOOK, {name: (run.now.isoformat(), later)})


def recheck_cancelled(coupa: PurchaseOrders, ledger: Ledger, source: str, *, run: Run, rules: Rules) -> None:
    """The next run looks again at the Amazon orders of purchase orders that were cancelled in Coupa since the last look."""
    name = f"{coupa_source(coupa.instance)} for {source}"  # each account looks for its own orders
    since = last_look(ledger, name, run=run) if rules.compliance.reading.reread_days else None
    if since is not None:
        start = since - timedelta(hours=rules.compliance.reading.overlap_hours)
        pages = coupa.purchase_orders_updated(sorted(countries(rules)), start, run.now, statuses=sorted(PO_CANCELLED))
        numbers = {str(raw["po-number"]) for page in pages for raw in page}
        keys = [row.key for row in ledger.records.of_groups(source, PURCHASE, numbers)]
        ledger.open_documents.watch(RECHECK, dict.fromkeys(keys, ("PO cancelled", run.now)))
    looked(ledger, name, run=run, rules=rules, through=since is not None)
