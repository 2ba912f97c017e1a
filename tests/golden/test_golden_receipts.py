"""Golden cases: shipped lines, Coupa's PO and receipts through the shipped rules, compared with the reviewed `expected.json`.

`amazon_deliveries_to_coupa_receipts/<case>/delivery.json`: `shipments` are facts (what is left out is not known), `sold` title
and prices by order line, `transactions` lines that the invoice pipeline staged, `purchase_orders` and `receipts` as Coupa shows
them, `sent` what the ledger says was sent before. GOLDEN_WRITE=1 writes what comes out.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger.transaction_lines import TransactionLine
from procurement.ledger.types import Known, Record
from procurement.order_facts import LineFacts, ShipmentFacts, write_shipment
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.planning import Planner
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.preview import Proposal
from procurement.policies import Rules, read_rules

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent
PIPELINE = "amazon_deliveries_to_coupa_receipts"
CASES = sorted(path.parent for path in (HERE / PIPELINE).glob("*/delivery.json"))
Json = dict[str, Any]


@pytest.fixture(scope="module")
def rules() -> Rules:
    rules = read_rules(HERE.parents[1] / "mappings")
    entry = type(rules.rollout.pipelines[PIPELINE]).model_validate({"mode": "live", "go_live": "2026-01-01"})
    return replace(rules, rollout=type(rules.rollout)({PIPELINE: entry}))


class Coupa:
    def __init__(self, case: Json) -> None:
        self.case = case

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[Json]]:
        wanted = set(numbers)
        return [[order for order in self.case.get("purchase_orders", ()) if order["po-number"] in wanted]]

    def receipts(self, order_line_ids: Iterable[int]) -> Iterable[Sequence[Json]]:
        wanted = set(order_line_ids)
        return [[one for one in self.case.get("receipts", ()) if one["order-line"]["id"] in wanted]]

    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Iterable[Sequence[Json]]:
        return [[{"id": 77, "email": email, "manager": {"id": 88, "fullname": "Mara Manager"}} for email in emails]]


def facts_of(raw: Json) -> ShipmentFacts:
    moments = {
        name: datetime.fromisoformat(raw[name])
        for name in ("delivered_seen", "delivered_at", "shipped_at")
        if name in raw
    }
    packages = tuple(tuple(one) for one in raw.get("packages", ()))
    return ShipmentFacts(**{**raw, **moments, "packages": packages})


def known_of(case: Json) -> Any:
    rows: dict[str, dict[str, Known]] = {}
    for n, one in enumerate(case.get("sent", ()), 1):
        row = Known(
            id=n, action=one["action"], business_key=one["key"], state=one.get("state", "delivered"), claimed=True,
            target_id=one.get("target_id"), facts=one.get("facts", {}),
        )  # fmt: skip
        rows.setdefault(row.action, {})[row.business_key] = row

    def known(action: str, keys: Iterable[str]) -> Mapping[str, Known]:
        return {key: rows[action][key] for key in keys if key in rows.get(action, {})}

    return known


def plan(case: Json, rules: Rules) -> Proposal:
    shipped = [facts_of(raw) for raw in case["shipments"]]
    records = [
        Record(
            id=n, source="amazon_business/sandbox", kind="shipment_line", key=facts.key, hash="", raw=write_shipment(facts),
            group_key=facts.po_number,
        )
        for n, facts in enumerate(shipped, 1)
    ]  # fmt: skip
    blank = {
        "shipment_id": None,
        "po_line_number": None,
        "asin": None,
        "reason": None,
        "dated_at": None,
        "subkind": "CHARGE",
    }
    lines = [
        TransactionLine(**{**blank, **one, "key": f"t{n}", "quantity": Decimal(one["quantity"])})
        for n, one in enumerate(case.get("transactions", ()))
    ]
    sold = {
        ("112-1", id): LineFacts(
            order_line_id=id, ordered=0, left=0, title=one["title"], unit_prices=tuple(one["prices"])
        )
        for id, one in case.get("sold", {}).items()
    }
    planner = Planner(
        coupa=Coupa(case), account="sandbox", known=known_of(case), transactions=lambda orders: lines, order_lines=sold,
        rules=rules, now=datetime.fromisoformat(case.get("now", "2026-06-15T12:00:00+00:00")),
    )  # fmt: skip
    return planner.propose(records, pending=frozenset(record.id for record in records))


def outcome(proposal: Proposal) -> Json:
    live = proposal.live
    return {
        "deliveries": [
            {
                "action": one.action, "business_key": one.business_key, **({"after": list(one.after)} if one.after else {}),
                "payload": {name: value for name, value in one.payload.items() if name != "asked_at"},
            }
            for one in live.deliveries
        ],
        "fates": [
            {
                "record": one.record_id, "part": one.part, "state": one.state,
                **({"reason": one.reason} if one.reason else {}), **({"errors": list(one.errors)} if one.errors else {}),
            }
            for one in live.records
        ],
        **({"findings": [one.sentence for one in live.findings]} if live.findings else {}),
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_each_case_comes_out_as_reviewed(case: Path, rules: Rules) -> None:
    source = json.loads((case / "delivery.json").read_text(), parse_float=Decimal)
    found = json.loads(json.dumps(outcome(plan(source, rules))))
    expected = case / "expected.json"
    if os.environ.get("GOLDEN_WRITE"):
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(expected.read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_every_shipped_line_of_a_case_has_exactly_one_fate(case: Path, rules: Rules) -> None:
    source = json.loads((case / "delivery.json").read_text(), parse_float=Decimal)
    live = plan(source, rules).live
    states = [record.record_id for record in live.records if record.part == "state"]
    assert sorted(states) == list(range(1, len(source["shipments"]) + 1))


def test_every_kind_of_write_and_every_state_has_a_case() -> None:
    results = [json.loads((path / "expected.json").read_text()) for path in CASES]
    actions = {one["action"] for result in results for one in result["deliveries"]}
    assert actions == {
        "create_receipt", "void_receipt", "return_goods", "reopen_order", "ask_requester", "tell_requester", "mark_received",
    }  # fmt: skip
    states = {one["state"] for result in results for one in result["fates"]}
    assert states == {"planned", "waiting", "held", "skipped", "dead"}
