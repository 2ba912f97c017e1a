"""Coupa's JSON as purchase orders and goods receipts, and the PO line that an Amazon line bills.

What Coupa leaves out is reported all at once (`RecordError`), before any rule sees the document.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from procurement.documents import GoodsReceipt, PurchaseOrder, PurchaseOrderLine
from procurement.errors import MoneyError, RecordError
from procurement.money import Money, round_to, to_decimal

Json = Mapping[str, Any]
OBJECT = (dict, Mapping)  # JSON gives dicts, which are told at once; the general test costs ten times as much
ZERO = Decimal(0)
CENT = Decimal("0.01")
AMOUNT_LINE = "OrderAmountLine"
ARRIVALS = frozenset({"InventoryReceipt", "ReceivingQuantityConsumption", "ReceivingAmountConsumption"})
DEPARTURES = frozenset({
    "ReceivingQuantityReturnToSupplier", "ReceivingAmountReturnToSupplier", "ReturnToSupplierTransaction",
    "InventoryReceiptReturnToSupplier", "ReceivingQuantityConsumptionReturnToSupplier", "ReceivingAmountConsumptionReturnToSupplier",
})  # fmt: skip


@cache  # the paths that stand in this file
def _steps(path: str) -> list[str]:
    return path.split(".")


class _Reader:
    """Reads fields of one document and remembers what is missing or wrong."""

    def __init__(self, document: str, raw: Json) -> None:
        self.document, self.raw, self.problems = document, raw, list[str]()

    def at(self, path: str, raw: Json | None = None) -> Any:
        value: Any = self.raw if raw is None else raw
        if "." not in path:
            value = value.get(path)
        else:
            for step in _steps(path):
                if not isinstance(value, OBJECT):
                    return None
                value = value.get(step)
        return None if value == "" else value

    def text(self, path: str, raw: Json | None = None) -> str | None:
        value = self.at(path, raw)
        if type(value) is str:
            return value.strip() or None
        return str(value).strip() or None if value is not None else None

    def needed(self, path: str, raw: Json | None = None, *, of: str = "It") -> str:
        value = self.text(path, raw)
        if value is None:
            self.problems.append(f"{of} has no {path}.")
        return value or ""

    def whole(self, path: str, raw: Json | None = None, *, of: str = "It", default: int | None = None) -> int:
        value = self.at(path, raw)
        if value is None and default is not None:
            return default
        try:
            return int(str(value))
        except ValueError:
            self.problems.append(
                f"{of} has {'no ' + path if value is None else f'{path} {value!r}, which is no whole number'}."
            )
            return 0

    def number(self, path: str, raw: Json | None = None, *, of: str = "It") -> Decimal | None:
        """None where it is absent."""
        value = self.at(path, raw)
        if value is None:
            return None
        try:
            return to_decimal(value)
        except MoneyError as error:
            self.problems.append(f"{of}: {path}: {error}.")
            return None

    def moment(self, path: str, raw: Json | None = None) -> datetime | None:
        value = self.at(path, raw)
        try:
            return value if value is None or isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            self.problems.append(f"Its {path} is {str(value)[:40]!r}, which is no date.")
            return None


def read_purchase_order(raw: Json) -> PurchaseOrder:
    """Raises RecordError that lists everything missing or unreadable in the PO and its lines."""
    reader = _Reader(f"PO {str(raw.get('po-number') or '(no number)')[:40]}", raw)
    currency = reader.needed("currency.code")
    lines = tuple(
        _line(reader, entry, currency) for entry in raw.get("order-lines") or () if isinstance(entry, Mapping)
    )
    if not lines:
        reader.problems.append("It has no lines.")
    number, identity = reader.needed("po-number"), reader.whole("id")
    supplier, supplier_id = reader.needed("supplier.number"), reader.whole("supplier.id")
    version, issued_at = reader.whole("version", default=1), reader.moment("created-at")
    if reader.problems:
        raise RecordError(reader.document, list(dict.fromkeys(reader.problems)))
    requester = next(
        (path for path in ("requisition-header.requested-by", "requester", "ship-to-user") if reader.at(path)),
        "requester",
    )
    return PurchaseOrder(
        id=identity, number=number, status=reader.text("status") or "", version=version, supplier=supplier, supplier_id=supplier_id,
        currency=currency, lines=lines, chart_of_accounts=_chart(reader, raw), payment_term=reader.text("payment-term.code"),
        requester_email=reader.text(f"{requester}.email"),
        requester_id=reader.whole(f"{requester}.id") if reader.at(f"{requester}.id") is not None else None,
        match_level=reader.text("supplier.invoice-matching-level"), issued_at=issued_at,
        custom_fields=dict(reader.at("custom-fields") or {}),
    )  # fmt: skip


def _line(reader: _Reader, raw: Json, currency: str) -> PurchaseOrderLine:
    of = f"Line {raw.get('line-num') or '(no number)'}"
    on_amounts = raw.get("type") == AMOUNT_LINE
    quantity = reader.number("quantity", raw, of=of)
    if quantity is None and not on_amounts:
        reader.problems.append(f"{of} has no quantity.")
    price, total = reader.number("price", raw, of=of), reader.number("total", raw, of=of)
    if price is None:
        reader.problems.append(f"{of} has no price.")
    own_currency = reader.text("currency.code", raw)
    if own_currency and currency and own_currency != currency:
        reader.problems.append(f"{of} is in {own_currency}, the PO in {currency}.")
    price = price or ZERO
    if total is None:
        total = price if on_amounts else round_to(price * (quantity or ZERO), CENT)
    return PurchaseOrderLine(
        id=reader.whole("id", raw, of=of), number=reader.needed("line-num", raw, of=of), quantity=None if on_amounts else quantity,
        unit_price=_money(reader, price, currency), total=_money(reader, total, currency),
        received=reader.number("received", raw, of=of) or ZERO, invoiced=reader.number("invoiced", raw, of=of) or ZERO,
        match_type=reader.text("match-type", raw), receipt_required=raw.get("receipt-required") is not False,
        status=reader.text("status", raw) or "",
        part_number=reader.text("source-part-num", raw), auxiliary_part_number=reader.text("supp-aux-part-num", raw),
        unit_of_measure=reader.text("uom.code", raw), commodity=reader.text("commodity.name", raw),
        account=reader.text("account.code", raw), description=reader.text("description", raw) or "",
        supplier_order_number=reader.text("supplier-order-number", raw), cost_centers=_cost_centers(raw),
    )  # fmt: skip


def _cost_centers(raw: Json) -> frozenset[str]:
    """Segment 2 of the line's account, or of the accounts it is split between."""
    shares = [share for share in raw.get("account-allocations") or () if isinstance(share, OBJECT)]
    accounts = [raw.get("account"), *(share.get("account") for share in shares)]
    return frozenset(str(one["segment-2"]) for one in accounts if isinstance(one, OBJECT) and one.get("segment-2"))


