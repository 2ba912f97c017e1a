"""Golden cases: Amazon's reports and Coupa's PO through the shipped rules, compared with the reviewed `expected.json`.

`amazon_order_status_to_coupa/<case>/order.json`: `observations` are Amazon's raw rows as they were read one after the other,
each with the moment (`at`) of its reading; `purchase_order` is Coupa's; `refunds` and `charged` (units by order line) are what
the invoice pipeline staged. They are read forwards, backwards and twice. GOLDEN_WRITE=1 writes what comes out.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger.types import Record, Refund
from procurement.order_facts import OrderFacts, join_all_orders, write_order
from procurement.pipelines.amazon_order_status_to_coupa.planning import Planner, Proposal
from procurement.pipelines.order_reports import Report, read_report
from procurement.policies import Rules, read_rules

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent
CASES = sorted(path.parent for path in (HERE / "amazon_order_status_to_coupa").glob("*/order.json"))
Json = dict[str, Any]


@pytest.fixture(scope="module")
def rules() -> Rules:
    rules = read_rules(HERE.parents[1] / "mappings")
    live = {"amazon_order_status_to_coupa": {"mode": "live", "go_live": "2026-01-01"}}
    entry = type(rules.rollout.pipelines["amazon_order_status_to_coupa"]).model_validate
    return replace(rules, rollout=type(rules.rollout)({name: entry(value) for name, value in live.items()}))


class Coupa:
    def __init__(self, orders: Sequence[Json]) -> None:
        self.orders = orders

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[Json]]:
        wanted = set(numbers)
        return [[order for order in self.orders if order["po-number"] in wanted]]

    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Iterable[Sequence[Json]]:
        return [[{"id": 77, "email": email} for email in emails]]


def observed(case: Json, late_after: timedelta) -> list[OrderFacts]:
    return [
        read_report(
            Report(one["order"], one["lines"], one.get("shipments", []), one.get("shipment_lines", [])),
            now=datetime.fromisoformat(one["at"]), late_after=late_after,
        )
        for one in case["observations"]
    ]  # fmt: skip


def known(facts: OrderFacts, case: Json) -> OrderFacts:
    charged = case.get("charged", {})
    lines = {id: replace(line, charged=charged.get(id, 0)) for id, line in facts.lines.items()}
    return replace(facts, lines=lines, refunds=tuple(sorted({one["key"] for one in case.get("refunds", ())})))


def plan(case: Json, facts: OrderFacts, rules: Rules) -> Proposal:
    refunds = [
        Refund(
            key=one["key"], subkind="REFUND", order_id=facts.order_id, order_line_id=one["order_line_id"], shipment_id=None,
            quantity=Decimal(one["quantity"]), amount=Decimal(one["amount"]), currency="USD", dated_at=None, reason=one.get("reason"),
        )
        for one in case.get("refunds", ())
    ]  # fmt: skip
    record = Record(
        id=1, source="amazon_business/acme", kind="order", key=facts.order_id, hash="", raw=write_order(facts),
        group_key=facts.po_number, dated_at=facts.ordered_at,
    )  # fmt: skip
    planner = Planner(
        coupa=Coupa([case["purchase_order"]] if "purchase_order" in case else []), account="acme", rules=rules,
        known=lambda action, keys: {}, refunds={facts.order_id: refunds}, siblings={},
    )  # fmt: skip
    return planner.propose([record])


def outcome(proposal: Proposal) -> Json:
    return {
        "deliveries": [
            {"action": one.action, "business_key": one.business_key, "payload": one.payload} for one in proposal.plan.deliveries
        ],
        "fates": [
            {"part": one.part, "state": one.state, **({"reason": one.reason} if one.reason else {})}
            for one in proposal.plan.records
        ],
        **({"findings": [one.sentence for one in proposal.plan.findings]} if proposal.plan.findings else {}),
        **({"mails": proposal.mails} if proposal.mails else {}),
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_each_case_comes_out_as_reviewed_in_whatever_order_it_was_seen(case: Path, rules: Rules) -> None:
    source = json.loads((case / "order.json").read_text(), parse_float=Decimal)
    seen = observed(source, timedelta(days=rules.order_status.reading.late_after_days))
    found = [
        json.loads(json.dumps(outcome(plan(source, known(join_all_orders(some), source), rules))))
        for some in (seen, seen[::-1], seen + seen)
    ]
    expected = case / "expected.json"
    if os.environ.get("GOLDEN_WRITE"):
        expected.write_text(json.dumps(found[0], indent=1, ensure_ascii=False) + "\n")
    assert found[0] == found[1] == found[2] == json.loads(expected.read_text())


def test_there_is_a_case_for_every_change_that_reports_alone_tell() -> None:
    said = " ".join((path / "expected.json").read_text() for path in CASES)
    told = {
        change
        for rule in read_rules(HERE.parents[1] / "mappings").order_status.rules
        for change in rule.when.change
        if rule.do
    }
    assert {change for change in told if f"/{change}" not in said} == {"undeliverable"}, (
        "only Package Tracking tells it"
    )
