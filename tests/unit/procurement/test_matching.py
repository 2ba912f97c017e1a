"""The three-way match: what a person in accounts payable expects of it."""

from decimal import Decimal
from typing import Any

import pytest

from procurement.documents import ChargeKind, Invoice, Note, TaxLine
from procurement.matching import Finding, Outcome, match_level, three_way_match, units_billed
from procurement.tolerances import Tolerances
from tests.unit.procurement.matches import charge, limits, match, only, usd


def test_an_invoice_that_equals_order_and_receipt_matches_without_a_finding(make: Any) -> None:
    result = match(make.invoice(), make.order())
    assert (result.outcome, result.findings) == (Outcome.MATCHED, ())
    assert (result.variance.difference, result.variance.parts) == (usd("0"), {})


def test_units_not_received_yet_wait_for_the_receipt_and_say_so_plainly(make: Any) -> None:
    result = match(make.invoice(make.line(5)), make.order(make.po_line(quantity=Decimal(5), received=Decimal(2))))
    assert result.outcome is Outcome.WAITING_FOR_RECEIPT
    finding = only(result)
    assert finding.sentence == "Line 1: billed 5, received 2, ordered 5: 3 not received yet (USD 30.00)."
    assert (finding.kind, finding.line, finding.breached, finding.waits) == ("received", 1, True, True)
    assert (finding.expected, finding.actual, finding.difference, finding.limit) == (2, 5, 3, 0)


def test_quantities_read_as_people_write_them(make: Any) -> None:
    order = make.order(make.po_line(quantity=Decimal("5.000000"), received=Decimal("2.50")))
    assert (
        only(match(make.invoice(make.line("5.0")), order)).sentence
        == "Line 1: billed 5, received 2.5, ordered 5: 2.5 not received yet (USD 25.00)."
    )
    large = make.order(make.po_line(quantity=Decimal(100), received=Decimal(20)))
    assert (
        only(match(make.invoice(make.line(100)), large)).sentence
        == "Line 1: billed 100, received 20, ordered 100: 80 not received yet (USD 800.00)."
    )


def test_more_than_was_ordered_is_an_exception_even_when_received(make: Any) -> None:
    result = match(
        make.invoice(make.line(6)),
        make.order(make.po_line(quantity=Decimal(5), received=Decimal(6), total=usd("50"))),
        total=None,
    )
    assert result.outcome is Outcome.EXCEPTION
    assert only(result).sentence == "Line 1: billed 6, ordered 5: expect a credit for 1 (USD 10.00)."
    assert (only(result).kind, only(result).waits) == ("ordered", False)


def test_more_than_was_ordered_and_not_received_never_waits(make: Any) -> None:
    result = match(
        make.invoice(make.line(6)),
        make.order(make.po_line(quantity=Decimal(5), received=Decimal(5), total=usd("50"))),
        total=None,
    )
    assert result.outcome is Outcome.EXCEPTION
    assert [(one.kind, one.waits) for one in result.findings] == [("ordered", False), ("received", False)]


def test_what_was_billed_before_counts_against_order_and_receipts(make: Any) -> None:
    order = make.order(make.po_line(received=Decimal(6), invoiced=Decimal(4)))
    assert match(make.invoice(make.line(2)), order).outcome is Outcome.MATCHED
    result = match(make.invoice(make.line(3)), order)
    assert result.outcome is Outcome.WAITING_FOR_RECEIPT
    assert (
        only(result).sentence
        == "Line 1: billed 3 (and 4 before), received 6, ordered 10: 1 not received yet (USD 10.00)."
    )
    assert (only(result).expected, only(result).actual) == (2, 3)


def test_what_is_planned_but_not_in_coupa_yet_counts_too(make: Any) -> None:
    order = make.order(make.po_line(received=Decimal(6)))
    assert match(make.invoice(make.line(3)), order, billed={1: Decimal(3)}).outcome is Outcome.MATCHED
    assert match(make.invoice(make.line(3)), order, billed={1: Decimal(4)}).outcome is Outcome.WAITING_FOR_RECEIPT
    assert match(make.invoice(make.line(3)), order, billed={2: Decimal(4)}).outcome is Outcome.MATCHED


def test_a_document_counts_for_its_units_and_not_for_money_alone(make: Any) -> None:
    lines = (
        make.line(3),
        make.line(2, number=2),
        make.line(-4, number=3, adjustment_type="price"),
        make.line(1, number=4, po_line_id=2),
    )
    assert units_billed(make.invoice(*lines)) == {1: Decimal(5), 2: Decimal(1)}


