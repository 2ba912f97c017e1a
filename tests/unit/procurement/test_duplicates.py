"""What looks like the same thing billed twice, and what only looks so at a glance."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from procurement.duplicates import BilledDocument, BilledUnits, DuplicatePolicies, Duplicates, plain_number, reasons
from procurement.money import Money

DAY = date(2026, 2, 4)
TWO_PENS = ((1, 2, "10.00", "S1"),)
ORDERED = {1: Decimal(2), 2: Decimal(2)}


def document(number: str = "INV-1", total: str = "20.00", lines: Any = TWO_PENS, **more: Any) -> BilledDocument:
    units = tuple(
        BilledUnits(line, Decimal(quantity), Decimal(price), shipment) for line, quantity, price, shipment in lines
    )
    return BilledDocument(
        **{
            "number": number,
            "day": DAY,
            "total": Money.of(total, "USD"),
            "lines": units,
            "place": "in Coupa as 7",
            **more,
        }
    )


def kinds(new: BilledDocument, *others: BilledDocument, ordered: Any = ORDERED) -> list[str]:
    return [one.kind for one in Duplicates(others).suspicions(new, ordered)]


def unshipped(*lines: Any) -> Any:
    return tuple((line, quantity, price, None) for line, quantity, price in lines)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("INV-00123", "inv 123"),
        ("1ABC-DEF1-2345", "1abcdef12345"),
        ("0042", "42"),
        ("A/1_2", "A12"),
        ("INV007", "INV7"),
    ],
)
def test_zeros_punctuation_and_case_make_no_other_number(one: str, other: str) -> None:
    assert plain_number(one) == plain_number(other)
    assert kinds(document(one, "1.00", ()), document(other, "2.00", ())) == ["rewritten"]


@pytest.mark.parametrize(
    ("one", "other"), [("INV-100", "INV-1"), ("INV-12", "INV-21"), ("100", "10"), ("INV-1", "INV-1-2")]
)
def test_other_digits_make_another_number(one: str, other: str) -> None:
    assert kinds(document(one, "1.00", ()), document(other, "1.00", ())) == []


def test_the_same_number_is_the_same_document_and_no_suspicion() -> None:
    assert kinds(document("N"), document("N")) == []


def test_a_document_is_not_its_own_duplicate() -> None:
    one = document()
    assert Duplicates([one]).suspicions(one, ORDERED) == []


def test_both_documents_and_the_evidence_are_named() -> None:
    (found,) = Duplicates([document("OLD")]).suspicions(document("NEW", place="planned"), ORDERED)
    assert found.sentence == (
        "Invoice NEW (USD 20.00, 2026-02-04, planned) may be invoice OLD (USD 20.00, 2026-02-04, in Coupa as 7) once more: "
        "the same 1 line and total for the same shipment."
    )
    assert (found.document.number, found.other.number) == ("NEW", "OLD")


def test_the_same_shipment_under_another_number_is_suspicious_on_any_day_and_with_room() -> None:
    assert kinds(document("NEW", day=date(2026, 3, 1)), document("OLD"), ordered={1: Decimal(9)}) == ["same_content"]


def test_a_second_partial_invoice_bills_another_shipment() -> None:
    assert kinds(document("NEW", lines=((1, 2, "10.00", "S2"),)), document("OLD"), ordered={1: Decimal(4)}) == []


def test_a_second_partial_invoice_without_shipments_has_room_on_its_po_line() -> None:
    new, old = document("NEW", lines=unshipped((1, 2, "10.00"))), document("OLD", lines=unshipped((1, 2, "10.00")))
    assert kinds(new, old, ordered={1: Decimal(4)}) == []
    assert kinds(new, old, ordered={1: Decimal(3)}) == ["same_content"]
    assert kinds(new, old, ordered={}) == ["same_content"]


def test_without_shipments_another_day_is_another_invoice() -> None:
    new = document("NEW", lines=unshipped((1, 2, "10.00")), day=date(2026, 2, 5))
    assert kinds(new, document("OLD", lines=unshipped((1, 2, "10.00")))) == []


def test_a_clerk_who_gave_no_shipment_is_suspected_on_the_same_day_only() -> None:
    keyed = document("OLD", lines=unshipped((1, 2, "10.00")))
    assert kinds(document("NEW"), keyed, ordered={1: Decimal(4)}) == ["same_content"]
    assert kinds(document("NEW", day=date(2026, 2, 5)), keyed) == []


@pytest.mark.parametrize(
    "old",
    [
        {"total": "20.01"},
        {"lines": ((1, 1, "20.00", "S1"),)},
        {"lines": ((1, 2, "9.99", "S1"),)},
        {"lines": ((2, 2, "10.00", "S1"),)},
        {"is_credit_note": True},
    ],
)
def test_other_money_lines_units_or_prices_are_another_invoice(old: dict[str, Any]) -> None:
    assert kinds(document("NEW"), document("OLD", **old)) == []


def test_the_order_of_the_lines_does_not_matter() -> None:
    lines = ((1, 2, "10.00", "S1"), (2, 1, "5.00", "S1"))
    assert kinds(document("NEW", "25.00", lines), document("OLD", "25.00", lines[::-1])) == ["same_content"]


def test_a_consolidated_invoice_and_its_parts_are_found_from_either_side() -> None:
    parts = [document("P1"), document("P2", "10.00", ((2, 1, "10.00", "S2"),))]
    whole = document("ALL", "30.00", (*TWO_PENS, (2, 1, "10.00", "S2")))
    found = Duplicates(parts).suspicions(whole, ORDERED)
    assert [(one.kind, one.other.number) for one in found] == [("consolidated", "P1"), ("consolidated", "P2")]
    assert found[0].sentence.endswith("all of the 1 line of P1 also stand on ALL.")
    assert kinds(parts[0], whole) == ["consolidated"]


def test_a_consolidated_invoice_may_add_up_the_units_of_its_parts() -> None:
    parts = [document("P1"), document("P2", "30.00", ((1, 3, "10.00", "S2"),))]
    whole = document("ALL", "50.00", unshipped((1, 5, "10.00")))
    assert kinds(whole, *parts, ordered={1: Decimal(5)}) == ["consolidated", "consolidated"]
    assert kinds(parts[1], whole, ordered={1: Decimal(5)}) == ["consolidated"]
    assert kinds(whole, *parts, ordered={1: Decimal(10)}) == []
    both = document("P", "50.00", ((1, 2, "10.00", "S1"), (1, 3, "10.00", "S2")))
    assert kinds(document("MORE", "60.00", unshipped((1, 6, "10.00"))), both, ordered={1: Decimal(6)}) == [
        "consolidated"
    ]
    assert (
        kinds(document("LESS", "40.00", unshipped((1, 4, "10.00"), (2, 2, "0.00"))), both, ordered={1: Decimal(5)})
        == []
    )


@pytest.mark.parametrize("line", [(1, 3, "10.00", "S1"), (1, 2, "9.00", None), (2, 2, "10.00", None)])
def test_other_units_of_the_shipment_another_price_or_line_are_no_part(line: Any) -> None:
    whole = document("ALL", "50.00", ((1, 5, "10.00", "S1"),))
    assert kinds(document("P", "1.00", (line,)), whole, ordered={1: Decimal(5)}) == []


def test_a_credit_note_of_two_lines_after_one_of_the_first_passes_while_there_is_room() -> None:
    billed = document("OLD", "40.00", ((1, 2, "10.00", "S1"), (2, 2, "10.00", "S1")))
    two = document(
        "C2", "-20.00", ((1, -1, "10.00", "S1"), (2, -1, "10.00", "S1")), is_credit_note=True, original_number="OLD"
    )
    assert kinds(two, credit("C1"), billed) == []
    assert kinds(two, credit("C1"), document("OLD", "20.00", ((1, 1, "10.00", "S1"), (2, 1, "10.00", "S1")))) == [
        "consolidated"
    ]


def test_an_invoice_that_shares_only_some_lines_is_no_part() -> None:
    one = document("NEW", "30.00", (*TWO_PENS, (2, 1, "10.00", "S2")))
    other = document("OLD", "90.00", (*TWO_PENS, (2, 1, "10.00", "S3"), (3, 1, "60.00", "S3")))
    assert kinds(one, other) == []


def test_two_equal_lines_are_no_part_of_one() -> None:
    one = document("NEW", "40.00", TWO_PENS * 2)
    other = document("OLD", "70.00", (*TWO_PENS, (2, 1, "10.00", "S2"), (3, 1, "40.00", "S3")))
    assert kinds(one, other) == []


def test_a_part_without_shipments_needs_units_that_were_ordered_once() -> None:
    part, whole = (
        document("P", lines=unshipped((1, 2, "10.00"))),
        document("ALL", "30.00", (*TWO_PENS, (2, 1, "10.00", "S2"))),
    )
    assert kinds(whole, part) == ["consolidated"]
    assert kinds(whole, part, ordered={1: Decimal(4), 2: Decimal(2)}) == []


@pytest.mark.parametrize("number", ["Pending", "PENDING-114-1", "pending 12"])
def test_a_pending_number_and_the_real_one(number: str) -> None:
    pending = document(number, lines=unshipped((1, 2, "10.00")), day=date(2026, 1, 30))
    assert kinds(document("REAL"), pending) == ["pending"]
    assert kinds(pending, document("REAL")) == ["pending"]


def test_an_invoice_that_was_credited_may_be_billed_again() -> None:
    credit = document("CR", "-20.00", ((1, -2, "10.00", "S1"),), is_credit_note=True, original_number="OLD")
    (found,) = Duplicates([document("OLD"), credit]).suspicions(document("NEW", day=date(2026, 3, 1)), ORDERED)
    assert (found.kind, found.other.number) == ("credit_and_rebill", "OLD")
    assert "after credit note CR (USD -20.00" in found.sentence


@pytest.mark.parametrize("credit", [{"original_number": "ANOTHER"}, {"total": "-19.99", "original_number": "OLD"}])
def test_a_credit_of_something_else_or_of_a_part_makes_no_rebill(credit: dict[str, Any]) -> None:
    values = {"total": "-20.00", **credit}
    note = document("CR", lines=((1, -2, "10.00", "S1"),), is_credit_note=True, **values)
    assert kinds(document("NEW"), document("OLD"), note) == ["same_content"]


def credit(
    number: str, units: int = -1, price: str = "10.00", shipment: str | None = "S1", **more: Any
) -> BilledDocument:
    lines = ((1, units, price, shipment),)
    total = str(units * Decimal(price))
    return document(number, total, lines, **{"is_credit_note": True, "original_number": "OLD", **more})


@pytest.mark.parametrize("price", ["10.00", "1.00"])
@pytest.mark.parametrize("day", [DAY, date(2026, 3, 4)])
def test_returns_unit_by_unit_and_equal_goodwill_pass_while_the_original_has_room(price: str, day: date) -> None:
    assert kinds(credit("C2", price=price, day=day), credit("C1", price=price), document("OLD")) == []


def test_credit_notes_that_take_back_more_than_was_billed_are_suspected() -> None:
    once = document("OLD", "10.00", ((1, 1, "10.00", "S1"),))
    (found,) = Duplicates([credit("C1"), once]).suspicions(credit("C2"), ORDERED)
    assert found.kind == "same_content" and "invoice OLD has no room left for both" in found.sentence
    third = [credit("C1"), credit("C3"), document("OLD")]
    assert kinds(credit("C2"), *third) == ["same_content", "same_content"]
    assert kinds(credit("C2"), credit("C1"), credit("C3", original_number="ANOTHER"), document("OLD")) == []


def test_a_credit_note_that_somebody_keyed_without_a_shipment_is_suspected_on_the_same_day() -> None:
    keyed = credit("KEYED", shipment=None)
    assert kinds(credit("C2"), keyed, document("OLD")) == ["same_content"]
    assert kinds(credit("C2", day=date(2026, 3, 4)), keyed, document("OLD")) == []


@pytest.mark.parametrize("known", [[], [document("ELSE")]])
def test_without_their_original_equal_credit_notes_are_suspected(known: list[BilledDocument]) -> None:
    assert kinds(credit("C2"), credit("C1"), *known) == ["same_content"]


def test_thirds_of_a_price_add_up_to_the_cent() -> None:
    billed = document("OLD", "10.01", ((1, 3, "3.335", "S1"),))
    assert kinds(credit("C3", price="3.335"), credit("C1", price="3.335"), credit("C2", price="3.335"), billed) == []


def test_the_gravest_suspicion_comes_first() -> None:
    others = [
        document("ALL", "30.00", (*TWO_PENS, (2, 1, "10.00", "S2"))),
        document("OLD"),
        document("new 1", "1.00", ()),
    ]
    assert kinds(document("NEW-1"), *others) == ["rewritten", "same_content", "consolidated"]


def test_the_policy_says_for_which_a_document_is_held() -> None:
    found = Duplicates([document("OLD")]).suspicions(document("NEW"), ORDERED)
    assert [one.kind for one in reasons(found, DuplicatePolicies.model_validate({}))] == ["same_content"]
    assert list(reasons(found, DuplicatePolicies.model_validate({"same_content": "pass"}))) == []
    assert DuplicatePolicies.model_validate({}).answer("credit_and_rebill") == "pass"
