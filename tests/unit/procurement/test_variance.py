"""The difference in money by cause: each cause alone, all together, and always adding up."""

from decimal import Decimal
from typing import Any

import pytest

from procurement.documents import ChargeKind, TaxLine
from procurement.matching import PARTS, Variance
from procurement.money import Money
from tests.unit.procurement.matches import charge, match, usd


def parts(*given: Any, **more: Any) -> dict[str, Decimal]:
    variance = match(*given, **more).variance
    assert sum((part.amount for part in variance.parts.values()), Decimal(0)) == variance.difference.amount
    return {name: part.amount for name, part in variance.parts.items()}


def test_an_exception_says_what_credit_to_expect(make: Any) -> None:
    """Billed 5, received 2, ordered 5, and nothing more can come: here because of another line of the order."""
    order = make.order(make.po_line(quantity=Decimal(2), received=Decimal(2), unit_price=usd("12.95")))
    result = match(make.invoice(make.line(5, "12.95")), order, total=None)
    assert [one.sentence for one in result.findings] == [
        "Line 1: billed 5, ordered 2: expect a credit for 3 (USD 38.85).",
        "Line 1: billed 5, received 2, ordered 2: expect a credit for 3 (USD 38.85).",
    ]
    assert {one.money for one in result.findings} == {usd("38.85")}
    assert result.variance.parts == {"quantity": usd("38.85")}
    assert (result.variance.billed, result.variance.justified) == (usd("64.75"), usd("25.90"))


def test_units_are_at_the_invoice_price_and_prices_on_justified_units(make: Any) -> None:
    order = make.order(make.po_line(received=Decimal(6)))
    result = match(make.invoice(make.line(10, "11.00")), order, total=None)
    assert result.variance.parts == {"quantity": usd("44.00"), "price": usd("6.00")}
    price, received = result.findings
    assert (price.kind, price.money) == ("price", usd("10.00"))  # the missing units may still come
    assert (received.kind, received.money) == ("received", usd("44.00"))


def test_units_that_go_back_are_not_credited_twice(make: Any) -> None:
    order = make.order(make.po_line(quantity=Decimal(6), received=Decimal(6)))
    result = match(make.invoice(make.line(10, "11.00")), order, total=None, received=None)
    money = {one.kind: one.money for one in result.findings}
    assert money == {"ordered": usd("44.00"), "price": usd("6.00")}
    assert "expect a credit for 6 x USD 1.00 (USD 6.00)." in next(
        one.sentence for one in result.findings if one.kind == "price"
    )


def test_the_last_lines_of_a_po_line_are_too_much_first(make: Any) -> None:
    lines = (make.line(6), make.line(5, "20.00", number=2))
    assert parts(make.invoice(*lines), make.order()) == {"quantity": 20, "price": 40}


def test_a_whole_line_too_much_is_its_own_total(make: Any) -> None:
    line = make.line(10, "10.00", total=usd("100.01"))
    assert parts(make.invoice(line), make.order(make.po_line(received=Decimal(0)))) == {"quantity": Decimal("100.01")}


def test_units_billed_before_are_not_justified_again(make: Any) -> None:
    order = make.order(make.po_line(invoiced=Decimal(12)))
    result = match(make.invoice(make.line(3)), order, total=None, received=None)
    assert result.variance.parts == {"quantity": usd("30.00")}
    (finding,) = result.findings
    assert (finding.difference, finding.money) == (5, usd("30.00"))  # no more than this document bills
    assert finding.sentence == "Line 1: billed 3 (and 12 before), ordered 10: expect a credit for 3 (USD 30.00)."


def test_charges_are_shipping_fee_discount_or_rounding(make: Any) -> None:
    charges = (
        charge(ChargeKind.SHIPPING, "5.00"), charge(ChargeKind.HANDLING, "2.00"), charge(ChargeKind.MISC, "3.00"),
        charge(ChargeKind.MISC, "-4.00"), charge(ChargeKind.MISC, "0.02", is_rounding=True),
    )  # fmt: skip
    assert parts(make.invoice(charges=charges), make.order()) == {
        "shipping": 7, "fee": 3, "discount": -4, "rounding": Decimal("0.02"),
    }  # fmt: skip


def test_tax_is_justified_at_its_own_rate_and_stands_where_that_is_unknown(make: Any) -> None:
    known = TaxLine(amount=usd("9.25"), rate=Decimal("8.25"), base=usd("100.00"))
    unknown = TaxLine(amount=usd("3.00"), rate=None, base=None)
    assert parts(make.invoice(make.line(tax_lines=(known, unknown))), make.order()) == {"tax": 1}