def test_billing_less_than_received_is_no_finding(make: Any) -> None:
    assert match(make.invoice(make.line(1)), make.order()).findings == ()


def test_invoice_lines_on_one_po_line_count_together(make: Any) -> None:
    lines = (make.line(6), make.line(5, number=2))
    result = match(make.invoice(*lines), make.order(make.po_line(received=Decimal(10))), total=None)
    assert [(one.kind, one.line, one.sentence) for one in result.findings] == [
        ("ordered", 1, "Line 1: billed 11, ordered 10: expect a credit for 1 (USD 10.00)."),
        ("received", 1, "Line 1: billed 11, received 10, ordered 10: expect a credit for 1 (USD 10.00)."),
    ]


def test_receipts_count_before_the_running_quantity_of_the_po_line(make: Any) -> None:
    order = make.order(make.po_line(received=Decimal(0)))
    assert match(make.invoice(), order, [make.receipt(4), make.receipt(6)]).outcome is Outcome.MATCHED
    assert match(make.invoice(), order, [make.receipt(4), make.receipt(5)]).outcome is Outcome.WAITING_FOR_RECEIPT
    assert match(make.invoice(), order, [make.receipt(14), make.receipt(-5)]).outcome is Outcome.WAITING_FOR_RECEIPT
    assert match(make.invoice(), order, [make.receipt(10, line=2)]).outcome is Outcome.WAITING_FOR_RECEIPT


@pytest.mark.parametrize(
    ("match_type", "supplier_level", "receipt_required", "level"),
    [
        ("3-way", None, True, "3-way"),
        ("2-way", "3-way", True, "2-way"),
        ("none", "3-way", True, "none"),
        (None, "3-way", True, "3-way"),
        (None, "3-way-direct", True, "3-way-direct"),
        (None, None, True, "2-way"),
        ("3-way", "3-way", False, "2-way"),
        ("3-way-fifo", None, False, "2-way"),
        ("direct_matching", None, False, "2-way"),
        ("none", None, False, "none"),
        ("3-Way", "2-way", True, "3-way"),
        (None, "four-way", True, "3-way"),
        (None, "four-way", False, "2-way"),
    ],
)
def test_the_line_wins_over_the_supplier_and_no_receipt_means_two_ways(
    make: Any, match_type: str | None, supplier_level: str | None, receipt_required: bool, level: str
) -> None:
    line = make.po_line(match_type=match_type, receipt_required=receipt_required)
    assert match_level(make.order(line, match_level=supplier_level), line) == level


@pytest.mark.parametrize("level", ["3-way", "3-way-fifo", "direct_matching", "3-way-direct"])
def test_three_ways_need_the_receipt(make: Any, level: str) -> None:
    order = make.order(make.po_line(match_type=level, received=Decimal(0)))
    invoice = make.invoice(make.line(match_reference="D1"))
    assert match(invoice, order).outcome is Outcome.WAITING_FOR_RECEIPT


def test_two_ways_do_not_ask_for_a_receipt_but_for_the_order(make: Any) -> None:
    order = make.order(make.po_line(match_type="2-way", received=Decimal(0)))
    assert match(make.invoice(), order).outcome is Outcome.MATCHED
    result = match(make.invoice(make.line(11)), order, total=None)
    assert (result.outcome, only(result).sentence) == (
        Outcome.EXCEPTION,
        "Line 1: billed 11, ordered 10: expect a credit for 1 (USD 10.00).",
    )


def test_a_line_that_is_not_matched_is_not_compared(make: Any) -> None:
    order = make.order(make.po_line(match_type="none", received=Decimal(0)))
    assert match(make.invoice(make.line(99, "99.00")), order).findings == ()


def test_direct_matching_counts_only_receipts_of_the_same_shipment(make: Any) -> None:
    order = make.order(make.po_line(match_type="direct_matching"))
    invoice = make.invoice(make.line(4, match_reference="D1"))
    assert match(invoice, order, [make.receipt(4, "D1")]).outcome is Outcome.MATCHED
    result = match(invoice, order, [make.receipt(3, "D1"), make.receipt(6, "D2")])
    assert result.outcome is Outcome.WAITING_FOR_RECEIPT
    assert only(result).sentence == "Line 1: billed 4, received 3, ordered 10: 1 not received yet (USD 10.00)."


