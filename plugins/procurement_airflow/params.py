"""The form of a manual run, shared by the window pipelines."""

from typing import Any

from airflow.sdk import Param

MOMENT: dict[str, Any] = {"type": ["null", "string"], "format": "date-time"}
WINDOW = {
    "from": Param(
        None, **MOMENT, title="From", description="first moment of the feed (UTC); empty: what is still unread"
    ),
    "to": Param(None, **MOMENT, title="To", description="end of the feed to read; empty: now"),
}
DRY_RUN = {
    "dry_run": Param(False, type="boolean", title="Plan only", description="show what would be written, write nothing")
}
INVOICE_NUMBERS = {
    "invoice_numbers": Param(
        [], type="array", items={"type": "string"}, title="Invoice numbers",
        description="plan these again, also when they were skipped (before go-live) or held: one a line",
    )
}  # fmt: skip
