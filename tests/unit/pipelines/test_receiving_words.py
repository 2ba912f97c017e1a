"""What is said of a whole purchase order: the word when all is received, another when it no longer is, one comment."""

import pytest

from procurement.ledger.types import PlannedDelivery
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.payloads import Said, progress
from procurement.policies import read_rules
from tests.unit.procurement.conftest import MAPPINGS
from tests.unit.procurement.receiving_world import po, po_line

MAPPING = read_rules(MAPPINGS).receipts
FIELD = "ab-order-status"


def planned(*, complete: bool, stands: str = "", words: int = 0, told: bool = False) -> list[PlannedDelivery]:
    order = po(po_line(), custom_fields={FIELD: stands})
    return list(progress(order, MAPPING, complete=complete, said=Said(words, told), after=None, version="v"))


def said(**situation: object) -> list[tuple[str, str]]:
    """The word, or "told", with the business key."""
    return [
        (one.payload["body"]["custom-fields"][FIELD] if one.action == "mark_received" else "told", one.business_key)
        for one in planned(**situation)  # type: ignore[arg-type]
    ]


def test_when_all_is_received_the_word_comes_first_and_then_the_comment() -> None:
    assert said(complete=True) == [("Received", "4500/received/1"), ("told", "4500/received")]
    word, comment = planned(complete=True)
    assert comment.after == word.name


def test_when_something_went_back_our_word_is_replaced() -> None:
    assert said(complete=False, stands="Received", words=1, told=True) == [("Not all received", "4500/received/2")]


def test_when_all_is_received_again_the_word_returns_and_nobody_is_told_twice() -> None:
    assert said(complete=True, stands="Not all received", words=2, told=True) == [("Received", "4500/received/3")]


@pytest.mark.parametrize(
    ("complete", "stands", "words"),
    [
        (True, "Received", 1),  # it stands
        (True, "Closed by Ana", 1),  # somebody wrote over ours
        (False, "Closed by Ana", 1),
        (False, "Received", 0),  # not ours
        (False, "Received", 2),  # somebody put it back
        (False, "", 0),
        (True, "Received", 2),
    ],
)
def test_what_stands_already_and_what_people_wrote_is_left_alone(complete: bool, stands: str, words: int) -> None:
    assert said(complete=complete, stands=stands, words=words, told=True) == []
