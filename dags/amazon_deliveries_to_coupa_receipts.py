"""### Amazon Business deliveries into Coupa goods receipts

Every fifteen minutes, what Amazon delivered becomes a goods receipt in Coupa; the purchase order moves on, the requester is told
once everything is there, and the invoices that wait for the receipt are matched again at once.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads the orders that are still open, unless the status pipeline just did |
| `transform` | holds each delivered shipment line against purchase order and receipts, and plans what to post, void or return |
| `load` | posts the goods receipts; each exactly once |
| `announce` | wakes the invoice pipeline; skipped when nothing was received |
| `close` | accounts for every shipped line, mails what needs a person |

**Delivery is not always receipt.** By value, commodity or Amazon's own receiving, a person must confirm: they are asked by a comment,
and silence never receives. What people received themselves is never received twice.

**By hand.** *Trigger* opens a form: order ids to read now, or `dry_run`, which shows the plan and writes nothing.

**When it is red**, or a mail arrives: `docs/runbook.md`. Rules live in `mappings/`: `amazon_deliveries_to_coupa_receipts.yml`,
`policies.yml` (`receipts`), `rollout.yml`.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from procurement.pipelines import amazon_deliveries_to_coupa_receipts as pipeline
from procurement_airflow import tasks
from procurement_airflow.assets import GOODS_RECEIPTS
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import DRY_RUN, ORDER_IDS
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("*/15 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the ledger knows which orders are open
    max_active_runs=1,
    params={**ORDER_IDS, **DRY_RUN},
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "receipts"],
)
def amazon_deliveries_to_coupa_receipts() -> None:
    @task(pool="amazon_business_api")
    def extract() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.extract(at.amazon, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def transform() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.transform(at.amazon, at.coupa, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.CHANGE_THREADS)
    def load(worker: int) -> dict[str, Any]:
        del worker  # an index only: all workers share one queue
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.load(
                at.coupa, at.ledger, run=run, rules=at.rules, workers=tasks.CHANGE_THREADS, seconds=tasks.LOAD_SECONDS
            )

    @task(outlets=[GOODS_RECEIPTS], trigger_rule="all_done")  # what was posted before a failure wakes them, too
    def announce() -> int:
        with tasks.workbench() as at:
            return tasks.skip_unless(pipeline.new_receipts(at.ledger, run=at.open(pipeline.open_run)))

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        return tasks.close(pipeline)

    extract() >> transform() >> load.expand(worker=tasks.WORKERS) >> announce() >> close()


amazon_deliveries_to_coupa_receipts()
