"""Each kind of finding in full: what a clerk reads, a routing rule measures and a report adds up is every field of it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from procurement.documents import ChargeKind, TaxLine
from procurement.matching import Finding, MatchResult, units_billed
from procurement.units_of_measure import Conversion, Conversions
from tests.unit.procurement.matches import charge, match, usd

LINE = 3  # not the first, so that no number is right by chance
OFF = {"received": None, "total": None}


def place(rule: str) -> str:
    return f"tolerances.yml: default.{rule}"


def found(result: MatchResult, kind: str) -> Finding:
    """The one finding of the kind, without its sentence."""
    (finding,) = [one for one in result.findings if one.kind == kind]
    assert finding.sentence
    return replace(finding, sentence="")


def expect(kind: str, line: int | None, **fields: Any) -> Finding:
    money = fields.pop("money", None)
    numbers = {
        name: Decimal(value) if isinstance(value, str) else value
        for name, value in fields.items()
        if name not in ("rule", "breached", "waits")
    }
    rest = {name: value for name, value in fields.items() if name not in numbers}
    return Finding(
        kind=kind, line=line, sentence="", money=usd(money) if money else None, **({"breached": True} | rest), **numbers
    )


def priced(make: Any) -> tuple[MatchResult, Finding]:
    result = match(make.invoice(make.line(2, "11.00", number=LINE)), make.order(), price={"absolute": "0.40"}, **OFF)
    return result, expect(
        "price", LINE, expected="10", actual="11", difference="1", limit="0.40", money="2.00", rule=place("price.over")
    )


def amounts(make: Any) -> tuple[MatchResult, Finding]:
    line = make.line(10, "10.00", number=LINE, total=usd("103.00"))
    result = match(make.invoice(line), make.order(), line={"percent": "2"}, **OFF)
    return result, expect(
        "line", LINE, expected="100", actual="103", difference="3", limit="2", money="3.00", rule=place("line.over")
    )


def over_ordered(make: Any) -> tuple[MatchResult, Finding]:
    result = match(make.invoice(make.line(13, number=LINE)), make.order(), ordered={"absolute": "1"}, **OFF)
    return result, expect(
        "ordered",
        LINE,
        expected="10",
        actual="13",
        difference="3",
        limit="1",
        money="30.00",
        rule=place("ordered.over"),
    )


def over_credited(make: Any) -> tuple[MatchResult, Finding]:
    note = make.invoice(make.line(-13, number=LINE, adjustment_type="quantity"), is_credit_note=True)
    result = match(note, make.order(), ordered={"absolute": "1"})
    return result, expect(
        "ordered",
        LINE,
        expected="10",
        actual="13",
        difference="3",
        limit="1",
        money="-30.00",
        rule=place("ordered.over"),
    )


def short_received(make: Any) -> tuple[MatchResult, Finding]:
    order = make.order(make.po_line(received=Decimal(4)))
    result = match(make.invoice(make.line(10, number=LINE)), order, received={"absolute": "2"}, total=None)
    return result, expect(
        "received", LINE, expected="4", actual="10", difference="6", limit="2", money="60.00", rule=place("received.over"), waits=True
    )  # fmt: skip


def exchanged(make: Any) -> tuple[MatchResult, Finding]:
    order = make.order(
        make.po_line(unit_price=replace(usd("10.00"), currency="EUR"), total=replace(usd("100.00"), currency="EUR")),
        currency="EUR",
    )
    invoice = make.invoice(make.line(10, "11.22", number=LINE))
    result = match(invoice, order, rates=lambda *_: Decimal("1.10"), exchange={"percent": "3"}, total=None)
    return result, expect(
        "exchange", LINE, breached=False, expected="11.00", actual="11.22", difference="0.22", limit="0.33", money="2.20",
        rule=place("exchange.over"),
    )  # fmt: skip


def without_rate(make: Any) -> tuple[MatchResult, Finding]:
    order = make.order(make.po_line(unit_price=replace(usd("10.00"), currency="EUR")), currency="EUR")
    result = match(make.invoice(make.line(10, number=LINE)), order)
    return result, expect("currency", LINE, actual="100", difference="100", money="100.00")


def without_conversion(make: Any) -> tuple[MatchResult, Finding]:
    order = make.order(make.po_line(unit_of_measure="EA"))
    result = match(make.invoice(make.line(2, number=LINE, unit_of_measure="PK")), order)
    return result, expect("unit", LINE, actual="2", difference="2", money="20.00")


def billed_before_in_another_unit(make: Any) -> tuple[MatchResult, Finding]:
    before = make.invoice(make.line(2, unit_of_measure="PK"), number="INV-0")
    order = make.order(make.po_line(unit_of_measure="EA"))
    result = match(make.invoice(make.line(1, number=LINE, unit_of_measure="EA")), order, earlier=[before])
    return result, expect("unit", None, actual="2", difference="2")


def without_po_line(make: Any) -> tuple[MatchResult, Finding]:
    result = match(make.invoice(make.line(10, number=LINE, po_line_id=99)), make.order())
    return result, expect("unbacked", LINE, actual="100", difference="100", money="100.00")


def taxed(make: Any) -> tuple[MatchResult, Finding]:
    tax = TaxLine(amount=usd("9.25"), rate=Decimal("8.25"), code="T", base=usd("100.00"))
    invoice = make.invoice(make.line(number=LINE, tax_lines=(tax,)))
    result = match(invoice, make.order(), tax={"absolute": "0.50"})
    return result, expect(
        "tax",
        LINE,
        expected="8.25",
        actual="9.25",
        difference="1.00",
        limit="0.50",
        money="1.00",
        rule=place("tax.over"),
    )


def shipped(make: Any) -> tuple[MatchResult, Finding]:
    charges = (charge(ChargeKind.SHIPPING, "5.00"), charge(ChargeKind.HANDLING, "2.00"))
    result = match(make.invoice(make.line(number=LINE), charges=charges), make.order(), shipping={"percent": "6"})
    return result, expect(
        "shipping", None, expected="0", actual="7", difference="7", limit="6", money="7.00", rule=place("shipping.over")
    )


def charged(make: Any) -> tuple[MatchResult, Finding]:
    charges = (charge(ChargeKind.MISC, "4.00"), charge(ChargeKind.MISC, "-1.00"))
    result = match(make.invoice(charges=charges), make.order(), charges={"absolute": "2"}, total=None)
    return result, expect(
        "charges", None, expected="0", actual="3", difference="3", limit="2", money="3.00", rule=place("charges.over")
    )


def totalled(make: Any) -> tuple[MatchResult, Finding]:
    invoice = make.invoice(make.line(10, "10.50"), charges=(charge(ChargeKind.MISC, "1.00"),))
    result = match(invoice, make.order(), price=None, total={"percent": "4"})
    return result, expect(
        "total", None, expected="100", actual="106", difference="6", limit="4", money="6.00", rule=place("total.over")
    )


def dated(make: Any) -> tuple[MatchResult, Finding]:
    order = make.order(issued_at=datetime(2026, 2, 6, tzinfo=UTC))
    result = match(make.invoice(), order, date={"under": {"absolute": "2"}})
    return result, expect("date", None, expected="0", actual="-5", difference="-5", limit="2", rule=place("date.under"))


def dated_late(make: Any) -> tuple[MatchResult, Finding]:
    result = match(make.invoice(date=date(2026, 2, 5)), make.order(), [make.receipt(10)], date={"absolute": "3"})
    return result, expect("date", None, expected="0", actual="4", difference="4", limit="3", rule=place("date.over"))


def written_off(make: Any) -> tuple[MatchResult, Finding]:
    line = make.line(10, "10.00", total=usd("100.04"))
    off = {"over": {"absolute": "0.05"}, "account": "rounding"}
    result = match(make.invoice(line), make.order(), line={"absolute": "0"}, write_off=off, **OFF)
    return result, expect(
        "write_off", None, breached=False, expected="0", actual="0.04", difference="0.04", limit="0.05", money="0.04",
        rule=place("write_off.over"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        priced, amounts, over_ordered, over_credited, short_received, exchanged, without_rate, without_conversion,
        billed_before_in_another_unit, without_po_line, taxed, shipped, charged, totalled, dated, dated_late, written_off,
    ],
)  # fmt: skip
def test_a_finding_says_all_of_it(make: Any, case: Callable[[Any], tuple[MatchResult, Finding]]) -> None:
    result, expected = case(make)
    assert found(result, expected.kind) == expected


def test_a_credit_within_its_limit_and_one_at_the_bound_call_for_nothing(make: Any) -> None:
    def credited(units: int) -> MatchResult:
        note = make.invoice(make.line(-units, number=LINE, adjustment_type="quantity"), is_credit_note=True)
        return match(note, make.order(), ordered={"over": {"absolute": "3"}, "under": {"absolute": "0"}})

    assert credited(10).findings == ()
    assert credited(9).findings == ()
    (finding,) = credited(13).findings
    assert (finding.breached, finding.sentence) == (False, "Line 3: credited 13, ordered 10.")
    (finding,) = credited(14).findings
    assert finding.sentence == "Line 3: credited 14, ordered 10: 4 too many (USD 40.00)."


def test_a_receipt_of_nothing_makes_no_invoice_late(make: Any) -> None:
    receipts = [
        replace(make.receipt(10), received_on=date(2026, 2, 5)), replace(make.receipt(0), received_on=date(2026, 2, 8)),
    ]  # fmt: skip
    late = match(make.invoice(date=date(2026, 2, 8)), make.order(), receipts, date={"absolute": "1"})
    assert found(late, "date").difference == 3


def test_units_are_counted_in_the_po_lines_unit_by_the_items_own_factor(make: Any) -> None:
    packs = [
        Conversion(unit="PK", holds=Decimal(12), of="EA"),
        Conversion(unit="PK", holds=Decimal(10), of="EA", item="B0TEN"),
    ]
    order = make.order(make.po_line(unit_of_measure="EA", part_number="B0TEN"))
    invoice = make.invoice(make.line(2, unit_of_measure="PK"))
    assert units_billed(invoice, [order], Conversions.of(packs)) == {1: Decimal(20)}
