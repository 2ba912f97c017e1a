"""Whether the lines of a purchase order are those of the requisition that was approved.

Pure. Each PO line is held against its twin, found by the reference that either one carries, else by the line number: a
requisition over several suppliers makes POs whose lines are numbered anew. Where Coupa does not show one side, it differs.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from procurement.errors import MoneyError
from procurement.money import to_decimal

Json = Mapping[str, Any]
ACCOUNT, AUXILIARY = "account", "auxiliary"  # what policy may let differ


def line_problems(order: Json, requisition: Json, *, may_differ: Collection[str] = ()) -> list[str]:
    """Where a PO line is not the requisition line that was approved. Lines of other POs of the requisition are none of ours."""
    approved = [line for line in requisition.get("requisition-lines") or () if isinstance(line, Mapping)]
    problems: list[str] = []
    taken: dict[int, Any] = {}
    for line in order.get("order-lines") or ():
        label = f"Line {line.get('line-num')}"
        twin = _twin(line, approved)
        if twin is None:
            problems.append(f"{label} is on no approved requisition line.")
        elif id(twin) in taken:
            problems.append(f"{label} is on the same approved requisition line as line {taken[id(twin)]}.")
        else:
            taken[id(twin)] = line.get("line-num")
            problems += [
                f"{label}: {what} is {mine or 'empty'}, and {theirs or 'empty'} was approved."
                for what, mine, theirs in _compared(line, twin, order, may_differ)
                if mine != theirs
            ]
    return problems


def _twin(line: Json, approved: Sequence[Json]) -> Json | None:
    """The requisition line that Coupa made the PO line from: by either one's reference, else by the line number."""
    refers = [row for row in approved if _same(row.get("order-line-id"), line.get("id"))]
    free = [row for row in approved if row.get("order-line-id") is None]
    if refers:
        (found, *more) = refers
        astray = text_of(line.get("requisition-line-id")) not in (None, text_of(found.get("id")))
        return None if more or astray else found
    if text_of(line.get("requisition-line-id")) is not None:
        found_by = [row for row in free if _same(line.get("requisition-line-id"), row.get("id"))]
    else:
        found_by = [row for row in free if _same(line.get("line-num"), row.get("line-num"))]
    return found_by[0] if len(found_by) == 1 else None


def _same(one: Any, other: Any) -> bool:
    """Coupa writes the same number as number here and as text there."""
    return one is not None and str(one) == str(other)


def _compared(
    line: Json, twin: Json, order: Json, may_differ: Collection[str]
) -> list[tuple[str, str | None, str | None]]:
    currency = at(line, "currency.code") or at(order, "currency.code")
    pairs = [
        ("the part number", text_of(line.get("source-part-num")), text_of(twin.get("source-part-num"))),
        ("the quantity", plain_number(line.get("quantity")), plain_number(twin.get("quantity"))),
        ("the price", plain_number(line.get("price")), plain_number(twin.get("unit-price"))),
        ("the currency", currency, at(twin, "currency.code")),
        ("the unit", at(line, "uom.code"), at(twin, "uom.code")),
    ]
    if AUXILIARY not in may_differ:
        auxiliary = text_of(line.get("supp-aux-part-num")), text_of(twin.get("supp-aux-part-num"))
        pairs.append(("the auxiliary part number", *auxiliary))
    if ACCOUNT not in may_differ:
        pairs.append(("the accounting", _accounting(line), _accounting(twin)))
    return pairs


def _accounting(line: Json) -> str | None:
    """The accounts with their shares, in one order. One account for all of it is no split; percentages go before amounts."""
    shares = [share for share in line.get("account-allocations") or () if isinstance(share, Mapping)]
    if not shares:
        return _account(line)
    if len(shares) == 1:
        return _account(shares[0])
    return ", ".join(sorted(f"{_account(share) or 'no account'} {_portion(share)}" for share in shares))


def _account(line: Json) -> str | None:
    return text_of(at(line, "account.code")) or text_of(at(line, "account.id"))


def _portion(share: Json) -> str:
    percent = plain_number(share.get("pct"))
    return f"{percent} %" if percent is not None else plain_number(share.get("amount")) or "without a share"


def at(raw: Json, path: str) -> Any:
    """What stands at a dotted path; None for nothing and for empty text."""
    value: Any = raw
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return None if value == "" else value


def text_of(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None


def plain_number(value: Any) -> str | None:
    """A number as plain text, equal for equal numbers; anything else as its text."""
    text = text_of(value)
    if text is None:
        return None
    try:
        number: Decimal = to_decimal(text)
    except MoneyError:
        return text
    return format(number.normalize(), "f") if number else "0"
