"""Golden cases of sellers: what Amazon said of them and what Coupa has, and what becomes of each spelling.

`source.json` holds Amazon's `transactions` and `order_lines`, Coupa's `suppliers`, `registrations` (Japan), the rollout's
`go_live`, and under `rules` what the case changes in suppliers.yml. GOLDEN_WRITE=1 writes what comes out; read the
difference before it is committed.
"""

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger.types import Record, Window
from procurement.pipelines.amazon_suppliers_to_coupa.names import PIPELINE
from procurement.pipelines.amazon_suppliers_to_coupa.observing import fold, read_sales
from procurement.pipelines.amazon_suppliers_to_coupa.planning import Planner
from procurement.policies import Rollout, Rules, read_rules
from procurement.policy_files import PipelineRollout
from procurement.sellers.rules import SuppliersFile

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent / PIPELINE
CASES = sorted(path.parent for path in HERE.glob("*/source.json"))
READ = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
ON = {"onboarding": {"create": True, "rules": [{"orders": 2}, {"spent": 500, "currency": "USD"}]}}


@pytest.fixture(scope="module")
def shipped() -> Rules:
    return read_rules(HERE.parents[2] / "mappings")


def outcome(source: dict[str, Any], shipped: Rules) -> dict[str, Any]:
    file = SuppliersFile.model_validate({**shipped.suppliers.model_dump(), **ON, **source.get("rules", {})})
    live = PipelineRollout.model_validate({"mode": "live", "go_live": source.get("go_live", "2026-01-01")})
    rules = replace(shipped, suppliers=file, rollout=Rollout({PIPELINE: live}))
    sales = [sale for raw in source["transactions"] for sale in read_sales(raw)]
    observed = fold(sales, source["order_lines"], window=READ, registrations=source.get("registrations"))
    records = [
        Record(id=n, source="amazon_business/us", kind="seller", key=key, hash="", raw=facts.written())
        for n, (key, facts) in enumerate(sorted(observed.facts.items()), 1)
    ]
    planner = Planner(
        account=source.get("account", "us"), rules=rules, suppliers=lambda: source.get("suppliers", []), taken_on=(),
        today=date(2026, 6, 30),
    )  # fmt: skip
    plan = planner.propose(records).plan
    keys = {record.id: record.key for record in records}
    return {
        "sellers": {keys[one.record_id]: [one.bills[1] if one.bills else one.state, one.reason, *one.errors[1:]] for one in plan.records},
        "created": [delivery.payload for delivery in plan.deliveries],
        "findings": [finding.sentence for finding in plan.findings],
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_each_case_comes_out_as_reviewed(case: Path, shipped: Rules) -> None:
    source = json.loads((case / "source.json").read_text(), parse_float=Decimal)
    found = json.loads(json.dumps(outcome(source, shipped), default=str))
    expected = case / "expected.json"
    if os.environ.get("GOLDEN_WRITE"):
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(expected.read_text())