def _money(reader: _Reader, amount: Decimal, currency: str) -> Money:
    try:
        return Money.of(amount, currency)
    except MoneyError as error:
        if currency:
            reader.problems.append(f"{str(error)[0].upper()}{str(error)[1:]}.")
        return Money(amount, currency)


def _chart(reader: _Reader, raw: Json) -> str | None:
    """The chart of the lines; several joined, so that a PO over two charts never equals one over one."""
    charts = {
        chart for line in raw.get("order-lines") or () if isinstance(line, Mapping)
        for path in ("account.account-type.name", "account-allocations.account.account-type.name")
        if (chart := reader.text(path, line))
    }  # fmt: skip
    return " + ".join(sorted(charts)) or None


def read_goods_receipts(rows: Iterable[Json]) -> list[GoodsReceipt]:
    """Receipts and returns, each without what was voided of it; RecordError for what is unreadable.

    A void in part may stand twice in Coupa: in the `voided-value` of the receipt, and as a `Void…` transaction that names
    it. It counts once, and the larger number where the two differ. `rows`: all transactions of the PO lines."""
    moved: dict[int, _Movement] = {}
    voids: list[_Movement] = []
    for raw in rows:
        kind = str(raw.get("type") or "")
        sign = _sign(kind.removeprefix("Void"))
        if not sign:
            continue
        movement = _read_movement(raw, kind, sign)
        if not kind.startswith("Void"):
            moved[movement.receipt.id] = movement
        elif not movement.is_void:
            voids.append(movement)
    taken_back: dict[int, Decimal] = defaultdict(Decimal)
    for void in voids:
        taken_back[void.original] += void.units
    found = [one.standing(taken_back[identity]) for identity, one in moved.items()]
    lost = (void.standing(ZERO, sign=-1) for void in voids if void.original not in moved)
    return [receipt for receipt in (*found, *lost) if receipt.quantity]


