"""The Coupa reads: pages of raw records, `fields` cut to what we use, at most 50 values in an `[in]` filter.

Pages follow each other by id (`id[gt]`), so records that appear or vanish meanwhile are neither skipped nor repeated.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any

from connectors.concurrency import batched, in_order
from connectors.coupa import fields as wanted
from connectors.coupa.fields import Fields, written
from connectors.coupa.operations import COMMENTED, OPERATIONS
from connectors.errors import UnexpectedResponse
from connectors.http import Edge
from connectors.operations import Operation
from connectors.paging import PAGE, by_id
from connectors.tally import Json
from connectors.wire import Query

WORKERS = 4  # of the five calls that may be in flight
Pages = Iterator[list[Json]]


class CoupaReads:
    """`instance` names the Coupa tenant in our keys."""

    def __init__(self, edge: Edge, *, instance: str) -> None:
        self._edge = edge
        self.instance = instance

    def purchase_orders(self, numbers: Iterable[str]) -> Pages:
        """Purchase orders with their lines, by PO number; unknown numbers are absent."""
        return self._among("list_purchase_orders", "po_number", numbers, wanted.PURCHASE_ORDER, unique=True)

    def purchase_orders_updated(
        self, suppliers: Sequence[str], since: datetime, until: datetime, *, statuses: Iterable[str] = ()
    ) -> Pages:
        """Purchase orders of the suppliers (by number) that changed in [since, until) and are in one of `statuses` now; none:
        whatever their status."""
        if since.tzinfo is None or until.tzinfo is None:
            raise ValueError("a window needs aware moments")
        query = {"updated_at[gt_or_eq]": _moment(since), "updated_at[lt]": _moment(until)}
        if among := ",".join(statuses):
            query["status[in]"] = among
        return self._among("list_purchase_orders", "supplier[number]", suppliers, wanted.PURCHASE_ORDER, query=query)

    def purchase_orders_by_id(self, ids: Iterable[int]) -> Pages:
        return self._among("list_purchase_orders", "id", ids, wanted.PURCHASE_ORDER, unique=True)

    def get_purchase_order(self, id: int) -> Json:
        """One purchase order as Coupa shows it now; NotFound if there is none."""
        return self._get("get_purchase_order", id, wanted.PURCHASE_ORDER)

    def purchase_order_changes(self, order_ids: Iterable[int]) -> Pages:
        """Every change request of the purchase orders, whoever made it and whatever became of it."""
        return self._among("list_purchase_order_changes", "order_header_id", order_ids, wanted.PURCHASE_ORDER_CHANGE)

    def requisitions(self, ids: Iterable[int]) -> Pages:
        """Requisitions with their lines and approvals, by id."""
        return self._among("list_requisitions", "id", ids, wanted.REQUISITION, unique=True)

    def get_requisition(self, id: int) -> Json:
        """One requisition as Coupa shows it now; NotFound if there is none."""
        return self._get("get_requisition", id, wanted.REQUISITION)

    def purchase_order_lines(self, ids: Iterable[int]) -> Pages:
        """PO lines as they stand now, by Coupa's line id."""
        return self._among("list_purchase_order_lines", "id", ids, wanted.PURCHASE_ORDER_LINE, unique=True)

    def receipts(self, order_line_ids: Iterable[int]) -> Pages:
        """Every receiving transaction of the PO lines, returns and voids included, whoever made it."""
        return self._among("list_receipts", "order_line[id]", order_line_ids, wanted.RECEIPT)

    def invoices(self, supplier: str, numbers: Iterable[str]) -> Pages:
        """Invoices of a supplier (by number) that carry one of the invoice numbers."""
        query = {"supplier[number]": supplier}
        return self._among("list_invoices", "invoice_number", numbers, wanted.INVOICE, query=query)

    def invoices_on_po_lines(self, order_line_ids: Iterable[int], since: date) -> Pages:
        """Every invoice and credit note from that date on with a line on one of the PO lines, whoever made it and whatever its
        status. One with lines on several may come once for each batch of 50."""
        query = {"invoice_date[gt_or_eq]": since.isoformat()}
        return self._among("list_invoices", "invoice_lines[order_line_id]", order_line_ids, wanted.INVOICE, query=query)

    def invoices_by_id(self, ids: Iterable[int]) -> Pages:
        """Invoices as Coupa shows them now, by its ids; deleted ones are absent."""
        return self._among("list_invoices", "id", ids, wanted.INVOICE, unique=True)

    def invoices_dated(self, suppliers: Sequence[str], since: date, until: date) -> Pages:
        """Every invoice and credit note of the suppliers (by number) with an invoice date in [since, until), whatever its status."""
        query = {"invoice_date[gt_or_eq]": since.isoformat(), "invoice_date[lt]": until.isoformat()}
        return self._among("list_invoices", "supplier[number]", suppliers, wanted.INVOICE, query=query)

    def get_invoice(self, id: int) -> Json:
        """One invoice as Coupa shows it now; NotFound if there is none."""
        return self._get("get_invoice", id, wanted.INVOICE)

    def suppliers(self, numbers: Iterable[str] = (), *, names: Iterable[str] = ()) -> Pages:
        """Suppliers by number, by name, or both lists one after the other."""
        by_number = self._among("list_suppliers", "number", numbers, wanted.SUPPLIER_RECORD, unique=True)
        return chain(by_number, self._among("list_suppliers", "name", names, wanted.SUPPLIER_RECORD, unique=True))

    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Pages:
        """Users by login, by email, or both lists one after the other; inactive ones too."""
        by_login = self._among("list_users", "login", logins, wanted.USER_RECORD, unique=True)
        return chain(by_login, self._among("list_users", "email", emails, wanted.USER_RECORD, unique=True))

    def accounts(self, codes: Iterable[str]) -> Pages:
        """GL accounts by code; one code may exist in several charts."""
        return self._among("list_accounts", "code", codes, wanted.ACCOUNT)

    def account_types(self) -> Pages:
        """The charts of accounts."""
        return self._every("list_account_types", wanted.ACCOUNT_TYPE)

    def lookup_values(self, lookup: str) -> Pages:
        """The values of a lookup, by its name."""
        return self._every("list_lookup_values", wanted.LOOKUP_VALUE, query={"lookup[name]": lookup})

    def payment_terms(self) -> Pages:
        return self._every("list_payment_terms", wanted.PAYMENT_TERM)

    def currencies(self) -> Pages:
        return self._every("list_currencies", wanted.CURRENCY)

    def approvals(self, type: str, ids: Iterable[int]) -> Pages:
        """Approvals of documents of a class (`InvoiceHeader`, `RequisitionHeader`, ...)."""
        return self._among("list_approvals", "approvable_id", ids, wanted.APPROVAL, query={"approvable_type": type})

    def comments(self, document: str, id: int) -> Pages:
        """The comments of a document; `document` is the path's word (`invoices`, `purchase_orders`, ...)."""
        return self._every("list_comments", wanted.COMMENT, path=comments_path("list_comments", document, id))

    def matching_allocations(self, invoice_ids: Iterable[int]) -> Pages:
        """Which receipts Coupa matched to the lines of the invoices."""
        name = "invoice_line[invoice_header_id]"
        return self._among("list_matching_allocations", name, invoice_ids, wanted.MATCHING_ALLOCATION)

    def exchange_rates(self, source: str, since: date, until: date) -> Pages:
        """Rates from the currency `source` into any other, effective on [since, until).

        Coupa finds nothing when both currencies are asked for, so the other one is looked for in the answer.
        """
        days = {"rate_date[gt_or_eq]": since.isoformat(), "rate_date[lt]": until.isoformat()}
        return self._every("list_exchange_rates", wanted.EXCHANGE_RATE, query={"from_currency[code]": source, **days})

    def integration_runs(self, *, integration: str | None = None) -> Pages:
        """Runs, of one integration by its code or of all."""
        query = {"integration[code]": integration} if integration else {}
        return self._every("list_integration_runs", wanted.INTEGRATION_RUN, query=query)

    def integration_errors(self, *, run_id: int | None = None, resolved: bool | None = None) -> Pages:
        query: dict[str, str | int] = {} if run_id is None else {"integration_run_id": run_id}
        if resolved is not None:
            query["resolved"] = str(resolved).lower()
        return self._every("list_integration_errors", wanted.INTEGRATION_ERROR, query=query)

    def _get(self, name: str, id: int, fields: Fields) -> Json:
        operation = OPERATIONS[name]
        record = self._edge.read(operation, path=operation.at(id=id), query={"fields": written(fields)})
        if not isinstance(record, dict):
            raise UnexpectedResponse("the answer is not an object", operation=operation.name)
        return record

    def _among(
        self,
        name: str,
        attribute: str,
        values: Iterable[str | int],
        fields: Fields,
        *,
        query: Query | None = None,
        unique: bool = False,
    ) -> Pages:
        """Records whose `attribute` is one of `values`; `unique` when each value names at most one record."""
        operation = OPERATIONS[name]

        def ask(batch: Sequence[str]) -> list[list[Json]]:
            condition = {attribute: batch[0]} if len(batch) == 1 else {f"{attribute}[in]": ",".join(batch)}
            fetch = self._fetch(operation, {**(query or {}), **condition}, fields)
            return list(by_id(operation, fetch, at_most=len(batch) if unique else None))

        return chain.from_iterable(in_order(ask, batches_of(values), workers=WORKERS))

    def _every(self, name: str, fields: Fields, *, query: Query | None = None, path: str | None = None) -> Pages:
        operation = OPERATIONS[name]
        return by_id(operation, self._fetch(operation, query or {}, fields, path=path))

    def _fetch(
        self, operation: Operation, query: Query, fields: Fields, *, path: str | None = None
    ) -> Callable[[int | None], Any]:
        ordered: Mapping[str, str | int] = {
            **query,
            "fields": written(fields),
            "order_by": "id",
            "dir": "asc",
            "limit": PAGE,
        }

        def fetch(after: int | None) -> Any:
            return self._edge.read(
                operation, path=path, query=ordered if after is None else {**ordered, "id[gt]": after}
            )

        return fetch


def batches_of(values: Iterable[str | int]) -> Iterator[tuple[str, ...]]:
    """Distinct values, 50 at a time; one with a comma stands alone, since a list could not tell it from two."""
    distinct = list(dict.fromkeys(str(value).strip() for value in values))
    yield from batched((value for value in distinct if value and "," not in value), PAGE)
    yield from ((value,) for value in distinct if "," in value)


def comments_path(name: str, document: str, id: int) -> str:
    if document not in COMMENTED:
        raise ValueError(f"{document!r} has no comments; known are {', '.join(sorted(COMMENTED))}")
    return OPERATIONS[name].at(document=document, id=id)


def _moment(moment: datetime) -> str:
    """Coupa's form: ISO 8601 with its offset."""
    return moment.astimezone(UTC).isoformat()
