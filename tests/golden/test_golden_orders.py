"""Golden cases of orders: what Coupa and Amazon show, through the shipped rules, compared with the reviewed `expected.json`.

A case has `po` and `requisition` as Coupa shows them, `offers` and `products` as Amazon does, the `orders` that Amazon
already shows, and with `answer` what Amazon says to the order. GOLDEN_WRITE=1 writes what comes out; read the difference
before it is committed.
"""

import json
import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.amazon_business.order_results import OrderResult
from connectors.amazon_business.products import Offer, Product, read_offer, read_product
from procurement.ledger.types import Record
from procurement.mapping.plain import plain
from procurement.order_gate import substance
from procurement.order_results import read_outcome
from procurement.pipelines.coupa_requisitions_to_amazon_orders import PIPELINE
from procurement.pipelines.coupa_requisitions_to_amazon_orders.payloads import asked_of
from procurement.pipelines.coupa_requisitions_to_amazon_orders.planning import Planner
from procurement.pipelines.coupa_requisitions_to_amazon_orders.write_back import Answered, written_back
from procurement.policies import Rules, read_rules

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob(f"{PIPELINE}/*/source.json"))
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """As shipped, switched live."""
    folder = tmp_path_factory.mktemp("golden") / "mappings"
    shutil.copytree(HERE.parents[1] / "mappings", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "rollout.yml").write_text(
        f"pipelines:\n  {PIPELINE}: {{mode: live, go_live: 2026-06-01}}\nexamples:\n  - {{pipeline: x, expect: off}}\n"
    )
    return read_rules(folder)


class Shown:
    """Both systems as the case shows them."""

    account, region, instance = "sandbox", "US", "acme"

    def __init__(self, source: Json) -> None:
        self.source = source

    def purchase_orders(self, numbers: Iterable[str]) -> list[list[Json]]:
        return [[self.source["po"]]]

    def requisitions(self, ids: Iterable[int]) -> list[list[Json]]:
        return [[self.source["requisition"]]] if "requisition" in self.source else []

    def offers(self, offer_ids: Iterable[str]) -> list[Offer]:
        wanted = set(offer_ids)
        return [offer for offer in map(read_offer, self.source.get("offers", [])) if offer.offer_id in wanted]

    def products(self, asins: Iterable[str]) -> list[Product]:
        return [read_product(raw) for raw in self.source.get("products", [])]

    def order_pages(self, order_from: datetime, order_to: datetime) -> list[list[Json]]:
        return [self.source.get("orders", [])]

    def order_pages_by_po(self, po_number: str) -> list[list[Json]]:
        return [self.source.get("orders", [])]

    def order_details(self, external_id: str) -> OrderResult | None:
        return None


def outcome(rules: Rules, source: Json) -> Json:
    """The orders as they would be sent, and what follows the answer; or why there is none."""
    shown, po = Shown(source), source["po"]
    planner = Planner(amazon=shown, coupa=shown, known=lambda _: [], trials=lambda _: [], rules=rules, now=NOW)
    record = Record(id=1, source="coupa/acme", kind="purchase_order", key=po["po-number"], hash="", raw=substance(po))
    proposal = planner.propose([record])
    if not proposal.live.deliveries:
        (planned,) = proposal.live.records
        return {"state": planned.state, "reason": planned.reason, "errors": list(planned.errors)}
    found: Json = {"requests": [delivery.payload["request"] for delivery in proposal.live.deliveries]}
    if "answer" in source:
        payload = proposal.live.deliveries[0].payload
        verdict = read_outcome(asked_of(payload), OrderResult.model_validate(source["answer"]))
        back = written_back(po, [Answered.of(verdict, payload)], rules.orders.write_back)
        found |= {"taken": verdict.taken, "refused": verdict.rejections, "alarms": list(verdict.alarms)}
        found |= {"written_back": back.body, "left_alone": back.conflicts}
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_each_case_comes_out_as_reviewed(case: Path, rules: Rules) -> None:
    source = json.loads((case / "source.json").read_text(), parse_float=Decimal)
    found = json.loads(json.dumps(plain(outcome(rules, source))))
    expected = case / "expected.json"
    if os.environ.get("GOLDEN_WRITE"):
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(expected.read_text())


def test_there_are_orders_placed_held_waiting_and_skipped() -> None:
    results = [json.loads((path / "expected.json").read_text()) for path in CASES]
    assert {result.get("state") for result in results} == {None, "held", "waiting", "skipped"}
    assert any(result.get("refused") for result in results)
