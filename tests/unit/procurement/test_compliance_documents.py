"""What is about to be ordered is judged whole, under the ASIN that Amazon will get, or not let through."""

from datetime import UTC, datetime
from typing import Any

import pytest

from procurement.compliance.documents import Frame, read_purchase_order, read_requisition, with_codes
from procurement.errors import RecordError

FRAME = Frame({"AMZN-US": "US"}, 2, datetime(2026, 7, 1, tzinfo=UTC))


def order(*lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"po-number": "4500123", "currency": {"code": "USD"}, "supplier": {"number": "AMZN-US"}, "order-lines": list(lines), **changes}  # fmt: skip


def line(**changes: Any) -> dict[str, Any]:
    return {"line-num": "1", "quantity": "2", "price": "9.99", "source-part-num": "B0RESTRICT", "currency": {"code": "USD"}, **changes}  # fmt: skip


def test_an_article_is_the_one_that_is_ordered_however_coupa_spells_it() -> None:
    (read,) = read_purchase_order(order(line(**{"source-part-num": " b0restrict "})), {}, FRAME).lines
    assert read.asin == "B0RESTRICT"


def test_a_line_without_its_own_currency_has_the_order_s() -> None:
    purchase = read_purchase_order(order(line(currency=None)), {}, FRAME)
    assert (purchase.currency, str(purchase.amount)) == ("USD", "19.98")


@pytest.mark.parametrize("spoilt", [{"price": None}, {"price": "ask"}, {"currency": {"code": "EUR"}}])
def test_an_order_with_a_line_that_cannot_be_judged_is_not_let_through(spoilt: dict[str, Any]) -> None:
    with pytest.raises(RecordError) as caught:
        read_purchase_order(order(line(), line(**{"line-num": "2", **spoilt})), {}, FRAME)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["Line 2"]


def test_codes_come_from_amazon_by_article() -> None:
    purchase = read_purchase_order(order(line(), line(**{"line-num": "2", "source-part-num": "B02"})), {}, FRAME)
    assert [one.unspsc for one in with_codes(purchase, {"B0RESTRICT": "46101504"}).lines] == ["46101504", ""]


def test_of_a_requisition_only_lines_for_amazon_count() -> None:
    rows = [
        {"id": 1, "supplier": {"number": "AMZN-US"}, "unit-price": "5.00", "currency": {"code": "USD"}},
        {"id": 2, "supplier": {"number": "OTHER"}, "unit-price": "7.00", "currency": {"code": "USD"}},
    ]
    read = read_requisition({"id": 9, "requisition-lines": rows}, FRAME)
    assert read is not None and [one.id for one in read.lines] == ["1"]
    assert read_requisition({"id": 9, "requisition-lines": rows[1:]}, FRAME) is None
