"""Golden cases: Amazon's report of an order with what surrounds it, through the shipped rules, compared with `expected.json`.

`purchase_compliance/<case>/order.json`: `order` and `lines` are Amazon's raw rows; `contracts` and `supplier_items` Coupa's;
`po` the PO's moments and standing; `earlier` other orders of the buyer, raw as well; `bought_before` units by ASIN under the contract.
GOLDEN_WRITE=1 writes what comes out.
"""

import json
import os
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from procurement.compliance.contracts import read_agreements
from procurement.compliance.judging import judge, who_must_act
from procurement.compliance.purchases import Coding, Purchase, read_purchase
from procurement.compliance.recognition import recogniser
from procurement.compliance.surroundings import Bought, PoFacts, Surroundings
from procurement.policies import Rules, read_rules
from procurement.sellers.names import normalised

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent
CASES = sorted(path.parent for path in (HERE / "purchase_compliance").glob("*/order.json"))
Json = dict[str, Any]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(HERE.parents[1] / "mappings")


def read(raw: Json, rules: Rules) -> Purchase:
    codes = {row["productDetails"]["unspsc"]["code"] for row in raw["lines"]}
    return read_purchase(
        raw,
        Coding(
            "US",
            "AMZN-US",
            {code: rules.lookups["commodities"].find(code) or "" for code in codes},
            ZoneInfo(rules.policies.marketplaces["ATVPDKIKX0DER"].time_zone),
        ),
    )


def bought(purchase: Purchase) -> list[Bought]:
    return [
        Bought(
            order=purchase.key, po_number=purchase.po_number or "", ordered_at=purchase.ordered_at, buyer=purchase.buyer, cost_center=purchase.cost_center,
            seller=normalised(line.seller.name) if line.seller else "", commodity=line.commodity, asin=line.asin,
            quantity=line.quantity, amount=line.amount, currency=purchase.currency,
        )
        for line in purchase.lines
    ]  # fmt: skip


def surroundings(case: Json, purchase: Purchase, rules: Rules) -> Surroundings:
    agreements = read_agreements(case.get("contracts", ()), case.get("supplier_items", ()))
    po = case.get("po")
    moments = {name: datetime.fromisoformat(po[name]) for name in ("created_at", "approved_at") if po and po.get(name)}
    contract = case["contracts"][0]["number"] if case.get("contracts") else ""
    return Surroundings(
        agreements=agreements, recognise=recogniser(agreements, rules.compliance, purchase.day),
        po=PoFacts(
            po["number"], moments.get("created_at"), moments.get("approved_at"), po.get("status", "issued"), po.get("other_supplier", "")
        )
        if po
        else None,
        others=[line for raw in case.get("earlier", ()) for line in bought(read(raw, rules))],
        units={(contract, asin): Decimal(units) for asin, units in case.get("bought_before", {}).items()},
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_each_case_comes_out_as_reviewed(case: Path, rules: Rules) -> None:
    source = json.loads((case / "order.json").read_text(), parse_float=Decimal)
    purchase = read(source, rules)
    at = surroundings(source, purchase, rules)
    found = [
        {
            "key": one.key, "severity": one.severity, "amount": f"{one.currency} {one.amount}", "sentence": one.sentence,
            "orders": list(one.orders), "cost_center": one.cost_center, "seller": one.seller, "who": who_must_act(one),
        }
        for one in judge(purchase, at, rules.compliance, today=datetime.fromisoformat(source["today"]).date())
    ]  # fmt: skip
    expected = case / "expected.json"
    if os.environ.get("GOLDEN_WRITE"):
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(expected.read_text())
    backwards = replace(purchase, lines=purchase.lines[::-1])
    again = judge(backwards, at, rules.compliance, today=datetime.fromisoformat(source["today"]).date())
    assert {one.key for one in again} == {one["key"] for one in found}


def test_every_rule_as_shipped_has_a_case(rules: Rules) -> None:
    found = " ".join((path / "expected.json").read_text() for path in CASES)
    assert [rule.name for rule in rules.compliance.rules if f"/{rule.name}/" not in found] == []
