"""Spend transactions and the plan that they come to, for the tests of planning."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from procurement.ledger.spend import Charged, Part
from procurement.ledger.types import Record
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import KIND, PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.planning import Planned, Planner
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import read_purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.staging import staged
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import (
    Commitment,
    Entered,
    Surroundings,
    read_line,
)
from procurement.policies import Rollout, read_rules
from procurement.policy_files import PipelineRollout

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
SHIPPED = read_rules(Path(__file__).parents[3] / "mappings")
LIVE = Rollout({PIPELINE: PipelineRollout.model_validate({"mode": "live", "go_live": "2026-01-01"})})
RULES = replace(SHIPPED, rollout=LIVE)


def budget_line(id: int, center: str) -> dict[str, Any]:
    return {
        "id": id, "amount": "1000", "remaining": "1000", "segment-1": "10", "segment-2": center, "currency": {"code": "USD"},
        "period": {"name": "FY26 Q2", "is-open": True},
    }  # fmt: skip


HOLDS, RELEASED = Commitment({"1": True}), Commitment({"1": False})
AROUND: dict[str, Any] = {
    "commitments": {"PO-1": HOLDS},
    "lines": [read_line(budget_line(1, "4100")), read_line(budget_line(2, "4400"))],
}


def records(raws: list[dict[str, Any]]) -> Iterator[Record]:
    for n, row in enumerate((staged({**raw, "transactionId": f"T{n}"}) for n, raw in enumerate(raws, 1)), 1):
        yield Record(
            id=n,
            source="amazon_business/us",
            kind=KIND,
            key=row.key,
            hash="h",
            raw=row.raw,
            amount=row.amount,
            currency=row.currency,
        )


def plan(raws: list[dict[str, Any]], earlier: dict[int, list[Part]] | None = None, **around: Any) -> Planned:
    rules = around.pop("rules", RULES)
    planner = Planner(account="us", instance="acme", rules=rules, now=NOW, around=Surroundings(**{**AROUND, **around}))  # type: ignore[arg-type]
    return planner.propose([read_purchase(record, RULES.policies) for record in records(raws)], earlier or {})


CARD = {
    "transactionType": "CHARGE", "transactionDate": "2026-05-05T12:00:00Z", "marketplaceId": "ATVPDKIKX0DER", "paymentInstrumentType": "Visa",
    "transactionLineItems": [
        {"orderId": "113-1", "totalAmount": {"currencyCode": "USD", "amount": amount}, "businessOrderInfo": {"Cost center": center, "GL code": "6100"}}
        for amount, center in (("10.00", "4400"), ("2.00", "9999"))
    ],
}  # fmt: skip


NUMBERED = {**CARD, "invoiceNumber": "1ABC", "transactionLineItems": CARD["transactionLineItems"][:1]}
STANDS = Part(1, "1", "delivered", None, Decimal("10.00"), delivery=True, fixed=True, target=2, period="FY26 Q2")
BACK = Part(1, "1/2", "delivered", None, Decimal("-10.00"), delivery=True, fixed=True, target=2, period="FY26 Q2")
TEN, NOTHING = Money.of("10.00", "USD"), Money.of("0.00", "USD")


def by_invoice(total: Money = TEN, *, number: str = "1ABC", counts: bool = True) -> dict[str, Any]:
    entered = Entered(number, "on_hold" if counts else "draft", total, counts)
    return {"entered": {number: [entered]}, "charged": {"1ABC": Charged(TEN, NOTHING)}}


def parts_of(planned: Planned) -> dict[str, tuple[str, str | None, Decimal | None]]:
    return {one.part: (one.state, one.reason, one.amount) for one in planned.proposal.plan.records}


def as_parts(planned: Planned, *states: str) -> list[Part]:
    """What the ledger would have of the plan, its deliveries being in these states."""
    given = iter(states)
    return [
        Part(1, one.part, next(given) if one.bills else one.state, one.reason, one.amount, one.bills is not None, one.bills is not None, 2, "FY26 Q2")
        for one in planned.proposal.plan.records
    ]  # fmt: skip


def as_parts_of(planned: Planned, record: int) -> list[Part]:
    return [
        Part(record, one.part, one.state, one.reason, one.amount, delivery=False, fixed=False)
        for one in planned.proposal.plan.records
        if one.record_id == record
    ]
