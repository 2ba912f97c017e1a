"""Every cent of spend goes to one place, one set is one adjustment, and what is found in Coupa must be proven ours."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procurement.errors import DuplicateTarget
from procurement.ledger.changes import CHANGED_PART
from procurement.ledger.spend import Part
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.actions import AdjustBudget
from procurement.pipelines.amazon_spend_to_coupa_budgets.charts import burn_down, remaining_by_day
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import PIPELINE, business_key, marker, rollout_of
from procurement.pipelines.amazon_spend_to_coupa_budgets.postings import CANCELS_OUT
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import read_purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import (
    Entered,
    read_surroundings,
)
from procurement.policies import Rollout
from procurement.policy_files import PipelineRollout
from procurement.spend.budget_rules import Period
from tests.unit.pipelines.spend_plans import (
    AROUND,
    CARD,
    NOW,
    NUMBERED,
    RULES,
    SHIPPED,
    STANDS,
    TEN,
    as_parts_of,
    parts_of,
    plan,
    records,
)

PERIOD = Period("FY26 Q2", date(2026, 4, 1), date(2026, 6, 30))
CENTERS = ("4100", "4400", "4500", "9999", "")


line = st.builds(
    lambda cents, center, po: {
        "orderId": "113-1", "totalAmount": {"currencyCode": "USD", "amount": str(Decimal(cents) / 100)},
        "businessOrderInfo": {"Cost center": center, "GL code": "6100"}, "purchaseOrderNumber": po,
    },
    st.integers(-100_000, 100_000), st.sampled_from(CENTERS), st.sampled_from(["PO-1", "PO-2", ""]),
)  # fmt: skip
transaction = st.builds(
    lambda lines, instrument, day: {
        "transactionType": "CHARGE", "transactionDate": f"2026-05-{day:02}T12:00:00Z", "marketplaceId": "ATVPDKIKX0DER",
        "paymentInstrumentType": instrument, "transactionLineItems": lines,
    },
    st.lists(line, min_size=1, max_size=5), st.sampled_from(["Visa", "Pay by Invoice", "Shells"]), st.integers(1, 28),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(transaction, min_size=1, max_size=6))
def test_every_cent_goes_to_exactly_one_place(raws: list[dict[str, Any]]) -> None:
    planned = plan(raws)
    parts, known = planned.proposal.plan, {record.id: record for record in records(raws)}
    by_record: dict[int, Decimal] = {}
    for one in parts.records:
        by_record[one.record_id] = by_record.get(one.record_id, Decimal(0)) + (one.amount or Decimal(0))
    assert by_record == {id: record.amount for id, record in known.items()}
    for delivery in parts.deliveries:
        billed = sum((one.amount or Decimal(0) for one in parts.records if one.bills == delivery.name), Decimal(0))
        assert delivery.amount == billed == -Decimal(delivery.payload["body"]["adjustment-amount"])
        assert len(delivery.payload["body"]["description"]) <= 255
    report = sum(one.minor for one in planned.spend)
    assert Decimal(report) / 100 == sum((record.amount or Decimal(0) for record in known.values()), Decimal(0))
    assert len({delivery.name for delivery in parts.deliveries}) == len(parts.deliveries) <= len(AROUND["lines"])


@given(st.permutations([("T1", "1", "1.00"), ("T1", "2", "1.00"), ("T2", "1", "-3.00")]))
def test_a_set_has_one_key_in_whatever_order_it_is_read(parts: list[tuple[str, str, str]]) -> None:
    key = business_key("acme", "us", 7, "FY26 Q2", parts)
    assert key == business_key("acme", "us", 7, "FY26 Q2", sorted(parts))
    assert key != business_key("acme", "us", 7, "FY26 Q2", parts[:2])
    assert key != business_key("acme", "us", 8, "FY26 Q2", parts)
    assert key != business_key("other", "us", 7, "FY26 Q2", parts)


def test_what_was_sent_of_a_transaction_stays_and_the_rest_is_planned_again() -> None:
    sent = Part(1, "1", "delivered", None, Decimal("10.00"), delivery=True, fixed=True)
    planned = plan([CARD], {1: [sent]}).proposal.plan
    assert (planned.deliveries, [one.part for one in planned.records]) == ([], ["2"])


def test_the_report_keeps_what_was_sent_as_it_was_sent() -> None:
    """Whatever rules, invoices or Amazon say by now: the line is on the budget."""
    sent = Part(1, "1", "delivered", None, Decimal("10.00"), delivery=True, fixed=True)
    planned = plan([CARD], {1: [sent]})
    assert [(one.line, one.counted) for one in planned.spend] == [(2, "uncategorised")]
    assert (planned.records, planned.sent) == ({1}, {(1, 1)})


def test_what_cannot_be_read_any_more_leaves_the_report() -> None:
    planned = plan([{**CARD, "transactionDate": None}])
    assert (planned.spend, planned.records) == ([], {1})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": {"currencyCode": "CAD", "amount": "12.00"}}, "It says 12.00 CAD, its lines are in USD."),
        ({"amount": {"currencyCode": "XXX", "amount": "12.00"}}, "It says 12.00 XXX, its lines are in USD."),
        (
            {"amount": {"currencyCode": "USD", "amount": "10.005"}, "transactionLineItems": []},
            "It comes to 10.005 USD, finer than the currency.",
        ),
    ],
)
def test_one_broken_transaction_is_a_dead_letter_and_stops_no_other(changes: dict[str, Any], sentence: str) -> None:
    planned = plan([{**CARD, **changes}, CARD])
    [dead] = [one for one in planned.proposal.plan.records if one.state == "dead"]
    assert dead.errors == (sentence,)
    assert len(planned.proposal.plan.deliveries) == 1


def test_orders_are_looked_for_around_the_first_charge_that_names_them() -> None:
    """A refund months later must not move the range past the order."""
    asked: list[datetime] = []

    class Amazon:
        account = "us"

        def order_pages(self, start: datetime, until: datetime) -> Iterator[list[dict[str, Any]]]:
            asked.append(start)
            yield []

    class Coupa:
        def purchase_orders(self, numbers: list[str]) -> Iterator[list[dict[str, Any]]]:
            yield []

        def budget_lines(self, periods: list[str]) -> Iterator[list[dict[str, Any]]]:
            yield []

        def invoices(self, supplier: str, numbers: list[str]) -> Iterator[list[dict[str, Any]]]:
            yield []

    uncoded = [{"orderId": "113-1", "totalAmount": {"currencyCode": "USD", "amount": "10.00"}}]
    charge = {**CARD, "transactionLineItems": uncoded, "transactionDate": "2026-01-05T12:00:00Z"}
    refund = {**charge, "transactionType": "REFUND", "transactionDate": "2026-05-05T12:00:00Z"}
    purchases = [read_purchase(record, RULES.policies) for record in records([charge, refund])]
    read_surroundings(Amazon(), Coupa(), purchases, rules=RULES, now=NOW)  # type: ignore[arg-type]
    look_back = timedelta(days=RULES.spend.file.order_look_back_days)
    assert min(asked) == datetime(2026, 1, 5, tzinfo=UTC) - look_back


def test_what_would_come_out_as_before_is_left_alone() -> None:
    [first] = [one for one in plan([CARD]).proposal.plan.records if one.part == "2"]
    before = [
        Part(1, "1", "delivered", None, Decimal("10.00"), delivery=True, fixed=True),
        Part(1, "2", first.state, first.reason, first.amount, delivery=False, fixed=False),
    ]
    assert plan([CARD], {1: before}).proposal.plan.records == []
    changed = replace(before[1], reason="another reason")
    assert len(plan([CARD], {1: [before[0], changed]}).proposal.plan.records) == 1


def test_what_a_person_discarded_stays_so_for_that_very_amount() -> None:
    """A line and a change after it was sent, though another line is planned again by every run."""
    line = Part(1, "2", "skipped", "discarded: booked by hand", Decimal("2.00"), delivery=False, fixed=False)
    sent = replace(STANDS, amount=Decimal("9.00"))
    change = Part(1, CHANGED_PART, "skipped", "discarded: adjusted", Decimal("1.00"), delivery=False, fixed=False)
    parts = [sent, line, change]
    assert plan([CARD], {1: parts}).proposal.plan.records == []
    more = json.loads(json.dumps(CARD).replace('"10.00"', '"11.00"').replace('"2.00"', '"2.50"'))
    found = parts_of(plan([more], {1: parts}))
    assert (found["2"][0], found[CHANGED_PART][0], found[CHANGED_PART][2]) == ("held", "held", Decimal("2.00"))


def test_what_cancelled_out_is_not_posted_alone_when_its_transaction_is_planned_again() -> None:
    """Another line of it waits for a person, so every run plans it."""
    parts = [
        Part(1, "1", "skipped", CANCELS_OUT, Decimal("10.00"), delivery=False, fixed=False),
        Part(1, "2", "held", "another reason", Decimal("2.00"), delivery=False, fixed=False),
    ]  # fmt: skip
    refund = json.loads(json.dumps(NUMBERED).replace('"10.00"', '"-10.00"'))
    counterpart = replace(parts[0], record_id=2, amount=Decimal("-10.00"))
    planned = plan([CARD, refund], {1: parts, 2: [counterpart]})
    assert planned.proposal.plan.deliveries == []
    assert parts_of(planned)["1"] == ("skipped", CANCELS_OUT, Decimal("10.00"))
    assert (1, 1) in planned.sent


def test_cancelled_out_pairs_stand_or_come_apart_together() -> None:
    """A charge that Amazon changes from 10 to 12 leaves 2, not 12; a pair of another budget line is not touched."""
    refund = json.loads(json.dumps({**NUMBERED, "invoiceNumber": "1MEMO"}).replace('"10.00"', '"-10.00"'))
    elsewhere = json.loads(json.dumps(NUMBERED).replace('"4400"', '"4100"').replace("1ABC", "1DEF"))
    back = json.loads(json.dumps(refund).replace('"4400"', '"4100"'))
    raws = [NUMBERED, refund, elsewhere, back]
    parts = {id: as_parts_of(plan(raws), id) for id in range(1, 5)}
    assert {part.reason for found in parts.values() for part in found} == {CANCELS_OUT}
    assert plan(raws, parts).proposal.plan.records == []
    more = json.loads(json.dumps(NUMBERED).replace('"10.00"', '"12.00"'))
    planned = plan([more, *raws[1:]], parts).proposal.plan
    assert [one.payload["body"]["adjustment-amount"] for one in planned.deliveries] == ["-2.00"]
    assert sorted((one.record_id, one.amount) for one in planned.records) == [
        (1, Decimal("12.00")),
        (2, Decimal("-10.00")),
    ]
    entered = {"1ABC": [Entered("1ABC", "approved", TEN, True)]}
    counted = plan(raws, parts, entered=entered).proposal.plan
    assert [one.payload["body"]["adjustment-amount"] for one in counted.deliveries] == ["10.00"]


class Posted:
    """Coupa's list of a line's adjustments."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = rows

    def adjustments_of(self, line_id: int, *, described: str) -> Iterator[list[dict[str, Any]]]:
        yield [
            {"currency": {"code": "USD"}, **row} for row in self.rows if str(row["description"]).startswith(described)
        ]


