"""Which charge a refund takes back. Pure.

The original invoice Amazon names only in Japan. Elsewhere a refund names its order line, often the shipment, and it may
name the transaction it pays back; one order line may have been charged shipment by shipment, on several invoices. A refund
goes to the charge that it names, else to that of its own shipment, else to the oldest charge of the line that still has
the units and the money it takes back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

ZERO = Decimal(0)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One line of a charge or a refund as Amazon gives it: a refund's amount is negative, its units are not (0: money
    alone). `number` is the invoice it stands on; None while Amazon has issued none. `names`: the transactions that Amazon
    associates with it."""

    key: str
    is_refund: bool
    order_id: str
    order_line_id: str
    amount: Decimal
    currency: str
    quantity: Decimal = ZERO
    shipment_id: str | None = None
    at: datetime | None = None
    number: str | None = None
    asin: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pairing:
    """A refund with its charge; `charge` None where no charge of the order line was ever seen. `over`: what is paid back
    beyond what was charged."""

    refund: Movement
    charge: Movement | None
    over: Decimal = ZERO


@dataclass(slots=True)
class _Open:
    charge: Movement
    units: Decimal
    money: Decimal

    def covers(self, refund: Movement) -> bool:
        return self.units >= refund.quantity and self.money >= -refund.amount


def pair(movements: Iterable[Movement]) -> list[Pairing]:
    """Every refund among the movements, oldest first; each takes units and money from its charge before the next is paired."""
    oldest_first = sorted(movements, key=lambda one: (one.at or _NEVER, one.key))
    charged: dict[tuple[str, str], list[_Open]] = {}
    for one in oldest_first:
        if not one.is_refund:
            charged.setdefault(_line(one), []).append(_Open(one, one.quantity, one.amount))
    return [_paired(one, charged.get(_line(one), ())) for one in oldest_first if one.is_refund]


def _line(movement: Movement) -> tuple[str, str]:
    return movement.order_id, movement.order_line_id


def _paired(refund: Movement, charges: Sequence[_Open]) -> Pairing:
    found = _charge_of(refund, charges)
    if found is None:
        return Pairing(refund, None)
    over = max(ZERO, -refund.amount - max(found.money, ZERO))
    found.units -= refund.quantity
    found.money += refund.amount
    return Pairing(refund, found.charge, over)


def _charge_of(refund: Movement, charges: Sequence[_Open]) -> _Open | None:
    """The one it names, else of its shipment first. One that says no shipment may be of any; ids that never meet are no
    reason to find nothing."""
    if named := [one for one in charges if one.charge.key in refund.names]:
        return named[0]
    same = [one for one in charges if refund.shipment_id and one.charge.shipment_id == refund.shipment_id]
    near = same or [one for one in charges if not (refund.shipment_id and one.charge.shipment_id)] or list(charges)
    covering = (one for one in near if one.covers(refund))
    paying = (one for one in near if one.money > 0)
    return next(covering, None) or next(paying, None) or next(iter(near), None)
