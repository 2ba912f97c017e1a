"""What may be written off: differences in money alone that breach a limit, all of them together small enough; cause by cause."""

from decimal import Decimal
from typing import Any

import pytest

from procurement.documents import ChargeKind, TaxLine
from procurement.matching import Outcome
from tests.unit.procurement.matches import charge, match, usd

WRITE_OFF = {"over": {"absolute": "0.05"}, "under": {"absolute": "0.02"}, "account": "rounding"}


def written(make: Any, billed: str, **checks: Any) -> Any:
    strict = {"price": {"over": {"absolute": "0"}, "under": {"absolute": "0"}}}
    return match(make.invoice(make.line(1, billed)), make.order(), write_off=WRITE_OFF, **{**strict, **checks})


def test_a_small_difference_is_written_off_to_its_account_and_said(make: Any) -> None:
    result = written(make, "10.05")
    assert result.outcome is Outcome.WITHIN_TOLERANCE
    assert not any(one.breached for one in result.findings)
    (note,) = [one for one in result.findings if one.kind == "write_off"]
    assert (note.money, note.limit, note.rule) == (
        usd("0.05"),
        Decimal("0.05"),
        "tolerances.yml: default.write_off.over",
    )
    assert note.sentence == "A difference of USD 0.05 is written off to the account rounding."
    assert all("credit" not in one.sentence for one in result.findings)
    off = result.variance.written_off
    assert (off.money, off.account, off.rule) == (usd("0.05"), "rounding", "tolerances.yml: default.write_off.over")
    assert result.variance.difference == usd("0.05")


@pytest.mark.parametrize(("price", "outcome"), [("10.06", "e"), ("9.98", "w"), ("9.97", "e")])
def test_beyond_its_limit_on_either_side_nothing_is_written_off(make: Any, price: str, outcome: str) -> None:
    result = written(make, price)
    assert result.outcome is (Outcome.EXCEPTION if outcome == "e" else Outcome.WITHIN_TOLERANCE)
    assert (result.variance.written_off is None) is (outcome == "e")


def test_units_are_never_written_off(make: Any) -> None:
    result = match(
        make.invoice(make.line(11, "0.01")), make.order(make.po_line(unit_price=usd("0.01"))), write_off=WRITE_OFF
    )
    assert result.outcome is Outcome.EXCEPTION
    assert result.variance.written_off is None


def test_what_is_within_its_limits_is_not_written_off(make: Any) -> None:
    result = written(make, "10.05", price={"absolute": "1"}, total=None)
    assert [one.kind for one in result.findings] == ["price"]
    assert result.variance.written_off is None


def test_two_large_differences_never_cancel_out(make: Any) -> None:
    lines = (make.line(1, "12.00"), make.line(1, "8.02", number=2, po_line_id=2, po_line_number="2"))
    order = make.order(make.po_line(), make.po_line(id=2, number="2"))
    result = match(make.invoice(*lines), order, write_off=WRITE_OFF, total=None)
    assert (result.outcome, result.variance.written_off) == (Outcome.EXCEPTION, None)


@pytest.mark.parametrize("kind", ["shipping", "charges", "tax", "line"])
def test_every_difference_of_money_alone_can_be_written_off(make: Any, kind: str) -> None:
    tax = TaxLine(amount=usd("8.29"), rate=Decimal("8.25"), base=usd("100"))
    invoices = {
        "shipping": make.invoice(charges=(charge(ChargeKind.SHIPPING, "0.04"),)),
        "charges": make.invoice(charges=(charge(ChargeKind.MISC, "0.04"),)),
        "tax": make.invoice(make.line(tax_lines=(tax,))),
        "line": make.invoice(make.line(total=usd("100.04"))),
    }
    strict = {"line": {"absolute": "0"}, "charges": {"absolute": "0"}}
    assert match(invoices[kind], make.order(), **strict).outcome is Outcome.EXCEPTION
    result = match(invoices[kind], make.order(), write_off=WRITE_OFF, **strict)
    assert result.outcome is Outcome.WITHIN_TOLERANCE
    assert result.variance.written_off is not None
    assert result.variance.written_off.money == usd("0.04")


def shares(result: Any) -> list[tuple[str, int | None, Decimal]]:
    written = result.variance.written_off
    return [(one.cause, one.line, one.money.amount) for one in written.shares] if written else []


