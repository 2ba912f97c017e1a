"""Each Amazon transaction line tied to its Coupa PO line: PO number first, then PO line number, then ASIN.

Amazon's line and shipment ids may differ between its APIs, so nothing here relies on them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from connectors.amazon_business.payloads import TransactionLineItem
from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.errors import RecordError
from procurement.pipelines.amazon_invoices_to_coupa.candidates import (
    CARD_ON_INVOICE_ORDER,
    PAID_BY_CARD,
    Candidate,
    Group,
    Verdict,
)
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Json, Orders
from procurement.purchase_orders import resolve_line

CODED_INVOICE = "coded_invoice"


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A transaction line, and its raw form for the mapping."""

    candidate: Candidate
    line: TransactionLineItem
    raw: Json

    @property
    def cost_center(self) -> str | None:
        """As the buyer chose it at checkout; the key is Amazon's display label here, camelCase in its reports."""
        chosen = self.line.business_order_info or {}
        found = chosen.get("Cost center") or chosen.get("costCenter")
        return str(found) if found else None

    @property
    def label(self) -> str:
        return f"Order {self.line.order_id}, {self.line.asin or 'no ASIN'}"


@dataclass(frozen=True, slots=True)
class ResolvedLine(BilledLine):
    """With the PO line it bills."""

    order: PurchaseOrder
    po_line: PurchaseOrderLine

    @property
    def supplier(self) -> str:
        """The PO's: the Coupa supplier that stands for Amazon Business, never the marketplace seller."""
        return self.order.supplier


@dataclass(frozen=True, slots=True)
class UnbackedLine(BilledLine):
    """Bought without a PO, and billed without one: `supplier` is that of its Amazon Business account."""

    supplier: str


Line = ResolvedLine | UnbackedLine


NO_ORDERS = Orders()


def each_line(group: Group) -> Iterator[tuple[Candidate, TransactionLineItem, Json]]:
    """The lines of all the group's transactions, in the order Amazon gives them."""
    for candidate in group.candidates:
        raw_lines = candidate.record.raw.get("transactionLineItems") or ()
        for line, raw in zip(candidate.lines, raw_lines, strict=True):
            yield candidate, line, raw


def resolve_group(
    group: Group, orders: Orders, *, no_po: str, supplier: str | None
) -> Sequence[ResolvedLine] | Sequence[UnbackedLine] | Verdict:
    """Every line with its PO line, or the verdict that lists each line that has none.

    By policy a group that names no PO at all is billed without one, on the account's `supplier`."""
    if no_po == CODED_INVOICE and not any(candidate.po_numbers for candidate in group.candidates):
        if supplier is None:
            return Verdict("held", "no purchase order, and accounts.yml does not list this Amazon account")
        return [UnbackedLine(candidate, line, raw, supplier) for candidate, line, raw in each_line(group)]
    resolved: list[ResolvedLine] = []
    problems: list[str] = []
    without_po = False
    for candidate, line, raw in each_line(group):
        number = (line.purchase_order_number or "").strip()
        order = orders.documents.get(number)
        if order is None:
            without_po = True
            problems.append(_no_order(f"Order {line.order_id}", number, orders))
            continue
        try:
            po_line = resolve_line(
                order,
                line_number=line.purchase_order_line_item_id,
                asin=line.asin,
                quantity=line.quantity,
                unit_price=line.unit_price.amount if line.unit_price else None,
            )
        except RecordError as error:
            label = BilledLine(candidate, line, raw).label
            problems.extend(f"{label}: {problem}" for problem in error.problems)
            continue
        resolved.append(ResolvedLine(candidate, line, raw, order, po_line))
    if not problems:
        return resolved
    said = tuple(dict.fromkeys(problems))  # a missing PO is said once an order, not once a line
    if without_po and no_po == "hold":
        return Verdict("held", "no purchase order", said)
    return Verdict("dead", "no purchase order" if without_po else "no purchase order line", said)


def without_order(lines: Iterable[BilledLine]) -> Verdict:
    """What becomes of lines that name no PO and are not billed without one."""
    said = (_no_order(f"Order {line.line.order_id}", "", NO_ORDERS) for line in lines)
    return Verdict("dead", "no purchase order", tuple(dict.fromkeys(said)))


def _no_order(label: str, number: str, orders: Orders) -> str:
    if not number:
        return f"{label}: Amazon shows no PO number. Code it in Coupa by hand, or discard it with the reason."
    if number in orders.unreadable:
        return f"{label}: PO {number} cannot be used: {' '.join(orders.unreadable[number])}"
    return f"{label}: Coupa has no PO {number[:40]!r}. Correct or create it there, then replay."


def card_verdict(candidate: Candidate, orders: Orders) -> Verdict:
    """A card charge makes no invoice; on a PO that is to be paid by invoice, a person must look."""
    methods = {orders.raw[number].get("payment-method") for number in candidate.po_numbers if number in orders.raw}
    return CARD_ON_INVOICE_ORDER if "invoice" in methods else PAID_BY_CARD


def header_conflict(lines: Sequence[Line]) -> Verdict | None:
    """An invoice over two suppliers, charts or currencies is held, never split."""
    billed = {amount.currency_code for line in lines for amount in line.line.amounts}
    orders = [line.order for line in lines if isinstance(line, ResolvedLine)]
    for word, values in (
        ("suppliers", {line.supplier for line in lines}),
        ("charts of accounts", {order.chart_of_accounts for order in orders}),
        ("PO currencies", {order.currency for order in orders}),
        ("currencies", billed),
    ):
        if len(values) > 1:
            return Verdict("held", f"the invoice spans several {word}: {', '.join(sorted(map(str, values)))}")
    return None
