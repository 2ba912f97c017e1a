"""The comparisons of the document as a whole: taxes, charges, its total, its date."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from procurement.documents import ChargeKind, Invoice, InvoiceLine, TaxLine
from procurement.matching.comparing import compare, is_checked
from procurement.matching.positions import ZERO, Measured
from procurement.matching.result import Finding
from procurement.matching.variance import Split
from procurement.matching.words import closing, plain
from procurement.matching.worth import Worth
from procurement.money import Money, minor_unit, round_to
from procurement.tolerances import SIDES, InForce


class DocumentMatch(Struct, frozen=True):
    """`worths`: the PO lines it bills; `unbacked`: lines without one. `rules` are those of the whole: of one commodity only where
    all its lines are; a tax and a date are judged by the rules of their own lines."""

    invoice: Invoice
    rules: InForce
    worths: Sequence[Worth]
    unbacked: Sequence[InvoiceLine]

    def findings(self) -> Iterator[Finding]:
        yield from self._tax_findings()
        if self.invoice.is_credit_note:
            return
        yield from self._charge_findings()
        yield from self._total_finding()
        yield from self._date_findings()

    def split(self, split: Split) -> None:
        """Adds taxes, charges and unbacked lines to the causes of the difference."""
        for line in self.unbacked:
            split.add("quantity", line.total.amount)
        split.justified += self.invoice.tax.amount
        for line in self.invoice.lines:
            if line.tax_lines and (known := _known(line)):
                beyond = _tax_of(known) - _tax_at_rate(known, self.invoice.currency)
                split.add("tax", beyond)
                split.justified -= beyond
        for charge in self.invoice.charges:
            amount = charge.total.amount
            if charge.is_rounding:
                continue  # what no named cause takes is rounding
            if charge.kind is not ChargeKind.MISC:
                split.add("shipping", amount)
            else:
                split.add("fee" if amount > 0 else "discount", amount)

    def _tax_findings(self) -> Iterator[Finding]:
        currency, own = self.invoice.currency, {worth.position.po_line.id: worth.rules for worth in self.worths}
        for line in self.invoice.lines:
            known = _known(line) if line.tax_lines else ()
            if not known:
                continue
            expected, actual = _tax_at_rate(known, currency), _tax_of(known)
            rules = own.get(line.po_line_id, self.rules) if line.po_line_id is not None else self.rules
            found = compare(rules, "tax", actual - expected, expected)
            if found is None:
                continue
            rates, money = ", ".join(f"{plain(tax.rate or ZERO)} %" for tax in known), Money(found.difference, currency)
            allowed = f"; allowed difference {Money(found.allowed, currency)}" if found.allowed is not None else ""
            yield Finding(
                kind="tax", line=line.number, expected=expected, actual=actual, difference=found.difference, limit=found.allowed,
                breached=found.breached, money=money, rule=found.place,
                sentence=f"Line {line.number}: tax {Money(actual, currency)}, at {rates} it would be {Money(expected, currency)}"
                f"{allowed}{closing(money, breached=found.breached)}",
            )  # fmt: skip

    def _charge_findings(self) -> Iterator[Finding]:
        """Shipping and other charges against none: no PO line orders them. Discounts count against other charges; rounding is
        ours, and no charge."""
        currency = self.invoice.currency
        for check, name, kinds in (
            ("shipping", "Shipping and handling", (ChargeKind.SHIPPING, ChargeKind.HANDLING)),
            ("charges", "Other charges", (ChargeKind.MISC,)),
        ):
            own = (one.total for one in self.invoice.charges if one.kind in kinds and not one.is_rounding)
            charged = Money.sum(own, currency)
            found = compare(self.rules, check, charged.amount, self._goods())
            if found is None or found.rule is None or found.allowed is None:
                continue
            yield Finding(
                kind=check, line=None, expected=ZERO, actual=charged.amount, difference=charged.amount, limit=found.allowed,
                breached=found.breached, money=charged, rule=found.place,
                sentence=f"{name} {charged}, which no PO line orders; allowed {Money(found.allowed, charged.currency)}"
                f"{closing(charged, breached=found.breached)}",
            )  # fmt: skip

    def _total_finding(self) -> Iterator[Finding]:
        """Goods and miscellaneous charges against the value of the billed units at PO prices. An adjustment of price is no
        unit: whatever it adds or takes off differs from the PO."""
        expected, currency = self._ordered_value(), self.invoice.currency
        if expected is None:
            return
        actual = self._goods() + self.invoice.charged(ChargeKind.MISC).amount
        found = compare(self.rules, "total", actual - expected, expected)
        if found is None or found.rule is None or found.allowed is None:
            return
        money, side = Money(found.difference, currency), "above" if found.difference > 0 else "below"
        yield Finding(
            kind="total", line=None, expected=expected, actual=actual, difference=found.difference, limit=found.allowed,
            breached=found.breached, money=money, rule=found.place,
            sentence=f"Goods and other charges {Money(actual, currency)}, at PO prices {Money(expected, currency)}; "
            f"allowed {side} it {Money(found.allowed, currency)}{closing(money, breached=found.breached)}",
        )  # fmt: skip

    def _goods(self) -> Decimal:
        return sum((line.total.amount for line in self.invoice.lines), ZERO)

    def _ordered_value(self) -> Decimal | None:
        """None when a line has nothing to compare with: no PO line, or a unit or currency that cannot be converted.

        A line that is not matched counts as it is billed."""
        value, step = ZERO, minor_unit(self.invoice.currency)
        if self.unbacked:
            return None
        for worth in self.worths:
            position = worth.position
            if position.level == "none":
                lines = (*(one.line for one in position.counted), *position.money_only, *position.unclear)
                value += sum((line.total.amount for line in lines), ZERO)
                continue
            if worth.rate is None or position.unclear:
                return None
            value += sum((_at_po_price(worth, measured, step) for measured in position.counted), ZERO)
        return value

    def _date_findings(self) -> Iterator[Finding]:
        """Lines with the same limits together."""
        groups: dict[tuple[str | None, ...], list[Worth]] = {}
        for worth in self.worths:
            if is_checked(worth.rules, "date"):
                limits = tuple(rule.place if (rule := worth.rules.get(("date", side))) else None for side in SIDES)
                groups.setdefault(limits, []).append(worth)
        for worths in groups.values():
            yield from self._dated(worths)

    def _dated(self, worths: Sequence[Worth]) -> Iterator[Finding]:
        """Early: before the PO was issued. Late: after the last receipt of what is billed."""
        day, rules = self.invoice.date, worths[0].rules
        issued = [worth.position.order.issued_at for worth in worths]
        first = max((one.date() for one in issued if one is not None), default=None)
        arrived = [
            receipt.received_on for worth in worths for receipt in worth.position.receipts if receipt.quantity > 0
        ]
        last = max((one for one in arrived if one > date.min), default=None)
        line = None if len(worths) == len(self.worths) else _first_line(worths)
        if first is not None and day < first:
            which = f"before the PO was issued ({first.isoformat()})"
            yield from self._date_finding(rules, Decimal((day - first).days), which, line)
        if last is not None and day > last:
            which = f"after the last receipt ({last.isoformat()})"
            yield from self._date_finding(rules, Decimal((day - last).days), which, line)

    def _date_finding(self, rules: InForce, days: Decimal, which: str, line: int | None) -> Iterator[Finding]:
        found = compare(rules, "date", days, ZERO)
        if found is not None and found.rule is not None and found.allowed is not None:
            where = f"Line {line}: dated" if line is not None else "Dated"
            yield Finding(
                kind="date", line=line, expected=ZERO, actual=days, difference=days, limit=found.allowed, breached=found.breached,
                rule=found.place,
                sentence=f"{where} {self.invoice.date.isoformat()}, {plain(abs(days))} days {which}; allowed {plain(found.allowed)}.",
            )  # fmt: skip


def _first_line(worths: Sequence[Worth]) -> int | None:
    numbers = [measured.line.number for worth in worths for measured in worth.position.counted]
    return min(numbers, default=None)


def _at_po_price(worth: Worth, measured: Measured, step: Decimal) -> Decimal:
    line = measured.line
    return line.total.amount if measured.is_money else round_to(line.quantity * worth.prices(measured).expected, step)


def _known(line: InvoiceLine) -> list[TaxLine]:
    """Taxes that can be held against their own rate."""
    return [tax for tax in line.tax_lines if tax.rate is not None and tax.base is not None]


def _tax_of(taxes: Sequence[TaxLine]) -> Decimal:
    return sum((tax.amount.amount for tax in taxes), ZERO)


def _tax_at_rate(taxes: Sequence[TaxLine], currency: str) -> Decimal:
    step = minor_unit(currency)
    return sum(
        (round_to(tax.base.amount * tax.rate / 100, step) for tax in taxes if tax.base and tax.rate is not None), ZERO
    )
