"""Where people read about an exception: the comment, the mails, the list; each with the rule, the money and its causes."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

from procurement.ledger.types import Finding
from procurement.ledger.waits import OpenInvoice
from procurement.matching import MatchResult
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.comments import exception_text, ruled
from procurement.pipelines.amazon_invoices_to_coupa.exception_list import COLUMNS, exception_rows
from procurement.pipelines.spreadsheets import csv_text
from procurement.routing import Route
from tests.unit.procurement.conftest import Make
from tests.unit.procurement.matches import match, usd

NOW = datetime(2026, 6, 10, tzinfo=UTC)
PRICE, RECEIVED = "tolerances.yml: default.price.over", "tolerances.yml: default.received.over"
ROUTE = Route(
    owners=("ap.lead",), do=("comment",), approver=None, dispute_reason=None, task_group=None, due_days=2, escalate_after_days=3,
    escalate_to=("ap.lead",),
)  # fmt: skip
MAKE = Make()
INVOICE = MAKE.invoice(MAKE.line(5, "12.95"))
ORDER = MAKE.order(MAKE.po_line(quantity=Decimal(5), received=Decimal(2), unit_price=usd("10.00")))


def matched() -> MatchResult:
    return match(INVOICE, ORDER, price={"absolute": "0"}, total=None)


def test_a_comment_says_what_differs_in_all_and_which_rules_decided() -> None:
    text = exception_text(
        INVOICE, matched(), orders=[ORDER], route=ROUTE, user_ids={}, due=date(2026, 6, 12), message=None, marker="m-1"
    )
    assert "In all USD 44.75 too much: quantity USD 38.85, price USD 5.90." in text
    assert RECEIVED in text and PRICE in text and text.count("Decided by") == 1
    assert text.endswith("[m-1]")


def test_a_difference_of_one_cause_is_not_told_twice() -> None:
    one = match(INVOICE, MAKE.order(MAKE.po_line(received=Decimal(5), unit_price=usd("10.00"))))
    text = exception_text(
        INVOICE, one, orders=[ORDER], route=ROUTE, user_ids={}, due=date(2026, 6, 12), message=None, marker="m-1"
    )
    assert "In all" not in text


def test_a_sentence_names_its_rule_where_one_decided() -> None:
    assert ruled("Too dear.", PRICE) == f"Too dear. ({PRICE})"
    assert ruled("No such PO line.", None) == "No such PO line."


def test_the_list_has_a_row_a_difference_and_its_causes_add_up_once() -> None:
    kept = matched().variance.kept()
    invoice = OpenInvoice(
        id=1, business_key="coupa/AMZN/=1+1", target_id="7", status="on_hold", outcome="exception",
        amount=Decimal("64.75"), currency="USD", payload={}, since=datetime(2026, 6, 1, 12, tzinfo=UTC),
    )  # fmt: skip
    findings = [
        Finding(1, "price", "Line 1: too dear.", "N", True, rule=PRICE, money=Money.of("5.90", "USD"), line="1"),
        Finding(2, "unit", "Line 1: packs of what?", "N", True),
    ]
    text = csv_text(COLUMNS, exception_rows(invoice, findings, kept, now=NOW))
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["invoice"], first["days"], first["rule"], first["money"]) == ("'=1+1", "8", PRICE, "5.90")
    assert (first["difference"], first["quantity"], first["price"], first["tax"]) == ("44.75", "38.85", "5.90", "0")
    assert (second["rule"], second["money"], second["difference"], second["quantity"]) == ("", "", "", "")


def test_an_exception_of_an_older_ledger_is_listed_without_causes() -> None:
    invoice = OpenInvoice(1, "coupa/AMZN/N1", "7", "on_hold", "exception", None, None, {}, NOW)
    finding = Finding(1, "price", "Too dear.", "N1", True)
    ((*_, difference, quantity, _, _, _, _, _, _, _, _),) = exception_rows(invoice, [finding], {}, now=NOW)
    assert (difference, quantity) == ("", "")
