"""What counts as agreeing, and what a difference says."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.ledger.account import Account
from procurement.pipelines.reconciliation.results import Result, Sums, cell, difference_row, gap_of, read_difference
from procurement.reconciliation_rules import ReconciliationFile
from procurement.reconciling import (
    Difference,
    InCoupa,
    Kind,
    Seen,
    Sent,
    Standing,
    bare,
    compare_sent,
    compare_transaction,
    is_twin,
    read_in_coupa,
)
from procurement.reconciling_fields import agrees, changed_fields

pytestmark = pytest.mark.unit
RULES = ReconciliationFile.model_validate({"examples": [{"name": "x", "amazon": 1, "coupa": 1}]})
SENT = Sent(supplier="S", number="N-1", state="delivered", amazon=Decimal("10.00"), currency="USD", target_id="7",
            read_back=Decimal("10.00"), submit_state="delivered")  # fmt: skip


def shown(**changes: Any) -> InCoupa:
    raw = {"id": 7, "invoice-number": "N-1", "status": "approved", "supplier": {"number": "S"}, "currency": {"code": "USD"},
           "total-with-taxes": "10.00"}  # fmt: skip
    return read_in_coupa(raw | {key.replace("_", "-"): value for key, value in changes.items()})


@pytest.mark.parametrize(
    ("sent", "now"),
    [
        ("2", "2.0"), ("37.10", "37.100000"), ("2026-05-21", "2026-05-21T00:00:00-07:00"), ({"code": "A"}, {"id": 1, "code": "A"}),
        ([{"amount": "1"}], [{"amount": "1.00", "id": 4}]), (2949, 2949), ({"code": None}, {}),
    ],
)  # fmt: skip
def test_coupas_own_way_to_write_a_value_is_no_change(sent: object, now: object) -> None:
    assert agrees(sent, now)


@pytest.mark.parametrize(
    ("sent", "now"),
    [("2", "2.01"), ("2026-05-21", "2026-05-22T00:00:00-07:00"), ({"code": "A"}, {"code": "B"}), ([{"amount": "1"}], []), ("x", None)],
)  # fmt: skip
def test_another_value_is_a_change(sent: object, now: object) -> None:
    assert not agrees(sent, now)


def test_a_line_that_was_added_or_taken_away_is_a_change() -> None:
    line = {"line-num": 1, "quantity": "1", "price": "2"}
    assert changed_fields({"invoice-lines": [line]}, {"invoice-lines": [line, line]}, RULES) == [
        "it had 1 lines, now 2"
    ]


HALVES = [
    {"account": {"code": "A"}, "pct": "50", "amount": "3.34"},
    {"account": {"code": "B"}, "pct": "50", "amount": "3.33"},
]


def coded(key: str, **coding: Any) -> dict[str, Any]:
    return {key: [{"line-num": 1, "type": "T", **coding}]}


@pytest.mark.parametrize("key", ["invoice-lines", "invoice-charges"])
def test_a_split_that_was_changed_by_hand_is_told_with_both_sides(key: str) -> None:
    sent = coded(key, **{"account-allocations": HALVES})
    word = "line 1" if key == "invoice-lines" else "charge 1"
    for now, then in (
        ({"account-allocations": [{**HALVES[0], "pct": "100.0"}]}, "A"),
        ({"account-allocations": [{**HALVES[0], "pct": "30.00"}, {**HALVES[1], "pct": "70"}]}, "A 30 % + B 70 %"),
        ({"account-allocations": [HALVES[0], {**HALVES[1], "account": {"code": "C"}}]}, "A 50 % + C 50 %"),
        ({"account-allocations": [], "account": {"code": "A"}}, "A"),
        ({}, "none"),
    ):
        changes = changed_fields(sent, coded(key, **now), RULES)
        assert changes == [f"{word} account allocations was A 50 % + B 50 %, is {then}"]


@pytest.mark.parametrize("key", ["invoice-lines", "invoice-charges"])
def test_an_account_that_was_split_by_hand_is_told_and_one_that_coupa_shows_as_a_split_is_not(key: str) -> None:
    sent = coded(key, account={"code": "A"})
    word = "line 1" if key == "invoice-lines" else "charge 1"
    split = coded(key, account={"code": "A"}, **{"account-allocations": HALVES})
    assert changed_fields(sent, split, RULES) == [f"{word} account was A, is A 50 % + B 50 %"]
    whole = coded(key, **{"account-allocations": [{"account": {"code": "A"}, "pct": "100.0000000000"}]})
    assert changed_fields(sent, whole, RULES) == []


def test_coupas_own_order_decimals_and_amounts_of_a_split_are_no_change() -> None:
    shown = [
        {**HALVES[1], "id": 8, "pct": "50.0000000000"},
        {"id": 9, "account": {"id": 1, "code": "A"}, "pct": "50.0", "amount": "3.33"},
    ]
    sent = coded("invoice-lines", **{"account-allocations": HALVES})
    assert changed_fields(sent, coded("invoice-lines", **{"account-allocations": shown}), RULES) == []


SEEN = Seen(key="t", kind="REFUND", amount=Decimal("-5.00"), currency="USD", number="CM-2")
STANDING = Standing(key="t", state="delivered", amount=Decimal("-5.00"), currency="USD", allocated=Decimal("-5.00"))


def test_a_transaction_on_another_number_than_the_document_that_carries_it_is_a_difference() -> None:
    difference = compare_transaction(SEEN, replace(STANDING, billed_as="CM-1"))
    assert difference is not None and difference.kind is Kind.NUMBER_DIFFERS
    assert difference.sentence == "Amazon's USD -5.00 is on CM-2, the ledger has it on CM-1."
    assert (difference.invoice_number, difference.transaction, difference.amazon) == ("CM-2", "t", Decimal("-5.00"))


@pytest.mark.parametrize(
    ("number", "billed_as"), [("CM-2", "CM-2"), ("CM-2", None), (None, "CM-1"), ("Pending", "CM-1")]
)
def test_a_number_is_compared_once_amazon_has_issued_it_and_a_document_carries_it(
    number: str | None, billed_as: str | None
) -> None:
    assert compare_transaction(replace(SEEN, number=number), replace(STANDING, billed_as=billed_as)) is None


@given(cents=st.integers(min_value=-10_000, max_value=10_000))
def test_every_cent_is_a_difference_at_tolerance_zero_and_none_within_it(cents: int) -> None:
    found = shown(total_with_taxes=str(Decimal("10.00") + Decimal(cents) / 100))
    difference = compare_sent(SENT, [found], RULES)
    assert (difference is None) == (cents == 0)
    lenient = RULES.model_copy(update={"tolerance": Decimal(abs(cents)) / 100})
    assert compare_sent(SENT, [found], lenient) is None


def test_another_currency_is_a_difference_whatever_the_amount() -> None:
    difference = compare_sent(SENT, [shown(currency={"code": "EUR"})], RULES)
    assert difference is not None and "EUR 10.00" in difference.sentence


@pytest.mark.parametrize("state", ["planned", "sending", "waiting"])
def test_what_is_on_its_way_is_no_difference(state: str) -> None:
    sent = Sent(supplier="S", number="N-1", state=state, amazon=Decimal(10), currency="USD")
    assert compare_sent(sent, [], RULES) is None and compare_sent(sent, [shown()], RULES) is None


@pytest.mark.parametrize(("number", "other"), [("1AB2-CD", "01ab2 cd"), ("INV/7", "inv7"), ("0007", "7")])
def test_a_number_typed_otherwise_is_the_same_number(number: str, other: str) -> None:
    assert bare(number) == bare(other)


def test_an_invoice_is_not_its_own_double_and_never_another_suppliers() -> None:
    assert not is_twin(shown(), SENT, RULES)
    assert not is_twin(shown(id=8, supplier={"number": "T"}), SENT, RULES)
    assert is_twin(shown(id=8), SENT, RULES)


def test_a_difference_is_read_back_as_it_was_kept() -> None:
    difference = Difference(
        kind=Kind.DOUBLED, sentence="Twice.", invoice_number="N", po_numbers=("1", "2"), currency="USD", amazon=Decimal("1.10"),
        coupa=Decimal("-2.20"), coupa_id="7",
    )  # fmt: skip
    assert read_difference(difference_row(difference)) == difference
    assert gap_of(difference_row(difference)) == "-3.30"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_spreadsheet_runs_nothing_of_what_a_vendor_wrote(text: str) -> None:
    assert cell("invoice_number", text) == f"'{text}"
    assert cell("coupa", "-5.00") == "-5.00"


def result(**changes: Any) -> Result:
    zero = dict.fromkeys(("delivered", "waiting", "held", "skipped", "dead"), 0)
    values: dict[str, Any] = {
        "documents": {"seen": 2, **zero, "delivered": 2}, "invoices": 2, "gaps": [], "differences": [],
        "money": {"USD": {"seen": "3.10", **dict.fromkeys(zero, "0"), "delivered": "3.10"}},
    }  # fmt: skip
    return Result(**values | changes)


def test_green_needs_sums_that_add_up_no_gap_and_no_difference() -> None:
    assert result().line == "Reconciled 2 transactions, 2 invoices, USD 3.10: green"
    rows = [{"kind": "doubled"}, {"kind": "missing_in_coupa"}, {"kind": "doubled"}]
    assert result(differences=rows).verdict == "red: 1 missing in coupa, 2 doubled"
    assert result(gaps=[{"from": "a", "to": "b"}]).verdict == "red: 1 stretch never read"
    off = {"USD": {**result().money["USD"], "delivered": "3.09"}}
    assert result(money=off).verdict == "red: the sums do not add up"


def test_pages_add_up_and_what_was_never_read_is_seen_and_nothing_else() -> None:
    sums = Sums()
    for _ in range(2):
        sums.add(Account(seen=Decimal(1), held=Decimal(1)), {"USD": Account(seen=Decimal(5), held=Decimal(5))})
    sums.count(None, Decimal("1.50"), "USD")
    sums.count("skipped", None, None)
    assert (sums.documents.seen, sums.documents.accounted) == (4, 3)
    assert (sums.money["USD"].seen, sums.money["USD"].accounted) == (Decimal("11.50"), 10)
