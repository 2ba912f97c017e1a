"""What contracts say later neither accuses nor acquits an order that was judged before."""

from pathlib import Path
from typing import Any

import pytest
import requests

from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation
from tests.integration.pipelines.compliance_runs import AT_ONCE, ComplianceRun, switched
from tests.integration.pipelines.conftest import SCOPES, SandboxPair, StartSandbox

pytestmark = pytest.mark.integration
CONTRACTED = ("over_price", "unlisted_seller")


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="40")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path) -> ComplianceRun:
    return ComplianceRun(pair, ledger, switched(mappings_directory, **AT_ONCE), tmp_path / "leakage")


def put(pair: SandboxPair, path: str, **body: Any) -> None:
    """A change in Coupa by its administrator."""
    grant = {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "grant_type": "client_credentials",
        "scope": f"{SCOPES} core.contract.write",
    }
    token = requests.post(f"{pair.coupa_url}/oauth2/token", data=grant, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    requests.put(f"{pair.coupa_url}/api/{path}", json=body, headers=headers, timeout=30).raise_for_status()


def open_ones(ledger: Ledger) -> dict[str, KeptViolation]:
    return {row.key: row for row in ledger.compliance.open() if row.kind in CONTRACTED}


def settled(pair: SandboxPair) -> list[str]:
    return [text for row in pair.state("coupa", "comments") if (text := str(row["comments"])).startswith("Settled")]


@pytest.mark.parametrize("factor", [10, 0.1], ids=["dearer", "cheaper"])
def test_a_contract_price_that_moves_changes_no_order_of_before(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, factor: float
) -> None:
    run()
    before = open_ones(ledger)
    assert {one.kind for one in before.values()} == set(CONTRACTED)
    for item in pair.state("coupa", "supplier_items"):
        prices = {
            name: str(round(float(value) * factor, 2))
            for name, value in item.items()
            if name.startswith("price") and value
        }
        put(pair, f"supplier_items/{item['id']}", **prices)
    run.later(hours=25)
    again = run()
    assert again["transform"]["records"] > 0, "they are looked at again"
    assert open_ones(ledger) == before and settled(pair) == []


def test_a_contract_that_is_set_inactive_settles_nothing_and_accuses_nobody(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger
) -> None:
    first = run()
    before = open_ones(ledger)
    for contract in pair.state("coupa", "contracts"):
        put(pair, f"contracts/{contract['id']}", status="inactive")
    with ledger.engine.begin() as connection:
        ids = [row[0] for row in connection.exec_driver_sql("SELECT id FROM source_records WHERE kind = 'purchase'")]
    ledger.records.plan_again(ids)
    run.later(hours=25)
    again = run()
    assert open_ones(ledger) == before and settled(pair) == []
    assert again["report"]["goods"] == first["report"]["goods"]
