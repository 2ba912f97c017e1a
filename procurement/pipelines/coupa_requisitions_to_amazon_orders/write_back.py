"""What goes back to the purchase order: Amazon's order ids, accepted units and prices, promised dates, a status word.

A field is written where it is empty or holds what we wrote ourselves. One that a person filled differently is left as it is,
and is a finding. Lines are found by Coupa's id: their numbers may change.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from procurement.errors import MoneyError
from procurement.mapping.order_grammar import WriteBack
from procurement.money import MINOR_UNITS, Money, to_decimal
from procurement.order_results import Accepted, OrderOutcome

Json = dict[str, Any]
LONGEST_ORDER_NUMBER = 255  # characters of Coupa's supplier-order-number
ORDER_NUMBER = "supplier-order-number"
Place = tuple[int | None, str]  # PO line id (None: the header), field; custom fields as custom-fields.<name>
CUSTOM = "custom-fields."


@dataclass(frozen=True, slots=True)
class Answered:
    """Amazon's verdict on one order, with Coupa's line ids by the numbers that the lines had when it was sent."""

    outcome: OrderOutcome
    line_ids: Mapping[str, int]

    @classmethod
    def of(cls, outcome: OrderOutcome, payload: Mapping[str, Any]) -> "Answered":
        """`payload` as the order was sent with."""
        return cls(outcome, {line["number"]: int(line["line_id"]) for line in payload["asked"]})


@dataclass(slots=True)
class WrittenBack:
    """`body` is sent and is what Coupa shows afterwards; `before` is what its fields said when it was planned; `conflicts` are
    sentences about what people wrote."""

    body: Json = field(default_factory=dict)
    before: Json = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)


def written_back(
    order: Json, answers: Sequence[Answered], names: WriteBack, *, earlier: Sequence[Json] = ()
) -> WrittenBack:
    """What to write into `order`, as Coupa shows it now, after all these answers; `earlier` are the bodies we wrote before."""
    ours: dict[Place, set[str]] = {}
    for body in earlier:
        for place, value in _places(body):
            ours.setdefault(place, set()).add(value)
    result = WrittenBack(conflicts=list(_gone(order, answers)))
    places: list[tuple[Place, str]] = []
    for place, value in _values(order, answers, names):
        line_id, name = place
        current = _current(order, place)
        if current and not _same(current, value) and not any(_same(current, one) for one in ours.get(place, ())):
            result.conflicts.append(
                f"{_where(order, line_id)}: {name.removeprefix(CUSTOM)} says {current!r}, and Amazon's answer is {value!r}. "
                "It is left as it is."
            )
            continue
        places.append((place, value))
    result.body = _body(places)
    result.before = _body((place, _current(order, place)) for place, _ in places)
    return result


def changed_meanwhile(order: Json, body: Json, before: Json) -> list[str]:
    """A sentence for each field of `body` that says neither what it said at planning (`before`) nor what we are to write."""
    known = dict(_places(before))
    lines = {line["id"] for line in order["order-lines"]}
    sentences = []
    for place, value in _places(body):
        line_id, name = place
        if line_id is not None and line_id not in lines:
            sentences.append(f"Line id {line_id} is not on the purchase order any more.")
            continue
        current = _current(order, place)
        if not any(_same(current, one) for one in (known.get(place, ""), value)):
            sentences.append(f"{_where(order, line_id)}: {name.removeprefix(CUSTOM)} says {current!r} now.")
    return sentences


def _body(places: Iterable[tuple[Place, str]]) -> Json:
    body: Json = {}
    lines: dict[int, Json] = {}
    for (line_id, name), value in places:
        target = body if line_id is None else lines.setdefault(line_id, {"id": line_id})
        if name.startswith(CUSTOM):
            target.setdefault("custom-fields", {})[name.removeprefix(CUSTOM)] = value
        else:
            target[name] = value
    if lines:
        body["order-lines"] = list(lines.values())
    return body


def _gone(order: Json, answers: Sequence[Answered]) -> Iterator[str]:
    present = {line["id"] for line in order["order-lines"]}
    for one in answers:
        for line in one.outcome.lines:
            if line.accepted and one.line_ids[line.asked.number] not in present:
                yield (
                    f"Line {line.asked.number} was ordered as {_order_ids(line.accepted) or 'an order without an id'}, and is "
                    "not on the purchase order any more."
                )


def _values(order: Json, answers: Sequence[Answered], names: WriteBack) -> Iterator[tuple[Place, str]]:
    parts = _accepted(answers)
    every = [one for found in parts.values() for one in found]
    if not every:
        return
    header = names.header
    yield from _named(None, header.order_ids, _order_ids(every))
    whole = all(_units(parts.get(line["id"], [])) >= _wanted(line) for line in order["order-lines"])
    yield from _named(None, header.status, names.ordered if whole else names.ordered_in_part)
    yield from _named(None, header.promised, _promised(every))
    for line in order["order-lines"]:
        found = parts.get(line["id"], [])
        if not found:
            continue
        if ids := _order_ids(found):
            yield (line["id"], ORDER_NUMBER), ids
        yield from _named(line["id"], names.line.accepted, str(_units(found)))
        yield from _named(line["id"], names.line.price, _prices(found))
        yield from _named(line["id"], names.line.promised, _promised(found))


def _places(body: Json) -> Iterator[tuple[Place, str]]:
    """Every field of a body that we sent."""
    for row in (body, *(body.get("order-lines") or ())):
        line_id = row.get("id")
        yield from (
            ((line_id, f"{CUSTOM}{name}"), str(value)) for name, value in (row.get("custom-fields") or {}).items()
        )
        if ORDER_NUMBER in row:
            yield (line_id, ORDER_NUMBER), str(row[ORDER_NUMBER])


def _named(line_id: int | None, name: str | None, value: str) -> Iterator[tuple[Place, str]]:
    if name and value:
        yield (line_id, f"{CUSTOM}{name}"), value


def _accepted(answers: Sequence[Answered]) -> dict[int, list[Accepted]]:
    """By Coupa's line id."""
    parts: dict[int, list[Accepted]] = {}
    for one in answers:
        for line in one.outcome.lines:
            parts.setdefault(one.line_ids[line.asked.number], []).extend(line.accepted)
    return parts


