"""What an approver's comments say about a question at the gate: the last clear word."""

from datetime import date
from decimal import Decimal

import pytest

from procurement.compliance.judging import Violation
from procurement.pipelines.compliance_questions import Question

pytestmark = pytest.mark.unit
VIOLATION = Violation(
    key="4500/asked/line 1", rule="asked", kind="restricted", severity="high", action="route", purchase="4500", amount=Decimal(10),
    currency="USD", sentence="It is restricted.", buyer="jane@example.com", cost_center="4100", seller="", commodity="",
    orders=("4500",), evidence=(), subject="asked|B01", shared=None, act_by=date(2026, 7, 3),
)  # fmt: skip
QUESTION = Question.of({"po-number": "4500", "version": 1}, [VIOLATION], "boss")
ASKED = {"id": 10, "comments": QUESTION.comment(1, 7)["text"], "created-by": {"login": "integration"}}


def row(id: int, text: str, by: str = "boss") -> dict[str, object]:
    return {"id": id, "comments": text, "created-by": {"login": by}}


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        ([], None),
        (["Let me see"], None),
        (["Approved"], "yes"),
        (["approved, hurry"], "yes"),
        (["Approved", "Rejected"], "no"),
        (["Rejected", "Approved"], "yes"),
        (["Approved", "No"], "no"),
        (["Approved", "Not approved after all"], "no"),
        (["Approved", "Declined"], "no"),
        (["Approved", "Denied: no budget"], "no"),
        (["Approved", "I withdraw this"], "no"),
        (["Approved", "Approval withdrawn"], "no"),
        (["Approved", "Thanks for asking"], "yes"),
        (["Approved", "No objection from my side"], "yes"),
        (["Approved", "Notes: deliver to dock 4"], "yes"),
    ],
)
def test_the_last_clear_word_counts(texts: list[str], word: str | None) -> None:
    rows = [ASKED, *(row(11 + n, text) for n, text in enumerate(texts))]
    answer = QUESTION.answer(rows[::-1], approved=False)
    assert (answer.word if answer else None) == word


def test_who_else_writes_and_what_was_written_before_the_question_say_nothing() -> None:
    rows = [row(9, "Approved"), ASKED, row(11, "Approved", by="jane"), row(12, "Rejected", by="jane")]
    assert QUESTION.answer(rows, approved=False) is None


def test_a_no_on_the_order_is_later_than_the_approval_of_its_requisition() -> None:
    assert (said := QUESTION.answer([], approved=True)) is not None and (said.word, said.comment) == ("yes", None)
    assert (said := QUESTION.answer([row(5, "Rejected")], approved=True)) is not None and said.word == "no"
    assert QUESTION.answer([row(5, "Rejected")], approved=False) is None
