"""Many receipts per invoice, many invoices per receipt: which receipts a line uses up, and what earlier documents used."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from procurement.documents import GoodsReceipt
from procurement.matching import MatchResult, Outcome, reads_receipts
from procurement.tolerances import Tolerances
from tests.unit.procurement.matches import limits, match, only, usd


def receipt(number: int, quantity: str, day: int = 1, reference: str | None = None) -> GoodsReceipt:
    return GoodsReceipt(
        id=number, po_line_id=1, quantity=Decimal(quantity), received_on=date(2026, 1, day), match_reference=reference
    )


def used(result: MatchResult) -> list[tuple[int, int, Decimal]]:
    """(invoice line, receipt, units)."""
    return [(one.line, one.receipt_id, one.units) for one in result.allocations]


def order(make: Any, match_type: str = "3-way-fifo", **changes: Any) -> Any:
    return make.order(make.po_line(match_type=match_type, **changes))


def earlier(make: Any, units: str, reference: str | None = None, number: str = "INV-0") -> Any:
    return make.invoice(make.line(units, match_reference=reference), number=number)


THREE = [receipt(30, "5", 3), receipt(20, "2", 2), receipt(10, "3", 1)]


def test_the_oldest_receipts_are_used_up_first(make: Any) -> None:
    assert used(match(make.invoice(make.line(4)), order(make), THREE)) == [(1, 10, 3), (1, 20, 1)]


def test_receipts_of_one_day_are_used_in_the_order_of_their_numbers(make: Any) -> None:
    same = [receipt(2, "1"), receipt(3, "1"), receipt(1, "1")]
    assert used(match(make.invoice(make.line(2)), order(make), same)) == [(1, 1, 1), (1, 2, 1)]


def test_what_earlier_invoices_used_up_is_gone(make: Any) -> None:
    result = match(make.invoice(make.line(4)), order(make), THREE, earlier=[earlier(make, "4")])
    assert used(result) == [(1, 20, 1), (1, 30, 3)]
    assert result.outcome is Outcome.MATCHED


def test_coupas_own_count_uses_receipts_up_too(make: Any) -> None:
    result = match(make.invoice(make.line(4)), order(make, invoiced=Decimal(3)), THREE)
    assert used(result) == [(1, 20, 2), (1, 30, 2)]


def test_the_larger_of_coupas_count_and_the_known_documents_holds(make: Any) -> None:
    before = [earlier(make, "4")]
    for counted, left in (("0", 6), ("4", 6), ("5", 5)):
        po = order(make, invoiced=Decimal(counted))
        assert match(make.invoice(make.line(left)), po, THREE, earlier=before).outcome is Outcome.MATCHED
        assert match(make.invoice(make.line(left + 1)), po, THREE, earlier=before).outcome is Outcome.EXCEPTION


def test_the_invoice_itself_is_not_earlier_than_itself(make: Any) -> None:
    invoice = make.invoice()
    assert match(invoice, order(make), THREE, earlier=[invoice]).outcome is Outcome.MATCHED
    other = make.invoice(supplier="OTHER")
    assert match(invoice, order(make), THREE, earlier=[other]).outcome is Outcome.EXCEPTION


def test_one_receipt_serves_several_lines_and_never_more_than_it_has(make: Any) -> None:
    lines = (make.line(6, number=2), make.line(2, number=1))
    result = match(make.invoice(*lines), order(make), THREE)
    assert used(result) == [(1, 10, 2), (2, 10, 1), (2, 20, 2), (2, 30, 3)]


def test_what_is_missing_uses_nothing(make: Any) -> None:
    result = match(make.invoice(make.line(10)), order(make), THREE[1:])
    assert used(result) == [(1, 10, 3), (1, 20, 2)]
    assert only(result).sentence == "Line 1: billed 10, received 5, ordered 10: 5 not received yet (USD 50.00)."


def test_a_return_takes_from_the_newest_receipt(make: Any) -> None:
    result = match(make.invoice(make.line(6)), order(make), [*THREE, receipt(40, "-4", 4)])
    assert used(result) == [(1, 10, 3), (1, 20, 2), (1, 30, 1)]
    assert result.outcome is Outcome.MATCHED


def test_a_return_of_a_shipment_takes_from_that_shipment_first(make: Any) -> None:
    receipts = [receipt(1, "3", 1, "D1"), receipt(2, "3", 2, "D2"), receipt(3, "-4", 3, "D1")]
    assert used(match(make.invoice(make.line(2)), order(make), receipts)) == [(1, 2, 2)]


def test_a_credit_gives_receipts_free_again(make: Any) -> None:
    back = make.invoice(make.line("-2", adjustment_type="quantity"), number="CR-1", is_credit_note=True)
    before = [earlier(make, "10"), back]
    result = match(make.invoice(make.line(2)), order(make), THREE, earlier=before)
    assert result.outcome is Outcome.MATCHED
    assert used(result) == [(1, 30, 2)]


def test_a_credit_of_money_alone_gives_no_units_free(make: Any) -> None:
    back = make.invoice(make.line("-2", adjustment_type="price"), number="CR-1", is_credit_note=True)
    result = match(make.invoice(make.line(2)), order(make), THREE, earlier=[earlier(make, "10"), back])
    assert result.outcome is Outcome.EXCEPTION


@pytest.mark.parametrize("level", ["direct_matching", "3-way-direct"])
def test_a_shipment_uses_up_its_own_receipts(make: Any, level: str) -> None:
    receipts = [receipt(1, "3", 1, "D1"), receipt(2, "2", 2, "D2"), receipt(3, "2", 3, "D2")]
    result = match(make.invoice(make.line(3, match_reference="D2")), order(make, level), receipts)
    assert used(result) == [(1, 2, 2), (1, 3, 1)]


def test_what_earlier_documents_billed_of_a_shipment_is_gone_from_it(make: Any) -> None:
    receipts = [receipt(1, "3", 1, "D1"), receipt(2, "4", 2, "D2")]
    po = order(make, "direct_matching")
    invoice = make.invoice(make.line(3, match_reference="D2"))
    free = match(invoice, po, receipts, earlier=[earlier(make, "3", "D1")])
    assert (free.outcome, used(free)) == (Outcome.MATCHED, [(1, 2, 3)])
    short = match(invoice, po, receipts, earlier=[earlier(make, "2", "D2")])
    assert (short.outcome, used(short)) == (Outcome.WAITING_FOR_RECEIPT, [(1, 2, 2)])
    assert (
        only(short).sentence
        == "Line 1: billed 3 (and 2 before), received 4, ordered 10: 1 not received yet (USD 10.00)."
    )


def test_a_count_without_documents_is_taken_from_other_shipments_first(make: Any) -> None:
    receipts = [receipt(1, "3", 1, "D1"), receipt(2, "4", 2, "D2")]
    po = order(make, "direct_matching", invoiced=Decimal(4))
    result = match(make.invoice(make.line(3, match_reference="D1")), po, receipts)
    assert (result.outcome, used(result)) == (Outcome.MATCHED, [(1, 1, 3)])


def test_without_receipts_one_by_one_there_is_no_allocation(make: Any) -> None:
    assert match(make.invoice(), order(make)).allocations == ()
    assert match(make.invoice(), order(make, "2-way"), THREE).allocations == ()
    assert match(make.invoice(), order(make, "none"), THREE).allocations == ()


def test_a_credit_note_uses_up_no_receipt(make: Any) -> None:
    back = make.invoice(make.line("-2", adjustment_type="quantity"), is_credit_note=True)
    assert match(back, order(make), THREE).allocations == ()


def test_allocations_name_their_po_line_and_come_in_the_order_of_lines(make: Any) -> None:
    po = make.order(make.po_line(), make.po_line(id=2, number="2"))
    invoice = make.invoice(make.line(1, number=1, po_line_id=2, po_line_number="2"), make.line(1, number=2))
    receipts = [replace(receipt(5, "9"), po_line_id=2), receipt(6, "9")]
    result = match(invoice, po, receipts)
    assert [(one.line, one.po_line_id, one.receipt_id) for one in result.allocations] == [(1, 2, 5), (2, 1, 6)]


def test_amount_lines_use_up_money(make: Any) -> None:
    po = order(make, quantity=None, total=usd("100.00"))
    result = match(make.invoice(make.line(1, "80.00")), po, [receipt(1, "50.00"), receipt(2, "50.00", 2)])
    assert used(result) == [(1, 1, 50), (1, 2, 30)]


def test_a_refund_on_the_same_invoice_counts_against_its_units(make: Any) -> None:
    lines = (make.line(12), make.line("-2", number=2))
    assert match(make.invoice(*lines), order(make), THREE).outcome is Outcome.MATCHED


def test_without_a_shipment_on_both_sides_nothing_is_tied(make: Any) -> None:
    result = match(make.invoice(make.line(10)), order(make, "direct_matching"), [receipt(1, "10")])
    assert (result.outcome, used(result)) == (Outcome.EXCEPTION, [])
    assert only(result).sentence == (
        "Line 1: billed 10, received 0, ordered 10: no shipment id ties it to a receipt, as direct matching asks."
    )
    loose = match(make.invoice(make.line(10)), order(make, "direct_matching"), [receipt(1, "10")], received=None)
    assert loose.outcome is Outcome.MATCHED


def test_without_a_shipment_nothing_is_waited_for(make: Any) -> None:
    """The receipt that comes could not be tied to it either."""
    lines = (make.line(4, match_reference="D1"), make.line(2, number=2))
    result = match(make.invoice(*lines), order(make, "direct_matching"), [receipt(1, "4", reference="D1")])
    assert (result.outcome, only(result).difference, used(result)) == (Outcome.EXCEPTION, 2, [(1, 1, 4)])


def test_what_one_shipment_was_overbilled_is_not_taken_from_another(make: Any) -> None:
    receipts = [receipt(1, "2", 1, "D1"), receipt(2, "3", 2, "D2")]
    po, before = order(make, "direct_matching"), [earlier(make, "5", "D1")]
    own = match(make.invoice(make.line(3, match_reference="D2")), po, receipts, earlier=before)
    assert (own.outcome, used(own)) == (Outcome.MATCHED, [(1, 2, 3)])
    short = match(make.invoice(make.line(4, match_reference="D2")), po, receipts, earlier=before)
    assert short.outcome is Outcome.WAITING_FOR_RECEIPT
    assert only(short).sentence == "Line 1: billed 4, received 3, ordered 10: 1 not received yet (USD 10.00)."
    again = match(make.invoice(make.line(1, match_reference="D1")), po, receipts, earlier=before)
    assert (
        only(again).sentence
        == "Line 1: billed 1 (and 5 before), received 2, ordered 10: 1 not received yet (USD 10.00)."
    )


def test_what_was_billed_before_for_no_shipment_is_taken_from_all(make: Any) -> None:
    receipts = [receipt(1, "2", 1, "D1"), receipt(2, "3", 2, "D2")]
    po, before = order(make, "direct_matching"), [earlier(make, "3")]
    for units, outcome in ((2, Outcome.MATCHED), (3, Outcome.WAITING_FOR_RECEIPT)):
        invoice = make.invoice(make.line(units, match_reference="D2"))
        assert match(invoice, po, receipts, earlier=before).outcome is outcome


@pytest.mark.parametrize(
    ("level", "always"),
    [("3-way-fifo", True), ("direct_matching", True), ("3-way", False), ("2-way", False), ("none", False)],
)
def test_receipts_are_read_one_by_one_where_something_needs_them(make: Any, level: str, always: bool) -> None:
    po_line = make.po_line(match_type=level, commodity="Pens")
    po = make.order(po_line)
    late, early = limits(date={"over": {"absolute": "5"}}), limits(date={"under": {"absolute": "5"}})
    off = limits(date={"over": {"checked": False}})
    for tolerances, limited in (
        (Tolerances(limits(), {}, {}), False),
        (Tolerances(early, {}, {}), False),
        (Tolerances(off, {}, {}), False),
        (Tolerances(late, {}, {}), True),
        (Tolerances(limits(), {"AMZN-US": late}, {}), True),
        (Tolerances(limits(), {"OTHER": late}, {"Furniture": late}), False),
        (Tolerances(limits(), {}, {"Pens": late}), True),
        (Tolerances(limits(), {}, {}, {"US Chart": late}), True),
    ):
        assert reads_receipts(po, po_line, tolerances) is (always or (limited and level != "none"))
