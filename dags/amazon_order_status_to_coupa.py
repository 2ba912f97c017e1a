"""### Amazon Business order status into Coupa

Every fifteen minutes, the open Amazon orders are read again, and what happened to them reaches the Coupa purchase order: part
shipments, delays, cancellations, price changes, returns, refunds.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads the orders that are still open, with their lines and shipments, 30 orders a call |
| `transform` | works out what changed, and plans the actions that `order_status.yml` gives for it |
| `load` | comments, closes lines, changes or cancels purchase orders; each exactly once |
| `close` | accounts for every order, mails what needs a person |

The state of an order follows from what was ever seen of it, not from the order in which it was seen: reading twice, or late,
changes nothing.

**By hand.** *Trigger* opens a form: order ids to read now, a range of order dates to look for orders placed outside, or `dry_run`,
which shows the plan and writes nothing.

**When it is red**, or a mail arrives: `docs/runbook.md`. Rules live in `mappings/`: `order_status.yml`, `policies.yml`, `rollout.yml`.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from procurement.pipelines import amazon_order_status_to_coupa as pipeline
from procurement_airflow import tasks
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import DRY_RUN, ORDER_IDS, ORDERED
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("*/15 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the ledger knows which orders are open
    max_active_runs=1,
    params={**ORDER_IDS, **ORDERED, **DRY_RUN},
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "orders"],
)
def amazon_order_status_to_coupa() -> None:
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

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        return tasks.close(pipeline)

    extract() >> transform() >> load.expand(worker=tasks.WORKERS) >> close()


amazon_order_status_to_coupa()
