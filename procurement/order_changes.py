"""The changes that an Amazon order's facts amount to: what people should know, and what Coupa should hear of.

Changes are cumulative ("3 of 10 units were cancelled", never "one more"), so the same facts give the same changes under
the same ids, however and however often they were observed. Quantities are units; money is at the PO's price where the
PO is known, else at Amazon's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from procurement.documents import PurchaseOrder, PurchaseOrderLine
from procurement.money import Money
from procurement.order_facts import OrderFacts, ShipmentFacts
from procurement.order_lines import OrderLine, RefundLine, order_lines
from procurement.placed_facts import plain

WHOLE = "-"  # stands where a change is of the order, not of one line
PO_CANCELLED = frozenset({"cancelled", "canceled"})
RETURN_WORD = "return"
UNAVAILABLE = "unavailable"
LOST = frozenset({"UNDELIVERABLE", "RETURNED"})  # a change of its own, and not late besides
A_DAY = timedelta(days=1)


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


def find_changes(
    facts: OrderFacts,
    *,
    order: PurchaseOrder | None = None,
    refunds: Iterable[RefundLine] = (),
    unavailable: bool = False,
) -> list[OrderChange]:
    """All changes of the order, by id. `order` is the PO as Coupa has it; `refunds` those known of this Amazon order.
    `unavailable`: units that were not to be had when we ordered are backordered."""
    by_line: dict[str, list[RefundLine]] = {}
    for refund in refunds:
        by_line.setdefault(refund.order_line_id, []).append(refund)
    lines = order_lines(facts, order, by_line)
    rules = (*LINE_RULES, _unavailable) if unavailable else LINE_RULES
    found = [change for line in lines for rule in rules for change in rule(line)]
    found += [change for rule in ORDER_RULES for change in rule(facts, lines, order)]
    return sorted(found, key=lambda change: change.id)


def _change(
    line: OrderLine, kind: str, far: object, units: int, at_stake: Money | None, sentence: str, *, charged: bool = False
) -> OrderChange:
    return OrderChange(
        id=f"{line.order.order_id}/{line.id}/{kind}/{far}", kind=kind, order_line_id=line.id, units=units,
        at_stake=at_stake, sentence=sentence, charged=charged, po_line=line.po_line,
    )  # fmt: skip


def _units(count: int) -> str:
    return f"{count} unit{'s' if count != 1 else ''}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _stake(money: Money | None) -> str:
    return f"; {money} at stake" if money is not None else ""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _shipped_in_part(line: OrderLine) -> Iterator[OrderChange]:
    if 0 < line.shipped < line.left and not line.order.closed:
        waiting = line.worth(line.unshipped)
        sentence = (
            f"{line.shipped} of {_units(line.left)} of {line.name} {_were(line.shipped)} shipped; "
            f"{_units(line.unshipped)} still to come{f', worth {waiting}' if waiting else ''}."
        )
        yield _change(line, "shipped_in_part", line.shipped, line.shipped, waiting, sentence)


def _cancelled(line: OrderLine) -> Iterator[OrderChange]:
    units = line.cancelled
    if units <= 0:
        return
    charged = line.facts.charged > line.left
    kind = "cancelled" if units == line.ordered else "cancelled_in_part"
    when = "after Amazon charged for them: a refund is due" if charged else "before they were charged"
    which = f"all {_units(units)}" if kind == "cancelled" else f"{units} of {_units(line.ordered)}"
    sentence = f"Amazon cancelled {which} of {line.name} {when}{_stake(line.worth(units))}."
    far = f"{units}/charged" if charged else units
    yield _change(line, kind, far, units, line.worth(units), sentence, charged=charged)


def _closed_short(line: OrderLine) -> Iterator[OrderChange]:
    if line.order.closed and not line.order.cancelled and line.unshipped:
        units = line.unshipped
        charged = line.facts.charged > line.shipped
        sentence = (
            f"Amazon closed the order, and {_units(units)} of {line.name} {_were(units)} never shipped"
            f"{' although charged' if charged else ''}{_stake(line.worth(units))}."
        )
        yield _change(line, "closed_short", units, units, line.worth(units), sentence, charged=charged)


def _late(line: OrderLine) -> Iterator[OrderChange]:
    """Shipped units that do not arrive are late; units that do not even ship by their promise are backordered."""
    if line.order.cancelled or (line.order.closed and not line.shipments):
        return
    accepted = max((one.first_promise for one in line.placed if one.first_promise), default=None)
    on_their_way = [
        one for one in line.shipments if one.shipped and not one.delivered and one.tracking_status not in LOST
    ]
    planned = [one for one in line.shipments if not one.shipped] if line.unshipped else []
    waiting = [(one.quantity, _why_late(one, accepted)) for one in planned]
    waiting.append((line.unshipped - sum(one.quantity for one in planned), _why_not_shipped(line)))
    for kind, chosen in (
        ("late", [(one.quantity, _why_late(one, accepted)) for one in on_their_way]),
        ("backordered", waiting),
    ):
        delayed = [(units, why) for units, why in chosen if why is not None and units > 0]
        if not delayed:
            continue
        units = sum(units for units, _ in delayed)
        units = min(units, line.unshipped) if kind == "backordered" else units
        far, words = max(why for _, why in delayed)
        verb = "on their way" if kind == "late" else "not shipped yet"
        sentence = f"{_units(units)} of {line.name}, {verb}: {words}{_stake(line.worth(units))}."
        yield _change(line, kind, far, units, line.worth(units), sentence, charged=line.facts.charged > 0)


def _why_late(shipment: ShipmentFacts, accepted: datetime | None) -> tuple[str, str] | None:
    """(how far, in words): a promise that passed outranks a moved one of the same day. `accepted`: Amazon's promise when it
    accepted the order; its range and a shipment's date may end on either side of midnight, so only a whole day counts."""
    promised = shipment.expected_at
    if shipment.overdue is not None and shipment.overdue == promised:
        return f"{_day(promised)}/overdue", f"promised for {_day(promised)} and not delivered"
    if shipment.tracking_status == "DELAYED":
        day = _day(promised) if promised else WHOLE
        return f"{day}/delayed", f"the carrier reports a delay{f', promised for {day}' if promised else ''}"
    first = shipment.first_expected_at
    if promised is not None and accepted is not None and promised - accepted >= A_DAY:
        return f"{_day(promised)}/moved", f"promised for {_day(accepted)}, now for {_day(promised)}"
    if promised is not None and first is not None and promised.date() > first.date():
        return f"{_day(promised)}/moved", f"promised for {_day(first)}, now for {_day(promised)}"
    return None


