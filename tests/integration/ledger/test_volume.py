"""A quarter of a large company in one run: seconds, and memory that does not grow with it."""

import time
from decimal import Decimal

import pytest

from connectors.tally import Tally
from procurement.ledger import Ledger
from procurement.ledger.types import Staged
from tests.integration.ledger.documents import KIND, NOW, SOURCE, charge, invoice_plan, open_run

pytestmark = pytest.mark.integration
INVOICES, LINES = 20_000, 3
PADDING = {f"field{n}": "x" * 40 for n in range(25)}


def heavy(n: int) -> Staged:
    """About 1.5 KB of raw record, as Amazon's transactions are."""
    row = charge(f"T{n:06}", invoice=f"N{n // LINES:06}", amount="10.10")
    return charge(row.key, invoice=row.group_key, amount="10.10", raw={**row.raw, **PADDING}, dated_at=NOW)


def test_sixty_thousand_records_and_twenty_thousand_invoices_take_seconds(ledger: Ledger) -> None:
    run, tally = open_run(ledger), Tally()
    rows = [heavy(n) for n in range(INVOICES * LINES)]
    started = time.monotonic()
    for start in range(0, len(rows), 5_000):
        ledger.records.stage(run, SOURCE, KIND, rows[start : start + 5_000])
    staged = time.monotonic() - started
    for row in rows:
        tally.count(KIND, row.key, row.amount, row.currency)
    ledger.runs.keep_tally(run, SOURCE, tally)

    ids = [row.id for row in ledger.records.to_plan(SOURCE, KIND)]
    records = ledger.records.load(ids)
    plan = invoice_plan(records)
    started = time.monotonic()
    counts = ledger.planning.keep(run, plan)
    planned = time.monotonic() - started

    started = time.monotonic()
    settled = ledger.completeness.settle(run)
    accounted = time.monotonic() - started
    print(f"staged {staged:.1f} s, planned {planned:.1f} s, settled {accounted:.1f} s")
    settled.require()
    assert counts.planned == 2 * INVOICES
    assert settled.money["USD"].waiting == Decimal("10.10") * INVOICES * LINES
    assert staged < 8 * 3
    assert planned < 30
    assert accounted < 15