def test_what_a_line_total_misses_by_is_rounding(make: Any) -> None:
    line = make.line(3, "3.333333", total=usd("10.00"))
    order = make.order(make.po_line(unit_price=usd("3.333333")))
    assert parts(make.invoice(line), order) == {}
    odd = make.line(3, "3.333333", total=usd("10.01"))
    assert parts(make.invoice(odd), order) == {"rounding": Decimal("0.01")}


def test_a_line_without_its_po_line_is_all_quantity(make: Any) -> None:
    assert parts(make.invoice(make.line(po_line_id=99)), make.order()) == {"quantity": 100}


def test_a_line_that_is_not_matched_stands_as_it_is(make: Any) -> None:
    order = make.order(make.po_line(match_type="none", received=Decimal(0), unit_of_measure="EA"), currency="EUR")
    lines = (
        make.line(99, "99.00"),
        make.line(1, number=2, unit_of_measure="PK"),
        make.line(1, number=3, adjustment_type="price"),
    )
    assert parts(make.invoice(*lines), order) == {}


def test_a_credit_within_what_was_billed_is_justified(make: Any) -> None:
    order = make.order(make.po_line(invoiced=Decimal(3)))
    back = make.line(-3, adjustment_type="quantity")
    assert parts(make.invoice(back, is_credit_note=True), order, billed={}) == {}
    more = make.line(-5, adjustment_type="quantity")
    result = match(make.invoice(more, is_credit_note=True), order, billed={})
    assert result.variance.parts == {"quantity": usd("-20.00")}
    assert result.findings[0].money == usd("-20.00")


def test_a_credit_of_money_alone_is_a_difference_in_price(make: Any) -> None:
    line = make.line(-2, "1.50", adjustment_type="price")
    assert parts(make.invoice(line, is_credit_note=True), make.order()) == {"price": -3}


def test_amount_lines_have_no_price_part(make: Any) -> None:
    line = make.po_line(quantity=None, unit_price=usd("100.00"), received=Decimal("60.00"))
    assert parts(make.invoice(make.line(1, "80.00")), make.order(line)) == {"quantity": 20}


def test_packs_too_many_are_worth_their_own_price(make: Any) -> None:
    from procurement.units_of_measure import Conversion, Conversions

    packs = Conversions.of([Conversion(unit="PK", holds=Decimal(12), of="EA")])
    order = make.order(
        make.po_line(quantity=Decimal(24), received=Decimal(24), unit_price=usd("1.00"), unit_of_measure="EA")
    )
    invoice = make.invoice(make.line(3, "13.00", unit_of_measure="PK"))
    assert parts(invoice, order, conversions=packs) == {"quantity": 13, "price": 2}


@pytest.mark.parametrize("quantity", ["0", "-1", "0.000001", "10000000"])
@pytest.mark.parametrize("price", ["0", "-1", "0.000001", "99999999"])
def test_negative_zero_and_huge_never_crash_and_add_up(make: Any, quantity: str, price: str) -> None:
    for changes in (
        {},
        {"quantity": None},
        {"received": Decimal(-1)},
        {"invoiced": Decimal(-3)},
        {"quantity": Decimal(0)},
    ):
        order = make.order(make.po_line(unit_price=usd("0"), **changes))
        for is_credit_note in (False, True):
            line = make.line(quantity, price)
            parts(make.invoice(line, is_credit_note=is_credit_note), order, [make.receipt(0), make.receipt(-4)])


def test_an_invoice_without_lines_is_matched_with_nothing(make: Any) -> None:
    invoice = make.invoice(make.line())
    from msgspec.structs import replace

    result = match(replace(invoice, lines=()), make.order())
    assert (result.findings, result.variance.parts, result.variance.billed) == ((), {}, Money.zero("USD"))


def test_parts_that_do_not_add_up_are_refused(make: Any) -> None:
    kept = match(make.invoice(make.line(1, "101.00")), make.order()).variance.kept()
    with pytest.raises(ValueError, match="do not add up"):
        Variance.read({**kept, "parts": {"price": "0.99"}})


def test_the_parts_are_named_and_kept_in_one_order() -> None:
    assert PARTS == ("quantity", "price", "tax", "shipping", "discount", "fee", "unit", "exchange", "rounding")


def test_a_line_that_is_not_matched_has_no_difference_in_its_own_currency_either(make: Any) -> None:
    order = make.order(make.po_line(match_type="none", received=Decimal(0)))
    assert parts(make.invoice(make.line(99, "99.00")), order) == {}
