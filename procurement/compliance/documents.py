"""Coupa's documents as purchases that are not placed yet: a requisition that waits, a purchase order about to be ordered. Pure.

No seller is known of them, and no day of an Amazon order: `ordered_at` is the moment at which they are judged, or at which the
requisition was submitted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from procurement.compliance.purchases import Purchase, PurchaseLine
from procurement.errors import MoneyError, RecordError
from procurement.money import minor_unit, round_to, to_decimal

Json = Mapping[str, Any]
APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class Frame:
    """`suppliers`: country by number of each supplier that stands for Amazon, `zones` their time zones; `segment`: which segment of
    an account is the cost center; `at`: when it is judged."""

    suppliers: Mapping[str, str]
    segment: int
    at: datetime
    zones: Mapping[str, tzinfo] = field(default_factory=dict)


def read_requisition(raw: Json, frame: Frame) -> Purchase | None:
    """Its lines for Amazon as a purchase; None where there is none with a price."""
    rows = [row for row in raw.get("requisition-lines") or () if _at(row, "supplier", "number") in frame.suppliers]
    lines, currency = _lines(rows, frame, price="unit-price", header="")
    if not lines:
        return None
    supplier = str(_at(rows[0], "supplier", "number"))
    return _purchase(
        f"requisition {raw['id']}", lines, currency, raw, supplier, frame, cost_centers_of(rows, frame.segment)
    )


def read_purchase_order(raw: Json, requisition: Json, frame: Frame) -> Purchase:
    """A PO with who approved its requisition. RecordError where a line has no price, or another currency than the PO: what
    cannot be judged is not let through."""
    number, supplier = str(raw.get("po-number")), str(_at(raw, "supplier", "number") or "")
    rows = list(raw.get("order-lines") or ())
    lines, currency = _lines(rows, frame, price="price", header=str(_at(raw, "currency", "code") or ""))
    read = {line.id for line in lines}
    if unread := [id for row in rows if (id := _id(row)) not in read]:
        raise RecordError(
            f"PO {number}", [f"Line {id}: its price cannot be read, or its currency is not the PO's." for id in unread]
        )
    centers = cost_centers_of(rows, frame.segment)
    return replace(_purchase(number, lines, currency, requisition, supplier, frame, centers), po_number=number)


def _purchase(
    key: str,
    lines: Sequence[PurchaseLine],
    currency: str,
    requisition: Json,
    supplier: str,
    frame: Frame,
    cost_centers: frozenset[str],
) -> Purchase:
    approved = (one for one in requisition.get("approvals") or () if one.get("status") == APPROVED)
    return Purchase(
        key=key, ordered_at=frame.at, currency=currency, lines=tuple(lines), placed=False, supplier=supplier,
        buyer=str(_at(requisition, "requested-by", "email") or "").lower(), country=frame.suppliers.get(supplier, ""),
        zone=frame.zones.get(supplier, UTC),
        approved_by=frozenset(login for one in approved for login in logins_of(one)), po_cost_centers=cost_centers,
    )  # fmt: skip


def _lines(rows: Sequence[Json], frame: Frame, *, price: str, header: str) -> tuple[list[PurchaseLine], str]:
    currency = header or next((str(code) for row in rows if (code := _at(row, "currency", "code"))), "")
    return [line for row in rows if (line := _line(row, currency, frame.segment, price)) is not None], currency


def logins_of(approval: Json) -> list[str]:
    """Who was asked and who acted: a delegate's approval is that of whom they stand for."""
    people = (approval.get("approver"), approval.get("approved-by"))
    return [str(one["login"]) for one in people if isinstance(one, Mapping) and one.get("login")]


def _line(row: Json, currency: str, segment: int, price: str) -> PurchaseLine | None:
    """None for a line without a price, or in another currency than the first: its money cannot be judged with the others."""
    if _at(row, "currency", "code") not in (None, currency):
        return None
    try:
        quantity, unit_price = to_decimal(row.get("quantity") or "1"), to_decimal(row[price])
        amount = round_to(unit_price * quantity, minor_unit(currency))
    except (MoneyError, KeyError):
        return None
    return PurchaseLine(
        id=_id(row), asin=str(row.get("source-part-num") or "").strip().upper(), quantity=quantity,
        unit_price=unit_price, amount=amount, title=str(row.get("description") or ""),
        commodity=str(_at(row, "commodity", "name") or ""), cost_center=str(_at(row, "account", f"segment-{segment}") or ""),
    )  # fmt: skip


def with_codes(purchase: Purchase, codes: Mapping[str, str]) -> Purchase:
    """With UNSPSC codes by ASIN: Coupa's lines carry none. An article without one has none."""
    lines = tuple(replace(line, unspsc=codes.get(line.asin, "")) for line in purchase.lines)
    return replace(purchase, lines=lines)


def _id(row: Json) -> str:
    return str(row.get("line-num") or row.get("id"))


def cost_center_of(order: Json, segment: int) -> str:
    """The one cost center of a PO's lines; empty where they have several."""
    found = {str(_at(row, "account", f"segment-{segment}") or "") for row in order.get("order-lines") or ()}
    return found.pop() if len(found) == 1 else ""


def cost_centers_of(rows: Iterable[Json], segment: int) -> frozenset[str]:
    """All that the lines are coded to, shares of split lines included."""
    coded = (one for row in rows for one in (row, *(row.get("account-allocations") or ())))
    return frozenset(str(center) for one in coded if (center := _at(one, "account", f"segment-{segment}")))


def _at(raw: Json, *steps: str) -> Any:
    value: Any = raw
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
