"""The order mapping compiled once: a Coupa PO with its requisition in, the fields of an Amazon order out.

Every problem of a PO is reported at once. Nothing here decides whether it is ordered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from procurement.errors import MoneyError, RecordError
from procurement.mapping.converters import FieldProblem
from procurement.mapping.fields import Compiled, Context, Tables, compile_target
from procurement.mapping.order_grammar import OrderMappingFile, WriteBack, targets
from procurement.money import to_decimal

# Needed whatever the mapping says: without one of these Amazon refuses the order.
ALWAYS = (
    "header.region", "header.buyer_email", "header.buying_group", "header.ship_to.address_id", "header.ship_to.full_name",
    "header.ship_to.address_line1", "header.ship_to.city", "header.ship_to.postal_code", "header.ship_to.country_code",
    "line.asin",
)  # fmt: skip
# Most characters that Amazon takes.
LIMITS: Mapping[str, int] = {
    "header.ship_to.address_id": 255, "header.ship_to.address_line2": 60, "header.ship_to.address_line3": 60,
    "line.accounting_name": 255,
}  # fmt: skip
SHIP_TO, AUXILIARY, SEGMENTS = "header.ship_to.", "header.auxiliary.", "line.segments."
LONGEST_AUXILIARY, LONGEST_SEGMENT = 100, 255
US = "US"


@dataclass(frozen=True, slots=True)
class Segment:
    """One dimension of the accounting: `type` is Amazon's word, `id` the code, `name` what people call it."""

    type: str
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One share of a line's cost. A line that is not split has one, with neither `pct` nor `amount`."""

    name: str
    segments: tuple[Segment, ...]
    pct: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLine:
    asin: str
    offer_id: str | None = None
    seller: str | None = None
    pack_size: int | None = None
    region: str | None = None
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedOrder:
    """`ship_to` by Amazon's field names with underscores; `address_id` is among them."""

    region: str
    buyer_email: str
    buying_group: str
    requester_email: str | None = None
    delivery_preference: str | None = None
    ship_to: Mapping[str, str] = field(default_factory=dict)
    auxiliary: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[MappedLine, ...] = ()


class CompiledOrderMapping:
    """Ready to run; safe to share between threads."""

    def __init__(self, file: OrderMappingFile, tables: Tables) -> None:
        self.write_back: WriteBack = file.write_back
        self._fields: dict[str, Compiled] = {
            place: compile_target(place, rules, tables) for place, rules in targets(file) if rules
        }
        self._segments = tuple(file.line.segments)

    def order(self, header: Context, lines: Sequence[Context]) -> MappedOrder:
        """`header` has po, requisition and account; each line also po_line and requisition_line. Raises RecordError."""
        problems: list[str] = []
        values = {place: self._read(place, header, problems, "") for place in self._places("header.")}
        ship_to = {
            place.removeprefix(SHIP_TO): text for place, text in values.items() if place.startswith(SHIP_TO) and text
        }
        if ship_to.get("country_code") == US and "state_or_region" not in ship_to:
            problems.append("ship_to.state_or_region is missing; an address in the US names its state.")
        mapped = [self._line(number, line, problems) for number, line in enumerate(lines, 1)]
        if problems:
            raise RecordError("Order", list(dict.fromkeys(problems)))
        return MappedOrder(
            region=values["header.region"], buyer_email=values["header.buyer_email"], buying_group=values["header.buying_group"],
            requester_email=values.get("header.requester_email"), delivery_preference=values.get("header.delivery_preference"),
            ship_to=ship_to, lines=tuple(line for line in mapped if line is not None),
            auxiliary={
                place.removeprefix(AUXILIARY): text for place, text in values.items() if place.startswith(AUXILIARY) and text
            },
        )  # fmt: skip

    def _places(self, side: str) -> list[str]:
        return [place for place in self._fields if place.startswith(side)]

    def _line(self, position: int, context: Context, problems: list[str]) -> MappedLine | None:
        label = f"Line {(context.get('po_line') or {}).get('line-num') or position}: "
        names = ("asin", "offer_id", "seller", "pack_size", "region")
        values = {name: self._read(f"line.{name}", context, problems, label) for name in names}
        shares = tuple(self._share(share, context, problems, label) for share in shares_of(context))
        if not values["asin"]:
            return None
        pack_size = _whole(values["pack_size"], f"{label}pack_size", problems)
        return MappedLine(
            asin=values["asin"], offer_id=values["offer_id"], seller=values["seller"], pack_size=pack_size,
            region=values["region"], shares=tuple(share for share in shares if share.segments),
        )  # fmt: skip

    def _share(self, share: Mapping[str, Any], line: Context, problems: list[str], label: str) -> Share:
        context = {**line, "share": share}
        segments = []
        for kind in self._segments:
            code = self._read(f"{SEGMENTS}{kind}.id", context, problems, label)
            if code:
                name = self._read(f"{SEGMENTS}{kind}.name", context, problems, label)
                segments.append(Segment(kind, code[:LONGEST_SEGMENT], (name or code)[:LONGEST_SEGMENT]))
        name = self._read("line.accounting_name", context, problems, label)
        return Share(
            name=name or f"Line {(line.get('po_line') or {}).get('line-num') or ''}".strip(), segments=tuple(segments),
            pct=_number(share.get("pct"), f"{label}pct", problems), amount=_number(share.get("amount"), f"{label}amount", problems),
        )  # fmt: skip

    def _read(self, place: str, context: Context, problems: list[str], label: str) -> Any:
        compiled = self._fields.get(place)
        name = place.split(".", 1)[1]
        try:
            value = compiled(context) if compiled is not None else None
        except FieldProblem as problem:
            problems.append(f"{label}{name} {problem}.")
            return None
        if value is None and place in ALWAYS:
            problems.append(f"{label}{name} is missing.")
        limit = LONGEST_AUXILIARY if place.startswith(AUXILIARY) else LIMITS.get(place)
        if isinstance(value, str) and limit is not None and len(value) > limit:
            problems.append(f"{label}{name} is {len(value)} characters long; Amazon takes {limit}.")
        return value


def shares_of(context: Context) -> list[Mapping[str, Any]]:
    """The line's cost shares as Coupa shows them: its allocations, else its one account; none where it has no account."""
    line = context.get("po_line") or {}
    splits = [share for share in line.get("account-allocations") or () if isinstance(share, Mapping)]
    if splits:
        return splits
    return [{"account": line["account"]}] if isinstance(line.get("account"), Mapping) else []


def _number(value: object, name: str, problems: list[str]) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return to_decimal(value)  # type: ignore[arg-type]
    except MoneyError as error:
        problems.append(f"{name}: {error}.")
        return None


def _whole(value: object, name: str, problems: list[str]) -> int | None:
    number = _number(value, name, problems)
    if number is not None and (number != number.to_integral_value() or number < 1):
        problems.append(f"{name} is {number}, where a whole number of pieces is needed.")
        return None
    return int(number) if number is not None else None
