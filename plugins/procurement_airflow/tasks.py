"""The plumbing between a task's context and a pipeline's step: request, ledger, rules, clients, time budget."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.sdk import get_current_context

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from procurement.clock import Clock, read_clock
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import Window
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from procurement_airflow.hooks import AmazonBusinessHook, CoupaHook

LOAD_BUDGET = timedelta(minutes=40)  # well below execution_timeout, which would cut a call in half
LOAD_WORKERS = 2  # task instances on one queue
LOAD_THREADS = 5  # per installation at most 5 calls in flight: the Coupa pool has 5 slots


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a step works with, opened for one task and closed after it."""

    request: RunRequest
    ledger: Ledger
    rules: Rules
    clock: Clock

    @property
    def amazon(self) -> AmazonBusiness:
        return AmazonBusinessHook(limiter=self.ledger.limiter).client

    @property
    def coupa(self) -> Coupa:
        return CoupaHook(limiter=self.ledger.limiter).client


@contextmanager
def workbench() -> Iterator[Workbench]:
    """The current task's workbench; ConfigurationError when LEDGER_URL or a rule file is missing or wrong."""
    rules = read_rules()
    with Ledger.opened(ledger_url()) as ledger:
        yield Workbench(read_request(get_current_context()), ledger, rules, read_clock(os.environ))


def ledger_url() -> str:
    url = os.environ.get("LEDGER_URL", "").strip()
    if not url:
        raise ConfigurationError("LEDGER_URL is not set; it names the ledger's PostgreSQL database (postgresql+psycopg2://user:password@host/ledger)")
    return url


def read_request(context: Mapping[str, Any]) -> RunRequest:
    """Run type, interval (absent on manual and asset runs) and form of the current run."""
    run = context["dag_run"]
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    return RunRequest(
        dag_id=run.dag_id,
        run_id=run.run_id,
        kind=str(getattr(run.run_type, "value", run.run_type)),
        interval=Window(start, end) if start is not None and end is not None else None,
        params=dict(context["params"]),
    )


def failed_upstream(context: Mapping[str, Any]) -> list[str]:
    """Names of this run's tasks that failed or were never run because of one that did."""
    states = context["ti"].get_task_states(dag_id=context["dag_run"].dag_id, run_ids=[context["dag_run"].run_id])
    tasks = states.get(context["dag_run"].run_id, {})
    return sorted(name for name, state in tasks.items() if state in ("failed", "upstream_failed"))
