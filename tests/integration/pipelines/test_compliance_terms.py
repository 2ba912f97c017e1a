"""What contracts say later neither accuses nor acquits an order that was judged before; what is beyond them is added up."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
import sqlalchemy as sa

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


def bought(pair: SandboxPair) -> dict[str, list[tuple[str, str, int, Decimal]]]:
    """By ASIN: moment, order id, units and price of every order that is not cancelled, oldest first."""
    status = {row["orderMetadata"]["orderId"]: row["orderStatus"] for row in pair.state("amazon", "orders")}
    found: dict[str, list[tuple[str, str, int, Decimal]]] = {}
    for row in pair.state("amazon", "order_lines"):
        about, price = row["orderMetadata"], Decimal(str(row["unitPrice"]["amount"]))
        if status[about["orderId"]] != "CANCELLED":
            rows = found.setdefault(row["productDetails"]["asin"], [])
            rows.append((about["orderDate"], about["orderId"], row["quantity"], price))
    return {asin: sorted(rows) for asin, rows in found.items()}


def test_what_is_beyond_the_agreed_units_is_one_cause_with_the_money_of_all_its_orders(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, mappings_directory: Path
) -> None:
    asin, ((_, first, agreed, _), *beyond) = max(bought(pair).items(), key=lambda one: len(one[1]))
    assert len(beyond) > 2
    kind = "    kind: over_contract\n"
    run.rules = switched(mappings_directory, **{kind: f"{kind}    units: {{{asin}: {agreed}}}\n"})
    run()
    (row,) = [row for row in ledger.compliance.open() if row.kind == "over_contract"]
    assert row.amount == sum((units * price for _, _, units, price in beyond), Decimal(0))
    assert row.orders == tuple(dict.fromkeys(order for _, order, _, _ in beyond)) and first not in row.orders
    assert len(row.evidence) == len(row.orders)
    for order in (row.purchase, row.orders[-1], first):
        ledger.records.plan_again([ledger.records.find(row.source, "purchase", [order])[order].id])
        run()
        assert [one for one in ledger.compliance.open() if one.kind == "over_contract"] == [row], order


def test_a_contract_holds_to_the_end_of_its_last_day_at_the_marketplace(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger
) -> None:
    """An evening in Los Angeles is the next day in UTC."""
    contracted = {item["supplier-part-num"] for item in pair.state("coupa", "supplier_items") if item.get("contract")}
    zone = ZoneInfo("America/Los_Angeles")
    ordered = [
        (datetime.fromisoformat(moment), order)
        for asin, rows in bought(pair).items() if asin in contracted for moment, order, _, _ in rows
    ]  # fmt: skip
    moment, order = max((at, order) for at, order in ordered if at.astimezone(zone).date() < at.date())
    last = moment.astimezone(zone).date()
    for contract in pair.state("coupa", "contracts"):
        put(pair, f"contracts/{contract['id']}", **{"end-date": f"{last}T00:00:00-07:00"})
    run()
    with ledger.engine.begin() as connection:
        query = sa.text(
            "SELECT DISTINCT order_id, contract FROM purchased_lines WHERE asin = ANY(:asins) AND standing <> 'cancelled'"
        )
        books = {row.order_id: row.contract for row in connection.execute(query, {"asins": sorted(contracted)})}
    later = {one for at, one in ordered if at.astimezone(zone).date() > last}
    assert books[order] and {books[one] for one in later} == {""}
