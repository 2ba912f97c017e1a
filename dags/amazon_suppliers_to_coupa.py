"""### Amazon Business sellers into Coupa suppliers

Every day, the sellers behind new purchases are recognised, and those that a rule wants are taken on as Coupa suppliers: not
orderable, payment on hold, until people decide.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads the charges and refunds that became visible, and their order lines; joins them into what is known of each seller |
| `transform` | which spellings are one seller, which sellers Coupa knows already, which are past a rule; plans new suppliers |
| `follow_up` | what people decided about the suppliers created earlier: approved or rejected; plans invitations, where switched on |
| `load` | creates the suppliers, each exactly once |
| `close` | accounts for every seller; mails the procurement team each new supplier once, and the review list once a week |

As shipped nothing is created: sellers past a rule go to the **review list**, and a person decides in `suppliers.yml`. Two
spellings that may be one seller, or a seller that may be a supplier of Coupa's, are never joined by themselves: they go there, too.

**By hand.** *Trigger* opens a form: a feed range, or `dry_run`, which shows the plan and writes nothing. A *backfill* reads exactly its
range. Both are harmless for what is already in Coupa.

**When it is red**, or a mail arrives: `docs/runbook.md`. Rules live in `mappings/`: `suppliers.yml`, `commodities.yml`, `rollout.yml`;
`docs/suppliers.md` explains them.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from procurement.pipelines import amazon_suppliers_to_coupa as pipeline
from procurement_airflow import tasks
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import DRY_RUN, WINDOW
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("30 5 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the ledger's coverage decides what is still to be read
    max_active_runs=1,
    params={**WINDOW, **DRY_RUN},
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "suppliers"],
)
def amazon_suppliers_to_coupa() -> None:
    @task(pool="amazon_business_api")
    def extract() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.extract(at.amazon, at.ledger, run=at.open(pipeline.open_run), rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def transform() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.transform(at.amazon, at.coupa, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def follow_up() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.follow_up(at.coupa, at.ledger, run=at.open(pipeline.open_run), rules=at.rules)

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

    extract() >> transform() >> follow_up() >> load.expand(worker=tasks.WORKERS) >> close()


amazon_suppliers_to_coupa()