def _why_not_shipped(line: OrderLine) -> tuple[str, str] | None:
    """By what Amazon promised when it accepted the order, and what it says of it since."""
    first = max((one.first_promise for one in line.placed if one.first_promise), default=None)
    promised = max((one.promise for one in line.placed if one.promise), default=None)
    if first is None or promised is None:
        return None
    if any(one.overdue == promised for one in line.placed):
        return f"{_day(promised)}/overdue", f"promised for {_day(promised)} and not shipped"
    if promised.date() > first.date():
        return f"{_day(promised)}/moved", f"promised for {_day(first)}, now for {_day(promised)}"
    return None


def _unavailable(line: OrderLine) -> Iterator[OrderChange]:
    """Units that Amazon did not have when we ordered: nobody has ordered them."""
    units = sum(one.unavailable for one in line.placed)
    if units:
        asked = sum(one.asked for one in line.placed)
        sentence = (
            f"{units} of {_units(asked)} of {line.name} {_were(units)} not available when the order was placed, and "
            f"{_were(units)} not ordered{_stake(line.worth(units))}."
        )
        yield _change(line, "backordered", f"{UNAVAILABLE}/{units}", units, line.worth(units), sentence)


def _price_changed(line: OrderLine) -> Iterator[OrderChange]:
    """Against the price that Amazon accepted, where we know it; what it accepted, against the purchase order's."""
    for base, expected, prices in _price_bases(line):
        price = prices[-1] if prices[-1] > base.amount else prices[0]
        if price == base.amount or not line.left:
            continue
        now = Money(price, base.currency)
        stake = ((now - base) * line.left).rounded()
        word = "more" if price > base.amount else "less"
        sentence = (
            f"{line.name[0].upper()}{line.name[1:]} now costs {now} a unit at Amazon, {expected} {base}: "
            f"{abs(stake)} {word} for {_units(line.left)}."
        )
        yield _change(line, "price_changed", plain(price), line.left, stake, sentence)
        return


