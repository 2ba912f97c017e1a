"""200 purchase orders of four lines into Amazon orders: calls per PO and wall time against the floor, with and without a trial.

The sandbox runs four times as fast as published, clock, rates and bursts alike, and our buckets with it.
The floor counts what nobody could avoid: one placeOrder a PO (two with a trial), the gate's two reads and two writes in
Coupa, offers and products by thirties, POs and requisitions by fifties.
"""

import math
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.clients import connect_amazon, connect_coupa
from bench.database import fresh_ledger
from bench.figures import Figure, Result
from bench.rules import live_rules
from bench.vendors import calls, count, forget_calls, refused, sandbox_process, total
from procurement.clock import FixedClock
from procurement.pipelines.coupa_requisitions_to_amazon_orders import PIPELINE, extract, load, open_run, transform
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules

POS, LINES = 200, 4
SPEED = 4.0
AMAZON_RATE, AMAZON_BURST = 0.5, 10
COUPA_RATE, COUPA_BURST = 25, 20
GATE_READS, WRITES = 2, 2  # write-back and comment
TARGET_RATIO = 1.15


def measure() -> Result:
    figures: list[Figure] = []
    by_operation: dict[str, Any] = {}
    for trial in (False, True):
        counted, seconds, ordered = run_once(trial=trial)
        by_operation["with trial" if trial else "without trial"] = counted
        figures += figures_of(counted, seconds=seconds, ordered=ordered, trial=trial)
    return Result("order_calls", figures, {"pos": POS, "lines": LINES, "speed": SPEED, "by_operation": by_operation})


def run_once(*, trial: bool) -> tuple[dict[str, Any], float, int]:
    """What both vendors counted, machine seconds, and how many POs were ordered."""
    now = datetime.now(UTC).replace(microsecond=0)
    name = "bench_orders_trial" if trial else "bench_orders"
    with (
        sandbox_process(now, "buying_plain", speed=SPEED, orders=POS, lines=LINES) as (amazon_url, coupa_url),
        fresh_ledger(name) as ledger,
    ):
        rules = with_trial(live_rules(f"{now - timedelta(days=10):%Y-%m-%d}"), trial=trial)
        amazon = connect_amazon(amazon_url, ledger.limiter, multiplier=SPEED)
        coupa = connect_coupa(coupa_url, ledger.limiter, multiplier=SPEED)
        list(amazon.payment_details(["0"])), list(coupa.currencies())
        time.sleep(6)  # a token needs five seconds before Coupa takes it; the buckets are full again
        for url in (amazon_url, coupa_url):
            forget_calls(url)
        request = RunRequest(dag_id=PIPELINE, run_id="bench")
        started = time.perf_counter()
        run = open_run(ledger, request, rules=rules, clock=FixedClock(now))
        extract(coupa, ledger, run=run, request=request, rules=rules)
        transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
        load(amazon, coupa, ledger, run=run, rules=rules, workers=1, seconds=900)
        seconds = time.perf_counter() - started
        ordered = int(ledger.completeness.population(PIPELINE).documents.delivered)
        counted = {"amazon": calls(amazon_url), "coupa": calls(coupa_url)}
    return counted, seconds, ordered


def with_trial(rules: Rules, *, trial: bool) -> Rules:
    orders = rules.policies.orders.model_copy(update={"trial_mode": "always" if trial else "off"})
    return replace(rules, policies=rules.policies.model_copy(update={"orders": orders}))


def figures_of(counted: dict[str, Any], *, seconds: float, ordered: int, trial: bool) -> list[Figure]:
    amazon, coupa = counted["amazon"], counted["coupa"]
    placed, suffix = count(amazon, "placeOrder"), "with trial" if trial else "without trial"
    floor = floor_seconds(trial=trial)
    target = 2 if trial else 1
    hour = AMAZON_RATE * 3600 / target
    return [
        Figure(f"POs ordered, {suffix}", ordered, "POs", f"{POS}", ordered == POS),
        Figure(f"placeOrder per PO, {suffix}", placed / POS, "calls", f"{target}", placed == target * POS),
        Figure(f"Amazon reads per PO, {suffix}", (total(amazon) - placed) / POS, "calls"),
        Figure(f"Coupa calls per PO, {suffix}", total(coupa) / POS, "calls"),
        Figure(f"answers 4xx, {suffix}", refused(amazon, coupa), "calls", "0", refused(amazon, coupa) == 0),
        Figure(f"floor, {suffix}", floor, "s"),
        Figure(f"wall time / floor, {suffix}", seconds / floor, "ratio", f"<= {TARGET_RATIO}", seconds <= TARGET_RATIO * floor),
        Figure(f"orders a company can place, {suffix}", hour, "per hour"),
    ]  # fmt: skip


def floor_seconds(*, trial: bool) -> float:
    """The largest, over the buckets, of (unavoidable calls - burst) / rate, at the sandbox's speed."""
    placed = POS * (2 if trial else 1)
    coupa = POS * (GATE_READS + WRITES) + 3 * math.ceil(POS / 50)
    return max(
        (placed - AMAZON_BURST * SPEED) / (AMAZON_RATE * SPEED), (coupa - COUPA_BURST * SPEED) / (COUPA_RATE * SPEED)
    )
