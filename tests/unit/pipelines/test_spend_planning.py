"""Every cent of spend goes to one place, one set is one adjustment, and what is found in Coupa must be proven ours."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procurement.errors import DuplicateTarget
from procurement.ledger.changes import CHANGED_PART
from procurement.ledger.spend import Charged, OwnInvoice, Part
from procurement.ledger.types import Record
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.actions import AdjustBudget
from procurement.pipelines.amazon_spend_to_coupa_budgets.charts import burn_down, remaining_by_day
from procurement.pipelines.amazon_spend_to_coupa_budgets.counting import (
    BY_INVOICE,
    BY_ORDER,
    OWN_INVOICE,
    counted_otherwise,
)
from procurement.pipelines.amazon_spend_to_coupa_budgets.go_live import BEFORE_GO_LIVE, CHARGE_UNREAD, REFUND_BEFORE
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import KIND, PIPELINE, business_key, marker, rollout_of
from procurement.pipelines.amazon_spend_to_coupa_budgets.planning import Planned, Planner
from procurement.pipelines.amazon_spend_to_coupa_budgets.postings import CANCELS_OUT, by_line
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import read_purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.staging import staged
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import (
    Commitment,
    Entered,
    Surroundings,
    read_line,
    read_surroundings,
)
from procurement.policies import Rollout, read_rules
from procurement.policy_files import PipelineRollout
from procurement.spend.budget_rules import Period
from procurement.spend.spend_rules import CountedLater, OutsideRule

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
SHIPPED = read_rules(Path(__file__).parents[3] / "mappings")
LIVE = Rollout({PIPELINE: PipelineRollout.model_validate({"mode": "live", "go_live": "2026-01-01"})})
RULES = replace(SHIPPED, rollout=LIVE)
PERIOD = Period("FY26 Q2", date(2026, 4, 1), date(2026, 6, 30))
CENTERS = ("4100", "4400", "4500", "9999", "")


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


CARD = {
    "transactionType": "CHARGE", "transactionDate": "2026-05-05T12:00:00Z", "marketplaceId": "ATVPDKIKX0DER", "paymentInstrumentType": "Visa",
    "transactionLineItems": [
        {"orderId": "113-1", "totalAmount": {"currencyCode": "USD", "amount": amount}, "businessOrderInfo": {"Cost center": center, "GL code": "6100"}}
        for amount, center in (("10.00", "4400"), ("2.00", "9999"))
    ],
}  # fmt: skip


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


def test_what_an_invoice_counts_by_now_is_taken_back_and_posted_again_when_it_is_gone() -> None:
    """Each step once, and the parts of the transaction always come to what Amazon charged."""
    taken = plan([NUMBERED], {1: [STANDS]}, **by_invoice())
    [delivery] = taken.proposal.plan.deliveries
    assert delivery.payload["body"]["adjustment-amount"] == "10.00"
    assert delivery.payload["line"] == 2
    assert parts_of(taken) == {
        "1/2": ("planned", None, Decimal("-10.00")), "1/3": ("skipped", "counted by Coupa with its invoice", Decimal("10.00")),
    }  # fmt: skip
    assert [(one.line, one.counted, one.minor) for one in taken.spend] == [(1, "coupa", 1000)]

    under_way = [STANDS, *as_parts(taken, "sending")]
    assert plan([NUMBERED], {1: under_way}, **by_invoice()).proposal.plan.records == []
    done = [STANDS, *as_parts(taken, "delivered")]
    assert plan([NUMBERED], {1: done}, **by_invoice()).proposal.plan.records == []

    again = plan([NUMBERED], {1: done})
    [delivery] = again.proposal.plan.deliveries
    assert delivery.payload["body"]["adjustment-amount"] == "-10.00"
    assert parts_of(again) == {"1/3": ("planned", None, Decimal("10.00"))}
    assert [(one.line, one.counted) for one in again.spend] == [(1, "budget")]
    keys = {one.business_key for planned in (taken, again) for one in planned.proposal.plan.deliveries}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("around", "doubt"),
    [
        (by_invoice(Money.of("12.00", "USD")), "Amazon charged USD 10.00 under this number"),
        (by_invoice(Money.of("10.00", "CAD")), "Amazon charged USD 10.00 under this number"),
        (by_invoice(number="113-1"), "the invoice carries Amazon's order id 113-1"),
        ({**by_invoice(), "lines": []}, "Coupa has no budget line 2 any more"),
        ({**by_invoice(), "lines": [read_line({**budget_line(2, "4400"), "period": {"name": "FY26 Q2", "is-open": False}})]}, "is closed in Coupa"),
        ({**by_invoice(), "rules": replace(RULES, spend=replace(RULES.spend, file=RULES.spend.file.model_copy(
            update={"counted_later": CountedLater.model_validate({"then": "hold"})}
        )))}, "spend.yml leaves it to a person"),
    ],
)  # fmt: skip
def test_a_person_decides_about_an_invoice_that_leaves_a_doubt(around: dict[str, Any], doubt: str) -> None:
    """With document, line and money; the money itself stands where it was posted, and a decision is not asked for again."""
    asked = plan([NUMBERED], {1: [STANDS]}, **around)
    assert asked.proposal.plan.deliveries == []
    [letter], [finding] = asked.proposal.plan.records, asked.proposal.plan.findings
    assert (letter.part, letter.state, letter.amount, letter.to_plan) == ("1 counted twice", "held", 0, True)
    assert doubt in letter.errors[0]
    assert finding.sentence == letter.errors[0]
    assert (finding.record_id, finding.line, finding.money) == (1, "1", TEN)
    assert "order 113-1" in finding.sentence
    assert plan([NUMBERED], {1: [STANDS, *as_parts(asked)]}, **around).proposal.plan.records == []
    if "lines" not in around:
        decided = [STANDS, replace(as_parts(asked)[0], state="skipped", reason="discarded: adjusted by hand")]
        assert plan([NUMBERED], {1: decided}, **around).proposal.plan.records == []
        assert plan([NUMBERED], {1: decided}, **by_invoice()).proposal.plan.deliveries == []
    gone = plan([NUMBERED], {1: [STANDS, *as_parts(asked)]})
    assert parts_of(gone) == {"1 counted twice": ("skipped", "nothing is to be taken back by now", Decimal(0))}


def test_a_draft_counts_nothing_yet_and_what_is_switched_off_is_left_alone() -> None:
    assert plan([NUMBERED], {1: [STANDS]}, **by_invoice(counts=False)).proposal.plan.records == []
    off = PipelineRollout.model_validate(
        {"mode": "live", "go_live": "2026-01-01", "cost_centers": {"4400": {"mode": "off"}}}
    )
    rules = replace(RULES, rollout=Rollout({PIPELINE: off}))
    assert plan([NUMBERED], {1: [STANDS]}, rules=rules, **by_invoice()).proposal.plan.records == []
    unsent = replace(STANDS, state="dead")
    assert plan([NUMBERED], {1: [unsent]}, **by_invoice()).proposal.plan.records == []


def test_a_charge_and_a_refund_that_are_taken_back_do_not_cancel_out() -> None:
    refund = json.loads(json.dumps(NUMBERED).replace('"10.00"', '"-10.00"').replace("1ABC", "1MEMO"))
    around = by_invoice()
    around["entered"]["1MEMO"] = [Entered("1MEMO", "approved", -TEN, True)]
    around["charged"]["1MEMO"] = Charged(NOTHING, -TEN)
    back = replace(STANDS, record_id=2, amount=Decimal("-10.00"))
    planned = plan([NUMBERED, {**refund, "transactionType": "REFUND"}], {1: [STANDS], 2: [back]}, **around)
    amounts = sorted(one.payload["body"]["adjustment-amount"] for one in planned.proposal.plan.deliveries)
    assert amounts == ["-10.00", "10.00"]


def test_the_part_that_takes_back_goes_when_the_invoice_goes_before_it_was_sent() -> None:
    taken = plan([NUMBERED], {1: [STANDS]}, **by_invoice())
    unsent = [STANDS, *(replace(one, fixed=False) for one in as_parts(taken, "planned"))]
    planned = plan([NUMBERED], {1: unsent})
    assert parts_of(planned) == {"1 counted twice": ("skipped", "nothing is to be taken back by now", Decimal(0))}
    assert [(one.line, one.counted) for one in planned.spend] == [(1, "budget")]


@pytest.mark.parametrize(
    ("own", "fate"),
    [
        *[(OwnInvoice(state, "1ABC"), ("waiting", OWN_INVOICE)) for state in ("planned", "waiting", "sending", "held", "dead")],
        (OwnInvoice("delivered", "1ABC"), ("skipped", BY_INVOICE)),
        (OwnInvoice("delivered", "1DRAFT"), ("waiting", OWN_INVOICE)),
        (OwnInvoice("delivered", "1GONE"), ("planned", None)),
        (None, ("planned", None)),
    ],
)  # fmt: skip
def test_an_invoice_of_ours_is_settled_before_a_budget_hears_of_its_spend(
    own: OwnInvoice | None, fate: tuple[str, str | None]
) -> None:
    """Even where the rules say budget before they ask for an invoice: yesterday's policy may have planned or made one."""
    outside = [OutsideRule.model_validate({"when": {"po": "none"}, "count": "budget"})]
    file = RULES.spend.file.model_copy(update={"outside": outside})
    rules = replace(RULES, spend=replace(RULES.spend, file=file))
    invoice = {**NUMBERED, "paymentInstrumentType": "Pay by Invoice"}
    entered = {"1ABC": [Entered("1ABC", "approved", TEN, True)], "1DRAFT": [Entered("1DRAFT", "draft", TEN, False)]}
    planned = plan([invoice], rules=rules, own_invoices={"T1": own} if own else {}, entered=entered)
    assert parts_of(planned)["1"][:2] == fate


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