OWN = marker("us", "the key")
PAYLOAD = {
    "line": 7,
    "name": "budget line 7",
    "marker": OWN,
    "cost_centers": ["4400"],
    "body": {"adjustment-amount": "-10.00", "currency": {"code": "USD"}},
}


def action(*rows: dict[str, Any], known: tuple[str, ...] = (OWN,)) -> Any:
    live = {"4400"}
    return AdjustBudget(Posted(*rows), "us", lambda line: known, lambda center: center in live)  # type: ignore[arg-type]


DELIVERY: Any = SimpleNamespace(payload=PAYLOAD)
MINE = {"id": 5, "amount": "-10.00", "description": f"{OWN} Amazon Business"}


def test_a_found_adjustment_is_ours_only_with_its_amount_and_currency() -> None:
    assert action().ask(DELIVERY) is None
    assert action({**MINE, "description": "AB 113-1"}).ask(DELIVERY) is None
    assert action(MINE).ask(DELIVERY).ours is True
    assert action({**MINE, "amount": "-10.01"}).ask(DELIVERY).ours is False
    assert action({**MINE, "currency": {"code": "CAD"}}).ask(DELIVERY).ours is False
    with pytest.raises(DuplicateTarget, match="adjustments 5, 6"):
        action(MINE, {**MINE, "id": 6}).ask(DELIVERY)


