"""### Dead letters: what could not be delivered, and what a person makes of it

Every hour, and whenever somebody asks: documents that no pipeline could carry over and that wait for a person. Needs the
ledger alone; neither Amazon Business nor Coupa is called.

**What a run does**

| task | what happens |
| --- | --- |
| `act` | what the form says: *list*, *show* (every error, the payload, what to do), *replay* or *discard*; its output shows the letters |
| `close` | mails everything that is dead, once a day in which there is any |

**By hand.** *Trigger* opens a form: `action`; which letters, by `keys` (as *list* prints them, or an invoice number), by `pipeline`,
or by `kind` (the word a letter begins with: `create_invoice`, `shipment_line`, ...); `held` adds what is held for a decision; `reason`
is kept with what is discarded. A *replay* changes states only: the next run of the pipeline that owns the letter does the work, and
asks the target first where an answer is missing. What is *discarded* stays skipped for good.

The scheduled run only lists. `make dead-letters` does the same on the command line. The mail goes to `alert_recipients` of `policies.yml`.

**When it is red**: a key in the form means nothing, or several letters, or somebody else was faster; the log names each.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from procurement.pipelines import dead_letters as pipeline
from procurement_airflow import tasks
from procurement_airflow.notifiers import FailureNotifier
from procurement_airflow.params import DEAD_LETTERS
from procurement_airflow.retries import DEFAULT_ARGS


@dag(
    schedule=CronDataIntervalTimetable("50 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the list is of now
    max_active_runs=1,
    params=DEAD_LETTERS,
    default_args=DEFAULT_ARGS,
    on_failure_callback=FailureNotifier(),
    doc_md=__doc__,
    tags=["amazon-business", "coupa", "dead-letters"],
)
def dead_letters() -> None:
    @task
    def act() -> dict[str, Any]:
        with tasks.workbench() as at:
            return pipeline.act(at.ledger, run=at.open(pipeline.open_run), request=at.request)

    @task(trigger_rule="all_done")
    def close() -> dict[str, Any]:
        return tasks.close(pipeline)

    act() >> close()


dead_letters()
