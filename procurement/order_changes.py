"""The changes that an Amazon order's facts amount to: what people should know, and what Coupa should hear of.

Changes are cumulative ("3 of 10 units were cancelled", never "one more"), so the same facts give the same changes under
the same ids, however and however often they were observed. Quantities are units; money is at the PO's price where the
PO is known, else at Amazon's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.errors import RecordError
from procurement.money import MINOR_UNITS, Money
from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts
from procurement.purchase_orders import resolve_line

WHOLE = "-"  # stands where a change is of the order, not of one line
PO_CANCELLED = frozenset({"cancelled", "canceled"})
RETURN_WORD = "return"


class RefundLine(Protocol):
    """A refunded order line as the ledger gives it; `amount` negative."""

    @property
    def key(self) -> str: ...
    @property
    def order_line_id(self) -> str: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """`id` is stable: <order>/<line or ->/<kind>/<how far>. `at_stake`: money that the change moves, never negative but for
    a price that fell. `charged`: Amazon has charged for the units."""

    id: str
    kind: str
    order_line_id: str | None
    units: int
    at_stake: Money | None
    sentence: str
    charged: bool = False
    po_line: PurchaseOrderLine | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """One order line with what was seen of it."""

    order: OrderFacts
    facts: LineFacts
    po_line: PurchaseOrderLine | None
    refunds: Sequence[RefundLine]

    @property
    def id(self) -> str:
        return self.facts.order_line_id

    @property
    def shipped(self) -> int:
        return self.order.shipped(self.id)

    @property
    def ordered(self) -> int:
        """As Amazon showed it; an order that was only ever seen empty had what the PO says."""
        if self.facts.ordered or self.po_line is None or self.po_line.quantity is None:
            return self.facts.ordered
        return int(self.po_line.quantity) if self.order.cancelled else 0

    @property
    def cancelled(self) -> int:
        if self.order.cancelled:
            return max(self.ordered - self.shipped, 0)
        return self.facts.cancelled

    @property
    def left(self) -> int:
        return self.ordered - self.cancelled

    @property
    def unshipped(self) -> int:
        return max(self.left - self.shipped, 0)

    @property
    def shipments(self) -> list[ShipmentFacts]:
        return [one for one in self.order.shipments.values() if one.order_line_id == self.id]

    @property
    def price(self) -> Money | None:
        if self.po_line is not None:
            return self.po_line.unit_price
        prices = sorted(map(Decimal, self.facts.unit_prices))
        return Money(prices[0], self.facts.currency) if prices and self.facts.currency in MINOR_UNITS else None

    @property
    def name(self) -> str:
        number = self.po_line.number if self.po_line else self.facts.po_line_number
        title = self.facts.title or (self.po_line.description if self.po_line else "") or self.facts.asin or ""
        short = title if len(title) <= 60 else f"{title[:59]}…"
        return " ".join(
            filter(None, (f"line {number}" if number else f"Amazon line {self.id}", short and f"({short})"))
        )

    def worth(self, units: int) -> Money | None:
        return (self.price * units).rounded() if self.price is not None else None

    def change(
        self, kind: str, far: object, units: int, at_stake: Money | None, sentence: str, *, charged: bool = False
    ) -> OrderChange:
        return OrderChange(
            id=f"{self.order.order_id}/{self.id}/{kind}/{far}", kind=kind, order_line_id=self.id, units=units,
            at_stake=at_stake, sentence=sentence, charged=charged, po_line=self.po_line,
        )  # fmt: skip


def find_changes(
    facts: OrderFacts, *, order: PurchaseOrder | None = None, refunds: Iterable[RefundLine] = ()
) -> list[OrderChange]:
    """All changes of the order, by id. `order` is the PO as Coupa has it; `refunds` those known of this Amazon order."""
    by_line: dict[str, list[RefundLine]] = {}
    for refund in refunds:
        by_line.setdefault(refund.order_line_id, []).append(refund)
    lines = [
        _Line(facts, line, find_po_line(line, order), by_line.get(id, ())) for id, line in sorted(facts.lines.items())
    ]
    found = [change for line in lines for rule in LINE_RULES for change in rule(line)]
    found += [change for rule in ORDER_RULES for change in rule(facts, lines, order)]
    return sorted(found, key=lambda change: change.id)


def find_po_line(line: LineFacts, order: PurchaseOrder | None) -> PurchaseOrderLine | None:
    """The PO line that the Amazon line fills; None where nothing tells."""
    if order is None:
        return None
    price = max(map(Decimal, line.unit_prices), default=None)
    try:
        return resolve_line(
            order, line_number=line.po_line_number, asin=line.asin, quantity=line.ordered, unit_price=price
        )
    except RecordError:
        return None


def units_cancelled(facts: OrderFacts, order: PurchaseOrder) -> dict[int, int]:
    """Units that will not come, by PO line id: cancelled, or never shipped by an order that Amazon closed."""
    units: dict[int, int] = {}
    for line_facts in facts.lines.values():
        line = _Line(facts, line_facts, find_po_line(line_facts, order), ())
        if line.po_line is not None:
            gone = line.cancelled + (line.unshipped if facts.closed else 0)
            units[line.po_line.id] = units.get(line.po_line.id, 0) + gone
    return units


def _units(count: int) -> str:
    return f"{count} unit{'s' if count != 1 else ''}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _stake(money: Money | None) -> str:
    return f"; {money} at stake" if money is not None else ""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _shipped_in_part(line: _Line) -> Iterator[OrderChange]:
    if 0 < line.shipped < line.left and not line.order.closed:
        waiting = line.worth(line.unshipped)
        sentence = (
            f"{line.shipped} of {_units(line.left)} of {line.name} {_were(line.shipped)} shipped; "
            f"{_units(line.unshipped)} still to come{f', worth {waiting}' if waiting else ''}."
        )
        yield line.change("shipped_in_part", line.shipped, line.shipped, waiting, sentence)


def _cancelled(line: _Line) -> Iterator[OrderChange]:
    units = line.cancelled
    if units <= 0:
        return
    charged = line.facts.charged > line.left
    kind = "cancelled" if units == line.ordered else "cancelled_in_part"
    when = "after Amazon charged for them: a refund is due" if charged else "before they were charged"
    which = f"all {_units(units)}" if kind == "cancelled" else f"{units} of {_units(line.ordered)}"
    sentence = f"Amazon cancelled {which} of {line.name} {when}{_stake(line.worth(units))}."
    far = f"{units}/charged" if charged else units
    yield line.change(kind, far, units, line.worth(units), sentence, charged=charged)


def _closed_short(line: _Line) -> Iterator[OrderChange]:
    if line.order.closed and not line.order.cancelled and line.unshipped:
        units = line.unshipped
        charged = line.facts.charged > line.shipped
        sentence = (
            f"Amazon closed the order, and {_units(units)} of {line.name} {_were(units)} never shipped"
            f"{' although charged' if charged else ''}{_stake(line.worth(units))}."
        )
        yield line.change("closed_short", units, units, line.worth(units), sentence, charged=charged)


def _late(line: _Line) -> Iterator[OrderChange]:
    """Shipped units that do not arrive are late; units that do not even ship by their promise are backordered."""
    if line.order.cancelled or (line.order.closed and not line.shipments):
        return
    for kind, chosen in (
        ("late", [one for one in line.shipments if one.shipped and not one.delivered]),
        ("backordered", [one for one in line.shipments if not one.shipped] if line.unshipped else []),
    ):
        delayed = [(one, why) for one in chosen if (why := _why_late(one)) is not None]
        if not delayed:
            continue
        units = sum(one.quantity for one, _ in delayed)
        units = min(units, line.unshipped) if kind == "backordered" else units
        far, words = max(why for _, why in delayed)
        verb = "on their way" if kind == "late" else "not shipped yet"
        sentence = f"{_units(units)} of {line.name}, {verb}: {words}{_stake(line.worth(units))}."
        yield line.change(kind, far, units, line.worth(units), sentence, charged=line.facts.charged > 0)


def _why_late(shipment: ShipmentFacts) -> tuple[str, str] | None:
    """(how far, in words): a promise that passed outranks a moved one of the same day."""
    promised = shipment.expected_at
    if shipment.overdue is not None and shipment.overdue == promised:
        return f"{_day(promised)}/overdue", f"promised for {_day(promised)} and not delivered"
    if shipment.tracking_status == "DELAYED":
        day = _day(promised) if promised else WHOLE
        return f"{day}/delayed", f"the carrier reports a delay{f', promised for {day}' if promised else ''}"
    first = shipment.first_expected_at
    if promised is not None and first is not None and promised.date() > first.date():
        return f"{_day(promised)}/moved", f"promised for {_day(first)}, now for {_day(promised)}"
    return None


def _price_changed(line: _Line) -> Iterator[OrderChange]:
    prices = sorted(map(Decimal, line.facts.unit_prices))
    base, currency = line.price, line.facts.currency
    if not prices or base is None or currency is None or base.currency != currency:
        return
    price = prices[-1] if prices[-1] > base.amount else prices[0]
    if price == base.amount or not line.left:
        return
    now, more = Money(price, currency), Money(price, currency) - base
    stake = (more * line.left).rounded()
    word = "more" if price > base.amount else "less"
    expected = "the purchase order says" if line.po_line is not None else "it was"
    sentence = (
        f"{line.name[0].upper()}{line.name[1:]} now costs {now} a unit at Amazon, {expected} {base}: "
        f"{abs(stake)} {word} for {_units(line.left)}."
    )
    yield line.change("price_changed", plain(price), line.left, stake, sentence)


def _undeliverable(line: _Line) -> Iterator[OrderChange]:
    for kind, status, words in (
        ("undeliverable", "UNDELIVERABLE", "could not be delivered"),
        ("returned", "RETURNED", "went back to the seller"),
    ):
        for shipment in line.shipments:
            if shipment.tracking_status == status and not (kind == "undeliverable" and shipment.delivered):
                units, worth = shipment.quantity, line.worth(shipment.quantity)
                sentence = f"{_units(units)} of {line.name} in shipment {shipment.shipment_id} {words}{_stake(worth)}."
                charged = line.facts.charged > 0
                yield line.change(kind, shipment.shipment_id, units, worth, sentence, charged=charged)


def _refunded(line: _Line) -> Iterator[OrderChange]:
    for key in dict.fromkeys(refund.key for refund in line.refunds):
        parts = [refund for refund in line.refunds if refund.key == key]
        units = sum(abs(int(refund.quantity or 0)) for refund in parts)
        money = sum_money(
            Money(abs(refund.amount), refund.currency) if refund.amount is not None and refund.currency else None
            for refund in parts
        )
        reason = next((refund.reason for refund in parts if refund.reason), None)
        returned = units > 0 and RETURN_WORD in (reason or "").lower()
        what = f"for {_units(units)} of {line.name}" if units else f"on {line.name}"
        sentence = (
            f"Amazon refunded {money or 'an amount'} {what}"
            f"{', which came back' if returned else ''}{f' ({reason})' if reason else ''}."
        )
        yield line.change("returned" if returned else "refunded", key, units, money, sentence, charged=True)


def plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


LINE_RULES: tuple[Callable[[_Line], Iterator[OrderChange]], ...] = (
    _shipped_in_part, _cancelled, _closed_short, _late, _price_changed, _undeliverable, _refunded,
)  # fmt: skip


def _of_order(facts: OrderFacts, kind: str, units: int, at_stake: Money | None, sentence: str) -> OrderChange:
    id = f"{facts.order_id}/{WHOLE}/{kind}"
    return OrderChange(id=id, kind=kind, order_line_id=None, units=units, at_stake=at_stake, sentence=sentence)


def _closed(facts: OrderFacts, lines: Sequence[_Line], order: PurchaseOrder | None) -> Iterator[OrderChange]:
    if facts.closed and not facts.cancelled:
        shipped = sum(line.shipped for line in lines)
        yield _of_order(facts, "closed", shipped, None, f"Amazon closed the order; {_units(shipped)} were shipped.")


def _po_cancelled(facts: OrderFacts, lines: Sequence[_Line], order: PurchaseOrder | None) -> Iterator[OrderChange]:
    """Told once. Amazon has no cancel call: a person must cancel there before it ships."""
    open_lines = [line for line in lines if line.unshipped]
    if order is None or order.status not in PO_CANCELLED or facts.cancelled or facts.closed or not open_lines:
        return
    units = sum(line.unshipped for line in open_lines)
    worth = sum_money(line.worth(line.unshipped) for line in open_lines)
    listed = ", ".join(f"{_units(line.unshipped)} of {line.name}" for line in open_lines)
    sentence = (
        f"Purchase order {order.number} was cancelled in Coupa, but Amazon order {facts.order_id} still has {listed} "
        f"to ship{_stake(worth)}. Amazon cannot be told by machine: open the order under Your Orders on Amazon Business, "
        "choose Cancel items at once, and write to Amazon's customer service if that is refused. What ships all the same "
        "can be returned there for a refund."
    )
    yield _of_order(facts, "po_cancelled_by_person", units, worth, sentence)


ORDER_RULES: tuple[Callable[[OrderFacts, Sequence[_Line], PurchaseOrder | None], Iterator[OrderChange]], ...] = (
    _closed,
    _po_cancelled,
)


def sum_money(amounts: Iterable[Money | None]) -> Money | None:
    """None where one is unknown, or currencies differ: no sum is better than a wrong one."""
    listed = list(amounts)
    known = [amount for amount in listed if amount is not None]
    if not known or len(known) < len(listed) or len({amount.currency for amount in known}) > 1:
        return None
    return sum(known[1:], known[0])
