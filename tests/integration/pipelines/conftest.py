"""A sandbox of both systems over real HTTP, real clients against it, and the shipped rules switched live."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.amazon_business import connection as amazon_connection
from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa import connection as coupa_connection
from connectors.coupa.client import Coupa
from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice
from procurement.pipelines.amazon_invoices_to_coupa import (
    PIPELINE,
    close,
    extract,
    follow_up,
    load,
    open_run,
    rematch,
    transform,
    watch_due_dates,
    watch_owed,
)
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from procurement_airflow.settings import COUPA_SCOPES
from sandbox.amazon.vendor import create_vendor as create_amazon
from sandbox.coupa.vendor import create_vendor as create_coupa
from sandbox.recording import Recorder
from sandbox.server import running
from sandbox.system import Origin, Sandbox
from sandbox.worlds import build_world

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
SPEED = 200.0
SHIPPED = Path(__file__).parents[3] / "mappings"
# What the pipelines ask for as shipped, and what only a switch or this suite needs.
SCOPES = f"{COUPA_SCOPES} core.approval.write core.invoice.delete core.requisition.write"
ROLLOUT = """\
pipelines:
  amazon_invoices_to_coupa: {mode: live, go_live: 2026-03-01}
examples:
  - {pipeline: amazon_invoices_to_coupa, expect: live}
"""


@dataclass(frozen=True, slots=True)
class SandboxPair:
    """The two servers and their control routes."""

    amazon_url: str
    coupa_url: str

    def control(self, vendor: str, path: str) -> str:
        return f"{self.amazon_url if vendor == 'amazon' else self.coupa_url}/_sandbox/{path}"

    def state(self, vendor: str, part: str) -> Any:
        """One top-level part of what a vendor knows: the whole of a quarter's world takes seconds to write down."""
        return requests.get(self.control(vendor, f"state?part={part}"), timeout=30).json()[part]

    def calls(self, vendor: str) -> dict[str, Any]:
        return dict(requests.get(self.control(vendor, "calls"), timeout=30).json())

    def world(self) -> dict[str, Any]:
        return dict(requests.get(self.control("amazon", "world"), timeout=30).json())

    def post(self, vendor: str, path: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(self.control(vendor, path), json=body, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def invoices(self) -> list[dict[str, Any]]:
        return list(self.state("coupa", "invoices"))


StartSandbox = Callable[..., SandboxPair]


@contextmanager
def served(sandbox: Sandbox) -> Iterator[SandboxPair]:
    """The sandbox over HTTP, its threads unwatched by coverage: they run none of the product, and would take twice the time."""
    watcher = threading.gettrace()
    with ExitStack() as stack:
        threading.settrace(None)  # type: ignore[arg-type]
        try:
            pair = SandboxPair(*stack.enter_context(running(sandbox)).urls)
        finally:
            threading.settrace(watcher)  # type: ignore[arg-type]
        yield pair


@contextmanager
def sandbox_of(scenario: str, *, record: Path | None = None, **options: str) -> Iterator[SandboxPair]:
    """Both systems over a scenario, on free ports."""
    with ExitStack() as stack:
        origin = Origin(scenario, seed=7, now=NOW.isoformat(), options=options)
        recorder = Recorder(record) if record else None
        if recorder is not None:
            stack.callback(recorder.close)
        sandbox = Sandbox(origin, build_world, [create_amazon, create_coupa], speed=SPEED, recorder=recorder)
        sandbox.clock.speed = 1.0  # rates run fast, the business's time does not: a slow machine changes no outcome
        yield stack.enter_context(served(sandbox))


@pytest.fixture
def start_sandbox() -> Iterator[StartSandbox]:
    """Starts a sandbox with a scenario and its options; stopped at the end of the test."""
    with ExitStack() as stack:
        yield lambda scenario, **options: stack.enter_context(sandbox_of(scenario, **options))


def connect_amazon(pair: SandboxPair, ledger: Ledger, *, region: str = "US") -> AmazonBusiness:
    settings = amazon_connection.AmazonBusinessSettings(
        base_url=pair.amazon_url, token_url=f"{pair.amazon_url}/auth/O2/token", client_id="sandbox-client", client_secret="sandbox-secret",
        refresh_token="Atzr|sandbox", account="sandbox", region=region,
        user_email="buyer@example.com", rate_multiplier=SPEED,
    )  # fmt: skip
    return amazon_connection.connect(settings, ledger.limiter)


def connect_coupa(pair: SandboxPair, ledger: Ledger) -> Coupa:
    settings = coupa_connection.CoupaSettings(
        base_url=pair.coupa_url, client_id="sandbox-client", client_secret="sandbox-secret", scope=SCOPES, instance="acme",
        rate_multiplier=SPEED,
    )  # fmt: skip
    return coupa_connection.connect(settings, ledger.limiter)


def live_mappings(folder: Path) -> Path:
    """The shipped rule files, with the invoice pipeline switched live."""
    directory = folder / "mappings"
    shutil.copytree(SHIPPED, directory, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    (directory / "rollout.yml").write_text(ROLLOUT)
    return directory


@pytest.fixture
def mappings_directory(tmp_path: Path) -> Path:
    return live_mappings(tmp_path)


@pytest.fixture(scope="session")
def shared_rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Frozen, and read once."""
    return read_rules(live_mappings(tmp_path_factory.mktemp("rules")))


@pytest.fixture
def rules(shared_rules: Rules) -> Rules:
    return shared_rules


@dataclass(slots=True)
class InvoiceRun:
    """The five steps as the DAG calls them, in one process."""

    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    now: datetime = NOW

    def __call__(self, run_id: str, *, kind: str = "manual", **params: object) -> dict[str, Any]:
        request = RunRequest(dag_id=PIPELINE, run_id=run_id, kind=kind, params=params)
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        run = open_run(self.ledger, request, rules=self.rules, clock=FixedClock(self.now))
        extract(amazon, self.ledger, run=run)
        transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules)
        rematch(coupa, self.ledger, run=run, rules=self.rules)
        follow_up(coupa, self.ledger, run=run, rules=self.rules)
        load(coupa, self.ledger, run=run, rules=self.rules, workers=4, seconds=60)
        watch_due_dates(amazon, coupa, self.ledger, run=run, rules=self.rules)
        watch_owed(self.ledger, run=run, rules=self.rules)
        return close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)

    mails: list[Notice] = field(default_factory=list)


@pytest.fixture
def run_invoices(ledger: Ledger, rules: Rules) -> Callable[[SandboxPair], InvoiceRun]:
    return lambda pair: InvoiceRun(pair, ledger, rules)