LATE_LIVE = replace(
    RULES, rollout=Rollout({PIPELINE: PipelineRollout.model_validate({"mode": "live", "go_live": "2026-05-01"})})
)
CHARGED, REFUNDED = date(2026, 4, 28), date(2026, 5, 3)


@pytest.mark.parametrize(
    ("charged_on", "read_since", "refunded", "fate"),
    [
        (CHARGED, None, REFUNDED, ("skipped", REFUND_BEFORE)),
        (date(2026, 5, 1), None, REFUNDED, ("planned", None)),
        (
            None,
            date(2026, 5, 1),
            REFUNDED,
            ("skipped", REFUND_BEFORE),
        ),  # all was read since go-live, and its charge is not in it
        (None, date(2026, 5, 2), REFUNDED, ("waiting", CHARGE_UNREAD)),
        (None, None, REFUNDED, ("waiting", CHARGE_UNREAD)),
        (None, None, date(2026, 8, 29), ("planned", None)),  # so long after go-live nothing from before is refunded
        (None, None, CHARGED, ("skipped", BEFORE_GO_LIVE)),
    ],
)
def test_a_refund_of_what_was_charged_before_go_live_gives_no_budget_anything(
    charged_on: date | None, read_since: date | None, refunded: date, fate: tuple[str, str | None]
) -> None:
    refund = json.loads(json.dumps(NUMBERED).replace('"10.00"', '"-500.00"'))
    refund |= {"transactionType": "REFUND", "transactionDate": f"{refunded}T20:00:00Z"}
    lines = [*AROUND["lines"], replace(AROUND["lines"][1], period="FY26 Q3", id=3)]
    days = {("113-1", ""): charged_on} if charged_on else {}
    planned = plan([refund], rules=LATE_LIVE, charge_days=days, read_since=read_since, lines=lines)
    assert parts_of(planned)["1"][:2] == fate


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


