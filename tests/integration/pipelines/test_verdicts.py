"""Where Coupa's own verdict and ours differ: the sandbox's scenario `verdicts` holds ten such invoices, and each is found
with its reason. tests/golden/verdicts.json is what comes out (GOLDEN_WRITE=1 writes it); docs/decisions.md shows it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from procurement.ledger import Ledger
from procurement.matching import Outcome
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.verdicts import KIND
from tests.integration.pipelines.conftest import InvoiceRun, SandboxPair, StartSandbox

pytestmark = pytest.mark.integration
GOLDEN = Path(__file__).parents[2] / "golden" / "verdicts.json"


def differing(ledger: Ledger) -> dict[str, str]:
    """The findings' sentences by invoice number."""
    ids = {
        known.id: known.business_key.rsplit("/", 1)[-1]
        for outcome in Outcome
        for known in ledger.deliveries.list_by_outcome(PIPELINE, outcome)
    }
    found = [one for one in ledger.findings.of_deliveries(ids) if one.kind == KIND]
    assert len({one.delivery_id for one in found}) == len(found)
    return {ids[one.delivery_id]: one.sentence for one in found if one.delivery_id is not None}


def planted(pair: SandboxPair) -> dict[str, tuple[str, str]]:
    """Situation and what Coupa's side of it rests on, by invoice number."""
    situations = pair.world()["facts"]["situations"]
    return {
        document["invoices"][0]: (name, document["because"])
        for name, found in situations.items()
        for document in found["documents"]
    }


def test_each_planted_disagreement_is_found_with_its_reason_and_no_other(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger
) -> None:
    pair = start_sandbox("verdicts")
    run_invoices(pair)("first")
    sentences, where = differing(ledger), planted(pair)
    assert set(sentences) == set(where)
    found = {
        where[number][0]: {"finding": sentence.removeprefix(f"Invoice {number}: "), "because": where[number][1]}
        for number, sentence in sorted(sentences.items(), key=lambda pair: where[pair[0]][0])
    }
    if os.environ.get("GOLDEN_WRITE"):
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(GOLDEN.read_text())
    assert len(found) >= 10


def test_a_usual_quarter_has_ten_of_them_too(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger
) -> None:
    pair = start_sandbox("quarter")
    run_invoices(pair)("first")
    found = differing(ledger)
    assert len(found) >= 10
    assert all("we " in sentence and "Coupa " in sentence for sentence in found.values())