def _price_bases(line: OrderLine) -> Iterator[tuple[Money, str, list[Decimal]]]:
    """(expected price, whose word it is, the prices that are held against it)."""
    currency, accepted = line.facts.currency, line.accepted_prices
    reported = sorted(map(Decimal, line.facts.unit_prices))
    agreed = {price.amount for price in accepted if price.currency == currency}
    others = [price for price in reported if price not in agreed]
    if agreed and others and currency is not None:
        base = max(agreed) if others[-1] > max(agreed) else min(agreed)
        yield Money(base, currency), "the order was accepted at", others
    base_price = line.price
    if base_price is not None and base_price.currency == currency and reported:
        yield base_price, "the purchase order says" if line.po_line is not None else "it was", reported


def _undeliverable(line: OrderLine) -> Iterator[OrderChange]:
    for kind, status, words in (
        ("undeliverable", "UNDELIVERABLE", "could not be delivered"),
        ("returned", "RETURNED", "went back to the seller"),
    ):
        for shipment in line.shipments:
            if shipment.tracking_status == status and not (kind == "undeliverable" and shipment.delivered):
                units, worth = shipment.quantity, line.worth(shipment.quantity)
                sentence = f"{_units(units)} of {line.name} in shipment {shipment.shipment_id} {words}{_stake(worth)}."
                charged = line.facts.charged > 0
                yield _change(line, kind, shipment.shipment_id, units, worth, sentence, charged=charged)


def _refunded(line: OrderLine) -> Iterator[OrderChange]:
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
        yield _change(line, "returned" if returned else "refunded", key, units, money, sentence, charged=True)


LINE_RULES: tuple[Callable[[OrderLine], Iterator[OrderChange]], ...] = (
    _shipped_in_part, _cancelled, _closed_short, _late, _price_changed, _undeliverable, _refunded,
)  # fmt: skip


def _of_order(facts: OrderFacts, kind: str, units: int, at_stake: Money | None, sentence: str) -> OrderChange:
    id = f"{facts.order_id}/{WHOLE}/{kind}"
    return OrderChange(id=id, kind=kind, order_line_id=None, units=units, at_stake=at_stake, sentence=sentence)


def _closed(facts: OrderFacts, lines: Sequence[OrderLine], order: PurchaseOrder | None) -> Iterator[OrderChange]:
    if facts.closed and not facts.cancelled:
        shipped = sum(line.shipped for line in lines)
        yield _of_order(facts, "closed", shipped, None, f"Amazon closed the order; {_units(shipped)} were shipped.")


def _po_cancelled(facts: OrderFacts, lines: Sequence[OrderLine], order: PurchaseOrder | None) -> Iterator[OrderChange]:
    """Told once. Amazon has no cancel call: a person must cancel there before it ships, or send the goods back."""
    if order is None or order.status not in PO_CANCELLED or facts.cancelled:
        return
    open_lines = [line for line in lines if line.unshipped] if not facts.closed else []
    if open_lines:
        units, listed = _listed((line, line.unshipped) for line in open_lines)
        worth = sum_money(line.worth(line.unshipped) for line in open_lines)
        what = (
            f"still has {listed} to ship{_stake(worth)}. Amazon cannot be told by machine: open the order under Your Orders on "
            "Amazon Business, choose Cancel items at once, and write to Amazon's customer service if that is refused. What "
            "ships all the same can be returned there for a refund."
        )
    else:
        shipped = [(line, line.shipped) for line in lines if line.shipped]
        if not shipped:
            return
        units, listed = _listed(shipped)
        worth = sum_money(line.worth(count) for line, count in shipped)
        what = (
            f"has shipped with {listed}{_stake(worth)}. It is too late to cancel it there: refuse the delivery, or return the "
            "goods under Your Orders on Amazon Business for a refund."
        )
    sentence = f"Purchase order {order.number} was cancelled in Coupa, but Amazon order {facts.order_id} {what}"
    yield _of_order(facts, "po_cancelled_by_person", units, worth, sentence)


def _listed(lines: Iterable[tuple[OrderLine, int]]) -> tuple[int, str]:
    """The units together, and each line's in words."""
    counted = list(lines)
    return sum(count for _, count in counted), ", ".join(f"{_units(count)} of {line.name}" for line, count in counted)


ORDER_RULES: tuple[Callable[[OrderFacts, Sequence[OrderLine], PurchaseOrder | None], Iterator[OrderChange]], ...] = (
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
