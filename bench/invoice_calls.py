"""(a) Calls per invoice by operation, and wall time against the floor that rates and bursts allow, on 300 invoices.

The sandbox runs at the published rates in a process of its own; the clients, the ledger and PostgreSQL are the real ones.
The floor is computed from the world: the calls nobody could avoid, less the burst, at the rate, for the slowest bucket.
"""

import math
import time
from datetime import UTC, datetime, timedelta

import requests

from bench.clients import connect_amazon, connect_coupa
from bench.database import fresh_ledger
from bench.figures import Figure, Result
from bench.rules import live_rules
from bench.vendors import count, sandbox_process
from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from procurement.clock import FixedClock
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE, extract, load, open_run, transform
from procurement.pipelines.windows import RunRequest

ORDERS = 375  # of which about 300 become invoices; the rest is paid by card, held, waiting or without a PO
OUTCOMES = ("matched", "within_tolerance", "waiting_for_receipt", "exception")
COUPA_RATE, COUPA_BURST = 25, 20
AMAZON_RATE, AMAZON_BURST = 2, 10  # each Reconciliation operation has a bucket of its own
TARGET_RATIO, TARGET_READS, TARGET_WRITES = 1.15, 0.2, 2.0
WINDOW_DAYS = 90


def measure() -> Result:
    now = datetime.now(UTC).replace(microsecond=0)
    with (
        sandbox_process(now, "quarter", orders=ORDERS) as (amazon_url, coupa_url),
        fresh_ledger("bench_calls") as ledger,
    ):
        rules = live_rules("2020-01-01")
        request = RunRequest(
            dag_id=PIPELINE, run_id="bench", params={"from": (now - timedelta(days=WINDOW_DAYS)).isoformat()}
        )
        amazon, coupa = connect_amazon(amazon_url, ledger.limiter), connect_coupa(coupa_url, ledger.limiter)
        world = unavoidable_calls(amazon_url)
        warm_up(amazon, coupa, now)
        started = time.perf_counter()
        run = open_run(ledger, request, rules=rules, clock=FixedClock(now))
        extract(amazon, ledger, run=run)
        read = time.perf_counter()
        transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
        planned = time.perf_counter()
        load(coupa, ledger, run=run, rules=rules, workers=5, seconds=300)
        ended = time.perf_counter()
        outcomes = {name: len(ledger.deliveries.list_by_outcome(PIPELINE, name)) for name in OUTCOMES}
        amazon_calls, coupa_calls = (
            requests.get(f"{url}/_sandbox/calls", timeout=30).json() for url in (amazon_url, coupa_url)
        )
    invoices, exceptions = sum(outcomes.values()), outcomes["exception"]
    floor = floor_seconds(world, invoices=invoices, exceptions=exceptions)
    seconds = ended - started
    reads = sum(count(coupa_calls, name) for name in coupa_calls["by_operation"] if name.startswith("list_"))
    amazon_reads = sum(count(amazon_calls, name) for name in amazon_calls["by_operation"] if name != "token")
    comments = count(coupa_calls, "create_invoice_comment")
    writes = (coupa_calls["writes_accepted"] - comments) / invoices
    refused = sum(
        answers.get("4xx", 0) for calls in (amazon_calls, coupa_calls) for answers in calls["by_operation"].values()
    )
    figures = [
        Figure(
            "Coupa writes per invoice, comments apart", writes, "calls", f"<= {TARGET_WRITES}", writes <= TARGET_WRITES
        ),
        Figure("comments per exception", comments / max(exceptions, 1), "calls", "<= 1", comments <= exceptions),
        Figure("Coupa reads per invoice", reads / invoices, "calls"),
        Figure("Amazon reads per invoice", amazon_reads / invoices, "calls"),
        Figure(
            "reads per invoice",
            (reads + amazon_reads) / invoices,
            "calls",
            f"<= {TARGET_READS}",
            (reads + amazon_reads) / invoices <= TARGET_READS,
        ),
        Figure("answers 4xx (429 among them)", refused, "calls", "0", refused == 0),
        Figure("floor", floor, "s"),
        Figure("wall time", seconds, "s", f"<= {TARGET_RATIO} x floor", seconds <= TARGET_RATIO * floor),
        Figure("wall time / floor", seconds / floor, "ratio"),
        Figure("reading the feed", read - started, "s"),
        Figure("planning, with its reads", planned - read, "s"),
        Figure("sending", ended - planned, "s"),
    ]
    by_operation = {**amazon_calls["by_operation"], **coupa_calls["by_operation"]}
    return Result(
        "invoice_calls", figures, {"invoices": invoices, "outcomes": outcomes, "by_operation": by_operation, "speed": 1}
    )


def warm_up(amazon: AmazonBusiness, coupa: Coupa, now: datetime) -> None:
    """One call each: a token needs five seconds before Coupa takes it, which is no part of the work measured."""
    list(amazon.payment_details(["0"]))
    list(coupa.currencies())
    time.sleep(6)  # the buckets are full again


def unavoidable_calls(amazon_url: str) -> dict[str, int]:
    """What the world itself holds, from its facts."""
    world = requests.get(f"{amazon_url}/_sandbox/world", timeout=60).json()
    return {"transactions": int(world["facts"]["at_now"]["transactions"])}


def floor_seconds(world: dict[str, int], *, invoices: int, exceptions: int) -> float:
    """The largest, over the buckets, of (unavoidable calls - burst) / rate.

    Coupa: two writes an invoice, a comment an exception, and reading POs and existing invoices by fifties.
    Amazon: pages of 100 transactions (at least one a window of 30 days), and one order line an invoice, 25 a call.
    """
    coupa = 2 * invoices + exceptions + 2 * math.ceil(invoices / 50)
    feed = max(math.ceil(world["transactions"] / 100), math.ceil(WINDOW_DAYS / 30))
    details = math.ceil(invoices / 25)
    return max(
        (coupa - COUPA_BURST) / COUPA_RATE,
        (feed - AMAZON_BURST) / AMAZON_RATE,
        (details - AMAZON_BURST) / AMAZON_RATE,
    )
