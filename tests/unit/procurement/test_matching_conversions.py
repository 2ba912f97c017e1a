"""Units of measure and currencies in the match: converted where a table or a rate says how, else an exception."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from procurement.documents import ChargeKind
from procurement.matching import Outcome, units_billed
from procurement.money import Money
from procurement.policies import Rules
from procurement.units_of_measure import Conversion, Conversions, Factor
from tests.unit.procurement.matches import charge, match, only, usd

PACKS = Conversions.of([
    Conversion(unit="PK", holds=Decimal(12), of="EA"), Conversion(unit="PK", holds=Decimal(10), of="EA", item="B0TEN"),
])  # fmt: skip


def by_piece(make: Any, **changes: Any) -> Any:
    return make.order(
        make.po_line(**{"quantity": Decimal(24), "unit_price": usd("1.00"), "received": Decimal(24), "unit_of_measure": "EA", **changes})
    )  # fmt: skip


def packs(make: Any, quantity: str = "2", price: str = "12.00", **changes: Any) -> Any:
    return make.invoice(make.line(quantity, price, unit_of_measure="PK", **changes))


def test_packs_are_compared_with_pieces_in_units_and_price(make: Any) -> None:
    result = match(packs(make), by_piece(make), conversions=PACKS)
    assert (result.outcome, result.findings, result.variance.parts) == (Outcome.MATCHED, (), {})
    over = match(packs(make, "3"), by_piece(make), conversions=PACKS, received=None, total=None)
    assert only(over).sentence == "Line 1: billed 36, ordered 24: expect a credit for 12 (USD 12.00)."
    dear = match(packs(make, price="13.00"), by_piece(make), conversions=PACKS, total=None)
    assert only(dear).sentence == (
        "Line 1: unit price USD 13.00 is USD 1.00 (8.3 %) above the PO price USD 12.00 (USD 1.00 per EA); "
        "allowed above it USD 0.00: expect a credit for 2 x USD 1.00 (USD 2.00)."
    )


def test_the_items_own_factor_wins(make: Any) -> None:
    order = by_piece(make, part_number="B0TEN", quantity=Decimal(20), received=Decimal(20))
    assert match(packs(make, price="10.00"), order, conversions=PACKS).outcome is Outcome.MATCHED


def test_it_converts_the_other_way_round(make: Any) -> None:
    order = make.order(
        make.po_line(unit_of_measure="PK", quantity=Decimal(2), unit_price=usd("12.00"), received=Decimal(2))
    )
    invoice = make.invoice(make.line(24, "1.00", unit_of_measure="EA"))
    assert match(invoice, order, conversions=PACKS).outcome is Outcome.MATCHED
    more = make.invoice(make.line(25, "1.00", unit_of_measure="EA"))
    assert match(more, order, conversions=PACKS, total=None).outcome is Outcome.EXCEPTION


def test_thirds_of_a_pack_never_add_up_to_more_than_it(make: Any) -> None:
    third = Conversions.of([Conversion(unit="PK", holds=Decimal(3), of="EA")]).factor("EA", "PK")
    assert third is not None
    assert sum(third.units(Decimal(1)) for _ in range(3)) <= 1
    assert third.units(Decimal(2)) == Decimal("0.666666666666")
    assert third.units(Decimal(3)) == 1


def test_an_unknown_conversion_is_an_exception_and_all_of_it_is_the_units(make: Any) -> None:
    result = match(packs(make), by_piece(make))
    assert (result.outcome, only(result).kind, only(result).rule) == (Outcome.EXCEPTION, "unit", None)
    assert only(result).sentence == (
        "Line 1: 2 PK (USD 24.00) is billed, the PO line counts EA, and units.yml does not say how many EA one PK holds."
    )
    assert result.variance.parts == {"unit": usd("24.00")}
    assert only(result).money == usd("24.00")


@pytest.mark.parametrize(("ours", "theirs"), [(None, "EA"), ("PK", None), ("EA", "EA")])
def test_a_unit_that_one_side_leaves_out_is_the_others(make: Any, ours: str | None, theirs: str | None) -> None:
    order = make.order(make.po_line(unit_of_measure=theirs))
    assert match(make.invoice(make.line(unit_of_measure=ours)), order).outcome is Outcome.MATCHED


def test_what_was_billed_before_in_a_unit_nobody_knows_is_an_exception_too(make: Any) -> None:
    before = make.invoice(make.line(1, "12.00", unit_of_measure="BX"), number="INV-0")
    result = match(packs(make, "1"), by_piece(make), conversions=PACKS, earlier=[before])
    assert result.outcome is Outcome.EXCEPTION
    assert only(result).sentence == (
        "PO line 1: 1 BX (USD 12.00) was billed before, the PO line counts EA, and units.yml does not say how many EA one BX holds."
    )


def test_earlier_packs_count_as_pieces(make: Any) -> None:
    before = make.invoice(make.line(1, "12.00", unit_of_measure="PK"), number="INV-0")
    assert match(packs(make, "1"), by_piece(make), conversions=PACKS, earlier=[before]).outcome is Outcome.MATCHED
    two = [before, make.invoice(*before.lines, number="INV-00")]
    assert match(packs(make, "1"), by_piece(make), conversions=PACKS, earlier=two).outcome is Outcome.EXCEPTION


def test_a_document_counts_in_the_unit_of_its_po_line(make: Any) -> None:
    amounts = make.po_line(id=2, number="2", quantity=None)
    order = make.order(*by_piece(make).lines, amounts)
    invoice = make.invoice(*packs(make).lines, make.line(1, "80.00", number=2, po_line_id=2))
    assert units_billed(invoice, [order], PACKS) == {1: Decimal(24), 2: Decimal("80.00")}
    assert units_billed(invoice, [order]) == {1: Decimal(2), 2: Decimal("80.00")}


def test_the_shipped_table_knows_dozens_and_no_packs(rules: Rules) -> None:
    assert rules.conversions.factor("DZ", "EA") == Factor(Decimal(12), Decimal(1))
    assert rules.conversions.factor("PK", "EA") is None


def test_a_unit_is_not_converted_into_itself() -> None:
    with pytest.raises(ValueError, match="is no conversion"):
        Conversion(unit="EA", holds=Decimal(2), of="EA")
    with pytest.raises(ValueError, match="greater than 0"):
        Conversion(unit="PK", holds=Decimal(0), of="EA")


# Currencies


def in_euro(make: Any, **changes: Any) -> Any:
    line = make.po_line(unit_price=Money.of("10.00", "EUR"), total=Money.of("100.00", "EUR"), **changes)
    return make.order(line, currency="EUR")


def rates(source: str, target: str, on: date) -> Decimal | None:
    return {("EUR", "USD", date(2026, 2, 1)): Decimal("1.10")}.get((source, target, on))


def test_another_currency_without_a_rate_of_that_day_is_an_exception(make: Any) -> None:
    for invoice, given in ((make.invoice(), None), (make.invoice(date=date(2026, 2, 2)), rates)):
        result = match(invoice, in_euro(make), rates=given)
        assert (result.outcome, only(result).kind, only(result).money) == (Outcome.EXCEPTION, "currency", usd("100.00"))
        assert only(result).sentence == (
            f"Line 1: USD 100.00 is billed, the PO is in EUR, and no rate of {invoice.date} tells how they compare."
        )
        assert result.variance.parts == {"exchange": usd("100.00")}


def test_a_rate_of_nothing_is_no_rate(make: Any) -> None:
    assert only(match(make.invoice(), in_euro(make), rates=lambda *_: Decimal(0))).kind == "currency"


def test_the_po_price_is_converted_at_the_rate_of_the_invoice_date(make: Any) -> None:
    assert match(make.invoice(make.line(10, "11.00")), in_euro(make), rates=rates).outcome is Outcome.MATCHED
    result = match(make.invoice(make.line(10, "11.50")), in_euro(make), rates=rates, total=None)
    assert (result.outcome, only(result).kind, result.variance.parts) == (
        Outcome.EXCEPTION,
        "price",
        {"price": usd("5.00")},
    )
    assert "above the PO price USD 11.00 (EUR 10.00 at a rate of 1.1)" in only(result).sentence


def test_what_the_exchange_tolerance_explains_is_no_price_difference(make: Any) -> None:
    two = {"over": {"percent": "2"}, "under": {"percent": "1"}}
    result = match(make.invoice(make.line(10, "11.22")), in_euro(make), rates=rates, exchange=two, total=None)
    assert (result.outcome, only(result).kind, only(result).rule) == (
        Outcome.WITHIN_TOLERANCE, "exchange", "tolerances.yml: default.exchange.over",
    )  # fmt: skip
    assert only(result).sentence == (
        "Line 1: USD 0.22 of the unit price is explained by exchange rates; at 1.1 the PO price is USD 11.00."
    )
    assert (result.variance.parts, only(result).money) == ({"exchange": usd("2.20")}, usd("2.20"))


def test_what_is_beyond_the_exchange_tolerance_is_judged_as_a_price(make: Any) -> None:
    two = {"over": {"percent": "2"}, "under": {"percent": "1"}}
    result = match(make.invoice(make.line(10, "11.50")), in_euro(make), rates=rates, exchange=two, total=None)
    assert [(one.kind, one.breached) for one in result.findings] == [("price", True), ("exchange", False)]
    assert result.variance.parts == {"price": usd("2.80"), "exchange": usd("2.20")}
    low = match(make.invoice(make.line(10, "10.50")), in_euro(make), rates=rates, exchange=two)
    assert low.variance.parts == {"price": usd("-3.90"), "exchange": usd("-1.10")}


def test_units_are_compared_whatever_the_currency(make: Any) -> None:
    result = match(make.invoice(make.line(11)), in_euro(make), received=None)
    assert {one.kind for one in result.findings} == {"currency", "ordered"}


def test_charges_are_held_against_the_goods_in_any_currency(make: Any) -> None:
    invoice = make.invoice(make.line(10, "11.00"), charges=(charge(ChargeKind.SHIPPING, "9.00"),))
    assert match(invoice, in_euro(make), rates=rates, shipping={"absolute": "9"}).outcome is Outcome.WITHIN_TOLERANCE


def test_amount_lines_are_never_converted(make: Any) -> None:
    line = make.po_line(quantity=None, unit_price=Money.of("100.00", "EUR"), total=Money.of("100.00", "EUR"))
    result = match(make.invoice(make.line(1, "110.00")), make.order(line, currency="EUR"), rates=rates, total=None)
    assert only(result).kind == "currency"
    assert (
        only(result).sentence == "Line 1: USD 110.00 is billed, the PO is in EUR, and amount lines are not converted."
    )
    assert result.variance.parts == {"exchange": Money.of("110.00", "USD")}


def test_a_rate_is_shown_with_nine_places(make: Any) -> None:
    result = match(make.invoice(make.line(1, "11.50")), in_euro(make), rates=lambda *_: 1 / Decimal(3), total=None)
    assert "at a rate of 0.333333333)" in only(result).sentence