@pytest.mark.parametrize("limit", ["0.05", "10"])
def test_what_is_within_its_own_limit_is_not_written_off_beside_it(make: Any, limit: str) -> None:
    invoice = make.invoice(make.line(1, "10.03"), charges=(charge(ChargeKind.SHIPPING, "5.99"),))
    small = {"over": {"absolute": limit}, "account": "rounding"}
    result = match(invoice, make.order(), write_off=small, shipping={"absolute": "25"}, total={"absolute": "25"})
    assert (result.outcome, shares(result)) == (Outcome.WITHIN_TOLERANCE, [("line", 1, Decimal("0.03"))])
    assert result.variance.written_off.money == usd("0.03")
    assert "A difference of USD 0.03 is written off to the account rounding." in {
        one.sentence for one in result.findings
    }


def test_price_amount_and_total_say_one_difference_once(make: Any) -> None:
    lines = (make.line(1, "10.02"), make.line(1, "10.01", number=2, po_line_id=2, po_line_number="2"))
    order = make.order(make.po_line(), make.po_line(id=2, number="2"))
    result = match(make.invoice(*lines), order, write_off=WRITE_OFF, line={"absolute": "0"})
    assert shares(result) == [("line", 1, Decimal("0.02")), ("line", 2, Decimal("0.01"))]


def test_what_only_the_total_says_is_its_own_share(make: Any) -> None:
    lines = (make.line(1, "10.02"), make.line(1, "10.01", number=2, po_line_id=2, po_line_number="2"))
    order = make.order(make.po_line(), make.po_line(id=2, number="2"))
    result = match(make.invoice(*lines), order, write_off=WRITE_OFF, price={"absolute": "0.01"})
    assert shares(result) == [("line", 1, Decimal("0.02")), ("total", None, Decimal("0.01"))]
    alone = match(make.invoice(*lines), order, write_off=WRITE_OFF, price={"absolute": "1"})
    assert shares(alone) == [("total", None, Decimal("0.03"))]


def test_both_sides_must_allow_what_is_on_them(make: Any) -> None:
    """Nothing on one side makes room for what is too much on the other."""
    lines = (make.line(1, "10.04"), make.line(1, "9.90", number=2, po_line_id=2, po_line_number="2"))
    order = make.order(make.po_line(), make.po_line(id=2, number="2"))
    sides = {"over": {"absolute": "0"}, "under": {"absolute": "0"}}
    small = {"over": {"absolute": "0.03"}, "under": {"absolute": "5"}, "account": "rounding"}
    result = match(make.invoice(*lines), order, write_off=small, price=sides, total=None)
    assert (result.outcome, result.variance.written_off) == (Outcome.EXCEPTION, None)
    one_sided = {"under": {"absolute": "5"}, "account": "rounding"}
    assert match(make.invoice(*lines), order, write_off=one_sided, price=sides, total=None).outcome is Outcome.EXCEPTION


def test_nothing_is_written_off_what_a_person_decides_on_anyway(make: Any) -> None:
    invoice = make.invoice(make.line(11, "10.001"))
    result = match(invoice, make.order(), write_off=WRITE_OFF, total=None)
    assert (result.outcome, result.variance.written_off) == (Outcome.EXCEPTION, None)
    assert {one.kind for one in result.findings if one.breached} == {"ordered", "price", "received"}


def test_what_waits_for_its_receipt_is_written_off_meanwhile(make: Any) -> None:
    """Its payload is sent before the goods come."""
    order = make.order(make.po_line(received=Decimal(1)))
    result = match(make.invoice(make.line(2, "10.01")), order, write_off=WRITE_OFF, total=None)
    assert (result.outcome, shares(result)) == (Outcome.WAITING_FOR_RECEIPT, [("line", 1, Decimal("0.02"))])


def test_what_comes_to_no_money_at_all_is_let_through(make: Any) -> None:
    small = {"over": {"absolute": "0.05"}, "account": "rounding"}
    result = match(make.invoice(make.line(1, "10.001", total=usd("10.00"))), make.order(), write_off=small)
    assert (result.outcome, shares(result)) == (Outcome.WITHIN_TOLERANCE, [])