def as_parts_of(planned: Planned, record: int) -> list[Part]:
    return [
        Part(record, one.part, one.state, one.reason, one.amount, delivery=False, fixed=False)
        for one in planned.proposal.plan.records
        if one.record_id == record
    ]


ORDERED = {**NUMBERED, "transactionLineItems": [{**NUMBERED["transactionLineItems"][0], "purchaseOrderNumber": "PO-1"}]}


def again(raw: dict[str, Any], parts: list[Part], **around: Any) -> bool:
    """Whether the next run plans the transaction again."""
    [purchase] = [read_purchase(record, RULES.policies) for record in records([raw])]
    return counted_otherwise(purchase, by_line(parts), Surroundings(**{**AROUND, **around}), RULES.spend)  # type: ignore[arg-type]


def test_what_a_closed_purchase_order_holds_no_more_is_posted_and_taken_back_when_it_is_opened_again() -> None:
    """A card charge on a PO never gets an invoice: it counts as committed, then as spent, never as both or neither."""
    released: dict[str, Any] = {"commitments": {"PO-1": RELEASED}}
    left = plan([ORDERED])
    assert parts_of(left) == {"1": ("skipped", BY_ORDER, Decimal("10.00"))}
    before = as_parts(left)
    assert (again(ORDERED, before), again(ORDERED, before, **released)) == (False, True)
    posted = plan([ORDERED], {1: before}, **released)
    assert [one.payload["body"]["adjustment-amount"] for one in posted.proposal.plan.deliveries] == ["-10.00"]
    stands = as_parts(posted, "delivered")
    assert (again(ORDERED, stands, **released), again(ORDERED, stands)) == (False, True)
    taken = plan([ORDERED], {1: stands})
    assert [one.payload["body"]["adjustment-amount"] for one in taken.proposal.plan.deliveries] == ["10.00"]
    assert parts_of(taken)["1/3"] == ("skipped", BY_ORDER, Decimal("10.00"))
    assert not again(ORDERED, [*stands, *as_parts(taken, "delivered")])


