"""Credit notes: what is given back is held against what was billed, and too little given back is too much paid."""

from decimal import Decimal
from typing import Any

import pytest

from procurement.documents import Invoice
from procurement.matching import Outcome
from procurement.money import Money
from tests.unit.procurement.matches import match, only, usd

TWO_PERCENT = {"percent": "2"}


def original(make: Any, price: str, **changes: Any) -> Invoice:
    return make.invoice(make.line(10, price), number="INV-0", **changes)


def credit(make: Any, price: str, units: str = "-5", **changes: Any) -> Invoice:
    line = make.line(units, price, adjustment_type="quantity")
    return make.invoice(line, number="CR-1", is_credit_note=True, original_number="INV-0", **changes)


def test_units_that_come_back_for_too_little_are_an_exception(make: Any) -> None:
    result = match(credit(make, "1.00"), make.order(), earlier=[original(make, "10.00")], price=TWO_PERCENT)
    assert (result.outcome, only(result).money) == (Outcome.EXCEPTION, usd("45.00"))
    assert only(result).sentence == (
        "Line 1: unit price USD 1.00 is USD 9.00 (90.0 %) below the billed price USD 10.00; allowed below it USD 0.20: "
        "expect a credit for 5 x USD 9.00 (USD 45.00)."
    )
    assert (result.variance.price, result.variance.difference) == (usd("45.00"), usd("45.00"))
    assert only(result).rule == "tolerances.yml: default.price.over"


def test_an_over_price_that_was_let_through_is_taken_back_as_it_was_paid(make: Any) -> None:
    result = match(credit(make, "12.00"), make.order(), earlier=[original(make, "12.00")])
    assert (result.outcome, result.findings) == (Outcome.MATCHED, ())
    less = match(credit(make, "10.00"), make.order(), earlier=[original(make, "12.00")], price=TWO_PERCENT)
    assert (less.outcome, only(less).money) == (Outcome.EXCEPTION, usd("10.00"))


def test_more_given_back_than_was_billed_is_the_other_side(make: Any) -> None:
    generous = credit(make, "12.00")
    said = match(generous, make.order(), earlier=[original(make, "10.00")])
    assert said.outcome is Outcome.WITHIN_TOLERANCE
    assert only(said).sentence == "Line 1: unit price USD 12.00 is USD 2.00 (20.0 %) above the billed price USD 10.00."
    limited = {"over": {"absolute": "0"}, "under": {"absolute": "1"}}
    stopped = match(generous, make.order(), earlier=[original(make, "10.00")], price=limited)
    assert (stopped.outcome, only(stopped).money) == (Outcome.EXCEPTION, usd("-10.00"))
    assert only(stopped).rule == "tolerances.yml: default.price.under"


def test_without_its_original_a_credit_is_held_against_the_po_price(make: Any) -> None:
    others = [
        original(make, "12.00", supplier="OTHER"),
        original(make, "12.00", currency="EUR"),
        make.invoice(make.line(10, "12.00"), number="INV-9"),
        make.invoice(make.line(10, "12.00", adjustment_type="price"), number="INV-0"),
    ]
    for price, outcome in (("9.80", Outcome.WITHIN_TOLERANCE), ("9.79", Outcome.EXCEPTION)):
        result = match(credit(make, price), make.order(), earlier=others, price=TWO_PERCENT, ordered=None)
        assert result.outcome is outcome
        assert "below the PO price USD 10.00" in only(result).sentence


def test_of_several_billed_prices_the_nearest_counts(make: Any) -> None:
    first = make.invoice(make.line(5, "10.00"), make.line(5, "12.00", number=2), number="INV-0")
    for price in ("10.00", "12.00"):
        assert match(credit(make, price), make.order(), earlier=[first]).outcome is Outcome.MATCHED
    assert match(credit(make, "11.90"), make.order(), earlier=[first]).outcome is Outcome.EXCEPTION


def test_a_price_billed_in_another_unit_says_nothing(make: Any) -> None:
    boxes = make.invoice(make.line(1, "120.00", unit_of_measure="BX"), number="INV-0")
    result = match(credit(make, "10.00"), make.order(), earlier=[boxes])
    assert all(one.kind != "price" for one in result.findings)


def test_units_given_back_on_an_invoice_have_their_sides_turned_too(make: Any) -> None:
    lines = (make.line(10), make.line(-2, "9.00", number=2))
    result = match(make.invoice(*lines), make.order(), price=TWO_PERCENT, total=None)
    assert (result.outcome, only(result).line, only(result).money) == (Outcome.EXCEPTION, 2, usd("2.00"))
    generous = match(make.invoice(make.line(10), make.line(-2, "11.00", number=2)), make.order(), price=TWO_PERCENT)
    assert generous.outcome is Outcome.WITHIN_TOLERANCE


@pytest.mark.parametrize(("price", "outcome"), [("8.91", Outcome.WITHIN_TOLERANCE), ("8.90", Outcome.EXCEPTION)])
def test_exchange_rates_explain_what_is_given_back_by_their_own_limit(make: Any, price: str, outcome: Outcome) -> None:
    euro = make.order(make.po_line(unit_price=Money.of(10, "EUR"), total=Money.of(100, "EUR")), currency="EUR")
    result = match(
        credit(make, price), euro, rates=lambda *_: Decimal("0.90"), exchange={"over": {"percent": "1"}},
        price={"absolute": "0"},
    )  # fmt: skip
    assert result.outcome is outcome
