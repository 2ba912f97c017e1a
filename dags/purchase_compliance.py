"""### Amazon Business orders held against contracts, preferred sellers, prices and approvals

Every fifteen minutes, orders that are new or changed are judged by the rules of `compliance.yml`: bought around Coupa, beside
the contracts, too dear, restricted, split, twice, without a certification, more than agreed. What is found lands in Coupa and
in the ledger, once a cause, and is settled there when it is over. The same rules stop an order before it is sent.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads the orders of the range with their lines, and those with open violations once a day |
| `screen` | reads the requisitions that wait for approval, where a rule may stop or route one |
| `transform` | judges them against Coupa's contracts, purchase orders and approvals; writes the register of violations |
| `load` | comments, approvers, integration errors; each exactly once |
| `report` | the weekly digests, and the leakage report: money beside the contracts by cost center, seller, buyer and month |
| `close` | accounts for every order, to the cent, and mails what needs a person |

During the first `report_only_days` after go-live nobody is written to in Coupa. Amazon offers no call to cancel an order: after
the fact a violation says who must act, and by when.

**By hand.** *Trigger* opens a form: order ids to judge now, a range of order dates, or `dry_run`, which shows what would be
found and written, and keeps nothing.

**When it is red**, or a mail arrives: `docs/runbook.md`. Rules live in `mappings/`: `compliance.yml`, `rollout.yml`. The CSV of
the leakage report is in the folder `COMPLIANCE_FOLDER` (default `var/compliance`).
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from procurement.pipelines import purchase_compliance as pipeline
from procurement_airflow import tasks
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import DRY_RUN, ORDER_IDS, ORDERED
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("*/15 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the ledger knows what was read
    max_active_runs=1,
    params={**ORDER_IDS, **ORDERED, **DRY_RUN},
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "orders", "compliance"],
)
def purchase_compliance() -> None:
    @task(pool="amazon_business_api")
    def extract() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.extract(at.amazon, at.ledger, run=run, request=at.request, rules=at.rules)

    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def screen() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.screen(at.coupa, at.ledger, run=run, rules=at.rules)

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

    @task
    def report() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.report(at.ledger, run=run, rules=at.rules, folder=tasks.compliance_folder())

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        return tasks.close(pipeline)

    [extract(), screen()] >> transform() >> load.expand(worker=tasks.WORKERS) >> report() >> close()


purchase_compliance()
