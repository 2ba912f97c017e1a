"""A catalog of 10,000 articles, 2 % of them with another price today: calls to both vendors and wall time against the floor.

At the published rates: Amazon's half a call a second makes it eleven minutes. The floor counts what nobody could avoid:
articles by thirties at Amazon, supplier items and items by fifties in Coupa, one write a changed price.
"""

import math
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bench.clients import connect_amazon, connect_coupa
from bench.database import fresh_ledger
from bench.figures import Figure, Result
from bench.rules import live_rules
from bench.vendors import calls, count, forget_calls, refused, sandbox_process, total
from procurement.clock import FixedClock
from procurement.pipelines.amazon_catalog_to_coupa import PIPELINE, extract, load, open_run, transform
from procurement.pipelines.windows import RunRequest

ARTICLES, CHANGED_PERCENT, USUAL = 10_000, 2, 11  # the world's usual contract articles come beside them
SPEED = 1.0
AMAZON_RATE, AMAZON_BURST = 0.5, 10
COUPA_RATE, COUPA_BURST = 25, 20
TARGET_CALLS, TARGET_TIME = 1.05, 1.15


def measure() -> Result:
    now = datetime.now(UTC).replace(microsecond=0)
    with (
        sandbox_process(now, "catalog", speed=SPEED, articles=ARTICLES, changed=CHANGED_PERCENT) as (
            amazon_url,
            coupa_url,
        ),
        fresh_ledger("bench_catalog") as ledger,
    ):
        rules = live_rules(f"{now:%Y-%m-%d}")
        quiet = rules.catalog.reading.model_copy(update={"bought_days": 0})
        requisitions = rules.catalog.requisitions.model_copy(update={"reprice": False})
        rules = replace(
            rules, catalog=rules.catalog.model_copy(update={"reading": quiet, "requisitions": requisitions})
        )
        amazon = connect_amazon(amazon_url, ledger.limiter, multiplier=SPEED)
        coupa = connect_coupa(coupa_url, ledger.limiter, multiplier=SPEED)
        list(amazon.payment_details(["0"])), list(coupa.currencies())
        time.sleep(6)  # a token needs five seconds before Coupa takes it; the buckets are full again
        for url in (amazon_url, coupa_url):
            forget_calls(url)
        request = RunRequest(dag_id=PIPELINE, run_id="bench")
        started, cpu = time.perf_counter(), time.process_time()
        run = open_run(ledger, request, rules=rules, clock=FixedClock(now))
        given: dict[str, Any] = {"run": run, "request": request, "rules": rules}
        extract(amazon, coupa, ledger, **given)
        transform(amazon, coupa, ledger, **given)
        load(coupa, ledger, run=run, rules=rules, account=amazon.account, workers=2, seconds=900)
        seconds, busy = time.perf_counter() - started, time.process_time() - cpu
        counted = {"amazon": calls(amazon_url), "coupa": calls(coupa_url)}
    conditions = {"articles": ARTICLES, "changed_percent": CHANGED_PERCENT, "speed": SPEED, "by_operation": counted}
    return Result("catalog_calls", figures_of(counted, seconds=seconds, busy=busy), conditions)


def figures_of(counted: dict[str, Any], *, seconds: float, busy: float) -> list[Figure]:
    amazon, coupa = counted["amazon"], counted["coupa"]
    articles = ARTICLES + USUAL
    asked = math.ceil(articles / 30)
    written = count(coupa, "update_supplier_item")
    made = count(coupa, "create_item") + count(coupa, "create_supplier_item")
    needed = 2 * math.ceil(articles / 50) + ARTICLES * CHANGED_PERCENT // 100
    floor = max(
        (asked - AMAZON_BURST * SPEED) / (AMAZON_RATE * SPEED),
        (needed - COUPA_BURST * SPEED) / (COUPA_RATE * SPEED),
    )
    return [
        Figure("Amazon calls / floor", total(amazon) / asked, "ratio", f"<= {TARGET_CALLS}", total(amazon) <= TARGET_CALLS * asked),
        Figure("Coupa calls / floor", total(coupa) / needed, "ratio", f"<= {TARGET_CALLS}", total(coupa) <= TARGET_CALLS * needed),
        Figure("Amazon calls", total(amazon), "calls"),
        Figure("Coupa reads", total(coupa) - written - made, "calls"),
        Figure("supplier items written", written, "calls"),
        Figure("answers 4xx", refused(amazon, coupa), "calls", "0", refused(amazon, coupa) == 0),
        Figure("floor", floor, "s"),
        Figure("wall time / floor", seconds / floor, "ratio", f"<= {TARGET_TIME}", seconds <= TARGET_TIME * floor),
        Figure("CPU time", busy, "s"),
    ]  # fmt: skip
