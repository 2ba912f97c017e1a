"""The compliance pipeline as its DAG runs it, in one process, against a sandbox whose clock the test moves."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice, Run
from procurement.pipelines import purchase_compliance as pipeline
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from tests.integration.pipelines.conftest import NOW, SandboxPair, connect_amazon, connect_coupa

LIVE = "{mode: live, go_live: 2026-03-01}"
AT_ONCE = {"report_only_days: 30": "report_only_days: 0"}


def switched(directory: Path, rollout: str = LIVE, **changes: str) -> Rules:
    """The shipped rules with this pipeline's rollout entry; `changes`: texts of compliance.yml replaced by others."""
    (directory / "rollout.yml").write_text(
        f"pipelines:\n  {pipeline.PIPELINE}: {rollout}\nexamples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    text = (directory / "compliance.yml").read_text()
    for old, new in changes.items():
        assert old in text, f"compliance.yml does not say {old!r}"
        text = text.replace(old, new)
    (directory / "compliance.yml").write_text(text)
    return read_rules(directory)


@dataclass(slots=True)
class ComplianceRun:
    """`later(...)` moves both clocks, the sandbox's and the business's."""

    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    folder: Path
    passed: timedelta = timedelta()
    runs: int = 0
    mails: list[Notice] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return NOW + self.passed

    def later(self, **duration: float) -> None:
        self.passed += timedelta(**duration)
        self.pair.post("amazon", "clock", set=self.now.isoformat())

    def open(self, **params: object) -> tuple[Run, RunRequest]:
        self.runs += 1
        request = RunRequest(dag_id=pipeline.PIPELINE, run_id=f"run-{self.runs}", kind="manual", params=params)
        return pipeline.open_run(self.ledger, request, rules=self.rules, clock=FixedClock(self.now)), request

    def plan(self) -> None:
        """Only what comes before the sending."""
        run, request = self.open()
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        pipeline.extract(amazon, self.ledger, run=run, request=request, rules=self.rules)
        pipeline.transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules)

    def __call__(self, **params: object) -> dict[str, Any]:
        run, request = self.open(**params)
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        steps = {
            "extract": pipeline.extract(amazon, self.ledger, run=run, request=request, rules=self.rules),
            "screen": pipeline.screen(coupa, self.ledger, run=run, rules=self.rules),
            "transform": pipeline.transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules),
            "load": pipeline.load(coupa, self.ledger, run=run, rules=self.rules, workers=2, seconds=60),
            "report": pipeline.report(self.ledger, run=run, rules=self.rules, folder=str(self.folder)),
        }
        closed = pipeline.close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)
        return {**closed, **steps}
