"""A month's backfill of spend into budgets: calls and wall time against the floor of both APIs, at the published rates.

The floor counts only what nobody could avoid: the feed's pages, POs and invoices by fifties, the budget lines of the
one period that a month may lie in, and for each adjustment one read before it and the write.
"""

import math
import tempfile
import time
from datetime import UTC, datetime, timedelta

from bench.clients import connect_amazon, connect_coupa
from bench.database import fresh_ledger
from bench.figures import Figure, Result
from bench.invoice_calls import warm_up
from bench.rules import live_rules
from bench.vendors import calls, count, sandbox_process
from connectors.amazon_business.client import AmazonBusiness
from procurement.clock import FixedClock
from procurement.ledger.types import Window
from procurement.pipelines.amazon_spend_to_coupa_budgets import (
    PIPELINE,
    extract,
    load,
    open_run,
    transform,
    watch_budgets,
)
from procurement.pipelines.windows import RunRequest

ORDERS, DAYS = 900, 30  # about 300 orders a month
PAGE, LIST = 100, 50
COUPA_RATE, COUPA_BURST, AMAZON_RATE, AMAZON_BURST = 25, 20, 2, 10
MOST_CALLS, MOST_SECONDS = 1.2, 5.0  # times the floor; beyond the floor


def measure() -> Result:
    now = datetime.now(UTC).replace(microsecond=0)
    with (
        sandbox_process(now, "quarter", orders=ORDERS) as (amazon_url, coupa_url),
        fresh_ledger("bench_spend_calls") as ledger,
        tempfile.TemporaryDirectory() as folder,
    ):
        rules = live_rules("2020-01-01")
        window = Window(now - timedelta(days=DAYS), now)
        request = RunRequest(dag_id=PIPELINE, run_id="bench", kind="backfill", interval=window)
        amazon, coupa = connect_amazon(amazon_url, ledger.limiter), connect_coupa(coupa_url, ledger.limiter)
        warm_up(amazon, coupa, now)
        before_amazon, before_coupa = calls(amazon_url), calls(coupa_url)
        cpu, started = time.process_time(), time.perf_counter()
        run = open_run(ledger, request, rules=rules, clock=FixedClock(now))
        seen = extract(amazon, ledger, run=run)["seen"]
        transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
        sent = load(coupa, ledger, run=run, rules=rules, account=amazon.account, workers=4, seconds=300)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        after_amazon, after_coupa = calls(amazon_url), calls(coupa_url)
        pages = _made(before_amazon, after_amazon, "getTransactions")
        coupa_calls = {
            name: _made(before_coupa, after_coupa, name) for name in after_coupa["by_operation"] if name != "token"
        }
        watched = watch_budgets(
            coupa, ledger, run=run, request=request, rules=rules, account=amazon.account, folder=folder, seconds=60
        )
        adjustments = int(sent["delivered"])
        orders, invoices = unavoidable(amazon, window)
        again = transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
    least_pages = max(math.ceil(seen / PAGE), 1)
    least_coupa = math.ceil(orders / LIST) + math.ceil(invoices / LIST) + 1 + 2 * adjustments
    made = sum(coupa_calls.values())
    floor = max((least_coupa - COUPA_BURST) / COUPA_RATE, (least_pages - AMAZON_BURST) / AMAZON_RATE, 0.0)
    figures = [
        Figure(
            "Coupa calls / unavoidable",
            made / least_coupa,
            "ratio",
            f"<= {MOST_CALLS}",
            made <= MOST_CALLS * least_coupa,
        ),
        Figure(
            "feed pages / unavoidable",
            pages / least_pages,
            "ratio",
            f"<= {MOST_CALLS}",
            pages <= MOST_CALLS * least_pages,
        ),
        Figure(
            "wall time beyond the floor", seconds - floor, "s", f"<= {MOST_SECONDS}", seconds - floor <= MOST_SECONDS
        ),
        Figure("floor", floor, "s"),
        Figure("CPU of our process", cpu, "s"),
        Figure("planned again afterwards", float(again["planned"]), "adjustments", "0", again["planned"] == 0),
    ]
    conditions = {
        "transactions": seen,
        "adjustments": adjustments,
        "coupa_calls": coupa_calls,
        "watched": watched["watched"],
        "speed": 1,
    }
    return Result("spend_calls", figures, conditions)


def unavoidable(amazon: AmazonBusiness, window: Window) -> tuple[int, int]:
    """How many POs, and how many invoices of lines without one, the month's transactions name."""
    orders, invoices = set(), set()
    for raw in (raw for page in amazon.transaction_pages(window.start, window.end) for raw in page):
        for line in raw["transactionLineItems"]:
            if line.get("purchaseOrderNumber"):
                orders.add(line["purchaseOrderNumber"])
            elif raw.get("invoiceNumber"):
                invoices.add(raw["invoiceNumber"])
    return len(orders), len(invoices)


def _made(before: dict[str, object], after: dict[str, object], name: str) -> int:
    return count(after, name) - count(before, name)