def _order_ids(parts: Sequence[Accepted]) -> str:
    """Joined, as many as fit whole."""
    text = ""
    for order_id in dict.fromkeys(one.order_id for one in parts if one.order_id):
        longer = f"{text}, {order_id}" if text else order_id
        if len(longer) > LONGEST_ORDER_NUMBER:
            break
        text = longer
    return text


def _units(parts: Sequence[Accepted]) -> int:
    return sum(one.units for one in parts)


def _wanted(line: Mapping[str, Any]) -> int:
    try:
        return int(to_decimal(str(line.get("quantity"))))
    except MoneyError:
        return 0


def _prices(parts: Sequence[Accepted]) -> str:
    """Every price that was accepted, without currency: the PO has one."""
    return ", ".join(dict.fromkeys(_plain(one.price) for one in parts if one.price is not None))


def _plain(price: Money) -> str:
    """With the places of its currency at least: 42.60."""
    exponent = price.amount.as_tuple().exponent
    places = max(-exponent if isinstance(exponent, int) else 0, MINOR_UNITS.get(price.currency, 2))
    return f"{price.amount:.{places}f}"


def _promised(parts: Sequence[Accepted]) -> str:
    """The latest day that Amazon promises."""
    days = [one.promised_until.date().isoformat() for one in parts if one.promised_until is not None]
    return max(days, default="")


def _current(order: Json, place: Place) -> str:
    line_id, name = place
    row: Any = order if line_id is None else next(line for line in order["order-lines"] if line["id"] == line_id)
    if name.startswith(CUSTOM):
        row, name = row.get("custom-fields") or {}, name.removeprefix(CUSTOM)
    value = row.get(name)
    return str(value).strip() if value is not None else ""


def _same(one: str, other: str) -> bool:
    """Coupa may show a date with a time, and a number with more places."""
    if one == other or one.startswith(f"{other}T"):
        return True
    try:
        return to_decimal(one) == to_decimal(other)
    except MoneyError:
        return False


def _where(order: Json, line_id: int | None) -> str:
    if line_id is None:
        return "The purchase order"
    number = next((line.get("line-num") for line in order["order-lines"] if line["id"] == line_id), line_id)
    return f"Line {number}"
