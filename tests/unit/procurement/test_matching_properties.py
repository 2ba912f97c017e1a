"""What must hold for every match: order does not matter, tightening never releases, the outcome is the worst finding."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procurement.documents import ChargeKind, GoodsReceipt, Invoice, PurchaseOrder, TaxLine
from procurement.matching import Outcome, Variance
from procurement.money import Money
from tests.unit.procurement.matches import charge, match, usd

SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


units = st.integers(min_value=1, max_value=15)
prices = st.integers(min_value=1, max_value=2000).map(lambda cents: Decimal(cents).scaleb(-2))
limits = st.integers(min_value=0, max_value=2000).map(lambda value: Decimal(value).scaleb(-2))


@st.composite
def situations(draw: st.DrawFn, make: Any) -> tuple[Invoice, PurchaseOrder, list[GoodsReceipt]]:
    levels = st.sampled_from(["2-way", "3-way", "3-way-fifo", "direct_matching", "none", None])
    lines = [
        make.po_line(
            id=n, number=str(n), quantity=Decimal(draw(units)), unit_price=Money(draw(prices), "USD"), received=Decimal(draw(units)),
            invoiced=Decimal(draw(st.integers(0, 5))), match_type=draw(levels),
        )
        for n in range(1, draw(st.integers(1, 3)) + 1)
    ]  # fmt: skip
    billed = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        line = draw(st.sampled_from(lines))
        price = draw(st.one_of(st.just(line.unit_price.amount), prices))
        tax = TaxLine(amount=Money(draw(prices), "USD"), rate=Decimal(5), base=usd("100"))
        billed.append(
            make.line(
                draw(units),
                str(price),
                number=number,
                po_line_id=line.id,
                po_line_number=line.number,
                tax_lines=(tax,),
                match_reference=draw(st.sampled_from(["D1", "D2"])),
            )
        )
    receipts = [
        make.receipt(draw(units), draw(st.sampled_from(["D1", "D2"])), line=draw(st.sampled_from(lines)).id)
        for _ in range(draw(st.integers(0, 4)))
    ]
    charges = tuple(charge(kind, str(draw(prices))) for kind in draw(st.lists(st.sampled_from(ChargeKind), max_size=2)))
    return make.invoice(*billed, charges=charges), make.order(*lines, match_level="3-way"), receipts


@SETTINGS
@given(st.data())
def test_the_order_of_lines_and_receipts_changes_nothing(make: Any, data: st.DataObject) -> None:
    invoice, order, receipts = data.draw(situations(make))
    lines = data.draw(st.permutations(invoice.lines))
    shuffled = make.invoice(*lines, charges=invoice.charges)
    turned = make.order(*data.draw(st.permutations(order.lines)), match_level="3-way")
    assert match(shuffled, turned, data.draw(st.permutations(receipts))) == match(invoice, order, receipts)


@SETTINGS
@given(st.data(), st.one_of(st.none(), limits))
def test_what_is_kept_of_a_variance_reads_back_and_adds_up(
    make: Any, data: st.DataObject, small: Decimal | None
) -> None:
    written = {} if small is None else {"write_off": {"over": {"absolute": str(small)}, "account": "rounding"}}
    variance = match(*data.draw(situations(make)), price={"percent": "1"}, **written).variance
    kept = json.loads(json.dumps(variance.kept()))
    assert Variance.read(kept) == variance
    whole = Decimal(kept["billed"]) - Decimal(kept["justified"])
    assert sum(map(Decimal, kept["parts"].values())) == whole


CHECKS = ("price", "received", "ordered", "tax", "shipping", "total")
RANK = {Outcome.MATCHED: 0, Outcome.WITHIN_TOLERANCE: 0, Outcome.WAITING_FOR_RECEIPT: 1, Outcome.EXCEPTION: 2}


@SETTINGS
@given(st.data(), st.sampled_from(CHECKS), st.sampled_from(["percent", "absolute"]), limits, limits)
def test_tightening_a_tolerance_never_releases(
    make: Any, data: st.DataObject, check: str, kind: str, one: Decimal, other: Decimal
) -> None:
    invoice, order, receipts = data.draw(situations(make))
    rest = {name: {"absolute": str(data.draw(limits))} for name in CHECKS}
    wide, tight = (
        match(invoice, order, receipts, **{**rest, check: {kind: str(limit)}})
        for limit in (max(one, other), min(one, other))
    )
    assert RANK[tight.outcome] >= RANK[wide.outcome]
    assert {(f.kind, f.line) for f in wide.findings if f.breached} <= {
        (f.kind, f.line) for f in tight.findings if f.breached
    }


@SETTINGS
@given(st.data(), st.sampled_from(CHECKS), limits)
def test_a_second_bound_never_releases_either(make: Any, data: st.DataObject, check: str, bound: Decimal) -> None:
    invoice, order, receipts = data.draw(situations(make))
    alone = match(invoice, order, receipts, **{check: {"percent": "10"}})
    both = match(invoice, order, receipts, **{check: {"percent": "10", "absolute": str(bound)}})
    assert RANK[both.outcome] >= RANK[alone.outcome]


@SETTINGS
@given(st.data())
def test_the_outcome_is_the_worst_of_the_findings(make: Any, data: st.DataObject) -> None:
    result = match(*data.draw(situations(make)), price={"percent": "10"}, received={"absolute": "1"})
    breached = [one for one in result.findings if one.breached]
    if any(not one.waits for one in breached):
        assert result.outcome is Outcome.EXCEPTION
    elif breached:
        assert result.outcome is Outcome.WAITING_FOR_RECEIPT
    else:
        assert result.outcome is (Outcome.WITHIN_TOLERANCE if result.findings else Outcome.MATCHED)
    for one in breached:
        assert one.limit is not None and one.difference is not None and abs(one.difference) > one.limit
        assert one.kind in ("received",) or not one.waits
