"""Limits on both sides of every check: too little is a finding where the file says so, and only there."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from procurement.documents import ChargeKind
from procurement.matching import Outcome
from procurement.money import Money
from tests.unit.procurement.matches import charge, match, only, usd

ONE = {"absolute": "1"}
TWO_SIDED = {"over": {"absolute": "0"}, "under": ONE}


def test_a_price_too_low_stops_where_there_is_a_lower_limit(make: Any) -> None:
    def result(price: str) -> Any:
        return match(make.invoice(make.line(10, price)), make.order(), price=TWO_SIDED)

    assert result("9.00").outcome is Outcome.WITHIN_TOLERANCE
    low = result("8.99")
    assert (low.outcome, only(low).difference, only(low).limit) == (Outcome.EXCEPTION, Decimal("-1.01"), 1)
    assert only(low).rule == "tolerances.yml: default.price.under"
    assert only(low).sentence == (
        "Line 1: unit price USD 8.99 is USD 1.01 (10.1 %) below the PO price USD 10.00; allowed below it USD 1.00."
    )


def test_only_the_side_that_is_given_is_checked(make: Any) -> None:
    result = match(make.invoice(make.line(10, "12.00")), make.order(), price={"under": ONE}, total=None)
    assert (result.outcome, only(result).limit, only(result).rule) == (Outcome.WITHIN_TOLERANCE, None, None)
    assert only(result).sentence.endswith("above the PO price USD 10.00.")


def test_billing_less_than_ordered_or_received_is_a_finding_where_it_is_limited(make: Any) -> None:
    invoice, order = make.invoice(make.line(7)), make.order()
    ordered = match(invoice, order, ordered={"under": {"absolute": "2"}})
    assert (ordered.outcome, only(ordered).kind, only(ordered).difference) == (Outcome.EXCEPTION, "ordered", -3)
    assert only(ordered).sentence == "Line 1: billed 7, ordered 10."
    received = match(invoice, order, received={"under": {"absolute": "2"}})
    assert (received.outcome, only(received).kind, only(received).waits) == (Outcome.EXCEPTION, "received", False)
    assert match(invoice, order, received={"under": {"absolute": "3"}}).outcome is Outcome.WITHIN_TOLERANCE


def test_with_direct_matching_other_shipments_are_never_too_little(make: Any) -> None:
    order = make.order(make.po_line(match_type="direct_matching"))
    invoice = make.invoice(make.line(3, match_reference="D1"))
    receipts = [make.receipt(5, "D1"), make.receipt(4, "D2")]
    assert match(invoice, order, receipts, received={"under": {"absolute": "0"}}).findings == ()


def test_the_line_amount_is_held_against_its_units_at_the_po_price(make: Any) -> None:
    line = make.line(10, "10.00", total=usd("100.05"))
    result = match(make.invoice(line), make.order(), line={"absolute": "0.04"}, total=None)
    assert (result.outcome, only(result).kind, only(result).money) == (Outcome.EXCEPTION, "line", usd("0.05"))
    assert only(result).sentence == (
        "Line 1: USD 100.05 is billed, 10 at the PO price come to USD 100.00: expect a credit of USD 0.05."
    )
    assert match(make.invoice(line), make.order(), line={"absolute": "0.05"}, total=None).outcome is (
        Outcome.WITHIN_TOLERANCE
    )
    assert match(make.invoice(line), make.order(), total=None).findings == ()


def test_other_charges_have_a_limit_of_their_own(make: Any) -> None:
    invoice = make.invoice(charges=(charge(ChargeKind.MISC, "4.00"), charge(ChargeKind.MISC, "-1.00")))
    result = match(invoice, make.order(), charges={"absolute": "2.99"}, total=None)
    assert (result.outcome, only(result).kind, only(result).actual) == (Outcome.EXCEPTION, "charges", 3)
    assert only(result).sentence == (
        "Other charges USD 3.00, which no PO line orders; allowed USD 2.99: expect a credit of USD 3.00."
    )
    assert match(invoice, make.order(), charges={"percent": "3"}, total=None).outcome is Outcome.WITHIN_TOLERANCE
    discount = make.invoice(charges=(charge(ChargeKind.MISC, "-4.00"),))
    assert match(discount, make.order(), charges={"under": {"absolute": "3"}}).outcome is Outcome.EXCEPTION


@pytest.mark.parametrize("kind", list(ChargeKind))
def test_our_own_rounding_is_no_charge_whatever_it_is_called(make: Any, kind: ChargeKind) -> None:
    rounding = charge(kind, "0.01", "Preisrundung", is_rounding=True)
    invoice = make.invoice(make.line(10, total=usd("99.99")), charges=(rounding,))
    result = match(invoice, make.order(), charges={"absolute": "0"})
    assert (result.outcome, result.findings, result.variance.parts) == (Outcome.MATCHED, (), {})
    named = make.invoice(charges=(charge(kind, "0.01", "Rounding of unit prices"),))
    assert match(named, make.order(), charges={"absolute": "0"}).outcome is Outcome.EXCEPTION


def test_a_total_too_low_is_a_finding_where_it_is_limited(make: Any) -> None:
    invoice = make.invoice(make.line(10, "9.00"))
    result = match(invoice, make.order(), price=None, total={"under": {"absolute": "9.99"}})
    assert only(result).sentence == (
        "Goods and other charges USD 90.00, at PO prices USD 100.00; allowed below it USD 9.99."
    )
    assert result.outcome is Outcome.EXCEPTION
    assert match(invoice, make.order(), price=None).findings == ()


@pytest.mark.parametrize(("over", "under", "outcome"), [("1", "0", "within"), ("0", "5", "exception")])
def test_tax_has_two_limits(make: Any, over: str, under: str, outcome: str) -> None:
    from procurement.documents import TaxLine

    tax = TaxLine(amount=usd("9.25"), rate=Decimal("8.25"), base=usd("100"))
    sides = {"over": {"absolute": over}, "under": {"absolute": under}}
    result = match(make.invoice(make.line(tax_lines=(tax,))), make.order(), tax=sides)
    assert result.outcome is (Outcome.WITHIN_TOLERANCE if outcome == "within" else Outcome.EXCEPTION)


def test_dates_too_early_and_too_late(make: Any) -> None:
    order = make.order(issued_at=datetime(2026, 2, 3, 9, tzinfo=UTC))
    early = match(make.invoice(), order, date={"over": {"absolute": "9"}, "under": {"absolute": "1"}})
    assert (early.outcome, only(early).difference) == (Outcome.EXCEPTION, -2)
    assert only(early).sentence == "Dated 2026-02-01, 2 days before the PO was issued (2026-02-03); allowed 1."
    assert match(make.invoice(), order, date={"under": {"absolute": "2"}}).outcome is Outcome.WITHIN_TOLERANCE
    late = make.invoice(date=date(2026, 2, 8))
    receipts = [
        replace(make.receipt(9), received_on=date(2026, 2, 3)),
        replace(make.receipt(1), received_on=date(2026, 2, 5)),
    ]
    result = match(late, make.order(), receipts, date={"over": {"absolute": "2"}})
    assert (result.outcome, only(result).kind) == (Outcome.EXCEPTION, "date")
    assert only(result).sentence == "Dated 2026-02-08, 3 days after the last receipt (2026-02-05); allowed 2."
    assert match(late, make.order(), receipts, date={"over": {"absolute": "3"}}).outcome is Outcome.WITHIN_TOLERANCE
    assert match(late, make.order(), receipts).findings == ()


def test_returns_and_receipts_without_a_day_say_nothing_of_lateness(make: Any) -> None:
    late = make.invoice(make.line(8), date=date(2026, 3, 1))
    receipts = [
        replace(make.receipt(9), received_on=date(2026, 2, 1)), replace(make.receipt(-1), received_on=date(2026, 2, 28)),
        replace(make.receipt(2), received_on=date.min),
    ]  # fmt: skip
    assert "2026-02-01" in only(match(late, make.order(), receipts, date={"over": {"absolute": "0"}})).sentence


def test_percentages_of_units_are_of_all_units_whatever_was_billed_before(make: Any) -> None:
    order = make.order(make.po_line(quantity=Decimal(10), received=Decimal(10), invoiced=Decimal(6)))
    ten = {"percent": "10"}
    assert match(make.invoice(make.line(5)), order, ordered=ten, received=ten).outcome is Outcome.WITHIN_TOLERANCE
    assert match(make.invoice(make.line(6)), order, ordered=ten, received=ten).outcome is Outcome.EXCEPTION


def test_an_adjustment_of_price_is_not_in_the_value_of_the_units(make: Any) -> None:
    lines = (make.line(5), make.line(2, "12.00", number=2, adjustment_type="price"))
    result = match(make.invoice(*lines), make.order(), total={"absolute": "23.99"})
    assert (result.outcome, only(result).expected, only(result).actual) == (Outcome.EXCEPTION, 50, 74)


@pytest.mark.parametrize("rate", [None, "1.2"])
def test_a_price_refund_on_the_invoice_itself_asks_for_no_credit(make: Any, rate: str | None) -> None:
    refund = make.line(-1, "3.00", number=2, adjustment_type="price")
    order = make.order()
    if rate:
        euro = make.po_line(unit_price=Money.of("8.3333333", "EUR"), total=Money.of("83.33", "EUR"))
        order = make.order(euro, currency="EUR")
    result = match(make.invoice(make.line(5), refund), order, rates=lambda *_: Decimal(rate or 1))
    assert (result.outcome, result.findings, result.variance.price) == (Outcome.MATCHED, (), usd("-3.00"))


def test_an_adjustment_on_an_amount_line_differs_from_the_po_too(make: Any) -> None:
    order = make.order(make.po_line(quantity=None, total=usd("100.00"), received=Decimal(100)))
    lines = (make.line(1, "80.00"), make.line(1, "5.00", number=2, adjustment_type="price"))
    result = match(make.invoice(*lines), order, total={"absolute": "4.99"})
    assert (only(result).expected, only(result).difference) == (80, 5)


def test_a_part_of_a_unit_that_was_not_received_is_not_justified(make: Any) -> None:
    order = make.order(make.po_line(received=Decimal("0.25")))
    assert match(make.invoice(make.line("0.50")), order).variance.quantity == usd("2.50")


def test_a_line_amount_too_low_is_a_finding_where_only_that_is_limited(make: Any) -> None:
    line = make.line(10, "10.00", total=usd("99.90"))
    result = match(make.invoice(line), make.order(), line={"under": {"absolute": "0.09"}})
    assert (result.outcome, only(result).kind) == (Outcome.EXCEPTION, "line")
