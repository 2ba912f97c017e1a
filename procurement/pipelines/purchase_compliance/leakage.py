"""The leakage report of a run: CSV in the run's folder and in the ledger's mail of the month, sums in the run's output."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from procurement.compliance.leakage import as_csv, largest, totals
from procurement.ledger import Ledger
from procurement.ledger.types import Run

Json = dict[str, Any]
MOST_SHOWN = 50
MONTHS = 12


def since_of(now: datetime) -> datetime:
    """The first moment of the month a year ago: twelve whole months and the present one."""
    months = now.year * 12 + now.month - 1 - MONTHS
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def write(ledger: Ledger, *, run: Run, folder: str) -> Json:
    """The last twelve months and the present one, of every account in the ledger."""
    rows = ledger.compliance.leakage(since=since_of(run.now))
    path = Path(folder) / f"leakage-{re.sub(r'[^A-Za-z0-9._-]+', '_', run.run_id)}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_csv(rows), encoding="utf-8", newline="")
    leaking = sorted(
        (row for row in rows if row.off_contract), key=lambda row: (-row.off_contract, str(row.month), row.seller)
    )
    return {
        "file": str(path), "goods": totals(rows),
        "by_cost_center": [_largest(*one) for one in largest(rows, "cost_center")],
        "by_seller": [_largest(*one) for one in largest(rows, "seller")],
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
