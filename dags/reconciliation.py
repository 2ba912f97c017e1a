"""### Amazon Business, the ledger and Coupa, to the cent

Once a day, Amazon's transactions, the ledger and Coupa's invoices and credit notes are held against each other, document by
document. Nothing is written to either system: this DAG only tells.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads Amazon's feed of the range again, and holds each transaction against the ledger |
| `compare` | holds the ledger's invoices and credit notes against Coupa, and Coupa's against the ledger |
| `report` | writes the differences as CSV; its output shows the counts and the first 50 rows |
| `close` | mails the differences; red unless everything agrees |

**Green** means: seen = delivered + waiting + held + skipped + dead, no difference, and no stretch of the range was left unread.
A difference has a kind: missing in Coupa, missing at Amazon, amount differs, number differs, doubled, state differs, changed by hand
in Coupa.

**By hand.** *Trigger* opens a form: a range (`from`, `to`), one supplier, or single PO numbers. A *backfill* compares exactly its
range. Without a range, the last days are compared as `reconciliation.yml` says.

**When it is red**: open the CSV (folder `RECONCILIATION_FOLDER`, default `var/reconciliation`; attached to the mail). Each row says
what every side has. Rules live in `mappings/reconciliation.yml`: what is compared, how far it may differ, who is told.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from procurement.pipelines import reconciliation as pipeline
from procurement_airflow import tasks
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import COMPARED
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("0 5 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # each run compares the last days again
    max_active_runs=1,
    params=COMPARED,
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "invoices", "reconciliation"],
)
def reconciliation() -> None:
    @task(pool="amazon_business_api")
    def extract() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.extract(at.amazon, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def compare() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.compare(at.coupa, at.ledger, run=run, request=at.request, rules=at.rules)

    @task
    def report() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.report(at.ledger, run=run, rules=at.rules, folder=tasks.reconciliation_folder())

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        return tasks.close(pipeline)

    extract() >> compare() >> report() >> close()


reconciliation()
