"""The order status pipeline as its DAG runs it, in one process, against a sandbox whose clock the test moves."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from connectors.coupa import connection as coupa_connection
from connectors.coupa.client import Coupa
from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice, Window
from procurement.pipelines import amazon_invoices_to_coupa as invoices
from procurement.pipelines import amazon_order_status_to_coupa as pipeline
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from tests.integration.pipelines.conftest import NOW, SCOPES, SPEED, SandboxPair, connect_amazon

BUYING_SCOPES = f"{SCOPES} core.purchase_order.write core.requisition.read core.comment.write"


def switched(directory: Path, rollout: str) -> Rules:
    """The shipped rules with this pipeline's rollout entry."""
    (directory / "rollout.yml").write_text(
        f"pipelines:\n  {pipeline.PIPELINE}: {rollout}\nexamples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    return read_rules(directory)


def connect_coupa(pair: SandboxPair, ledger: Ledger) -> Coupa:
    settings = coupa_connection.CoupaSettings(
        base_url=pair.coupa_url, client_id="sandbox-client", client_secret="sandbox-secret", scope=BUYING_SCOPES,
        instance="acme", rate_multiplier=SPEED,
    )  # fmt: skip
    return coupa_connection.connect(settings, ledger.limiter)


@dataclass(slots=True)
class StatusRun:
    """`later(...)` moves both clocks, the sandbox's and the business's."""

    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    passed: timedelta = timedelta()
    runs: int = 0
    mails: list[Notice] = field(default_factory=list)

    def later(self, **duration: float) -> None:
        self.passed += timedelta(**duration)
        self.pair.post("amazon", "clock", set=(NOW + self.passed).isoformat())

    def __call__(self, **params: object) -> dict[str, Any]:
        self.runs += 1
        request = RunRequest(dag_id=pipeline.PIPELINE, run_id=f"run-{self.runs}", kind="manual", params=params)
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        run = pipeline.open_run(self.ledger, request, rules=self.rules, clock=FixedClock(NOW + self.passed))
        steps = {
            "extract": pipeline.extract(amazon, self.ledger, run=run, request=request, rules=self.rules),
            "transform": pipeline.transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules),
            "load": pipeline.load(coupa, self.ledger, run=run, rules=self.rules, workers=4, seconds=60),
        }
        closed = pipeline.close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)
        return {**closed, **steps}

    def read_feed(self) -> None:
        """What the invoice pipeline's extract does: charges and refunds enter the ledger."""
        now = NOW + self.passed
        window = Window(NOW - timedelta(days=7), now)
        run = self.ledger.runs.open(invoices.PIPELINE, f"feed-{self.runs}-{now:%d%H%M}", now=now, window=window)
        invoices.extract(connect_amazon(self.pair, self.ledger), self.ledger, run=run)

    def amazon(self, event: str, order: object, **body: object) -> Any:
        """Something happens at Amazon."""
        return self._happen("amazon", event, {"orderId": order, **body})

    def coupa(self, event: str, **body: object) -> Any:
        """Something happens in Coupa."""
        return self._happen("coupa", event, body)

    def _happen(self, vendor: str, event: str, body: dict[str, object]) -> Any:
        answer = requests.post(self.pair.control(vendor, f"events/{event}"), json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def calls(self, operation: str) -> int:
        """How often Amazon was asked."""
        return sum(self.pair.calls("amazon")["by_operation"].get(operation, {}).values())

    def comments(self) -> list[str]:
        """What our comments on purchase orders say, without the mention."""
        return [
            re.sub(r"^(@\[User:\d+\] )+", "", str(comment["comments"]))
            for comment in self.pair.state("coupa", "comments")
            if "Amazon order" in str(comment["comments"])
        ]