def test_the_gate_reads_what_was_posted_before_it_posts() -> None:
    other = {"id": 4, "amount": "-1", "description": "AB/us/0000 Amazon Business"}
    assert action({"id": 3, "amount": "-9", "description": "a person"}).gate(DELIVERY) is None
    assert action(other, known=(OWN, "AB/us/0000")).gate(DELIVERY) is None
    stop = action(other).gate(DELIVERY)
    assert (stop.state, "AB/us/0000" in stop.reason) == ("held", True)
    stop = action(MINE).gate(DELIVERY)
    assert (stop.state, "already has the adjustment" in stop.reason) == ("held", True)


def test_the_gate_asks_rollout_about_every_cost_center_of_the_adjustment() -> None:
    both: Any = SimpleNamespace(payload={**PAYLOAD, "cost_centers": ["4100", "4400"]})
    stop = action().gate(both)
    assert (stop.state, stop.reason) == ("waiting", "switched off in rollout.yml after it was planned")
    assert action().gate(DELIVERY) is None


def test_the_rollout_of_the_accounts_supplier_counts_too() -> None:
    entry = {"mode": "live", "go_live": "2026-01-01", "suppliers": {"AMZN-US": {"mode": "off"}}}
    rules = replace(SHIPPED, rollout=Rollout({PIPELINE: PipelineRollout.model_validate(entry)}))
    [account] = [name for name, one in rules.accounts.accounts.items() if one.supplier == "AMZN-US"][:1]
    assert (rollout_of(rules, account, "4400").mode, rollout_of(rules, "unlisted", "4400").mode) == ("off", "live")


def test_the_burn_down_ends_at_what_remains() -> None:
    days = {
        date(2026, 4, 2): Money.of("30", "USD"),
        date(2026, 5, 1): Money.of("-5", "USD"),
        date(2026, 6, 30): Money.of("100", "USD"),
    }
    left = remaining_by_day(Money.of("100", "USD"), days, PERIOD, date(2026, 7, 15))
    assert (left[0], left[-1]) == ((date(2026, 4, 1), Decimal(100)), (date(2026, 6, 30), Decimal(-25)))
    assert len(left) == 91
    drawn = burn_down("Marketing", Money.of("100", "USD"), days, PERIOD, date(2026, 5, 15))
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) > 5_000
