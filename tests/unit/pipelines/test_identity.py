"""Number, date and original of a document, from what Amazon says of its order lines."""

import pytest

from procurement.pipelines.amazon_invoices_to_coupa.candidates import Verdict
from procurement.pipelines.amazon_invoices_to_coupa.identity import Claims, Identity, identify, original_among
from tests.unit.pipelines.builders import KEY, detail, group, moment


def test_a_numbered_charge_takes_its_date_from_the_details() -> None:
    assert identify(group(), {KEY: [detail(), detail("1XYZ", day=9)]}) == Identity("1ABC", moment(4), "STANDARD")


def test_a_charge_without_number_takes_the_one_amazon_issued_since() -> None:
    found = identify(group("", invoiceNumber=None), {KEY: [detail("1NEW"), detail("9CM", "CREDIT_MEMO")]})
    assert found == Identity("1NEW", moment(4), "STANDARD")


def test_a_refund_without_number_takes_the_credit_memo() -> None:
    refund = group("", invoiceNumber=None, transactionType="REFUND")
    assert identify(refund, {KEY: [detail(), detail("9CM", "CREDIT_MEMO", 20)]}) == Identity(
        "9CM", moment(20), "CREDIT_MEMO"
    )


def test_a_refund_without_number_takes_no_memo_of_another_refund() -> None:
    refund = group("", invoiceNumber=None, transactionType="REFUND")
    first, second = detail("CM-1", "CREDIT_MEMO", 20), detail("CM-2", "CREDIT_MEMO", 25)
    claims = Claims(frozenset({"CM-1"}))
    assert identify(refund, {KEY: [first]}, claims) == Verdict(
        "waiting", "Amazon has not issued the invoice number yet"
    )
    assert identify(refund, {KEY: [first, second]}, claims) == Identity("CM-2", moment(25), "CREDIT_MEMO")


def test_of_two_refunds_without_number_neither_takes_the_one_memo() -> None:
    refund = group("", invoiceNumber=None, transactionType="REFUND")
    found = identify(refund, {KEY: [detail("CM-1", "CREDIT_MEMO")]}, Claims(unnumbered=True))
    assert found == Verdict(
        "waiting", "Amazon names one credit memo (CM-1) for several refunds; the feed has to say whose it is"
    )


@pytest.mark.parametrize(
    ("number", "details", "reason"),
    [
        ("", [], "Amazon has not issued the invoice number yet"),
        ("1ABC", [], "Amazon gives no date for invoice 1ABC yet"),
        (
            "",
            [detail("1A"), detail("1B")],
            "Amazon names several invoices for this charge (1A, 1B); the feed has to say which",
        ),
        (
            "1ABC",
            [detail(consolidatedInvoiceDetails={"invoiceNumber": "Pending"})],
            "the consolidated invoice is still pending at Amazon",
        ),
        ("", [detail("Pending")], "the consolidated invoice is still pending at Amazon"),
    ],
)
def test_what_amazon_has_not_settled_waits_with_the_reason(number: str, details: list, reason: str) -> None:
    assert identify(group(number, invoiceNumber=number or None), {KEY: details}) == Verdict("waiting", reason)


def test_a_consolidated_invoice_goes_under_its_own_number() -> None:
    found = identify(group(), {KEY: [detail(consolidatedInvoiceDetails={"invoiceNumber": "C-1"})]})
    assert isinstance(found, Identity) and found.number == "C-1"


def test_the_original_of_a_refund_is_the_standard_invoice_of_its_order_line() -> None:
    original = original_among([detail("9CM", "CREDIT_MEMO", 20), detail()])
    assert original is not None and (original.number, original.moment) == ("1ABC", moment(4))


def test_an_original_that_amazon_names_wins() -> None:
    named = detail(
        "9CM", "CREDIT_MEMO", 20, associatedInvoiceNumber="JP-1", associatedInvoiceDate="2026-05-01T00:00:00Z"
    )
    original = original_among([detail(), named])
    assert original is not None and original.number == "JP-1"


def test_without_a_standard_invoice_there_is_no_original() -> None:
    assert original_among([detail("9CM", "CREDIT_MEMO")]) is None
