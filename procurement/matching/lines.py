"""The comparisons of invoice lines with their PO line.

Every line is judged on its own price; the lines of one PO line count together in units. A line whose unit or currency
cannot be converted is an exception, never a guess.
"""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from procurement.documents import InvoiceLine
from procurement.matching.comparing import Compared, compare, is_checked
from procurement.matching.levels import DIRECT
from procurement.matching.positions import ZERO, Measured, Position
from procurement.matching.result import Finding
from procurement.matching.words import apart, closing, plain, shown_rate
from procurement.matching.worth import Prices, Worth
from procurement.money import Money, minor_unit, round_to
from procurement.tolerances import InForce
from procurement.units_of_measure import SAME


class LineMatch(Struct, frozen=True):
    """One PO line of a document."""

    worth: Worth

    @property
    def position(self) -> Position:
        return self.worth.position

    @property
    def rules(self) -> InForce:
        return self.worth.rules

    @property
    def currency(self) -> str:
        return self.worth.invoice.currency

    def findings(self) -> Iterator[Finding]:
        position, worth = self.position, self.worth
        if position.level == "none":
            return
        yield from (self._unclear(line) for line in position.unclear)
        yield from (self._unclear_before(line) for line in position.earlier.unclear)
        incomparable = position.on_amounts and worth.rate is None  # two currencies, counted as if they were one
        quantities = [] if incomparable else list(self._quantity_findings())
        yield from quantities
        if worth.rate is None:
            lines = (*(one.line for one in position.counted), *position.money_only)
            yield from (self._unconverted(line) for line in lines)
        elif not position.on_amounts:
            refused = [one.difference or ZERO for one in quantities if one.breached and not one.waits]
            excess = worth.excess(min(max(ZERO, *refused), abs(position.units))) if refused else {}
            for place, measured in enumerate(position.counted):
                yield from self._price_findings(measured, excess.get(place, ZERO))

    # Prices

    def _price_findings(self, measured: Measured, refused: Decimal) -> Iterator[Finding]:
        """`refused` units go back anyway: no price credit is expected for them."""
        line, prices = measured.line, self.worth.prices(measured)
        expected = prices.expected + prices.exchange
        if prices.exchange:
            yield self._exchange(line, prices)
        found = compare(self.rules, "price", measured.sign * (line.unit_price - expected), expected)
        if found is not None:
            yield self._price(measured, found, prices, self.worth.invoiced(measured, refused))
        if is_checked(self.rules, "line"):
            yield from self._amount_finding(line, expected)

    def _price(self, measured: Measured, found: Compared, prices: Prices, units: Decimal) -> Finding:
        """Too much on what is billed is too little on what is given back: both are over."""
        line, currency, expected = measured.line, self.currency, prices.expected + prices.exchange
        difference = line.unit_price - expected
        money = Money(difference * units, currency).rounded()
        allowed = ""
        if found.allowed is not None:
            allowed = f"; allowed {'above' if difference > 0 else 'below'} it {Money(found.allowed, currency)}"
        credit = f"{plain(abs(units))} x {Money(abs(difference), currency)}"
        agreed = "billed price" if prices.as_billed else "PO price"
        converted = "" if prices.as_billed else self._converted(measured)
        return Finding(
            kind="price", line=line.number, expected=expected, actual=line.unit_price, difference=difference,
            limit=found.allowed, breached=found.breached, money=money, rule=found.place,
            sentence=f"Line {line.number}: unit price {Money(line.unit_price, currency)} is "
            f"{apart(difference, expected, currency)} the {agreed} {Money(expected, currency)}{converted}"
            f"{allowed}{closing(money, breached=found.breached, units=credit)}",
        )  # fmt: skip

    def _converted(self, measured: Measured) -> str:
        """How the PO price became comparable: per another unit, or at a rate."""
        po_line, said = self.position.po_line, list[str]()
        if measured.factor is not SAME:
            said.append(f"per {po_line.unit_of_measure}")
        if self.position.order.currency != self.currency:
            said.append(f"at a rate of {shown_rate(self.worth.rate)}")
        return f" ({po_line.unit_price} {', '.join(said)})" if said else ""

    def _amount_finding(self, line: InvoiceLine, price: Decimal) -> Iterator[Finding]:
        currency = self.currency
        expected = round_to(line.quantity * price, minor_unit(currency))
        found = compare(self.rules, "line", line.total.amount - expected, expected)
        if found is not None:
            money = Money(found.difference, currency)
            yield Finding(
                kind="line", line=line.number, expected=expected, actual=line.total.amount, difference=found.difference,
                limit=found.allowed, breached=found.breached, money=money, rule=found.place,
                sentence=f"Line {line.number}: {line.total} is billed, {plain(line.quantity)} at the PO price come to "
                f"{Money(expected, currency)}{closing(money, breached=found.breached)}",
            )  # fmt: skip

    def _exchange(self, line: InvoiceLine, prices: Prices) -> Finding:
        currency, exchange = self.currency, prices.exchange
        return Finding(
            kind="exchange", line=line.number, breached=False, expected=prices.expected, actual=prices.expected + exchange,
            difference=exchange, limit=prices.exchange_limit, rule=prices.exchange_place,
            money=Money(exchange * line.quantity, currency).rounded(),
            sentence=f"Line {line.number}: {Money(abs(exchange), currency)} of the unit price is explained by exchange rates; at "
            f"{shown_rate(self.worth.rate)} the PO price is {Money(prices.expected, currency)}.",
        )  # fmt: skip

    # Units

    def _quantity_findings(self) -> Iterator[Finding]:
        position = self.position
        if not position.counted:
            return
        number, ordered = position.counted[0].line.number, self._show(position.ordered)
        if position.units < 0:
            yield from self._credit_finding(number)
            return
        over = self._against("ordered", number, position.open_ordered, position.ordered)
        if over is not None:
            yield self._said(over, f"{self._billed(number, position.earlier.total)}, ordered {ordered}")
        if position.open_received is None:
            return
        received = position.open_received + position.sharing
        short = self._against("received", number, position.open_received, received)
        if short is not None and not (position.level in DIRECT and _beyond(short) < 0):
            within_order = over is None or not over.breached or _beyond(over) < 0
            waits = short.breached and within_order and _beyond(short) > 0 and position.more_can_come
            said = f"{self._billed(number, position.sharing)}, received {self._show(received)}, ordered {ordered}"
            if short.breached and position.without_shipment:
                yield replace(short, sentence=f"{said}: no shipment id ties it to a receipt, as direct matching asks.")
            else:
                yield self._said(replace(short, waits=waits), said)

    def _billed(self, number: int, earlier: Decimal) -> str:
        before = f" (and {self._show(earlier)} before)" if earlier else ""
        return f"Line {number}: billed {self._show(self.position.units)}{before}"

    def _against(self, check: str, number: int, left: Decimal, whole: Decimal) -> Finding | None:
        """Units billed against what was `left` for them; percentages are of the `whole`, whatever was billed before."""
        found = compare(self.rules, check, self.position.units - left, whole)
        return self._finding(check, number, found, left) if found is not None and found.rule is not None else None

    def _credit_finding(self, number: int) -> Iterator[Finding]:
        position = self.position
        bound, credited = position.credit_bound, -position.units
        word = "billed" if position.earlier.is_known else "ordered"
        found = compare(self.rules, "ordered", credited - bound, bound)
        if found is not None and found.rule is not None and found.difference > 0:
            finding = self._finding("ordered", number, found, bound)
            over = self._show(min(found.difference, credited))
            more = f": {over} too many ({abs(finding.money)})." if found.breached and finding.money else "."
            sentence = f"Line {number}: credited {self._show(credited)}, {word} {self._show(bound)}{more}"
            yield replace(finding, sentence=sentence)

    def _finding(self, check: str, number: int, found: Compared, expected: Decimal) -> Finding:
        units = abs(self.position.units)
        return Finding(
            kind=check, line=number, expected=expected, actual=units, difference=found.difference, limit=found.allowed,
            breached=found.breached, rule=found.place, money=self.worth.of_excess(min(max(ZERO, found.difference), units)),
            sentence="",
        )  # fmt: skip

    def _said(self, finding: Finding, facts: str) -> Finding:
        """The facts, and what they mean: a credit, or a receipt that is still to come."""
        excess, money = self._show(min(_beyond(finding), self.position.units)), finding.money
        on_amounts = self.position.on_amounts
        if finding.waits or money is None:
            worth = "" if on_amounts else f" ({money})"
            return replace(finding, sentence=f"{facts}: {excess} not received yet{worth}.")
        units = "" if on_amounts else excess
        return replace(finding, sentence=f"{facts}{closing(money, breached=finding.breached, units=units)}")

    def _show(self, value: Decimal) -> str:
        return str(Money(value, self.currency)) if self.position.on_amounts else plain(value)

    # Refusals that need no rule

    def _unclear(self, line: InvoiceLine) -> Finding:
        return Finding(
            kind="unit", line=line.number, breached=True, actual=line.quantity, difference=line.quantity, money=line.total,
            sentence=f"Line {line.number}: {plain(line.quantity)} {line.unit_of_measure} ({line.total}) is billed{self._unknown(line)}",
        )  # fmt: skip

    def _unclear_before(self, line: InvoiceLine) -> Finding:
        return Finding(
            kind="unit", line=None, breached=True, actual=line.quantity, difference=line.quantity,
            sentence=f"PO line {self.position.po_line.number}: {plain(line.quantity)} {line.unit_of_measure} ({line.total}) "
            f"was billed before{self._unknown(line)}",
        )  # fmt: skip

    def _unknown(self, line: InvoiceLine) -> str:
        unit, ordered = line.unit_of_measure, self.position.po_line.unit_of_measure
        return f", the PO line counts {ordered}, and units.yml does not say how many {ordered} one {unit} holds."

    def _unconverted(self, line: InvoiceLine) -> Finding:
        day = self.worth.invoice.date.isoformat()
        why = (
            "amount lines are not converted" if self.position.on_amounts else f"no rate of {day} tells how they compare"
        )
        return Finding(
            kind="currency", line=line.number, breached=True, actual=line.total.amount, difference=line.total.amount, money=line.total,
            sentence=f"Line {line.number}: {line.total} is billed, the PO is in {self.position.order.currency}, and {why}.",
        )  # fmt: skip


def _beyond(finding: Finding) -> Decimal:
    return finding.difference or ZERO
