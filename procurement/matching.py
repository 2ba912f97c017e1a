"""The three-way match: an invoice against what was ordered and what was received. Pure; the verdict is a value.

Every difference becomes a `Finding` with expected, actual, difference, limit and one sentence; a difference beyond its
limit is *breached*. The outcome is the worst of them: exception, else waiting for a receipt (units that were ordered
but are not received yet), else within tolerance, else matched. Tightening a tolerance never releases anything.

A PO line's match type wins over its supplier's level. `2-way` compares price and ordered quantity, `3-way` and
`3-way-fifo` also what was received and not invoiced yet, `direct_matching` only receipts with the invoice line's match
reference; `none` compares nothing on the line. A line that needs no receipt is compared two ways. Invoice lines on the
same PO line count together.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from procurement.documents import ChargeKind, GoodsReceipt, Invoice, InvoiceLine, PurchaseOrder, PurchaseOrderLine
from procurement.money import Money, minor_unit, round_to
from procurement.tolerances import Limit, Tolerances

ZERO = Decimal(0)
DIRECT = frozenset({"direct_matching", "3-way-direct"})
THREE_WAY = frozenset({"3-way", "3-way-fifo"}) | DIRECT
NO_UNITS = frozenset({"price", "other"})  # adjustment types that change money, not units


class Outcome(StrEnum):
    MATCHED = "matched"
    WITHIN_TOLERANCE = "within_tolerance"
    WAITING_FOR_RECEIPT = "waiting_for_receipt"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One comparison that did not come out equal. `line` is None for the whole invoice; `limit` None: nothing is allowed
    or nothing is compared. `waits` marks a shortage that a goods receipt can still mend."""

    kind: str
    line: int | None
    sentence: str
    breached: bool
    expected: Decimal | None = None
    actual: Decimal | None = None
    difference: Decimal | None = None
    limit: Decimal | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchResult:
    """Breached findings come first, then by line: the first one is what a person must look at."""

    outcome: Outcome
    findings: tuple[Finding, ...]


def three_way_match(
    invoice: Invoice,
    orders: Mapping[str, PurchaseOrder],
    receipts: Sequence[GoodsReceipt],
    tolerances: Tolerances,
    *,
    billed: Mapping[int, Decimal] | None = None,
) -> MatchResult:
    """`orders` by PO number. `billed`: units by PO line id on documents that Coupa does not count yet."""
    match = _Match(invoice, orders, receipts, tolerances, billed)
    return _result([*match.findings(), *_notes(invoice)])


def _result(findings: Iterable[Finding]) -> MatchResult:
    ordered = tuple(
        sorted(findings, key=lambda one: (not one.breached, one.waits, one.line or 0, one.kind, one.sentence))
    )
    if any(one.breached and not one.waits for one in ordered):
        outcome = Outcome.EXCEPTION
    elif any(one.waits for one in ordered):
        outcome = Outcome.WAITING_FOR_RECEIPT
    elif any(one.difference for one in ordered):
        outcome = Outcome.WITHIN_TOLERANCE
    else:
        outcome = Outcome.MATCHED
    return MatchResult(outcome=outcome, findings=ordered)


def _notes(invoice: Invoice) -> Iterator[Finding]:
    for note in invoice.notes:
        yield Finding(kind=note.kind, line=note.line, sentence=note.sentence, breached=False)


