"""What other documents leave of a PO line and its receipts: many receipts per invoice, many invoices per receipt, first in
first out, whether Coupa counts them yet or not."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from procurement.documents import GoodsReceipt, Invoice, PurchaseOrder
from procurement.ledger.billings import Billing
from procurement.matching import MatchResult, Outcome
from procurement.pipelines.amazon_invoices_to_coupa.billed_before import LAST, BilledBefore
from procurement.pipelines.amazon_invoices_to_coupa.payloads import invoice_payload
from procurement.units_of_measure import NO_CONVERSIONS
from tests.unit.procurement.conftest import Make
from tests.unit.procurement.matches import match

MAKE = Make()


def invoice(number: str, units: int, *, shipment: str | None = None, credit: bool = False) -> Invoice:
    line = MAKE.line(units, match_reference=shipment, adjustment_type="quantity" if credit else None)
    return replace(MAKE.invoice(line, is_credit_note=credit), number=number)


def order(quantity: int = 10, *, invoiced: int = 0, level: str = "3-way-fifo") -> PurchaseOrder:
    line = MAKE.po_line(quantity=Decimal(quantity), received=Decimal(0), invoiced=Decimal(invoiced), match_type=level)
    return MAKE.order(line)


def receipts(*parts: tuple[int, str | None]) -> list[GoodsReceipt]:
    return [replace(MAKE.receipt(units, shipment), id=n) for n, (units, shipment) in enumerate(parts, 1)]


class Book:
    """The ledger's rows, and matches against them."""

    def __init__(self, *rows: tuple[Invoice, bool]) -> None:
        billings = [
            Billing(n, one.number, invoice_payload(one, delivery_id="d"), counted)
            for n, (one, counted) in enumerate(rows, 1)
        ]
        self.before = BilledBefore(lambda subjects: billings if "1" in set(subjects) else [], NO_CONVERSIONS)
        self.before.learn([1])

    def match(self, one: Invoice, on: PurchaseOrder, came: list[GoodsReceipt], *, plan: bool = True) -> MatchResult:
        billed, earlier = self.before.of(one.number, one, {on.number: on})
        if plan:
            self.before.plan(one.number, one)
        return match(one, on, came, billed=billed, earlier=earlier)


def used(result: MatchResult) -> dict[int, Decimal]:
    return {one.receipt_id: one.units for one in result.allocations}


def test_many_invoices_share_one_receipt_until_it_is_used_up() -> None:
    book, came = Book(), receipts((10, None))
    results = [book.match(invoice(f"N{n}", units), order(20), came) for n, units in enumerate((4, 3, 3, 1))]
    assert [one.outcome for one in results] == [Outcome.MATCHED] * 3 + [Outcome.WAITING_FOR_RECEIPT]
    assert [used(one) for one in results] == [{1: 4}, {1: 3}, {1: 3}, {}]


def test_one_invoice_takes_many_receipts_the_oldest_first() -> None:
    came = receipts((2, None), (3, None), (6, None))
    assert used(Book().match(invoice("N1", 8), order(20), came)) == {1: 2, 2: 3, 3: 3}


def test_what_an_earlier_run_planned_and_nobody_sent_yet_counts() -> None:
    book = Book((invoice("N1", 6), False))
    assert book.match(invoice("N2", 6), order(10), receipts((10, None))).outcome is Outcome.EXCEPTION
    assert used(book.match(invoice("N3", 4), order(20), receipts((10, None)))) == {}  # six and six are spoken for


def test_what_coupa_counts_is_not_counted_twice() -> None:
    book = Book((invoice("N1", 6), True))
    result = book.match(invoice("N2", 4), order(10, invoiced=6), receipts((4, None), (6, None)))
    assert (result.outcome, used(result)) == (Outcome.MATCHED, {2: 4})


def test_what_was_voided_in_coupa_stands_for_nothing() -> None:
    book = Book((invoice("N1", 6), True))
    result = book.match(invoice("N2", 10), order(10, invoiced=0), receipts((10, None)))
    assert (result.outcome, used(result)) == (Outcome.MATCHED, {1: 10})


def test_only_what_no_ledger_keeps_is_remembered_beyond_a_batch() -> None:
    book = Book((invoice("N1", 2), False))
    book.before.plan("N2", invoice("N2", 3))
    book.before.plan("N3", invoice("N3", 4), in_shadow=True)
    on = order(20)
    assert book.before.of("N4", invoice("N4", 1), {on.number: on})[0] == {1: 9}
    book.before.learn([1])
    assert book.before.of("N4", invoice("N4", 1), {on.number: on})[0] == {1: 6}


def test_a_document_that_is_planned_again_is_not_its_own_predecessor() -> None:
    book = Book((invoice("N1", 6), False))
    assert book.match(invoice("N1", 10), order(10), receipts((10, None))).outcome is Outcome.MATCHED
    assert book.match(invoice("N1", 9), order(10), receipts((10, None))).outcome is Outcome.MATCHED


def test_a_credit_note_that_nobody_sent_yet_makes_room() -> None:
    book = Book((invoice("N1", 10), True), (invoice("C1", -4, credit=True), False))
    result = book.match(invoice("N2", 4), order(10, invoiced=10), receipts((10, None)))
    assert result.outcome is Outcome.MATCHED


