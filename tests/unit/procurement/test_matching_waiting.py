"""An invoice waits only for goods that can still be received; what never comes is an exception, with the credit it calls for."""

from decimal import Decimal
from typing import Any

import pytest

from procurement.matching import Outcome
from tests.unit.procurement.matches import match, only, usd


def five_of_which_two_came(make: Any, *, status: str = "issued", status_of_line: str = "created") -> Any:
    po_line = make.po_line(
        quantity=Decimal(5), received=Decimal(2), unit_price=usd("12.95"), total=usd("64.75"), status=status_of_line
    )
    return make.order(po_line, status=status)


def test_what_can_still_be_received_is_waited_for(make: Any) -> None:
    result = match(make.invoice(make.line(5, "12.95")), five_of_which_two_came(make))
    assert result.outcome is Outcome.WAITING_FOR_RECEIPT
    assert only(result).sentence == "Line 1: billed 5, received 2, ordered 5: 3 not received yet (USD 38.85)."


@pytest.mark.parametrize("status", ["soft_closed_for_receiving", "soft_closed", "closed", "cancelled"])
def test_nothing_comes_on_a_line_that_is_closed_to_receipts(make: Any, status: str) -> None:
    result = match(make.invoice(make.line(5, "12.95")), five_of_which_two_came(make, status_of_line=status))
    assert result.outcome is Outcome.EXCEPTION
    assert only(result).sentence == ("Line 1: billed 5, received 2, ordered 5: expect a credit for 3 (USD 38.85).")


@pytest.mark.parametrize("status", ["soft_closed", "closed", "cancelled", "canceled", "expensed"])
def test_nothing_comes_on_an_order_that_is_over(make: Any, status: str) -> None:
    result = match(make.invoice(make.line(5, "12.95")), five_of_which_two_came(make, status=status))
    assert (result.outcome, only(result).money) == (Outcome.EXCEPTION, usd("38.85"))


@pytest.mark.parametrize("status", ["buyer_hold", "supplier_hold", "issued"])
def test_an_order_that_is_held_still_gets_its_goods(make: Any, status: str) -> None:
    order = five_of_which_two_came(make, status=status, status_of_line="soft_closed_for_invoicing")
    assert match(make.invoice(make.line(5, "12.95")), order).outcome is Outcome.WAITING_FOR_RECEIPT


def test_when_all_that_was_ordered_came_nothing_more_is_waited_for(make: Any) -> None:
    for ordered in ({"percent": "20"}, None):
        result = match(make.invoice(make.line(12)), make.order(), ordered=ordered, total=None)
        short = next(one for one in result.findings if one.kind == "received")
        assert (result.outcome, short.waits, short.money) == (Outcome.EXCEPTION, False, usd("20.00"))
        assert short.sentence == "Line 1: billed 12, received 10, ordered 10: expect a credit for 2 (USD 20.00)."


def test_receipts_read_one_by_one_say_what_came(make: Any) -> None:
    order = make.order(make.po_line(match_type="direct_matching", received=Decimal(0)))
    invoice = make.invoice(make.line(5, match_reference="D1"))
    some, all_of_it = [make.receipt(2, "D1"), make.receipt(7, "D2")], [make.receipt(2, "D1"), make.receipt(8, "D2")]
    assert match(invoice, order, some).outcome is Outcome.WAITING_FOR_RECEIPT
    assert match(invoice, order, all_of_it).outcome is Outcome.EXCEPTION


def test_what_went_back_can_come_again(make: Any) -> None:
    order = make.order(make.po_line(match_type="3-way-fifo"))
    invoice = make.invoice()
    assert match(invoice, order, [make.receipt(10), make.receipt(-1)]).outcome is Outcome.WAITING_FOR_RECEIPT
