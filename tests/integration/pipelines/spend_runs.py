"""The spend pipeline as its DAG runs it, in one process, against a sandbox of both systems."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice
from procurement.pipelines import amazon_spend_to_coupa_budgets as pipeline
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from tests.integration.pipelines.conftest import NOW, SandboxPair, connect_amazon, connect_coupa

LIVE = "{mode: live, go_live: 2026-03-01}"


def switched(directory: Path, rollout: str = LIVE) -> Rules:
    """The shipped rules with this pipeline's rollout entry."""
    (directory / "rollout.yml").write_text(
        f"pipelines:\n  {pipeline.PIPELINE}: {rollout}\nexamples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    return read_rules(directory)


@dataclass(slots=True)
class SpendRun:
    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    folder: Path
    now: datetime = NOW
    mails: list[Notice] = field(default_factory=list)
    watched: dict[str, Any] = field(default_factory=dict)

    def __call__(self, run_id: str, *, kind: str = "manual", **params: object) -> dict[str, Any]:
        request = RunRequest(dag_id=pipeline.PIPELINE, run_id=run_id, kind=kind, params=params)
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        run = pipeline.open_run(self.ledger, request, rules=self.rules, clock=FixedClock(self.now))
        pipeline.extract(amazon, self.ledger, run=run)
        pipeline.transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules)
        account = amazon.account
        pipeline.load(coupa, self.ledger, run=run, rules=self.rules, account=account, workers=4, seconds=60)
        self.watched = pipeline.watch_budgets(
            coupa, self.ledger, run=run, request=request, rules=self.rules, account=account, folder=str(self.folder),
            seconds=60,
        )  # fmt: skip
        return pipeline.close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)
