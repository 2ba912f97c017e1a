"""What people changed in an invoice of ours: the body that was sent against Coupa's JSON, field by field. Pure.

Only fields that were sent are compared, since Coupa fills many others by itself. The coding of a row is one thing, whether
it is an account or a split over several: accounts and percentages, in any order.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from procurement.reconciliation_rules import ReconciliationFile

Json = Mapping[str, Any]
CODING = ("account", "account-allocations")
WHOLE = Decimal(100)


def changed_fields(payload: Json, raw: Json, rules: ReconciliationFile) -> list[str]:
    """What Coupa shows otherwise than it was sent, each in words; a field that was not sent is not compared."""
    compared = rules.compared
    changes = _changes("", payload, raw, compared.header)
    for word, key, names in (
        ("line", "invoice-lines", compared.line),
        ("charge", "invoice-charges", compared.charge),
    ):
        sent, shown = rows_of(payload, key), rows_of(raw, key)
        if len(sent) != len(shown):
            changes.append(f"it had {len(sent)} {word}s, now {len(shown)}")
            continue
        for number, (before, now) in enumerate(zip(sent, shown, strict=True), 1):
            changes += _changes(f"{word} {number} ", before, now, names)
    return changes


def _changes(place: str, sent: Json, shown: Json, names: Sequence[str]) -> list[str]:
    was_sent = [name for name in names if sent.get(name) not in (None, "", [])]
    values = ((name, _value(sent, name), _value(shown, name)) for name in was_sent)
    return [
        f"{place}{name.replace('-', ' ')} was {plainly(before)}, is {plainly(now)}"
        for name, before, now in values
        if not agrees(before, now)
    ]


def _value(row: Json, name: str) -> object:
    return coding(row) if name in CODING else row.get(name)


def coding(row: Json) -> list[Json]:
    """The accounts that bear a line or a charge, each with its percentage; Coupa works out the amounts by itself."""
    split = [{"account": one.get("account"), "pct": one.get("pct")} for one in rows_of(row, "account-allocations")]
    whole = [{"account": row["account"], "pct": WHOLE}] if row.get("account") else []
    return sorted(split or whole, key=plainly)


def agrees(sent: object, shown: object) -> bool:
    """Numbers by value, days by their date, references by the keys that were sent, lists row by row."""
    if isinstance(sent, Mapping):
        return isinstance(shown, Mapping) and all(
            agrees(value, shown.get(key)) for key, value in sent.items() if value not in (None, "")
        )
    if isinstance(sent, list):
        rows = shown if isinstance(shown, list) else []
        return len(sent) == len(rows) and all(agrees(one, other) for one, other in zip(sent, rows, strict=True))
    before, now = str(sent).strip(), str(shown if shown is not None else "").strip()
    if before == now or (_is_day(before) and now[:10] == before):
        return True
    try:
        return Decimal(before) == Decimal(now)
    except InvalidOperation:
        return False


def _is_day(text: str) -> bool:
    return len(text) == 10 and text[4] == text[7] == "-"


def plainly(value: object) -> str:
    """A value as people read it: of a reference its own name, of a list its rows."""
    if isinstance(value, Mapping) and "pct" in value:
        share = "" if agrees(WHOLE, value["pct"]) else f" {Decimal(str(value['pct'] or 0)).normalize():f} %"
        return f"{plainly(value['account'])}{share}"
    if isinstance(value, Mapping):
        named = (value[key] for key in ("code", "number", "name", "amount") if value.get(key) not in (None, ""))
        return str(next(named, "something else"))
    if isinstance(value, list):
        return " + ".join(map(plainly, value)) or "none"
    return "nothing" if value in (None, "") else str(value)


def rows_of(document: Json, key: str) -> list[Json]:
    """Its lines or charges, in the order of their numbers; as they stand where one has none."""
    rows = [row for row in document.get(key) or () if isinstance(row, Mapping)]
    numbers = [str(row.get("line-num")) for row in rows]
    if all(number.isdigit() for number in numbers):
        rows.sort(key=lambda row: int(str(row["line-num"])))
    return rows


def lines_of(document: Json) -> list[Json]:
    return rows_of(document, "invoice-lines")


def order_lines(document: Json) -> frozenset[str]:
    """The PO lines that it bills, by Coupa's ids."""
    return frozenset(str(line["order-line-id"]) for line in lines_of(document) if line.get("order-line-id"))
