"""The steps as the DAG calls them. Each can be repeated after any crash; each returns ids, counts and at most 50 rows."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from procurement.errors import Unreconciled
from procurement.ledger import Ledger
from procurement.ledger.types import Run, Window
from procurement.pipelines import closing
from procurement.pipelines.amazon_invoices_to_coupa.drafts import PIPELINE as INVOICES
from procurement.pipelines.reconciliation import mails
from procurement.pipelines.reconciliation.amazon_side import AmazonSide
from procurement.pipelines.reconciliation.coupa_side import CoupaReads, CoupaSide, is_unread, sources_of
from procurement.pipelines.reconciliation.results import (
    Result,
    account_row,
    difference_row,
    keep,
    read_difference,
    read_result,
    write_csv,
)
from procurement.pipelines.reconciliation.scope import PIPELINE, Scope, open_run, read_scope
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules

Summary = dict[str, Any]
MOST_SHOWN = 50
__all__ = ["PIPELINE", "close", "compare", "extract", "open_run", "report"]


def extract(amazon: AmazonBusiness, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules) -> Summary:
    """Reads the range of Amazon's feed again and holds it against the ledger; stages nothing."""
    if run.window is None:
        keep(ledger, run, "extract", [])
        return {"run": run.id, "seen": 0}
    source = amazon_source(amazon.account)
    scope = read_scope(request, run, source=source, account=amazon.account, rules=rules)
    side = AmazonSide(amazon, ledger, scope)
    differences = [difference_row(one) for one in side.differences()]
    gaps = [
        {"row": "gap", "from": gap.start.isoformat(), "to": gap.end.isoformat()} for gap in unread_gaps(ledger, scope)
    ]
    account = account_row(side.sums, account=amazon.account, source=source, repeats=side.repeats)
    keep(ledger, run, "extract", [account, *gaps, *differences])
    return {"run": run.id, "seen": account["documents"]["seen"], "differences": len(differences), "gaps": len(gaps)}


def unread_gaps(ledger: Ledger, scope: Scope) -> list[Window]:
    """Stretches of the range, since go-live, that the invoice pipeline never read."""
    assert scope.window is not None
    since = max(scope.window.start, scope.began_at or scope.window.start)
    return ledger.coverage.missing(INVOICES, since=since, until=scope.window.end)


def compare(coupa: CoupaReads, ledger: Ledger, *, run: Run, request: RunRequest, rules: Rules) -> Summary:
    """Holds the ledger's documents against Coupa and Coupa's against the ledger; after `extract`."""
    rows = [row for row in ledger.plans.of(run) if row["step"] == "extract"]
    account = next((row for row in rows if row["row"] == "account"), None)
    if account is None:
        return {"run": run.id, "documents": 0, "differences": 0}
    scope = read_scope(request, run, source=account["source"], account=account["account"], rules=rules)
    read = [read_difference(row) for row in rows if row["row"] == "difference"]
    side = CoupaSide(coupa, ledger, scope, rules=rules, sources=sources_of(rules, account["source"]))
    found = [
        difference_row(one, replaces=replaces) for one, replaces in side.differences(list(filter(is_unread, read)))
    ]
    keep(ledger, run, "compare", [{"row": "coupa", "documents": side.documents}, *found])
    return {"run": run.id, "documents": side.documents, "differences": len(found)}


def report(ledger: Ledger, *, run: Run, rules: Rules, folder: str) -> Summary:
    """Writes the differences as CSV into `folder`, plans the mail, and returns the counts and the first rows."""
    result = read_result(ledger, run)
    if result is None:
        return {"run": run.id, "result": "nothing was to be compared"}
    path = Path(folder) / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', run.run_id)}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        write_csv(file, result.differences)
    if mails.wanted(result, rules):
        body = mails.write(result, run=run, rules=rules, path=path)
        ledger.notices.add(f"{PIPELINE}/{run.run_id}", "reconciliation", body)
    return {
        "run": run.id, **counts(result), "file": str(path), "rows": [shown(row) for row in result.differences[:MOST_SHOWN]],
    }  # fmt: skip


def counts(result: Result) -> Summary:
    return {
        "result": "green" if result.green else "red", "line": result.line, "documents": dict(result.documents),
        "money": {currency: dict(account) for currency, account in result.money.items()}, "invoices": result.invoices,
        "kinds": result.kinds, "gaps": list(result.gaps), "differences": len(result.differences),
    }  # fmt: skip


def shown(row: Summary) -> Summary:
    """A difference as the task's output shows it: what is filled, and nothing of the ledger's own bookkeeping."""
    return {
        key: value for key, value in row.items() if value not in (None, []) and key not in ("row", "step", "replaces")
    }


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: closing.SendMail, failed_upstream: Sequence[str] = ()
) -> Summary:
    """Sends the mails, then raises Unreconciled unless both sides agree; after everything is written."""
    closing.send_pending(ledger, send_mail)
    result = read_result(ledger, run)
    if result is None:
        return {"run": run.id, "result": "nothing was compared", "failed": list(failed_upstream)}
    if failed_upstream:
        return {"run": run.id, "result": "unfinished", "failed": list(failed_upstream)}
    if not result.green:
        raise Unreconciled(f"{result.line}. The differences are in the output of `report`, in its CSV and in the mail.")
    return {"run": run.id, **counts(result), "failed": []}
