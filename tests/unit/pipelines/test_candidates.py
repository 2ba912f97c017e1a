"""What a single transaction decides: readable, payable, in which marketplace, settled."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.pipelines.amazon_invoices_to_coupa.candidates import PAID_BY_CARD, Group, screen, settles_at
from procurement.pipelines.amazon_invoices_to_coupa.staging import staged
from procurement.policies import Policies, read_rules
from tests.unit.pipelines.builders import candidate, record, refused, transaction, usd

POLICIES: Policies = read_rules(Path(__file__).parents[3] / "mappings").policies


def test_a_plain_charge_goes_on() -> None:
    assert screen(candidate(), POLICIES) is None


def test_a_card_charge_makes_no_invoice() -> None:
    assert screen(candidate(paymentInstrumentType="Visa"), POLICIES) is PAID_BY_CARD


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"marketplaceId": "A1PA6795UKMFR9"}, "legal invoice needed: marketplace DE is not enabled"),
        ({"marketplaceId": "NOWHERE"}, "legal invoice needed: marketplace NOWHERE is not enabled"),
        ({"paymentInstrumentType": "Barter"}, "unknown payment instrument 'Barter'"),
        ({"paymentInstrumentType": None}, "no payment instrument given"),
        (
            {"associatedTransactionDetails": [{"associatedTransactionId": "tx-2"}]},
            "the payment is split over several transactions",
        ),
    ],
)
def test_what_is_unclear_is_held_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    verdict = screen(candidate(**changes), POLICIES)
    assert verdict is not None and (verdict.state, verdict.reason) == ("held", reason)


@pytest.mark.parametrize("kind", ["REFUND", "OVERREFUND"])
def test_a_refund_that_names_what_it_pays_back_is_no_split_payment(kind: str) -> None:
    named = {"associatedTransactionDetails": [{"associatedTransactionId": "tx-1"}]}
    assert screen(candidate(transactionType=kind, **named), POLICIES) is None


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (transaction(transactionType="GIFT"), "transactionType is 'GIFT'; known are CHARGE, OVERREFUND, REFUND."),
        (transaction(transactionLineItems=[]), "It has no transactionLineItems, so nothing says what was bought."),
        (transaction(line={"totalAmount": None}), "Line 1 has no totalAmount."),
        (transaction(line={"itemQuantity": -1}), "Line 1 has the negative quantity -1."),
        (transaction(line={"orderId": ""}), "Line 1 names no order line (orderId, orderLineItemId)."),
        (
            transaction(line={"tax": {"currencyCode": "EUR", "amount": "1"}}),
            "Its amounts are in several currencies: EUR, USD.",
        ),
    ],
)
def test_a_transaction_that_cannot_be_invoiced_is_a_dead_letter_that_says_why(
    raw: dict[str, Any], problem: str
) -> None:
    verdict = refused(raw)
    assert verdict.state == "dead"
    assert problem in verdict.errors


def test_all_problems_of_a_transaction_are_listed_at_once() -> None:
    verdict = refused(transaction(transactionType=None, line={"totalAmount": None, "orderId": None}))
    assert len(verdict.errors) == 3


@pytest.mark.parametrize(
    "broken", [{"amount": "not money"}, {"feedDate": "yesterday"}, {"transactionLineItems": "none"}]
)
def test_a_transaction_of_the_wrong_shape_is_a_dead_letter_that_names_the_field(broken: dict[str, Any]) -> None:
    verdict = refused(transaction(**broken))
    assert verdict.state == "dead" and verdict.reason == "the transaction cannot be read"
    assert next(iter(broken)) in verdict.errors[0]


def test_floats_are_refused_where_money_is_read() -> None:
    verdict = refused(transaction(line={"totalAmount": {"currencyCode": "USD", "amount": 43.28}}))
    assert "totalAmount" in verdict.errors[0]


def test_a_group_settles_a_day_after_its_newest_charge() -> None:
    early, late = candidate(), candidate(transactionId="tx-2", feedDate="2026-06-03T06:00:00Z")
    assert settles_at(Group("1ABC", [early, late]), POLICIES) == datetime(2026, 6, 4, 6, tzinfo=UTC)


def test_refunds_alone_are_a_credit_note_and_beside_charges_they_are_not() -> None:
    refund = candidate(transactionType="REFUND")
    assert Group("1ABC", [refund]).is_credit_note
    assert not Group("1ABC", [refund, candidate()]).is_credit_note


class TestStaging:
    def test_the_amount_is_the_sum_of_the_lines_totals(self) -> None:
        line = transaction()["transactionLineItems"][0]
        row = staged(transaction(transactionLineItems=[line, {**line, "totalAmount": usd("1.72")}], amount=usd("99")))
        assert (row.amount, row.currency) == (Decimal("45.00"), "USD")

    def test_without_lines_it_is_the_transactions_own_amount(self) -> None:
        assert staged(transaction(transactionLineItems=[])).amount == Decimal("43.28")

    def test_a_record_without_an_id_is_known_by_its_content(self) -> None:
        one, same, other = (
            staged(transaction(transactionId=None, invoiceNumber=number)).key for number in ("1A", "1A", "1B")
        )
        assert one == same != other
        assert one.startswith("sha256:")

    @pytest.mark.parametrize("value", ["soon", 5, None])
    def test_an_unreadable_feed_date_is_kept_as_unknown(self, value: object) -> None:
        assert staged(transaction(feedDate=value)).dated_at is None

    def test_a_moment_without_an_offset_is_utc(self) -> None:
        assert staged(transaction(feedDate="2026-06-01T06:00:00")).dated_at == datetime(2026, 6, 1, 6, tzinfo=UTC)

    def test_a_text_of_ten_megabytes_is_kept(self) -> None:
        huge = "x" * 10_000_000
        assert record(transaction(line={"productTitle": huge})).raw["transactionLineItems"][0]["productTitle"] == huge
