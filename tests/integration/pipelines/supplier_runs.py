"""The suppliers pipeline as its DAG runs it, in one process, against a sandbox."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import yaml

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa import connection as coupa_connection
from connectors.coupa.client import Coupa
from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice, Run
from procurement.pipelines import amazon_suppliers_to_coupa as pipeline
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from procurement.policy_files import Sending
from tests.integration.pipelines.conftest import NOW, SCOPES, SPEED, SandboxPair, connect_amazon

LIVE = "{mode: live, go_live: 2026-03-01}"
RULES: dict[str, Any] = {"create": True, "invite": True, "rules": [{"orders": 2}]}
IMPATIENT = Sending(timeout=1, ask_again_after=0, retry_not_sent_after=0.1, patience=5, outage_after=50)


def switched(
    directory: Path, rollout: str = LIVE, *, onboarding: dict[str, Any] | None = None, **changes: Any
) -> Rules:
    """The shipped rules with this pipeline's rollout entry, and suppliers.yml with other onboarding."""
    (directory / "rollout.yml").write_text(
        f"pipelines:\n  {pipeline.PIPELINE}: {rollout}\nexamples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    path = directory / "suppliers.yml"
    content = yaml.safe_load(path.read_text())
    content |= {"onboarding": RULES if onboarding is None else onboarding, **changes}
    content["examples"] = [one for one in content["examples"] if "purchases" not in one]
    path.write_text(yaml.safe_dump(content, allow_unicode=True))
    return impatient(directory)


def impatient(directory: Path) -> Rules:
    """The rules as they stand there; asking is allowed at once, so that a test need not wait ten minutes."""
    rules = read_rules(directory)
    return replace(rules, policies=rules.policies.model_copy(update={"sending": IMPATIENT}))


def connect_coupa(pair: SandboxPair, ledger: Ledger) -> Coupa:
    settings = coupa_connection.CoupaSettings(
        base_url=pair.coupa_url, client_id="sandbox-client", client_secret="sandbox-secret",
        scope=f"{SCOPES} core.supplier.write", instance="acme", rate_multiplier=SPEED,
    )  # fmt: skip
    return coupa_connection.connect(settings, ledger.limiter)


@dataclass(slots=True)
class SupplierRun:
    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    now: datetime = NOW
    region: str = "US"
    runs: int = 0
    mails: list[Notice] = field(default_factory=list)

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def __call__(self, **params: object) -> dict[str, Any]:
        self.runs += 1
        request = RunRequest(dag_id=pipeline.PIPELINE, run_id=f"run-{self.runs}", kind="manual", params=params)
        amazon, coupa, run = self.clients(request)
        steps = {
            "extract": pipeline.extract(amazon, self.ledger, run=run, rules=self.rules),
            "transform": pipeline.transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules),
            "follow_up": pipeline.follow_up(coupa, self.ledger, run=run, rules=self.rules),
            "load": pipeline.load(coupa, self.ledger, run=run, rules=self.rules, workers=2, seconds=60),
        }
        return {**pipeline.close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append), **steps}

    def clients(self, request: RunRequest) -> tuple[AmazonBusiness, Coupa, Run]:
        """What the steps of one run are given."""
        run = pipeline.open_run(self.ledger, request, rules=self.rules, clock=FixedClock(self.now))
        return connect_amazon(self.pair, self.ledger, region=self.region), connect_coupa(self.pair, self.ledger), run

    def coupa(self, event: str, **body: object) -> Any:
        """A person does something in Coupa."""
        answer = requests.post(self.pair.control("coupa", f"events/{event}"), json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def suppliers(self) -> dict[str, dict[str, Any]]:
        """Coupa's suppliers by name."""
        return {str(one["name"]): one for one in self.pair.state("coupa", "suppliers")}

    def written(self) -> int:
        """How many writes Coupa accepted."""
        return sum(map(int, self.pair.calls("coupa")["writes"].values()))