@dataclass(frozen=True, slots=True)
class _Match:
    invoice: Invoice
    orders: Mapping[str, PurchaseOrder]
    receipts: Sequence[GoodsReceipt]
    tolerances: Tolerances
    billed: Mapping[int, Decimal] | None

    def findings(self) -> Iterator[Finding]:
        groups: dict[tuple[str, int], list[InvoiceLine]] = defaultdict(list)
        for line in sorted(self.invoice.lines, key=lambda one: one.number):
            groups[(line.po_number, line.po_line_id)].append(line)
        for (po_number, line_id), lines in groups.items():
            order = self.orders.get(po_number)
            po_line = next((one for one in order.lines if one.id == line_id), None) if order else None
            if order is None or po_line is None:
                yield from (_unbacked(line) for line in lines)
                continue
            yield from self._line_findings(order, po_line, lines)
        yield from self._tax_findings()
        if not self.invoice.is_credit_note:
            yield from self._shipping_finding()
            yield from self._total_finding()

    def _line_findings(
        self, order: PurchaseOrder, po_line: PurchaseOrderLine, lines: Sequence[InvoiceLine]
    ) -> Iterator[Finding]:
        level = match_level(order, po_line)
        if level == "none":
            return
        for line in lines:
            yield from self._price_finding(po_line, line)
        by_units = [line for line in lines if line.adjustment_type not in NO_UNITS]
        if by_units:
            yield from self._quantity_findings(po_line, by_units, level)

    def _limit(self, check: str, commodity: str | None = None) -> Limit | None:
        return self.tolerances.find(check, supplier=self.invoice.supplier, commodity=commodity)

    def _price_finding(self, po_line: PurchaseOrderLine, line: InvoiceLine) -> Iterator[Finding]:
        limit = self._limit("price", po_line.commodity)
        if limit is None or po_line.quantity is None or line.adjustment_type in NO_UNITS:
            return
        expected, actual = po_line.unit_price.amount, line.unit_price
        difference, allowed = actual - expected, limit.of(expected)
        if difference:
            currency = self.invoice.currency
            yield Finding(
                kind="price", line=line.number, expected=expected, actual=actual, difference=difference, limit=allowed,
                breached=difference > allowed,
                sentence=f"Line {line.number}: unit price {Money(actual, currency)} is {_apart(difference, expected, currency)} "
                f"the PO price {Money(expected, currency)}; allowed above it {Money(allowed, currency)}.",
            )  # fmt: skip

    def _quantity_findings(
        self, po_line: PurchaseOrderLine, lines: Sequence[InvoiceLine], level: str
    ) -> Iterator[Finding]:
        on_amounts = po_line.quantity is None
        units = _measured(po_line, lines)
        ordered = po_line.total.amount if on_amounts else po_line.quantity or ZERO
        earlier = po_line.invoiced + (self.billed or {}).get(po_line.id, ZERO)
        show = (lambda value: str(Money(value, self.invoice.currency))) if on_amounts else _plain
        number = lines[0].number
        if units < 0:
            yield from self._credit_finding(po_line, number, units, earlier, ordered)
            return
        received = self._received(po_line, lines, level, earlier) if level in THREE_WAY else None
        facts = f"Line {number}: billed {show(units)}{f' (and {show(earlier)} before)' if earlier else ''}"
        over_order = self._over(
            "ordered", po_line, number, ordered - earlier, units, f"{facts}, ordered {show(ordered)}."
        )
        yield from over_order
        if received is not None:
            sentence = f"{facts}, received {show(received + earlier)}, ordered {show(ordered)}."
            short = self._over("received", po_line, number, received, units, sentence)
            can_still_come = not any(one.breached for one in over_order)
            for one in short:
                yield Finding(
                    kind=one.kind, line=one.line, sentence=one.sentence, breached=one.breached, expected=one.expected,
                    actual=one.actual, difference=one.difference, limit=one.limit, waits=one.breached and can_still_come,
                )  # fmt: skip

    def _over(
        self, check: str, po_line: PurchaseOrderLine, number: int, expected: Decimal, actual: Decimal, sentence: str
    ) -> list[Finding]:
        """Billing more than `expected` is a finding; less is not (the rest comes later)."""
        limit = self._limit(check, po_line.commodity)
        difference = actual - expected
        if limit is None or difference <= 0:
            return []
        allowed = limit.of(expected)
        return [
            Finding(
                kind=check, line=number, expected=expected, actual=actual, difference=difference, limit=allowed,
                breached=difference > allowed, sentence=sentence,
            )
        ]  # fmt: skip

    def _received(
        self, po_line: PurchaseOrderLine, lines: Sequence[InvoiceLine], level: str, earlier: Decimal
    ) -> Decimal:
        """What was received and not billed yet."""
        own = [receipt for receipt in self.receipts if receipt.po_line_id == po_line.id]
        arrived = sum((receipt.quantity for receipt in own), ZERO) if own else po_line.received
        open_units = arrived - earlier
        if level not in DIRECT:
            return open_units
        tied = ZERO
        for reference in {line.match_reference for line in lines}:
            units = _measured(po_line, [line for line in lines if line.match_reference == reference])
            tied += min(units, sum((one.quantity for one in own if one.match_reference == reference), ZERO))
        return min(open_units, tied)

    def _credit_finding(
        self, po_line: PurchaseOrderLine, number: int, units: Decimal, earlier: Decimal, ordered: Decimal
    ) -> Iterator[Finding]:
        """A credit note gives back no more than was billed; where that is not known yet, no more than was ordered."""
        bound = earlier if self.billed is not None else ordered
        word = "billed" if self.billed is not None else "ordered"
        sentence = f"Line {number}: credited {_plain(-units)}, {word} {_plain(bound)}."
        yield from self._over("ordered", po_line, number, bound, -units, sentence)

    def _tax_findings(self) -> Iterator[Finding]:
        limit, currency = self._limit("tax"), self.invoice.currency
        if limit is None:
            return
        for line in self.invoice.lines:
            known = [tax for tax in line.tax_lines if tax.rate is not None and tax.base is not None]
            if not known:
                continue
            step = minor_unit(currency)
            expected = sum(
                (
                    round_to(tax.base.amount * tax.rate / 100, step)
                    for tax in known
                    if tax.base and tax.rate is not None
                ),
                ZERO,
            )
            actual = sum((tax.amount.amount for tax in known), ZERO)
            difference, allowed = actual - expected, limit.of(expected)
            if difference:
                rates = ", ".join(f"{_plain(tax.rate)} %" for tax in known if tax.rate is not None)
                yield Finding(
                    kind="tax", line=line.number, expected=expected, actual=actual, difference=difference, limit=allowed,
                    breached=abs(difference) > allowed,
                    sentence=f"Line {line.number}: tax {Money(actual, currency)}, at {rates} it would be "
                    f"{Money(expected, currency)}; allowed difference {Money(allowed, currency)}.",
                )  # fmt: skip

    def _shipping_finding(self) -> Iterator[Finding]:
        limit, currency = self._limit("shipping"), self.invoice.currency
        charged = self.invoice.charged(ChargeKind.SHIPPING) + self.invoice.charged(ChargeKind.HANDLING)
        if limit is None or charged.amount <= 0:
            return
        allowed = limit.of(_goods(self.invoice))
        yield Finding(
            kind="shipping", line=None, expected=ZERO, actual=charged.amount, difference=charged.amount, limit=allowed,
            breached=charged.amount > allowed,
            sentence=f"Shipping and handling {charged}, which no PO line orders; allowed {Money(allowed, currency)}.",
        )  # fmt: skip

    def _total_finding(self) -> Iterator[Finding]:
        """Goods and miscellaneous charges against the value of the billed units at PO prices."""
        limit, currency = self._limit("total"), self.invoice.currency
        expected = self._ordered_value()
        if limit is None or expected is None:
            return
        actual = _goods(self.invoice) + self.invoice.charged(ChargeKind.MISC).amount
        difference, allowed = actual - expected, limit.of(expected)
        if difference > 0:
            yield Finding(
                kind="total", line=None, expected=expected, actual=actual, difference=difference, limit=allowed,
                breached=difference > allowed,
                sentence=f"Goods and other charges {Money(actual, currency)}, at PO prices {Money(expected, currency)}; "
                f"allowed above it {Money(allowed, currency)}.",
            )  # fmt: skip

    def _ordered_value(self) -> Decimal | None:
        """None when a line has no PO line to compare with."""
        prices = {line.id: line for order in self.orders.values() for line in order.lines}
        value, step = ZERO, minor_unit(self.invoice.currency)
        for line in self.invoice.lines:
            po_line = prices.get(line.po_line_id)
            if po_line is None:
                return None
            value += (
                line.total.amount
                if po_line.quantity is None
                else round_to(line.quantity * po_line.unit_price.amount, step)
            )
        return value


