"""The ledger's documents against Coupa, and Coupa's documents against the ledger. Reads 50 documents a call, page by page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from connectors.amazon_business.transactions import KIND
from procurement.ledger import Ledger
from procurement.ledger.reconciliation import Document
from procurement.ledger.types import Window
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, SUBMIT, business_key
from procurement.pipelines.amazon_invoices_to_coupa.drafts import PIPELINE as INVOICES
from procurement.pipelines.reconciliation.scope import Scope
from procurement.pipelines.sources import amazon_source
from procurement.policies import Rules
from procurement.reconciling import (
    Difference,
    InCoupa,
    Kind,
    Sent,
    Unsent,
    bare,
    compare_sent,
    compare_stranger,
    compare_unread,
    compare_unsent,
    is_number,
    read_in_coupa,
)

Pages = Iterable[Sequence[dict[str, Any]]]
ByNumber = Mapping[str, Sequence[InCoupa]]
ACTIONS = (CREATE, SUBMIT)


class CoupaReads(Protocol):
    """The part of the Coupa client that is read."""

    instance: str

    def invoices(self, supplier: str, numbers: Iterable[str]) -> Pages: ...
    def invoices_by_id(self, ids: Iterable[int]) -> Pages: ...
    def invoices_dated(self, suppliers: Sequence[str], since: Any, until: Any) -> Pages: ...


class CoupaSide:
    """One pass over the range. `documents` and `money` are complete when the differences are exhausted."""

    def __init__(
        self, coupa: CoupaReads, ledger: Ledger, scope: Scope, *, rules: Rules, sources: Sequence[str]
    ) -> None:
        self._coupa, self._ledger, self._scope = coupa, ledger, scope
        self._rules, self._file, self._sources = rules, rules.reconciliation, list(sources)
        self._suppliers = {scope.account_supplier} if scope.account_supplier else set[str]()
        self.documents = 0

    def differences(self, unread: Sequence[Difference]) -> Iterator[tuple[Difference, str | None]]:
        """Each difference, with the transaction of the `unread` one that it tells better."""
        if self._scope.window is None:
            return
        yield from self._unread(unread)
        for difference in self._sent():
            yield difference, None
        if self._scope.takes(None):
            for difference in self._unsent():
                yield difference, None
        numbers = frozenset(one.invoice_number for one in unread if one.invoice_number)
        for difference in self._strangers(numbers):
            yield difference, None

    def _unread(self, unread: Sequence[Difference]) -> Iterator[tuple[Difference, str | None]]:
        """What the ledger never read may have been entered by hand."""
        supplier = self._scope.account_supplier
        numbered = [one for one in unread if one.invoice_number and supplier]
        found = self._by_number(supplier or "", [str(one.invoice_number) for one in numbered])
        for one in numbered:
            told = compare_unread(one, found.get(str(one.invoice_number), ()), self._file)
            if told is not one:
                yield told, one.transaction

    def _sent(self) -> Iterator[Difference]:
        scope = self._scope
        assert scope.window is not None
        pages = self._ledger.reconciliation.documents(INVOICES, ACTIONS, scope.source, scope.window, scope.po_numbers)
        for page in pages:
            by_supplier: dict[str, list[Sent]] = {}
            for sent in map(sent_of, page):
                if scope.takes(sent.supplier):
                    by_supplier.setdefault(sent.supplier, []).append(sent)
            for supplier, documents in by_supplier.items():
                self._suppliers.add(supplier)
                yield from self._compare(supplier, documents)

    def _compare(self, supplier: str, documents: Sequence[Sent]) -> Iterator[Difference]:
        """By number, and by id where the number does not lead to ours: somebody may have changed it."""
        found = self._by_number(supplier, [sent.number for sent in documents])
        lost = [sent.target_id for sent in documents if sent.state == "delivered" and not has(found, sent)]
        by_id = self._by_id([int(id) for id in lost if id and id.isdigit()])
        self.documents += sum(sent.state == "delivered" for sent in documents)
        for sent in documents:
            moved = by_id.get(sent.target_id or "")
            shown = [*found.get(sent.number, ()), *([moved] if moved else [])]
            if (difference := compare_sent(sent, shown, self._file)) is not None:
                yield difference

    def _unsent(self) -> Iterator[Difference]:
        """Numbers that we did not send, against what is in Coupa under the account's supplier."""
        scope = self._scope
        if scope.window is None or scope.account_supplier is None:
            return
        for page in self._ledger.reconciliation.unbilled(scope.source, KIND, scope.window, scope.po_numbers):
            rows = [
                Unsent(
                    number=row.group_key, state=row.state, reason=row.reason, amazon=row.amount, currency=row.currency
                )
                for row in page
                if is_number(row.group_key)
            ]
            found = self._by_number(scope.account_supplier, [row.number for row in rows])
            for row in rows:
                if (difference := compare_unsent(row, found.get(row.number, ()), self._file)) is not None:
                    yield difference

    def _strangers(self, unread: frozenset[str]) -> Iterator[Difference]:
        """What Coupa has of these suppliers, dated on a day of the range, under numbers that nobody knows."""
        scope, window = self._scope, self._scope.window
        assert window is not None
        since = max(filter(None, (window.start.date(), scope.began)))
        until = first_day_not_compared(window, now=scope.now, feed_delay_days=self._file.feed_delay_days)
        suppliers = sorted(name for name in self._suppliers if scope.takes(name))
        if since >= until or not suppliers:
            return
        for page in self._coupa.invoices_dated(suppliers, since, until):
            documents = [one for one in map(read_in_coupa, page) if scope.wants(one.po_numbers)]
            keys = {self._key(one): one.number for one in documents}
            known = self._ledger.reconciliation.known(
                INVOICES, CREATE, sources=self._sources, targets=[one.id for one in documents], keys=keys
            )
            for one in documents:
                if one.id in known or self._key(one) in known or one.number in unread:
                    continue
                if (difference := compare_stranger(one, self._likely(one), self._file)) is not None:
                    yield difference

    def _likely(self, found: InCoupa) -> list[Sent]:
        prefix = business_key(self._coupa.instance, found.supplier, "")
        rows = self._ledger.reconciliation.likely(
            INVOICES, ACTIONS, prefix=prefix, amount=found.total, bare=bare(found.number)
        )
        return [sent_of(row) for row in rows]

    def _key(self, found: InCoupa) -> str:
        return business_key(self._coupa.instance, found.supplier, found.number)

    def _by_number(self, supplier: str, numbers: Sequence[str]) -> dict[str, list[InCoupa]]:
        found: dict[str, list[InCoupa]] = {}
        for page in self._coupa.invoices(supplier, numbers) if numbers else ():
            for one in map(read_in_coupa, page):
                found.setdefault(one.number, []).append(one)
        return found

    def _by_id(self, ids: Sequence[int]) -> dict[str, InCoupa]:
        pages = self._coupa.invoices_by_id(ids) if ids else ()
        return {one.id: one for page in pages for one in map(read_in_coupa, page)}


