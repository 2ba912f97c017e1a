"""What must hold over all documents of a PO line, and for the money of each: generated invoices, credits, units, currencies."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from procurement.documents import ChargeKind, GoodsReceipt, Invoice, InvoiceLine, PurchaseOrder, TaxLine
from procurement.matching import DIRECT, NO_UNITS, MatchResult, Outcome, three_way_match
from procurement.money import Money, round_to
from procurement.tolerances import CHECKS, Tolerances
from procurement.units_of_measure import Conversion, Conversions
from tests.unit.procurement.matches import charge, limits, match, usd

SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
CENT = Decimal("0.01")
DAY = date(2026, 2, 1)
LEVELS = ("2-way", "3-way", "3-way-fifo", "direct_matching", "none", None)
PACKS = Conversions.of([Conversion(unit="PK", holds=Decimal(3), of="EA")])

amounts = st.integers(0, 3000).map(lambda cents: Decimal(cents).scaleb(-2))
prices = st.one_of(amounts, st.integers(0, 9_999_999).map(lambda value: Decimal(value).scaleb(-6)))
quantities = st.one_of(
    st.integers(-6, 12).map(Decimal), st.integers(-3000, 9000).map(lambda value: Decimal(value).scaleb(-3))
)


def euro(source: str, target: str, on: date) -> Decimal | None:
    return Decimal("1.0837") if (source, target) == ("EUR", "USD") else None


@st.composite
def cases(draw: st.DrawFn, make: Any) -> tuple[Invoice, PurchaseOrder, list[GoodsReceipt]]:
    currency = draw(st.sampled_from(["USD", "USD", "EUR", "GBP"]))
    po_lines = [
        make.po_line(
            id=n, number=str(n), quantity=draw(st.one_of(st.none(), quantities.map(abs))), unit_price=Money(draw(prices), currency),
            total=Money(draw(amounts), currency), received=draw(quantities), invoiced=draw(quantities), match_type=draw(st.sampled_from(LEVELS)),
            unit_of_measure=draw(st.sampled_from([None, "EA", "PK", "BX"])),
        )
        for n in range(1, draw(st.integers(1, 3)) + 1)
    ]  # fmt: skip
    lines = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        units, price = draw(quantities), draw(prices)
        taxes = TaxLine(
            amount=usd(str(draw(amounts))),
            rate=draw(st.sampled_from([None, Decimal("8.25")])),
            base=usd(str(draw(amounts))),
        )
        lines.append(
            make.line(
                units, str(price), number=number, total=Money(units * price, "USD").rounded(), po_line_id=draw(st.integers(1, 4)),
                tax_lines=(taxes,) * draw(st.integers(0, 1)), match_reference=draw(st.sampled_from([None, "D1", "D2"])),
                unit_of_measure=draw(st.sampled_from([None, "EA", "PK"])), adjustment_type=draw(st.sampled_from([None, None, None, "price"])),
            )
        )  # fmt: skip
    charges = tuple(
        charge(kind, str(draw(st.integers(-900, 900).map(lambda cents: Decimal(cents).scaleb(-2)))))
        for kind in draw(st.lists(st.sampled_from(ChargeKind), max_size=3))
    )
    invoice = make.invoice(*lines, charges=charges, is_credit_note=draw(st.booleans()))
    return invoice, make.order(*po_lines, currency=currency, match_level="3-way"), draw(receipts(3))


@st.composite
def receipts(draw: st.DrawFn, lines: int) -> list[GoodsReceipt]:
    return [
        GoodsReceipt(
            id=number, po_line_id=draw(st.integers(1, lines)), quantity=draw(quantities), received_on=DAY - timedelta(draw(st.integers(0, 3))),
            match_reference=draw(st.sampled_from([None, "D1", "D2"])),
        )
        for number in range(draw(st.integers(0, 4)))
    ]  # fmt: skip


def matched(case: tuple[Invoice, PurchaseOrder, list[GoodsReceipt]], **checks: Any) -> MatchResult:
    invoice, order, arrived = case
    return match(invoice, order, arrived, conversions=PACKS, rates=euro, **checks)


@SETTINGS
@given(st.data())
def test_the_parts_add_up_to_the_difference_and_rounding_hides_nothing(make: Any, data: st.DataObject) -> None:
    case = data.draw(cases(make))
    variance = matched(case, exchange={"over": {"percent": "5"}, "under": {"percent": "5"}}).variance
    whole = sum((part.amount for part in variance.parts.values()), Decimal(0))
    assert whole == (variance.billed - variance.justified).amount
    assert variance.billed == case[0].total
    assert abs(variance.rounding.amount) <= 3 * CENT * len(case[0].lines)
    shipping = case[0].charged(ChargeKind.SHIPPING) + case[0].charged(ChargeKind.HANDLING)
    assert variance.shipping == shipping
    assert variance.fee + variance.discount == case[0].charged(ChargeKind.MISC)


@SETTINGS
@given(st.data(), st.integers(0, 12), st.integers(1, 12), prices, prices)
def test_one_line_is_justified_by_what_is_left_at_the_po_price(
    make: Any, data: st.DataObject, before: int, units: int, billed: Decimal, ordered: Decimal
) -> None:
    """The same sum, worked out by another road."""
    received = data.draw(st.integers(0, 12))
    line = make.po_line(unit_price=Money(ordered, "USD"), received=Decimal(received), invoiced=Decimal(before))
    invoice = make.invoice(make.line(units, str(billed), total=Money(units * billed, "USD").rounded()))
    variance = match(invoice, make.order(line)).variance
    left = max(0, min(units, 10 - before, received - before))
    assert variance.justified.amount == round_to(left * ordered, CENT)
    assert abs(variance.quantity.amount - (units - left) * billed) <= CENT / 2
    assert abs(variance.price.amount - left * (billed - ordered)) <= CENT / 2


@SETTINGS
@given(st.data())
def test_the_order_of_lines_receipts_and_earlier_documents_changes_nothing(make: Any, data: st.DataObject) -> None:
    invoice, order, arrived = data.draw(cases(make))
    earlier = [replace(data.draw(cases(make))[0], number=f"E{n}") for n in range(data.draw(st.integers(0, 2)))]
    turned = (
        replace(invoice, lines=tuple(data.draw(st.permutations(invoice.lines)))),
        replace(order, lines=tuple(data.draw(st.permutations(order.lines)))),
        data.draw(st.permutations(arrived)),
    )
    assert matched(turned, earlier=data.draw(st.permutations(earlier))) == matched(
        (invoice, order, arrived), earlier=earlier
    )


RANK = {Outcome.MATCHED: 0, Outcome.WITHIN_TOLERANCE: 0, Outcome.WAITING_FOR_RECEIPT: 1, Outcome.EXCEPTION: 2}
sides = st.sampled_from(["over", "under"])


@SETTINGS
@given(st.data(), st.sampled_from(CHECKS), sides, st.sampled_from(["percent", "absolute"]), amounts, amounts)
def test_tightening_any_limit_on_either_side_never_releases(
    make: Any, data: st.DataObject, check: str, side: str, kind: str, one: Decimal, other: Decimal
) -> None:
    case = data.draw(cases(make))
    rest: dict[str, Any] = {
        name: {"over": {"absolute": str(data.draw(amounts))}, "under": {"absolute": str(data.draw(amounts))}} for name in CHECKS
    }  # fmt: skip
    rest["write_off"] = {**rest["write_off"], "account": "rounding"}
    kind = "absolute" if check == "date" else kind
    tight, wide = (
        matched(case, **{**rest, check: {**rest[check], side: {kind: str(limit)}}}) for limit in sorted((one, other))
    )
    assert RANK[tight.outcome] >= RANK[wide.outcome]


@SETTINGS
@given(st.data(), st.sampled_from(["percent", "absolute"]), amounts)
def test_asking_for_both_bounds_never_releases_what_either_holds(
    make: Any, data: st.DataObject, check: str, bound: Decimal
) -> None:
    case = data.draw(cases(make))
    for name in ("price", "ordered", "received", "total"):
        given_bounds = {"percent": "10", "absolute": str(bound)}
        both, either = (
            matched(case, **{name: {"over": {**given_bounds, "combine": word}}}) for word in ("both", "either")
        )
        assert RANK[both.outcome] >= RANK[either.outcome]


def quantity_verdict(result: MatchResult) -> set[tuple[str, bool, bool, Decimal | None]]:
    return {
        (one.kind, one.breached, one.waits, one.difference)
        for one in result.findings
        if one.kind in ("ordered", "received")
    }


@SETTINGS
@given(st.data(), amounts, amounts)
def test_an_invoice_split_in_two_comes_to_the_same_verdict_at_the_end(
    make: Any, data: st.DataObject, percent: Decimal, absolute: Decimal
) -> None:
    """Two lines on one PO line, on one invoice or on two: the same units are too much, however limits are written. Of one
    shipment where shipments are matched: each answers for its own."""
    level = data.draw(st.sampled_from(LEVELS))
    po_line = make.po_line(quantity=data.draw(quantities.map(abs)), received=data.draw(quantities), match_type=level)
    order, arrived = make.order(po_line), data.draw(receipts(1))
    units = st.integers(1, 9).map(Decimal)
    references = st.just("D1") if level in DIRECT else st.sampled_from([None, "D1", "D2"])
    one, two = (make.line(data.draw(units), number=n, match_reference=data.draw(references)) for n in (1, 2))
    bounds = {
        "percent": str(percent),
        "absolute": str(absolute),
        "combine": data.draw(st.sampled_from(["both", "either"])),
    }
    checks: dict[str, Any] = {"ordered": {"over": bounds}, "received": {"over": bounds}}
    whole = match(make.invoice(one, two), order, arrived, **checks)
    last = match(make.invoice(two, number="B"), order, arrived, earlier=[make.invoice(one, number="A")], **checks)
    assert quantity_verdict(last) == quantity_verdict(whole)


@SETTINGS
@given(st.data())
def test_no_receipt_is_used_up_twice_and_what_is_allocated_was_received(make: Any, data: st.DataObject) -> None:
    invoice, order, arrived = data.draw(cases(make))
    result = matched((invoice, order, arrived))
    for receipt in arrived:
        taken = sum((one.units for one in result.allocations if one.receipt_id == receipt.id), Decimal(0))
        assert 0 <= taken <= max(Decimal(0), receipt.quantity)
    for po_line in order.lines:
        taken = sum((one.units for one in result.allocations if one.po_line_id == po_line.id), Decimal(0))
        net = sum((one.quantity for one in arrived if one.po_line_id == po_line.id), Decimal(0))
        assert taken <= max(Decimal(0), net - po_line.invoiced)


@SETTINGS
@given(st.data())
def test_the_invoice_is_never_changed_and_unlimited_checks_never_stop(make: Any, data: st.DataObject) -> None:
    invoice, order, arrived = data.draw(cases(make))
    before = repr((invoice, order, arrived))
    nothing = Tolerances(limits(), {}, {})
    result = three_way_match(invoice, {order.number: order}, arrived, nothing, conversions=PACKS, rates=euro)
    assert repr((invoice, order, arrived)) == before
    assert {one.kind for one in result.findings} <= {"unbacked", "unit", "currency"}


def test_lines_that_bill_units_are_all_but_price_adjustments() -> None:
    assert {"price", "other"} == NO_UNITS
    assert (
        InvoiceLine.__struct_defaults__[
            InvoiceLine.__struct_fields__.index("adjustment_type") - len(InvoiceLine.__struct_fields__)
        ]
        is None
    )
