"""What goes back to the purchase order, and what a person wrote there is left alone."""

from typing import Any

import pytest

from procurement.mapping.order_grammar import WriteBack
from procurement.money import Money
from procurement.order_results import Accepted, Asked, LineResult, OrderOutcome
from procurement.pipelines.coupa_requisitions_to_amazon_orders.write_back import (
    Answered,
    changed_meanwhile,
    written_back,
)

Json = dict[str, Any]
NAMES = WriteBack.model_validate({
    "header": {"order_ids": "ab-order-ids", "status": "ab-order-status"}, "line": {"accepted": "ab-accepted", "price": "ab-price"},
})  # fmt: skip


def order(**header: str) -> Json:
    return {
        "custom-fields": header,
        "order-lines": [
            {"id": 201, "line-num": "1", "quantity": "3.000000", "supplier-order-number": None, "custom-fields": {}},
            {"id": 202, "line-num": "2", "quantity": "1.000000", "supplier-order-number": None, "custom-fields": {}},
        ],
    }


def accepted(number: str, units: int, order_id: str, price: str = "42.6") -> Answered:
    part = Accepted(units=units, order_id=order_id, price=Money.of(price, "USD"))
    asked = Asked(number=number, asin="B0", units=units, price=Money.of("42.60", "USD"))
    outcome = OrderOutcome(lines=(LineResult(asked=asked, accepted=(part,)),), signed=True)
    return Answered(outcome, {"1": 201, "2": 202})


def test_each_line_gets_its_orders_and_the_header_all_of_them() -> None:
    found = written_back(order(), [accepted("1", 3, "112-1"), accepted("2", 1, "112-2")], NAMES)
    assert found.conflicts == []
    assert found.body == {
        "custom-fields": {"ab-order-ids": "112-1, 112-2", "ab-order-status": "Order Placed"},
        "order-lines": [
            {"id": 201, "supplier-order-number": "112-1", "custom-fields": {"ab-accepted": "3", "ab-price": "42.60"}},
            {"id": 202, "supplier-order-number": "112-2", "custom-fields": {"ab-accepted": "1", "ab-price": "42.60"}},
        ],
    }


def test_the_order_is_placed_only_when_every_unit_is() -> None:
    found = written_back(order(), [accepted("1", 2, "112-1")], NAMES)
    assert found.body["custom-fields"]["ab-order-status"] == "Partly Ordered"


def test_what_we_wrote_ourselves_is_replaced_by_the_fuller_answer() -> None:
    first = written_back(order(), [accepted("1", 2, "112-1")], NAMES).body
    current = order(**first["custom-fields"])
    current["order-lines"][0] |= {**first["order-lines"][0]}
    again = written_back(current, [accepted("1", 2, "112-1"), accepted("1", 1, "112-9")], NAMES, earlier=[first])
    assert again.conflicts == []
    assert again.body["order-lines"][0]["supplier-order-number"] == "112-1, 112-9"
    assert again.body["order-lines"][0]["custom-fields"]["ab-accepted"] == "3"


def test_what_a_person_wrote_is_a_finding_and_stays() -> None:
    current = order(**{"ab-order-status": "Called"})
    current["order-lines"][0]["supplier-order-number"] = "by phone"
    found = written_back(current, [accepted("1", 3, "112-1")], NAMES)
    assert found.conflicts == [
        "The purchase order: ab-order-status says 'Called', and Amazon's answer is 'Partly Ordered'. It is left as it is.",
        "Line 1: supplier-order-number says 'by phone', and Amazon's answer is '112-1'. It is left as it is.",
    ]
    assert "ab-order-status" not in found.body["custom-fields"]
    assert "supplier-order-number" not in found.body["order-lines"][0]


@pytest.mark.parametrize("count", [14, 40])
def test_order_numbers_that_do_not_fit_are_left_out_whole(count: int) -> None:
    outcomes = [accepted("1", 1, f"112-{number:07}-{number:07}") for number in range(count)]
    written = written_back(order(), outcomes, NAMES).body["order-lines"][0]["supplier-order-number"]
    assert len(written) <= 255 and all(len(one) == 19 for one in written.split(", "))


def test_without_names_only_the_order_numbers_go_back() -> None:
    found = written_back(order(), [accepted("1", 3, "112-1")], WriteBack())
    assert found.body == {"order-lines": [{"id": 201, "supplier-order-number": "112-1"}]}


def test_lines_are_found_by_their_id_whatever_number_they_have_by_now() -> None:
    current = order()
    current["order-lines"][0]["line-num"], current["order-lines"][1]["line-num"] = "2", "1"
    found = written_back(current, [accepted("1", 3, "112-1")], WriteBack())
    assert found.body == {"order-lines": [{"id": 201, "supplier-order-number": "112-1"}]}


def test_a_line_that_is_gone_is_a_finding_and_the_others_are_written() -> None:
    current = order()
    del current["order-lines"][0]
    found = written_back(current, [accepted("1", 3, "112-1"), accepted("2", 1, "112-2")], WriteBack())
    assert found.body == {"order-lines": [{"id": 202, "supplier-order-number": "112-2"}]}
    assert found.conflicts == ["Line 1 was ordered as 112-1, and is not on the purchase order any more."]


def test_only_what_somebody_else_wrote_after_the_plan_is_a_change() -> None:
    planned = written_back(order(), [accepted("1", 3, "112-1")], NAMES)
    assert changed_meanwhile(order(), planned.body, planned.before) == []
    written = order(**planned.body["custom-fields"])
    written["order-lines"][0] |= planned.body["order-lines"][0]
    assert changed_meanwhile(written, planned.body, planned.before) == []
    touched = order(**{"ab-order-status": "Called"})
    touched["order-lines"][0]["supplier-order-number"] = "by phone"
    assert changed_meanwhile(touched, planned.body, planned.before) == [
        "The purchase order: ab-order-status says 'Called' now.",
        "Line 1: supplier-order-number says 'by phone' now.",
    ]
    del touched["order-lines"][0]
    assert "Line id 201 is not on the purchase order any more." in changed_meanwhile(
        touched, planned.body, planned.before
    )