def first_day_not_compared(window: Window, *, now: datetime, feed_delay_days: int) -> date:
    """The day after the range's last one; what is so young that Amazon's feed may not have it yet waits, however short the range."""
    after_it = (window.end - timedelta(microseconds=1)).date() + timedelta(days=1)
    return min(after_it, now.date() - timedelta(days=feed_delay_days))


def has(found: ByNumber, sent: Sent) -> bool:
    return any(one.id == sent.target_id for one in found.get(sent.number, ()))


def sent_of(row: Document) -> Sent:
    """The ledger's document; its business key is instance, supplier and number."""
    _, supplier, number = row.business_key.split("/", 2)
    return Sent(
        supplier=supplier, number=number, state=row.state, reason=row.reason, amazon=row.allocated or Decimal(0),
        currency=row.currency or "", payload=row.payload, read_back=row.total, target_id=row.target_id,
        submit_state=row.follower_state,
    )  # fmt: skip


def is_unread(difference: Difference) -> bool:
    """A transaction that the ledger does not have at all."""
    return difference.kind is Kind.MISSING_IN_COUPA and difference.ledger_state is None


def sources_of(rules: Rules, own: str) -> list[str]:
    """Every Amazon account of accounts.yml, as the ledger names sources: an invoice may be another account's."""
    return sorted({own, *map(amazon_source, rules.accounts.accounts)})