def test_a_purchase_order_that_is_made_after_its_charge_was_posted_is_not_counted_twice() -> None:
    posted = plan([ORDERED], commitments={})
    assert [one.payload["body"]["adjustment-amount"] for one in posted.proposal.plan.deliveries] == ["-10.00"]
    stands = as_parts(posted, "delivered")
    assert (again(ORDERED, stands, commitments={}), again(ORDERED, stands)) == (False, True)
    [delivery] = plan([ORDERED], {1: stands}).proposal.plan.deliveries
    assert delivery.payload["body"]["adjustment-amount"] == "10.00"
    file = RULES.spend.file.model_copy(update={"counted_later": CountedLater.model_validate({"then": "hold"})})
    asked = plan([ORDERED], {1: stands}, rules=replace(RULES, spend=replace(RULES.spend, file=file)))
    [letter] = asked.proposal.plan.records
    assert letter.state == "held"
    assert "Coupa commits it on purchase order PO-1: spend.yml leaves it to a person" in letter.errors[0]


def test_what_an_invoice_counted_from_the_first_is_posted_when_that_invoice_is_gone() -> None:
    left = plan([NUMBERED], **by_invoice())
    assert parts_of(left) == {"1": ("skipped", BY_INVOICE, Decimal("10.00"))}
    before = as_parts(left)
    assert (again(NUMBERED, before, **by_invoice()), again(NUMBERED, before)) == (False, True)
    assert len(plan([NUMBERED], {1: before}).proposal.plan.deliveries) == 1


def test_a_draft_counts_nothing_when_spend_is_seen_first_either() -> None:
    assert len(plan([NUMBERED], **by_invoice(counts=False)).proposal.plan.deliveries) == 1


@pytest.mark.parametrize(
    ("totals", "posted"),
    [
        (["10.00"], "4.00"),  # the invoice has the charge; no credit note has the refund
        (["6.00"], None),  # an invoice of what is left
        (["10.00", "-4.00"], None),
        (["-4.00"], "-10.00"),
    ],
)
def test_a_refund_is_counted_only_by_a_document_that_has_it(totals: list[str], posted: str | None) -> None:
    """Though it carries the number of the invoice that it refunds."""
    refund = json.loads(json.dumps({**NUMBERED, "transactionType": "REFUND"}).replace('"10.00"', '"-4.00"'))
    entered = {"1ABC": [Entered("1ABC", "approved", Money.of(total, "USD"), True) for total in totals]}
    charged = {"1ABC": Charged(TEN, Money.of("-4.00", "USD"))}
    planned = plan([NUMBERED, refund], entered=entered, charged=charged).proposal.plan
    assert [one.payload["body"]["adjustment-amount"] for one in planned.deliveries] == ([posted] if posted else [])


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
