"""What can be made to happen at Amazon, seen through its API."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Amazon

INVOICES = "/reconciliation/2021-01-08/invoices"


def _rows(answer: Any, key: str) -> list[Any]:
    rows: list[Any] = answer.json()[key]
    return rows


def _order(amazon: Amazon, order_id: str) -> Any:
    rows = _rows(amazon.reports("orderReports"), "ordersReport")
    return next(row for row in rows if row["orderMetadata"]["orderId"] == order_id)


def _line(amazon: Amazon, line: str) -> Any:
    rows = _rows(amazon.reports("orderLineItemReports"), "orderLineItemsReport")
    return next(row for row in rows if row["orderLineItemId"] == line)


def _feed(amazon: Amazon) -> list[Any]:
    return _rows(amazon.transactions(), "transactions")


def _net(charges: list[Any]) -> Decimal:
    return next(Decimal(str(one["amount"]["amount"])) for one in charges if one["type"] == "NET_TOTAL")


def test_shipping_a_part_adds_a_shipment_with_its_share_of_the_money(amazon: Amazon) -> None:
    amazon.event("ship", orderId="112-1", orderLineItemId="L2", quantity=1, shipmentId="S-new")
    rows = _rows(amazon.reports("shipmentLineItemReports"), "shipmentLineItemsReport")
    parcel = next(row for row in rows if row["shipmentMetadata"]["shipmentId"] == "S-new")
    assert (parcel["orderLineItemId"], parcel["quantity"], _net(parcel["charges"])) == ("L2", 1, Decimal("10.83"))
    shipments = _rows(amazon.reports("shipmentReports"), "shipmentsReport")
    assert _net(shipments[-1]["charges"]) == Decimal("10.83")


def test_shipping_an_order_sends_what_is_left_of_it(amazon: Amazon) -> None:
    amazon.event("ship", orderId="112-1")
    rows = _rows(amazon.reports("shipmentLineItemReports"), "shipmentLineItemsReport")
    assert {row["orderLineItemId"]: row["quantity"] for row in rows} == {"L1": 4, "L2": 4}
    assert amazon.control("POST", "events/ship", {"orderId": "112-1"}).status_code == 400, "nothing is left"


def test_an_order_closes_when_its_last_units_are_delivered(amazon: Amazon) -> None:
    amazon.event("deliver", orderId="112-1", shipmentId="S-L1")
    assert _rows(amazon.reports("shipmentReports"), "shipmentsReport")[0]["deliveryInfo"]["status"] == "DELIVERED"
    assert _order(amazon, "112-1")["orderStatus"] == "PENDING_FULFILLMENT"
    amazon.event("ship", orderId="112-1")
    amazon.event("deliver", orderId="112-1")
    assert _order(amazon, "112-1")["orderStatus"] == "CLOSED"


def test_a_cancelled_order_has_zero_totals_and_keeps_its_lines(amazon: Amazon) -> None:
    amazon.event("cancel", orderId="112-2")
    cancelled = _order(amazon, "112-2")
    assert (cancelled["orderStatus"], _net(cancelled["charges"])) == ("CANCELLED", Decimal(0))
    assert _line(amazon, "L3")["quantity"] == 4


def test_cancelling_units_of_a_line_lowers_quantity_and_charges(amazon: Amazon) -> None:
    amazon.event("cancel", orderId="112-1", orderLineItemId="L2", quantity=1)
    line = _line(amazon, "L2")
    assert (line["quantity"], _net(line["charges"])) == (3, Decimal("32.48"))
    assert _order(amazon, "112-1")["orderStatus"] == "PENDING_FULFILLMENT"


def test_a_new_price_moves_unit_price_and_charges(amazon: Amazon) -> None:
    amazon.event("reprice", orderId="112-1", orderLineItemId="L1", unitPrice="11.00")
    line = _line(amazon, "L1")
    assert (line["unitPrice"]["amount"], _net(line["charges"])) == (11.0, Decimal("47.63"))


def test_a_charge_is_built_from_its_order_line_and_gets_its_number_later(amazon: Amazon) -> None:
    charge = amazon.event("charge", orderId="112-1", orderLineItemId="L1", quantity=2)
    newest = _feed(amazon)[-1]
    assert newest == charge
    line = newest["transactionLineItems"][0]
    assert (newest["amount"]["amount"], line["principalAmount"]["amount"], line["itemQuantity"]) == (
        "21.65",
        "20.00",
        2,
    )
    assert (line["purchaseOrderNumber"], line["shipmentId"]) == ("4500123", "S-L1")
    assert "invoiceNumber" not in newest
    amazon.event("issue_invoice", transactionId=charge["transactionId"], invoiceNumber="INV-9")
    assert _feed(amazon)[-1]["invoiceNumber"] == "INV-9"
    key = {name: line[name] for name in ("orderId", "orderLineItemId", "shipmentId")}
    details = amazon.post(INVOICES, {"orderLineItems": [key]}).json()["invoiceDetailsByOrderLineItems"][0]
    assert [row["invoiceNumber"] for row in details["invoiceDetails"]] == ["INV-1", "INV-9"]


def test_a_charge_enters_the_feed_after_the_delay_that_is_set(amazon: Amazon) -> None:
    amazon.switch(feed_delay_seconds=86400.0)
    charge = amazon.event("charge", orderId="112-1", orderLineItemId="L1")
    assert charge["feedDate"].startswith("2026-02-11T12")
    assert charge["transactionId"] not in [row["transactionId"] for row in _feed(amazon)]
    amazon.advance(days=1)
    amazon.sign_in()
    assert charge["transactionId"] in [row["transactionId"] for row in _feed(amazon)]


def test_a_charge_can_be_given_whole(amazon: Amazon) -> None:
    amazon.event(
        "charge", transaction={"transactionId": "mine", "transactionType": "CHARGE", "transactionLineItems": []}
    )
    assert _feed(amazon)[-1]["transactionId"] == "mine"
    assert _feed(amazon)[-1]["feedDate"].startswith("2026-02-10T12")


def test_a_refund_is_a_new_negative_transaction_that_names_its_charge(amazon: Amazon) -> None:
    amazon.event("refund", transactionId="tx-1", quantity=1, invoiceNumber="CM-2", refundReason="Damaged")
    original, refund = _feed(amazon)[0], _feed(amazon)[-1]
    assert original["amount"]["amount"] == "43.30", "the charge is not changed"
    assert (refund["transactionType"], refund["amount"]["amount"]) == ("REFUND", "-10.83")
    assert refund["associatedTransactionDetails"] == [{"associatedTransactionId": "tx-1"}]
    line = refund["transactionLineItems"][0]
    assert (line["itemQuantity"], line["refundReason"], line["totalAmount"]["amount"]) == (1, "Damaged", "-10.83")


def test_a_goodwill_refund_gives_money_back_but_no_units(amazon: Amazon) -> None:
    refund = amazon.event("refund", transactionId="tx-1", share="0.1", transactionType="OVERREFUND")
    line = refund["transactionLineItems"][0]
    assert (refund["transactionType"], line["itemQuantity"], refund["amount"]["amount"]) == ("OVERREFUND", 0, "-4.33")


def test_a_duplicated_transaction_appears_twice_in_its_page(amazon: Amazon) -> None:
    amazon.event("duplicate", transactionId="tx-2")
    assert [row["transactionId"] for row in _feed(amazon)] == ["tx-1", "tx-2", "tx-2", "tx-3"]


def test_a_reordered_feed_comes_newest_first_until_it_is_turned_back(amazon: Amazon) -> None:
    amazon.event("reorder")
    assert [row["transactionId"] for row in _feed(amazon)] == ["tx-3", "tx-2", "tx-1"]
    amazon.event("reorder", reversed=False)
    assert [row["transactionId"] for row in _feed(amazon)] == ["tx-1", "tx-2", "tx-3"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ship", {"orderId": "112-404"}),
        ("ship", {"orderId": "112-1", "orderLineItemId": "L2", "quantity": 5}),
        ("deliver", {"orderId": "112-2"}),
        ("cancel", {"orderId": "112-1", "orderLineItemId": "L2", "quantity": 5}),
        ("cancel", {"orderId": "112-1", "orderLineItemId": "L2", "quantity": "two"}),
        ("reprice", {"orderId": "112-1", "orderLineItemId": "L1", "unitPrice": "cheap"}),
        ("reprice", {"orderId": "112-1", "orderLineItemId": "L1", "unitPrice": "NaN"}),
        ("charge", {"orderId": "112-2", "orderLineItemId": "L3"}),
        ("charge", {"orderId": "112-1", "orderLineItemId": "L1", "quantity": -1}),
        ("charge", {"transaction": "tx"}),
        ("refund", {"transactionId": "tx-404"}),
        ("refund", {"transactionId": "tx-1", "quantity": 5}),
        ("refund", {"transactionId": "tx-1", "transactionType": "GIFT"}),
        ("issue_invoice", {"transactionId": "tx-1"}),
        ("duplicate", {}),
    ],
)
def test_an_event_that_cannot_happen_is_refused_and_changes_nothing(
    amazon: Amazon, name: str, body: dict[str, Any]
) -> None:
    before = amazon.control("GET", "state").json()
    assert amazon.control("POST", f"events/{name}", body).status_code == 400
    assert amazon.control("GET", "state").json() == before


def test_an_unknown_event_names_those_there_are(amazon: Amazon) -> None:
    answer = amazon.control("POST", "events/explode", {})
    assert answer.status_code == 404
    assert "refund" in answer.json()["detail"]


def test_a_certificate_of_a_seller_whom_no_order_line_names_is_refused(amazon: Amazon) -> None:
    assert (
        amazon.control("POST", "events/certify_seller", {"seller": "Nobody", "certificateType": "WBE"}).status_code
        == 400
    )
