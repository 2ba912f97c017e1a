"""Who counts a line: Coupa on an order or with an invoice, a budget line, nobody yet; and what moves when that changes."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from procurement.ledger.spend import Charged, OwnInvoice, Part
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.counting import (
    BY_INVOICE,
    BY_ORDER,
    OWN_INVOICE,
    counted_otherwise,
)
from procurement.pipelines.amazon_spend_to_coupa_budgets.go_live import BEFORE_GO_LIVE, CHARGE_UNREAD, REFUND_BEFORE
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.postings import by_line
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import read_purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import (
    Entered,
    Surroundings,
    read_line,
)
from procurement.policies import Rollout
from procurement.policy_files import PipelineRollout
from procurement.spend.spend_rules import CountedLater, OutsideRule
from tests.unit.pipelines.spend_plans import (
    AROUND,
    NOTHING,
    NUMBERED,
    RELEASED,
    RULES,
    STANDS,
    TEN,
    as_parts,
    budget_line,
    by_invoice,
    parts_of,
    plan,
    records,
)


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
