"""Requisitions that wait: which of Amazon's offers an approver hears of, how often, and whether it is still true when it is sent."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.amazon_business.products import read_product
from procurement.ledger.types import Peeked, PlannedDelivery, Record
from procurement.pipelines.amazon_catalog_to_coupa import waiting
from procurement.pipelines.amazon_catalog_to_coupa.actions import Gate, TellApprover
from procurement.pipelines.amazon_catalog_to_coupa.amazon_side import read_article
from procurement.pipelines.amazon_catalog_to_coupa.names import PIPELINE, TELL
from procurement.policies import Mode, Rules, read_rules
from procurement.policy_files import PipelineRollout, Rollout

Json = dict[str, Any]
ASIN = "B000000001"


@pytest.fixture(scope="module")
def rules() -> Rules:
    live = PipelineRollout.model_validate({"mode": "live", "go_live": "2026-01-01"})
    return replace(read_rules(), rollout=Rollout({PIPELINE: live}))


def offer(id: str, amount: str, *, guidance: str = "NONE", **fields: Any) -> Json:
    price = {"value": {"amount": Decimal(amount), "currencyCode": "USD"}}
    return {"offerId": id, "price": price, "buyingGuidance": guidance, **fields}


def requisition(status: str = "pending_approval", approver: int = 3, line: Json | None = None) -> Json:
    """Its line names a cart, so no offer."""
    shown = {
        "line-num": 1, "unit-price": "1000.00", "quantity": "10", "description": "Laptop", "source-part-num": ASIN,
        "supp-aux-part-num": "130-1-cart", "currency": {"code": "USD"}, "supplier": {"number": "AMZN-US"}, **(line or {}),
    }  # fmt: skip
    approval = {"approver": {"id": approver}, "approver-type": "User"}
    return {"id": 5, "status": status, "current-approval": approval, "requisition-lines": [shown]}


def told(rules: Rules, *offers: Json) -> list[PlannedDelivery]:
    product = read_product({"asin": ASIN, "includedDataTypes": {"OFFERS": list(offers)}})
    lines: dict[str, list[Any]] = {}
    for asin, line in waiting.waiting_lines(requisition(), "AMZN-US"):
        lines.setdefault(asin, []).append(line)
    staged = waiting._staged(ASIN, waiting.offered(product.offers), lines, sold=True)
    record = Record(id=1, source="s", kind="waiting_price", key=staged.key, hash="h", raw=staged.raw)
    proposal = waiting.propose(
        [record], rules=rules.catalog, version="v", mode=Mode.LIVE, account="sandbox", dry_run=False
    )
    return proposal.plan.deliveries


USED: Json = {"condition": {"conditionValue": "USED"}}
NEW: Json = {"condition": {"conditionValue": "NEW"}}


@pytest.mark.parametrize(
    "other",
    [
        offer("u", "310", **USED),
        offer("b", "310", guidance="BLOCKED", **NEW),
        offer("r", "310", productCondition="Refurbished"),
    ],
)
def test_what_is_used_or_blocked_is_never_the_price_that_an_approver_hears_of(rules: Rules, other: Json) -> None:
    assert told(rules, offer("n", "1000.00", **NEW), other) == []
    assert told(rules, other) == []


def test_an_offer_is_new_in_whichever_words_amazon_says_so(rules: Rules) -> None:
    row = offer("n", "10", guidance="NEGOTIATED", productCondition="New")
    raw = {"asin": ASIN, "includedDataTypes": {"OFFERS": [row]}}
    assert read_article(raw, rules.catalog).price == 10


def test_a_price_is_told_once_with_however_many_zeros(rules: Rules) -> None:
    keys = {one.business_key for amount in ("1100.5", "1100.50") for one in told(rules, offer("n", amount))}
    assert keys == {"5/1/1100.5"}
    assert [one.business_key for one in told(rules, offer("n", "1100"))] == ["5/1/1100"]


class Coupa:
    def __init__(self, shown: Json | None) -> None:
        self.shown = shown

    def requisitions(self, ids: Iterable[int]) -> Iterator[list[Json]]:
        yield [self.shown] if self.shown is not None and self.shown["id"] in ids else []


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (requisition(), None),
        (requisition("ordered"), "does not wait for approval any more: it is ordered"),
        (requisition(approver=4), "was changed since"),
        (requisition(line={"unit-price": "1100.00"}), "was changed since"),
        (requisition(line={"quantity": "2"}), "was changed since"),
        (requisition(line={"source-part-num": "B000000002"}), "was changed since"),
        (None, "Coupa has no requisition 5 any more"),
    ],
)
def test_a_comment_goes_only_while_the_requisition_waits_as_it_did(
    rules: Rules, shown: Json | None, why: str | None
) -> None:
    coupa = Coupa(shown)
    [planned] = told(rules, offer("n", "1100.00"))
    tell = TellApprover(coupa, Gate(coupa, rules, "sandbox"))  # type: ignore[arg-type]
    stop = tell.gate(Peeked(1, TELL, planned.business_key, planned.payload, "h", 0))
    assert (stop is None) if why is None else (stop is not None and stop.state == "skipped" and why in stop.reason)
