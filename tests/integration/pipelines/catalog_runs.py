"""The catalog pipeline as its DAG runs it, in one process, against a sandbox whose clock the test moves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice
from procurement.pipelines import amazon_catalog_to_coupa as pipeline
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from procurement.policy_files import Sending
from tests.integration.pipelines.conftest import NOW, SandboxPair, connect_amazon, connect_coupa

LIVE = "{mode: live, go_live: 2026-03-01}"
Json = dict[str, Any]
PENS, PAPER, NOTES, PRINTER, LABELS = "B0QX10001A", "B0QX10002B", "B0QX10003C", "B0QX10004D", "B0QX10006F"
MARKERS, GLOVES, TOWELS, BATTERIES, GONE = "B0QX10008H", "B0QX30001A", "B0QX40004D", "B0QX20007G", "B0QX90001Z"


def switched(directory: Path, rollout: str = LIVE, **choices: Any) -> Rules:
    """The shipped rules with this pipeline's rollout entry, and other choices of catalog.yml. Asking is allowed at once."""
    (directory / "rollout.yml").write_text(
        f"pipelines:\n  {pipeline.PIPELINE}: {rollout}\nexamples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    rules = read_rules(directory)
    catalog = rules.catalog.model_validate({**rules.catalog.model_dump(), **choices})
    impatient = Sending(timeout=1, ask_again_after=0, retry_not_sent_after=0.1, patience=5, outage_after=50)
    return replace(rules, catalog=catalog, policies=rules.policies.model_copy(update={"sending": impatient}))


@dataclass(slots=True)
class CatalogRun:
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

    def __call__(
        self,
        *,
        load: bool = True,
        before_load: Callable[[], object] | None = None,
        kind: str = "manual",
        failed: Sequence[str] = (),
        run_id: str | None = None,
        **params: object,
    ) -> Json:
        """One run, or with `run_id` an earlier one again; `before_load` is what people do between its plan and its load.
        `failed`: tasks that the scheduler says failed."""
        self.runs += 1
        name = run_id or f"{self.prefix}-{self.runs}"
        request = RunRequest(dag_id=pipeline.PIPELINE, run_id=name, kind=kind, params=params)
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        run = pipeline.open_run(self.ledger, request, rules=self.rules, clock=FixedClock(NOW + self.passed))
        given: Json = {"run": run, "request": request, "rules": self.rules}
        steps: Json = {
            "extract": pipeline.extract(amazon, coupa, self.ledger, **given),
            "transform": pipeline.transform(amazon, coupa, self.ledger, **given),
        }
        if before_load is not None:
            before_load()
        if load:
            account = amazon.account
            steps["load"] = pipeline.load(
                coupa, self.ledger, run=run, rules=self.rules, account=account, workers=2, seconds=60
            )
        closed = pipeline.close(
            self.ledger, run=run, rules=self.rules, account=amazon.account, send_mail=self.mails.append,
            failed_upstream=failed,
        )  # fmt: skip
        return {**closed, **steps}

    def amazon(self, event: str, **body: object) -> Any:
        return self._happen("amazon", event, body)

    def coupa(self, event: str, **body: object) -> Any:
        return self._happen("coupa", event, {key.replace("_", "-"): value for key, value in body.items()})

    def _happen(self, vendor: str, event: str, body: Json) -> Any:
        answer = requests.post(self.pair.control(vendor, f"events/{event}"), json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def fault(self, operation: str, **fault: object) -> None:
        self.pair.post("coupa", "faults", operation=operation, **fault)

    def writes(self) -> Json:
        """What Coupa accepted or refused of writes, by operation."""
        calls: Json = self.pair.calls("coupa")["by_operation"]
        return {name: counts for name, counts in calls.items() if not name.startswith(("list_", "get_", "token"))}

    def prices(self) -> dict[str, Json]:
        """Amazon's supplier items, by ASIN."""
        rows = self.pair.state("coupa", "supplier_items")
        return {str(one["supplier-part-num"]): one for one in rows if one["supplier"]["number"] == "AMZN-US"}

    def items(self) -> dict[str, Json]:
        return {str(one["item-number"]): one for one in self.pair.state("coupa", "items")}

    def offer_of(self, asin: str) -> str:
        """The id of the negotiated offer."""
        for row in self.pair.state("amazon", "products"):
            document = row.get("document", row)
            if document["asin"] == asin:
                offers = document["includedDataTypes"]["OFFERS"]
                return str(next(one["offerId"] for one in offers if one["buyingGuidance"] == "NEGOTIATED"))
        raise AssertionError(f"Amazon does not sell {asin}")

    def fates(self) -> dict[str, tuple[str, str]]:
        """Disposition and reason by article."""
        return dict(self.ledger.completeness.fates(pipeline.PIPELINE))


def prices(run: CatalogRun) -> dict[str, str]:
    return {asin: row["price"] for asin, row in run.prices().items()}
