"""The mail about a reconciliation: the account, the first differences, the whole list attached."""

from io import StringIO
from pathlib import Path
from typing import Any

from procurement.ledger.types import Run
from procurement.pipelines.reconciliation.results import WORDS, Result, write_csv
from procurement.policies import Rules

MOST_LISTED = 50
LARGEST_ATTACHMENT = 2_000_000  # characters; beyond it the mail names the file only


def wanted(result: Result, rules: Rules) -> bool:
    mail = rules.reconciliation.mail
    return mail == "always" or (mail == "red" and not result.green)


def write(result: Result, *, run: Run, rules: Rules, path: Path) -> dict[str, Any]:
    """Recipients, subject, text, and the CSV as an attachment."""
    window = run.window
    span = f"Range {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC." if window else ""
    text = "\n".join(
        [result.line + ".", span, "", *account_lines(result), *difference_lines(result), "", f"All rows: {path}"]
    )
    attached = StringIO()
    write_csv(attached, result.differences)
    attachments = [{"name": path.name, "text": attached.getvalue()}]
    return {
        "to": list(rules.reconciliation.recipients or rules.policies.alert_recipients),
        "subject": f"Reconciliation {result.verdict}",
        "text": text,
        "attachments": attachments if len(attached.getvalue()) <= LARGEST_ATTACHMENT else [],
    }


def account_lines(result: Result) -> list[str]:
    """Seen and where it is, in documents and money."""
    columns = ["transactions", *result.money]
    lines = [f"{'':<10}" + "".join(f"{name:>16}" for name in columns)]
    for word in WORDS:
        amounts = "".join(f"{account[word]:>16}" for account in result.money.values())
        lines.append(f"{word:<10}{result.documents[word]:>16,}{amounts}")
    return lines + [f"Never read: {gap['from']} to {gap['to']}" for gap in result.gaps]


def difference_lines(result: Result) -> list[str]:
    lines = [
        f"{row['kind'].replace('_', ' ')}: {row['invoice_number'] or row['transaction']}. {row['sentence']}"
        for row in result.differences[:MOST_LISTED]
    ]
    left = len(result.differences) - MOST_LISTED
    return ["", *lines, *([f"... and {left} more"] if left > 0 else [])] if lines else []
