"""(b) Stage, map, match and plan 20,000 invoices of three lines from pages already fetched: invoices a second, peak memory.

The measured part runs in a process of its own, so that its peak memory is its own; PostgreSQL is another process.
"""

import gc
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

from bench.database import fresh_ledger
from bench.figures import Figure, Result
from bench.recorded import NOW, RecordedAmazon, RecordedCoupa, fetched
from bench.rules import live_rules
from procurement.clock import FixedClock
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE, extract, open_run, transform
from procurement.pipelines.windows import RunRequest

ORDERS, LINES = 20_000, 3
TARGET_RATE, TARGET_PLANNED, TARGET_MEGABYTES = 1_500, 1_000, 500


def measure() -> Result:
    folder = fetched(ORDERS, LINES)
    done = subprocess.run(
        [sys.executable, "-m", "bench.invoice_planning", str(folder)], check=True, capture_output=True, text=True
    )
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    rate, planned = values["invoices"] / (values["stage"] + values["plan"]), values["invoices"] / values["plan"]
    figures = [
        Figure("invoices staged and planned per second", rate, "invoices/s", f">= {TARGET_RATE}", rate >= TARGET_RATE),
        Figure("the plan step alone", planned, "invoices/s", f">= {TARGET_PLANNED}", planned >= TARGET_PLANNED),
        Figure(
            "the plan step by CPU time of the process", values["invoices"] / values["plan_cpu"], "invoices/s of a core"
        ),
        Figure(
            "peak memory of the process",
            values["megabytes"],
            "MB",
            f"< {TARGET_MEGABYTES}",
            values["megabytes"] < TARGET_MEGABYTES,
        ),
        Figure("staging", values["stage"], "s"),
        Figure("mapping, matching, keeping the plan", values["plan"], "s"),
        Figure("CPU of the process: staging", values["stage_cpu"], "s"),
        Figure("CPU of the process: mapping, matching, keeping the plan", values["plan_cpu"], "s"),
    ]
    conditions = {
        "invoices": values["invoices"],
        "lines": values["lines"],
        "before": "interpreter, modules and recorded pages loaded",
    }
    return Result("invoice_planning", figures, conditions)


def run(folder: Path) -> dict[str, Any]:
    """Seconds by step, and the process's peak memory."""
    amazon, coupa = RecordedAmazon(folder), RecordedCoupa(folder)
    gc.freeze()  # the recorded pages stand for the two systems: collecting garbage among them is no work of ours
    rules = live_rules("2020-01-01")
    request = RunRequest(dag_id=PIPELINE, run_id="bench", params={"from": "2026-06-01"})
    with fresh_ledger("bench_planning") as ledger:
        run = open_run(ledger, request, rules=rules, clock=FixedClock(NOW))
        cpu = [time.process_time()]
        started = time.perf_counter()
        extract(cast(Any, amazon), ledger, run=run)
        staged = time.perf_counter()
        cpu.append(time.process_time())
        summary = transform(cast(Any, amazon), cast(Any, coupa), ledger, run=run, request=request, rules=rules)
        planned = time.perf_counter()
        cpu.append(time.process_time())
        known = ledger.deliveries.list_by_outcome(PIPELINE, "matched")
    return {
        "invoices": len(known), "lines": LINES, "stage": staged - started, "plan": planned - staged,
        "stage_cpu": cpu[1] - cpu[0], "plan_cpu": cpu[2] - cpu[1],
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "summary": summary,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]))))
