"""Amazon's verdict on an order in plain words: what is ordered, what is not and why, and how much money hangs on it.

A business rejection is an HTTP 200, so the verdict stands in the lists alone: of each line some units may be accepted,
some rejected. Money at stake is the units at the purchase order's price. The facts are kept with the delivery (`write`)
and are all that later orders of the same PO are computed from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.amazon_business.order_results import AcceptedItem, OrderResult, Price, RejectedItem, ResultLine
from procurement.buying_policies import RejectionKind
from procurement.money import Money
from procurement.order_refusals import kind_of, phrases

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One line as it was sent; `price` is the purchase order's, per unit."""

    number: str
    asin: str
    units: int
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Units of a line that are alike in order, price and promise. `order_id` None: a trial, or an answer without one.
    `shipping` of all of them, before tax; None: Amazon gives no charges."""

    units: int
    order_id: str | None = None
    price: Money | None = None
    shipping: Money | None = None
    promised_from: datetime | None = None
    promised_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    units: int
    kind: RejectionKind
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineResult:
    """What became of one line. Units may be missing from the answer: then nobody knows of them, and they are never ordered again."""

    asked: Asked
    accepted: tuple[Accepted, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    @property
    def accepted_units(self) -> int:
        return sum(one.units for one in self.accepted)

    @property
    def rejected_units(self) -> int:
        return sum(one.units for one in self.rejected)

    @property
    def unaccounted(self) -> int:
        return max(0, self.asked.units - self.accepted_units - self.rejected_units)

    @property
    def taken(self) -> int:
        """Units that are ordered or may be: no later order may ask for them."""
        return self.accepted_units + self.unaccounted


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcome:
    """The verdict on one order. `alarms` are answers that should not exist: a person must look at Amazon."""

    lines: tuple[LineResult, ...]
    signed: bool
    alarms: tuple[str, ...] = ()

    @property
    def order_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.order_id for line in self.lines for one in line.accepted if one.order_id))

    @property
    def accepted_units(self) -> int:
        return sum(line.accepted_units for line in self.lines)

    @property
    def unaccounted(self) -> int:
        return sum(line.unaccounted for line in self.lines)

    @property
    def settled(self) -> bool:
        """False: Amazon neither ordered nor refused. What it accepts without signature or order id is not ordered for sure (a group
        in test mode answers so)."""
        if self.accepted_units:
            return self.signed or bool(self.order_ids)
        return not self.unaccounted

    @property
    def refused(self) -> str | None:
        """Why not one unit was ordered; None where at least one was, or may have been."""
        if self.accepted_units or self.unaccounted:
            return None
        return " ".join(self.rejections) or "Amazon refused the whole order without a reason."

    @property
    def rejections(self) -> list[str]:
        """One sentence for each refused part, in the order of the lines."""
        return [one.sentence for line in self.lines for one in line.rejected]

    @property
    def taken(self) -> dict[str, int]:
        return {line.asked.number: line.taken for line in self.lines}

    def write(self) -> Json:
        """As the ledger keeps it."""
        return {
            "signed": self.signed, "orders": list(self.order_ids), "alarms": list(self.alarms),
            "lines": [_write_line(line) for line in self.lines],
        }  # fmt: skip


def read_outcome(asked: Mapping[str, Asked], result: OrderResult) -> OrderOutcome:
    """`asked` by line number. Lines that Amazon invents and units beyond those asked for are alarms."""
    answered: dict[str, list[ResultLine]] = {}
    for answer in result.line_items:
        answered.setdefault(answer.external_id, []).append(answer)
    refused_whole = bool(result.rejection_artifacts) and not any(answer.accepted for answer in result.line_items)
    lines = [_line(wanted, answered.get(number, []), result, refused_whole) for number, wanted in asked.items()]
    outcome = OrderOutcome(lines=tuple(lines), signed=result.signed)
    alarms = [alarm for line in lines for alarm in _line_alarms(line)]
    alarms += [
        f"ALARM: Amazon answers for line {answer.external_id}, which was not asked for: {answer.accepted} units accepted."
        for answer in result.line_items
        if answer.external_id not in asked
    ]
    return replace(outcome, alarms=(*alarms, *_order_alarms(outcome)))


def _line(wanted: Asked, answers: Sequence[ResultLine], result: OrderResult, refused_whole: bool) -> LineResult:
    """A reason against the whole order answers for the units that its lines say nothing of."""
    reasons = phrases(result.rejection_artifacts)
    accepted = [_accepted(item) for answer in answers for item in answer.accepted_items if item.quantity]
    rejected = [
        _rejected(wanted, item, reasons) for answer in answers for item in answer.rejected_items if item.quantity
    ]
    found = LineResult(asked=wanted, accepted=tuple(accepted), rejected=tuple(rejected))
    if not (refused_whole and found.unaccounted):
        return found
    sentence = _sentence(wanted, found.unaccounted, reasons)
    rest = Rejected(units=found.unaccounted, kind=kind_of(result.rejection_artifacts), sentence=sentence)
    return replace(found, rejected=(*found.rejected, rest))


def _line_alarms(line: LineResult) -> Iterator[str]:
    asked, number = line.asked.units, line.asked.number
    if line.accepted_units > asked:
        more = line.accepted_units - asked
        yield (
            f"ALARM: line {number}: Amazon accepted {line.accepted_units} units of {asked} asked for; "
            f"{more} too many, {line.asked.price * more}. Cancel them at Amazon."
        )
    elif line.unaccounted:
        yield (
            f"ALARM: line {number}: Amazon's answer says nothing of {line.unaccounted} of {asked} units, "
            f"{line.asked.price * line.unaccounted}. Look at Amazon whether they are ordered; they are not ordered again."
        )


def _order_alarms(outcome: OrderOutcome) -> Iterator[str]:
    if not outcome.accepted_units:
        return
    if not outcome.signed:
        yield "ALARM: Amazon accepted units and did not sign the order: the buying group may be in test mode. Look at Amazon whether it exists."
    elif any(one.order_id is None for line in outcome.lines for one in line.accepted):
        yield "ALARM: Amazon accepted units and gave no order id for them. Find the order at Amazon by its PO number."


def _accepted(item: AcceptedItem) -> Accepted:
    promise = item.promised
    return Accepted(
        units=item.quantity, order_id=item.order_id, price=_money(item.unit_price), shipping=_shipping(item),
        promised_from=promise.lower if promise else None, promised_until=promise.upper if promise else None,
    )  # fmt: skip


def _rejected(wanted: Asked, item: RejectedItem, order_reasons: list[str]) -> Rejected:
    words = phrases(item.artifacts) or order_reasons
    return Rejected(units=item.quantity, kind=kind_of(item.artifacts), sentence=_sentence(wanted, item.quantity, words))


def _sentence(wanted: Asked, units: int, words: list[str]) -> str:
    why = "; ".join(words) or "Amazon gives no reason"
    unit = "unit is" if wanted.units == 1 else "units are"
    stake = (wanted.price * units).rounded()
    return f"Line {wanted.number} ({wanted.asin}): {units} of {wanted.units} {unit} not ordered, {stake}: {why}."


def _shipping(item: AcceptedItem) -> Money | None:
    """Discounts are left out: what may be spent is counted carefully."""
    charges = list(item.every("Charge"))
    prices = [(charge, price) for charge in charges if (price := charge.price()) is not None]
    if len({price.currency for _, price in prices}) != 1 or len(prices) < len(charges):
        return None
    shipping = [
        price.amount
        for charge, price in prices
        if charge.text("category") == "SHIPPING" and charge.text("type") not in ("TAX", "DISCOUNT")
    ]
    return Money(sum(shipping, Decimal(0)), prices[0][1].currency)


def shipping_spent(facts: Mapping[str, Any], currency: str) -> Money | None:
    """What shipping of an order cost or may cost: what Amazon says, else the ceiling it was sent with (`shipping_most` of its
    facts); nothing where no unit was accepted; None where nobody knows."""
    outcome = read_facts(facts)
    parts = [one for line in outcome.lines for one in line.accepted]
    if not parts and not outcome.unaccounted:
        return Money.zero(currency)
    said = [one.shipping for one in parts if one.shipping is not None and one.shipping.currency == currency]
    if len(said) == len(parts) and not outcome.unaccounted:
        return Money.sum(said, currency)
    most = facts.get("shipping_most")
    return Money.of(most, currency) if most is not None else None


def _money(price: Price | None) -> Money | None:
    return Money(price.amount, price.currency) if price is not None else None


def _write_line(line: LineResult) -> Json:
    asked = line.asked
    return {
        "number": asked.number, "asin": asked.asin, "asked": asked.units, "price": str(asked.price.amount), "currency": asked.price.currency,
        "accepted": [
            {
                "units": one.units, "order_id": one.order_id, "price": str(one.price.amount) if one.price else None,
                "currency": one.price.currency if one.price else None,
                "from": _written(one.promised_from), "until": _written(one.promised_until),
                "shipping": [str(one.shipping.amount), one.shipping.currency] if one.shipping is not None else None,
            }
            for one in line.accepted
        ],
        "rejected": [{"units": one.units, "kind": one.kind, "sentence": one.sentence} for one in line.rejected],
    }  # fmt: skip


def read_facts(facts: Mapping[str, Any]) -> OrderOutcome:
    """What `write` kept."""
    return OrderOutcome(
        lines=tuple(_read_line(line) for line in facts.get("lines") or ()),
        signed=bool(facts.get("signed")), alarms=tuple(facts.get("alarms") or ()),
    )  # fmt: skip


def _read_line(raw: Mapping[str, Any]) -> LineResult:
    accepted = tuple(
        Accepted(
            units=one["units"], order_id=one["order_id"],
            price=Money.of(one["price"], one["currency"]) if one["price"] is not None else None,
            promised_from=_moment(one["from"]), promised_until=_moment(one["until"]),
            shipping=Money.of(*one["shipping"]) if one.get("shipping") else None,
        )
        for one in raw["accepted"]
    )  # fmt: skip
    asked = Asked(
        number=raw["number"], asin=raw["asin"], units=raw["asked"], price=Money.of(raw["price"], raw["currency"])
    )
    return LineResult(asked=asked, accepted=accepted, rejected=tuple(Rejected(**one) for one in raw["rejected"]))


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