def match_level(order: PurchaseOrder, po_line: PurchaseOrderLine) -> str:
    """The line's match type, else the supplier's level, else 2-way; three ways only where a receipt is required."""
    level = po_line.match_type or order.match_level or "2-way"
    return "2-way" if level in THREE_WAY and not po_line.receipt_required else level


def _measured(po_line: PurchaseOrderLine, lines: Sequence[InvoiceLine]) -> Decimal:
    """Units, or money where the PO line is an amount."""
    return sum((line.total.amount if po_line.quantity is None else line.quantity for line in lines), ZERO)


def units_billed(invoice: Invoice) -> dict[int, Decimal]:
    """Units by PO line id that the document will count for, as `billed` of the next match; money alone counts for none."""
    units: dict[int, Decimal] = defaultdict(Decimal)
    for line in invoice.lines:
        if line.adjustment_type not in NO_UNITS:
            units[line.po_line_id] += line.quantity
    return dict(units)


def _unbacked(line: InvoiceLine) -> Finding:
    return Finding(
        kind="unbacked", line=line.number, breached=True, actual=line.total.amount, difference=line.total.amount,
        sentence=f"Line {line.number}: {line.total} is billed, but PO {line.po_number} has no line {line.po_line_number}.",
    )  # fmt: skip


def _goods(invoice: Invoice) -> Decimal:
    return sum((line.total.amount for line in invoice.lines), ZERO)


def _apart(difference: Decimal, expected: Decimal, currency: str) -> str:
    share = f" ({round_to(abs(difference) * 100 / expected, Decimal('0.1'))} %)" if expected else ""
    return f"{Money(abs(difference), currency)}{share} {'above' if difference > 0 else 'below'}"


def _plain(value: Decimal) -> str:
    """A quantity as people write it: 2, not 2.000000."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
