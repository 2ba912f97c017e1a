"""What was billed before on the PO lines of a document: out of the ledger, where Coupa's counters do not hold it yet.

Coupa counts what was submitted to it. What is planned, or only a draft there, is added here, so that a second invoice never
takes units or receipts that the first one will. Documents that Coupa counts are added to no sum; they only say for which
shipments they were, as long as Coupa's counter covers all of them: what people voided there stands for nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from procurement.documents import Invoice, PurchaseOrder
from procurement.ledger import Ledger
from procurement.ledger.billings import Billing, read_billings
from procurement.matching import units_billed
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE, SUBMIT
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import read_invoice
from procurement.policies import Rules
from procurement.units_of_measure import Conversions

ZERO = Decimal(0)
LAST = 2**63  # beyond every id of the ledger
Billings = Callable[[Iterable[str]], Sequence[Billing]]  # by PO line id, in the order of planning


@dataclass(frozen=True, slots=True)
class Standing:
    """A document in its place: `order` is that of planning; `counted` as in `Billing`."""

    invoice: Invoice
    order: int
    counted: bool


@dataclass(slots=True)
class BilledBefore:
    """Documents by business key: those of the ledger, and those planned since it was read."""

    read: Billings
    conversions: Conversions
    _documents: dict[str, Standing] = field(default_factory=dict)
    _by_line: dict[int, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    _shadow: dict[str, Standing] = field(default_factory=dict)  # what no ledger keeps

    def learn(self, po_lines: Iterable[int]) -> None:
        """Reads what the ledger has about these PO lines. What was planned before is forgotten: it stands there by now, unless
        it was in shadow."""
        self._documents.clear()
        self._by_line.clear()
        for key, standing in self._shadow.items():
            self._add(key, standing)
        for row in self.read(map(str, po_lines)):
            self._add(row.business_key, Standing(read_invoice(row.payload), row.id, row.counted))

    def plan(self, key: str, invoice: Invoice, *, in_shadow: bool = False) -> None:
        """It is billed from now on, after all others."""
        standing = Standing(invoice, LAST, counted=False)
        self._add(key, standing)
        if in_shadow:
            self._shadow[key] = standing

    def miscounted(self, orders: Mapping[str, PurchaseOrder], po_lines: Iterable[int]) -> set[int]:
        """Those of the PO lines of which Coupa counts other units than we handed over: people or another channel billed
        there, or took something of ours back."""
        at = {line.id: (order, line) for order in orders.values() for line in order.lines}
        ours = defaultdict[int, Decimal](Decimal)
        for standing in self._documents.values():
            if standing.counted:
                of = {at[line][0].number: at[line][0] for line in standing.invoice.po_lines if line in at}
                _add(ours, units_billed(standing.invoice, of.values(), self.conversions))
        return {line for line in po_lines if at[line][1].invoiced != ours[line]}

    def of(
        self, key: str, invoice: Invoice, orders: Mapping[str, PurchaseOrder], *, place: int | None = None
    ) -> tuple[dict[int, Decimal], list[Invoice]]:
        """`billed` and `earlier` for the match of the document with this key. One that Coupa counts already stands in its place:
        its own units and those of later invoices are taken off; later credit notes stay, as their goods went back, too.
        `place`: its place among them, to see it there although Coupa does not count it, or no more."""
        own, lines = self._documents.get(key), invoice.po_lines
        if place is None and own is not None and own.counted:
            place = own.order
        planned, known, taken = (defaultdict[int, Decimal](Decimal) for _ in range(3))
        before: list[Standing] = []
        for name in dict.fromkeys(name for line in lines for name in self._by_line.get(line, ())):
            other = self._documents[name]
            units = self._units(other.invoice, orders, lines)
            if name == key or (place is not None and other.order > place):
                if other.counted:
                    _add(taken, units if name == key else {line: max(one, ZERO) for line, one in units.items()})
            else:
                before.append(other)
                _add(known if other.counted else planned, units)
        counts = {line.id: line.invoiced for order in orders.values() for line in order.lines}
        covered = {line for line in lines if known[line] <= counts.get(line, ZERO) - taken[line]}
        earlier = (_on(standing, lines, covered) for standing in before)
        return {line: planned[line] - taken[line] for line in lines}, [one for one in earlier if one.lines]

    def _units(self, invoice: Invoice, orders: Mapping[str, PurchaseOrder], lines: set[int]) -> dict[int, Decimal]:
        found = units_billed(invoice, orders.values(), self.conversions)
        return {line: units for line, units in found.items() if line in lines}

    def _add(self, key: str, standing: Standing) -> None:
        self._documents[key] = standing
        for po_line in standing.invoice.po_lines:
            self._by_line[po_line][key] = None


def _add(sums: dict[int, Decimal], units: Mapping[int, Decimal]) -> None:
    for line, one in units.items():
        sums[line] += one


def _on(standing: Standing, lines: set[int], covered: set[int]) -> Invoice:
    """Its lines on these PO lines; of what Coupa counts only those that its counter covers."""
    asked = covered if standing.counted else lines
    return replace(standing.invoice, lines=tuple(line for line in standing.invoice.lines if line.po_line_id in asked))


def billed_before(ledger: Ledger, rules: Rules) -> BilledBefore:
    gone = rules.reconciliation.statuses.gone
    read = partial(read_billings, ledger.engine, PIPELINE, create=CREATE, submit=SUBMIT, gone=gone)
    return BilledBefore(read, rules.conversions)