def test_of_those_that_wait_the_first_gets_the_goods() -> None:
    """Both are in Coupa and counted there; three units came, for the first of them."""
    book, on, came = (
        Book((invoice("N1", 3), True), (invoice("N2", 3), True)),
        order(10, invoiced=6),
        receipts((3, None)),
    )
    first, second = (book.match(invoice(number, 3), on, came, plan=False) for number in ("N1", "N2"))
    assert (first.outcome, used(first)) == (Outcome.MATCHED, {1: 3})
    assert second.outcome is Outcome.WAITING_FOR_RECEIPT


def test_a_later_credit_note_keeps_what_it_gave_back() -> None:
    book = Book((invoice("N1", 3), True), (invoice("C1", -2, credit=True), True))
    on = order(10, invoiced=1)
    assert book.match(invoice("N1", 3), on, receipts((1, None)), plan=False).outcome is Outcome.MATCHED


def test_one_that_coupa_counts_no_more_is_seen_in_its_place() -> None:
    """N2 was voided; N1 came before it, N3 after it and was planned or counted since."""
    rows = (invoice("N1", 4), True), (invoice("N3", 5), True), (invoice("N4", 5), False)
    on, gone = order(10, invoiced=9), invoice("N2", 6)
    before = Book(*rows).before
    billed, earlier = before.of("N2", gone, {on.number: on}, place=1)
    assert (billed, [one.number for one in earlier]) == ({1: -5}, ["N1"])
    assert before.of("N2", gone, {on.number: on})[0] == {1: 5}


def test_an_exception_is_last_of_all_whatever_place_its_id_gives_it() -> None:
    """Both came at once, the second of them was over; the ledger's ids sort them by number."""
    book, on, came = (
        Book((invoice("N1", 6), True), (invoice("N2", 10), True)),
        order(10, invoiced=16),
        receipts((10, None)),
    )
    one = invoice("N1", 6)
    outcomes = []
    for place in (LAST, None):
        billed, earlier = book.before.of("N1", one, {on.number: on}, place=place)
        outcomes.append(match(one, on, came, billed=billed, earlier=earlier).outcome)
    assert outcomes == [Outcome.EXCEPTION, Outcome.MATCHED]


def test_shipments_that_earlier_documents_took_are_gone() -> None:
    came = receipts((2, "A"), (3, "B"))
    for counted in (True, False):
        book, on = (
            Book((invoice("N1", 2, shipment="A"), counted)),
            order(10, invoiced=2 * counted, level="direct_matching"),
        )
        assert used(book.match(invoice("N2", 3, shipment="B"), on, came)) == {2: 3}
        again = book.match(invoice("N3", 1, shipment="A"), on, came)
        assert (again.outcome, used(again)) == (Outcome.WAITING_FOR_RECEIPT, {})


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=6), st.lists(st.integers(1, 6), min_size=1, max_size=6), st.data()
)
def test_no_unit_of_a_receipt_is_used_twice_however_far_coupa_is(came: list[int], billed: list[int], data: Any) -> None:
    """Invoices of any sizes, each in any state, then matched again one by one: never more than came, the oldest first."""
    documents = [invoice(f"N{n}", units) for n, units in enumerate(billed)]
    counted = [data.draw(st.booleans()) for _ in documents]
    left = {n: Decimal(units) for n, units in enumerate(came, 1)}
    on = order(sum(billed), invoiced=sum(units for units, known in zip(billed, counted, strict=True) if known))
    book = Book(*zip(documents, counted, strict=True))
    for one, known in zip(documents, counted, strict=True):
        if known and not any(not earlier for earlier in counted[: documents.index(one)]):
            for receipt_id, units in used(
                book.match(one, on, receipts(*((n, None) for n in came)), plan=False)
            ).items():
                left[receipt_id] -= units
                assert all(rest == 0 for older, rest in left.items() if older < receipt_id)
    assert all(rest >= 0 for rest in left.values())
    news = invoice("NEW", 1)
    free = sum(came) - sum(billed)
    result = book.match(
        news, replace(on, lines=(replace(on.lines[0], quantity=Decimal(99)),)), receipts(*((n, None) for n in came))
    )
    assert (result.outcome is Outcome.MATCHED) is (free >= 1)


@pytest.mark.parametrize(
    ("counted", "invoiced", "touched"),
    [(True, 2, False), (True, 5, True), (True, 0, True), (False, 0, False), (False, 2, True)],
)
def test_a_po_line_is_miscounted_where_coupa_has_other_units_than_we_handed_over(
    counted: bool, invoiced: int, touched: bool
) -> None:
    on = order(10, invoiced=invoiced)
    before = Book((invoice("ONE", 2), counted)).before
    assert before.miscounted({on.number: on}, [1]) == ({1} if touched else set())


def test_a_credit_note_of_ours_counted_as_coupa_does() -> None:
    on = order(10, invoiced=1)
    before = Book((invoice("ONE", 2), True), (invoice("CM", -1, credit=True), True)).before
    assert before.miscounted({on.number: on}, [1]) == set()
