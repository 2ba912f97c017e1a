"""What the procurement team reads: the review list as mail and CSV, and a new supplier."""

import csv
import io
from pathlib import Path

from procurement.ledger.types import Known
from procurement.pipelines.amazon_suppliers_to_coupa import following, review
from procurement.policies import read_rules

RULES = read_rules(Path(__file__).parents[3] / "mappings")


def entry(name: str) -> review.Entry:
    return review.Entry(name, "a new seller past the rule (2 orders)", ("Bought: 2 orders, USD 5.00.",), "R-1 R-2")


def test_a_sellers_name_is_no_formula_in_a_spreadsheet() -> None:
    rows = list(csv.reader(io.StringIO(review.as_csv([entry("=HYPERLINK(1)"), entry('Pens, "best"')]))))
    assert rows[0] == list(review.COLUMNS)
    assert [row[0] for row in rows[1:]] == ["'=HYPERLINK(1)", 'Pens, "best"']


def test_a_long_list_is_whole_in_the_csv_and_cut_in_the_text() -> None:
    many = [entry(f"Seller {n}") for n in range(review.MOST_LISTED + 3)]
    mail = review.mail(many, RULES)
    assert "... and 3 more" in mail["text"] and "Seller 52" not in mail["text"]
    assert mail["attachments"][0]["text"].count("\n") == len(many) + 1
    assert mail["to"] == list(RULES.suppliers.procurement_team)


def test_a_new_supplier_is_told_with_what_is_missing_and_what_was_not_entered() -> None:
    payload = {
        "name": "Pens", "number": "ABS-1", "why": "past the rule (2 orders)", "still_missing": ["bank account"],
        "unknown_certificates": ["889 certification"], "expired_certificates": [],
        "body": {"status": "draft", "buyer-hold": True, "hold-payment-indicator": True, "diversities": [{"diversity-category": {"code": "MBE"}}]},
    }  # fmt: skip
    known = Known(id=1, action="create_supplier", business_key="Pens", state="delivered", claimed=True, target_id="7")
    text = following.mail(known, payload, RULES)["text"]
    for part in (
        "ABS-1 (id 7)",
        "on buyer hold",
        "payment on hold",
        "Diversity: MBE",
        "- bank account",
        "- 889 certification",
    ):
        assert part in text
    assert "expired" not in text
