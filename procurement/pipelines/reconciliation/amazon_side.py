"""Amazon's feed against the ledger: read again page by page, compared, and let go.

Only the keys of what was seen stay in memory, so that what the ledger has and Amazon does not show any more is found.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.transactions import KIND
from procurement.ledger import Ledger
from procurement.ledger.completeness import Disposed
from procurement.ledger.reconciliation import Billed
from procurement.ledger.types import Window
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, number_of
from procurement.pipelines.amazon_invoices_to_coupa.drafts import PIPELINE as INVOICES
from procurement.pipelines.amazon_invoices_to_coupa.staging import staged
from procurement.pipelines.feeds import read_feed
from procurement.pipelines.reconciliation.results import Sums
from procurement.pipelines.reconciliation.scope import Scope
from procurement.reconciling import Difference, Seen, Standing, compare_transaction, vanished

BEFORE_GO_LIVE = "skipped"


class AmazonSide:
    """One pass over the range. `sums` and `repeats` are complete when `differences` is exhausted."""

    def __init__(self, amazon: AmazonBusiness, ledger: Ledger, scope: Scope) -> None:
        self._amazon, self._ledger, self._scope = amazon, ledger, scope
        self._seen: set[str] = set()
        self.sums = Sums()
        self.repeats = 0

    def differences(self) -> Iterator[Difference]:
        for page in read_feed(self._amazon, self._scope.window):
            yield from self._page([read_seen(raw) for raw in page])
        if self._scope.window is not None:
            yield from self._vanished(self._scope.window)

    def _page(self, page: Sequence[Seen]) -> Iterator[Difference]:
        fresh = {seen.key: seen for seen in page if seen.key not in self._seen}
        self.repeats += len(page) - len(fresh)
        self._seen.update(fresh)
        wanted = {key: seen for key, seen in fresh.items() if self._scope.wants(seen.po_numbers)}
        billed = self._billed_as(list(wanted))
        wanted = {key: seen for key, seen in wanted.items() if self._scope.takes(supplier_of(billed.get(key)))}
        completeness, rows = self._ledger.reconciliation.disposed(self._scope.source, KIND, wanted)
        self.sums.add(completeness.documents, completeness.money)
        known = {row.key: standing_of(row, billed.get(row.key)) for row in rows}
        for key, seen in wanted.items():
            standing = known.get(key)
            if standing is None and self._before_go_live(seen):
                self.sums.count(BEFORE_GO_LIVE, seen.amount, seen.currency)
                continue
            if standing is None:
                self.sums.count(None, seen.amount, seen.currency)
            if (difference := compare_transaction(seen, standing)) is not None:
                yield difference

    def _vanished(self, window: Window) -> Iterator[Difference]:
        """What the ledger dated within the range, and the feed did not show."""
        scope = self._scope
        for keys in self._ledger.reconciliation.dated(scope.source, KIND, window, scope.po_numbers):
            unseen = [key for key in keys if key not in self._seen]
            billed = self._billed_as(unseen)
            gone = [key for key in unseen if scope.takes(supplier_of(billed.get(key)))]
            if gone:
                _, rows = self._ledger.reconciliation.disposed(scope.source, KIND, gone)
                yield from (vanished(standing_of(row, billed.get(row.key))) for row in rows)

    def _billed_as(self, keys: Sequence[str]) -> dict[str, Billed]:
        source, ledger = self._scope.source, self._ledger.reconciliation
        return ledger.billed_as(INVOICES, CREATE, source=source, kind=KIND, keys=keys) if keys else {}

    def _before_go_live(self, seen: Seen) -> bool:
        began = self._scope.began_at
        return began is not None and seen.dated_at is not None and seen.dated_at < began


def read_seen(raw: dict[str, Any]) -> Seen:
    """The transaction under the key and with the amount that the ledger keeps it by."""
    row, lines = staged(raw), raw.get("transactionLineItems")
    numbers = [line.get("purchaseOrderNumber") for line in lines or () if isinstance(line, dict)]
    return Seen(
        key=row.key, kind=row.subkind, amount=row.amount, currency=row.currency, number=row.group_key,
        dated_at=row.dated_at, po_numbers=tuple(dict.fromkeys(str(number).strip() for number in numbers if number)),
    )  # fmt: skip


def standing_of(row: Disposed, billed: Billed | None) -> Standing:
    return Standing(
        key=row.key, state=row.state, reason=row.reason, amount=row.amount, currency=row.currency, allocated=row.allocated,
        number=row.group_key, billed_as=(billed.reference or number_of(billed.business_key)) if billed else None,
    )  # fmt: skip


def supplier_of(billed: Billed | None) -> str | None:
    """A document's business key is instance, supplier and number."""
    return billed.business_key.split("/", 2)[1] if billed else None
