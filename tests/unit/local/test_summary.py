"""The summary says in finance's words exactly what summary.json holds."""

from decimal import Decimal
from typing import Any

import pytest

from local.summary import dispositions, match_values, most_interesting, render, render_variance
from procurement.ledger.account import Account
from procurement.ledger.types import Known

pytestmark = pytest.mark.unit
EXCEPTION = {
    "document": "INV-1",
    "kind": "price",
    "sentence": "Line 1: billed 12.00, ordered 10.00.",
    "amount": "1200.5",
    "currency": "USD",
}


def values(**changes: Any) -> dict[str, Any]:
    money = {"seen": "4469.66", "delivered": "4000.00", "waiting": "0", "held": "0", "skipped": "0", "dead": "469.66"}
    documents = {"seen": 149, "delivered": 140, "waiting": 0, "held": 0, "skipped": 0, "dead": 9}
    matched = {"invoices": 100, "money": {"USD": "3000.00"}}
    none: dict[str, Any] = {"invoices": 0, "money": {}}
    return {
        "world": {"name": "quarter", "now": "2026-11-24T10:00:00+00:00", "orders_report": None},
        "pipelines": {
            "amazon_invoices_to_coupa": {
                "documents": documents,
                "money": {"USD": money},
                "reasons": [{"state": "dead", "reason": "no purchase order", "documents": 9}],
                "matches": {
                    "matched": matched,
                    "within_tolerance": none,
                    "waiting_for_receipt": none,
                    "exception": none,
                },
            }
        },
        "exceptions": [EXCEPTION],
        "writes": {"coupa": 280, "amazon_business": 0},
        "alerts": [{"subject": "9 dead letters", "to": "ap@example.com", "file": "1.eml", "this_run": True}],
        "look": {
            "airflow": "http://a",
            "user": "admin",
            "amazon_business": "http://b",
            "coupa": "http://c",
            "recording": "r",
            "mails": "m",
        },
        **changes,
    }


def test_the_differences_are_summed_by_cause_and_currency() -> None:
    rows = [
        EXCEPTION | {"variance": {"quantity": "38.85", "price": "-1.00"}},
        EXCEPTION | {"variance": {"quantity": "1.15"}},
        EXCEPTION | {"currency": "JPY", "variance": {"tax": "7"}},
        EXCEPTION | {"currency": "EUR", "variance": {}},
    ]
    assert render_variance(rows) == [
        "  In all JPY 7.00 beyond what orders and receipts justify: tax 7.00",
        "  In all USD 39.00 beyond what orders and receipts justify: quantity 40.00, price -1.00",
    ]
    assert "  In all USD 39.00" in render(values(exceptions=rows), keep=False)


@pytest.mark.parametrize("differences", [0, 12])
def test_the_reconciliation_is_one_line_and_its_first_differences(differences: int) -> None:
    rows = [
        {"kind": "doubled", "invoice_number": f"N-{n}", "transaction": None, "sentence": "Twice."}
        for n in range(differences)
    ]
    found = {"line": "Reconciled 398 transactions, 309 invoices, USD 217,696.26: green", "differences": rows}
    text = render(values(reconciliation=found), keep=False)
    assert "\nReconciled 398 transactions, 309 invoices, USD 217,696.26: green\n" in text
    assert text.count(": Twice.") == min(differences, 10)
    assert ("... and 2 more" in text) == (differences == 12)


def test_documents_money_matches_reasons_and_alerts_are_all_told() -> None:
    text = render(values(), keep=False)
    for said in (
        "149",
        "4,469.66",
        "140",
        "469.66",
        "3,000.00",
        "no purchase order",
        "9 dead letters",
        "http://a",
        "Written in this run: 280 to Coupa, 0 to Amazon Business.",
    ):
        assert said in text


def test_an_exception_is_one_sentence_with_its_document_and_amount() -> None:
    assert "INV-1 (USD 1,200.50): Line 1: billed 12.00, ordered 10.00." in render(values(), keep=False)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 invoice needs a decision; it has a comment in Coupa for its reviewer.\n"),
        (2, "2 invoices need a decision; each has a comment in Coupa for its reviewer.\n"),
        (5, "5 invoices need a decision; each has a comment in Coupa for its reviewer. 3 of them:\n"),
    ],
)
def test_it_says_how_many_need_a_decision_and_how_many_of_them_it_shows(count: int, said: str) -> None:
    rows = [EXCEPTION | {"document": f"INV-{number}"} for number in range(count)]
    text = render(values(exceptions=rows), keep=False)
    assert said in text
    assert text.count("billed 12.00") == min(count, 3)


