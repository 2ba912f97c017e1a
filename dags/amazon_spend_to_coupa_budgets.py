"""### Amazon Business spend into Coupa budgets

Every day, what was bought at Amazon Business outside Coupa's purchase orders and invoices reaches Coupa's budget lines, and
budgets that are approached or exceeded are told to the people who own them.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads the charges and refunds that became visible since the last run, and keeps them |
| `transform` | categorises each line, leaves to Coupa what it counts (every run asks again), plans one adjustment a budget line and period |
| `load` | posts the adjustments; they are only ever added, and each exactly once |
| `watch_budgets` | compares spent, committed and forecast with the thresholds; a task in Coupa for each crossing; charts and report |
| `close` | accounts for every transaction and every cent, mails crossings and what is held; red if anything is unaccounted for |

**By hand.** *Trigger* opens a form: a feed range (`from`, `to`) or `dry_run`, which shows the plan and writes nothing. A *backfill*
reads exactly its range. Both are harmless for what was posted already.

**When it is red**, or a mail arrives: `docs/runbook.md`. Rules live in `mappings/`: `spend.yml`, `budgets.yml`, `rollout.yml`;
`docs/spend-and-budgets.md` explains them. Charts and the report are left in `BUDGET_FOLDER`.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from procurement.pipelines import amazon_spend_to_coupa_budgets as pipeline
from procurement_airflow import tasks
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import DRY_RUN, WINDOW
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("0 5 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the ledger's coverage decides what is still to be read
    max_active_runs=1,
    params={**WINDOW, **DRY_RUN},
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "budgets"],
)
def amazon_spend_to_coupa_budgets() -> None:
    @task(pool="amazon_business_api")
    def extract() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.extract(at.amazon, at.ledger, run=at.open(pipeline.open_run))

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def transform() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.transform(at.amazon, at.coupa, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.CHANGE_THREADS)
    def load(worker: int) -> dict[str, Any]:
        del worker  # an index only: all workers share one queue
        with tasks.workbench() as at:
            return pipeline.load(
                at.coupa, at.ledger, run=at.open(pipeline.open_run), rules=at.rules, account=at.amazon.account,
                workers=tasks.CHANGE_THREADS, seconds=tasks.LOAD_SECONDS,
            )  # fmt: skip

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def watch_budgets() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.watch_budgets(
                at.coupa, at.ledger, run=at.open(pipeline.open_run), request=at.request, rules=at.rules,
                account=at.amazon.account, folder=tasks.budget_folder(), seconds=tasks.LOAD_SECONDS,
            )  # fmt: skip

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        return tasks.close(pipeline)

    extract() >> transform() >> load.expand(worker=tasks.WORKERS) >> watch_budgets() >> close()


amazon_spend_to_coupa_budgets()
