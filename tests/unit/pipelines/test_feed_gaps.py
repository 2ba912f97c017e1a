"""Lines without a shipment, and refunds without a number: what the ledger's other transactions make of them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.amazon_business.payloads import OrderLineKey
from procurement.ledger.transaction_lines import TransactionLine
from procurement.pipelines.amazon_invoices_to_coupa.feed_gaps import claims_on, fill_gaps
from procurement.pipelines.amazon_invoices_to_coupa.identity import Claims
from procurement.pipelines.amazon_invoices_to_coupa.movements import sold_with
from procurement.pipelines.amazon_invoices_to_coupa.staging import staged, transaction_lines
from tests.unit.pipelines.builders import KEY, group, transaction

REFUND: Any = {"transactionId": "R", "transactionType": "REFUND"}
UNNUMBERED: Any = {**REFUND, "invoiceNumber": None}


def moved(
    key: str, amount: str = "-1.00", *, number: str | None = None, shipment: str | None = "DhA1"
) -> TransactionLine:
    return TransactionLine(
        key=key, subkind="REFUND" if amount.startswith("-") else "CHARGE", order_id="112-1", order_line_id="61",
        shipment_id=shipment, quantity=Decimal(1), dated_at=datetime(2026, 6, 1, tzinfo=UTC), po_line_number="1", asin=None,
        reason=None, amount=Decimal(amount), currency="USD", number=number,
    )  # fmt: skip


def claims(*lines: TransactionLine, **changes: Any) -> Claims:
    refund = group("", **UNNUMBERED, **changes)
    return claims_on(refund, fill_gaps([refund], lambda orders: lines))


def test_the_ledger_is_asked_for_what_the_feed_leaves_out_alone() -> None:
    asked: list[Any] = []
    fill_gaps([group(), group("9CM", **REFUND)], lambda orders: asked.append(orders) or [])  # type: ignore[func-returns-value]
    assert asked == []
    fill_gaps([group("", **UNNUMBERED), group("", invoiceNumber=None)], lambda orders: asked.append(orders) or [])  # type: ignore[func-returns-value]
    assert asked == [["112-1"]]


def test_a_line_without_shipment_is_asked_about_by_those_of_its_charges() -> None:
    refund = group("9CM", **REFUND, line={"shipmentId": None})
    charges = [
        moved("C1", "5.00"),
        moved("C2", "5.00", shipment="DhA2"),
        moved("C3", "5.00", shipment=None),
        moved("R2"),
    ]
    fill_gaps([refund], lambda orders: charges)
    assert refund.line_keys == [KEY, OrderLineKey("112-1", "61", "DhA2")]


def test_memos_of_other_refunds_are_claimed_and_its_own_is_not() -> None:
    assert claims(moved("R", number="CM-0"), moved("R2", number="CM-1")) == Claims(frozenset({"CM-1"}))
    assert claims(moved("R2", number="CM-1", shipment=None)) == Claims(frozenset({"CM-1"}))
    assert claims(moved("R2", number="CM-1", shipment="DhA2"), moved("C", "5.00", number="1ABC")) == Claims()
    assert claims(moved("R2", number="CM-1", shipment="DhA2"), line={"shipmentId": None}) == Claims(frozenset({"CM-1"}))


def test_another_refund_without_number_may_be_whose_memo_it_is() -> None:
    assert claims(moved("R2")) == Claims(unnumbered=True)


def test_a_dry_run_sees_its_own_window_beside_what_the_ledger_has() -> None:
    row = staged(
        transaction(
            transactionId="R", transactionType="REFUND", associatedTransactionDetails=[{"associatedTransactionId": "C"}]
        )
    )
    (line,) = transaction_lines(row)
    assert (line.key, line.subkind, line.order_line_id, line.shipment_id) == ("R", "REFUND", "61", "DhA1")
    assert (line.quantity, line.amount, line.currency, line.number) == (Decimal(2), Decimal("43.28"), "USD", "1ABC")
    assert (line.names, line.po_line_number, line.asin, line.reason) == (("C",), "1", "B0SAMPLE01", None)
    kept = moved("R", number="CM-9")
    assert sold_with(lambda orders: [kept], [line])(["112-1"]) == [kept]
    assert sold_with(lambda orders: [], [line])(["112-1"]) == [line]
    assert sold_with(lambda orders: [], [line])(["another"]) == []
