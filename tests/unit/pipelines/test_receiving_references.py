"""Which charge and refund of Amazon's feed belongs to which shipped line of its reports."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from procurement.ledger.transaction_lines import TransactionLine
from procurement.order_facts import ShipmentFacts
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.references import read_references
from tests.unit.procurement.receiving_world import NOW, facts, policies

CHOSEN = policies(reversing_refund_reasons=["Customer return"])


def line(subkind: str = "CHARGE", quantity: int = 2, **changes: Any) -> TransactionLine:
    values: dict[str, Any] = {
        "key": "t", "subkind": subkind, "order_id": "112-1", "order_line_id": "L1", "shipment_id": "S1",
        "quantity": Decimal(quantity), "dated_at": NOW, "po_line_number": "1", "asin": "B0PEN", "reason": None,
    }  # fmt: skip
    return TransactionLine(**{**values, **changes})


def ids(shipments: list[ShipmentFacts], *lines: TransactionLine) -> list[str | None]:
    found = read_references(shipments, lines, CHOSEN).shipment_ids
    return [found.get(one.key) for one in shipments]


def back(shipments: list[ShipmentFacts], *lines: TransactionLine) -> list[int]:
    found = read_references(shipments, lines, CHOSEN).went_back
    return [found[one.key].units for one in shipments]


def shipped(number: int, quantity: int = 2, **changes: Any) -> ShipmentFacts:
    values: dict[str, Any] = {"po_line_number": "1", "asin": "B0PEN", "shipped_at": NOW + timedelta(days=number)}
    return facts(number, quantity, **{**values, **changes})


def test_equal_ids_are_taken_as_they_are() -> None:
    assert ids([shipped(1), shipped(2)], line(shipment_id="S2"), line(shipment_id="S1")) == ["S1", "S2"]


def test_without_a_charge_nothing_is_known() -> None:
    assert ids([shipped(1)]) == [None]
    assert ids([shipped(1)], line(order_line_id="L9", po_line_number="9", asin="B0OTHER")) == [None]


def test_other_ids_are_told_by_their_units() -> None:
    charges = line(shipment_id="D3", quantity=3), line(shipment_id="D2", quantity=2)
    assert ids([shipped(1, 2), shipped(2, 3)], *charges) == ["D2", "D3"]


def test_equal_units_go_by_time() -> None:
    assert ids([shipped(2), shipped(1)], line(shipment_id="DA"), line(shipment_id="DB")) == ["DB", "DA"]


def test_the_one_charge_of_the_one_shipment_is_its_own_whatever_the_units() -> None:
    assert ids([shipped(1, 5)], line(shipment_id="D", quantity=4)) == ["D"]


def test_two_shipments_of_other_units_stay_unknown() -> None:
    assert ids([shipped(1, 5), shipped(2, 6)], line(shipment_id="D", quantity=4)) == [None, None]


def test_an_order_line_with_another_id_is_told_by_its_po_line_then_by_its_article() -> None:
    shipments = [shipped(1, order_line_id="1"), shipped(2, order_line_id="2", po_line_number="2", asin="B0INK")]
    assert ids(shipments, line(order_line_id="6001", shipment_id="D", po_line_number="2", asin=None)) == [None, "D"]
    assert ids(shipments, line(order_line_id="6001", shipment_id="D", po_line_number=None, asin="B0PEN")) == ["D", None]


def test_a_charge_split_over_two_lines_counts_once() -> None:
    assert ids([shipped(1, 4)], line(shipment_id="D"), line(shipment_id="D")) == ["D"]


def test_a_listed_refund_takes_units_back_under_the_reports_shipment() -> None:
    shipments = [shipped(1, 2), shipped(2, 3)]
    charges = line(shipment_id="D3", quantity=3), line(shipment_id="D2", quantity=2)
    refund = line("REFUND", 1, shipment_id="D3", reason="Customer return")
    assert back(shipments, *charges, refund) == [0, 1]


def test_other_refunds_and_money_alone_take_nothing_back() -> None:
    goodwill, money = line("REFUND", reason="Courtesy adjustment"), line("REFUND", 0, reason="Customer return")
    assert back([shipped(1)], line(), goodwill, money, line("REFUND")) == [0]


def test_an_overrefund_never_takes_back_more_than_was_shipped() -> None:
    refunds = line("REFUND", reason="Customer return"), line("OVERREFUND", reason="Customer return")
    assert back([shipped(1)], line(), *refunds) == [2]
