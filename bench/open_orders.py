"""1,000 open Amazon orders followed, and goods receipts for 120 that were just delivered: calls and wall time against the floor, memory.

The sandbox runs at the published rates. The floor of the reading: one order report by date, and lines, shipments and shipped
lines of 30 orders a call; of the receipts: one write a receipt, purchase orders and receipts by fifties. Both pipelines live off
one reading: the second finds nothing due.
"""

import math
import resource
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.clients import connect_amazon, connect_coupa
from bench.database import fresh_ledger
from bench.figures import Figure, Result
from bench.rules import live_rules
from bench.vendors import calls, count, forget_calls, refused, sandbox_process, total
from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.pipelines import amazon_deliveries_to_coupa_receipts as receipts
from procurement.pipelines import amazon_order_status_to_coupa as status
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules

ORDERS, DELIVERED = 1_000, 120
AMAZON_RATE, AMAZON_BURST = 0.5, 10
COUPA_RATE, COUPA_BURST = 25, 20
TARGET_RATIO, MOST_MEMORY = 1.2, 500


def measure() -> Result:
    now = datetime.now(UTC).replace(microsecond=0)
    with (
        sandbox_process(now, "open_orders", orders=ORDERS, delivered=DELIVERED) as urls,
        fresh_ledger("bench_open") as ledger,
    ):
        rules = live_rules(f"{now - timedelta(days=90):%Y-%m-%d}")
        amazon, coupa = connect_amazon(urls[0], ledger.limiter), connect_coupa(urls[1], ledger.limiter)
        list(amazon.payment_details(["0"])), list(coupa.currencies())
        time.sleep(6)  # a token needs five seconds before Coupa takes it; the buckets are full again
        followed, status_seconds, status_calls = timed(follow, amazon, coupa, ledger, rules, now, urls=urls)
        time.sleep(6)
        received, receipt_seconds, receipt_calls = timed(receive, amazon, coupa, ledger, rules, now, urls=urls)
        posted = len(ledger.deliveries.of_keys_like(receipts.PIPELINE, "create_receipt", [""]))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = [
        *status_figures(status_calls, status_seconds, followed),
        *receipt_figures(receipt_calls, receipt_seconds, posted),
        Figure("peak memory", memory, "MB", f"< {MOST_MEMORY}", memory < MOST_MEMORY),
    ]
    by_operation = {"status": status_calls, "receipts": receipt_calls}
    return Result(
        "open_orders",
        figures,
        {"orders": ORDERS, "delivered": DELIVERED, "by_operation": by_operation, "speed": 1, "received": received},
    )


def timed(step: Any, *given: Any, urls: tuple[str, str]) -> tuple[Any, float, dict[str, Any]]:
    """The step's answer, its seconds, and what both vendors counted meanwhile."""
    for url in urls:
        forget_calls(url)
    started = time.perf_counter()
    answer = step(*given)
    seconds = time.perf_counter() - started
    return answer, seconds, {"amazon": calls(urls[0]), "coupa": calls(urls[1])}


def follow(amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, rules: Rules, now: datetime) -> int:
    """How many orders the status pipeline read."""
    request = RunRequest(dag_id=status.PIPELINE, run_id="bench")
    run = status.open_run(ledger, request, rules=rules, clock=FixedClock(now))
    read = status.extract(amazon, ledger, run=run, request=request, rules=rules)
    status.transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
    status.load(coupa, ledger, run=run, rules=rules, workers=4, seconds=600)
    return int(read["orders"])


def receive(amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, rules: Rules, now: datetime) -> dict[str, Any]:
    """The account of a run of the receipts pipeline."""
    request = RunRequest(dag_id=receipts.PIPELINE, run_id="bench")
    run = receipts.open_run(ledger, request, rules=rules, clock=FixedClock(now))
    receipts.extract(amazon, ledger, run=run, request=request, rules=rules)
    receipts.transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
    receipts.load(coupa, ledger, run=run, rules=rules, workers=4, seconds=600)
    return receipts.close(ledger, run=run, rules=rules, send_mail=lambda notice: None)


def status_figures(counted: dict[str, Any], seconds: float, orders: int) -> list[Figure]:
    amazon, coupa = counted["amazon"], counted["coupa"]
    by_order = math.ceil(ORDERS / 30)
    writes = coupa["writes_accepted"]
    coupa_calls = writes + math.ceil(ORDERS / 50)
    floor = max((by_order - AMAZON_BURST) / AMAZON_RATE, (coupa_calls - COUPA_BURST) / COUPA_RATE)
    least = 3 * by_order + math.ceil(ORDERS / 100)
    return [
        Figure("status: orders read", orders, "orders", f"{ORDERS}", orders == ORDERS),
        Figure("status: Amazon calls", total(amazon), "calls", f"<= {least + 2}", total(amazon) <= least + 2),
        Figure("status: Coupa reads", total(coupa) - writes, "calls"),
        Figure("status: Coupa writes", writes, "calls"),
        Figure("status: answers 4xx", refused(amazon, coupa), "calls", "0", refused(amazon, coupa) == 0),
        Figure("status: floor", floor, "s"),
        Figure("status: wall time / floor", seconds / floor, "ratio", f"<= {TARGET_RATIO}", seconds <= TARGET_RATIO * floor),
    ]  # fmt: skip


def receipt_figures(counted: dict[str, Any], seconds: float, posted: int) -> list[Figure]:
    amazon, coupa = counted["amazon"], counted["coupa"]
    writes = coupa["writes_accepted"]
    floor = max((writes + 2 * math.ceil(DELIVERED / 50) - COUPA_BURST) / COUPA_RATE, 0.1)
    tracking = count(amazon, "getPackageTrackingDetails")
    return [
        Figure("receipts: posted", posted, "receipts"),
        Figure("receipts: Amazon calls", total(amazon), "calls", "0 but tracking", total(amazon) == tracking),
        Figure("receipts: tracking calls per delivered package", tracking / DELIVERED, "calls", "<= 1", tracking <= DELIVERED),
        Figure("receipts: Coupa reads", total(coupa) - writes, "calls"),
        Figure("receipts: Coupa writes", writes, "calls"),
        Figure("receipts: answers 4xx", refused(amazon, coupa), "calls", "0", refused(amazon, coupa) == 0),
        Figure("receipts: floor", floor, "s"),
        Figure("receipts: wall time / floor", seconds / floor, "ratio"),
    ]  # fmt: skip
