"""The original of a credit memo: Amazon's word first, then the charges that the ledger holds."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from connectors.amazon_business.payloads import OrderLineKey
from procurement.ledger.transaction_lines import TransactionLine
from procurement.pipelines.amazon_invoices_to_coupa.identity import Original
from procurement.pipelines.amazon_invoices_to_coupa.pairing import NEVER_SEEN, NO_NUMBER, Unknown, named_originals
from tests.unit.pipelines.builders import KEY, detail, group, moment

OTHER = OrderLineKey("112-1", "61", "DhA2")


def note(number: str = "9CM") -> Any:
    refund = group(number, transactionId="R", transactionType="REFUND")
    return SimpleNamespace(group=refund, identity=SimpleNamespace(number=number))


def line(
    key: str, amount: str = "43.28", *, number: str | None = "1ABC", shipment: str | None = "DhA1", day: int = 1
) -> TransactionLine:
    return TransactionLine(
        key=key, subkind="REFUND" if amount.startswith("-") else "CHARGE", order_id="112-1", order_line_id="61",
        shipment_id=shipment, quantity=Decimal(2), dated_at=datetime(2026, 6, day, tzinfo=UTC), po_line_number="1", asin=None,
        reason=None, amount=Decimal(amount), currency="USD", number=number,
    )  # fmt: skip


REFUND = line("R", "-43.28", number="9CM", day=9)


class Asked:
    """A ledger and an Amazon that remember what they were asked."""

    def __init__(self, *lines: TransactionLine, **details: Any) -> None:
        self.lines, self.details = lines, details
        self.orders: list[str] = []
        self.keys: list[OrderLineKey] = []
        self.account = "sandbox"

    def sold(self, order_ids: Any) -> list[TransactionLine]:
        self.orders += order_ids
        return list(self.lines)

    def invoice_details(self, order_lines: Any) -> Any:
        for key in order_lines:
            self.keys.append(key)
            if key.shipment_id in self.details:
                yield SimpleNamespace(
                    order_line=SimpleNamespace(key=key), invoice_details=self.details[key.shipment_id]
                )


def named(asked: Asked, *details: Any) -> Any:
    draft = note()
    return named_originals([draft], {KEY: list(details)}, sold=asked.sold, amazon=asked).originals["9CM"]


def test_the_one_standard_invoice_of_the_line_needs_no_further_question() -> None:
    asked = Asked()
    assert named(asked, detail("9CM", "CREDIT_MEMO", 20), detail()) == Original("1ABC", moment(4))
    assert (asked.orders, asked.keys) == (["112-1"], [])


def test_what_amazon_names_wins_over_everything() -> None:
    said = detail("9CM", "CREDIT_MEMO", associatedInvoiceNumber="JP", associatedInvoiceDate="2026-05-01T00:00:00Z")
    asked = Asked(line("C"), REFUND)
    assert named(asked, said).number == "JP"
    assert asked.keys == []


def test_of_several_invoices_the_one_of_its_shipment_is_the_original() -> None:
    asked = Asked(
        line("C1", number="1AAA", shipment="DhA2"),
        line("C2", number="1BBB"),
        REFUND,
        DhA1=[detail("1AAA", day=3), detail("1BBB", day=5)],
    )
    assert named(asked, detail("1AAA", day=3), detail("1BBB", day=5)) == Original("1BBB", moment(5))
    assert (asked.orders, asked.keys) == (["112-1"], [KEY])


def test_where_the_details_say_nothing_the_charge_names_it_and_amazon_its_date() -> None:
    asked = Asked(line("C1", number="1AAA", shipment="DhA2"), REFUND, DhA2=[detail("1AAA", day=6)])
    assert named(asked) == Original("1AAA", moment(6))
    assert asked.keys == [OTHER]


def test_a_charge_on_a_consolidated_invoice_leads_to_its_number() -> None:
    asked = Asked(line("C1"), REFUND, DhA1=[detail(consolidatedInvoiceDetails={"invoiceNumber": "C-1"})])
    assert named(asked).number == "C-1"


def test_a_charge_that_has_no_number_yet_makes_it_wait_unless_amazon_has_one_by_now() -> None:
    assert named(Asked(line("C1", number=None), REFUND)) is NO_NUMBER
    assert named(Asked(line("C1", number=None), REFUND, DhA1=[detail("1NEW")])) == Original("1NEW", moment(4))
    assert named(Asked(line("C1", number=None), REFUND, DhA1=[detail("1NEW"), detail("2NEW")])) is NO_NUMBER


def test_an_original_without_a_date_waits_for_it() -> None:
    expected = Unknown("Amazon gives no date for its original invoice 1ABC yet")
    assert named(Asked(line("C1"), REFUND)) == expected
    assert named(Asked(line("C1", shipment=None), REFUND)) == expected


def test_a_refund_to_an_invoice_never_seen_says_so() -> None:
    assert named(Asked(REFUND)) is NEVER_SEEN
    assert named(Asked()) is NEVER_SEEN


def test_several_invoices_and_no_charge_leave_the_earliest() -> None:
    assert named(Asked(), detail("1AAA", day=3), detail("1BBB", day=5)) == Original("1AAA", moment(3))


def test_a_memo_over_several_invoices_is_for_a_person_who_gets_their_names() -> None:
    refund = group("9CM", transactionId="R", transactionType="REFUND")
    more = group(
        "9CM", transactionId="R2", transactionType="REFUND", line={"shipmentId": "DhA2", "orderLineItemId": "62"}
    )
    refund.candidates += more.candidates
    draft: Any = SimpleNamespace(group=refund, identity=SimpleNamespace(number="9CM"))
    details = {KEY: [detail("1AAA")], OrderLineKey("112-1", "62", "DhA2"): [detail("1BBB")]}
    asked = Asked()
    found = named_originals([draft], details, sold=asked.sold, amazon=asked).originals["9CM"]
    assert isinstance(found, Unknown) and found.final and "several invoices (1AAA, 1BBB)" in found.reason
    details[OrderLineKey("112-1", "62", "DhA2")] = [detail("1AAA")]
    assert named_originals([draft], details, sold=asked.sold, amazon=asked).originals["9CM"] == Original(
        "1AAA", moment(4)
    )


def test_a_line_whose_charge_has_no_number_yet_makes_the_whole_memo_wait() -> None:
    refund = group("9CM", transactionId="R", transactionType="REFUND", line={"shipmentId": "DhA2"})
    refund.candidates += group(
        "9CM", transactionId="R2", transactionType="REFUND", line={"orderLineItemId": "62"}
    ).candidates
    other = replace(line("C2", number=None, shipment="DhA1"), order_line_id="62")
    back = replace(line("R2", "-43.28", number="9CM"), order_line_id="62")
    asked = Asked(line("C1", shipment="DhA2"), other, back)
    draft: Any = SimpleNamespace(group=refund, identity=SimpleNamespace(number="9CM"))
    found = named_originals([draft], {OTHER: [detail()]}, sold=asked.sold, amazon=asked)
    assert found.originals["9CM"] is NO_NUMBER


def test_what_is_paid_back_beyond_the_charge_is_told_by_memo() -> None:
    asked = Asked(line("C1", "40.00"), REFUND)
    found = named_originals([note()], {KEY: [detail()]}, sold=asked.sold, amazon=asked)
    assert found.over == {"9CM": Decimal("3.28")}
    asked = Asked(line("C1", "50.00"), REFUND)
    assert named_originals([note()], {KEY: [detail()]}, sold=asked.sold, amazon=asked).over == {}


def test_a_batch_without_credit_notes_asks_nobody() -> None:
    asked = Asked()
    charge: Any = SimpleNamespace(group=group(), identity=SimpleNamespace(number="1ABC"))
    assert named_originals([charge], {KEY: [detail()]}, sold=asked.sold, amazon=asked).originals == {}
    assert (asked.orders, asked.keys) == ([], [])