def test_a_surplus_of_one_shipment_does_not_cover_another(make: Any) -> None:
    order = make.order(make.po_line(match_type="direct_matching"))
    invoice = make.invoice(make.line(3, match_reference="D1"), make.line(1, number=2, match_reference="D2"))
    assert match(invoice, order, [make.receipt(1, "D1"), make.receipt(3, "D2")]).outcome is Outcome.WAITING_FOR_RECEIPT
    assert match(invoice, order, [make.receipt(3, "D1"), make.receipt(1, "D2")]).outcome is Outcome.MATCHED


def test_a_shipment_already_billed_is_not_received_twice(make: Any) -> None:
    order = make.order(make.po_line(match_type="direct_matching", invoiced=Decimal(4)))
    invoice = make.invoice(make.line(4, match_reference="D1"))
    assert match(invoice, order, [make.receipt(4, "D1")]).outcome is Outcome.WAITING_FOR_RECEIPT


def test_quantity_tolerances_are_exact_at_their_limit(make: Any) -> None:
    order = make.order(make.po_line(received=Decimal(8)))
    at_limit = match(make.invoice(), order, received={"absolute": "2"})
    assert (at_limit.outcome, only(at_limit).breached, only(at_limit).limit) == (Outcome.WITHIN_TOLERANCE, False, 2)
    assert match(make.invoice(), order, received={"absolute": "1.99"}).outcome is Outcome.WAITING_FOR_RECEIPT
    assert match(make.invoice(), order, received={"percent": "25"}).outcome is Outcome.WITHIN_TOLERANCE
    assert match(make.invoice(), order, received={"percent": "24"}).outcome is Outcome.WAITING_FOR_RECEIPT
    assert match(make.invoice(), order, received=None).outcome is Outcome.MATCHED


def test_a_price_over_its_limit_is_an_exception_that_shows_both_prices(make: Any) -> None:
    result = match(make.invoice(make.line(10, "12.00")), make.order(), price={"percent": "5"}, total=None)
    assert result.outcome is Outcome.EXCEPTION
    assert only(result).sentence == (
        "Line 1: unit price USD 12.00 is USD 2.00 (20.0 %) above the PO price USD 10.00; allowed above it USD 0.50: "
        "expect a credit for 10 x USD 2.00 (USD 20.00)."
    )
    assert (only(result).expected, only(result).actual, only(result).difference) == (10, 12, 2)
    assert only(result).limit == Decimal("0.5")


def test_the_price_limit_itself_is_allowed_and_a_fraction_more_is_not(make: Any) -> None:
    def outcome(price: str) -> Outcome:
        return match(make.invoice(make.line(10, price)), make.order(), price={"percent": "5"}, total=None).outcome

    assert outcome("10.50") is Outcome.WITHIN_TOLERANCE
    assert outcome("10.500001") is Outcome.EXCEPTION


def test_a_lower_price_is_a_finding_that_never_stops(make: Any) -> None:
    result = match(make.invoice(make.line(10, "5.00")), make.order())
    assert (result.outcome, only(result).breached, only(result).difference) == (Outcome.WITHIN_TOLERANCE, False, -5)
    assert "is USD 5.00 (50.0 %) below the PO price USD 10.00" in only(result).sentence


def test_a_free_po_line_has_no_percentage(make: Any) -> None:
    order = make.order(make.po_line(unit_price=usd("0"), total=usd("0")))
    assert (
        "is USD 1.00 above the PO price USD 0.00"
        in match(make.invoice(make.line(1, "1.00")), order, total=None).findings[0].sentence
    )


def test_a_limit_by_commodity_wins_over_the_suppliers_and_both_over_the_default(make: Any) -> None:
    def outcome(**scopes: Any) -> Outcome:
        chosen_scopes = {name: {key: limits(**value) for key, value in scope.items()} for name, scope in scopes.items()}
        chosen = Tolerances(
            limits(price={"percent": "0"}),
            chosen_scopes.get("suppliers", {}),
            chosen_scopes.get("commodities", {}),
        )
        order = make.order()
        return three_way_match(make.invoice(make.line(10, "11.00")), {order.number: order}, [], chosen).outcome

    wide, narrow = {"price": {"percent": "10"}}, {"price": {"percent": "9"}}
    assert outcome() is Outcome.EXCEPTION
    assert outcome(suppliers={"AMZN-US": wide}) is Outcome.WITHIN_TOLERANCE
    assert outcome(suppliers={"OTHER": wide}) is Outcome.EXCEPTION
    assert outcome(suppliers={"AMZN-US": wide}, commodities={"Office Supplies": narrow}) is Outcome.EXCEPTION
    assert outcome(suppliers={"AMZN-US": narrow}, commodities={"Office Supplies": wide}) is Outcome.WITHIN_TOLERANCE
    assert (
        outcome(commodities={"Office Supplies": {"tax": {"absolute": "1"}}}, suppliers={"AMZN-US": wide})
        is Outcome.WITHIN_TOLERANCE
    )


