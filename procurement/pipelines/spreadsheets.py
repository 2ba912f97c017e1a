"""Lists as CSV for people who open them in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

FORMULA = re.compile(r"[=+\-@\t\r]")  # what a spreadsheet would take for a formula


def words(text: str | None) -> str:
    """Text that no spreadsheet runs; None is an empty cell. Amounts are not words: a minus sign is theirs to keep."""
    if text is None:
        return ""
    return f"'{text}" if FORMULA.match(text) else text


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
