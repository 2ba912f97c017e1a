"""Everything that can happen to an approved purchase, from requisition to matched invoice: what was planted comes out as it must."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from procurement.pipelines import amazon_invoices_to_coupa as invoices
from tests.integration.conftest import create_database
from tests.integration.pipelines.conftest import NOW
from tests.integration.pipelines.course import DAYS, PIPELINES, Course, Ended, look, open_course
from tests.integration.pipelines.test_contract import CHECKER

pytestmark = pytest.mark.integration
Json = dict[str, Any]


@pytest.fixture(scope="module")
def course(server_url: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    for opened in open_course("buying", tmp_path_factory.mktemp("course"), create_database(server_url)):
        opened.play()
        yield opened


@pytest.fixture(scope="module")
def ended(course: Course) -> Callable[[str], Ended]:
    return look(course)


NOT_ORDERED = {"held", "skipped", "not_ordered", "refused"}
ORDERED_WHOLE = {
    "ordered", "ordered_by_buyer", "received_whole", "received_in_part", "received_once", "received_and_matched", "receipt_reversed",
    "receipt_waits_for_a_person", "nothing_received", "cancelled", "cancelled_and_refunded", "buyer_told", "over_receipt",
}  # fmt: skip


def facts_of(course: Course, *expected: str) -> list[Json]:
    found = [fact for fact in course.facts if fact["expected"] in expected]
    assert found
    return found


def test_every_planted_purchase_has_an_expectation_that_is_tested(course: Course) -> None:
    assert {fact["expected"] for fact in course.facts} <= NOT_ORDERED | ORDERED_WHOLE | {
        "no_po",
        "ordered_in_part",
        "open",
    }


def test_what_was_approved_and_stands_is_ordered_to_the_last_unit(
    course: Course, ended: Callable[[str], Ended]
) -> None:
    for fact in facts_of(course, *ORDERED_WHOLE):
        end = ended(fact["po"])
        assert end.at_amazon, fact
        assert end.accepted == {line: int(units) for line, units in end.ordered.items()}, fact
        assert end.fate[0] == "delivered", (fact, end.fate)


def test_what_must_not_be_ordered_never_reaches_amazon_and_says_why(
    course: Course, ended: Callable[[str], Ended]
) -> None:
    for fact in facts_of(course, *NOT_ORDERED):
        end = ended(fact["po"])
        elsewhere = 1 if fact["situation"] == "ordered_elsewhere" else 0
        assert len(end.at_amazon) == elsewhere, fact
        state, reason = end.fate
        assert state in ("held", "skipped", "unseen"), (fact, end.fate)
        assert reason or state == "unseen", fact
    for fact in facts_of(course, "no_po"):
        assert ended(fact["po"]).order is None and ended(fact["po"]).at_amazon == []


def test_a_part_that_amazon_refuses_is_left_out_and_the_requester_hears_the_amount(
    course: Course, ended: Callable[[str], Ended]
) -> None:
    for fact in facts_of(course, "ordered_in_part"):
        end = ended(fact["po"])
        assert sum(end.accepted.values()) < sum(end.ordered.values()), fact
        assert all(end.accepted.get(line, 0) <= units for line, units in end.ordered.items())
        assert any("@[User:" in text and "not ordered" in text and "USD" in text for text in end.comments), end.comments


def test_several_orders_of_one_purchase_order_are_written_back_together(
    course: Course, ended: Callable[[str], Ended]
) -> None:
    fact = next(fact for fact in course.facts if fact["situation"] == "several_sellers")
    end = ended(fact["po"])
    ids = {row["orderMetadata"]["orderId"] for row in end.at_amazon}
    assert end.order is not None and len(ids) == 2
    assert set(end.order["custom-fields"]["ab-order-ids"].replace(",", " ").split()) == ids
    assert {line["supplier-order-number"] for line in end.order["order-lines"]} == ids
    assert end.order["custom-fields"]["ab-order-status"] in ("Order Placed", "Received")


@pytest.mark.parametrize(
    ("expected", "right"),
    [
        ("received_whole", lambda end, line: end.received() == end.ordered),
        ("received_and_matched", lambda end, line: end.received() == end.ordered),
        ("received_once", lambda end, line: end.received(line) == {k: v for k, v in end.ordered.items() if line in (None, k)}),
        ("received_in_part", lambda end, line: 0 < sum(end.received().values()) < sum(end.ordered.values())),
        ("receipt_waits_for_a_person", lambda end, line: sum(end.received(line).values()) == 0),
        ("nothing_received", lambda end, line: sum(end.received().values()) == 0),
        ("receipt_reversed", lambda end, line: sum(end.received().values()) == 0),
        ("over_receipt", lambda end, line: all(end.received()[k] <= v for k, v in end.ordered.items())),
        ("cancelled", lambda end, line: sum(end.received().values()) == 0),
        ("cancelled_and_refunded", lambda end, line: sum(end.received().values()) == 0),
    ],
)  # fmt: skip
def test_what_was_delivered_is_received_and_nothing_else(
    course: Course, ended: Callable[[str], Ended], expected: str, right: Callable[[Ended, str | None], bool]
) -> None:
    for fact in facts_of(course, expected):
        end = ended(fact["po"])
        assert right(end, fact.get("line")), (fact, end.received(), end.ordered)


def test_people_are_asked_to_receive_what_policy_leaves_to_them_once(
    course: Course, ended: Callable[[str], Ended]
) -> None:
    for fact in facts_of(course, "receipt_waits_for_a_person"):
        comments = ended(fact["po"]).comments
        assert len([text for text in comments if "receive" in text.lower() and "@[User:" in text]) >= 1, comments
        assert len(set(comments)) == len(comments), "never the same message twice"


def test_the_buyer_is_told_of_a_purchase_order_cancelled_after_it_was_ordered(
    course: Course, ended: Callable[[str], Ended]
) -> None:
    (fact,) = facts_of(course, "buyer_told")
    end = ended(fact["po"])
    order_id = end.at_amazon[0]["orderMetadata"]["orderId"]
    assert any(order_id in text and "cancel" in text.lower() for text in end.comments), end.comments


def test_the_story_ends_with_every_invoice_of_its_order_matched(course: Course, ended: Callable[[str], Ended]) -> None:
    (fact,) = facts_of(course, "received_and_matched")
    order = ended(fact["po"]).order
    assert order is not None
    lines = {line["id"] for line in order["order-lines"]}
    numbers = [
        invoice["invoice-number"]
        for invoice in course.pair.state("coupa", "invoices")
        if lines & {line["order-line-id"] for line in invoice["invoice-lines"]}
    ]
    keys = [f"acme/AMZN-US/{number}" for number in numbers]
    known = course.ledger.deliveries.known(invoices.PIPELINE, "create_invoice", keys)
    assert [row.outcome for row in known.values()] == ["matched"] * 2


def test_every_refund_is_a_credit_note_that_names_the_invoice_it_takes_back(course: Course) -> None:
    """Amazon names the refunded charge, and the charge's invoice number is what Coupa must be told."""
    transactions = course.pair.state("amazon", "transactions")
    charged = {row["transactionId"]: row["invoiceNumber"] for row in transactions if row["transactionType"] == "CHARGE"}
    refunds = {
        row["invoiceNumber"]: charged[row["associatedTransactionDetails"][0]["associatedTransactionId"]]
        for row in transactions
        if row["transactionType"] != "CHARGE"
    }
    notes = {
        row["invoice-number"]: row["original-invoice-number"]
        for row in course.pair.state("coupa", "invoices")
        if row["document-type"] == "Credit Note"
    }
    assert len(refunds) == 4 and notes == refunds


