"""Purchase orders and receipts from Coupa's JSON, and finding the PO line of an Amazon line."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from procurement.documents import PurchaseOrder
from procurement.errors import RecordError
from procurement.money import Money
from procurement.purchase_orders import read_goods_receipts, read_purchase_order, resolve_line

Json = dict[str, Any]


def raw_line(**changes: Any) -> Json:
    line: Json = {
        "id": 11, "line-num": "1", "type": "OrderQuantityLine", "description": "Pens", "quantity": "5.0", "price": "19.99", "total": "99.95",
        "received": "2.0", "invoiced": "1.0", "match-type": "3-way", "receipt-required": True, "source-part-num": "B0PEN",
        "uom": {"id": 1, "code": "EA"}, "commodity": {"id": 1, "name": "Office Supplies"}, "currency": {"code": "USD"},
        "account": {"id": 1, "code": "10-4100-6100", "account-type": {"id": 1, "name": "US Chart"}},
    }  # fmt: skip
    return {key: value for key, value in {**line, **changes}.items() if value is not ...}


def raw_order(*lines: Json, **changes: Any) -> Json:
    order: Json = {
        "id": 7, "po-number": "4500", "status": "issued", "version": 2, "created-at": "2026-01-05T09:00:00-08:00", "currency": {"code": "USD"},
        "supplier": {"id": 9, "number": "AMZN-US", "invoice-matching-level": "3-way"}, "payment-term": {"code": "Net 30"},
        "requisition-header": {"id": 3, "requested-by": {"id": 611, "email": "jane.doe@example.com"}},
        "ship-to-user": {"id": 612, "email": "other@example.com"}, "order-lines": list(lines) or [raw_line()],
        "custom-fields": {"amazon-order-id": "113"},
    }  # fmt: skip
    return {key: value for key, value in {**order, **changes}.items() if value is not ...}


def problems(raw: Json) -> tuple[str, ...]:
    with pytest.raises(RecordError) as caught:
        read_purchase_order(raw)
    return caught.value.problems


def test_a_purchase_order_is_read_whole() -> None:
    order = read_purchase_order(raw_order())
    assert (order.id, order.number, order.status, order.version) == (7, "4500", "issued", 2)
    assert (order.supplier, order.supplier_id, order.currency, order.match_level) == ("AMZN-US", 9, "USD", "3-way")
    assert (order.chart_of_accounts, order.payment_term) == ("US Chart", "Net 30")
    assert (order.requester_id, order.requester_email) == (611, "jane.doe@example.com")
    assert order.issued_at == datetime(2026, 1, 5, 17, tzinfo=UTC)
    assert order.custom_fields == {"amazon-order-id": "113"}
    (line,) = order.lines
    assert (line.id, line.number, line.quantity, line.unit_price, line.total) == (
        11,
        "1",
        5,
        Money.of("19.99", "USD"),
        Money.of("99.95", "USD"),
    )
    assert (line.received, line.invoiced, line.match_type, line.receipt_required) == (2, 1, "3-way", True)
    assert (line.part_number, line.unit_of_measure, line.commodity, line.account, line.description) == (
        "B0PEN", "EA", "Office Supplies", "10-4100-6100", "Pens",
    )  # fmt: skip


def test_everything_that_is_missing_is_listed_at_once() -> None:
    found = problems(
        raw_order(raw_line(id=..., price=None, quantity=...), **{"po-number": ..., "supplier": {}, "currency": {}})
    )
    assert found == (
        "It has no currency.code.", "Line 1 has no quantity.", "Line 1 has no price.", "Line 1 has no id.", "It has no po-number.",
        "It has no supplier.number.", "It has no supplier.id.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (raw_order(**{"order-lines": []}), "It has no lines."),
        (raw_order(**{"order-lines": None}), "It has no lines."),
        (raw_order(id="x"), "It has id 'x', which is no whole number."),
        (raw_order(raw_line(**{"line-num": ""})), "Line (no number) has no line-num."),
        (
            raw_order(raw_line(price=19.99)),
            "Line 1: price: 19.99 is a float; amounts are text, whole numbers or Decimal, never floats.",
        ),
        (raw_order(raw_line(quantity="many")), "Line 1: quantity: 'many' is not a number."),
        (raw_order(raw_line(currency={"code": "EUR"})), "Line 1 is in EUR, the PO in USD."),
        (raw_order(raw_line(currency=...), currency={"code": "XYZ"}), "Unknown currency 'XYZ'; known are AUD"),
        (raw_order(**{"created-at": "yesterday"}), "Its created-at is 'yesterday', which is no date."),
    ],
)
def test_what_cannot_be_used_is_said_plainly(raw: Json, sentence: str) -> None:
    assert any(found.startswith(sentence) for found in problems(raw)), problems(raw)


def test_the_error_names_the_purchase_order() -> None:
    with pytest.raises(RecordError, match="^PO 4500: It has no lines"):
        read_purchase_order(raw_order(**{"order-lines": []}))


def test_a_line_has_the_cost_centers_of_its_account_and_of_its_splits() -> None:
    def centers(**changes: Any) -> frozenset[str]:
        return read_purchase_order(raw_order(raw_line(**changes))).lines[0].cost_centers

    shares = [{"account": {"segment-2": center}} for center in ("4100", "4200")]
    assert centers(account={"code": "10-4100-6100", "segment-2": "4100"}) == {"4100"}
    assert centers(**{"account": None, "account-allocations": shares}) == {"4100", "4200"}
    assert centers() == frozenset()


def test_an_amount_line_has_no_quantity_and_its_price_as_total() -> None:
    (line,) = read_purchase_order(
        raw_order(raw_line(type="OrderAmountLine", quantity=None, price="250.00", total=...))
    ).lines
    assert (line.quantity, line.total) == (None, Money.of("250.00", "USD"))


def test_a_missing_total_is_quantity_times_price() -> None:
    (line,) = read_purchase_order(raw_order(raw_line(quantity="3", price="0.335", total=...))).lines
    assert line.total == Money.of("1.01", "USD")


def test_a_receipt_is_required_unless_coupa_says_it_is_not() -> None:
    def required(value: object) -> bool:
        return read_purchase_order(raw_order(raw_line(**{"receipt-required": value}))).lines[0].receipt_required

    assert [required(value) for value in (True, None, False)] == [True, True, False]


def test_without_a_requisition_the_ship_to_user_is_asked() -> None:
    order = read_purchase_order(raw_order(**{"requisition-header": None}))
    assert (order.requester_id, order.requester_email) == (612, "other@example.com")
    nobody = read_purchase_order(raw_order(**{"requisition-header": None, "ship-to-user": None}))
    assert (nobody.requester_id, nobody.requester_email) == (None, None)


def test_a_po_over_two_charts_never_equals_one_over_one() -> None:
    other = raw_line(id=12, account={"code": "X", "account-type": {"name": "EU Chart"}}, **{"line-num": "2"})
    assert read_purchase_order(raw_order(raw_line(), other)).chart_of_accounts == "EU Chart + US Chart"
    assert read_purchase_order(raw_order(raw_line(account=None))).chart_of_accounts is None


def raw_receipt(**changes: Any) -> Json:
    receipt: Json = {
        "id": 6001, "type": "ReceivingQuantityConsumption", "status": "created", "quantity": "2.0", "order-line": {"id": 11},
        "transaction-date": "2026-02-05T00:00:00-08:00", "match-reference": "D1",
    }  # fmt: skip
    return {**receipt, **changes}


def test_a_receipt_counts_its_units_on_its_po_line() -> None:
    (receipt,) = read_goods_receipts([raw_receipt()])
    assert (receipt.id, receipt.po_line_id, receipt.quantity, receipt.received_on) == (6001, 11, 2, date(2026, 2, 5))
    assert receipt.match_reference == "D1"


@pytest.mark.parametrize(
    ("changes", "quantity"),
    [
        ({"type": "InventoryReceipt"}, "2"),
        ({"type": "ReceivingAmountConsumption", "total": "99.50", "quantity": None}, "99.50"),
        ({"type": "VoidReceivingQuantityConsumption"}, "-2"),
        ({"type": "VoidReceivingQuantityConsumption", "quantity": "-2"}, "-2"),
        ({"type": "ReceivingQuantityReturnToSupplier"}, "-2"),
        ({"type": "VoidReceivingQuantityReturnToSupplier"}, "2"),
        ({"voided-value": "0.5"}, "1.5"),
    ],
)
def test_returns_and_voids_take_away(changes: Json, quantity: str) -> None:
    (receipt,) = read_goods_receipts([raw_receipt(**changes)])
    assert receipt.quantity == Decimal(quantity)


@pytest.mark.parametrize(
    "changes", [{"status": "voided"}, {"status": "Voided"}, {"type": "ReceivingQuantityDisposal"}, {"type": None}]
)
def test_what_is_void_or_no_receipt_counts_for_nothing(changes: Json) -> None:
    assert read_goods_receipts([raw_receipt(**changes)]) == []


VOID = "VoidReceivingQuantityConsumption"


def void(number: int, quantity: str, **changes: Any) -> Json:
    return raw_receipt(**{"id": number, "type": VOID, "quantity": quantity, "original-transaction-id": 6001, **changes})


@pytest.mark.parametrize(
    ("voided_value", "voids", "left"),
    [
        ("2", ["2"], "3"),  # told on the receipt and by its void
        (None, ["2"], "3"),  # by the void alone
        ("2", [], "3"),  # by the receipt alone
        ("3", ["1", "2"], "2"),
        ("1", ["1", "2"], "2"),  # the larger holds
    ],
)
def test_a_void_in_part_counts_once(voided_value: str | None, voids: list[str], left: str) -> None:
    rows = [raw_receipt(quantity="5", **{"voided-value": voided_value})]
    rows += [void(6002 + n, units) for n, units in enumerate(voids)]
    for order in (rows, rows[::-1]):
        (receipt,) = read_goods_receipts(order)
        assert (receipt.id, receipt.quantity, receipt.match_reference) == (6001, Decimal(left), "D1")


def test_a_receipt_voided_whole_counts_for_nothing_even_with_a_void_beside_it() -> None:
    whole = raw_receipt(quantity="5", status="voided", **{"voided-value": "5"})
    assert read_goods_receipts([whole, void(6002, "5")]) == []


def test_a_void_of_a_return_gives_its_units_back_once() -> None:
    back = raw_receipt(type="ReceivingQuantityReturnToSupplier", quantity="3", **{"voided-value": "1"})
    rows = [back, void(6002, "1", type="VoidReceivingQuantityReturnToSupplier")]
    assert [one.quantity for one in read_goods_receipts(rows)] == [-2]


def test_a_void_that_was_taken_back_itself_counts_for_nothing() -> None:
    assert [one.quantity for one in read_goods_receipts([raw_receipt(), void(6002, "1", status="voided")])] == [2]


def test_an_unreadable_receipt_lists_what_is_missing() -> None:
    with pytest.raises(RecordError) as caught:
        read_goods_receipts([raw_receipt(quantity=None, **{"order-line": None})])
    assert caught.value.problems == ("It has no quantity.", "It has no order-line.id.")
    assert caught.value.document == "Goods receipt 6001"


def order(*lines: Json) -> PurchaseOrder:
    return read_purchase_order(raw_order(*lines))


def test_the_line_number_decides_whatever_the_asin_says() -> None:
    two = order(raw_line(), raw_line(id=12, **{"line-num": "2", "source-part-num": "B0INK"}))
    assert resolve_line(two, line_number="2", asin="B0PEN").id == 12
    assert resolve_line(two, line_number=" 2 ").id == 12
    assert resolve_line(two, line_number="002").id == 12


def test_without_a_number_the_asin_decides() -> None:
    two = order(raw_line(), raw_line(id=12, **{"line-num": "2", "source-part-num": "b0ink "}))
    assert resolve_line(two, asin="B0INK").id == 12
    assert resolve_line(two, line_number="9", asin="B0PEN").id == 11
    assert resolve_line(two, line_number="", asin=" b0pen ").id == 11
    assert resolve_line(two, line_number="A-1", asin="B0INK").id == 12


def test_line_numbers_may_be_words() -> None:
    lettered = order(raw_line(**{"line-num": "A"}), raw_line(id=12, **{"line-num": "B", "source-part-num": "B0INK"}))
    assert resolve_line(lettered, line_number="B").id == 12
    assert resolve_line(lettered, line_number="1", asin="B0PEN").id == 11


def test_price_then_quantity_break_a_tie() -> None:
    twins = order(
        raw_line(), raw_line(id=12, price="18.00", **{"line-num": "2"}), raw_line(id=13, price="18.00", quantity="9", **{"line-num": "3"}),
    )  # fmt: skip
    assert resolve_line(twins, asin="B0PEN", unit_price=Decimal("19.99")).id == 11
    assert resolve_line(twins, asin="B0PEN", unit_price=Decimal("18"), quantity=9).id == 13
    assert resolve_line(twins, asin="B0PEN", quantity=9).id == 13


def test_what_is_still_open_breaks_the_last_tie() -> None:
    twins = order(raw_line(invoiced="5"), raw_line(id=12, invoiced="0", **{"line-num": "2"}))
    assert resolve_line(twins, asin="B0PEN", quantity=3).id == 12


def test_a_tie_that_nothing_breaks_is_ambiguous_and_says_between_which() -> None:
    twins = order(raw_line(), raw_line(id=12, **{"line-num": "2"}))
    with pytest.raises(RecordError) as caught:
        resolve_line(twins, asin="B0PEN", quantity=5, unit_price=Decimal("19.99"))
    assert caught.value.problems == (
        "ASIN B0PEN stands on several PO lines (1, 2); nothing tells which one is billed.",
    )


@pytest.mark.parametrize(
    ("number", "asin", "said"),
    [
        ("9", "B0X", "line '9' and ASIN 'B0X'"),
        (None, "B0X", "ASIN 'B0X'"),
        ("9", None, "line '9'"),
        (None, None, "neither a PO line nor an ASIN"),
    ],
)
def test_an_unknown_line_shows_what_the_po_has(number: str | None, asin: str | None, said: str) -> None:
    with pytest.raises(RecordError) as caught:
        resolve_line(
            order(raw_line(), raw_line(id=12, **{"line-num": "2", "source-part-num": None})),
            line_number=number,
            asin=asin,
        )
    assert caught.value.problems == (f"Amazon names {said}; the PO has 1 (B0PEN), 2 (no part number).",)
    assert caught.value.document == "PO 4500"
