"""Golden cases: one document as Amazon, the ledger and Coupa have it, and the difference that people are told.

`reconciliation/<case>/source.json` has `seen` and `standing` (a transaction), `sent` or `unsent` (the ledger's document), and
`coupa` (Coupa's JSON); `stranger` says that nobody knows the number. GOLDEN_WRITE=1 writes what comes out.
"""

import json
import os
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.policies import read_rules
from procurement.reconciliation_rules import ReconciliationFile
from procurement.reconciling import (
    Difference,
    Seen,
    Sent,
    Standing,
    Unsent,
    compare_sent,
    compare_stranger,
    compare_transaction,
    compare_unsent,
    read_in_coupa,
)

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent
CASES = sorted(path.parent for path in (HERE / "reconciliation").glob("*/source.json"))


@pytest.fixture(scope="module")
def rules() -> ReconciliationFile:
    return read_rules(HERE.parents[1] / "mappings").reconciliation


def money(values: dict[str, Any]) -> dict[str, Any]:
    amounts = ("amount", "allocated", "amazon", "read_back")
    return {key: Decimal(value) if key in amounts and value is not None else value for key, value in values.items()}


def compare(case: dict[str, Any], rules: ReconciliationFile) -> Difference | None:
    found = [read_in_coupa(raw) for raw in case.get("coupa", [])]
    if "seen" in case:
        standing = Standing(**money(case["standing"])) if case.get("standing") else None
        return compare_transaction(Seen(**money(case["seen"])), standing)
    if "stranger" in case:
        return compare_stranger(found[0], [Sent(**money(one)) for one in case["stranger"]], rules)
    if "unsent" in case:
        return compare_unsent(Unsent(**money(case["unsent"])), found, rules)
    return compare_sent(Sent(**money(case["sent"])), found, rules)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_case_comes_out_as_reviewed(case: Path, rules: ReconciliationFile) -> None:
    difference = compare(json.loads((case / "source.json").read_text()), rules)
    shown = json.dumps(asdict(difference) if difference else None, indent=2, default=str, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN_WRITE"):
        (case / "expected.json").write_text(shown)
    assert shown == (case / "expected.json").read_text()


def test_there_is_a_case_of_each_kind(rules: ReconciliationFile) -> None:
    found = [compare(json.loads((case / "source.json").read_text()), rules) for case in CASES]
    assert {one.kind.value for one in found if one} == {
        "missing_in_coupa", "missing_at_amazon", "amount_differs", "doubled", "state_differs", "changed_by_hand",
    }  # fmt: skip
