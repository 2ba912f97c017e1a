"""Amazon's feed against the ledger: read again page by page, compared, and let go.

Only the keys of what was seen stay in memory, so that what the ledger has and Amazon does not show any more is found.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.transactions import KIND
from procurement.ledger import Ledger
from procurement.ledger.completeness import Disposed
from procurement.ledger.types import Window
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE
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
        wanted = {key: wanted[key] for key in self._of_supplier(list(wanted))}
        completeness, rows = self._ledger.reconciliation.disposed(self._scope.source, KIND, wanted)
        self.sums.add(completeness.documents, completeness.money)
        known = {row.key: standing_of(row) for row in rows}
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
            gone = self._of_supplier([key for key in keys if key not in self._seen])
            if gone:
                _, rows = self._ledger.reconciliation.disposed(scope.source, KIND, gone)
                yield from (vanished(standing_of(row)) for row in rows)

    def _of_supplier(self, keys: list[str]) -> list[str]:
        """Those whose document is of the supplier that was asked for; asks the ledger only where one was."""
        if self._scope.supplier is None or not keys:
            return keys
        billed = self._ledger.reconciliation.billed_as(
            INVOICES, CREATE, source=self._scope.source, kind=KIND, keys=keys
        )
        suppliers = {key: name.split("/", 2)[1] for key, name in billed.items()}
        return [key for key in keys if self._scope.takes(suppliers.get(key))]

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


def standing_of(row: Disposed) -> Standing:
    return Standing(
        key=row.key, state=row.state, reason=row.reason, amount=row.amount, currency=row.currency, allocated=row.allocated,
        number=row.group_key,
    )  # fmt: skip
