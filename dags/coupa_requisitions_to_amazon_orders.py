"""### Approved Coupa requisitions into Amazon Business orders

Every five minutes, the purchase orders that Coupa made from approved requisitions become Amazon Business orders, each exactly
once; Amazon's order ids go back to the purchase order, and the requester is told.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads the purchase orders that changed in Coupa since the last run, and keeps what is to be ordered |
| `transform` | looks at requisition, approvals, offers and prices, and plans the orders; what cannot be ordered is held with the reason |
| `load` | at the gate, looks once more in Coupa; orders; writes Amazon's order ids and the outcome back |
| `close` | accounts for every purchase order, mails what needs a person |

**Nothing is ordered without approval.** Directly before each order is sent, requisition, approvals and purchase order are read
again. What fails is held with the reason; no option skips it.

**By hand.** *Trigger* opens a form: PO numbers (also to order again what Amazon refused for good), a range of changes in Coupa, or
`dry_run`, which shows the plan and writes nothing.

**When it is red**, or a mail arrives: `docs/runbook.md`. Rules live in `mappings/`: `coupa_requisitions_to_amazon_orders.yml`,
`policies.yml` (`orders`), `accounts.yml`, `rollout.yml`.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from procurement.pipelines import coupa_requisitions_to_amazon_orders as pipeline
from procurement_airflow import tasks
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import DRY_RUN, PO_NUMBERS, UPDATED
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("*/5 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the ledger's coverage decides what is still to be read
    max_active_runs=1,
    params={**PO_NUMBERS, **UPDATED, **DRY_RUN},
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "orders"],
)
def coupa_requisitions_to_amazon_orders() -> None:
    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def extract() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.extract(at.coupa, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def transform() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.transform(at.amazon, at.coupa, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.ORDER_THREADS)
    def load(worker: int) -> dict[str, Any]:
        del worker  # an index only: all workers share one queue
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.load(
                at.amazon,
                at.coupa,
                at.ledger,
                run=run,
                rules=at.rules,
                workers=tasks.ORDER_THREADS,
                seconds=tasks.LOAD_SECONDS,
            )

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        return tasks.close(pipeline)

    extract() >> transform() >> load.expand(worker=tasks.WORKERS) >> close()


coupa_requisitions_to_amazon_orders()
