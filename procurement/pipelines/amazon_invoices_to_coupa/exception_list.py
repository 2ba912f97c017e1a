"""The exceptions that nobody settled, as a list for accounts payable: what differs, by which rule, over how much money.

One row a difference beyond its limit; the document's whole difference by cause stands on its first row, so that a column
adds up.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.types import Finding
from procurement.ledger.waits import OpenInvoice
from procurement.matching import PARTS, Variance
from procurement.pipelines.amazon_invoices_to_coupa.drafts import number_of
from procurement.pipelines.spreadsheets import csv_text, words

Json = dict[str, Any]
NAME = "exceptions.csv"
COLUMNS = (
    "invoice", "amount", "currency", "status in Coupa", "since", "days", "kind", "line", "what differs", "rule", "money",
    "difference", *PARTS,
)  # fmt: skip


def exceptions_csv(ledger: Ledger, exceptions: Sequence[OpenInvoice], *, now: datetime) -> str:
    """Oldest first. Amounts are plain numbers, negative where too little is billed."""
    ids = [one.id for one in exceptions]
    findings: dict[int, list[Finding]] = {id: [] for id in ids}
    for finding in ledger.findings.of_deliveries(ids):
        if finding.breached and finding.delivery_id is not None:
            findings[finding.delivery_id].append(finding)
    variances = ledger.deliveries.variances(ids)
    oldest_first = sorted(exceptions, key=lambda one: (one.since, one.business_key))
    return csv_text(
        COLUMNS,
        [
            row
            for one in oldest_first
            for row in exception_rows(one, findings[one.id], variances.get(one.id, {}), now=now)
        ],
    )


def exception_rows(
    one: OpenInvoice, findings: Sequence[Finding], variance: Mapping[str, Any], *, now: datetime
) -> Iterator[list[object]]:
    document = [
        words(number_of(one.business_key)), "" if one.amount is None else f"{one.amount:f}", one.currency or "",
        one.status, f"{one.since:%Y-%m-%d}", (now - one.since).days,
    ]  # fmt: skip
    causes = parts_of(variance)
    for place, found in enumerate(findings):
        money = "" if found.money is None else f"{found.money.amount:f}"
        what = [found.kind, found.line or "", words(found.sentence), found.rule or "", money]
        yield [*document, *what, *(causes if place == 0 else [""] * len(causes))]


def parts_of(variance: Mapping[str, Any]) -> list[str]:
    """The whole difference and its parts, in the order of COLUMNS; empty where no match kept one."""
    if not variance:
        return [""] * (1 + len(PARTS))
    kept = Variance.read(variance)
    return [f"{money.amount:f}" for money in (kept.difference, *(getattr(kept, name) for name in PARTS))]