class _Movement(Struct, frozen=True):
    """A receiving transaction: `receipt` as if nothing of it was voided, `voided` as its own record says."""

    receipt: GoodsReceipt
    voided: Decimal
    original: int  # 0: it names none
    is_void: bool

    @property
    def units(self) -> Decimal:
        return abs(self.receipt.quantity)

    def standing(self, taken_back: Decimal, *, sign: int = 1) -> GoodsReceipt:
        """What is left of it; never less than nothing."""
        left = max(ZERO, self.units - max(self.voided, taken_back))
        return replace(self.receipt, quantity=sign * (left if self.receipt.quantity > 0 else -left))


def _sign(kind: str) -> int:
    return 1 if kind in ARRIVALS else -1 if kind in DEPARTURES else 0


def _read_movement(raw: Json, kind: str, sign: int) -> _Movement:
    reader = _Reader(f"Goods receipt {raw.get('id') or '(no id)'}", raw)
    is_void = str(raw.get("status") or "").lower() == "voided"
    measured = reader.number("total" if "Amount" in kind else "quantity")
    if measured is None and is_void:
        measured = ZERO
    elif measured is None and not reader.problems:
        reader.problems.append("It has no quantity.")
    voided = reader.number("voided-value") or ZERO
    identity, line, moment = (
        reader.whole("id"),
        reader.whole("order-line.id"),
        reader.moment("transaction-date") or reader.moment("created-at"),
    )
    original = reader.whole("original-transaction-id", default=0)
    if reader.problems or measured is None:
        raise RecordError(reader.document, list(dict.fromkeys(reader.problems)))
    receipt = GoodsReceipt(
        id=identity, po_line_id=line, quantity=sign * abs(measured), received_on=moment.date() if moment else date.min,
        match_reference=reader.text("match-reference"),
    )  # fmt: skip
    return _Movement(receipt, abs(measured) if is_void else abs(voided), original, is_void)


def resolve_line(
    order: PurchaseOrder,
    *,
    line_number: str | None = None,
    asin: str | None = None,
    quantity: Decimal | int | None = None,
    unit_price: Decimal | None = None,
) -> PurchaseOrderLine:
    """The PO line by its number; else by ASIN, with price and then quantity as tie-break.

    Raises RecordError whose problem says why there is none: unknown line, unknown ASIN, or several that fit.
    """
    document = f"PO {order.number}"
    number = (line_number or "").strip()
    by_number = [line for line in order.lines if line.number == number or _same_number(line.number, number)]
    if len(by_number) == 1:
        return by_number[0]
    wanted = (asin or "").strip().upper()
    fitting = [line for line in order.lines if wanted and (line.part_number or "").strip().upper() == wanted]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        return _closest(
            document,
            fitting,
            wanted,
            quantity=Decimal(quantity) if quantity is not None else None,
            unit_price=unit_price,
        )
    raise RecordError(document, [_unknown(order, number, wanted)])


def _same_number(one: str, other: str) -> bool:
    """'1' and '001' and '1.0' are the same line number."""
    value = _line_value(one) if other else None
    return value is not None and value == _line_value(other)


@lru_cache(maxsize=4096)  # few line numbers, many lines
def _line_value(number: str) -> Decimal | None:
    try:
        return to_decimal(number)
    except MoneyError:
        return None


def _closest(
    document: str,
    lines: Sequence[PurchaseOrderLine],
    asin: str,
    *,
    quantity: Decimal | None,
    unit_price: Decimal | None,
) -> PurchaseOrderLine:
    for fits in _tie_breaks(quantity, unit_price):
        narrowed = [line for line in lines if fits(line)]
        if len(narrowed) == 1:
            return narrowed[0]
        lines = narrowed or lines
    numbers = ", ".join(line.number for line in lines)
    raise RecordError(
        document, [f"ASIN {asin} stands on several PO lines ({numbers}); nothing tells which one is billed."]
    )


def _tie_breaks(quantity: Decimal | None, unit_price: Decimal | None) -> Iterator[Any]:
    if unit_price is not None:
        yield lambda line: line.unit_price.amount == unit_price
    if quantity is not None:
        yield lambda line: line.quantity == quantity
        yield lambda line: line.quantity is not None and line.quantity - line.invoiced >= quantity


def _unknown(order: PurchaseOrder, number: str, asin: str) -> str:
    said = " and ".join(filter(None, (number and f"line {number[:40]!r}", asin and f"ASIN {asin[:40]!r}")))
    known = ", ".join(f"{line.number} ({line.part_number or 'no part number'})" for line in order.lines)
    return f"Amazon names {said or 'neither a PO line nor an ASIN'}; the PO has {known}."
