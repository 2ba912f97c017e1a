"""The rule files of receipts refuse what would quietly do the wrong thing."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.errors import MappingError
from procurement.mapping.receipt_grammar import read_name
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.surroundings import read_receipt
from procurement.policies import Rules, read_rules

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
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


def test_a_return_says_in_notes_and_name_which_receipt_goes_back(rules: Rules) -> None:
    body = rules.receipts.goods_return(
        key="112-1/401/61230000000001", sequence=3, po_line_id=11, units=Decimal("1.0"), returned_at=NOW, receipt_id=61,
        match_reference="401", note="Went back to Amazon: " + "x" * 255,
    )  # fmt: skip
    assert body["notes"].startswith("Return of receipt 61. Went back") and len(body["notes"]) == 255
    name = body["custom-fields"]["external-id"]
    assert (name, read_name(name)) == ("112-1/401/61230000000001/3-of-61", (3, 61))


def test_what_coupa_alone_may_say_of_a_receipt_is_never_sent(rules: Rules) -> None:
    body = rules.receipts.goods_return(
        key="112-1/401/L1", sequence=2, po_line_id=11, units=Decimal(1), returned_at=NOW, receipt_id=61,
        match_reference="401", note="Went back",
    )  # fmt: skip
    assert not {"original-transaction-id", "original-transaction", "status", "voided-value", "comments"} & body.keys()


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("112-1/401/61230000000001/1", (1, None)),
        ("112-1/401/L1/12-of-7", (12, 7)),
        ("keyed by hand", (0, None)),
        ("", (0, None)),
    ],
)
def test_the_number_in_a_name_is_read_back(name: str, read: tuple[int, int | None]) -> None:
    assert read_name(name) == read


def test_a_return_is_of_the_receipt_that_coupa_tells_else_of_the_one_in_its_name() -> None:
    raw = {
        "id": 70,
        "type": "ReceivingQuantityReturnToSupplier",
        "quantity": "1.0",
        "custom-fields": {"external-id": "112-1/401/L1/2-of-61"},
    }
    assert read_receipt(raw, "external-id").original_id == 61
    assert read_receipt({**raw, "original-transaction-id": 60}, "external-id").original_id == 60
    assert read_receipt({**raw, "custom-fields": {}}, "external-id").original_id is None
