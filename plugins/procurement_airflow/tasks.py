"""The plumbing between a task's context and a pipeline's step: request, ledger, rules, clients, time budget."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa import operations, reads
from connectors.coupa.client import Coupa
from procurement.clock import Clock, read_clock
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.environment import Belonging
from procurement.ledger.types import Run, Window
from procurement.mapping.reading import nearest
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from procurement_airflow.hooks import AmazonBusinessHook, CoupaHook
from procurement_airflow.notifiers import send_notice

LOAD_SECONDS = 40 * 60.0  # well below execution_timeout, which would cut a call in half
WORKERS = [0]  # load's task instances on one queue: add indexes for more
READ_THREADS = reads.WORKERS  # a task takes as many slots of Coupa's pool as it keeps calls in flight
LOAD_THREADS = operations.IN_FLIGHT - 1  # one place is left for orders, which must not wait behind a long load
ORDER_THREADS = 1  # Amazon takes one order every two seconds
CHANGE_THREADS = 2


class OpenRun(Protocol):
    """A pipeline's `open_run`."""

    def __call__(self, ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run: ...


class Pipeline(Protocol):
    """A pipeline's package, as far as its last task needs it."""

    @property
    def open_run(self) -> OpenRun: ...

    @property
    def close(self) -> Callable[..., dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a step works with, opened for one task and closed after it."""

    request: RunRequest
    ledger: Ledger
    rules: Rules
    clock: Clock

    def open(self, open_run: OpenRun) -> Run:
        """This run in the ledger, with the window it was given when it was opened first."""
        return open_run(self.ledger, self.request, rules=self.rules, clock=self.clock)

    @property
    def amazon(self) -> AmazonBusiness:
        """ConfigurationError when the connection is incomplete, of an account that accounts.yml does not list, or of another
        account or environment than the ledger."""
        hook = AmazonBusinessHook(limiter=self.ledger.limiter)
        client = hook.client
        if self.rules.accounts.of(client.account) is None:
            known = nearest(client.account, self.rules.accounts.accounts)
            raise ConfigurationError(
                f"connection {hook.conn_id!r} is of the Amazon account {client.account!r}, which accounts.yml does not list{known}"
            )
        self._bind(self.ledger.environment, hook.environment)
        self._bind(self.ledger.amazon_source, amazon_source(client.account))
        return client

    @property
    def coupa(self) -> Coupa:
        """ConfigurationError when the connection is incomplete, or of another environment than the ledger."""
        hook = CoupaHook(limiter=self.ledger.limiter)
        client = hook.client
        self._bind(self.ledger.environment, hook.environment)
        return client

    def _bind(self, owner: Belonging, value: str) -> None:
        """A dry run decides nothing for later runs."""
        if self.request.dry_run:
            owner.check(value)
        else:
            owner.bind(value)


@contextmanager
def workbench() -> Iterator[Workbench]:
    """The current task's workbench; ConfigurationError when LEDGER_URL or a rule file is missing or wrong."""
    rules = read_rules()
    with Ledger.opened(ledger_url()) as ledger:
        yield Workbench(read_request(get_current_context()), ledger, rules, read_clock(os.environ))


def ledger_url() -> str:
    url = os.environ.get("LEDGER_URL", "").strip()
    if not url:
        raise ConfigurationError(
            "LEDGER_URL is not set; it names the ledger's PostgreSQL database (postgresql+psycopg2://user:password@host/ledger)"
        )
    return url


def reconciliation_folder() -> str:
    """Where reconciliations leave their CSV; on several machines a folder they share."""
    return os.environ.get("RECONCILIATION_FOLDER", "").strip() or "var/reconciliation"


def compliance_folder() -> str:
    """Where the leakage reports go; on several machines a folder they share."""
    return os.environ.get("COMPLIANCE_FOLDER", "").strip() or "var/compliance"


def budget_folder() -> str:
    """Where burn-down charts and the spend report are left; on several machines a folder they share."""
    return os.environ.get("BUDGET_FOLDER", "").strip() or "var/budgets"


def read_request(context: Mapping[str, Any]) -> RunRequest:
    """Run type, interval (absent on manual and asset runs) and form of the current run.

    ConfigurationError for a field that the form does not have: a misspelled `dry_run` must not run for real.
    """
    run = context["dag_run"]
    refuse_unknown(getattr(run, "conf", None) or {}, known=context["dag"].params)
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    return RunRequest(
        dag_id=run.dag_id,
        run_id=run.run_id,
        kind=str(getattr(run.run_type, "value", run.run_type)),
        interval=Window(start, end) if start is not None and end is not None else None,
        params=dict(context["params"]),
    )


def refuse_unknown(given: Mapping[str, Any], *, known: Iterable[str]) -> None:
    fields = sorted(known)
    for name in given:
        if name not in fields:
            raise ConfigurationError(f"the form has no field {name!r}{nearest(name, fields)}")


def failed_upstream(context: Mapping[str, Any]) -> list[str]:
    """Names of this run's other tasks that failed, or never ran because one did."""
    run, own = context["dag_run"], context["ti"].task_id
    states = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id]).get(run.run_id, {})
    return sorted(name for name, state in states.items() if state in ("failed", "upstream_failed") and name != own)


def skip_unless(count: int) -> int:
    """`count`; AirflowSkipException when nothing new arrived, so that the task's asset wakes nobody."""
    if not count:
        raise AirflowSkipException("nothing new")
    return count


def unless_failed(failed: list[str], summary: dict[str, Any]) -> dict[str, Any]:
    """`summary`; AirflowFailException when something upstream failed, since a green leaf would turn the run green."""
    if failed:
        raise AirflowFailException(f"the run is accounted for, but {', '.join(failed)} failed: see their logs")
    return summary


def close(pipeline: Pipeline) -> dict[str, Any]:
    """The last task of a run: accounts for it, mails what people must see, and fails when something before it did."""
    with workbench() as at:
        failed = failed_upstream(get_current_context())
        run = at.open(pipeline.open_run)
        summary = pipeline.close(at.ledger, run=run, rules=at.rules, send_mail=send_notice, failed_upstream=failed)
    return unless_failed(failed, summary)
