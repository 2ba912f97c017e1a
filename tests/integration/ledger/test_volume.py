"""Work grows with the documents, not with their square. The figures at full size are in the benchmarks."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import pytest

from connectors.tally import Tally
from procurement.ledger import Ledger
from procurement.ledger.account import Completeness
from procurement.ledger.types import PlanCounts
from tests.integration.ledger.documents import KIND, SOURCE, charge, invoice_plan, open_run

pytestmark = pytest.mark.integration
INVOICES, LINES = 3_000, 3
Result = TypeVar("Result")


def test_thousands_of_invoices_are_staged_planned_planned_again_and_settled_in_seconds(ledger: Ledger) -> None:
    run, tally = open_run(ledger), Tally()
    rows = [charge(f"T{n:06}", invoice=f"N{n // LINES:06}", amount="10.10") for n in range(INVOICES * LINES)]
    for row in rows:
        tally.count(KIND, row.key, row.amount, row.currency)
    ledger.runs.keep_tally(run, SOURCE, tally)
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Result]) -> Result:
        started = time.monotonic()
        result = work()
        seconds[name] = time.monotonic() - started
        return result

    timed("stage", lambda: ledger.records.stage(run, SOURCE, KIND, rows))
    plan = invoice_plan(ledger.records.load([row.id for row in ledger.records.to_plan(SOURCE, KIND)]))
    first: PlanCounts = timed("plan", lambda: ledger.planning.keep(run, plan))
    again: PlanCounts = timed("plan again", lambda: ledger.planning.keep(run, plan))
    settled: Completeness = timed("settle", lambda: ledger.completeness.settle(run))
    settled.require()
    assert (first.planned, again.unchanged) == (2 * INVOICES, 2 * INVOICES)
    assert settled.money["USD"].waiting == Decimal("10.10") * INVOICES * LINES
    assert seconds["plan again"] < 3 * seconds["plan"] + 1, seconds
    assert max(seconds.values()) < 30, seconds