def taxed(make: Any, amount: str, rate: str | None = "8.25", base: str | None = "100.00") -> Invoice:
    line = TaxLine(amount=usd(amount), rate=Decimal(rate) if rate else None, base=usd(base) if base else None)
    return make.invoice(make.line(tax_lines=(line,)))  # type: ignore[no-any-return]


def test_tax_is_compared_with_its_own_rate_both_ways(make: Any) -> None:
    assert match(taxed(make, "8.25"), make.order()).outcome is Outcome.MATCHED
    assert match(taxed(make, "8.24"), make.order()).outcome is Outcome.EXCEPTION
    result = match(taxed(make, "9.25"), make.order(), tax={"absolute": "0.99"})
    assert (result.outcome, only(result).kind, only(result).difference) == (Outcome.EXCEPTION, "tax", 1)
    assert (
        only(result).sentence
        == "Line 1: tax USD 9.25, at 8.25 % it would be USD 8.25; allowed difference USD 0.99: expect a credit of USD 1.00."
    )
    assert match(taxed(make, "9.25"), make.order(), tax={"absolute": "1"}).outcome is Outcome.WITHIN_TOLERANCE
    assert match(taxed(make, "7.25"), make.order(), tax={"absolute": "1"}).outcome is Outcome.WITHIN_TOLERANCE
    assert match(taxed(make, "7.25"), make.order(), tax=None).outcome is Outcome.MATCHED


def test_expected_tax_is_rounded_to_the_cent(make: Any) -> None:
    assert match(taxed(make, "0.83", base="10.00"), make.order()).outcome is Outcome.MATCHED
    assert match(taxed(make, "0.82", base="10.00"), make.order()).outcome is Outcome.EXCEPTION


def test_a_tax_whose_rate_or_base_is_unknown_is_not_compared(make: Any) -> None:
    assert match(taxed(make, "99", rate=None), make.order()).findings == ()
    assert match(taxed(make, "99", base=None), make.order()).findings == ()


def test_shipping_and_handling_are_compared_with_what_is_allowed(make: Any) -> None:
    invoice = make.invoice(charges=(charge(ChargeKind.SHIPPING, "6.00"), charge(ChargeKind.HANDLING, "4.00")))
    result = match(invoice, make.order(), shipping={"absolute": "9.99"})
    assert (result.outcome, only(result).kind, only(result).actual, only(result).expected) == (
        Outcome.EXCEPTION,
        "shipping",
        10,
        0,
    )
    assert (
        only(result).sentence
        == "Shipping and handling USD 10.00, which no PO line orders; allowed USD 9.99: expect a credit of USD 10.00."
    )
    assert only(result).line is None
    assert match(invoice, make.order(), shipping={"absolute": "10"}).outcome is Outcome.WITHIN_TOLERANCE
    assert match(invoice, make.order(), shipping={"percent": "10"}).outcome is Outcome.WITHIN_TOLERANCE
    assert match(invoice, make.order(), shipping={"percent": "9"}).outcome is Outcome.EXCEPTION
    assert match(invoice, make.order(), shipping=None).outcome is Outcome.MATCHED


def test_fees_that_nobody_ordered_show_in_the_total(make: Any) -> None:
    invoice = make.invoice(charges=(charge(ChargeKind.MISC, "4.00"),))
    result = match(invoice, make.order(), total={"absolute": "3.99"})
    assert (result.outcome, only(result).expected, only(result).actual) == (Outcome.EXCEPTION, 100, 104)
    assert (
        only(result).sentence
        == "Goods and other charges USD 104.00, at PO prices USD 100.00; allowed above it USD 3.99: expect a credit of USD 4.00."
    )
    assert match(invoice, make.order(), total={"absolute": "4"}).outcome is Outcome.WITHIN_TOLERANCE
    assert match(invoice, make.order(), total=None).outcome is Outcome.MATCHED


def test_a_discount_makes_no_finding(make: Any) -> None:
    assert match(make.invoice(charges=(charge(ChargeKind.MISC, "-4.00"),)), make.order()).findings == ()


def test_a_line_without_its_po_line_is_an_exception(make: Any) -> None:
    result = match(make.invoice(make.line(po_line_id=99, po_line_number="9")), make.order())
    assert (result.outcome, only(result).kind) == (Outcome.EXCEPTION, "unbacked")
    assert only(result).sentence == "Line 1: USD 100.00 is billed, but PO 4500 has no line 9."
    assert match(make.invoice(make.line(po_number="X")), make.order()).findings[0].kind == "unbacked"


