"""The receipts pipeline as its DAG runs it, in one process, against a sandbox whose clock the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice, Window
from procurement.pipelines import amazon_deliveries_to_coupa_receipts as pipeline
from procurement.pipelines import amazon_invoices_to_coupa as invoices
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from procurement.policy_files import Sending
from tests.integration.pipelines.conftest import NOW, SandboxPair, connect_amazon, connect_coupa

LIVE = "{mode: live, go_live: 2026-03-01}"
Json = dict[str, Any]


def switched(directory: Path, rollout: str = LIVE, **choices: Any) -> Rules:
    """The shipped rules with this pipeline's rollout entry, and other choices of `receipts`. Asking is allowed at once."""
    (directory / "rollout.yml").write_text(
        f"pipelines:\n  {pipeline.PIPELINE}: {rollout}\nexamples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    rules = read_rules(directory)
    receipts = rules.policies.receipts.model_validate({**rules.policies.receipts.model_dump(), **choices})
    impatient = Sending(timeout=1, ask_again_after=0, retry_not_sent_after=0.1, patience=5, outage_after=50)
    return replace(rules, policies=rules.policies.model_copy(update={"receipts": receipts, "sending": impatient}))


@dataclass(slots=True)
class ReceiptRun:
    """`later(...)` moves both clocks, the sandbox's and the business's."""

    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    passed: timedelta = timedelta()
    runs: int = 0
    prefix: str = "run"
    mails: list[Notice] = field(default_factory=list)

    def later(self, **duration: float) -> None:
        self.passed += timedelta(**duration)
        self.pair.post("amazon", "clock", set=(NOW + self.passed).isoformat())

    def __call__(self, *, load: bool = True, before_load: Callable[[], object] | None = None, **params: object) -> Json:
        """One run; `before_load` is what people do between its plan and its load."""
        self.runs += 1
        request = RunRequest(
            dag_id=pipeline.PIPELINE, run_id=f"{self.prefix}-{self.runs}", kind="manual", params=params
        )
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        run = pipeline.open_run(self.ledger, request, rules=self.rules, clock=FixedClock(NOW + self.passed))
        steps: Json = {
            "extract": pipeline.extract(amazon, self.ledger, run=run, request=request, rules=self.rules),
            "transform": pipeline.transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules),
        }
        if before_load is not None:
            before_load()
        if load:
            steps["load"] = pipeline.load(coupa, self.ledger, run=run, rules=self.rules, workers=4, seconds=60)
        closed = pipeline.close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)
        return {**closed, **steps}

    def settle(self) -> Json:
        """Two hours later, a run; the one after it, another two hours later, must write nothing."""
        self.later(hours=2)
        closed = self()
        before = self.writes()
        self.later(hours=2)
        self()
        assert self.writes() == before, "a run without news writes nothing"
        return closed

    def read_feed(self) -> None:
        """What the invoice pipeline's extract does: charges and refunds enter the ledger."""
        now = NOW + self.passed
        window = Window(NOW - timedelta(days=7), now)
        run = self.ledger.runs.open(invoices.PIPELINE, f"feed-{self.runs}-{now:%d%H%M}", now=now, window=window)
        invoices.extract(connect_amazon(self.pair, self.ledger), self.ledger, run=run)

    def amazon(self, event: str, order: str, **body: object) -> Any:
        return self._happen("amazon", event, {"orderId": order, **body})

    def coupa(self, event: str, **body: object) -> Any:
        return self._happen("coupa", event, {key.replace("_", "-"): value for key, value in body.items()})

    def _happen(self, vendor: str, event: str, body: Json) -> Any:
        answer = requests.post(self.pair.control(vendor, f"events/{event}"), json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def writes(self) -> Json:
        """What Coupa accepted or refused of writes, by operation."""
        reads = ("list_", "get_", "issue_token", "token")
        calls: Json = self.pair.calls("coupa")["by_operation"]
        return {name: counts for name, counts in calls.items() if not name.startswith(reads)}

    def receipts(self) -> list[Json]:
        return list(self.pair.state("coupa", "receiving_transactions"))

    def ours(self, order: str = "") -> list[Json]:
        """Receipts that carry our name, of one Amazon order or of all."""
        named = ((one, str((one.get("custom-fields") or {}).get("external-id") or "")) for one in self.receipts())
        return [one for one, name in named if name and name.startswith(order)]

    def order(self, number: str) -> Json:
        return next(one for one in self.pair.state("coupa", "purchase_orders") if one["po-number"] == number)

    def received(self, number: str) -> dict[str, Decimal]:
        return {str(line["line-num"]): Decimal(str(line["received"])) for line in self.order(number)["order-lines"]}

    def comments(self, number: str = "") -> list[str]:
        """What we said on one purchase order, or on all."""
        said = [str(one["comments"]) for one in self.pair.state("coupa", "comments")]
        return [text for text in said if f"[{number}" in text]

    def fates(self) -> dict[str, tuple[str, str]]:
        """Disposition and reason by shipped line."""
        return dict(self.ledger.completeness.fates(pipeline.PIPELINE))
