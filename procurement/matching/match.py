"""The three-way match itself: what is compared, in which order, and what it comes to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from procurement.documents import GoodsReceipt, Invoice, InvoiceLine, PurchaseOrder, PurchaseOrderLine
from procurement.matching.allocation import allocations
from procurement.matching.comparing import Rates, rules_for
from procurement.matching.document import DocumentMatch
from procurement.matching.levels import NO_UNITS
from procurement.matching.lines import LineMatch
from procurement.matching.positions import position
from procurement.matching.result import Finding, MatchResult, by_gravity, outcome_of
from procurement.matching.variance import Split
from procurement.matching.worth import Worth
from procurement.matching.write_off import write_off
from procurement.tolerances import Tolerances
from procurement.units_of_measure import NO_CONVERSIONS, Conversions

ONE = Decimal(1)
Groups = Mapping[tuple[str, int | None], Sequence[InvoiceLine]]


def three_way_match(
    invoice: Invoice,
    orders: Mapping[str, PurchaseOrder],
    receipts: Sequence[GoodsReceipt],
    tolerances: Tolerances,
    *,
    billed: Mapping[int, Decimal] | None = None,
    earlier: Iterable[Invoice] = (),
    conversions: Conversions = NO_CONVERSIONS,
    rates: Rates | None = None,
) -> MatchResult:
    """`orders` by PO number; `receipts` all of the PO lines, returns included. `billed`: units by PO line id on documents that
    Coupa does not count yet. `earlier`: invoices and credit notes billed before on these PO lines, as far as they are known;
    of these and what Coupa counts the larger number holds. Without `rates` two currencies are never compared."""
    received, known = _receipts(receipts), tuple(earlier)
    before, originals = _earlier(invoice, known), _originals(invoice, known)
    worths: list[Worth] = []
    unbacked: list[InvoiceLine] = []
    for (po_number, line_id), lines in _groups(invoice).items():
        found = _po_line(orders, po_number, line_id)
        if line_id is None or found is None:
            unbacked.extend(lines)
            continue
        order, po_line = found
        where = position(
            order, po_line, lines, receipts=received.get(line_id, ()), earlier=before.get(line_id, ()), planned=billed,
            conversions=conversions,
        )  # fmt: skip
        rules = rules_for(tolerances, invoice, po_line.commodity)
        worths.append(Worth(invoice, where, rules, _rate(order, po_line, invoice, rates), originals.get(line_id, ())))
    commodities = {worth.position.po_line.commodity for worth in worths}
    commodity = next(iter(commodities)) if len(commodities) == 1 and not unbacked else None
    document = DocumentMatch(invoice, rules_for(tolerances, invoice, commodity), worths, unbacked)
    return _result(document)


def _result(document: DocumentMatch) -> MatchResult:
    invoice, split = document.invoice, Split(document.invoice.currency)
    findings = [_unbacked(line, invoice) for line in document.unbacked]
    for worth in document.worths:
        findings += LineMatch(worth).findings()
        worth.split(split)
    findings += document.findings()
    document.split(split)
    variance = split.variance(invoice.total)
    findings, variance = write_off(document.rules, findings, variance)
    findings += _notes(invoice)
    ordered = tuple(sorted(findings, key=by_gravity))
    used = [one for worth in document.worths for one in allocations(worth.position)]
    return MatchResult(
        outcome=outcome_of(ordered), findings=ordered, variance=variance,
        allocations=tuple(sorted(used, key=lambda one: (one.line, one.po_line_id))),
    )  # fmt: skip


def _groups(invoice: Invoice) -> Groups:
    """Invoice lines by the PO line they bill, in the order of their numbers."""
    groups: dict[tuple[str, int | None], list[InvoiceLine]] = defaultdict(list)
    for line in sorted(invoice.lines, key=lambda one: one.number):
        groups[line.po_number, line.po_line_id].append(line)
    return groups


def _receipts(receipts: Iterable[GoodsReceipt]) -> Mapping[int, Sequence[GoodsReceipt]]:
    by_line: dict[int, list[GoodsReceipt]] = defaultdict(list)
    for receipt in receipts:
        by_line[receipt.po_line_id].append(receipt)
    return by_line


def _earlier(invoice: Invoice, earlier: Iterable[Invoice]) -> Mapping[int, Sequence[InvoiceLine]]:
    """Lines of earlier documents by PO line; the document itself is never earlier than itself."""
    by_line: dict[int, list[InvoiceLine]] = defaultdict(list)
    for document in earlier:
        if (document.supplier, document.number) != (invoice.supplier, invoice.number):
            for line in document.lines:
                if line.po_line_id is not None:
                    by_line[line.po_line_id].append(line)
    return by_line


def _originals(invoice: Invoice, earlier: Iterable[Invoice]) -> Mapping[int, Sequence[InvoiceLine]]:
    """Of a credit note: the lines of its original that billed units, by PO line."""
    by_line: dict[int, list[InvoiceLine]] = {}
    if not invoice.is_credit_note or invoice.original_number is None:
        return by_line
    wanted = (invoice.supplier, invoice.original_number, invoice.currency)
    for document in earlier:
        if (document.supplier, document.number, document.currency) == wanted:
            for line in document.lines:
                if line.po_line_id is not None and line.quantity > 0 and line.adjustment_type not in NO_UNITS:
                    by_line.setdefault(line.po_line_id, []).append(line)
    return by_line


def _po_line(
    orders: Mapping[str, PurchaseOrder], po_number: str, line_id: int | None
) -> tuple[PurchaseOrder, PurchaseOrderLine] | None:
    order = orders.get(po_number)
    if order is not None:
        for line in order.lines:
            if line.id == line_id:
                return order, line
    return None


def _rate(order: PurchaseOrder, po_line: PurchaseOrderLine, invoice: Invoice, rates: Rates | None) -> Decimal | None:
    """What one unit of the PO's currency is worth on the invoice date; None: not known, or no rate at all.

    Amount lines count in money, which no rate turns into units: they are never converted."""
    if order.currency == invoice.currency:
        return ONE
    if po_line.quantity is None:
        return None
    rate = rates(order.currency, invoice.currency, invoice.date) if rates is not None else None
    return rate if rate is not None and rate > 0 else None


def _notes(invoice: Invoice) -> Iterator[Finding]:
    for note in invoice.notes:
        yield Finding(kind=note.kind, line=note.line, sentence=note.sentence, breached=False)


def _unbacked(line: InvoiceLine, invoice: Invoice) -> Finding:
    """A person decides; but for what takes back a line that never named a PO, its invoice was decided on."""
    if line.po_line_id is not None:
        sentence = (
            f"Line {line.number}: {line.total} is billed, but PO {line.po_number} has no line {line.po_line_number}."
        )
    else:
        coded = f"coded to {line.account}" if line.account else "coded by its split"
        word = "credited" if invoice.is_credit_note else "billed"
        sentence = f"Line {line.number}: {line.total} is {word} without a purchase order, {coded}."
    return Finding(
        kind="unbacked", line=line.number, breached=line.po_line_id is not None or not invoice.is_credit_note,
        actual=line.total.amount, difference=line.total.amount, money=line.total, sentence=sentence,
    )  # fmt: skip