def test_amount_lines_are_compared_in_money(make: Any) -> None:
    line = make.po_line(quantity=None, unit_price=usd("100.00"), received=Decimal("60.00"))
    result = match(make.invoice(make.line(1, "80.00")), make.order(line))
    assert result.outcome is Outcome.WAITING_FOR_RECEIPT
    assert (
        only(result).sentence
        == "Line 1: billed USD 80.00, received USD 60.00, ordered USD 100.00: USD 20.00 not received yet."
    )
    assert match(make.invoice(make.line(1, "60.00")), make.order(line)).outcome is Outcome.MATCHED


def test_amount_lines_tied_to_shipments_are_compared_in_money(make: Any) -> None:
    line = make.po_line(quantity=None, unit_price=usd("100.00"), match_type="direct_matching")
    invoice = make.invoice(make.line(1, "60.00", match_reference="D1"))
    assert match(invoice, make.order(line), [make.receipt(60, "D1")]).outcome is Outcome.MATCHED
    assert match(invoice, make.order(line), [make.receipt(59, "D1")]).outcome is Outcome.WAITING_FOR_RECEIPT


def credit(make: Any, quantity: int, **changes: Any) -> Invoice:
    return make.invoice(
        make.line(quantity, adjustment_type=changes.pop("adjustment_type", "quantity"), **changes), is_credit_note=True
    )  # type: ignore[no-any-return]


def test_a_credit_note_gives_back_no_more_than_was_billed(make: Any) -> None:
    order = make.order(make.po_line(invoiced=Decimal(3)))
    assert match(credit(make, -3), order, billed={}).outcome is Outcome.MATCHED
    result = match(credit(make, -4), order, billed={})
    assert (result.outcome, only(result).sentence) == (
        Outcome.EXCEPTION,
        "Line 1: credited 4, billed 3: 1 too many (USD 10.00).",
    )
    assert match(credit(make, -4), order, billed={1: Decimal(1)}).outcome is Outcome.MATCHED


def test_where_billed_units_are_not_known_a_credit_is_bounded_by_the_order(make: Any) -> None:
    assert match(credit(make, -10), make.order()).outcome is Outcome.MATCHED
    result = match(credit(make, -11), make.order())
    assert (result.outcome, only(result).sentence) == (
        Outcome.EXCEPTION,
        "Line 1: credited 11, ordered 10: 1 too many (USD 10.00).",
    )


@pytest.mark.parametrize("kind", ["price", "other"])
def test_a_credit_of_money_alone_is_not_compared_in_units_or_price(make: Any, kind: str) -> None:
    assert match(credit(make, -50, price="99.00", adjustment_type=kind), make.order()).findings == ()


def test_a_credit_at_another_price_than_ordered_is_a_finding(make: Any) -> None:
    assert match(credit(make, -1, price="9.00"), make.order()).outcome is Outcome.EXCEPTION
    assert match(credit(make, -1, price="10.00"), make.order()).outcome is Outcome.MATCHED


def test_shipping_and_totals_of_a_credit_note_are_not_compared(make: Any) -> None:
    invoice = make.invoice(
        make.line(-1, adjustment_type="quantity"),
        is_credit_note=True,
        charges=(charge(ChargeKind.MISC, "50"), charge(ChargeKind.SHIPPING, "9")),
    )
    assert match(invoice, make.order()).findings == ()


def test_notes_become_findings_that_change_no_outcome(make: Any) -> None:
    note = Note(kind="use_tax", line=1, sentence="Line 1: use tax may be due.")
    result = match(make.invoice(notes=(note,)), make.order())
    assert result.outcome is Outcome.MATCHED
    assert only(result) == Finding(kind="use_tax", line=1, sentence=note.sentence, breached=False)


def test_the_gravest_finding_comes_first(make: Any) -> None:
    order = make.order(make.po_line(received=Decimal(5)), make.po_line(id=2, number="2", part_number="B0INK"))
    invoice = make.invoice(
        make.line(),
        make.line(10, "20.00", number=2, po_line_id=2, po_line_number="2"),
        charges=(charge(ChargeKind.SHIPPING, "5"),),
    )
    result = match(invoice, order, total=None, shipping={"absolute": "6"})
    assert result.outcome is Outcome.EXCEPTION
    assert [(one.kind, one.line) for one in result.findings] == [("price", 2), ("received", 1), ("shipping", None)]