def test_a_run_that_wrote_nothing_says_so() -> None:
    text = render(values(writes={"coupa": 0, "amazon_business": 0}), keep=False)
    assert "Nothing new was written to Coupa or Amazon" in text


def test_every_pipeline_has_its_row_and_what_it_left_its_reason() -> None:
    orders = {
        "documents": {"seen": 31, "delivered": 20, "waiting": 1, "held": 8, "skipped": 2, "dead": 0},
        "money": {},
        "reasons": [{"state": "held", "reason": "the price is over the ceiling", "documents": 8}],
    }
    pipelines = {"coupa_requisitions_to_amazon_orders": orders, **values()["pipelines"]}
    text = render(values(pipelines=pipelines), keep=False)
    row = next(line for line in text.splitlines() if line.startswith("Orders (purchase orders)"))
    assert row.split()[3:] == ["31", "20", "1", "8", "2", "0"]
    assert "8  held: the price is over the ceiling" in text


def test_the_story_of_one_purchase_is_told_by_the_business_clock() -> None:
    events = [{"at": "2026-11-24T10:00:00+00:00", "what": "Coupa: approved by Helen Osei"}]
    text = render(values(story={"po": "4600001", "events": events}), keep=False)
    assert "PO 4600001" in text
    assert "2026-11-24 10:00  Coupa: approved by Helen Osei" in text


def test_mails_of_earlier_runs_are_not_told_as_sent_again() -> None:
    alerts = [{"subject": "9 dead letters", "to": "ap@example.com", "file": "1.eml", "this_run": False}]
    text = render(values(alerts=alerts), keep=False)
    assert "Mails sent in this run: 0 (and 1 by earlier runs)" in text
    assert "ap@example.com" not in text


def test_a_world_without_exceptions_says_that_nobody_needs_to_decide() -> None:
    assert "No invoice needs a decision" in render(values(exceptions=[]), keep=False)


def test_a_report_reappears_with_its_rows_orders_and_money() -> None:
    part = {"where": "delivered: invoice in Coupa", "rows": 186, "money": "4469.66"}
    report = {"rows": 186, "orders": 138, "currency": "USD", "money": "4469.66", "parts": [part], "unaccounted": []}
    text = render(values(report=report), keep=False)
    assert "186 rows, 138 orders, USD 4,469.66" in text
    assert "delivered: invoice in Coupa" in text


@pytest.mark.parametrize(("keep", "said"), [(True, "make down"), (False, "make up")])
def test_the_addresses_come_with_whether_anything_answers_there(keep: bool, said: str) -> None:
    assert said in render(values(), keep=keep)


def test_the_three_exceptions_tell_three_different_things_dearest_first() -> None:
    rows = [
        {"document": "A", "kind": "price", "sentence": "", "amount": "900"},
        {"document": "B", "kind": "price", "sentence": "", "amount": "800"},
        {"document": "C", "kind": "quantity", "sentence": "", "amount": "10"},
        {"document": "D", "kind": "tax", "sentence": "", "amount": "-20"},
    ]
    assert [row["document"] for row in most_interesting(rows)] == ["A", "D", "C"]
    assert [row["document"] for row in most_interesting(rows[:2])] == ["A", "B"]


def test_money_of_a_match_outcome_is_exact_and_apart_by_currency() -> None:
    known = [
        Known(number, "submit", f"s/INV-{number}", "delivered", True, amount=Decimal(amount), currency=currency)
        for number, amount, currency in ((1, "0.10", "USD"), (2, "0.20", "USD"), (3, "-5.00", "EUR"))
    ]
    assert match_values(known) == {"invoices": 3, "money": {"EUR": "-5.00", "USD": "0.30"}}


def test_the_words_of_the_summary_are_those_of_the_completeness_rule() -> None:
    account = Account(seen=Decimal(3), delivered=Decimal(1), dead=Decimal(2))
    told = dispositions(account)
    assert told.pop("seen") == sum(told.values()) == Decimal(3)


def test_each_pipeline_that_governs_tells_one_story() -> None:
    told = {"amazon_catalog_to_coupa": "B0 waits for its owner: up 22 %", "purchase_compliance": "order 1: no PO."}
    text = render(values(stories=told), keep=False)
    assert "Catalog: B0 waits for its owner: up 22 %" in text
    assert "Compliance: order 1: no PO." in text
