"""### Amazon Business invoices into Coupa

Every hour, Amazon Business charges and refunds become Coupa invoices and credit notes, three-way matched against purchase
order and goods receipt. A new goods receipt starts it too: then it reads nothing from Amazon, and only looks again at the
invoices that wait and at open exceptions.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads the charges and refunds that became visible since the last run, and keeps them |
| `transform` | groups them by invoice number, finds PO and receipts, applies the mapping and the match, plans what to send |
| `rematch` | matches the invoices that waited for a receipt again, and the exceptions that nobody settled |
| `follow_up` | closes what was settled with one reply, has Coupa check again what was credited, escalates what waits too long |
| `load` | creates and submits the invoices, and comments on those that need a decision; each exactly once |
| `watch_due_dates` | mails accounts payable, once a day, the unapproved invoices that Amazon wants paid soon, with what blocks them |
| `watch_owed` | lists, once a week, what Amazon still owes: returned, undelivered or cancelled after charge, without a credit |
| `close` | accounts for every document and every cent, mails dead letters; red if anything is unaccounted for |

**By hand.** *Trigger* opens a form: a feed range (`from`, `to`), single invoice numbers, or `dry_run`, which shows the plan and writes
nothing. A *backfill* reads exactly its range. Both are harmless for what is already in Coupa.

**When it is red**, or a mail arrives: `docs/runbook.md`. Rules live in `mappings/`: `amazon_invoices_to_coupa.yml`, `charges.yml`,
`tolerances.yml`, `policies.yml`, `rollout.yml`.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronDataIntervalTimetable, dag, task

from procurement.pipelines import amazon_invoices_to_coupa as pipeline
from procurement_airflow import tasks
from procurement_airflow.assets import GOODS_RECEIPTS
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import DRY_RUN, INVOICE_NUMBERS, WINDOW
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronDataIntervalTimetable("@hourly", timezone="UTC"), assets=[GOODS_RECEIPTS]
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the ledger's coverage decides what is still to be read
    max_active_runs=1,
    params={**WINDOW, **INVOICE_NUMBERS, **DRY_RUN},
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "invoices"],
)
def amazon_invoices_to_coupa() -> None:
    @task(pool="amazon_business_api")
    def extract() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.extract(at.amazon, at.ledger, run=at.open(pipeline.open_run))

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def transform() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.transform(at.amazon, at.coupa, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def rematch() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.rematch(at.coupa, at.ledger, run=at.open(pipeline.open_run), rules=at.rules)

    @task(pool="coupa_api")
    def follow_up() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.follow_up(at.coupa, at.ledger, run=at.open(pipeline.open_run), rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.LOAD_THREADS)
    def load(worker: int) -> dict[str, Any]:
        del worker  # an index only: all workers share one queue
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.load(
                at.coupa, at.ledger, run=run, rules=at.rules, workers=tasks.LOAD_THREADS, seconds=tasks.LOAD_SECONDS
            )

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def watch_due_dates() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.watch_due_dates(
                at.amazon, at.coupa, at.ledger, run=at.open(pipeline.open_run), rules=at.rules
            )

    @task
    def watch_owed() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.watch_owed(at.ledger, run=at.open(pipeline.open_run), rules=at.rules)

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        return tasks.close(pipeline)

    (
        extract()
        >> transform()
        >> rematch()
        >> follow_up()
        >> load.expand(worker=tasks.WORKERS)
        >> watch_due_dates()
        >> watch_owed()
        >> close()
    )


amazon_invoices_to_coupa()
