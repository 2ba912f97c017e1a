"""Golden cases of spend: what Amazon charged and what Coupa has, and where each line goes.

`source.json` holds Amazon's `transactions` and `orders`, Coupa's `purchase_orders`, `invoices` and `budget_lines`.
GOLDEN_WRITE=1 writes what comes out; read the difference before it is committed.
"""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger.types import Record
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import KIND, PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.planning import Planner
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import read_purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.staging import staged
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import (
    Surroundings,
    read_commitment,
    read_invoice,
    read_line,
)
from procurement.policies import Rollout, Rules, read_rules
from procurement.policy_files import PipelineRollout

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent / PIPELINE
CASES = sorted(path.parent for path in HERE.glob("*/source.json"))
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shipped() -> Rules:
    return read_rules(HERE.parents[2] / "mappings")


def outcome(source: dict[str, Any], shipped: Rules) -> dict[str, Any]:
    live = PipelineRollout.model_validate({"mode": "live", "go_live": "2026-01-01", **source.get("rollout", {})})
    rules = replace(shipped, rollout=Rollout({PIPELINE: live}))
    records = []
    for n, row in enumerate(map(staged, source["transactions"]), 1):
        records.append(
            Record(
                id=n,
                source="amazon_business/us",
                kind=KIND,
                key=row.key,
                hash="",
                raw=row.raw,
                amount=row.amount,
                currency=row.currency,
            )
        )
    around = Surroundings(
        commitments={raw["po-number"]: read_commitment(raw, rules.spend.file.released) for raw in source.get("purchase_orders", [])},
        entered={raw["invoice-number"]: [read_invoice(raw, rules)] for raw in source.get("invoices", [])},
        orders=source.get("orders", {}), lines=[read_line(raw) for raw in source["budget_lines"]],
    )  # fmt: skip
    planner = Planner(account="us", instance="acme", rules=rules, now=NOW, around=around)
    planned = planner.propose([read_purchase(record, rules.policies) for record in records], {})
    keys = {record.id: record.key for record in records}
    plan = planned.proposal.plan
    return {
        "lines": {
            f"{keys[one.record_id]}/{one.part}": [one.bills[1] if one.bills else one.state, one.reason, str(one.amount), *one.errors]
            for one in plan.records
        },
        "adjustments": {one.business_key: one.payload for one in plan.deliveries},
        "shadow": [one["payload"]["body"] for one in planned.proposal.in_shadow],
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
