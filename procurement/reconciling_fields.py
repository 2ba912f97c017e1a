"""What people changed in an invoice of ours: the body that was sent against Coupa's JSON, field by field. Pure.

Only fields that were sent are compared, since Coupa fills many others by itself.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from procurement.reconciliation_rules import ReconciliationFile

Json = Mapping[str, Any]


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
    return [
        f"{place}{name.replace('-', ' ')} was {plainly(sent[name])}, is {plainly(shown.get(name))}"
        for name in names
        if sent.get(name) not in (None, "") and not agrees(sent[name], shown.get(name))
    ]


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
