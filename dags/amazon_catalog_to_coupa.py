"""### Amazon Business contract articles and prices into Coupa's catalog

Once a night the whole catalog is compared, field by field: articles are added, changed, or taken out after they were missing for
several nights. A night that was missed, or failed, is made up for by the next run. Every hour, articles on requisitions that
wait for approval are priced again, so that the approver decides on today's price.

**What a run does**

| task | what happens |
| --- | --- |
| `extract` | reads both sides: Amazon's offers, 30 articles a call, and Coupa's items and supplier items |
| `transform` | compares them and plans what differs; large price moves, other currencies and other packs are held |
| `load` | writes each changed item and supplier item once; tells approvers of changed prices |
| `close` | accounts for every article; mails summary, held prices by owner, and what failed |

**Today's prices never go into the past**: there is no range and no backfill.

**By hand.** *Trigger* opens a form: `scope`, `release` (`ASIN=price`: the held price that a person accepts), or `dry_run`,
which shows the plan and writes nothing.

**When it is red**, or a mail arrives: `docs/runbook.md`. Rules live in `mappings/`: `catalog.yml` (explained in `docs/catalog.md`);
`rollout.yml` switches the pipeline.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, get_current_context, task

from procurement.pipelines import amazon_catalog_to_coupa as pipeline
from procurement_airflow import tasks
from procurement_airflow.notifiers import FailureNotifier, send_notice
from procurement_airflow.params import CATALOG, DRY_RUN
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # a missed hour is gone: only today's prices exist
    max_active_runs=1,
    params={**CATALOG, **DRY_RUN},
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "catalog"],
)
def amazon_catalog_to_coupa() -> None:
    @task(pool="coupa_api", pool_slots=tasks.READ_THREADS)
    def extract() -> dict[str, Any]:
        with tasks.workbench() as at:
            run = at.open(pipeline.open_run)
            return pipeline.extract(at.amazon, at.coupa, at.ledger, run=run, request=at.request, rules=at.rules)

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
                at.coupa, at.ledger, run=run, rules=at.rules, account=at.amazon.account,
                workers=tasks.CHANGE_THREADS, seconds=tasks.LOAD_SECONDS,
            )  # fmt: skip

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        with tasks.workbench() as at:
            failed, run = tasks.failed_upstream(get_current_context()), at.open(pipeline.open_run)
            summary = pipeline.close(
                at.ledger,
                run=run,
                rules=at.rules,
                account=at.amazon.account,
                send_mail=send_notice,
                failed_upstream=failed,
            )
        return tasks.unless_failed(failed, summary)

    extract() >> transform() >> load.expand(worker=tasks.WORKERS) >> close()


amazon_catalog_to_coupa()
