"""The leakage report of a run: CSV in the reports' folder, sums and largest rows in the run's output."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from procurement.compliance.leakage import as_csv, largest, totals
from procurement.ledger import Ledger
from procurement.ledger.types import Run

Json = dict[str, Any]
MOST_SHOWN = 50


def since_of(now: datetime, months: int) -> datetime:
    """The first moment of the month so many whole months ago."""
    first = now.year * 12 + now.month - 1 - months
    return datetime(first // 12, first % 12 + 1, 1, tzinfo=UTC)


def write(ledger: Ledger, *, run: Run, months: int, folder: str) -> Json:
    """Of every account in the ledger. One file a day, which the runs of the day bring up to date."""
    since = since_of(run.now, months)
    rows = ledger.compliance.leakage(since=since)
    path = Path(folder) / f"leakage-{run.now:%Y-%m-%d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_csv(rows), encoding="utf-8", newline="")
    leaking = sorted(
        (row for row in rows if row.off_contract), key=lambda row: (-row.off_contract, str(row.month), row.seller)
    )
    return {
        "file": str(path), "since": f"{since:%Y-%m-%d}", "goods": totals(rows),
        "by_cost_center": [_largest(*one) for one in largest(rows, "cost_center")],
        "by_seller": [_largest(*one) for one in largest(rows, "seller")],
        "by_buyer": [_largest(*one) for one in largest(rows, "buyer")],
        "by_month": [
            _largest(month[:7], currency, amount) for month, currency, amount in largest(rows, "month", most=MOST_SHOWN)
        ],
        "rows": [
            {
                "month": f"{row.month:%Y-%m}", "cost_center": row.cost_center, "seller": row.seller, "buyer": row.buyer,
                "off_contract": f"{row.currency} {row.off_contract}",
            }
            for row in leaking[:MOST_SHOWN]
        ],
    }  # fmt: skip


def _largest(name: str, currency: str, amount: Any) -> Json:
    return {"name": name, "off_contract": f"{currency} {amount}"}
