"""The rule files of receipts refuse what would quietly do the wrong thing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procurement.errors import MappingError
from procurement.policies import Rules, read_rules

RECEIPTS = "amazon_deliveries_to_coupa_receipts.yml"


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("policies.yml", "asset_commodities: [Furniture]", "asset_commodities: [Furnitur]", "did you mean 'Furniture'"),
        ("policies.yml", "over_receipt: refuse", "over_receipt: tolerance", "needs over_receipt_percent"),
        ("policies.yml", "received_when: all_packages", "received_when: some_packages", "received_when"),
        (RECEIPTS, "{carrier} {tracking_ids}", "{carier}", "did you mean"),
        (RECEIPTS, "{carrier} {tracking_ids}", "{carrier", "a brace stands alone"),
        (RECEIPTS, "match_reference: invoice", "match_reference: order", "match_reference"),
    ],
)
def test_a_mistake_is_named(edited: Callable[..., Path], name: str, old: str, new: str, sentence: str) -> None:
    with pytest.raises(MappingError, match=sentence):
        read_rules(edited(name, old, new))


def test_notes_stay_within_what_coupa_keeps(rules: Rules) -> None:
    words: dict[str, Any] = {"carrier": "AMZN_US", "tracking_ids": ", ".join(f"TBA{n:012d}" for n in range(40))}
    notes = rules.receipts.notes_of(words, "A note.")
    assert len(notes) == 255 and notes.startswith("AMZN_US TBA")


def test_missing_words_leave_no_blanks(rules: Rules) -> None:
    assert rules.receipts.notes_of({"carrier": ""}, None) == ""
    assert rules.receipts.notes_of({"carrier": "AMZN_US"}, "A note.") == "AMZN_US A note."


def test_as_shipped_only_goods_that_went_back_reverse_a_receipt(rules: Rules) -> None:
    receipts = rules.policies.receipts
    assert receipts.reverses("Customer return") and receipts.reverses("Undeliverable")
    assert not receipts.reverses("Courtesy adjustment") and not receipts.reverses("Damaged")
    assert receipts.automatic_up_to == 250 and receipts.over_receipt == "refuse"
