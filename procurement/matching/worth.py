"""What an invoice line is worth: at its own price, at the PO price, and the difference by cause.

The invoice price is only ever compared with the PO price, never replaced by it. A credit note is compared with the price at
which its units were billed, where that is known: an over-price that was let through is taken back as it was paid.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from procurement.documents import Invoice, InvoiceLine
from procurement.matching.positions import ZERO, Measured, Position
from procurement.matching.variance import Split
from procurement.money import UNIT_PRICE_PLACES, Money, minor_unit, round_to
from procurement.tolerances import InForce
from procurement.units_of_measure import SAME

PRICE_STEP = Decimal(1).scaleb(-UNIT_PRICE_PLACES)


class Prices(Struct, frozen=True):
    """The price to expect in the invoice's unit and currency: the PO's or, `as_billed`, that of what is given back; and how
    much of a difference the exchange tolerance explains."""

    expected: Decimal
    as_billed: bool = False
    exchange: Decimal = ZERO
    exchange_limit: Decimal | None = None
    exchange_place: str | None = None


class Worth(Struct, frozen=True):
    """The money of one PO line's invoice lines. `rate`: from the PO's currency to the invoice's; None: not known. `billed`:
    of a credit note, the lines of its original."""

    invoice: Invoice
    position: Position
    rules: InForce
    rate: Decimal | None
    billed: Sequence[InvoiceLine] = ()

    @property
    def sign(self) -> int:
        return -1 if self.position.units < 0 else 1

    def prices(self, measured: Measured) -> Prices:
        """Without a rate the PO price stands as it is: nothing is compared with it."""
        if measured.units < 0 and (billed := self._billed_price(measured.line)) is not None:
            return Prices(billed, as_billed=True)
        price, factor, rate = self.position.po_line.unit_price.amount, measured.factor, self.rate
        if rate is None or (factor is SAME and rate == 1):
            return Prices(price)
        expected = round_to(price * rate * factor.times / factor.by, PRICE_STEP).normalize()
        if self.invoice.currency == self.position.order.currency:
            return Prices(expected)
        difference = measured.line.unit_price - expected
        rule = self.rules.get(("exchange", "over" if measured.sign * difference > 0 else "under"))
        if rule is None:
            return Prices(expected)
        limit = rule.of(expected)
        explained = max(-limit, min(difference, limit))
        return Prices(expected, exchange=explained, exchange_limit=limit, exchange_place=rule.place)

    def _billed_price(self, line: InvoiceLine) -> Decimal | None:
        """The nearest at which units of this line's unit were billed."""
        prices = [one.unit_price for one in self.billed if one.unit_of_measure == line.unit_of_measure]
        return min(prices, key=lambda price: (abs(price - line.unit_price), price), default=None)

    def excess(self, units: Decimal) -> dict[int, Decimal]:
        """`units` (positive) by place in `counted`: the last lines are too much first."""
        taken: dict[int, Decimal] = {}
        for place in range(len(self.position.counted) - 1, -1, -1):
            share = min(units, max(ZERO, self.sign * self.position.counted[place].units))
            if share > 0:
                taken[place] = share
                units -= share
        return taken

    def of_excess(self, units: Decimal) -> Money:
        """`units` (positive) at their lines' own prices; less than nothing on a credit."""
        step, amount = minor_unit(self.invoice.currency), ZERO
        for place, share in self.excess(units).items():
            amount += self.sign * round_to(_value(self.position.counted[place], share), step)
        return Money(amount, self.invoice.currency)

    def split(self, split: Split) -> None:
        """Adds the difference in money to the causes it has."""
        position = self.position
        for line in position.unclear:
            self._stands(line, split, "unit")
        for line in position.money_only:
            self._stands(line, split, "price" if self.rate is not None else "exchange")
        if position.level == "none" or self.rate is None:
            for measured in position.counted:
                self._stands(measured.line, split, "exchange")
            return
        beyond = abs(position.units - position.justified)
        excess = self.excess(beyond) if beyond else {}
        for place, measured in enumerate(position.counted):
            self._split_line(measured, excess.get(place, ZERO), split)

    def _stands(self, line: InvoiceLine, split: Split, part: str) -> None:
        """Nothing to compare with: justified as it is at level none, else all of it has one cause."""
        if self.position.level == "none":
            split.justified += line.total.amount
        else:
            split.add(part, line.total.amount)

    def _split_line(self, measured: Measured, excess: Decimal, split: Split) -> None:
        line, step = measured.line, minor_unit(self.invoice.currency)
        if excess and excess == abs(measured.units):
            split.add("quantity", line.total.amount)
            return
        beyond = self.sign * round_to(_value(measured, excess), step) if excess else ZERO
        split.add("quantity", beyond)
        if self.position.on_amounts:
            split.justified += line.total.amount - beyond
            return
        prices, units = self.prices(measured), self.invoiced(measured, excess)
        split.justified += round_to(units * prices.expected, step)
        if line.unit_price != prices.expected:
            exchange = round_to(units * prices.exchange, step)
            split.add("exchange", exchange)
            split.add("price", round_to(units * (line.unit_price - prices.expected), step) - exchange)

    def invoiced(self, measured: Measured, excess: Decimal) -> Decimal:
        """What is left of the line's own quantity without `excess` units (positive, in the PO line's unit)."""
        if not excess:
            return measured.line.quantity
        rest = measured.units - self.sign * excess
        return rest if measured.factor is SAME else rest * measured.factor.by / measured.factor.times


def _value(measured: Measured, units: Decimal) -> Decimal:
    """`units` of the PO line at the invoice price; on an amount line they are money already."""
    if measured.is_money:
        return units
    return measured.line.unit_price * units * measured.factor.by / measured.factor.times
