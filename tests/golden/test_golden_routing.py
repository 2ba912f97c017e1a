"""Golden cases of routing: what the shipped `routing.yml` has done about an invoice that does not match.

`routing.json` beside a case of the invoice pipeline is what was reviewed: every write that the exception needs, in order,
with the text that people read. GOLDEN_WRITE=1 writes what comes out for the cases that have such a file.
"""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.matching import Outcome, three_way_match
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import exception_deliveries
from procurement.policies import Rules, read_rules
from procurement.purchase_orders import read_goods_receipts, read_purchase_order

pytestmark = pytest.mark.golden
PIPELINE = "amazon_invoices_to_coupa"
HERE = Path(__file__).parent
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CASES = sorted(path.parent for path in HERE.glob(f"{PIPELINE}/*/routing.json"))
PEOPLE = {"ap.lead": 622, "ap.clerk": 623}


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(HERE.parents[1] / "mappings")


def routed(rules: Rules, source: Any) -> list[dict[str, Any]]:
    """The planned writes of one exception."""
    lines = [{**source["header"], **line} for line in source["lines"]]
    invoice = rules.mapping(PIPELINE).invoice(source["header"], lines)
    orders = {order.number: order for order in map(read_purchase_order, source.get("orders", []))}
    receipts = read_goods_receipts(source.get("receipts", []))
    match = three_way_match(invoice, orders, receipts, rules.tolerances)
    assert match.outcome is Outcome.EXCEPTION, "only exceptions are routed"
    planned = exception_deliveries(
        invoice, match, key=f"acme/{invoice.supplier}/{invoice.number}", orders=list(orders.values()),
        routing=rules.routing, user_ids=PEOPLE, now=NOW,
    )  # fmt: skip
    return [
        {"action": one.action, "after": one.after[0] if one.after else None, "payload": one.payload} for one in planned
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_each_exception_is_routed_as_reviewed(case: Path, rules: Rules) -> None:
    source = json.loads((case / "source.json").read_text(), parse_float=Decimal)
    found = json.loads(json.dumps(routed(rules, source)))
    expected = case / "routing.json"
    if os.environ.get("GOLDEN_WRITE"):
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(expected.read_text())


def test_the_cases_show_a_message_for_amazon_and_an_approver() -> None:
    texts = [path.joinpath("routing.json").read_text() for path in CASES]
    assert any("To send on to the supplier" in text for text in texts)
    assert any('"add_approver"' in text for text in texts)
    assert all(text.count('"comment_on_invoice"') == 1 for text in texts)
