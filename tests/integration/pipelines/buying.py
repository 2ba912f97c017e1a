"""The orders pipeline as its DAG calls it, in one process, with a place to stop between transform and load."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Known, Notice
from procurement.pipelines import coupa_requisitions_to_amazon_orders as orders
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from procurement.policy_files import Sending
from tests.integration.pipelines.conftest import NOW, SandboxPair, connect_amazon, connect_coupa

PIPELINE = orders.PIPELINE
LIVE = "{mode: live, go_live: 2026-06-01}"
IMPATIENT = Sending(timeout=1, ask_again_after=0, retry_not_sent_after=0.1, patience=5, outage_after=50)


def switched(directory: Path, rollout: str = LIVE, **policies: object) -> Rules:
    """The shipped rules with this pipeline's rollout entry, asking at once, and `orders` policies changed."""
    (directory / "rollout.yml").write_text(
        f"pipelines:\n  {PIPELINE}: {rollout}\nexamples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    rules = read_rules(directory)
    changed = rules.policies.model_copy(
        update={"sending": IMPATIENT, "orders": rules.policies.orders.model_copy(update=policies)}
    )
    object.__setattr__(rules, "policies", changed)
    return rules


@dataclass(slots=True)
class OrderRun:
    """`between` happens after transform and before load: what people do while an order waits to be sent."""

    pair: SandboxPair
    ledger: Ledger
    rules: Rules
    now: datetime = NOW
    mails: list[Notice] = field(default_factory=list)
    workers: int = 4

    def __call__(self, run_id: str, *, between: Callable[[], object] | None = None, **params: object) -> dict[str, Any]:
        request = RunRequest(dag_id=PIPELINE, run_id=run_id, params=params)
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        run = orders.open_run(self.ledger, request, rules=self.rules, clock=FixedClock(self.now))
        read = orders.extract(coupa, self.ledger, run=run, request=request, rules=self.rules)
        planned = orders.transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules)
        if between is not None:
            between()
        sent = orders.load(amazon, coupa, self.ledger, run=run, rules=self.rules, workers=self.workers, seconds=60)
        closed = orders.close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)
        return {**closed, "extract": read, "transform": planned, "load": sent}

    def placed(self, number: str = "") -> list[Known]:
        """The orders of a PO in the ledger, or of all of them."""
        return self.ledger.deliveries.of_keys_like(PIPELINE, "place_order", [f"{number}-" if number else ""])

    def of(self, action: str, number: str = "") -> list[Known]:
        return self.ledger.deliveries.of_keys_like(PIPELINE, action, [f"{number}-" if number else ""])

    def findings(self, number: str) -> list[str]:
        return [one.sentence for row in self.placed(number) for one in self.ledger.findings.of_deliveries([row.id])]

    def coupa(self, event: str, **body: object) -> Any:
        """Something people do in Coupa."""
        return self._happen("coupa", event, body)

    def amazon(self, event: str, **body: object) -> Any:
        return self._happen("amazon", event, body)

    def _happen(self, vendor: str, event: str, body: dict[str, Any]) -> Any:
        named = {key.replace("_", "-") if vendor == "coupa" else key: value for key, value in body.items()}
        answer = requests.post(self.pair.control(vendor, f"events/{event}"), json=named, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def writes(self) -> dict[str, int]:
        """Writes that the sandbox accepted, by operation."""
        counts: dict[str, int] = {}
        for vendor in ("amazon", "coupa"):
            for operation, answers in self.pair.calls(vendor)["by_operation"].items():
                if operation in WRITES and (accepted := answers.get("2xx", 0)):
                    counts[operation] = accepted
        return counts


WRITES = frozenset({"placeOrder", "update_purchase_order", "create_comment", "create_purchase_order_comment"})