def test_money_and_documents_of_all_pipelines_add_up(course: Course) -> None:
    for pipeline in PIPELINES:
        population = course.ledger.completeness.population(pipeline.PIPELINE)
        assert population.complete and population.documents.seen > 0, pipeline.PIPELINE


def test_no_line_is_ordered_billed_or_received_beyond_its_purchase_order(course: Course) -> None:
    placed = [
        row
        for row in course.pair.state("amazon", "order_lines")
        if str(row.get("purchaseOrderNumber")).startswith("46")
    ]
    orders = {row["po-number"]: row for row in course.pair.state("coupa", "purchase_orders")}
    units: dict[tuple[str, str], Decimal] = {}
    for row in placed:
        key = (row["purchaseOrderNumber"], row["purchaseOrderLineItemNumber"])
        units[key] = units.get(key, Decimal(0)) + row["quantity"]
    assert units
    for (number, line_number), count in units.items():
        line = next(row for row in orders[number]["order-lines"] if row["line-num"] == line_number)
        assert count <= Decimal(str(line["quantity"])), (number, line_number)
        assert Decimal(str(line["received"])) <= Decimal(str(line["quantity"])), (number, line_number)


def test_a_day_on_which_nothing_happens_writes_nothing(course: Course) -> None:
    before = course.writes()
    course.run_all(NOW + timedelta(days=DAYS[-1]))
    assert course.writes() == before


def test_every_exchange_keeps_the_vendors_published_models(course: Course) -> None:
    if not CHECKER.exists():
        pytest.skip(f"{CHECKER} is not here: the exchanges were NOT held against the vendors' models")
    done = subprocess.run(
        [sys.executable, str(CHECKER), str(course.recording)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
